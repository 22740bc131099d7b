/** The documents of `make openapi`, as the tools of other people read them. */

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const LINTER = fileURLToPath(new URL("node_modules/.bin/redocly", import.meta.url));
const COMPILER = `${ROOT}/clients/js/node_modules/.bin/tsc`;
const [, PROGRAM] = readFileSync(`${ROOT}/docs/clients.md`, "utf8").match(/^```js\n((?:(?!```).)*openapi-typescript.*?)^```$/ms);
const MISTAKES = JSON.parse(readFileSync(`${ROOT}/tests/openapi/mistakes.json`, "utf8"));
const VERSIONS = ["3.2", "3.1"];
const BOTH_WAYS = `
import type { Event } from "${ROOT}/clients/js/dist/index.js";
import type { components } from "./api.js";

type Described = components["schemas"]["Event"];
export const toClient = (event: Described): Event => event;
export const toDescribed = (event: Event): Described => event;
`;

const folder = mkdtempSync(join(tmpdir(), "openapi-"));
after(() => rmSync(folder, { recursive: true }));

/** Runs a program; returns its status and what it has written, and without its messages as `stdout`. */
function run(program, options, cwd = ROOT) {
  const env = { ...process.env, REDOCLY_TELEMETRY: "off", REDOCLY_SUPPRESS_UPDATE_NOTICE: "true" };
  return new Promise((resolve) =>
    execFile(program, options, { cwd, env }, (error, stdout, stderr) =>
      resolve({ status: error?.code ?? 0, stdout, output: stdout + stderr }),
    ),
  );
}

function written(version) {
  return join(folder, `openapi-${version}.json`);
}

function read(version) {
  return JSON.parse(readFileSync(written(version), "utf8"));
}

/**
 * Lints documents, and returns the totals of each. The licence is the user's; and a rule would have an item of the
 * content of a message declare its members, of which only one is known.
 */
async function lint(files) {
  const skipped = ["info-license", "no-required-schema-properties-undefined"].map((rule) => `--skip-rule=${rule}`);
  const { stdout } = await run(LINTER, ["lint", "--format=json", ...skipped, ...files]);
  return stdout.split(/(?<=^\})(?=\{)/m).map((report) => JSON.parse(report).totals);
}

/** Makes types of a document, as the documentation does, and checks that its events and the client's are the same. */
async function compiled(name, document) {
  const project = join(folder, name);
  mkdirSync(join(project, "dist"), { recursive: true });
  symlinkSync(fileURLToPath(new URL("node_modules", import.meta.url)), join(project, "node_modules"));
  writeFileSync(join(project, "dist", "openapi-3.1.json"), JSON.stringify(document));
  writeFileSync(join(project, "types.mjs"), PROGRAM);
  writeFileSync(join(project, "both-ways.ts"), BOTH_WAYS);
  const made = await run(process.execPath, ["types.mjs"], project);
  assert.equal(made.status, 0, made.output);
  const options = ["--noEmit", "--strict", "--module", "esnext", "--moduleResolution", "bundler", "--target", "es2022"];
  const checked = await run(COMPILER, [...options, "both-ways.ts"], project);
  return { ...checked, api: readFileSync(join(project, "api.ts"), "utf8") };
}

/** The types of the components that the type `name` is made of, as texts. */
function closure(api, name, found = new Map()) {
  if (found.has(name)) return found;
  const [, text] = api.match(new RegExp(`^        ${name}: (.*?)^        (?=\\w|/\\*\\*|})`, "ms")) ?? [];
  assert.ok(text, `${name} is not there`);
  found.set(name, text);
  for (const [, other] of text.matchAll(/components\["schemas"\]\["(\w+)"\]/g)) closure(api, other, found);
  return found;
}

before(async () => {
  const python = process.env.PYTHON ?? `${ROOT}/.venv/bin/python`;
  const { status, output } = await run(python, ["-m", "openapi", `--to=${folder}`]);
  assert.equal(status, 0, output);
});

test("redocly finds nothing to say of either version", async () => {
  const nothing = { errors: 0, warnings: 0, ignored: 0 };

  assert.deepEqual(await lint(VERSIONS.map(written)), [nothing, nothing]);
});

test("redocly finds each mistake in either version", async () => {
  const planted = VERSIONS.flatMap((version) =>
    MISTAKES.map(({ at, value }, number) => {
      const document = read(version);
      const place = at.slice(0, -1).reduce((part, step) => part[step], document);
      place[at.at(-1)] = value;
      const file = join(folder, `mistake-${number}-${version}.json`);
      writeFileSync(file, JSON.stringify(document));
      return file;
    }),
  );
  const found = await lint(planted);

  assert.equal(found.length, 10);
  assert.deepEqual(found.filter(({ errors }) => !errors), []);
});

test("the types of the events are those of the client", async () => {
  const { status, output, api } = await compiled("same", read("3.1"));
  const types = closure(api, "Event");

  assert.equal(status, 0, output);
  assert.ok(types.size > 10);
  assert.deepEqual([...types].filter(([, text]) => /\b(unknown|any|never)\b/.test(text)), []);
});

test("a document with another event is not of the client's types, in either direction", async () => {
  const document = read("3.1");
  document.components.schemas.CompleteEvent.properties.stopReason = { type: "integer" };
  const { status, output } = await compiled("other", document);

  assert.notEqual(status, 0);
  assert.match(output, /both-ways\.ts\(6,.*TS2322/);
  assert.match(output, /both-ways\.ts\(7,.*TS2322/);
});
