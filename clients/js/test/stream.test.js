import assert from "node:assert/strict";
import { once } from "node:events";
import { mock, test } from "node:test";
import { Client, StreamCut, StreamError } from "streaming-llm-client";
import { COMPLETE, DELTAS, START, answer, begin, delta, endpoint, failed, lines, refuse, resolvers, scripted } from "./endpoint.js";

const PROMPT = { prompt: "Why?" };
const FINAL = {
  value: COMPLETE.value,
  usage: COMPLETE.usage,
  stopReason: "end_turn",
  requestId: START.id,
  model: "anthropic.claude",
};

/** Returns copies of all partials, and the failure if there is one. */
async function iterated(stream) {
  const partials = [];
  try {
    for await (const partial of stream) partials.push(structuredClone(partial));
  } catch (error) {
    return { partials, error };
  }
  return { partials };
}

/** Returns what the promise is rejected with. */
async function failure(promise) {
  return promise.then(
    () => assert.fail("It must fail."),
    (error) => error,
  );
}

test("the iterator yields the object while it grows, and final() gives the complete answer", async (t) => {
  const { url, requests } = await endpoint(t, answer);
  const stream = new Client(url).stream(PROMPT);
  const grown = { summary: "Pay per use.", keywords: ["cost"] };

  assert.deepEqual(await iterated(stream), { partials: [{ summary: "Pay per" }, grown, grown] });
  assert.deepEqual(await stream.final(), FINAL);
  assert.equal(requests.length, 1);
  assert.equal(requests[0].body, '{"prompt":"Why?"}');
  assert.equal(requests[0].headers.accept, "application/jsonl");
  assert.equal(requests[0].headers["content-type"], "application/json");
});

test("final() needs no iteration", async (t) => {
  const { url, requests } = await endpoint(t, answer);
  const stream = new Client(url).stream("Why?");

  assert.deepEqual(await Promise.all([stream.final(), stream.final()]), [FINAL, FINAL]);
  assert.deepEqual(requests.map(({ body }) => body), ['"Why?"']);
});

test("final() and the iterator can be used at the same time", async (t) => {
  const { url, requests } = await endpoint(t, answer);
  const stream = new Client(url).stream(PROMPT);
  const final = stream.final();
  const { partials } = await iterated(stream);

  assert.deepEqual(partials.at(-1), COMPLETE.value);
  assert.deepEqual(await final, FINAL);
  assert.equal(requests.length, 1);
});

test("final() finishes what an iterator has begun", async (t) => {
  const { url } = await endpoint(t, answer);
  const stream = new Client(url).stream(PROMPT);
  const iterator = stream[Symbol.asyncIterator]();

  assert.equal((await iterator.next()).done, false);
  assert.deepEqual(await stream.final(), FINAL);
});

test("the object grows in place until the model starts again", async () => {
  const { fetch, push } = scripted();
  const shown = [];
  const value = { path: "", value: {} };
  push(lines(START, delta(value), delta({ path: "/a", value: 1 }), { type: "restart", at: 3, problem: {} }));
  push(lines(delta(value), COMPLETE));
  for await (const partial of new Client("http://endpoint", { fetch }).stream(PROMPT)) shown.push(partial);

  assert.equal(shown[0], shown[1]);
  assert.notEqual(shown[1], shown[2]);
  assert.deepEqual(shown, [{ a: 1 }, { a: 1 }, {}]);
});

test("a request can be nothing at all", async (t) => {
  const { url, requests } = await endpoint(t, answer);
  await new Client(url).stream().final();

  assert.equal(requests[0].body, "");
});

test("nothing is sent before somebody asks for the answer", async (t) => {
  const { url, requests } = await endpoint(t, answer);
  const client = new Client(url);
  client.stream(PROMPT);
  await client.stream("second").final();

  assert.deepEqual(requests.map(({ body }) => body), ['"second"']);
});

test("a second iterator is an error", async (t) => {
  const { url } = await endpoint(t, answer);
  const stream = new Client(url).stream(PROMPT);
  await iterated(stream);

  assert.throws(() => stream[Symbol.asyncIterator](), /only once/);
});

test("leaving the loop ends the request", async (t) => {
  let closed;
  const { url } = await endpoint(t, (response) => {
    closed = once(response, "close");
    begin(response, START, ...DELTAS);
  });
  const stream = new Client(url).stream(PROMPT);
  for await (const _ of stream) break;
  await closed;

  assert.equal((await failure(stream.final())).name, "AbortError");
});

test("an abort rejects with its reason, and ends the request", async (t) => {
  let closed;
  const { url } = await endpoint(t, (response) => {
    closed = once(response, "close");
    begin(response, START, DELTAS[0]);
  });
  const abort = new AbortController();
  const reason = new RangeError("The user has left.");
  const stream = new Client(url).stream(PROMPT, { signal: abort.signal });
  const iterator = stream[Symbol.asyncIterator]();
  await iterator.next();
  const next = iterator.next();
  abort.abort(reason);

  assert.equal(await failure(next), reason);
  assert.equal(await failure(stream.final()), reason);
  assert.equal((await iterator.next()).done, true);
  await closed;
});

test("a signal that is aborted already sends nothing", async (t) => {
  const { url, requests } = await endpoint(t, answer);
  const stream = new Client(url).stream(PROMPT, { signal: AbortSignal.abort("no") });

  assert.equal(await failure(stream.final()), "no");
  assert.equal(requests.length, 0);
});

test("an abort does not wait for a fetch that pays no attention", async () => {
  const asked = resolvers();
  const abort = new AbortController();
  const fetch = () => {
    asked.resolve();
    return new Promise(() => {});
  };
  const final = new Client("http://endpoint", { fetch }).stream(PROMPT, { signal: abort.signal }).final();
  await asked.promise;
  abort.abort("left");

  assert.equal(await failure(final), "left");
});

test("an abort after the end changes nothing", async (t) => {
  const { url } = await endpoint(t, answer);
  const abort = new AbortController();
  const stream = new Client(url).stream(PROMPT, { signal: abort.signal });
  await stream.final();
  abort.abort();

  assert.deepEqual(await stream.final(), FINAL);
});

test("an abort counts from its moment on, also between events that have arrived together", async () => {
  const { fetch, push } = scripted();
  push(lines(START, ...DELTAS, COMPLETE));
  const abort = new AbortController();
  const options = { signal: abort.signal, onEvent: ({ type }) => type === "delta" && abort.abort("left") };

  assert.equal(await failure(new Client("http://endpoint", { fetch }).stream(PROMPT, options).final()), "left");
});

test("an error event fails with its problem and the object so far", async (t) => {
  const problem = { title: "The model failed to finish its answer.", status: 502, code: "model_failed" };
  const { url } = await endpoint(t, (response) => {
    begin(response, START, DELTAS[0], failed(problem));
    response.end();
  });
  const stream = new Client(url).stream(PROMPT);
  const { partials, error } = await iterated(stream);

  assert.deepEqual(partials, [{ summary: "Pay per" }]);
  assert.ok(error instanceof StreamError && !(error instanceof StreamCut));
  assert.equal(error.name, "StreamError");
  assert.equal(error.code, "model_failed");
  assert.equal(error.status, 502);
  assert.equal(error.requestId, START.id);
  assert.deepEqual(error.problem, problem);
  assert.deepEqual(error.partial, { summary: "Pay per" });
  assert.match(error.message, /The model failed to finish its answer. \(model_failed\)/);
  assert.equal(await failure(stream.final()), error);
  assert.equal(await failure(stream.final()), error);
});

test("a problem before the first byte has its own status and Retry-After", async (t) => {
  const problem = { title: "The model's quota is used up.", status: 429, code: "quota_exhausted", requestId: "r" };
  const { url, requests } = await endpoint(t, (response) => refuse(response, problem, { "Retry-After": "7" }));
  const error = await failure(new Client(url).stream(PROMPT).final());

  assert.deepEqual(
    [error.code, error.status, error.retryAfter, error.requestId, error.partial],
    ["quota_exhausted", 429, 7, "r", undefined],
  );
  assert.equal(requests.length, 1);
});

for (const [end, ends] of Object.entries({ clean: (response) => response.end(), broken: (response) => response.destroy() }))
  test(`a response that ends without an ending is cut, ${end} or not`, async (t) => {
    const { url, requests } = await endpoint(t, (response) => {
      begin(response, START, DELTAS[0]);
      response.write('{"type":"comp', () => ends(response));
    });
    const { error } = await iterated(new Client(url).stream(PROMPT));

    assert.ok(error instanceof StreamCut && error instanceof StreamError);
    assert.deepEqual([error.name, error.code, error.status], ["StreamCut", "cut", 200]);
    assert.deepEqual(error.partial, { summary: "Pay per" });
    assert.equal(requests.length, 1);
  });

test("a failure is no unhandled rejection, whoever does not look at it", async (t) => {
  const { url } = await endpoint(t, (response) => refuse(response, { status: 404, code: "not_found" }));
  const unhandled = mock.fn();
  process.on("unhandledRejection", unhandled);
  t.after(() => process.off("unhandledRejection", unhandled));
  const stream = new Client(url).stream(PROMPT);
  stream.final();
  assert.equal((await iterated(stream)).error.code, "not_found");
  await new Promise((resolve) => setImmediate(resolve));

  assert.equal(unhandled.mock.callCount(), 0);
});

test("a caller that leaves while it waits is not told, and nobody else", async (t) => {
  const closed = resolvers();
  const { url } = await endpoint(t, (response) => {
    response.once("close", closed.resolve);
    begin(response, START, DELTAS[0]);
  });
  const unhandled = mock.fn();
  process.on("unhandledRejection", unhandled);
  t.after(() => process.off("unhandledRejection", unhandled));
  const iterator = new Client(url).stream(PROMPT)[Symbol.asyncIterator]();
  await iterator.next();
  const next = iterator.next();
  assert.deepEqual(await iterator.return(), { done: true, value: undefined });
  assert.deepEqual(await next, { done: true, value: undefined });
  await closed.promise;
  await settled();

  assert.equal(unhandled.mock.callCount(), 0);
});

test("an abort while the answer is validated rejects, too", async (t) => {
  const { url } = await endpoint(t, answer);
  const abort = new AbortController();
  const validate = async (value) => {
    abort.abort("left");
    return { value };
  };
  const schema = { "~standard": { version: 1, vendor: "own", validate } };

  assert.equal(await failure(new Client(url).stream(PROMPT, { schema, signal: abort.signal }).final()), "left");
});

for (const [what, begins, code] of [
  ["that has no response", () => {}, "network"],
  ["whose failure does not end", (response) => response.writeHead(502).write("<p>"), "cut"],
  ["that something else answers", (response) => response.writeHead(200).write("<p>"), "protocol"],
])
  test(`a request ${what} is ended when it fails`, async (t) => {
    const closed = resolvers();
    const { url } = await endpoint(t, (response) => {
      response.once("close", closed.resolve);
      begins(response);
    });
    const error = await failure(new Client(url, { timeout: { start: 100 } }).stream(PROMPT).final());
    await closed.promise;

    assert.equal(error.code, code);
  });

test("an error in the caller's own code comes as it is", async () => {
  const error = new RangeError("no token");
  const client = new Client("http://endpoint", { headers: () => Promise.reject(error) });
  assert.equal(await failure(client.stream(PROMPT).final()), error);

  const { fetch, push } = scripted();
  push(lines(START));
  const onEvent = () => {
    throw error;
  };
  assert.equal(await failure(new Client("http://endpoint", { fetch }).stream(PROMPT, { onEvent }).final()), error);
});

test("each event is shown as it came", async () => {
  const { fetch, push } = scripted();
  const events = [START, { type: "thinking", at: 2, text: "Hm." }, ...DELTAS, COMPLETE];
  push(lines(...events));
  const seen = [];
  await new Client("http://endpoint", { fetch })
    .stream(PROMPT, { onEvent: (event) => seen.push(structuredClone(event)) })
    .final();

  assert.deepEqual(seen, events);
});

test("the model and the tokens are those of the end", async () => {
  const { fetch, push } = scripted();
  const usage = { inputTokens: 1, outputTokens: 2, cacheReadTokens: 3, cacheWriteTokens: 4, thinkingTokens: 5 };
  push(lines({ ...START, model: undefined }, { ...COMPLETE, usage, model: "anthropic.other" }));
  const final = await new Client("http://endpoint", { fetch }).stream(PROMPT).final();

  assert.deepEqual([final.usage, final.model], [usage, "anthropic.other"]);
});

test("the answer does not wait for the end of the response, which is read so that its connection can be used again", async (t) => {
  const unfinished = [];
  const { url } = await endpoint(t, (response) => {
    begin(response, START, COMPLETE);
    unfinished.push(response);
  });
  const read = resolvers();
  const observed = async (...request) => {
    const response = await fetch(...request);
    return new Response(response.body.pipeThrough(new TransformStream({ flush: read.resolve })), response);
  };
  await new Client(url, { fetch: observed }).stream(PROMPT).final();
  unfinished[0].end();
  await read.promise;
});

test("what follows the ending is cancelled", async () => {
  const cancelled = resolvers();
  const body = new ReadableStream({
    pull: (controller) => controller.enqueue(new TextEncoder().encode(lines(COMPLETE))),
    cancel: cancelled.resolve,
  });
  const fetch = async () => new Response(body, { headers: { "Content-Type": "application/jsonl" } });
  const final = await new Client("http://endpoint", { fetch }).stream(PROMPT).final();
  await cancelled.promise;

  assert.deepEqual(final.value, COMPLETE.value);
});

/** Ends the turn of the event loop, so that everything that waits for bytes has seen them. */
async function settled() {
  await new Promise((resolve) => setImmediate(resolve));
}

test("heartbeats keep a silent response, and silence cuts it", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { fetch, push } = scripted();
  const failed = failure(new Client("http://endpoint", { fetch }).stream(PROMPT).final());
  await settled();
  t.mock.timers.tick(299_999);
  push(lines(START, DELTAS[0]));
  for (let count = 0; count < 3; count++) {
    await settled();
    t.mock.timers.tick(29_999);
    push("\n");
  }
  await settled();
  t.mock.timers.tick(30_000);
  const error = await failed;

  assert.ok(error instanceof StreamCut);
  assert.deepEqual(error.partial, { summary: "Pay per" });
});

test("without a response for too long, the code is network", async (t) => {
  const { url, requests } = await endpoint(t, () => {});
  const error = await failure(new Client(url, { timeout: { start: 10 } }).stream(PROMPT).final());

  assert.deepEqual([error.code, error.status], ["network", undefined]);
  assert.ok(requests.length <= 1);
});

test("a timeout can be endless", async (t) => {
  const { mock } = t.mock.method(globalThis, "setTimeout");
  const { fetch, push } = scripted();
  push(lines(START, COMPLETE));
  const client = new Client("http://endpoint", { fetch, timeout: { start: Infinity, silence: Infinity } });

  assert.deepEqual(await client.stream(PROMPT).final(), FINAL);
  const longest = 2 ** 31 - 1; // a longer timer ends at once
  assert.equal(Math.max(...mock.calls.map(({ arguments: [, delay] }) => delay ?? 0)), longest);
});

test("a response that is silent before its first event is cut after the longer time", async () => {
  const { fetch } = scripted();
  const client = new Client("http://endpoint", { fetch, timeout: { start: 10, silence: 1e9 } });

  assert.equal((await failure(client.stream(PROMPT).final())).code, "cut");
});
