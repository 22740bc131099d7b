// A document for React, and the states of a component that it renders.

import { Window } from "happy-dom";

const window = new Window({ url: "http://localhost/" });
Object.assign(globalThis, {
  window,
  document: window.document,
  requestAnimationFrame: (callback) => frames.push(callback),
  cancelAnimationFrame: (frame) => delete frames[frame - 1],
});
globalThis.navigator ??= window.navigator; // Node 20 has none
// React looks for them after the document is there.
const { createElement, StrictMode, useEffect } = await import("react");
const { createRoot } = await import("react-dom/client");

/** What waits for the next animation frame. */
const frames = [];

/** Shows the next animation frame. */
export function showFrame() {
  for (const callback of frames.splice(0)) callback?.(performance.now());
}

/** Returns what waits for an animation frame. */
export function waiting() {
  return frames.filter(Boolean).length;
}

/**
 * Renders a component that calls `useHook`, in strict mode.
 *
 * `states` has what the hook returned for each commit; `until(predicate)` waits for one; `unmount()` ends it.
 */
export function render(t, useHook) {
  const states = [];
  let waiters = [];
  function Page() {
    const state = useHook();
    useEffect(() => {
      states.push(state);
      waiters = waiters.filter(({ predicate, resolve }) => !(predicate(state) && (resolve(state), true)));
    });
    return null;
  }
  const root = createRoot(document.createElement("div"), { onUncaughtError: (error) => errors.push(error) });
  const errors = [];
  root.render(createElement(StrictMode, null, createElement(Page)));
  t.after(() => root.unmount());
  const until = (predicate) => {
    const last = states.at(-1);
    if (last && predicate(last)) return last;
    return new Promise((resolve) => waiters.push({ predicate, resolve }));
  };
  return { states, errors, until, unmount: () => root.unmount() };
}
