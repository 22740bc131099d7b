/** A client that reads slowly holds up its own answer, and neither other clients nor the memory of the gateway. */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { Stack, answering } from "./stack.js";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const LONG = JSON.stringify({ summary: "x".repeat(400_000), keywords: [] });
const SHORT = '{"summary": "x", "keywords": []}';
/** Kilobytes by which the process of the gateway may grow. */
const GROWTH = 2048;

let stack;
before(async () => {
  stack = await Stack.start();
});
after(() => stack.close());

async function ask() {
  const response = await fetch(stack.urls.endpoint, {
    method: "POST",
    headers: { "Content-Type": "application/json", Accept: "text/plain" },
    body: '{"prompt": "fast"}',
  });
  return response.text();
}

test("a slow reader grows the gateway by 2 MB at most, and nobody else waits", async () => {
  await stack.do("play", [answering(LONG, 256)]);
  await Promise.all([ask(), ask()]); // two sandboxes are warm, and the process has its usual size
  await stack.do("call_count"); // waits until both are idle
  await stack.do("play", [answering(LONG, 256), answering(SHORT)]);
  await stack.do("resident");
  const before = await stack.do("resident");
  const reader = spawn(process.env.PYTHON ?? `${ROOT}/.venv/bin/python`, ["-m", "tests.browser.slow_reader", stack.urls.endpoint], {
    cwd: ROOT,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const sizes = [];
  const lines = createInterface({ input: reader.stdout }).on("line", (line) => sizes.push(Number(line)));
  const end = once(lines, "close");

  await stack.do("called", [3]);
  assert.equal(await ask(), SHORT);
  assert.equal(sizes.length, 0, "the other client had to wait for the slow one");
  await end;
  const growth = (await stack.do("resident")) - before;

  assert.equal(sizes.at(-1), LONG.length);
  assert.ok(growth <= GROWTH, `the process grew by ${growth} KB`);
  console.log(`The process of the gateway grew by ${growth} KB.`);
});
