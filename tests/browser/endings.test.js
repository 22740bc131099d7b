/** Every failure that a page can see, in both event formats and in raw text, as the playground shows it. */

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { keep, launch } from "./chromium.js";
import { PlaygroundPage } from "./playground.js";
import { Stack } from "./stack.js";

/** Pages that ask at the same time. */
const AT_A_TIME = 4;
const RAW = "text/plain";

const stack = await Stack.start();
const browser = await launch();
const context = await browser.newContext();
const pages = [];
for (let i = 0; i < AT_A_TIME; i++) pages.push(await PlaygroundPage.open(context, stack.urls.playground));
after(async () => {
  await browser.close();
  await stack.close();
});

/** Run `act` with a page that nobody else uses meanwhile. */
async function withPage(act) {
  const page = pages.pop();
  try {
    await act(page);
    assert.deepEqual(page.errors, []);
  } finally {
    pages.push(page);
  }
}

const groups = await stack.do("groups");

for (const { environment, cleanly, cases } of groups) {
  const name = `${JSON.stringify(environment)}, cuts end ${cleanly ? "cleanly" : "as cuts"}`;
  describe(name, { concurrency: AT_A_TIME }, () => {
    before(async () => {
      await stack.do("play_cases");
      await stack.do("end_cuts", { cleanly });
      const { timeout, ...settings } = environment;
      await stack.do("deploy", timeout ? { ...settings, timeout: Number(timeout) } : settings);
    });
    for (const each of cases) {
      test(`${each.code}: ${each.name}`, () =>
        withPage(async (page) => {
          await page.send({ json: each.body, format: each.format });
          const outcome = await page.end();
          const { code, status, "try again after": again } = await page.facts();
          const isCut = each.committed && each.format === RAW;

          assert.deepEqual([outcome, code], isCut ? ["cut", "cut"] : ["failed", each.code]);
          if (!isCut) assert.equal(status, String(each.status));
          if (!each.committed) assert.equal(again, each.retryAfter ? `${each.retryAfter} s` : undefined);
        }));
    }
  });
}

test("a page sees every failure of a request that was accepted", async () => {
  const codes = new Set(groups.flatMap(({ cases }) => cases.map((each) => each.code)));

  assert.deepEqual((await stack.do("failures")).filter((code) => !codes.has(code)), []);
});

describe("the picker", () => {
  before(async () => {
    await stack.do("play_endings");
    await stack.do("end_cuts", { cleanly: false });
    await stack.do("deploy");
  });

  test("silent: heartbeats show in the middle", () =>
    withPage(async (page) => {
      await page.send({ prompt: "Why?", format: "text/event-stream", ending: "silent" });

      assert.equal(await page.end(), "complete");
      const events = await page.page.locator("#events li").allInnerTexts();
      assert.ok(events.filter((text) => text.endsWith("heartbeat")).length >= 2, events.join("\n"));
      assert.match(await page.page.locator("#timeline-text").textContent(), /longest gap [23]/);
    }));

  const formats = ["application/jsonl", "text/event-stream", RAW];
  const expected = {
    slow: ["complete", undefined],
    thinking: ["complete", undefined],
    invalid: ["failed", "answer_invalid"],
    throttled: ["failed", "model_busy"],
    refused: ["failed", "answer_refused"],
    cut: ["cut", "cut"],
    cut_cleanly: ["cut", "cut"],
  };
  for (const [ending, [outcome, code]] of Object.entries(expected)) {
    for (const format of ending === "slow" || ending === "thinking" ? formats.slice(0, 1) : formats) {
      test(`${ending}, ${format}`, () =>
        withPage(async (page) => {
          await page.send({ prompt: "Why?", format, ending });
          const isCut = ending === "invalid" && format === RAW;

          assert.equal(await page.end(), isCut ? "cut" : outcome);
          assert.equal((await page.facts()).code, isCut ? "cut" : code);
          await keep(page.page, `${ending}-${format.replace("/", "-")}`);
        }));
    }
  }

  test("an ending is for one request", () =>
    withPage(async (page) => {
      await page.send({ prompt: "Why?", format: "application/jsonl", ending: "refused" });
      assert.equal(await page.end(), "failed");
      await page.send();

      assert.equal(await page.end(), "complete");
    }));
});
