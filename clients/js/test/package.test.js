import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
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

const KB = 1024;

test("each entry is small", (t) => {
  const core = size("index.js");
  const added = { "./ai": size("ai/index.js") - core, "./react": size("react/index.js") - core };
  t.diagnostic(`bytes: . has ${core}, ./ai ${added["./ai"]} more, ./react ${added["./react"]} more`);

  assert.ok(core <= 2.5 * KB, `${core}`);
  assert.ok(added["./ai"] <= 1.8 * KB, `${added["./ai"]}`);
  assert.ok(added["./react"] <= 1 * KB, `${added["./react"]}`);
});

const [{ filename, files }] = JSON.parse(
  execFileSync("npm", ["pack", "--json", "--ignore-scripts", "--pack-destination", folder], { encoding: "utf8" }),
);
const tarball = join(folder, filename);

test("the package is what publint and attw want", () => {
  const others = files.map(({ path }) => path).filter((name) => !name.startsWith("dist/"));

  assert.deepEqual(others, ["LICENSE", "README.md", "package.json"]);
  run("publint", "--strict", tarball);
  run("attw", "--profile", "esm-only", tarball);
});

test("the package works where it is installed, also without React and the AI SDK", () => {
  writeFileSync(join(folder, "package.json"), "{}");
  const options = { cwd: folder, encoding: "utf8" };
  execFileSync("npm", ["install", "--offline", "--omit=peer", tarball], options);
  const code = `
    const { Client, StreamError } = await import("streaming-llm-client");
    const ai = await import("streaming-llm-client/ai");
    console.log(typeof new Client("/").stream, typeof ai.objectFetch(), ai.StreamError === StreamError);`;

  assert.equal(execFileSync("node", ["--input-type=module", "--eval", code], options), "function function true\n");
});

test("the pages of the example are built", () => {
  const example = "../../examples/react";
  const { outputFiles } = buildSync({
    entryPoints: ["use-stream", "use-object", "use-chat"].map((name) => `${example}/${name}.tsx`),
    bundle: true,
    jsx: "automatic",
    format: "esm",
    splitting: true,
    outdir: join(folder, "build"),
    nodePaths: [join(folder, "node_modules"), "node_modules"],
    define: { "process.env.NODE_ENV": '"production"' },
    write: false,
  });

  for (const name of ["use-stream", "use-object", "use-chat"])
    assert.ok(outputFiles.some(({ path }) => path.endsWith(`/${name}.js`)), name);
});

test("the example has the one React that it installs, and none of the client's folder", () => {
  const page = join(folder, "example");
  mkdirSync(page);
  const dependencies = { "streaming-llm-client": `file:${process.cwd()}` };
  writeFileSync(join(page, "package.json"), JSON.stringify({ dependencies }));
  copyFileSync("../../examples/react/.npmrc", join(page, ".npmrc"));
  execFileSync("npm", ["install", "--offline", "--omit=peer"], { cwd: page });
  const client = join(page, "node_modules", "streaming-llm-client");

  assert.ok(existsSync(join(client, "dist", "react", "index.js")));
  assert.ok(!existsSync(join(client, "node_modules")));
});

test("the example asks for the versions that are tested", () => {
  const { devDependencies: tested } = JSON.parse(read("package.json"));
  const { dependencies, devDependencies } = JSON.parse(read("../../examples/react/package.json"));
  const { "streaming-llm-client": client, ...others } = { ...dependencies, ...devDependencies };

  assert.equal(client, "file:../../clients/js");
  assert.deepEqual(others, Object.fromEntries(Object.keys(others).map((name) => [name, tested[name]])));
});

test("the licence is that of the repository", () => {
  assert.equal(read("LICENSE"), read("../../LICENSE"));
  assert.match(read("../../pyproject.toml"), new RegExp(`^license = "${JSON.parse(read("package.json")).license}"$`, "m"));
});

test("each development package is explained", () => {
  const explained = [...read("README.md").matchAll(/^\| (`[^|]*`) \|/gm)].flatMap(([, cell]) => cell.split(", "));

  for (const name of Object.keys(JSON.parse(read("package.json")).devDependencies))
    assert.ok(explained.includes(`\`${name}\``), name);
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
