/** A list of what arrived, line by line. */

import { element } from "./text.js";
import { seconds } from "./timeline.js";

/** Lines that are shown: a long answer has tens of thousands. */
const SHOWN = 500;
/** Pixels from its end at which a list still counts as scrolled to the end, and follows what comes. */
const NEAR = 20;

/** Shows the latest lines in `container`, whose only child is a list, and how many there were in `count`. */
export class EventList {
  constructor(container, count) {
    this.container = container;
    this.list = container.firstElementChild;
    this.count = count;
    this.clear();
  }

  /** Forget the response. */
  clear() {
    this.waiting = [];
    this.total = 0;
    this.list.replaceChildren();
    this.count.textContent = "";
  }

  /** Add a line that arrived `at` seconds after the request. */
  add(at, text) {
    this.total += 1;
    this.waiting.push({ at, text });
    if (this.waiting.length > 2 * SHOWN) this.waiting.splice(0, SHOWN);
  }

  /** Draw what came since the last time. */
  draw() {
    if (this.waiting.length === 0) return;
    const { scrollTop, clientHeight, scrollHeight } = this.container;
    this.list.append(...this.waiting.slice(-SHOWN).map(row));
    this.waiting = [];
    while (this.list.childElementCount > SHOWN) this.list.firstElementChild.remove();
    const isCut = this.total > this.list.childElementCount;
    this.count.textContent = isCut ? `${this.total}, of which the last ${SHOWN} are shown` : String(this.total);
    if (scrollTop + clientHeight >= scrollHeight - NEAR) this.container.scrollTop = this.container.scrollHeight;
  }
}

function row({ at, text }) {
  const made = element("li");
  made.append(element("span", "at", seconds(at)), element("span", "", text));
  return made;
}
