/** Readers of Server-Sent Events that reconnect, as they are shipped: none of them pays for a second answer. */

import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { EventSource } from "eventsource";
import { launch } from "./chromium.js";
import { Stack, answering, fragments } from "./stack.js";

const FETCH_EVENT_SOURCE = dirname(createRequire(import.meta.url).resolve("@microsoft/fetch-event-source/lib/esm/index.js"));
const BODY = '{"prompt": "Why?"}';
const DOCUMENT = '{"summary": "Code runs on demand.", "keywords": ["cost", "scale"]}';
const HALF = fragments(DOCUMENT.slice(0, DOCUMENT.length / 2));

let stack;
let browser;
before(async () => {
  stack = await Stack.start();
  browser = await launch();
});
after(async () => {
  await browser.close();
  await stack.close();
});

/** Let the model write half an answer and wait; return how many calls there were before. */
async function playHalf(gate) {
  const calls = await stack.do("call_count");
  await stack.do("play", [[...HALF, { hold: gate }, ...answering(DOCUMENT.slice(DOCUMENT.length / 2))], answering(DOCUMENT)]);
  return calls;
}

/** Cut the response of which a reader has read an event. */
async function cut(gate, cleanly) {
  await stack.do("cut", { cleanly });
  await stack.do("release", [gate]);
}

for (const cleanly of [false, true]) {
  const how = cleanly ? "a clean end in the middle" : "a cut";
  test(`eventsource reconnects once after ${how}, and gives up`, async () => {
    const gate = `eventsource, ${how}`;
    const calls = await playHalf(gate);
    const statuses = [];
    const source = new EventSource(stack.urls.endpoint, {
      fetch: async (url, init) => {
        const headers = { ...init.headers, "Content-Type": "application/json" };
        const response = await fetch(url, { ...init, method: "POST", body: BODY, headers });
        statuses.push(response.status);
        return response;
      },
    });
    const closed = new Promise((resolve) => {
      source.addEventListener("error", () => source.readyState === EventSource.CLOSED && resolve());
    });
    await once(source, "delta");
    await cut(gate, cleanly);
    await closed;

    assert.deepEqual(statuses, [200, 409]);
    assert.equal(await stack.do("call_count"), calls + 1);
  });

  test(`fetch-event-source is refused whenever it reconnects after ${how}`, async () => {
    const gate = `fetch-event-source, ${how}`;
    const page = await browser.newPage();
    await page.goto(stack.urls.allowed);
    await page.route("**/fetch-event-source/*", (route) => {
      const name = new URL(route.request().url()).pathname.split("/").pop();
      const body = readFileSync(join(FETCH_EVENT_SOURCE, name.endsWith(".js") ? name : `${name}.js`), "utf8");
      return route.fulfill({ body, contentType: "text/javascript" });
    });
    const calls = await playHalf(gate);
    let readDelta;
    const hasDelta = new Promise((resolve) => (readDelta = resolve));
    await page.exposeFunction("readDelta", readDelta);
    const reading = page.evaluate(
      async ([url, body]) => {
        const { fetchEventSource } = await import("/fetch-event-source/index.js");
        const statuses = [];
        const events = [];
        const aborted = new AbortController();
        await fetchEventSource(url, {
          method: "POST",
          headers: { "Content-Type": "application/json" },
          body,
          signal: aborted.signal,
          openWhenHidden: true,
          fetch: async (...request) => {
            const response = await fetch(...request);
            statuses.push(response.status);
            if (statuses.length === 3) aborted.abort();
            return response;
          },
          onmessage: ({ event }) => {
            events.push(event);
            if (event === "delta") globalThis.readDelta();
          },
        });
        return { statuses, events };
      },
      [stack.urls.endpoint, BODY],
    );
    await hasDelta;
    await cut(gate, cleanly);
    const seen = await reading;
    await page.close();

    assert.deepEqual(seen.statuses, cleanly ? [200] : [200, 409, 409]); // it takes a clean end for the end
    assert.ok(!seen.events.includes("complete"));
    assert.equal(await stack.do("call_count"), calls + 1);
  });
}
