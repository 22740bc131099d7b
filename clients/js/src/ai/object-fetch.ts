import type { Event } from "../events.js";
import { failure, type ClientOptions } from "../request.js";
import { open, type Final } from "../stream.js";
import { TextWriter } from "./text.js";

export interface ObjectFetchOptions extends Omit<ClientOptions, "headers"> {
  /** Is called with the complete answer: its `value` has defaults and computed fields that no event has shown. */
  readonly onComplete?: ((final: Final<unknown>) => void) | undefined;
}

/**
 * Returns a `fetch` for `useObject` of the AI SDK: `useObject({ api, schema, fetch: objectFetch() })`.
 *
 * The hook takes any text that ends cleanly for an answer. This `fetch` ends its text cleanly only after `complete`;
 * otherwise the hook's `onError` gets the `StreamError`.
 */
export function objectFetch(options: ObjectFetchOptions = {}): typeof globalThis.fetch {
  const { onComplete, fetch: send = globalThis.fetch } = options;
  return async (input, { headers, credentials, signal, body } = {}) => {
    const writer = new TextWriter();
    let text = "";
    let hasShown = false;

    /** Adds what an event shows to the text. What the hook has received cannot be taken back. */
    function write(event: Event): void {
      const { type } = event;
      if (hasShown && (type === "restart" || type === "start"))
        throw failure(type === "restart" ? event.problem : undefined);
      if (type !== "delta") return;
      hasShown = true;
      for (const change of event.changes) text += writer.write(change);
    }

    const client: ClientOptions = {
      ...options,
      headers,
      fetch: (url, init) => send(url, credentials ? { ...init, credentials } : init),
    };
    const request: unknown = typeof body === "string" ? JSON.parse(body) : undefined;
    const stream = open<unknown, unknown>(String(input), request, client, { signal, onEvent: write });
    const partials = stream[Symbol.asyncIterator]();

    return new Response(
      new ReadableStream({
        async pull(controller) {
          const { done } = await partials.next().catch(later);
          if (done) {
            const final = await stream.final();
            onComplete?.(final);
            text += hasShown ? writer.finish() : JSON.stringify(final.value);
          }
          controller.enqueue(new TextEncoder().encode(text));
          text = "";
          if (done) controller.close();
        },
        async cancel() {
          await partials.return!();
        },
      }),
    );
  };
}

/** Fails in the next turn of the event loop: a stream that fails drops what its reader has not taken yet. */
async function later(error: unknown): Promise<never> {
  await new Promise((resolve) => setTimeout(resolve));
  throw error;
}
