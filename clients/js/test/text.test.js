import assert from "node:assert/strict";
import { test } from "node:test";
import { TextWriter } from "../dist/ai/text.js";
import { DELTAS } from "./endpoint.js";
import { vectors } from "./vectors.js";

/** The texts that a writer adds for each event, and at last for the end. */
function written(events) {
  const writer = new TextWriter();
  const texts = events.map(({ changes }) => changes.map((change) => writer.write(change)).join(""));
  return [...texts, writer.finish()];
}

test("the text grows at its end", () => {
  assert.deepEqual(written(DELTAS), ['{"summary":"Pay per', ' use.","keywords":["cost"', "]}", ""]);
});

test("what is not closed is ended with the document", () => {
  assert.deepEqual(written(DELTAS.slice(0, 1)), ['{"summary":"Pay per', '"}']);
});

test("what is in a closed value is closed, and so is what comes before the next value", () => {
  const changes = [
    { path: "", value: { a: [{ b: "c" }] } },
    { path: "/a/0/b", append: '"\ud83d' },
    { path: "/a/0/b", append: "\ude00" },
    { path: "/a/1", value: {} },
    { path: "/a/1/~1~0", value: null, closed: true },
    { path: "/a/1/__proto__", value: [1], closed: true },
    { path: "/a", closed: true },
    { path: "/d", value: "" },
  ];
  const text = written([{ changes }]).join("");

  assert.deepEqual(JSON.parse(text), JSON.parse('{"a":[{"b":"c\\"😀"},{"/~":null,"__proto__":[1]}],"d":""}'));
});

test("a value that was not the last one cannot grow", () => {
  const changes = [{ path: "", value: {} }, { path: "/a", value: "x" }, { path: "/b", value: "y" }, { path: "/a", append: "z" }];

  assert.throws(() => written([{ changes }]), { code: "protocol" });
});

for (const name of ["root-set-twice", "text-set-twice", "value-set-twice"])
  test(`what is written cannot be written again: ${name}`, () => {
    const vector = vectors.find((each) => each.name === name);

    assert.throws(() => written(events(vector).filter(({ type }) => type === "delta")), { code: "protocol" });
  });

/** The events of a complete answer of one attempt, which is in each of its deltas what an encoder writes. */
function events({ response }) {
  return response.body
    .join("")
    .split("\n")
    .filter((line) => line.trim())
    .map((line) => JSON.parse(line));
}

const documents = vectors.filter(
  ({ made, expected, response }) =>
    made === "encoder" && expected.outcome === "complete" && expected.partials.length && !expected.restarts && response,
);

test("there are documents", () => assert.ok(documents.length >= 10, `${documents.length}`));

for (const vector of documents)
  test(`the text of ${vector.name} is its object at every step`, () => {
    const deltas = events(vector).filter(({ type }) => type === "delta");
    for (let count = 1; count <= deltas.length; count++)
      assert.deepEqual(JSON.parse(written(deltas.slice(0, count)).join("")), vector.expected.partials[count - 1]);
  });
