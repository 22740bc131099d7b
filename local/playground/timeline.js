/** A picture of when the chunks of a response arrived. */

const WIDTH = 800;
const HEIGHT = 90;
const MARGIN = 10;
/** Seconds of silence from which on a gap is shown. */
const GAP = 1;
/** Seconds that the picture shows at least. */
const LEAST = 1;

/** Draws chunks in an svg element, and says the same in words in `caption`. */
export class Timeline {
  constructor(svg, caption) {
    this.svg = svg;
    this.caption = caption;
    this.clear();
  }

  /** Forget the response. */
  clear() {
    this.chunks = [];
    this.bytes = 0;
    this.end = null;
    this.svg.replaceChildren();
    this.caption.textContent = "No chunk has arrived.";
  }

  /** Add a chunk of `size` bytes that arrived `at` seconds after the request. */
  add(at, size) {
    this.chunks.push({ at, size });
    this.bytes += size;
  }

  /** Note that the response ended `at` seconds after the request; `isBroken` where it was not complete. */
  finish(at, isBroken) {
    this.end = { at, isBroken };
  }

  /** Draw what is known; `now` is in seconds after the request. */
  draw(now) {
    const duration = Math.max(this.end ? this.end.at : now, LEAST);
    const x = (at) => MARGIN + (at / duration) * (WIDTH - 2 * MARGIN);
    const shapes = this.gaps(this.end ? this.end.at : now).map((gap) =>
      shape("rect", "gap", { x: x(gap.from), y: 0, width: x(gap.to) - x(gap.from), height: HEIGHT }),
    );
    shapes.push(shape("path", "chunks", { d: this.lines(x) }));
    if (this.chunks.length) shapes.push(upright("first", x(this.chunks[0].at)));
    if (this.end) shapes.push(upright(this.end.isBroken ? "end broken" : "end", x(this.end.at)));
    this.svg.replaceChildren(...shapes);
    this.caption.textContent = this.words();
  }

  /** Return a line for each chunk, the higher the more bytes; of several at one place, the highest. */
  lines(x) {
    const highest = new Map();
    for (const { at, size } of this.chunks) {
      const column = Math.round(x(at));
      highest.set(column, Math.max(highest.get(column) ?? 0, size));
    }
    const top = (size) => HEIGHT - 8 - Math.min(HEIGHT - 16, 9 * Math.log2(1 + size / 4));
    return [...highest].map(([column, size]) => `M${column} ${HEIGHT - 4}V${top(size).toFixed(1)}`).join("");
  }

  /** Return the silences that are long enough to be shown, the one before the first byte included. */
  gaps(until) {
    const moments = [0, ...this.chunks.map((chunk) => chunk.at), until];
    const found = [];
    for (let i = 1; i < moments.length; i++) {
      if (moments[i] - moments[i - 1] >= GAP) found.push({ from: moments[i - 1], to: moments[i] });
    }
    return found;
  }

  words() {
    if (!this.chunks.length) return this.end ? "The response ended without a chunk." : "No chunk has arrived.";
    const first = this.chunks[0].at;
    let longest = 0;
    for (let i = 1; i < this.chunks.length; i++) longest = Math.max(longest, this.chunks[i].at - this.chunks[i - 1].at);
    const count = this.chunks.length === 1 ? "1 chunk" : `${this.chunks.length} chunks`;
    const parts = [`first byte after ${seconds(first)}`, `${count}, ${this.bytes} bytes`];
    if (this.chunks.length > 1) parts.push(`longest gap ${seconds(longest)}`);
    if (this.end) parts.push(`${this.end.isBroken ? "broken off" : "end"} after ${seconds(this.end.at)}`);
    return `${parts.join("; ")}.`.replace(/^f/, "F");
  }
}

/** Return a time as text. */
export function seconds(value) {
  return `${value.toFixed(2)} s`;
}

function upright(className, x) {
  return shape("path", className, { d: `M${x.toFixed(1)} 2V${HEIGHT - 2}` });
}

function shape(name, className, attributes) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  made.setAttribute("class", className);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
  return made;
}
