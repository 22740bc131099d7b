// Made from clients/js/src by "npm run page" in clients/js. SHA-256 of the sources: c77b73990f64edcf3090e4ecfd6ddb50458c1fd3bcbc7748d7847d21b8d386ff
// src/errors.ts
var StreamError = class extends Error {
  name = "StreamError";
  /** @internal */
  constructor(code, message, details) {
    super(message);
    Object.assign(this, { code }, details);
  }
};
var StreamCut = class extends StreamError {
  name = "StreamCut";
  /** @internal */
  constructor() {
    super("cut", "The answer was cut.");
  }
};

// src/fold.ts
var knownPath;
var outer;
var last;
function fold(holder, { path, value, append }) {
  if (path && path[0] !== "/") misplaced();
  if (path !== knownPath) {
    outer = path.split("/").map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"));
    last = outer.pop();
    knownPath = path;
  }
  let parent = holder;
  for (const key of outer) parent = child(parent, key);
  if (value !== void 0) put(parent, last, value);
  else if (append !== void 0) put(parent, last, joined(child(parent, last), append));
}
function child(parent, key) {
  return Object.hasOwn(parent, key) ? parent[key] : misplaced();
}
function joined(before, text) {
  return typeof before === "string" && typeof text === "string" ? before + text : misplaced();
}
function put(parent, key, value) {
  if (Array.isArray(parent) && !isPosition(parent, key)) misplaced();
  if (key === "__proto__")
    Object.defineProperty(parent, key, { value, writable: true, enumerable: true, configurable: true });
  else parent[key] = value;
}
function isPosition(array, key) {
  return key === String(array.length) || key !== "length" && Object.hasOwn(array, key);
}
function misplaced() {
  throw new TypeError("A change does not fit");
}

// src/lines.ts
function lineSplitter() {
  const decoder = new TextDecoder();
  let rest = "";
  return (part) => {
    const lines = decoder.decode(part, { stream: !!part }).split("\n");
    lines[0] = rest + lines[0];
    rest = part ? lines.pop() : "";
    return part || isWhole(lines[0]) ? lines : [];
  };
}
function isWhole(line) {
  try {
    JSON.parse(line);
    return true;
  } catch {
    return false;
  }
}

// src/request.ts
var FORMAT = "application/jsonl";
async function send(url, body, { headers, fetch = globalThis.fetch }, signal) {
  const request = { url, method: "POST", headers: { accept: FORMAT, "content-type": "application/json" }, body };
  const all = new Headers(typeof headers === "function" ? await headers(request) : headers);
  all.set("accept", FORMAT);
  all.set("content-type", "application/json");
  return fetch(url, { ...request, headers: all, signal }).catch((cause) => {
    throw unanswered(cause);
  });
}
function unanswered(cause) {
  return new StreamError("network", `No response: ${cause}`, { cause });
}
function unexpected(cause) {
  return new StreamError("protocol", `Not a stream of events: ${cause}`, { cause });
}
async function opened(response) {
  if (response.status !== 200)
    throw failure(await response.json().catch(() => void 0), `http_${response.status}`);
  if (response.headers.get("content-type")?.toLowerCase().startsWith(FORMAT)) return response.body.getReader();
  throw unexpected("is the URL right?");
}
function failure(given, otherwise = "protocol") {
  const problem = given?.code && typeof given.code === "string" ? given : void 0;
  const code = problem?.code ?? otherwise;
  return new StreamError(code, `${problem?.title ?? "The request failed"} (${code})`, { problem });
}
function retryAfter(response) {
  const seconds = parseInt(response?.headers.get("retry-after") ?? "");
  return seconds >= 0 ? seconds : void 0;
}

// src/retries.ts
var LONGEST = 30;
var FIRST = 5;
var SAFE = /^(model_busy|model_unavailable|THROTTLED|ECONNREFUSED|ENOTFOUND|EAI_AGAIN|E(HOST|NET)UNREACH|UND_ERR_CONNECT_TIMEOUT)$/;
function retryDelay({ code, retryAfter: retryAfter2 = 0, cause }, attempt) {
  const ofNode = cause?.cause?.code;
  if (!SAFE.test(ofNode ?? code)) return void 0;
  const seconds = retryAfter2 + Math.random() * FIRST * 2 ** attempt;
  return seconds > LONGEST ? void 0 : seconds * 1e3;
}

// src/schema.ts
async function validated(schema, value) {
  if (!schema) return value;
  const result = await schema["~standard"].validate(value);
  if (!result.issues) return result.value;
  const paths = result.issues.map(pointer);
  throw failure({
    title: `The answer does not match the schema at ${paths}`,
    code: "schema_mismatch",
    errors: paths.map((path) => ({ path }))
  });
}
function pointer({ path = [] }) {
  return path.map((step) => String(step.key ?? step)).map((key) => `/${key.replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}

// src/stream.ts
var LONGEST_TIMER = 2 ** 31 - 1;
var PATIENCE = 5e3;
function open(url, request, client, options) {
  const { retries = 2, timeout: { start: beforeStart = 3e5, silence = 3e4 } = {} } = client;
  const leaving = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, leaving.signal]) : leaving.signal;
  let attempt = 0;
  let response;
  let reader;
  let split = lineSplitter();
  let lines = [];
  let start;
  let holder = {};
  let hasShown = false;
  let isFresh = false;
  let ending;
  let outcome;
  let step;
  let isIterated = false;
  let isOver = false;
  function wait(action, limit = start ? silence : beforeStart) {
    let timer;
    return new Promise((resolve, reject) => {
      signal.throwIfAborted();
      signal.onabort = () => reject(signal.reason);
      const late = () => reject(response ? new StreamCut() : unanswered("timeout"));
      timer = setTimeout(late, Math.min(limit, LONGEST_TIMER));
      action().then(resolve, reject);
    }).finally(() => clearTimeout(timer));
  }
  function advance() {
    return step ??= proceed().then(() => {
      step = void 0;
    });
  }
  async function proceed() {
    try {
      if (!ending) return await receive();
      const result = await ending();
      signal.throwIfAborted();
      outcome = Promise.resolve(result);
    } catch (error) {
      await retryOrEnd(error);
    }
  }
  async function receive() {
    response ??= await wait(() => send(url, JSON.stringify(request), client, signal));
    reader ??= await wait(() => opened(response));
    const { value } = await wait(() => reader.read().catch(() => ({ value: void 0 })));
    lines = split(value).reverse();
    if (!value && !lines.length) throw new StreamCut();
  }
  async function retryOrEnd(error) {
    const delay = error instanceof StreamError ? judged(error) : void 0;
    cancel();
    if (delay === void 0) {
      leaving.abort();
      outcome = Promise.reject(error);
      outcome.catch(() => {
      });
      return;
    }
    response = reader = start = ending = void 0;
    lines = [];
    split = lineSplitter();
    await wait(() => new Promise(() => {
    }), delay).catch(() => {
    });
  }
  function cancel() {
    reader?.cancel().catch(() => {
    });
  }
  function judged(error) {
    Object.assign(error, {
      status: error.problem?.status ?? response?.status,
      retryAfter: retryAfter(response),
      requestId: requestId(error.problem),
      partial: holder[""]
    });
    return hasShown || attempt >= retries ? void 0 : retryDelay(error, attempt++);
  }
  function requestId(problem) {
    return start?.id ?? problem?.requestId ?? response?.headers.get("x-request-id") ?? void 0;
  }
  function take() {
    try {
      for (let line; !ending && (line = lines.pop()) !== void 0; ) {
        signal.throwIfAborted();
        if (line.trim() && hasGrown(line)) return true;
      }
    } catch (error) {
      ending = () => Promise.reject(error);
    }
    return false;
  }
  function hasGrown(line) {
    const event = understood(parsed, line);
    options.onEvent?.(event);
    const { type } = event;
    if (type === "error") throw failure(event.problem);
    if (type === "start") start = event;
    if (type === "start" || type === "restart") holder = {};
    if (type === "complete") ending = () => final(event);
    if (type !== "delta") return false;
    understood(grow, event.changes);
    return hasShown = true;
  }
  function grow(changes) {
    for (const change of changes) fold(holder, change);
  }
  async function final({ value, usage, stopReason, model }) {
    const result = {
      value: await validated(options.schema, value),
      usage,
      stopReason,
      requestId: requestId(),
      model: model ?? start?.model
    };
    wait(() => reader.read(), PATIENCE).then(({ done }) => {
      if (!done) cancel();
    }, cancel);
    return result;
  }
  async function drive() {
    while (!outcome) {
      while (take()) isFresh = true;
      await advance();
    }
    return outcome;
  }
  async function next() {
    while (!isOver) {
      if (isFresh || take()) {
        isFresh = false;
        const value = holder[""];
        if (value !== void 0) return { done: false, value };
      } else if (outcome) {
        isOver = true;
        await outcome;
      } else await advance();
    }
    return { done: true, value: void 0 };
  }
  return {
    final() {
      const final2 = drive();
      final2.catch(() => {
      });
      return final2;
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
        }
      };
    }
  };
}
function parsed(line) {
  const event = JSON.parse(line);
  if (typeof event.type !== "string") throw new TypeError("No type");
  return event;
}
function understood(action, given) {
  try {
    return action(given);
  } catch (cause) {
    throw unexpected(cause);
  }
}

// src/client.ts
var Client = class {
  /**
   * Returns a stream for one request. Nothing is sent before it is iterated or its `final()` is called.
   *
   * @param request an object of the endpoint's request class, or a text, which is the prompt.
   * @param options with a `schema` (Standard Schema), the complete answer is validated.
   */
  stream;
  /** @param url the full URL, such as `https://….amazonaws.com/v1/stream`; in a browser, it can be relative. */
  constructor(url, options = {}) {
    this.stream = (request, ofRequest = {}) => open(String(url), request, options, ofRequest);
  }
};
export {
  Client,
  StreamCut,
  StreamError
};
