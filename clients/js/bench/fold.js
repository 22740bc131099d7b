// Prints how long the client takes for an answer of 2 MB that arrives in pieces of 16 characters, compared with
// JSON.parse of the same lines. It fails above three times: then the folding is not linear any more.

import { Client } from "streaming-llm-client";

const PIECE = "sixteen letters.";
const COUNT = 131_072;
const CHUNK = 64 * 1024;
const ROUNDS = 7;
const MOST = 3;

const events = [
  { type: "start", at: 1, id: "1", model: "m" },
  { type: "delta", at: 2, changes: [{ path: "", value: {} }, { path: "/summary", value: "" }] },
];
for (let at = 0; at < COUNT; at++) events.push({ type: "delta", at, changes: [{ path: "/summary", append: PIECE }] });
events.push({ type: "complete", at: COUNT, value: { summary: PIECE.repeat(COUNT) }, stopReason: "end_turn", usage: null });
const text = events.map((event) => `${JSON.stringify(event)}\n`).join("");
const lines = text.trim().split("\n");
const bytes = new TextEncoder().encode(text);

function response() {
  let at = 0;
  const body = new ReadableStream({
    pull(controller) {
      if (at < bytes.length) controller.enqueue(bytes.slice(at, (at += CHUNK)));
      else controller.close();
    },
  });
  return new Response(body, { headers: { "content-type": "application/jsonl" } });
}

const stream = () => new Client("http://endpoint/", { fetch: async () => response() }).stream();
const readers = {
  "JSON.parse": async () => {
    for (const line of lines) JSON.parse(line);
  },
  "final()": async () => stream().final(),
  iterating: async () => {
    let last;
    for await (const partial of stream()) last = partial;
    if (last.summary.length !== PIECE.length * COUNT) throw new Error("The object is not the answer.");
  },
};

const best = {};
for (let round = 0; round < ROUNDS; round++)
  for (const [name, read] of Object.entries(readers)) {
    const before = process.cpuUsage();
    await read();
    const { user, system } = process.cpuUsage(before); // what else the machine does does not count
    best[name] = Math.min(best[name] ?? Infinity, (user + system) / 1000);
  }
for (const [name, time] of Object.entries(best)) {
  const ratio = time / best["JSON.parse"];
  console.log(`${name.padEnd(10)} ${time.toFixed(0).padStart(5)} ms of the processor  ${ratio.toFixed(2)} times JSON.parse`);
  if (ratio > MOST) process.exitCode = 1;
}
