import "./dom.js";
import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { StreamCut, StreamError, useStream } from "streaming-llm-client/react";
import { z } from "zod";
import { render, showFrame, waiting } from "./dom.js";
import { COMPLETE, DELTAS, START, answer, begin, delta, endpoint, failed, lines, refuse, resolvers, scripted } from "./endpoint.js";

const PROMPT = { prompt: "Why?" };
const FAILED = { title: "The model failed to finish its answer.", status: 502, code: "model_failed" };
const settled = () => new Promise((resolve) => setImmediate(resolve));

/** Renders the hook and sends a request. */
async function submitted(t, url, options) {
  const page = render(t, () => useStream(url, options));
  (await page.until(() => true)).submit(PROMPT);
  return page;
}

/** What is shown, without the functions. */
function shown({ status, partial, value, problem }) {
  return { status, partial, value, code: problem?.code };
}

test("an answer is idle, streams, and is complete", async (t) => {
  const { url, requests } = await endpoint(t, answer);
  const schema = z.object({ summary: z.string().transform((text) => text.length), keywords: z.array(z.string()) });
  const page = await submitted(t, url, { schema });
  const last = await page.until(({ status }) => status === "complete");

  assert.deepEqual([...new Set(page.states.map(({ status }) => status))], ["idle", "streaming", "complete"]);
  assert.deepEqual(shown(last), {
    status: "complete",
    partial: COMPLETE.value,
    value: { summary: 12, keywords: ["cost"] },
    code: undefined,
  });
  assert.deepEqual(requests.map(({ body }) => body), ['{"prompt":"Why?"}']);
});

test("a new object is shown at most once in a frame, and shares what has not changed", async (t) => {
  const { fetch, push } = scripted();
  const page = await submitted(t, "http://endpoint", { fetch });
  push(lines(START, delta({ path: "", value: {} }, { path: "/done", value: [1], closed: true }, { path: "/n", value: 0 })));
  push(lines(delta({ path: "/n", value: 1 })));
  await settled();
  assert.equal(waiting(), 1);
  assert.equal(page.states.at(-1).partial, undefined);
  showFrame();
  const first = await page.until(({ partial }) => partial !== undefined);
  const commits = page.states.length;
  for (let count = 2; count < 9; count++) push(lines(delta({ path: "/n", value: count })));
  await settled();
  assert.equal(page.states.length, commits);
  showFrame();
  const second = await page.until(({ partial }) => partial.n === 8);

  assert.deepEqual(first.partial, { done: [1], n: 1 });
  assert.equal(second.partial.done, first.partial.done);
  assert.equal(page.states.length, commits + 1);
});

for (const [what, end, expected] of [
  ["an error event", (response) => response.end(lines(failed(FAILED))), ["failed", "model_failed"]],
  ["a clean cut", (response) => response.end(), ["cut", "cut"]],
  ["a cut", (response) => response.destroy(), ["cut", "cut"]],
])
  test(`${what} is shown with what had come`, async (t) => {
    const { url } = await endpoint(t, (response) => {
      begin(response, START, DELTAS[0]);
      response.write("\n", () => end(response));
    });
    const page = await submitted(t, url);
    const { status, partial, problem } = await page.until((state) => state.problem);

    assert.deepEqual([status, problem.code], expected);
    assert.equal(problem instanceof StreamCut, status === "cut");
    assert.ok(problem instanceof StreamError);
    assert.deepEqual(partial, { summary: "Pay per" });
  });

test("a refusal is shown, and the next request forgets it", async (t) => {
  const { url } = await endpoint(t, (response, number) => {
    if (number === 1) refuse(response, { status: 422, code: "body_invalid" });
    else answer(response);
  });
  const page = await submitted(t, url);
  const refused = await page.until(({ status }) => status === "failed");
  refused.submit(PROMPT);
  const last = await page.until(({ status }) => status === "complete");

  assert.equal(refused.problem.code, "body_invalid");
  assert.equal(last.problem, undefined);
  assert.equal(last.submit, refused.submit);
});

test("stop() ends the request and keeps the object", async (t) => {
  let closed;
  const { url } = await endpoint(t, (response) => {
    closed = once(response, "close");
    begin(response, START, DELTAS[0]);
  });
  const begun = resolvers();
  const page = await submitted(t, url, { onEvent: ({ type }) => type === "delta" && begun.resolve() });
  await begun.promise;
  page.states.at(-1).stop();
  await closed;

  assert.deepEqual(shown(await page.until(({ status }) => status === "stopped")), {
    status: "stopped",
    partial: { summary: "Pay per" },
    value: undefined,
    code: undefined,
  });
});

test("a second request ends the first, of which nothing is shown any more", async (t) => {
  const closed = resolvers();
  const { url } = await endpoint(t, (response, number) => {
    if (number === 2) return answer(response);
    response.once("close", closed.resolve);
    begin(response, START, delta({ path: "", value: { summary: "old" } }));
  });
  const begun = resolvers();
  const page = await submitted(t, url, { onEvent: ({ type }) => type === "delta" && begun.resolve() });
  await begun.promise;
  await settled(); // the loop has the object after the event was seen
  showFrame();
  await page.until(({ partial }) => partial?.summary === "old");
  page.states.at(-1).submit(PROMPT);
  await closed.promise;
  const last = await page.until(({ status }) => status === "complete");
  const since = page.states.slice(page.states.findLastIndex(({ partial }) => partial?.summary === "old") + 1);

  assert.deepEqual(last.value, COMPLETE.value);
  assert.deepEqual([...new Set(since.map(({ status }) => status))], ["streaming", "complete"]);
  assert.equal(since[0].partial, undefined);
});

test("unmounting ends the request, and shows nothing any more", async (t) => {
  const closed = resolvers();
  const { url } = await endpoint(t, (response) => {
    response.once("close", closed.resolve);
    begin(response, START, DELTAS[0]);
  });
  const begun = resolvers();
  const page = await submitted(t, url, { onEvent: ({ type }) => type === "delta" && begun.resolve() });
  await begun.promise;
  const commits = page.states.length;
  page.unmount();
  await closed.promise;
  await settled();
  showFrame();

  assert.equal(page.states.length, commits);
  assert.deepEqual(page.errors, []);
});

test("a restart takes back what was shown", async (t) => {
  const { fetch, push } = scripted();
  const page = await submitted(t, "http://endpoint", { fetch });
  push(lines(START, DELTAS[0]));
  await settled();
  showFrame();
  await page.until(({ partial }) => partial !== undefined);
  push(lines({ type: "restart", at: 3, problem: FAILED }));
  const voided = await page.until(({ partial }) => partial === undefined);
  push(lines(...DELTAS, COMPLETE));
  const last = await page.until(({ status }) => status === "complete");

  assert.equal(voided.status, "streaming");
  assert.deepEqual(last.partial, COMPLETE.value);
});

test("the options of the last render count", async (t) => {
  const { url, requests } = await endpoint(t, answer);
  let key = "first";
  const page = render(t, () => useStream(url, { headers: { "X-Key": key } }));
  await page.until(() => true);
  key = "second";
  page.states.at(-1).submit(PROMPT);
  await page.until(({ status }) => status === "complete");
  page.states.at(-1).submit(PROMPT);
  await page.until(({ status }) => status === "streaming");
  await page.until(({ status }) => status === "complete");

  assert.equal(requests.at(-1).headers["x-key"], "second");
});

test("an error in the caller's own code goes to the error boundary", async (t) => {
  const error = new RangeError("no token");
  const page = await submitted(t, "http://endpoint", { headers: () => Promise.reject(error) });
  while (!page.errors.length) await settled();

  assert.deepEqual(page.errors, [error]);
});
