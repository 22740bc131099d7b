import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { gzipSync } from "node:zlib";
import { buildSync } from "esbuild";
import { page, target } from "../scripts/page.js";

const read = (path) => readFileSync(new URL(`../${path}`, import.meta.url), "utf8");
const folder = mkdtempSync(join(tmpdir(), "streaming-llm-client-"));
after(() => rmSync(folder, { recursive: true }));

function run(program, ...options) {
  return execFileSync("npx", ["--no-install", program, ...options], { encoding: "utf8" });
}

/** The bytes of an entry with all that it needs of this package, minified and compressed. */
function size(entry) {
  const options = { bundle: true, minify: true, format: "esm", target: "es2022", packages: "external", write: false };
  const { outputFiles } = buildSync({ entryPoints: [`dist/${entry}`], ...options });
  return gzipSync(outputFiles[0].contents, { level: 9 }).length;
}

test("the client is small", (t) => {
  const core = size("index.js");
  t.diagnostic(`the entry . has ${core} bytes`);

  assert.ok(core <= 2560, `${core} bytes`);
});

test("the package is what publint and attw want", () => {
  const [{ filename, files }] = JSON.parse(
    execFileSync("npm", ["pack", "--json", "--ignore-scripts", "--pack-destination", folder], { encoding: "utf8" }),
  );
  const names = files.map(({ path }) => path);
  const tarball = join(folder, filename);

  assert.deepEqual(names.filter((name) => !name.startsWith("dist/")), ["LICENSE", "README.md", "package.json"]);
  run("publint", "--strict", tarball);
  run("attw", "--profile", "esm-only", tarball);
});

test("the package works where it is installed", () => {
  const [{ filename }] = JSON.parse(
    execFileSync("npm", ["pack", "--json", "--ignore-scripts", "--pack-destination", folder], { encoding: "utf8" }),
  );
  writeFileSync(join(folder, "package.json"), "{}");
  const options = { cwd: folder, encoding: "utf8" };
  execFileSync("npm", ["install", "--offline", "--omit=peer", join(folder, filename)], options);
  const code = 'import("streaming-llm-client").then(({ Client }) => console.log(typeof new Client("/").stream))';

  assert.equal(execFileSync("node", ["--eval", code], options), "function\n");
});

test("the lock names versions and no registry", () => {
  const { packages } = JSON.parse(read("package-lock.json"));
  const { devDependencies } = JSON.parse(read("package.json"));

  assert.ok(Object.keys(packages).length > 1);
  assert.deepEqual(Object.values(packages).filter(({ resolved }) => resolved), []);
  assert.deepEqual(Object.entries(devDependencies).filter(([, version]) => !/^(npm:.*@)?\d+\.\d+\.\d+$/.test(version)), []);
});

test("the page of make serve has this client", async () => {
  assert.equal(readFileSync(target, "utf8"), await page(), 'Run "npm run page" in clients/js.');
});

test("the codes of the endpoint are those of its documentation", () => {
  const documented = read("../../docs/errors.md").split("<!-- generated: errors -->")[1].split("<!-- end -->")[0];
  const codes = [...documented.matchAll(/^\| `(\w+)` \|/gm)].map(([, code]) => code);
  const [, union] = read("src/errors.ts").match(/type EndpointCode =([^;]*);/);

  assert.deepEqual([...union.matchAll(/"(\w+)"/g)].map(([, code]) => code), codes);
});
