// Runs the vectors that all clients share (clients/vectors/README.md).

import { readFileSync, readdirSync } from "node:fs";

const folder = new URL("../../vectors/", import.meta.url);
/** Formats that this client does not ask for. */
const OTHER_FORMATS = /event-stream|ndjson|view=snapshot/;

/** The vectors that this client must pass: those in its format, and everything that is no stream of events. */
export const vectors = readdirSync(folder)
  .filter((name) => name.endsWith(".json"))
  .map((name) => JSON.parse(readFileSync(new URL(name, folder), "utf8")))
  .filter(({ response }) => response?.status !== 200 || !OTHER_FORMATS.test(response.headers["Content-Type"]));

/** The bytes of each piece of a body. */
export function pieces({ response }) {
  return (response?.body ?? []).map((piece) => {
    if (typeof piece === "string") return Buffer.from(piece);
    return "base64" in piece ? Buffer.from(piece.base64, "base64") : Buffer.from(piece.text.repeat(piece.times));
  });
}

/** A `fetch` that gives the response of a vector, whose body arrives in `parts`. */
function playing({ response }, parts) {
  return async () => {
    if (!response) throw new TypeError("fetch failed");
    let next = 0;
    const body = new ReadableStream({
      pull(controller) {
        if (next < parts.length) controller.enqueue(new Uint8Array(parts[next++]));
        else if (response.end === "cut") controller.error(new TypeError("terminated"));
        else controller.close();
      },
    });
    return new Response(response.status === 204 ? null : body, response);
  };
}

/** What the client makes of a vector, in the words of the vectors, with every value as its JSON. */
export async function result({ Client, StreamCut, StreamError }, vector, parts) {
  const timeout = { start: 2_000, silence: 2_000 }; // a client with a mistake could wait for ever
  const stream = new Client("http://endpoint/", { fetch: playing(vector, parts), retries: 0, timeout }).stream();
  const partials = [];
  try {
    for await (const partial of stream) partials.push(JSON.stringify(partial ?? null));
    return { outcome: "complete", partials, ...texts(await stream.final()) };
  } catch (error) {
    if (!(error instanceof StreamError)) throw error;
    const { code, status, retryAfter, requestId, problem, partial } = error;
    const outcome = error instanceof StreamCut ? "cut" : "failed";
    return { outcome, partials, ...texts({ code, status, retryAfter, requestId, problem, partial }) };
  }
}

/** What a vector expects, in the same form. */
export function expected({ expected: { outcome, partials, ...others } }) {
  const ofThisOutcome =
    outcome === "complete"
      ? ["value", "usage", "stopReason", "requestId", "model"]
      : ["code", "status", "retryAfter", "requestId", "problem", "partial"];
  const members = Object.fromEntries(ofThisOutcome.map((name) => [name, others[name]]));
  return { outcome, partials: partials.map((partial) => JSON.stringify(partial)), ...texts(members) };
}

function texts(members) {
  return Object.fromEntries(Object.entries(members).map(([name, value]) => [name, JSON.stringify(value)]));
}
