import type { Change } from "./events.js";

/** Holds the growing document at the empty key, which is the first step of every path. */
export type Holder = Record<string, unknown>;

/** The path of the change before this one, and its keys, of which the last one stands alone: a text grows often. */
let knownPath: string;
let outer: string[];
let last: string;

/**
 * Applies one change to the document in `holder`, in place.
 *
 * The model can choose keys such as `__proto__` and `constructor`. Only own properties are read, and `__proto__` is
 * never assigned, so no key leads out of the document.
 *
 * @throws TypeError if the change does not fit the document.
 */
export function fold(holder: Holder, { path, value, append }: Change): void {
  if (path && path[0] !== "/") misplaced();
  if (path !== knownPath) {
    outer = path.split("/").map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"));
    last = outer.pop()!;
    knownPath = path;
  }
  let parent = holder;
  for (const key of outer) parent = child(parent, key);
  if (value !== undefined) put(parent, last, value);
  else if (append !== undefined) put(parent, last, joined(child(parent, last), append));
}

/** Returns what a value has at `key`. It can be anything: what has no members is found out at the next step. */
function child(parent: Holder, key: string): Holder {
  return Object.hasOwn(parent, key) ? (parent[key] as Holder) : misplaced();
}

function joined(before: unknown, text: unknown): string {
  return typeof before === "string" && typeof text === "string" ? before + text : misplaced();
}

function put(parent: Holder, key: string, value: unknown): void {
  if (Array.isArray(parent) && !isPosition(parent, key)) misplaced();
  if (key === "__proto__")
    Object.defineProperty(parent, key, { value, writable: true, enumerable: true, configurable: true });
  else parent[key] = value; // which a text or a number refuses
}

/** Returns whether an array has an item at `key`, or would have it next. */
function isPosition(array: unknown[], key: string): boolean {
  return key === String(array.length) || (key !== "length" && Object.hasOwn(array, key));
}

function misplaced(): never {
  throw new TypeError("A change does not fit");
}
