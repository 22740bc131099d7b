import assert from "node:assert/strict";
import { test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import * as client from "streaming-llm-client";
import { buildSync } from "esbuild";
import { expected, pieces, result, vectors } from "./vectors.js";

/** Longer bodies do not arrive byte by byte. */
const BYTE_BY_BYTE = 20_000;

test("there are vectors", () => assert.ok(vectors.length >= 60, `${vectors.length} vectors`));

for (const vector of vectors)
  test(`${vector.name}: ${vector.about}`, async () => {
    const parts = pieces(vector);
    const body = Buffer.concat(parts);
    assert.deepEqual(await result(client, vector, parts), expected(vector));
    assert.deepEqual(await result(client, vector, [body]), expected(vector));
    if (body.length < BYTE_BY_BYTE)
      assert.deepEqual(await result(client, vector, Array.from(body, (byte) => [byte])), expected(vector));
  });

/** What each rule looks like in the client, and the client without it. */
const MUTANTS = {
  "an empty line is a heartbeat": ["line.trim() && hasGrown", "hasGrown"],
  "a body that ends inside a line is cut": ["part || isWhole(lines[0])", "part || lines[0]"],
  "a body that ends without an ending is cut": ["throw new StreamCut();", "outcome = Promise.resolve({});"],
  "a last line without a line end counts": ["part || isWhole(lines[0])", "part"],
  "a character can arrive in two parts": ["stream: !!part", "stream: false"],
  "a line can arrive in two parts": ["lines[0] = rest + lines[0]", ""],
  "only a line feed ends a line": ['.split("\\n")', ".split(/[\\n\\u2028]/)"],
  "a connection that breaks is an end": [".catch(() => ({ value: void 0 }))", ""],
  "an event has a type": ['if (typeof event.type !== "string")', "if (false)"],
  "what is no event is protocol": ["throw unexpected(cause);", "throw new StreamCut();"],
  "a second start voids": ['if (type === "start" || type === "restart")', 'if (type === "restart")'],
  "restart voids": ['if (type === "start" || type === "restart")', 'if (type === "start")'],
  "the second start counts": ['if (type === "start")', 'if (type === "start" && !start)'],
  "the model of complete counts": ["model: model ?? start?.model", "model: start?.model"],
  "the model of start counts otherwise": ["model: model ?? start?.model", "model"],
  "the id of start counts": ["start?.id ?? problem?.requestId", "problem?.requestId"],
  "the id of a problem counts otherwise": ["start?.id ?? problem?.requestId", "start?.id"],
  "the header has the id otherwise": ['response?.headers.get("x-request-id")', "undefined"],
  "the first ending counts": ["!ending && (line = lines.pop())", "(line = lines.pop())"],
  "an error fails": ['if (type === "error")', "if (false)"],
  "complete completes": ['if (type === "complete")', "if (false)"],
  "the value of complete is the answer": ["validated(options.schema, value)", 'holder[""]'],
  "an error has a code": ['given?.code && typeof given.code === "string" ? given : void 0', "given"],
  "a code is a text": ['given?.code && typeof given.code === "string"', "given?.code"],
  "a code is not empty": ['given?.code && typeof given.code === "string"', 'typeof given?.code === "string"'],
  "the status of a problem counts": ["error.problem?.status ?? response?.status", "response?.status"],
  "the status of the response counts otherwise": ["error.problem?.status ?? response?.status", "error.problem?.status"],
  "only 200 is an answer": ["if (response.status !== 200)", "if (!response.ok)"],
  "a failed response can be anything": ["response.json().catch(() => void 0)", "response.json()"],
  "an answer is JSON Lines": ['.startsWith(FORMAT)', ".length"],
  "a media type has no case": ["?.toLowerCase()", ""],
  "Retry-After is told": ["retryAfter: retryAfter(response)", "retryAfter: undefined"],
  "the object so far is told": ['partial: holder[""]', "partial: undefined"],
  "a path begins with a slash": ['if (path && path[0] !== "/")', "if (false)"],
  "~1 is a slash": ['step.replaceAll("~1", "/")', "step"],
  "~0 is a tilde, and is read last": [
    '.replaceAll("~1", "/").replaceAll("~0", "~")',
    '.replaceAll("~0", "~").replaceAll("~1", "/")',
  ],
  "only what is there can grow": ["Object.hasOwn(parent, key) ? parent[key]", "true ? parent[key]"],
  "only a text can grow": ['typeof before === "string" && typeof text', "typeof text"],
  "an array has no gaps": ["!isPosition(parent, key)", "false"],
  "a list can grow": ["key === String(array.length) ||", ""],
  "__proto__ is a key": ['if (key === "__proto__")', "if (false)"],
  "value sets": ["if (value !== void 0)\n    put", "if (value)\n    put"],
  "append appends": ["? before + text", "? text"],
};

const bundle = buildSync({ entryPoints: ["dist/index.js"], bundle: true, format: "esm", write: false }).outputFiles[0].text;

for (const [rule, [code, without]] of Object.entries(MUTANTS))
  test(`the vectors notice a client without the rule: ${rule}`, async (t) => {
    t.after(() => Object.keys(Object.prototype).forEach((key) => delete Object.prototype[key])); // where a mutant led
    assert.equal(bundle.split(code).length, 2, `The client must have ${code} once.`);
    const mutant = await import(`data:text/javascript,${encodeURIComponent(bundle.replace(code, () => without))}`);

    assert.ok(await isCaught(mutant), "No vector fails.");
  });

async function isCaught(mutant) {
  const ways = [(parts) => parts, (_, body) => [body], (_, body) => Array.from(body, (byte) => [byte])];
  for (const inParts of ways) if (await failsAny(mutant, inParts)) return true;
  return false;
}

async function failsAny(mutant, inParts) {
  for (const vector of vectors) {
    const parts = pieces(vector);
    const body = Buffer.concat(parts);
    if (body.length >= BYTE_BY_BYTE) continue;
    const seen = await result(mutant, vector, inParts(parts, body)).catch((error) => ({ error }));
    if (!isDeepStrictEqual(seen, expected(vector))) return true;
  }
  return false;
}
