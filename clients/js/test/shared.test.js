import assert from "node:assert/strict";
import { test } from "node:test";
import { shared } from "../dist/react/shared.js";

test("what has not changed keeps its identity", () => {
  const grown = { done: [{ a: 1 }, { a: 2 }], text: "x", growing: [{ b: "y" }] };
  const first = shared(undefined, grown);
  assert.deepEqual(first, grown);
  assert.notEqual(first, grown);
  assert.equal(shared(first, grown), first);

  grown.growing[0].b += "z";
  const second = shared(first, grown);
  assert.notEqual(second, first);
  assert.equal(second.done, first.done);
  assert.deepEqual(first.growing, [{ b: "y" }]);
  assert.deepEqual(second, grown);

  grown.done.push({ a: 3 });
  const third = shared(second, grown);
  assert.deepEqual(third, grown);
  assert.equal(third.done[0], second.done[0]);
  assert.equal(third.growing, second.growing);
});

test("a value can become another kind of value", () => {
  for (const [before, now] of [[[], {}], [{}, []], [{ a: 1 }, { b: 1 }], [null, {}], [{}, null], ["x", ["x"]], [{ a: [] }, { a: {} }]])
    assert.deepEqual(shared(before, now), now);
});

test("keys of every object are keys like any other", () => {
  const grown = JSON.parse('{"__proto__":{"a":"x"},"constructor":[],"":1}');
  const copy = shared(undefined, grown);

  assert.equal(JSON.stringify(copy), JSON.stringify(grown));
  assert.equal(Object.getPrototypeOf(copy), Object.prototype);
  assert.equal(shared(copy, grown), copy);
  assert.deepEqual(shared({}, grown), grown);
});
