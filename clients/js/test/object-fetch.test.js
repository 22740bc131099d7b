import "./dom.js";
import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import * as newest from "@ai-sdk/react";
import * as previous from "ai-sdk-react-3";
import { StreamCut, StreamError, objectFetch } from "streaming-llm-client/ai";
import { z } from "zod";
import { render } from "./dom.js";
import { COMPLETE, DELTAS, START, answer, begin, endpoint, failed, lines, refuse, resolvers, scripted } from "./endpoint.js";

const schema = z.object({ summary: z.string(), keywords: z.array(z.string()) });
const FAILED = { title: "The model failed to finish its answer.", status: 502, code: "model_failed" };

for (const [name, { experimental_useObject: useObject }] of Object.entries({ "@ai-sdk/react 4": newest, "@ai-sdk/react 3": previous })) {
  /** Renders `useObject` with this `fetch`, submits a request, and returns how it ends. */
  async function used(t, url, { options, hook } = {}) {
    const ended = resolvers();
    const page = render(t, () =>
      useObject({
        api: url,
        schema,
        fetch: objectFetch(options),
        onFinish: (finish) => ended.resolve({ finish }),
        onError: (error) => ended.resolve({ error }),
        ...hook,
      }),
    );
    (await page.until(() => true)).submit({ prompt: "Why?" });
    return { ...page, ended: ended.promise };
  }

  test(`${name}: a complete answer is a success, and its additions come beside it`, async (t) => {
    const { url, requests } = await endpoint(t, answer);
    const finals = [];
    const page = await used(t, url, { options: { onComplete: (final) => finals.push(final) } });
    const { finish, error } = await page.ended;

    assert.equal(error, undefined);
    assert.deepEqual(finish, { object: COMPLETE.value, error: undefined });
    assert.deepEqual((await page.until(({ isLoading }) => !isLoading)).object, COMPLETE.value);
    assert.deepEqual(finals.map(({ usage, requestId }) => [usage, requestId]), [[COMPLETE.usage, START.id]]);
    assert.equal(requests.length, 1);
    assert.equal(requests[0].body, '{"prompt":"Why?"}');
    assert.equal(requests[0].headers.accept, "application/jsonl");
  });

  const ends = {
    "an error event": { end: (response) => response.end(JSON.stringify(failed(FAILED))), code: "model_failed" },
    "a clean cut": { end: (response) => response.end(), code: "cut" },
    "a cut": { end: (response) => response.destroy(), code: "cut" },
    "a cut in a line": { end: (response) => response.end('{"type":"complete"'), code: "cut" },
    "a restart": {
      end: (response) => response.end(JSON.stringify({ type: "restart", at: 3, problem: { code: "answer_invalid" } })),
      code: "answer_invalid",
    },
  };
  for (const [what, { end, code }] of Object.entries(ends))
    test(`${name}: ${what} is an error with its code, and what was shown stays`, async (t) => {
      const { url } = await endpoint(t, (response) => {
        begin(response, START, ...DELTAS);
        response.write("", () => end(response)); // a document that looks complete
      });
      const page = await used(t, url);
      const { error, finish } = await page.ended;

      assert.equal(finish, undefined);
      assert.ok(error instanceof StreamError);
      assert.equal(error instanceof StreamCut, code === "cut");
      assert.equal(error.code, code);
      const last = await page.until((state) => state.error !== undefined && !state.isLoading);
      assert.equal(last.error, error);
      assert.deepEqual(last.object, COMPLETE.value);
    });

  test(`${name}: what arrives together with the failure is shown, too`, async (t) => {
    const { url } = await endpoint(t, (response) => {
      begin(response, START, ...DELTAS, failed(FAILED));
      response.end();
    });
    const page = await used(t, url);

    assert.equal((await page.ended).error.code, "model_failed");
    assert.deepEqual((await page.until(({ error }) => error !== undefined)).object, COMPLETE.value);
  });

  test(`${name}: a refusal is an error with its code`, async (t) => {
    const { url } = await endpoint(t, (response) => refuse(response, { status: 422, code: "body_invalid" }));

    assert.equal((await (await used(t, url)).ended).error.code, "body_invalid");
  });

  test(`${name}: stop() is no error, and ends the request`, async (t) => {
    let closed;
    const { url } = await endpoint(t, (response) => {
      closed = once(response, "close");
      begin(response, START, DELTAS[0]);
    });
    const page = await used(t, url);
    const begun = await page.until(({ object }) => object !== undefined);
    begun.stop();
    await closed;
    const { error, object } = await page.until(({ isLoading }) => !isLoading);

    assert.equal(error, undefined);
    assert.deepEqual(object, { summary: "Pay per" });
    assert.equal(await Promise.race([page.ended, new Promise((resolve) => setImmediate(resolve, "none"))]), "none");
  });

  test(`${name}: headers and credentials pass through`, async (t) => {
    const { url, requests } = await endpoint(t, answer);
    const seen = [];
    const send = (to, init) => {
      seen.push(init.credentials);
      return fetch(to, init);
    };
    for (const headers of [{ "X-Api-Key": "key" }, new Headers({ "X-Api-Key": "key" })]) {
      const page = await used(t, url, { options: { fetch: send }, hook: { headers, credentials: "include" } });
      await page.ended;
    }

    assert.deepEqual(requests.map(({ headers }) => headers["x-api-key"]), ["key", "key"]);
    assert.deepEqual(seen, ["include", "include"]);
  });
}

/** Sends a request as the hook does, and returns the text of the response. */
async function text(url, options) {
  return (await objectFetch(options)(url, { method: "POST", body: '{"prompt":"Why?"}' })).text();
}

test("the text of an answer that showed nothing is its value", async (t) => {
  const { url } = await endpoint(t, (response) => {
    begin(response, START, COMPLETE);
    response.end();
  });

  assert.deepEqual(JSON.parse(await text(url)), COMPLETE.value);
});

test("a restart before anything was shown is nobody's business", async (t) => {
  const { url } = await endpoint(t, (response) => {
    begin(response, START, { type: "restart", at: 2, problem: FAILED }, ...DELTAS, COMPLETE);
    response.end();
  });

  assert.deepEqual(JSON.parse(await text(url)), COMPLETE.value);
});

test("a second start after something was shown fails", async (t) => {
  const { url } = await endpoint(t, (response) => {
    begin(response, START, DELTAS[0], START, ...DELTAS, COMPLETE);
    response.end();
  });

  await assert.rejects(text(url), { code: "protocol" });
});

test("the failure waits for one turn of the event loop, in which a reader takes what came before it", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { fetch, push } = scripted();
  push(lines(START, DELTAS[0], failed(FAILED)));
  const reader = (await objectFetch({ fetch })("http://endpoint", {})).body.getReader();
  const { value } = await reader.read();
  let error;
  const fails = reader.read().catch((reason) => (error = reason));
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(new TextDecoder().decode(value), '{"summary":"Pay per');
  assert.equal(error, undefined);
  t.mock.timers.tick(1);
  await fails;

  assert.equal(error.code, "model_failed");
});
