import { useCallback, useEffect, useRef, useState } from "react";
import { StreamCut, StreamError } from "../errors.js";
import type { ClientOptions } from "../request.js";
import type { DeepPartial, Schema } from "../schema.js";
import { open, type StreamOptions } from "../stream.js";
import { shared } from "./shared.js";

export { StreamCut, StreamError };

export interface UseStreamOptions extends ClientOptions, Pick<StreamOptions, "onEvent"> {}

/** `cut`: the response ended before its answer was complete. `failed`: everything else that went wrong. */
export type Status = "idle" | "streaming" | "complete" | "failed" | "cut" | "stopped";

interface Shown<Value, Input> {
  readonly status: Status;
  /** The object so far. What has not changed keeps its identity. It stays when the answer ends, whatever its end. */
  readonly partial: DeepPartial<Input> | undefined;
  /** The complete answer. */
  readonly value: Value | undefined;
  /** Why the answer failed or was cut. */
  readonly problem: StreamError | undefined;
}

export interface UseStream<Value, Input = Value> extends Shown<Value, Input> {
  /** Sends a request. It ends the one before it, of which nothing is shown any more. */
  readonly submit: (request?: unknown) => void;
  /** Ends the request. The object so far stays. */
  readonly stop: () => void;
}

const IDLE = { status: "idle", partial: undefined, value: undefined, problem: undefined } as const;

/**
 * Streams answers of an endpoint into a component, which is rendered at most once per animation frame.
 *
 * An error in your own code (`headers`, `onEvent`, the schema) goes to the nearest error boundary.
 */
export function useStream<Input, Output>(
  url: string | URL,
  options: UseStreamOptions & { readonly schema: Schema<Input, Output> },
): UseStream<Output, Input>;
export function useStream<Value = unknown>(url: string | URL, options?: UseStreamOptions): UseStream<Value>;
export function useStream(
  url: string | URL,
  options: UseStreamOptions & { readonly schema?: Schema } = {},
): UseStream<unknown> {
  const [shown, setShown] = useState<Shown<unknown, unknown>>(IDLE);
  const latest = useRef({ url, options });
  const current = useRef<AbortController>(undefined);
  useEffect(() => {
    latest.current = { url, options };
  });
  const stop = useCallback(() => current.current?.abort(), []);
  const submit = useCallback((request?: unknown) => {
    current.current?.abort();
    const controller = (current.current = new AbortController());
    void run(request, latest.current, controller.signal, (change) => {
      if (current.current === controller) setShown(change);
    });
  }, []);
  useEffect(
    () => () => {
      current.current?.abort();
      current.current = undefined; // nothing of this request is shown any more
    },
    [],
  );
  return { ...shown, submit, stop };
}

/** Sends a request, and shows its answer by `set` until it ends. */
async function run(
  request: unknown,
  { url, options }: { readonly url: string | URL; readonly options: UseStreamOptions & { readonly schema?: Schema } },
  signal: AbortSignal,
  set: (change: (before: Shown<unknown, unknown>) => Shown<unknown, unknown>) => void,
): Promise<void> {
  let grown: unknown;
  let copy: unknown;
  let frame = 0;

  function show(change: Partial<Shown<unknown, unknown>>): void {
    cancelAnimationFrame(frame);
    frame = 0;
    copy = shared(copy, grown);
    const partial = copy as DeepPartial<unknown> | undefined;
    set((before) => ({ ...before, ...change, partial }));
  }

  const stream = open<unknown, unknown>(String(url), request, options, {
    signal,
    schema: options.schema,
    onEvent(event) {
      options.onEvent?.(event);
      if ((event.type !== "restart" && event.type !== "start") || grown === undefined) return;
      grown = undefined;
      show({});
    },
  });
  set(() => ({ ...IDLE, status: "streaming" }));
  try {
    for await (const partial of stream) {
      grown = partial;
      frame ||= requestAnimationFrame(() => show({}));
    }
    show({ status: "complete", value: (await stream.final()).value });
  } catch (problem) {
    if (signal.aborted) show({ status: "stopped" });
    else if (problem instanceof StreamError) show({ status: problem instanceof StreamCut ? "cut" : "failed", problem });
    else
      set(() => {
        throw problem;
      });
  }
}
