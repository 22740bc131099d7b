import { StreamError } from "./errors.js";
import type { FailureProblem } from "./events.js";


/** What is sent, for a function that signs it or adds a token. */
export interface OutgoingRequest {
  readonly url: string;
  readonly method: "POST";
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
}

export interface ClientOptions {
  /** Headers of each request. A function is called before each attempt: it can get a token, or sign the request. */
  readonly headers?: HeadersInit | ((request: OutgoingRequest) => HeadersInit | Promise<HeadersInit>) | undefined;
  /** Sends the requests, instead of the global `fetch`. */
  readonly fetch?: typeof globalThis.fetch | undefined;
  /** How often a request is sent again at most; 2 by default, 0 for never. */
  readonly retries?: number | undefined;
  /** How long the response may be silent. */
  readonly timeout?: Timeout | undefined;
}

/** Milliseconds without a byte from the endpoint. */
export interface Timeout {
  /** Before the first event; 300,000 by default. */
  readonly start?: number | undefined;
  /** From the first event on; 30,000 by default. The endpoint sends a heartbeat after 3 s of silence. */
  readonly silence?: number | undefined;
}

/** JSON Lines: each event is one line, and an empty line is a heartbeat. */
const FORMAT = "application/jsonl";

/** Sends a request once, and returns its response, whatever its status. */
export async function send(
  url: string,
  body: string | undefined,
  { headers, fetch = globalThis.fetch }: ClientOptions,
  signal: AbortSignal,
): Promise<Response> {
  const request = { url, method: "POST", headers: { accept: FORMAT, "content-type": "application/json" }, body } as const;
  const all = new Headers(typeof headers === "function" ? await headers(request) : headers);
  all.set("accept", FORMAT);
  all.set("content-type", "application/json");
  return fetch(url, { ...request, headers: all, signal } as RequestInit).catch((cause) => {
    throw unanswered(cause);
  });
}

/** There was no response. */
export function unanswered(cause: unknown): StreamError {
  return new StreamError("network", `No response: ${cause}`, { cause });
}

/** The response is not what the endpoint sends. */
export function unexpected(cause: unknown): StreamError {
  return new StreamError("protocol", `Not a stream of events: ${cause}`, { cause });
}

/** Returns the body of a response that is a stream of events. */
export async function opened(response: Response): Promise<ReadableStreamDefaultReader<Uint8Array>> {
  // Something between the endpoint and this client can respond without a problem: then there is only the status.
  if (response.status !== 200)
    throw failure(await response.json().catch(() => undefined), `http_${response.status}`);
  if (response.headers.get("content-type")?.toLowerCase().startsWith(FORMAT)) return response.body!.getReader();
  throw unexpected("is the URL right?");
}

/** Returns the error that a problem describes. A body without a code describes none: the code is then `otherwise`. */
export function failure(given: FailureProblem | undefined, otherwise = "protocol"): StreamError {
  const problem = given?.code && typeof given.code === "string" ? given : undefined;
  const code = problem?.code ?? otherwise;
  return new StreamError(code, `${problem?.title ?? "The request failed"} (${code})`, { problem });
}

/** The seconds of the header `Retry-After`, which the endpoint never sends as a date; a date is none. */
export function retryAfter(response: Response | undefined): number | undefined {
  const seconds = parseInt(response?.headers.get("retry-after") ?? "");
  return seconds >= 0 ? seconds : undefined;
}
