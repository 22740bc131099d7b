/** The playground and the buttons "back" and "forward": the browser keeps a page that is left, as it was. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch } from "./chromium.js";
import { PlaygroundPage } from "./playground.js";
import { Stack, answering, fragments } from "./stack.js";

const DOCUMENT = '{"summary": "Code runs on demand.", "keywords": ["cost", "scale"]}';
const MIDDLE = DOCUMENT.indexOf("ost");

let stack;
let browser;
before(async () => {
  stack = await Stack.start();
  // Playwright switches the cache off, which people have; Debian's headless shell has none at all
  const options = { ignoreDefaultArgs: ["--disable-back-forward-cache"] };
  browser = await launch({ executablePath: process.env.CHROMIUM_WITH_CACHE, ...options });
});
after(async () => {
  await browser.close();
  await stack.close();
});

test("back and forward bring the page back as it was left", async () => {
  const playground = await PlaygroundPage.open(await browser.newContext(), stack.urls.playground);
  const { page } = playground;
  await stack.do("play", [
    [...fragments(DOCUMENT.slice(0, MIDDLE)), { hold: "half" }, ...answering(DOCUMENT.slice(MIDDLE))],
    answering(DOCUMENT),
  ]);
  await playground.send({ prompt: "Why?" });
  await page.locator("#answer li >> text=keywords").waitFor();
  await page.evaluate(() => (globalThis.isTheSamePage = true));
  await page.goto(stack.urls.allowed);
  await page.goBack({ waitUntil: "commit" }); // a page from the cache is not loaded again
  await stack.do("release", ["half"]);

  assert.ok(await page.evaluate(() => globalThis.isTheSamePage), "the cache did not have the page");
  assert.equal(await playground.end(), "stopped");
  assert.match(await playground.answer(), /Code runs on demand/);
  await playground.send();
  assert.equal(await playground.end(), "complete");
  await page.goForward({ waitUntil: "commit" });
  await page.goBack({ waitUntil: "commit" });
  assert.ok(await page.evaluate(() => globalThis.isTheSamePage), "the cache did not have the page");
  assert.equal(await playground.end(), "complete");
  assert.deepEqual(playground.errors, []);
});
