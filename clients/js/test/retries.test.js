import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import { test } from "node:test";
import { Client } from "streaming-llm-client";
import { retryDelay } from "../dist/retries.js";
import { COMPLETE, DELTAS, START, answer, begin, endpoint, failed, refuse } from "./endpoint.js";

const BUSY = { title: "The model is busy.", status: 429, code: "model_busy" };

/** Makes the jitter zero, so that no test waits. */
function atOnce(t) {
  t.mock.method(Math, "random", () => 0);
}

async function code(client) {
  return client.stream({ prompt: "Why?" }).final().then(
    () => "complete",
    (error) => error.code,
  );
}

for (const problem of [BUSY, { status: 503, code: "model_unavailable" }, { status: 429, code: "THROTTLED" }])
  test(`${problem.code} is tried again, twice at most`, async (t) => {
    atOnce(t);
    const { url, requests } = await endpoint(t, (response) => refuse(response, problem, { "Retry-After": "0" }));

    assert.equal(await code(new Client(url)), problem.code);
    assert.equal(requests.length, 3);
    assert.equal(await code(new Client(url, { retries: 0 })), problem.code);
    assert.equal(requests.length, 4);
  });

test("the attempt that succeeds is the answer", async (t) => {
  atOnce(t);
  const tokens = [];
  const { url, requests } = await endpoint(t, (response, number) => {
    if (number === 1) refuse(response, BUSY, { "Retry-After": "0" });
    else answer(response);
  });
  const headers = () => ({ authorization: `token ${tokens.push("t")}` });
  const stream = new Client(url, { headers }).stream({ prompt: "Why?" });
  const partials = [];
  for await (const partial of stream) partials.push(structuredClone(partial));

  assert.deepEqual(partials[0], { summary: "Pay per" });
  assert.deepEqual((await stream.final()).value, COMPLETE.value);
  assert.deepEqual(requests.map(({ headers: { authorization } }) => authorization), ["token 1", "token 2"]);
});

test("an event that says busy is tried again only if nothing was shown", async (t) => {
  atOnce(t);
  const shown = [];
  const { url, requests } = await endpoint(t, (response, number) => {
    begin(response, ...[[START], [START, DELTAS[0]]][number - 1], failed(BUSY));
    response.end();
  });
  const stream = new Client(url).stream({ prompt: "Why?" });
  await assert.rejects(async () => {
    for await (const partial of stream) shown.push(structuredClone(partial));
  }, /model_busy/);

  assert.deepEqual(shown, [{ summary: "Pay per" }]);
  assert.equal(requests.length, 2);
});

test("nothing of the attempt that failed is taken for the next one", async (t) => {
  atOnce(t);
  const other = { ...COMPLETE, value: "another" };
  const { url, requests } = await endpoint(t, (response, number) => {
    if (number === 2) return answer(response);
    begin(response, { ...START, id: "first" }, failed(BUSY), ...DELTAS, other);
    response.end('{"type":"del');
  });
  const { value, requestId } = await new Client(url).stream({ prompt: "Why?" }).final();

  assert.deepEqual([value, requestId, requests.length], [COMPLETE.value, START.id, 2]);
});

for (const problem of [
  { status: 429, code: "quota_exhausted" },
  { status: 502, code: "model_failed" },
  { status: 504, code: "INTEGRATION_TIMEOUT" },
  { status: 503 },
])
  test(`${problem.code ?? "a status without a code"} is not tried again`, async (t) => {
    atOnce(t);
    const { url, requests } = await endpoint(t, (response) => refuse(response, problem, { "Retry-After": "0" }));

    assert.equal(await code(new Client(url)), problem.code ?? "http_503");
    assert.equal(requests.length, 1);
  });

test("a connection that was never made is tried again", async (t) => {
  atOnce(t);
  const closed = createServer().listen(0, "127.0.0.1");
  await once(closed, "listening");
  const { port } = closed.address();
  closed.close();
  await once(closed, "close");
  let calls = 0;
  const counted = (...request) => {
    calls += 1;
    return fetch(...request);
  };

  assert.equal(await code(new Client(`http://127.0.0.1:${port}/`, { fetch: counted })), "network");
  assert.equal(calls, 3);
});

test("a network error of a browser is not tried again", async () => {
  let calls = 0;
  const browser = async () => {
    calls += 1;
    throw new TypeError("Failed to fetch");
  };

  assert.equal(await code(new Client("http://endpoint", { fetch: browser })), "network");
  assert.equal(calls, 1);
});

test("an abort ends the wait for the next attempt", async (t) => {
  const { url, requests } = await endpoint(t, (response) => refuse(response, BUSY, { "Retry-After": "29" }));
  t.mock.method(Math, "random", () => 0);
  const abort = new AbortController();
  const waits = new Promise((resolve) => {
    const original = globalThis.setTimeout;
    t.mock.method(globalThis, "setTimeout", (callback, delay, ...rest) => {
      if (delay === 29_000) resolve();
      return original(callback, delay, ...rest);
    });
  });
  const final = new Client(url).stream({ prompt: "Why?" }, { signal: abort.signal }).final();
  await waits;
  abort.abort("left");

  await assert.rejects(final, (reason) => reason === "left");
  assert.equal(requests.length, 1);
});

test("the wait has full jitter, grows, keeps to Retry-After, and is never above 30 seconds", (t) => {
  const random = t.mock.method(Math, "random", () => 0);
  const least = [0, 1].map((attempt) => retryDelay({ code: "model_busy", retryAfter: 5 }, attempt));
  assert.deepEqual(least, [5000, 5000]);

  random.mock.mockImplementation(() => 1);
  const most = [0, 1].map((attempt) => retryDelay({ code: "model_busy", retryAfter: 5 }, attempt));
  assert.deepEqual(most, [10_000, 15_000]);
  assert.equal(retryDelay({ code: "THROTTLED" }, 0), 5000);
  assert.equal(retryDelay({ code: "model_busy", retryAfter: 31 }, 0), undefined);
});
