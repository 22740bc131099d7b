// Writes the client as the one module that the page of `make serve` loads. That page has no build step, and a
// machine that serves it needs no Node, so the result is a file of the repository.

import { createHash } from "node:crypto";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";

const sources = new URL("../src/", import.meta.url);

export const target = new URL("../../../local/playground/client.js", import.meta.url);

/** Returns the SHA-256 of the sources of the entry `.`: of their names and texts, in the order of their names. */
function fingerprint() {
  const hash = createHash("sha256");
  for (const name of readdirSync(sources).filter((each) => each.endsWith(".ts")).sort())
    hash.update(`${name}\n`).update(readFileSync(new URL(name, sources)));
  return hash.digest("hex");
}

/** Returns the module's text. Its first line says which sources it was made from. */
export async function page() {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL("index.ts", sources))],
    bundle: true,
    format: "esm",
    target: "es2022",
    charset: "utf8",
    write: false,
  });
  const made = `// Made from clients/js/src by "npm run page" in clients/js. SHA-256 of the sources: ${fingerprint()}`;
  return `${made}\n${outputFiles[0].text}`;
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) writeFileSync(target, await page());
