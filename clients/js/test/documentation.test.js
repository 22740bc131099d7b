// The components that docs/clients.md shows.

import "./dom.js";
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { transformSync } from "esbuild";
import { createElement } from "react";
import { createRoot } from "react-dom/client";
import { z } from "zod";
import { DELTAS, START, answer, begin, endpoint, refuse } from "./endpoint.js";

const PACKAGE = fileURLToPath(new URL("..", import.meta.url));
const PAGE = readFileSync(new URL("../../../docs/clients.md", import.meta.url), "utf8");
const schema = z.object({ summary: z.string(), keywords: z.array(z.string()) });

const folder = mkdtempSync(join(tmpdir(), "documentation-"));
after(() => rmSync(folder, { recursive: true }));
mkdirSync(join(folder, "node_modules"));
symlinkSync(PACKAGE, join(folder, "node_modules", "streaming-llm-client"));
for (const name of ["react", "@ai-sdk"]) symlinkSync(join(PACKAGE, "node_modules", name), join(folder, "node_modules", name));

/** Imports the component of a section. */
async function component(heading) {
  const [, section] = PAGE.match(new RegExp(`^### ${heading}$(.*?)^##+ `, "ms"));
  const [, code] = section.match(/^```jsx\n(.*?)^```$/ms);
  const file = join(folder, `${heading}.mjs`);
  writeFileSync(file, transformSync(code, { loader: "jsx", jsx: "automatic" }).code);
  return (await import(pathToFileURL(file))).Page;
}

/** Shows a component, asks, and returns the document once its status is one of an end. */
async function asked(t, Page, url) {
  const place = document.createElement("div");
  const root = createRoot(place);
  t.after(() => root.unmount());
  const status = () => place.querySelector("[role=status]")?.textContent;
  const until = (isReached) =>
    new Promise((resolve) => {
      const look = () => isReached() && resolve();
      const observer = new window.MutationObserver(look);
      observer.observe(place, { childList: true, characterData: true, subtree: true });
      t.after(() => observer.disconnect());
      look();
    });
  root.render(createElement(Page, { url, schema }));
  await until(() => status() !== undefined);
  const first = status();
  place.querySelector("button").click();
  await until(() => status() !== first);
  await until(() => status() !== "streaming");
  return { status: status(), summary: place.querySelector("p").textContent };
}

for (const [heading, complete] of [["React", "complete"], ["AI SDK", "ended"]])
  test(`the example with ${heading} shows an answer, a failure and a cut`, async (t) => {
    const Page = await component(heading);
    const { url } = await endpoint(t, (response, number) => {
      if (number === 1) return answer(response);
      if (number === 2) return refuse(response, { status: 422, code: "body_invalid" });
      begin(response, START, ...DELTAS);
      response.end();
    });

    assert.deepEqual(await asked(t, Page, url), { status: complete, summary: "Pay per use." });
    assert.deepEqual(await asked(t, Page, url), { status: "body_invalid", summary: "" });
    assert.deepEqual(await asked(t, Page, url), { status: "cut", summary: "Pay per use." });
  });
