import "./dom.js";
import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import * as newest from "@ai-sdk/react";
import * as previous from "ai-sdk-react-3";
import { StreamCut, StreamError, StreamingLlmTransport } from "streaming-llm-client/ai";
import { render } from "./dom.js";
import { COMPLETE, DELTAS, START, answer, begin, delta, endpoint, failed, lines, scripted } from "./endpoint.js";

const MESSAGE = { text: "Why?" };

for (const [name, { Chat, useChat }] of Object.entries({ "@ai-sdk/react 4": newest, "@ai-sdk/react 3": previous })) {
  /** A chat that keeps its errors. */
  function chatting(options) {
    const errors = [];
    const chat = new Chat({ transport: new StreamingLlmTransport(options), onError: (error) => errors.push(error) });
    return { chat, errors };
  }

  const parts = (chat) => chat.messages.filter(({ role }) => role === "assistant").flatMap((message) => message.parts);

  test(`${name}: the answer is one data part, and the last user message is the prompt`, async (t) => {
    const { url, requests } = await endpoint(t, answer);
    const { chat, errors } = chatting({ api: url });
    await chat.sendMessage(MESSAGE);
    await chat.sendMessage({ parts: [{ type: "text", text: "And " }, { type: "text", text: "then?" }] });

    assert.deepEqual(errors, []);
    assert.equal(chat.status, "ready");
    assert.deepEqual(parts(chat).map(({ type, data }) => [type, data]), Array(2).fill(["data-answer", COMPLETE.value]));
    assert.deepEqual(requests.map(({ body }) => body), ['"Why?"', '"And then?"']);
  });

  test(`${name}: the request, the name and the headers are the caller's`, async (t) => {
    const { url, requests } = await endpoint(t, answer);
    const { chat } = chatting({
      api: url,
      name: "trip",
      body: (messages) => ({ count: messages.length, about: messages[0].parts[0].text }),
      headers: async () => ({ "X-Tenant": "a", Authorization: "token" }),
    });
    await chat.sendMessage(MESSAGE, { headers: { "x-tenant": "b" } });

    assert.deepEqual(parts(chat).map(({ type }) => type), ["data-trip"]);
    assert.deepEqual(JSON.parse(requests[0].body), { count: 1, about: "Why?" });
    assert.equal(requests[0].headers["x-tenant"], "b");
    assert.equal(requests[0].headers.authorization, "token");
  });

  const problem = { title: "The model failed.", status: 502, code: "model_failed" };
  for (const [what, code, end] of [
    ["an error event", "model_failed", (response) => response.end(lines(failed(problem)))],
    ["a clean cut", "cut", (response) => response.end()],
    ["a cut", "cut", (response) => response.destroy()],
  ])
    test(`${name}: ${what} is the error of the chat, and what was shown stays`, async (t) => {
      const { url } = await endpoint(t, (response) => {
        begin(response, START, ...DELTAS);
        response.write("", () => end(response));
      });
      const { chat, errors } = chatting({ api: url });
      await chat.sendMessage(MESSAGE);

      assert.equal(chat.status, "error");
      assert.equal(errors.length, 1);
      assert.equal(chat.error, errors[0]);
      assert.ok(errors[0] instanceof StreamError);
      assert.equal(errors[0] instanceof StreamCut, code === "cut");
      assert.equal(errors[0].code, code);
      assert.deepEqual(parts(chat).map(({ data }) => data), [COMPLETE.value]);
    });

  test(`${name}: stop() ends the request and is no error`, async (t) => {
    let closed;
    const { url } = await endpoint(t, (response) => {
      closed = once(response, "close");
      begin(response, START, DELTAS[0]);
    });
    const shown = [];
    const transport = new StreamingLlmTransport({ api: url });
    const page = render(t, () => useChat({ transport, onError: (error) => shown.push(error) }));
    (await page.until(() => true)).sendMessage(MESSAGE);
    const begun = await page.until(({ messages }) => messages.at(-1)?.parts[0]?.data?.summary === "Pay per");
    begun.stop();
    await closed;

    assert.equal((await page.until(({ status }) => status === "ready")).error, undefined);
    assert.deepEqual(shown, []);
  });
}

/** Reads the chunks of a stream, with the value of each data part. */
async function* read(stream) {
  for (const reader = stream.getReader(); ; ) {
    const { done, value } = await reader.read();
    if (done) return;
    yield value.data === undefined ? value.type : structuredClone(value.data);
  }
}

test("the object is shown at most once in 50 ms, and the last one always", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { fetch, push } = scripted();
  const transport = new StreamingLlmTransport({ api: "http://endpoint", fetch });
  const message = { id: "1", role: "user", parts: [{ type: "text", text: "Why?" }] };
  const chunks = read(await transport.sendMessages({ messages: [message], trigger: "submit-message", chatId: "1" }));
  const settled = () => new Promise((resolve) => setImmediate(resolve));
  assert.equal((await chunks.next()).value, "start");

  push(lines(START, delta({ path: "", value: {} }), delta({ path: "/n", value: 0 })));
  const first = await chunks.next();
  for (let count = 1; count <= 5; count++) push(lines(delta({ path: "/n", value: count })));
  let second;
  const waits = chunks.next().then((chunk) => (second = chunk.value));
  await settled();
  t.mock.timers.tick(49);
  await settled();
  assert.equal(second, undefined);
  t.mock.timers.tick(1);
  await waits;
  assert.deepEqual([Object.keys(first.value), second], [["n"], { n: 5 }]);

  push(lines(delta({ path: "/n", value: 6 }), { ...COMPLETE, value: { n: 6, more: true } }));
  const rest = [];
  const all = (async () => {
    for await (const chunk of chunks) rest.push(chunk);
  })();
  for (let turn = 0; turn < 8; turn++) {
    await settled();
    t.mock.timers.tick(50);
  }
  await all;
  assert.deepEqual(rest, [{ n: 6 }, { n: 6, more: true }, "finish"]);
});

test("an answer cannot be resumed", async () => {
  assert.equal(await new StreamingLlmTransport({ api: "http://endpoint" }).reconnectToStream({ chatId: "1" }), null);
});
