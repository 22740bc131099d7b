/** Shows an answer while it grows, and which of its values are closed. */

import { element } from "./text.js";

/** The object so far as a tree of elements. Each call of `show` touches only what can have changed since the last. */
export class AnswerView {
  constructor(container) {
    this.container = container;
    this.clear();
  }

  /** Forget the answer. */
  clear() {
    this.container.replaceChildren();
    this.root = null;
    this.text = null;
  }

  /** Show a value. `isClosed` says of a path, a JSON Pointer, whether its value is closed. */
  show(value, isClosed) {
    if (value === undefined) return;
    if (!this.root) {
      const holder = element("div", "root");
      this.container.replaceChildren(holder);
      this.root = new ValueView(holder, "");
    }
    this.root.update(value, isClosed);
  }

  /** Show raw text so far; `isComplete` says whether it is the complete document. */
  showText(text, isComplete) {
    if (!this.text) {
      this.text = element("div", "root");
      this.text.append(element("pre"));
      this.container.replaceChildren(this.text);
    }
    this.text.classList.toggle("closed", isComplete);
    this.text.firstChild.replaceWith(element("pre", "", text));
  }
}

class ValueView {
  constructor(holder, path, name) {
    this.holder = holder;
    this.path = path;
    this.mark = element("span", "mark open", "…");
    this.mark.setAttribute("role", "img");
    this.mark.setAttribute("aria-label", "open");
    holder.append(this.mark, " ");
    if (name !== undefined) holder.append(element("span", "key", name || '""'), ": ");
    this.content = null;
    this.shown = undefined;
    this.children = new Map();
    this.isClosed = false;
  }

  update(value, isClosed) {
    if (this.isClosed) return; // a closed value never changes, and neither does anything in it
    if (value !== null && typeof value === "object") this.updateMembers(value, isClosed);
    else this.updateLeaf(value);
    if (isClosed(this.path)) this.close();
  }

  updateMembers(value, isClosed) {
    const isList = Array.isArray(value);
    if (this.content?.tagName !== "UL") {
      this.replaceContent(element("ul", isList ? "list" : "object"));
      this.children.clear();
    }
    const names = isList ? value.keys() : Object.keys(value);
    for (const name of names) {
      let child = this.children.get(name);
      if (!child) {
        const item = element("li");
        const escaped = String(name).replaceAll("~", "~0").replaceAll("/", "~1");
        child = new ValueView(item, `${this.path}/${escaped}`, isList ? undefined : String(name));
        this.children.set(name, child);
        this.content.append(item);
      }
      child.update(value[name], isClosed);
    }
  }

  updateLeaf(value) {
    if (this.content?.tagName === "SPAN" && this.shown === value) return;
    this.shown = value;
    const text = typeof value === "string" ? value : JSON.stringify(value);
    this.replaceContent(element("span", `value ${value === null ? "null" : typeof value}`, text));
  }

  replaceContent(made) {
    if (this.content) this.content.replaceWith(made);
    else this.holder.append(made);
    this.content = made;
  }

  close() {
    this.isClosed = true;
    this.holder.classList.add("closed");
    this.mark.className = "mark closed";
    this.mark.textContent = "✓";
    this.mark.setAttribute("aria-label", "closed");
  }
}
