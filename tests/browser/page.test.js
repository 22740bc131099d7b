/** The playground as people use it: what it shows of an answer that grows, and how it behaves in a browser. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { after, afterEach, before, beforeEach, test } from "node:test";
import { keep, launch } from "./chromium.js";
import { PlaygroundPage } from "./playground.js";
import { Stack, answering, fragments } from "./stack.js";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const DOCUMENT = '{"summary": "Code runs on demand, and nobody looks after servers.", "keywords": ["cost", "scale"]}';
/** Where a keyword is open, and the summary is closed. */
const MIDDLE = DOCUMENT.indexOf("ost");

let stack;
let browser;
let context;
let playground;
let gates = 0;

before(async () => {
  stack = await Stack.start();
  browser = await launch();
});
after(async () => {
  await browser.close();
  await stack.close();
});
beforeEach(async () => {
  context = await browser.newContext();
  playground = await PlaygroundPage.open(context, stack.urls.playground);
});
afterEach(async () => {
  assert.deepEqual(playground.errors, []);
  await context.close();
});

/** Let the model write half of its answer and wait at a gate; return the gate's name. */
async function playHalf(document = DOCUMENT, middle = MIDDLE) {
  const gate = `half ${++gates}`;
  await stack.do("play", [
    [...fragments(document.slice(0, middle)), { hold: gate }, ...answering(document.slice(middle))],
    answering(document),
  ]);
  return gate;
}

/** Send a request, and return when half of its answer is shown. */
async function showHalf(page = playground) {
  const gate = await playHalf();
  await page.send({ prompt: "What is serverless computing?" });
  await page.page.locator("#answer li >> text=keywords").waitFor();
  return gate;
}

test("an answer grows, with open and closed values told apart", async () => {
  const gate = await showHalf();
  const state = (name) => playground.page.locator(`#answer li:has(> .key:text-is("${name}"))`).getAttribute("class");
  await playground.page.locator('#answer li.closed > .key:text-is("summary")').waitFor();

  assert.equal(await playground.outcome.textContent(), "streaming");
  assert.equal(await state("summary"), "closed");
  assert.equal(await state("keywords"), null);
  await keep(playground.page, "mid-stream");

  await stack.do("release", [gate]);
  assert.equal(await playground.end(), "complete");
  assert.equal(await state("keywords"), "closed");
  const facts = await playground.facts();
  assert.deepEqual([facts["input tokens"], facts["output tokens"], facts["stop reason"]], ["12", "34", "end_turn"]);
  assert.match(await playground.page.locator("#timeline-text").textContent(), /^First byte after .* end after/);
  assert.match(await playground.page.locator("#events").innerText(), /"type":"complete"/);
});

for (const [what, options] of Object.entries({
  light: { colorScheme: "light" },
  dark: { colorScheme: "dark" },
  narrow: { viewport: { width: 320, height: 700 } },
})) {
  test(`axe finds nothing serious, ${what}`, async () => {
    const other = await browser.newContext(options);
    const page = await PlaygroundPage.open(other, stack.urls.playground);
    const gate = await showHalf(page);
    await page.page.evaluate(AXE);

    await keep(page.page, `${what}-mid-stream`);
    assert.deepEqual(await seriousFindings(page.page), []);
    const overflow = await page.page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert.ok(overflow <= 0, `the page is ${overflow} pixels wider than its window`);
    await stack.do("release", [gate]);
    await page.end();
    assert.deepEqual(await seriousFindings(page.page), []);
    await page.page.selectOption("#route", "elsewhere");
    assert.deepEqual(await seriousFindings(page.page), []);
    await keep(page.page, `${what}-complete`);
    await other.close();
  });
}

/** What axe calls serious or critical, with the element. */
async function seriousFindings(page) {
  const { violations } = await page.evaluate(() => globalThis.axe.run());
  const serious = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
  return serious.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)]);
}

test("the keyboard is enough, and the live region speaks only at the beginning and the end", async () => {
  await stack.do("play", [answering(DOCUMENT, 1)]);
  await playground.page.evaluate(() => {
    globalThis.spoken = [];
    const status = document.getElementById("status");
    new MutationObserver(() => globalThis.spoken.push(status.textContent)).observe(status, { childList: true });
  });
  const reached = [];
  for (let i = 0; i < 12; i++) {
    await playground.page.keyboard.press("Tab");
    reached.push(await playground.page.evaluate(() => document.activeElement.id || document.activeElement.tagName));
  }
  await playground.page.focus("#input");
  await playground.page.keyboard.press("Control+Enter");

  assert.equal(await playground.end(), "complete");
  const order = ["route", "input", "body-kind", "format", "ending", "send", "answer", "SUMMARY", "events"];
  assert.deepEqual(reached.filter((id) => order.includes(id)).slice(0, order.length), order);
  const spoken = await playground.page.evaluate(() => globalThis.spoken);
  assert.deepEqual(spoken.slice(0, 2), ["The request is sent.", "The answer has begun."]);
  assert.match(spoken[2], /^The answer is complete after /);
  assert.equal(spoken.length, 3);
});

test("Stop ends the request in the browser, and the next one works", async () => {
  const gate = await showHalf();
  await playground.page.click("#stop");

  assert.equal(await playground.end(), "stopped");
  assert.match(await playground.answer(), /Code runs on demand/);
  await stack.do("release", [gate]);
  await playground.send();
  assert.equal(await playground.end(), "complete");
});

test("a reload in the middle of an answer begins afresh", async () => {
  const gate = await showHalf();
  await playground.page.reload();
  await stack.do("release", [gate]);

  assert.equal(await playground.outcome.textContent(), "idle");
  await playground.send({ prompt: "Why?" });
  assert.equal(await playground.end(), "complete");
});

test("two tabs have an answer each", async () => {
  const gate = await showHalf();
  const other = await PlaygroundPage.open(context, stack.urls.playground);
  const document = '{"summary": "The other one.", "keywords": []}';
  await stack.do("play", [answering(document)]);
  await other.send({ prompt: "And now?" });

  assert.equal(await other.end(), "complete");
  assert.match(await other.answer(), /The other one/);
  await stack.do("release", [gate]);
  assert.equal(await playground.end(), "complete");
  assert.match(await playground.answer(), /nobody looks after servers/);
});

test("markup, control characters and marks of direction show as text", async () => {
  const markup = '<script>alert(1)</script><img src=x onerror=alert(1)> \\u001b[31mred\\u001b[0m \\u202eright to left';
  const document = `{"summary": "${markup.replaceAll('"', "'")}", "keywords": ["<b>bold</b>"]}`;
  const dialogs = [];
  playground.page.on("dialog", (dialog) => dialogs.push(dialog.message()) && dialog.dismiss());
  for (const format of ["application/jsonl", "text/event-stream", "text/plain"]) {
    await stack.do("play", [answering(document)]);
    await playground.send({ prompt: "Why?", format });

    assert.equal(await playground.end(), "complete");
    const shown = await playground.answer();
    for (const text of ["<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "\\u202e", "<b>bold</b>"]) {
      assert.ok(shown.includes(text), `${format}: ${shown}`);
    }
    const made = await playground.page.locator(":is(#answer, #events) :is(script, img, b)").count();
    assert.equal(made, 0);
    assert.doesNotMatch(await playground.page.locator("body").innerText(), /[\u001b\u202e]/);
  }
  assert.deepEqual(dialogs, []);
});

test("raw text shows the document as it arrives, and a request can be JSON", async () => {
  await stack.do("play", [answering(DOCUMENT)]);
  await playground.send({ json: '{"prompt": "Why?"}', format: "text/plain" });

  assert.equal(await playground.end(), "complete");
  assert.ok((await playground.answer()).includes(DOCUMENT));
  await playground.send({ json: "{" });
  assert.equal(await playground.end(), "failed");
  assert.match(await playground.page.locator("#outcome-text").textContent(), /^The request must be JSON/);
});

test("the example of the request class is there to be sent, and each route has its own", async () => {
  const [url, remark] = [stack.urls.endpoint, "chat:Question has no example of a request."];
  const example = '{"prompt": "An example?"}';
  const description = { routes: [{ url, example, remark: "" }, { url: `${url}2`, example: null, remark }], endings: {} };
  await playground.page.route("**/endpoint.json", (route) => route.fulfill({ json: description }));
  await playground.page.reload();
  await playground.page.locator("#route option").first().waitFor({ state: "attached" });
  await stack.do("play", [answering(DOCUMENT)]);
  await playground.send();

  assert.equal(await playground.end(), "complete");
  assert.deepEqual(JSON.parse(await playground.page.inputValue("#input")), JSON.parse(example));
  assert.ok(!(await playground.page.isVisible("#ending")), "Bedrock cannot be asked for an ending");
  await playground.page.selectOption("#route", "1");
  assert.equal(await playground.page.locator("#input-note").textContent(), remark);
  assert.equal(await playground.page.inputValue("#body-kind"), "prompt");
  await playground.page.fill("#input", "My own words.");
  await playground.page.selectOption("#route", "0");
  assert.equal(await playground.page.inputValue("#input"), "My own words.");
});

test("where a page of another origin gets no response, the line to add is shown", async () => {
  await stack.do("deploy", { allowed_origins: "https://www.example.com" });
  const origin = new URL(stack.urls.playground).origin;
  try {
    await playground.send({ prompt: "Why?" });

    assert.equal(await playground.end(), "failed");
    const advice = await playground.page.locator("#advice").innerText();
    assert.ok(advice.includes(`pulumi config set --path 'allowedOrigins[0]' ${origin}`), advice);
    assert.equal((await playground.facts()).code, "network");
    await keep(playground.page, "origin-not-allowed");
  } finally {
    await stack.do("deploy");
  }
});

test("a deployed endpoint can be asked, and its key stays in the memory of the page", async () => {
  const key = "the-secret-key";
  const keys = [];
  const events = [
    { type: "start", at: 1, id: "1", model: "m" },
    { type: "complete", at: 2, value: { summary: "From afar.", keywords: [] }, stopReason: "end_turn", usage: null },
  ];
  const endpoint = createServer((request, response) => {
    response.setHeader("Access-Control-Allow-Origin", "*");
    response.setHeader("Access-Control-Allow-Headers", "Content-Type, Accept, X-Api-Key");
    if (request.method === "POST") keys.push(request.headers["x-api-key"]);
    response.setHeader("Content-Type", "application/jsonl");
    response.end(request.method === "POST" ? events.map((event) => `${JSON.stringify(event)}\n`).join("") : "");
  });
  await new Promise((resolve) => endpoint.listen(0, "127.0.0.1", resolve));
  const logged = [];
  playground.page.on("console", (message) => logged.push(message.text()));
  await playground.page.selectOption("#route", "elsewhere");
  await playground.page.fill("#url", `http://127.0.0.1:${endpoint.address().port}/v1/stream`);
  await playground.page.fill("#key", key);
  await playground.send({ prompt: "Why?", format: "application/jsonl" });

  assert.equal(await playground.end(), "complete");
  assert.match(await playground.answer(), /From afar/);
  assert.deepEqual(keys, [key]);
  const kept = await playground.page.evaluate(async () => [
    location.href,
    JSON.stringify(history.state),
    JSON.stringify({ ...localStorage, ...sessionStorage }),
    document.cookie,
    JSON.stringify(await indexedDB.databases()),
    JSON.stringify(await caches.keys()),
    document.documentElement.outerHTML,
  ]);
  assert.ok(!`${kept.join("")}${logged.join("")}`.includes(key));
  await playground.page.reload();
  assert.equal(await playground.page.inputValue("#key"), "");
  endpoint.close();
});

/** Have the page ask the endpoint as any page does; return what it can read, or the error. */
function ask(page) {
  return page.evaluate(async (url) => {
    try {
      const response = await fetch(url, {
        method: "POST",
        headers: { "Content-Type": "application/json", Accept: "application/json" },
        body: '{"prompt": "Why?"}',
      });
      const { status, headers } = response;
      return { status, retryAfter: headers.get("Retry-After"), id: headers.get("X-Request-Id"), text: await response.text() };
    } catch (error) {
      return String(error);
    }
  }, stack.urls.endpoint);
}

test("a page of an allowed origin can call, and reads when to try again", async () => {
  const page = await context.newPage();
  await page.goto(stack.urls.allowed);
  await stack.do("play", [answering(DOCUMENT)]);
  const good = await ask(page);
  await stack.do("play", [[{ refuse: "ThrottlingException" }]]);
  const busy = await ask(page);

  assert.deepEqual([good.status, JSON.parse(good.text)], [200, JSON.parse(DOCUMENT)]);
  assert.ok(good.id);
  assert.deepEqual([busy.status, busy.retryAfter, JSON.parse(busy.text).code], [429, "5", "model_busy"]);
});

test("a page of another origin gets nothing, and the model is not called", async () => {
  const page = await context.newPage();
  await page.goto(stack.urls.foreign);
  const calls = await stack.do("call_count");

  assert.match(await ask(page), /^TypeError/);
  const form = page.evaluate((url) => fetch(url, { method: "POST", mode: "no-cors", body: '"Why?"' }), stack.urls.endpoint);
  await form;
  assert.equal(await stack.do("call_count"), calls);
});
