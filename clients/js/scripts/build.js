// Writes dist/: one JavaScript module and one declaration per source, so that all entries share their classes.

import { execFileSync } from "node:child_process";
import { copyFileSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = new URL("../", import.meta.url);

rmSync(new URL("dist", root), { recursive: true, force: true });
execFileSync("npx", ["--no-install", "tsc", "--project", "tsconfig.json"], {
  cwd: fileURLToPath(root),
  stdio: "inherit",
});
copyFileSync(new URL("../../LICENSE", root), new URL("LICENSE", root)); // npm puts it into the package
