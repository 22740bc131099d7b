import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { Client } from "streaming-llm-client";
import { TextWriter } from "../dist/ai/text.js";

const root = fileURLToPath(new URL("../../..", import.meta.url));
/** A Python with the packages of the function. */
const python = process.env.PYTHON ?? `${root}.venv/bin/python`;
const skip = !existsSync(python) && "The documents are written by Python: run make in the project's folder once.";

/** Responses of the function's own encoder, and the object after each of their deltas. */
function documents() {
  const output = execFileSync(python, ["-m", "tests.clients.vectors.random_documents"], { cwd: root, encoding: "utf8" });
  return output.trim().split("\n").map((line) => JSON.parse(line));
}

test("the partials of random documents are the snapshots of the server", { skip }, async () => {
  let count = 0;
  for (const { body, snapshots } of documents()) {
    const headers = { "Content-Type": "application/jsonl" };
    const stream = new Client("http://endpoint", { fetch: async () => new Response(body.join(""), { headers }) }).stream();
    const partials = [];
    for await (const partial of stream) partials.push(JSON.stringify(partial));
    assert.deepEqual(partials, snapshots.map((snapshot) => JSON.stringify(snapshot)));
    count += partials.length;
  }
  assert.ok(count > 1_000, `${count} partials`);
});

test("the text for useObject is at every step the snapshot of the server", { skip }, () => {
  for (const { body, snapshots } of documents()) {
    const deltas = body.map((line) => JSON.parse(line)).filter(({ type }) => type === "delta");
    for (let count = 1; count <= deltas.length; count++) {
      const writer = new TextWriter();
      const changes = deltas.slice(0, count).flatMap((event) => event.changes);
      const text = changes.map((change) => writer.write(change)).join("") + writer.finish();
      assert.equal(JSON.stringify(JSON.parse(text)), JSON.stringify(snapshots[count - 1]));
    }
  }
});
