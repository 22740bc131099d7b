// What the declarations promise. `npm run check` compiles this file as a bundler and as Node resolve the package.

import { Client, StreamCut, StreamError } from "streaming-llm-client";
import type { Code, DeepPartial, Event, FailureProblem, Final, Json, Usage } from "streaming-llm-client";
import { z } from "zod";

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function is<Claim extends true>(): Claim | void {}

const client = new Client("https://example.com/v1/stream", {
  headers: async ({ url, method, headers, body }) => ({ ...headers, signature: `${method}${url}${body ?? ""}` }),
  fetch,
  retries: 0,
  timeout: { start: 1, silence: 1 },
});

export async function withASchema(): Promise<void> {
  const schema = z.object({
    summary: z.string().transform((text) => text.length),
    keywords: z.array(z.object({ word: z.string() })),
    more: z.record(z.string(), z.unknown()).optional(),
  });
  const stream = client.stream({ prompt: "Why?" }, { schema, signal: new AbortController().signal });
  for await (const partial of stream) {
    is<Same<typeof partial.summary, string | undefined>>();
    is<Same<NonNullable<typeof partial.keywords>[number]["word"], string | undefined>>();
  }
  const { value, usage, stopReason, requestId, model } = await stream.final();
  is<Same<typeof value, z.output<typeof schema>>>();
  is<Same<typeof value.summary, number>>();
  is<Same<typeof usage, Usage | null>>();
  is<Same<typeof stopReason, string>>();
  is<Same<typeof requestId, string | undefined>>();
  is<Same<typeof model, string | undefined>>();
  is<Same<typeof usage extends infer U ? NonNullable<U> : never, Usage>>();
}

interface Answer {
  summary: string;
  keywords: string[];
}

export async function withATypeArgument(): Promise<void> {
  const stream = client.stream<Answer>("Why?", { onEvent: (event) => is<Same<typeof event, Event>>() });
  for await (const partial of stream) is<Same<typeof partial, DeepPartial<Answer>>>();
  is<Same<Awaited<ReturnType<typeof stream.final>>, Final<Answer>>>();
}

export async function withNeither(): Promise<void> {
  const stream = client.stream({ prompt: "Why?" });
  for await (const partial of stream) is<Same<typeof partial, unknown>>();
  is<Same<Awaited<ReturnType<typeof stream.final>>["value"], unknown>>();
  // @ts-expect-error without a schema, nobody knows the type
  (await stream.final()).value.summary;
}

export function failures(error: unknown): string {
  if (error instanceof StreamCut) is<Same<typeof error extends StreamError ? true : false, true>>();
  if (!(error instanceof StreamError)) throw error;
  is<Same<typeof error.status, number | undefined>>();
  is<Same<typeof error.retryAfter, number | undefined>>();
  is<Same<typeof error.requestId, string | undefined>>();
  is<Same<typeof error.problem, FailureProblem | undefined>>();
  is<Same<typeof error.partial, unknown>>();
  const code: Code = error.code;
  if (code === "model_busy" || code === "THROTTLED" || code === "http_502" || code === "cut") return "again";
  return code;
}

export function events(event: Event): Json {
  if (event.type === "delta") return event.changes.map(({ path }) => path);
  if (event.type === "thinking") return event.text ?? "";
  return event.type === "complete" ? event.value : null;
}

// @ts-expect-error a client needs a URL
new Client();
// @ts-expect-error a schema is a Standard Schema
client.stream({}, { schema: {} });
