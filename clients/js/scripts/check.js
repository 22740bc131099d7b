// Compiles what uses the package, as bundlers and as Node find it, and with both majors of the AI SDK: the files of
// types/, the examples of README.md, and the pages of examples/react.

import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = new URL("../", import.meta.url);
const types = new URL("types/", root);
const examples = new URL("types/readme/", root);

/** An example has the schema of the first one. */
const SCHEMA = `import { z } from "zod";
const schema = z.object({ summary: z.string(), keywords: z.array(z.string()) });
`;

rmSync(examples, { recursive: true, force: true });
mkdirSync(examples);
const readme = readFileSync(new URL("README.md", root), "utf8");
for (const [index, [, code]] of [...readme.matchAll(/^```tsx?\n(.*?)^```$/gms)].entries())
  writeFileSync(new URL(`${index}.tsx`, examples), `${code.includes("const schema") ? "" : SCHEMA}${code}`);

for (const name of readdirSync(types).filter((each) => each.endsWith(".json")))
  execFileSync("npx", ["--no-install", "tsc", "--project", fileURLToPath(new URL(name, types))], { stdio: "inherit" });
