/** Connects the form, the request and what is shown of its response. */

import { AnswerView } from "./answer.js";
import { EventList } from "./events.js";
import { send } from "./exchange.js";
import { element } from "./text.js";
import { Timeline, seconds } from "./timeline.js";

/** The value of the choice of an endpoint that is not the local stack. */
const ELSEWHERE = "elsewhere";
/** Milliseconds after which the timeline is drawn again at the latest: silence shows too. */
const TICK = 250;

const $ = (id) => document.getElementById(id);
const answer = new AnswerView($("answer"));
const events = new EventList($("events"), $("event-count"));
const timeline = new Timeline($("timeline"), $("timeline-text"));
let routes = [];
const PROMPT = $("input").value;
/** The text that the page itself has put into the form. */
let suggested = PROMPT;
/** The request that runs, or null. */
let current = null;

function show(outcome, text) {
  $("outcome").dataset.outcome = outcome;
  $("outcome").textContent = outcome;
  $("outcome-text").replaceChildren(element("span", "", text));
  $("send").disabled = Boolean(current);
  $("stop").disabled = !current;
}

/** Say something to a screen reader: when the answer begins and when it ends, not what arrives between. */
function announce(text) {
  $("status").textContent = text;
}

function showFacts(facts) {
  const shown = Object.entries(facts).filter(([, value]) => value !== undefined && value !== null);
  $("facts").replaceChildren(
    ...shown.map(([name, value]) => {
      const row = element("div");
      row.append(element("dt", "", name), element("dd", "", String(value)));
      return row;
    }),
  );
}

function advise(...content) {
  $("advice").hidden = content.length === 0;
  $("advice").replaceChildren(...content);
}

/** What is known of one request while it runs. It is the `seen` of `send`. */
class Run {
  constructor(url) {
    this.url = url;
    this.abort = new AbortController();
    this.began = performance.now();
    this.closed = new Set();
    this.responded = false;
    this.last = {};
    this.frame = 0;
    this.ticks = setInterval(() => this.redraw(), TICK);
  }

  get elapsed() {
    return (performance.now() - this.began) / 1000;
  }

  onHead() {
    this.responded = true;
  }

  onChunk(size) {
    if (timeline.chunks.length === 0) announce("The answer has begun.");
    timeline.add(this.elapsed, size);
    show("streaming", "The answer is arriving.");
    this.redraw();
  }

  onEvent(event) {
    if (event.type === "start" || event.type === "restart") {
      this.closed.clear();
      this.last = {};
      answer.clear();
    }
    if (event.type === "thinking") show("streaming", "The model is thinking.");
    for (const change of event.changes ?? []) if (change.closed) this.closed.add(change.path);
  }

  onLine(text) {
    events.add(this.elapsed, text);
  }

  /** Draw once per frame at most. */
  redraw() {
    this.frame ||= requestAnimationFrame(() => {
      this.frame = 0;
      if (current === this) this.draw();
    });
  }

  draw() {
    timeline.draw(this.elapsed);
    events.draw();
    if (this.last.text !== undefined) answer.showText(this.last.text, false);
    else answer.show(this.last.partial, (path) => this.closed.has(path));
  }

  /** Note the end. */
  finish(isBroken) {
    clearInterval(this.ticks);
    cancelAnimationFrame(this.frame);
    timeline.finish(this.elapsed, isBroken);
    this.draw();
    current = null;
  }

  complete(final) {
    this.finish(false);
    if (this.last.text !== undefined) {
      answer.showText(this.last.text, true);
    } else {
      answer.clear();
      answer.show(final.value, () => true);
    }
    show("complete", "The answer is complete and valid.");
    const { inputTokens, outputTokens } = final.usage ?? {};
    const cached = final.usage?.cacheReadTokens;
    showFacts({
      time: seconds(this.elapsed),
      "input tokens": inputTokens,
      "output tokens": outputTokens,
      "tokens read from the cache": cached,
      "thinking tokens": final.usage?.thinkingTokens,
      "stop reason": final.stopReason,
      model: final.model,
      "request id": final.requestId,
    });
    announce(`The answer is complete after ${seconds(this.elapsed)}.`);
  }

  fail(error) {
    const isStopped = this.abort.signal.aborted;
    const isCut = error.code === "cut";
    this.finish(!isStopped && isCut);
    if (isStopped) {
      show("stopped", "You stopped reading. The function does not notice, and writes the answer to its end.");
      showFacts({ time: seconds(this.elapsed) });
      announce("Stopped.");
      return;
    }
    const title = error.problem?.title ?? error.message;
    show(isCut ? "cut" : "failed", isCut ? "The response ended before the answer was complete." : title);
    showFacts({
      code: error.code,
      status: error.status || undefined,
      path: error.problem?.path,
      rule: error.problem?.rule,
      "try again after": error.retryAfter === undefined ? undefined : `${error.retryAfter} s`,
      time: seconds(this.elapsed),
      "request id": error.requestId,
    });
    announce(isCut ? "The response was cut." : `The request failed: ${title}`);
    if (error.code === "network" && !this.responded && new URL(this.url).origin !== location.origin) this.adviseOrigin();
  }

  /** A browser hides from a page why a request to another origin had no response: name the usual reason. */
  adviseOrigin() {
    const command = `pulumi config set --path 'allowedOrigins[0]' ${location.origin}`;
    const first = element("p", "", "The browser gave this page no response. If the endpoint can be reached, its ");
    const why = " may lack this page's origin. Add it at the next free place of the list, then deploy:";
    first.append(element("code", "", "allowedOrigins"), why);
    const line = element("p");
    line.append(element("code", "", command));
    advise(first, line);
  }
}

/** Return the chosen route, or null for an endpoint elsewhere. */
function chosenRoute() {
  return $("route").value === ELSEWHERE ? null : routes[Number($("route").value)];
}

/** Return the request of the form. */
function request() {
  const text = $("input").value;
  return $("body-kind").value === "json" ? JSON.parse(text) : { prompt: text };
}

async function chooseEnding() {
  const ending = chosenRoute() ? $("ending").value || null : null;
  if ($("ending-field").hidden || !chosenRoute()) return;
  const response = await fetch("ending", { method: "POST", body: JSON.stringify({ ending }) });
  $("ending").value = "";
  if (!response.ok) throw new Error(`The ending was not accepted (status ${response.status}). Reload this page.`);
}

async function run() {
  advise();
  showFacts({});
  answer.clear();
  timeline.clear();
  events.clear();
  let what;
  try {
    what = request();
  } catch (error) {
    show("failed", `The request must be JSON: ${error.message}.`);
    $("input").focus();
    return;
  }
  const url = chosenRoute()?.url ?? $("url").value.trim();
  if (!URL.canParse(url)) {
    show("failed", "Enter the URL of the endpoint, such as https://…/v1/stream.");
    $("url").focus();
    return;
  }
  const key = chosenRoute() ? "" : $("key").value;
  const headers = key ? { [$("key-header").value]: key } : {};
  const mine = new Run(url);
  current = mine;
  show("sending", "The request is sent.");
  announce("The request is sent.");
  try {
    await chooseEnding();
    mine.began = performance.now();
    const options = { url, format: $("format").value, headers, signal: mine.abort.signal, seen: mine };
    for await (const step of send(what, options)) {
      if (step.final) {
        mine.complete(step.final);
        return;
      }
      mine.last = step;
      mine.redraw();
    }
  } catch (error) {
    mine.fail(error);
  }
}

function stop() {
  current?.abort.abort();
}

function showRoute() {
  const route = chosenRoute();
  $("elsewhere").hidden = Boolean(route);
  $("ending-field").hidden = !route || $("ending").options.length === 1;
  if ($("input").value === suggested) {
    suggested = route?.example ? JSON.stringify(JSON.parse(route.example), null, 2) : PROMPT;
    $("input").value = suggested;
    $("body-kind").value = route?.example ? "json" : "prompt";
  }
  $("input-note").textContent = route?.remark ?? "";
  showKind();
}

function showKind() {
  $("input-label").textContent = $("body-kind").value === "json" ? "Request" : "Prompt";
}

async function load() {
  const description = await (await fetch("endpoint.json")).json();
  routes = description.routes;
  const options = routes.map((route, i) => new Option(route.url, String(i)));
  $("route").replaceChildren(...options, new Option("another URL …", ELSEWHERE));
  for (const [name, label] of Object.entries(description.endings)) $("ending").append(new Option(label, name));
  showRoute();
}

$("request").addEventListener("submit", (event) => {
  event.preventDefault();
  if (!current) run();
});
$("stop").addEventListener("click", stop);
$("route").addEventListener("change", showRoute);
$("body-kind").addEventListener("change", showKind);
$("input").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) $("request").requestSubmit();
});
addEventListener("pagehide", stop); // a page that still reads could not come back from the browser's cache
load();
