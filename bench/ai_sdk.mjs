// The AI SDK's parsePartialJson on the whole text at each fragment: documents come on standard input.
import { parsePartialJson } from "ai";
import { readFileSync } from "node:fs";

const { text, size, fragments } = JSON.parse(readFileSync(0, "utf8"));
const total = Math.ceil(text.length / size);
const stride = Math.max(1, Math.floor(total / fragments));
const first = Math.floor(stride / 2);
for (let n = 1; n <= Math.min(total, 20); n += 1) await parsePartialJson(text.slice(0, n * size));
let count = 0;
const start = process.hrtime.bigint();
for (let n = first; n < total; n += stride) {
  await parsePartialJson(text.slice(0, (n + 1) * size));
  count += 1;
}
console.log(Number(process.hrtime.bigint() - start) / 1000 / count);
