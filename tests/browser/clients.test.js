/** The readers in JavaScript that docs/clients.md shows: all of them come to the same answers. */

import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { fetchEventSource } from "@microsoft/fetch-event-source";
import { EventSource } from "eventsource";
import { askForRows, codeOf } from "./rows.js";
import { Stack } from "./stack.js";

const PAGE = readFileSync(new URL("../../docs/clients.md", import.meta.url), "utf8");
const VECTORS = new URL("../../clients/vectors/", import.meta.url);
/** The readers by what they import, and the format that each asks for. */
const FORMATS = {
  fetch: "application/jsonl",
  "eventsource-parser": "text/event-stream",
  eventsource: "text/event-stream",
  "@microsoft/fetch-event-source": "text/event-stream",
};
const RECONNECTING = ["eventsource", "@microsoft/fetch-event-source"];
const REQUEST = { prompt: "Why?" };

const folder = mkdtempSync(join(tmpdir(), "clients-"));
symlinkSync(fileURLToPath(new URL("node_modules", import.meta.url)), join(folder, "node_modules"));

const requests = [];
const responses = [];
const server = createServer(async (request, response) => {
  let body = "";
  for await (const part of request) body += part;
  requests.push({ method: request.method, headers: request.headers, body });
  const { status, headers, body: pieces, end } = responses.shift() ?? { status: 204, headers: {}, body: [] };
  response.writeHead(status, headers);
  for (const piece of pieces) await new Promise((written) => response.write(bytes(piece), written));
  if (end === "cut") response.destroy();
  else response.end();
});
let url;
before(async () => {
  Object.assign(globalThis, { window: globalThis, document: new EventTarget() }); // fetch-event-source is for pages
  await once(server.listen(0, "127.0.0.1"), "listening");
  url = `http://127.0.0.1:${server.address().port}/v1/stream`;
});
after(() => {
  server.closeAllConnections();
  server.close();
  rmSync(folder, { recursive: true });
});

function bytes(piece) {
  if (typeof piece === "string") return piece;
  return "base64" in piece ? Buffer.from(piece.base64, "base64") : piece.text.repeat(piece.times);
}

/** Imports the reader of the page that imports a package; the one that imports none is `fetch`. */
async function reader(name) {
  const examples = [...PAGE.matchAll(/^```js\n(.*?)^```$/gms)].map(([, code]) => code).filter((code) => code.includes(" ask("));
  const imported = (code) => code.match(/^import .* from "(.*)"/)?.[1] ?? "fetch";
  const [code] = examples.filter((each) => imported(each) === name);
  const file = join(folder, `${name.replaceAll("/", "-")}.mjs`);
  writeFileSync(file, code);
  return (await import(pathToFileURL(file))).ask;
}

/** What a reader makes of a response. */
function outcome(ask, response) {
  responses.push(response);
  return outcomeOf(() => ask(url, REQUEST));
}

async function outcomeOf(answer) {
  try {
    return { outcome: "complete", value: await answer() };
  } catch (error) {
    const isLost = error instanceof TypeError; // of fetch, if the connection breaks
    return { outcome: "not complete", code: isLost ? "cut" : codeOf(error) };
  }
}

for (const [name, format] of Object.entries(FORMATS)) {
  const vectors = readdirSync(VECTORS)
    .filter((file) => file.endsWith(".json"))
    .map((file) => JSON.parse(readFileSync(new URL(file, VECTORS), "utf8")))
    .filter(({ made, response }) => made === "encoder" && response?.headers["Content-Type"] === format);

  test(`${name} comes to the answer of every response`, async () => {
    const ask = await reader(name);
    assert.ok(vectors.length > 10);
    for (const { name: vector, response, expected } of vectors) {
      requests.length = 0;
      const wanted =
        expected.outcome === "complete"
          ? { outcome: "complete", value: expected.value }
          : { outcome: "not complete", code: expected.code };
      assert.deepEqual(await outcome(ask, response), wanted, vector);
      const sent = requests.map(({ method, headers, body }) => [method, headers.accept, JSON.parse(body)]);
      assert.deepEqual(sent, [["POST", format, REQUEST]], vector);
    }
  });

  test(`${name} says why a request is refused`, async () => {
    const body = ['{"code":"body_invalid"}'];
    const refused = { status: 422, headers: { "Content-Type": "application/problem+json" }, body, end: "clean" };
    const { code } = await outcome(await reader(name), refused);

    assert.match(code, name === "eventsource" ? /^422$/ : /body_invalid/);
  });
}

/** A response that breaks before its first event. */
const BROKEN = { status: 200, headers: { "Content-Type": "text/event-stream" }, body: ["retry: 1\n\n"], end: "cut" };
/** The readers as they are shipped: each returns when a response is not 200. */
const AS_SHIPPED = {
  eventsource() {
    const source = new EventSource(url);
    return new Promise((resolve) => {
      source.addEventListener("error", () => source.readyState === EventSource.CLOSED && resolve());
    });
  },
  async "@microsoft/fetch-event-source"() {
    const ended = new AbortController();
    await fetchEventSource(url, {
      openWhenHidden: true,
      signal: ended.signal,
      onopen: async ({ status }) => status === 200 || ended.abort(),
    });
  },
};

for (const name of RECONNECTING)
  test(`${name} asks twice if the response breaks before its first event, unless it is closed`, async () => {
    requests.length = 0;
    responses.push(BROKEN);
    await AS_SHIPPED[name]();
    assert.deepEqual(requests.map(({ headers }) => headers["last-event-id"]), [undefined, undefined]);

    requests.length = 0;
    assert.deepEqual(await outcome(await reader(name), BROKEN), { outcome: "not complete", code: "cut" });
    await fetch(url); // it would come after a request that the reader has sent at once
    assert.equal(requests.length, 2);
  });

test("every reader knows how every row of docs/endings.md ends", async (t) => {
  const stack = await Stack.start();
  t.after(() => stack.close());
  const readers = {};
  for (const [name, format] of Object.entries(FORMATS)) {
    const ask = await reader(name);
    readers[name] = { format, ask: (endpoint, request) => outcomeOf(() => ask(endpoint, request)) };
  }
  const results = await askForRows(stack, readers);

  assert.deepEqual([...new Set(results.map(({ name }) => name))].sort(), Object.keys(FORMATS).sort());
  for (const { name, row, found } of results) {
    const seesStatusOnly = name === "eventsource" && row.refusedWith;
    const wanted = seesStatusOnly ? { ...row.expected, code: String(row.refusedWith) } : row.expected;
    assert.deepEqual(found, wanted, `${name}: ${row.name}`);
  }
});
