// What the declarations of ./ai and ./react promise. It is compiled with both majors of the AI SDK.

import { experimental_useObject as useObject, useChat } from "@ai-sdk/react";
import type { ChatTransport, UIMessage } from "ai";
import { StreamingLlmTransport, objectFetch } from "streaming-llm-client/ai";
import { StreamError, useStream, type Status } from "streaming-llm-client/react";
import { z } from "zod";

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function is<Claim extends true>(): Claim | void {}

type Message = UIMessage<unknown, { answer: { summary?: string } }>;

export const transport: ChatTransport<Message> = new StreamingLlmTransport<Message>({
  api: "/v1/stream",
  body: (messages) => ({ prompt: messages.at(-1)?.id }),
  name: "answer",
  headers: { authorization: "token" },
  retries: 0,
});

const schema = z.object({ count: z.string().transform((text) => text.length) });

export function useAll(): void {
  useChat<Message>({ transport });
  const { object } = useObject({
    api: "/v1/stream",
    schema,
    fetch: objectFetch({ onComplete: ({ usage }) => usage?.inputTokens }),
  });
  is<Same<NonNullable<typeof object>["count"], number | undefined>>();

  const { partial, value, problem, status, submit, stop } = useStream("/v1/stream", { schema });
  is<Same<typeof partial, { count?: string } | undefined>>();
  is<Same<typeof value, { count: number } | undefined>>();
  is<Same<typeof problem, StreamError | undefined>>();
  is<Same<typeof status, Status>>();
  submit({ prompt: "Why?" });
  stop();

  const typed = useStream<{ a: string[] }>("/v1/stream");
  is<Same<typeof typed.value, { a: string[] } | undefined>>();
  // @ts-expect-error without a schema, nobody knows the type
  useStream("/v1/stream").value.a;
}
