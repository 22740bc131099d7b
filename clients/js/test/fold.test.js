import assert from "node:assert/strict";
import { test } from "node:test";
import { fold } from "../dist/fold.js";

test("a change without a path fits nowhere, whatever came before it", () => {
  const holder = {};
  fold(holder, { path: "", value: { a: "x" } });
  fold(holder, { path: "/a", append: "y" });
  for (const path of [null, undefined, 5, null, undefined, {}])
    assert.throws(() => fold(holder, { path, append: "z" }), TypeError);

  assert.deepEqual(holder[""], { a: "xy" });
});

test("two documents that grow at the same place do not meet", () => {
  const [first, second] = [{}, {}];
  for (const [holder, text] of [[first, "1"], [second, "2"]]) fold(holder, { path: "", value: { a: text } });
  for (const [holder, text] of [[first, "1"], [second, "2"], [first, "1"]]) fold(holder, { path: "/a", append: text });

  assert.deepEqual([first[""], second[""]], [{ a: "111" }, { a: "22" }]);
});
