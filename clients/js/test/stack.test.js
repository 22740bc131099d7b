import "./dom.js";
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { Chat, experimental_useObject as useObject } from "@ai-sdk/react";
import { Client } from "streaming-llm-client";
import { StreamingLlmTransport, objectFetch } from "streaming-llm-client/ai";
import { useStream } from "streaming-llm-client/react";
import { z } from "zod";
import { askForRows } from "../../../tests/browser/rows.js";
import { Stack, answering, fragments } from "../../../tests/browser/stack.js";
import { render } from "./dom.js";
import { resolvers } from "./endpoint.js";

const DOCUMENT = '{"summary": "Code runs on demand.", "keywords": ["cost", "scale"]}';
const VALUE = JSON.parse(DOCUMENT);
const HALF = DOCUMENT.slice(0, 40);
const REQUEST = { prompt: "Why?" };
const schema = z.object({ summary: z.string(), keywords: z.array(z.string()) });

const python = process.env.PYTHON ?? fileURLToPath(new URL("../../../.venv/bin/python", import.meta.url));
const skip = !existsSync(python) && "The local stack is written in Python: run make in the project's folder once.";

let stack;
before(async () => {
  if (!skip) stack = await Stack.start();
});
after(() => stack?.close());

/**
 * Each way to ask: it returns the value and the error, after it has called `shown` as soon as something is shown.
 * The last arguments, where there are some, are another request and options of the client.
 */
const callers = {
  async Client(url, t, shown, request = REQUEST, client = {}) {
    const stream = new Client(url, client).stream(request, { schema });
    try {
      for await (const _ of stream) shown();
      return { value: (await stream.final()).value };
    } catch (error) {
      return { error };
    }
  },
  async useStream(url, t, shown, request = REQUEST, client = {}) {
    const options = { ...client, schema, onEvent: ({ type }) => type === "delta" && shown() };
    const page = render(t, () => useStream(url, options));
    (await page.until(() => true)).submit(request);
    const { value, problem } = await page.until(({ status }) => !["idle", "streaming"].includes(status));
    return { value, error: problem };
  },
  async useObject(url, t, shown, request = REQUEST, client = {}) {
    const ended = resolvers();
    const onFinish = ({ object }) => ended.resolve({ value: object });
    const options = { api: url, schema, fetch: objectFetch(client), onFinish, onError: (error) => ended.resolve({ error }) };
    const page = render(t, () => useObject(options));
    (await page.until(() => true)).submit(request);
    page.until(({ object }) => object).then(shown);
    return ended.promise;
  },
  async useChat(url, t, shown) {
    const chat = new Chat({ transport: new StreamingLlmTransport({ api: url }), onError: () => {}, onData: shown });
    await chat.sendMessage({ text: "Why?" });
    return { value: chat.error ? undefined : chat.messages.at(-1).parts.at(-1).data, error: chat.error };
  },
};

for (const [name, ask] of Object.entries(callers)) {
  test(`${name} gets the answer of the local stack, for one model call`, { skip }, async (t) => {
    await stack.do("play", [answering(DOCUMENT)]);
    const calls = await stack.do("call_count");
    const { value, error } = await ask(stack.urls.endpoint, t, () => {});

    assert.equal(error, undefined);
    assert.deepEqual(value, VALUE);
    assert.equal(await stack.do("call_count"), calls + 1);
  });

  for (const cleanly of [true, false])
    test(`${name} takes no cut for an answer, and pays for no other: ${cleanly ? "a clean end" : "a broken connection"}`, { skip }, async (t) => {
      const gate = `${name} ${cleanly}`;
      await stack.do("play", [[...fragments(HALF), { hold: gate }, ...answering(DOCUMENT.slice(40))]]);
      const calls = await stack.do("call_count");
      const shown = resolvers();
      const asked = ask(stack.urls.endpoint, t, shown.resolve);
      await shown.promise;
      await stack.do("cut", { cleanly });
      await stack.do("release", [gate]);
      const { value, error } = await asked;

      assert.equal(value, undefined);
      assert.equal(error.code, "cut");
      assert.equal(await stack.do("call_count"), calls + 1);
    });

  test(`${name} learns why an answer failed`, { skip }, async (t) => {
    await stack.do("play", [[...fragments(HALF), { stop: "max_tokens" }, { usage: [12, 34] }]]);

    assert.equal((await ask(stack.urls.endpoint, t, () => {})).error.code, "answer_truncated");
  });
}

test("every client knows how every row of docs/endings.md ends", { skip }, async (t) => {
  const { Client: own, useStream: hook, useObject: sdk } = callers;
  const readers = {};
  for (const [name, ask] of Object.entries({ Client: own, useStream: hook, objectFetch: sdk }))
    readers[name] = {
      format: "application/jsonl",
      async ask(url, request) {
        const { value, error } = await ask(url, t, () => {}, request, { retries: 0 });
        return error ? { outcome: "not complete", code: error.code } : { outcome: "complete", value };
      },
    };
  const results = await askForRows(stack, readers);

  assert.deepEqual([...new Set(results.map(({ name }) => name))].sort(), Object.keys(readers).sort());
  for (const { name, row, found } of results) assert.deepEqual(found, row.expected, `${name}: ${row.name}`);
});
