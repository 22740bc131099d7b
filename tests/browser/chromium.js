/** Starts Debian's Chromium, and keeps what a test shows. */

import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

/** Where screenshots are kept. */
export const OUTPUT = fileURLToPath(new URL("../../.cache/browser/screenshots/", import.meta.url));
mkdirSync(OUTPUT, { recursive: true });

const FLAGS = [
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  // no test reaches another machine, whatever a page asks for
  "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
];

/** Start the browser that the variable CHROMIUM names. Chromium's sandbox does not run as root. */
export function launch(options = {}) {
  const args = process.getuid() === 0 ? [...FLAGS, "--no-sandbox"] : FLAGS;
  return chromium.launch({ executablePath: process.env.CHROMIUM, args, ...options });
}

/** Keep a picture of the page. */
export function keep(page, name) {
  return page.screenshot({ path: `${OUTPUT}${name}.png`, fullPage: true });
}
