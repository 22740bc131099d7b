/** One request, and everything that arrives of its response, with the time of each. */

import { Client } from "./client.js";

/** The only format that the client reads. */
const JSON_LINES = "application/jsonl";
const RAW_TEXT = "text/plain";
const SSE = "text/event-stream";

/** A failure of a response in raw text, with the members of the client's `StreamError`. */
class RawTextError extends Error {
  constructor(code, message, response, problem) {
    super(message);
    this.code = code;
    this.status = response?.status;
    this.requestId = response?.headers.get("X-Request-Id") ?? undefined;
    this.problem = problem;
    const retryAfter = Number.parseFloat(response?.headers.get("Retry-After") ?? "");
    this.retryAfter = Number.isNaN(retryAfter) ? undefined : retryAfter;
  }
}

/**
 * Send `request` and yield what is known after each step: `{ partial }` or `{ text }`, last `{ final }`.
 *
 * `seen` is told what arrives, when it arrives: `onHead()`, `onChunk(size)`, `onLine(text)` for each line or piece of
 * raw text, and `onEvent(event)` for each event that the client has read. A failure is thrown: a `StreamError` of the
 * client, or one with the same members.
 */
export async function* send(request, { url, format, headers, signal, seen }) {
  const watched = watch(seen, format);
  if (format === RAW_TEXT) {
    yield* readRawText(request, { url, headers, signal, fetch: watched, seen });
    return;
  }
  const client = new Client(url, { headers, fetch: watched, retries: 0 });
  const stream = client.stream(request, { signal, onEvent: (event) => seen.onEvent(event) });
  for await (const partial of stream) yield { partial };
  yield { final: await stream.final() };
}

/** Return a `fetch` that reports what it receives to `seen`. It asks for `format`, and gives the client JSON Lines. */
function watch(seen, format) {
  return async (url, init) => {
    const headers = new Headers(init.headers);
    headers.set("Accept", format);
    const response = await fetch(url, { ...init, headers });
    seen.onHead(response.status);
    if (!response.body) return response;
    const isSse = response.headers.get("Content-Type")?.startsWith(SSE);
    let body = response.body.pipeThrough(sizes(seen));
    if (isSse) body = body.pipeThrough(asJsonLines());
    if (response.ok && format !== RAW_TEXT) body = body.pipeThrough(reported(seen));
    const fields = new Headers(response.headers);
    if (isSse) fields.set("Content-Type", JSON_LINES);
    return new Response(body, { status: response.status, statusText: response.statusText, headers: fields });
  };
}

/** Pass bytes on, and report the size of each chunk. */
function sizes(seen) {
  return new TransformStream({
    transform(chunk, controller) {
      seen.onChunk(chunk.byteLength);
      controller.enqueue(chunk);
    },
  });
}

/** Pass lines on, and report each; an empty one is a heartbeat. */
function reported(seen) {
  return lines((line, controller) => {
    seen.onLine(line.trim() || "heartbeat");
    controller.enqueue(new TextEncoder().encode(line));
  });
}

/** Turn Server-Sent Events into lines: the data of each message, and an empty line for each comment. */
function asJsonLines() {
  return lines((line, controller) => {
    if (line.startsWith("data: ")) controller.enqueue(new TextEncoder().encode(line.slice("data: ".length)));
    else if (line.startsWith(":")) controller.enqueue(new TextEncoder().encode("\n"));
  });
}

/** Give each line with its end to `take`, and at the end what follows the last one, if there is anything. */
function lines(take) {
  const decoder = new TextDecoder();
  let pieces = [];
  return new TransformStream({
    transform(chunk, controller) {
      const parts = decoder.decode(chunk, { stream: true }).split("\n");
      const rest = parts.pop();
      for (const part of parts) {
        take(`${pieces.join("")}${part}\n`, controller);
        pieces = [];
      }
      pieces.push(rest);
    },
    flush(controller) {
      const rest = pieces.join("");
      if (rest) take(rest, controller);
    },
  });
}

async function* readRawText(request, { url, headers, signal, fetch, seen }) {
  const init = { method: "POST", body: JSON.stringify(request), signal };
  let response;
  try {
    response = await fetch(url, { ...init, headers: { "Content-Type": "application/json", ...headers } });
  } catch (error) {
    if (signal.aborted) throw error;
    throw new RawTextError("network", "There was no response.");
  }
  if (!response.ok) throw await refusal(response);
  const decoder = new TextDecoder();
  let text = "";
  try {
    for (const reader = response.body.getReader(); ; ) {
      const { done, value } = await reader.read();
      if (done) break;
      const piece = decoder.decode(value, { stream: true });
      seen.onLine(piece);
      text += piece;
      yield { text };
    }
  } catch (error) {
    if (signal.aborted) throw error;
    throw new RawTextError("cut", "The connection broke before the document was complete.", response);
  }
  let value;
  try {
    value = JSON.parse(text);
  } catch {
    throw new RawTextError("cut", "The response ended before the document was complete.", response);
  }
  yield { final: { value, requestId: response.headers.get("X-Request-Id") ?? undefined } };
}

/** Return the error of a response with a status other than 200. */
async function refusal(response) {
  try {
    const problem = JSON.parse(await response.text());
    if (problem.code) return new RawTextError(problem.code, problem.title, response, problem);
  } catch {
    // it is no problem document: the status says what there is to say
  }
  return new RawTextError(`http_${response.status}`, `The status is ${response.status}.`, response);
}
