import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import { test } from "node:test";
import { Client } from "streaming-llm-client";
import { COMPLETE, answer, endpoint, lines } from "./endpoint.js";

async function code(client) {
  return client.stream({ prompt: "Why?" }).final().then(
    () => assert.fail("It must fail."),
    (error) => [error.code, error.status],
  );
}

test("headers are an object, Headers, or a function that sees the request", async (t) => {
  const { url, requests } = await endpoint(t, answer);
  let seen;
  const sign = async (request) => {
    seen = request;
    return { "x-signed": String(request.body.length) };
  };
  for (const headers of [{ "X-Api-Key": "key" }, new Headers({ "X-Api-Key": "key", Accept: "text/plain" }), sign])
    await new Client(new URL(url), { headers }).stream({ prompt: "Why?" }).final();

  assert.deepEqual(requests.map(({ headers }) => headers["x-api-key"] ?? headers["x-signed"]), ["key", "key", "17"]);
  assert.equal(requests[1].headers.accept, "application/jsonl");
  assert.deepEqual(seen, {
    url,
    method: "POST",
    headers: { accept: "application/jsonl", "content-type": "application/json" },
    body: '{"prompt":"Why?"}',
  });
});

for (const [what, status, type, body, expected] of [
  ["a page of a proxy", 502, "text/html", "<html>", "http_502"],
  ["a problem without a code", 500, "application/problem+json", "{}", "http_500"],
  ["an empty code", 400, "application/problem+json", '{"code":""}', "http_400"],
  ["a code that is no text", 400, "application/problem+json", '{"code":7}', "http_400"],
  ["the gateway's problem", 403, "application/problem+json", '{"code":"INVALID_API_KEY"}', "INVALID_API_KEY"],
  ["a code of the endpoint's own", 402, "application/problem+json", '{"code":"no_credit"}', "no_credit"],
  ["another page", 200, "text/html", "<html>", "protocol"],
  ["no content", 204, "application/jsonl", "", "http_204"],
])
  test(`a response that is no answer: ${what}`, async (t) => {
    const { url } = await endpoint(t, (response) => {
      response.writeHead(status, { "Content-Type": type });
      response.end(body);
    });

    assert.deepEqual(await code(new Client(url)), [expected, status]);
  });

test("Retry-After is seconds; a date of a proxy is ignored", async (t) => {
  const values = ["0", "7", "Wed, 21 Oct 2026 07:28:00 GMT", "soon"];
  const { url } = await endpoint(t, (response, number) => {
    response.writeHead(503, { "Retry-After": values[number - 1] });
    response.end();
  });
  const seen = [];
  for (const _ of values) await new Client(url).stream().final().catch(({ retryAfter }) => seen.push(retryAfter));

  assert.deepEqual(seen, [0, 7, undefined, undefined]);
});

test("a connection that ends before the response is network, and is not repeated", async (t) => {
  let connections = 0;
  const server = createServer((socket) => {
    connections += 1;
    socket.once("data", () => socket.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());

  assert.deepEqual(await code(new Client(`http://127.0.0.1:${server.address().port}/`)), ["network", undefined]);
  assert.equal(connections, 1);
});

test("a native fetch is called as browsers want it", async () => {
  const options = {
    async fetch() {
      assert.notEqual(this, options);
      return new Response(lines(COMPLETE), { headers: { "Content-Type": "application/jsonl" } });
    },
  };

  assert.deepEqual((await new Client("http://endpoint", options).stream().final()).value, COMPLETE.value);
});
