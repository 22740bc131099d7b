import type { Change, Json } from "../events.js";
import { unexpected } from "../request.js";

/** A value whose end is not written yet. */
interface Open {
  readonly path: string;
  /** The quote or the bracket that ends it. */
  readonly end: string;
  /** The keys of what is in it. */
  readonly keys: Set<string>;
}

/** Writes a growing document as JSON text that grows at its end. */
export class TextWriter {
  /** What is open, from the root inwards. */
  readonly #open: Open[] = [];
  /** What the root is in. */
  readonly #outside: Open = { path: "", end: "", keys: new Set() };

  /** Returns the text that a change adds. */
  write({ path, value, append, closed }: Change): string {
    let text = "";
    if (value !== undefined) text = this.#begin(path, value, closed);
    else if (append) text = this.#endDownTo(path) + JSON.stringify(append).slice(1, -1);
    return closed ? text + this.#end(path) : text;
  }

  /** Returns the text that ends the document. */
  finish(): string {
    return this.#endAfter(0);
  }

  #begin(path: string, value: Json, isClosed?: boolean): string {
    const slash = path.lastIndexOf("/");
    const ends = path && this.#endDownTo(path.slice(0, slash));
    const step = unescaped(path.slice(slash + 1));
    const parent = path ? this.#open.at(-1)! : this.#outside;
    if (parent.keys.has(step)) throw unexpected(`${JSON.stringify(path)} is written already`);
    const comma = parent.keys.size ? "," : "";
    const key = parent.end === "}" ? `${JSON.stringify(step)}:` : "";
    parent.keys.add(step);
    const text = JSON.stringify(value);
    const depth = isClosed ? 0 : this.#enter(path, value);
    return ends + comma + key + text.slice(0, text.length - depth);
  }

  /** Notes that a value can grow, and so can the last one in it. Returns how many ends are not written for it. */
  #enter(path: string, value: Json): number {
    if (typeof value === "string") return this.#open.push({ path, end: '"', keys: new Set() }) && 1;
    if (typeof value !== "object" || value === null) return 0;
    const keys = Object.keys(value);
    const last = keys.at(-1);
    this.#open.push({ path, end: Array.isArray(value) ? "]" : "}", keys: new Set(keys) });
    if (last === undefined) return 1;
    return 1 + this.#enter(`${path}/${escaped(last)}`, (value as Record<string, Json>)[last]!);
  }

  /** Ends a value with all that is in it. A number or a literal has no end. */
  #end(path: string): string {
    const at = this.#open.findIndex((each) => each.path === path);
    return at < 0 ? "" : this.#endAfter(at);
  }

  #endDownTo(path: string): string {
    const at = this.#open.findIndex((each) => each.path === path);
    if (at < 0) throw unexpected(`${JSON.stringify(path)} is not open`);
    return this.#endAfter(at + 1);
  }

  #endAfter(depth: number): string {
    return this.#open
      .splice(depth)
      .map(({ end }) => end)
      .reverse()
      .join("");
  }
}

function escaped(key: string): string {
  return key.replaceAll("~", "~0").replaceAll("/", "~1");
}

function unescaped(step: string): string {
  return step.replaceAll("~1", "/").replaceAll("~0", "~");
}
