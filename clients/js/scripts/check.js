// Compiles what uses the package, as bundlers and as Node find it, and with both majors of the AI SDK: the files of
// types/, and the pages of examples/react.

import { execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";

const folder = new URL("../types/", import.meta.url);

for (const name of readdirSync(folder).filter((each) => each.endsWith(".json")))
  execFileSync("npx", ["--no-install", "tsc", "--project", fileURLToPath(new URL(name, folder))], { stdio: "inherit" });
