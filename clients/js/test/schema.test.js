import assert from "node:assert/strict";
import { test } from "node:test";
import { Client } from "streaming-llm-client";
import { z } from "zod";
import { COMPLETE, answer, endpoint } from "./endpoint.js";

test("final() gives what the schema makes of the answer, and the partials are as they came", async (t) => {
  const { url } = await endpoint(t, answer);
  const schema = z.object({ summary: z.string().transform((text) => text.length), keywords: z.array(z.string()) });
  const stream = new Client(url).stream({ prompt: "Why?" }, { schema });
  const partials = [];
  for await (const partial of stream) partials.push(structuredClone(partial));

  assert.deepEqual((await stream.final()).value, { summary: 12, keywords: ["cost"] });
  assert.deepEqual(partials.at(-1), COMPLETE.value);
});

test("an answer that the schema refuses fails with the places, and without values", async (t) => {
  const { url, requests } = await endpoint(t, answer);
  const schema = z.object({
    summary: z.string().max(3, { error: ({ input }) => `secret ${input}` }),
    keywords: z.tuple([z.number()]),
    "a/b~": z.number(),
  });
  const stream = new Client(url).stream({ prompt: "Why?" }, { schema });
  const error = await stream.final().then(
    () => assert.fail("It must fail."),
    (reason) => reason,
  );

  assert.deepEqual([error.code, error.status], ["schema_mismatch", 200]);
  assert.deepEqual(error.problem.errors, [{ path: "/summary" }, { path: "/keywords/0" }, { path: "/a~1b~0" }]);
  assert.doesNotMatch(JSON.stringify({ ...error, partial: null, message: error.message }), /Pay|secret|cost/);
  assert.deepEqual(error.partial, COMPLETE.value);
  await assert.rejects(async () => {
    for await (const _ of stream);
  }, (reason) => reason === error);
  assert.equal(requests.length, 1);
});

test("a path can name its steps by objects, and an issue can be of the whole answer", async (t) => {
  const { url } = await endpoint(t, answer);
  const validate = async () => ({ issues: [{ message: "no", path: [{ key: "a" }, 0] }, { message: "no" }] });
  const schema = { "~standard": { version: 1, vendor: "own", validate } };

  await assert.rejects(new Client(url).stream({ prompt: "Why?" }, { schema }).final(), {
    code: "schema_mismatch",
    message: "The answer does not match the schema at /a/0, (schema_mismatch)",
  });
});
