// A real HTTP server that plays the endpoint, and the events that it sends.

import { once } from "node:events";
import { createServer } from "node:http";

export const START = { type: "start", at: 1, id: "c6af9ac6-7b61", model: "anthropic.claude" };
export const COMPLETE = {
  type: "complete",
  at: 9,
  value: { summary: "Pay per use.", keywords: ["cost"] },
  stopReason: "end_turn",
  usage: { inputTokens: 12, outputTokens: 21 },
};
export const DELTAS = [
  delta({ path: "", value: {} }, { path: "/summary", value: "Pay per" }),
  delta(
    { path: "/summary", append: " use.", closed: true },
    { path: "/keywords", value: [] },
    { path: "/keywords/0", value: "cost", closed: true },
  ),
  delta({ path: "/keywords", closed: true }, { path: "", closed: true }),
];

export function delta(...changes) {
  return { type: "delta", at: 2, changes };
}

export function failed(problem) {
  return { type: "error", at: 3, problem };
}

/** The body that carries these events. */
export function lines(...events) {
  return events.map((event) => `${JSON.stringify(event)}\n`).join("");
}

/** Starts the response of an answer. */
export function begin(response, ...events) {
  response.writeHead(200, { "Content-Type": "application/jsonl", "X-Request-Id": START.id });
  response.write(lines(...events));
}

/** Sends a complete answer. */
export function answer(response) {
  begin(response, START, ...DELTAS, COMPLETE);
  response.end();
}

/** Sends a problem with its own status. */
export function refuse(response, problem, headers = {}) {
  response.writeHead(problem.status, { "Content-Type": "application/problem+json", ...headers });
  response.end(JSON.stringify(problem));
}

/**
 * Serves until the test ends. `respond(response, number)` is called for each request, whose number begins at 1.
 * The requests that have arrived are in `requests`.
 */
export async function endpoint(test, respond) {
  const requests = [];
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const part of request) body += part;
    requests.push({ method: request.method, headers: request.headers, body });
    respond(response, requests.length);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  test.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${server.address().port}/v1/stream`, requests };
}

/** A `fetch` whose response has the body that the test writes: `push(text)`, `end()`, `fail(error)`. */
export function scripted() {
  let controller;
  const body = new ReadableStream({
    start(given) {
      controller = given;
    },
  });
  return {
    fetch: async () => new Response(body, { headers: { "Content-Type": "application/jsonl" } }),
    push: (text) => controller.enqueue(new TextEncoder().encode(text)),
    end: () => controller.close(),
    fail: (error) => controller.error(error),
  };
}

/** A promise, and the functions that settle it. Node 20 has no `Promise.withResolvers`. */
export function resolvers() {
  const made = {};
  made.promise = new Promise((resolve, reject) => Object.assign(made, { resolve, reject }));
  return made;
}
