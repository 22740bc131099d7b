import { StreamCut, StreamError } from "./errors.js";
import type { Change, CompleteEvent, Event, FailureProblem, StartEvent, Usage } from "./events.js";
import { fold, type Holder } from "./fold.js";
import { lineSplitter } from "./lines.js";
import { failure, opened, retryAfter, send, unanswered, unexpected, type ClientOptions } from "./request.js";
import { retryDelay } from "./retries.js";
import { validated, type DeepPartial, type Schema } from "./schema.js";

export interface StreamOptions {
  /** Ends the request: the stream then fails with the signal's reason. */
  readonly signal?: AbortSignal | null | undefined;
  /** Is called with each event, for what the object does not show: thinking, a restart, which values are closed. */
  readonly onEvent?: ((event: Event) => void) | undefined;
}

/** A complete and valid answer. */
export interface Final<Value> {
  readonly value: Value;
  /** The tokens, or null if the model service reported none. */
  readonly usage: Usage | null;
  readonly stopReason: string;
  readonly requestId: string | undefined;
  /** The model that answered. */
  readonly model: string | undefined;
}

/**
 * One answer. Iterate it for the object while it grows, await `final()` for the complete one, or do both.
 *
 * The request is sent when one of the two is first asked for.
 */
export interface Stream<Value, Input = Value> extends AsyncIterable<DeepPartial<Input>> {
  /** Returns the complete answer. It needs no iteration, and can be called more than once. */
  final(): Promise<Final<Value>>;
  /** Yields the object each time it has grown. It is the same object each time, until the model starts again. */
  [Symbol.asyncIterator](): AsyncIterator<DeepPartial<Input>, undefined>;
}

/** Milliseconds of the longest timer that there is: a longer one ends at once. */
const LONGEST_TIMER = 2 ** 31 - 1;

/** Milliseconds for the end of a response after the event that ends its answer. The caller does not wait for it. */
const PATIENCE = 5_000;

/** Returns the stream of a request, which is not sent yet. */
export function open<Input, Value>(
  url: string,
  request: unknown,
  client: ClientOptions,
  options: StreamOptions & { readonly schema?: Schema<Input, Value> | undefined },
): Stream<Value, Input> {
  const { retries = 2, timeout: { start: beforeStart = 300_000, silence = 30_000 } = {} } = client;
  const leaving = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, leaving.signal]) : leaving.signal;

  let attempt = 0;
  let response: Response | undefined;
  let reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  let split = lineSplitter();
  /** The lines that have arrived and are not taken yet, the last one first. */
  let lines: string[] = [];

  let start: StartEvent | undefined;
  let holder: Holder = {};
  let hasShown = false;
  let isFresh = false;
  /** Set by what ends the answer: gives its result, or throws. */
  let ending: (() => Promise<Final<Value>>) | undefined;
  let outcome: Promise<Final<Value>> | undefined;
  let step: Promise<void> | undefined;
  let isIterated = false;
  let isOver = false;

  // --- The response ---

  /** Bounds the time of a wait for the endpoint, and ends it when the request is ended. */
  function wait<Result>(action: () => Promise<Result>, limit = start ? silence : beforeStart): Promise<Result> {
    let timer: ReturnType<typeof setTimeout>;
    return new Promise<Result>((resolve, reject) => {
      signal.throwIfAborted();
      signal.onabort = () => reject(signal.reason);
      const late = (): void => reject(response ? new StreamCut() : unanswered("timeout"));
      timer = setTimeout(late, Math.min(limit, LONGEST_TIMER));
      action().then(resolve, reject);
    }).finally(() => clearTimeout(timer));
  }

  /** Waits for more lines, or for what comes after them. Callers at the same time wait together. */
  function advance(): Promise<void> {
    return (step ??= proceed().then(() => {
      step = undefined;
    }));
  }

  async function proceed(): Promise<void> {
    try {
      if (!ending) return await receive();
      const result = await ending();
      signal.throwIfAborted();
      outcome = Promise.resolve(result);
    } catch (error) {
      await retryOrEnd(error);
    }
  }

  async function receive(): Promise<void> {
    response ??= await wait(() => send(url, JSON.stringify(request), client, signal));
    reader ??= await wait(() => opened(response!));
    // A connection that breaks is an end like any other.
    const { value } = await wait(() => reader!.read().catch(() => ({ value: undefined })));
    lines = split(value).reverse();
    if (!value && !lines.length) throw new StreamCut();
  }

  async function retryOrEnd(error: unknown): Promise<void> {
    const delay = error instanceof StreamError ? judged(error) : undefined;
    cancel();
    if (delay === undefined) {
      leaving.abort(); // no response may have come, or one that nobody reads
      outcome = Promise.reject(error);
      outcome.catch(() => {}); // whoever has left does not want to know
      return;
    }
    response = reader = start = ending = undefined;
    lines = [];
    split = lineSplitter();
    await wait(() => new Promise(() => {}), delay).catch(() => {}); // until the time is over, or the request
  }

  function cancel(): void {
    reader?.cancel().catch(() => {}); // the response is of no use any more, broken or not
  }

  /** Adds to an error what is known of its request; returns how long to wait before another attempt, if at all. */
  function judged(error: StreamError): number | undefined {
    Object.assign(error, {
      status: error.problem?.status ?? response?.status,
      retryAfter: retryAfter(response),
      requestId: requestId(error.problem),
      partial: holder[""],
    });
    return hasShown || attempt >= retries ? undefined : retryDelay(error, attempt++);
  }

  function requestId(problem?: FailureProblem): string | undefined {
    return start?.id ?? problem?.requestId ?? response?.headers.get("x-request-id") ?? undefined;
  }

  // --- The events ---

  /** Takes what has arrived up to the next growth of the object. Returns false if there is nothing more to take. */
  function take(): boolean {
    try {
      for (let line; !ending && (line = lines.pop()) !== undefined; ) {
        signal.throwIfAborted();
        if (line.trim() && hasGrown(line)) return true; // an empty line is a heartbeat
      }
    } catch (error) {
      ending = () => Promise.reject(error);
    }
    return false;
  }

  /** Takes an event; returns whether the object has grown. */
  function hasGrown(line: string): boolean {
    const event = understood(parsed, line);
    options.onEvent?.(event);
    const { type } = event;
    if (type === "error") throw failure(event.problem);
    if (type === "start") start = event;
    if (type === "start" || type === "restart") holder = {}; // a second start, too, voids what was there
    if (type === "complete") ending = () => final(event);
    if (type !== "delta") return false;
    understood(grow, event.changes);
    return (hasShown = true);
  }

  function grow(changes: Change[]): void {
    for (const change of changes) fold(holder, change);
  }

  async function final({ value, usage, stopReason, model }: CompleteEvent): Promise<Final<Value>> {
    const result = {
      value: await validated(options.schema, value),
      usage,
      stopReason,
      requestId: requestId(),
      model: model ?? start?.model,
    };
    // Once its response has ended, the connection can serve another request.
    wait(() => reader!.read(), PATIENCE).then(({ done }) => {
      if (!done) cancel();
    }, cancel);
    return result;
  }

  // --- The callers ---

  async function drive(): Promise<Final<Value>> {
    while (!outcome) {
      while (take()) isFresh = true;
      await advance();
    }
    return outcome;
  }

  async function next(): Promise<IteratorResult<DeepPartial<Input>, undefined>> {
    while (!isOver) {
      if (isFresh || take()) {
        isFresh = false;
        const value = holder[""];
        if (value !== undefined) return { done: false, value: value as DeepPartial<Input> };
      } else if (outcome) {
        isOver = true;
        await outcome;
      } else await advance();
    }
    return { done: true, value: undefined };
  }

  return {
    final() {
      const final = drive();
      final.catch(() => {}); // who does not await it learns of the failure elsewhere, or does not care
      return final;
    },
    [Symbol.asyncIterator]() {
      if (isIterated) throw new TypeError("A stream is iterated only once");
      isIterated = true;
      return {
        next,
        return() {
          isOver = true;
          if (!outcome) leaving.abort();
          return next();
        },
      };
    },
  };
}

function parsed(line: string): Event {
  const event = JSON.parse(line);
  if (typeof event.type !== "string") throw new TypeError("No type");
  return event;
}

/** Runs an action that fails only if the response is not what the endpoint sends. */
function understood<Given, Result>(action: (given: Given) => Result, given: Given): Result {
  try {
    return action(given);
  } catch (cause) {
    throw unexpected(cause);
  }
}
