/** Starts the local stack with the playground, and sends it commands; `stack.py` says which there are. */

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

export class Stack {
  /** Start it, and return it once the function waits for its first request. */
  static async start() {
    const stack = new Stack();
    stack.urls = await stack.do("urls");
    return stack;
  }

  constructor() {
    const python = process.env.PYTHON ?? `${ROOT}/.venv/bin/python`;
    this.process = spawn(python, ["-m", "tests.browser.stack"], { cwd: ROOT, stdio: ["pipe", "pipe", "inherit"] });
    this.waiting = new Map();
    this.count = 0;
    createInterface({ input: this.process.stdout }).on("line", (line) => {
      const { id, result, error } = JSON.parse(line);
      const { resolve, reject } = this.waiting.get(id);
      this.waiting.delete(id);
      if (error) reject(new Error(error));
      else resolve(result);
    });
    this.ended = new Promise((resolve) => this.process.on("exit", resolve));
    this.ended.then((status) => {
      for (const { reject } of this.waiting.values()) reject(new Error(`The local stack ended with status ${status}.`));
    });
  }

  /** Run a command and return its result. An array has its arguments by position, an object by name. */
  do(name, args = {}) {
    const id = ++this.count;
    this.process.stdin.write(`${JSON.stringify({ id, do: name, with: args })}\n`);
    return new Promise((resolve, reject) => this.waiting.set(id, { resolve, reject }));
  }

  /** End it. */
  async close() {
    this.process.stdin.end();
    await this.ended;
  }
}

/** The steps of a model that writes a document in fragments of `size` characters and stops. */
export function answering(document, size = 16) {
  return [...fragments(document, size), { stop: "end_turn" }, { usage: [12, 34] }];
}

/** A document, or a part of one, in fragments. */
export function fragments(document, size = 16) {
  const steps = [];
  for (let at = 0; at < document.length; at += size) steps.push({ fragment: document.slice(at, at + size) });
  return steps;
}
