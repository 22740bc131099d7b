"""What the endpoint promises on the wire, one check a promise. The bytes are in docs/wire.md."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from .arrivals import SENT_APART, TOGETHER, Arrival, Finding, bursts, judge, timeline
from .client import OK, Answer, Endpoint, Request
from .events import Event, grown, json_lines, server_sent

PROMPT: Final = "What is serverless computing? Answer in about 150 words."
JSON: Final = "application/json"
RAW, LINES, SSE = "text/plain", "application/jsonl", "text/event-stream"
UNFIT: Final = b"[]"
"""JSON that no request class takes: it never reaches the model."""
SMALL_BODY, LARGE_BODY = 48 * 1024, 1024 * 1024
FOREIGN: Final = "https://elsewhere.invalid"
SOME_TIME: Final = ("model_timeout", "deadline_reached", "INTEGRATION_TIMEOUT")
"""How an endpoint ends that waits for a schema to be compiled."""
WARM_ATTEMPTS: Final = 5


class Failed(Exception):
    """A promise is broken; the message says how, and what to do."""


class Undecided(Exception):
    """Nothing can be said; the message says why."""


@dataclass
class Visit:
    """One run of the checks, and what it has seen so far."""

    endpoint: Endpoint
    body: bytes = field(default_factory=lambda: json.dumps({"prompt": PROMPT}).encode())
    origin: str | None = None
    table: Sequence[str] = ()
    """The last timeline, for people."""
    answers: list[tuple[str, Answer]] = field(default_factory=list)
    """What the function answered, and to what."""
    takes_time: bool = False
    """Answers were seen to take long enough for their pace to be seen."""

    def ask(
        self,
        what: str,
        accept: str = JSON,
        body: bytes | None = None,
        content_type: str = JSON,
        leave_after: int | None = None,
        **headers: str,
    ) -> Answer:
        """Let the function answer a POST, by default with the body that is known to be good."""
        fields = {"Accept": accept, "Content-Type": content_type, **headers}
        answer = self.endpoint.ask(Request(self.body if body is None else body, fields), leave_after)
        self.answers.append((what, answer))
        return answer


Check = Callable[[Visit], str]
"""Returns what was seen.

Raises ``Failed``, ``Undecided``, or ``Malformed`` and ``Unreachable`` of the parts below.
"""


def expect(condition: object, otherwise: str) -> None:
    """Go on if the condition holds.

    Raises:
        Failed: it does not.
    """
    if not condition:
        raise Failed(otherwise)


# --- the formats -----------------------------------------------------------------------------------------------------


def raw_text(visit: Visit) -> str:
    """The JSON text itself, whole and ended as HTTP says."""
    answer = _good(visit, RAW, "text/plain; charset=utf-8")
    document = answer.document()
    expect(document is not None, f"the text is no JSON document: {answer.body[-80:]!r} is its end")
    first, last = answer.pieces[0].came, answer.pieces[-1].came
    if visit.takes_time:
        expect(
            last - first > TOGETHER,
            f"{len(answer.body)} bytes came in one piece after {first:.0f} ms, though typed answers take time to send: "
            '"streams in time" says more',
        )
    return f"{_size(answer)} in {len(answer.pieces)} pieces, first after {first:.0f} ms, last after {last:.0f} ms"


def lines(visit: Visit) -> str:
    """Typed events in JSON Lines; their changes, applied in order, are the whole object."""
    answer = _good(visit, LINES, LINES)
    events = json_lines(answer.pieces)
    _timed(visit, events)
    return f"{_typed(events, 'delta', answer)}, {_size(answer)}"


def sse(visit: Visit) -> str:
    """The same as Server-Sent Events."""
    answer = _good(visit, SSE, SSE)
    return f"{_typed(server_sent(answer.pieces), 'delta', answer)}, {_size(answer)}"


def snapshots(visit: Visit) -> str:
    """Whole snapshots in place of changes."""
    view = f"{LINES}; view=snapshot"
    answer = _good(visit, view, view)
    return f"{_typed(json_lines(answer.pieces), 'snapshot', answer)}, {_size(answer)}"


def whole_json(visit: Visit) -> str:
    """The validated document in one piece."""
    answer = _good(visit, JSON, JSON)
    expect(answer.document() is not None, f"the body is no JSON document: {answer.body[:80]!r}")
    return f"a document of {_size(answer)}"


def _good(visit: Visit, accept: str, media_type: str) -> Answer:
    answer = visit.ask(accept, accept)
    _expect_ok(answer)
    expect(answer.whole, f"the answer was cut off after {_size(answer)}")
    expect(answer.body, "the body is empty")
    expect(answer.media_type == media_type, f"the content type is {answer.media_type!r}, not {media_type!r}")
    if accept != JSON:
        cached = answer.headers.get("cache-control", "")
        expect("no-transform" in cached, f"Cache-Control is {cached!r}: without no-transform proxies may gather bytes")
    return answer


def _expect_ok(answer: Answer) -> None:
    if answer.status == OK:
        return
    hint = {
        401: "The endpoint wants to know who calls: API_KEY=… or SIGV4=1.",
        403: "Is URL= the whole endpoint (…/v1/stream)? Does it want API_KEY=… or SIGV4=1? Does a WAF refuse it?",
        422: """Its request class takes another body: BODY='{"…": …}'.""",
        429: "The model's quota is used up, or the key's: try again later.",
        500: "Does the function start? Is its concurrency used up? Its log group and the stage's access log tell.",
        502: "The function's log line of this request names the cause.",
        504: "A schema that is new to the service takes minutes to compile: WARM=1 waits for it.",
    }.get(answer.status, "")
    raise Failed(f"{_told(answer)}. {hint}".rstrip())


def _told(answer: Answer) -> str:
    problem = answer.document()
    words = ""
    if isinstance(problem, dict):
        words = " ".join(str(problem[name]) for name in ("code", "title", "detail", "message") if name in problem)
    request_id = answer.headers.get("x-request-id") or answer.headers.get("x-amzn-requestid")
    return f"status {answer.status} {words}".rstrip() + (f" (request {request_id})" if request_id else "")


def _typed(events: Sequence[Event], middle: str, answer: Answer) -> str:
    """Check the order of events and what they say of each other."""
    types = [event.type for event in events if event.type != "restart"]
    expect(types, "there are no events")
    if types[-1] == "error":
        problem = events[-1].members.get("problem", {})
        raise Failed(f"the answer ended in an error: {problem.get('code')}: {problem.get('title')}")
    expect(types[-1] == "complete", f"the last event is {types[-1]!r}: the stream was cut")
    expect(types[0] == "start", f"the first event is {types[0]!r}, not start")
    others = sorted(set(types[1:-1]) - {middle})
    expect(not others, f"between start and complete there is {', '.join(others)}")
    times = [event.members["at"] for event in events]
    expect(times == sorted(times), "at goes back in time")
    started, request_id = events[0].members.get("id"), answer.headers.get("x-request-id")
    expect(started == request_id, f"start says the id {started!r}, X-Request-Id says {request_id!r}")
    expect("value" in events[-1].members, "complete has no value")
    if middle == "delta" and not any(event.type == "restart" for event in events):
        _, closed = grown(events)
        expect(closed, "the changes do not close the document")
    return f"start, {len(types) - 2} {middle} events, complete"


def _size(answer: Answer) -> str:
    return f"{len(answer.body):,} bytes"


# --- the pace --------------------------------------------------------------------------------------------------------


def _timed(visit: Visit, events: Sequence[Event]) -> None:
    arrivals = _arrivals(events)
    visit.takes_time = bool(arrivals) and arrivals[-1].sent - arrivals[0].sent >= SENT_APART


def _arrivals(events: Sequence[Event]) -> list[Arrival]:
    return [Arrival(event.members["at"], event.came, event.size) for event in events]


def pace(visit: Visit) -> str:
    """Each event comes when it was sent: the way from the function holds nothing back."""
    answer = visit.ask("pace", LINES)
    _expect_ok(answer)
    arrivals = _arrivals(json_lines(answer.pieces))
    visit.table = timeline(arrivals)
    return paced(arrivals)


def paced(arrivals: Sequence[Arrival]) -> str:
    """Say how the events came.

    Raises:
        Failed: some were held back; the message names the remedy.
        Undecided: they were sent too quickly to tell.
    """
    finding, found = judge(arrivals), bursts(arrivals)
    if finding is Finding.TOO_QUICK:
        raise Undecided(f"all was sent within {SENT_APART:.0f} ms, too quickly to tell; ask for a longer answer")
    sent = arrivals[-1].sent - arrivals[0].sent
    if finding is Finding.IN_ONE_PIECE:
        raise Failed(
            f"all {len(arrivals)} events, sent over {sent:.0f} ms, came in one piece of {found[0].size} bytes: "
            "something gathers the whole answer (an integration that is not STREAM, a proxy), or holds even more "
            "than that back. With a longer answer it can be told"
        )
    if finding is Finding.HELD_BACK:
        held = found[0]
        raise Failed(
            f"the first {held.count} events were held back for up to {held.held:.0f} ms and came in one piece of "
            f"{held.size} bytes. Remedy: startPadding {held.size} (pulumi config set startPadding {held.size})"
        )
    came = arrivals[-1].came - arrivals[0].came
    later = f"; {len(found)} bursts on the way, up to {max(it.held for it in found):.0f} ms late" if found else ""
    return f"{len(arrivals)} events, sent over {sent:.0f} ms, came over {came:.0f} ms{later}"


# --- what is refused -------------------------------------------------------------------------------------------------


def _refused(status: int, code: str, answer: Answer) -> str:
    what = f"{status} {code}"
    expect(answer.status == status, f"the answer is {_told(answer)}, not {what}")
    expect(
        answer.media_type == "application/problem+json",
        f"the answer has the content type {answer.media_type!r}, not application/problem+json",
    )
    expect(answer.code == code, f"the problem has the code {answer.code!r}, not {code!r}")
    problem: dict[str, Any] = answer.document()
    expect(str(problem.get("type", "")).endswith(code), f"the problem's type is {problem.get('type')!r}")
    expect(problem.get("status") == status, f"the problem says status {problem.get('status')!r}")
    request_id = answer.headers.get("x-request-id")
    expect(problem.get("requestId") == request_id, f"the problem is of request {problem.get('requestId')!r}")
    expect(answer.whole, "the answer was cut off")
    return what


def bad_json(visit: Visit) -> str:
    """A body that is no JSON."""
    return _refused(400, "body_not_json", visit.ask("bad JSON", body=b'{"prompt": '))


def wrong_type(visit: Visit) -> str:
    """A body that is JSON and no request."""
    return _refused(422, "body_invalid", visit.ask("a list", body=UNFIT))


def other_media_type(visit: Visit) -> str:
    """A body that is declared to be something else."""
    return _refused(415, "media_type_unsupported", visit.ask("XML", content_type="application/xml", body=UNFIT))


def not_acceptable(visit: Visit) -> str:
    """An answer that nobody can give, and a view that is none."""
    _refused(406, "not_acceptable", visit.ask("view=none", f"{LINES}; view=none", UNFIT))
    return _refused(406, "not_acceptable", visit.ask("image/png", "image/png", UNFIT))


def sizes(visit: Visit) -> str:
    """A body of some size is read, a large one refused."""
    small = visit.ask("48 KiB", body=_padded(SMALL_BODY))
    if small.code == "body_too_large":
        _refused(413, "body_too_large", small)
        return "413 body_too_large; the endpoint's bodyLimit is below 48 KiB"
    _refused(422, "body_invalid", small)
    large = visit.ask("1 MiB", body=_padded(LARGE_BODY))
    if large.code == "body_invalid":
        _refused(422, "body_invalid", large)
        return "48 KiB are read; 1 MiB is too, within the endpoint's bodyLimit"
    return f"48 KiB are read; 1 MiB: {_refused(413, 'body_too_large', large)}"


def _padded(size: int) -> bytes:
    return b"[" + b" " * (size - 2) + b"]"


def other_path(visit: Visit) -> str:
    """What the gateway answers itself is a problem too."""
    answer = visit.endpoint.ask(Request(UNFIT, {"Content-Type": JSON}, path="/nowhere"))
    expect(answer.status in {403, 404}, f"the answer is {_told(answer)}, not the gateway's 403")
    expect(answer.media_type == "application/problem+json", f"the gateway's error is {answer.media_type!r}")
    problem = answer.document()
    expect(isinstance(problem, dict) and problem.get("requestId"), "the gateway's error names no request")
    return f"{answer.status} {answer.code}"


def strangers(visit: Visit) -> str:
    """Whoever does not say who calls is refused."""
    if not visit.endpoint.is_protected:
        raise Undecided("say API_KEY=… or SIGV4=1 if the endpoint asks who calls")
    answer = visit.endpoint.ask(Request(UNFIT, {"Content-Type": JSON}, signed=False))
    expect(answer.status in {401, 403}, f"a caller without credentials got {_told(answer)}, not 401 or 403")
    return f"{answer.status} {answer.code}"


# --- browsers --------------------------------------------------------------------------------------------------------


def preflight(visit: Visit) -> str:
    """A page of the origin is let in by OPTIONS, without credentials; one of another origin is not."""
    origin = _origin(visit)
    answer = _preflight(visit, origin)
    expect(answer.status in {OK, 204}, f"OPTIONS was answered with {_told(answer)}")
    _expect_allowed(answer, origin)
    methods = answer.headers.get("access-control-allow-methods", "")
    expect("POST" in methods, f"Access-Control-Allow-Methods is {methods!r}, without POST")
    allowed = answer.headers.get("access-control-allow-headers", "")
    expect("content-type" in allowed.lower(), f"Access-Control-Allow-Headers is {allowed!r}, without Content-Type")
    let_in = answer.headers["access-control-allow-origin"]
    if let_in != "*":
        other = _preflight(visit, FOREIGN).headers.get("access-control-allow-origin")
        expect(other in {None, origin}, f"{FOREIGN}, which nobody listed, got Access-Control-Allow-Origin {other!r}")
    return f"{answer.status}, {let_in} may call"


def cors(visit: Visit) -> str:
    """The function's answers and the gateway's own errors may be read by a page of the origin."""
    origin = _origin(visit)
    answer = visit.ask("Origin", body=UNFIT, Origin=origin)
    _expect_allowed(answer, origin)
    exposed = answer.headers.get("access-control-expose-headers", "")
    expect("x-request-id" in exposed.lower(), f"Access-Control-Expose-Headers is {exposed!r}, without X-Request-Id")
    fields = {"Content-Type": JSON, "Origin": origin}
    _expect_allowed(visit.endpoint.ask(Request(UNFIT, fields, path="/nowhere")), origin)
    return "the function's answers and the gateway's own errors"


def _origin(visit: Visit) -> str:
    if visit.origin is None:
        raise Undecided("say ORIGIN=https://… if pages call the endpoint")
    return visit.origin


def _preflight(visit: Visit, origin: str) -> Answer:
    fields = {
        "Origin": origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type",
    }
    return visit.endpoint.ask(Request(headers=fields, method="OPTIONS", signed=False))


def _expect_allowed(answer: Answer, origin: str) -> None:
    allowed = answer.headers.get("access-control-allow-origin")
    expect(
        allowed in {origin, "*"},
        f"Access-Control-Allow-Origin of a {answer.status} is {allowed!r}: is {origin} among allowedOrigins?",
    )


# --- the rest --------------------------------------------------------------------------------------------------------


def leaving(visit: Visit) -> str:
    """A reader who leaves early does not disturb the next one."""
    left = visit.ask("left early", RAW, leave_after=1)
    _expect_ok(left)
    answer = visit.ask("after that", LINES)
    _expect_ok(answer)
    expect(answer.whole, "the answer after it was cut off")
    return f"left after {_size(left)}; the next answer: {_typed(json_lines(answer.pieces), 'delta', answer)}"


def request_ids(visit: Visit) -> str:
    """Every answer of the function has an id of its own."""
    ids = [answer.headers.get("x-request-id") for _, answer in visit.answers]
    without = [what for what, answer in visit.answers if not answer.headers.get("x-request-id")]
    expect(not without, f"X-Request-Id is missing from the answers to: {', '.join(without)}")
    expect(len(set(ids)) == len(ids), "two answers have the same X-Request-Id")
    return f"{len(ids)} answers, each with its own"


def nosniff(visit: Visit) -> str:
    """Browsers are told not to hold the start of a text back to guess its type."""
    without = [what for what, it in visit.answers if it.headers.get("x-content-type-options") != "nosniff"]
    expect(not without, f"X-Content-Type-Options: nosniff is missing from the answers to: {', '.join(without)}")
    return f"{len(visit.answers)} answers"


def warm(visit: Visit) -> str:
    """Ask until the service has compiled the schema, which its first use may wait for."""
    for attempt in range(1, WARM_ATTEMPTS + 1):
        answer = visit.ask("warm-up", LINES)
        if answer.status == OK:
            events = json_lines(answer.pieces) if answer.whole else []
            code = events[-1].members.get("problem", {}).get("code") if events else "a cut"
            if code is None:
                return f"ready, after {attempt} {'attempt' if attempt == 1 else 'attempts'}"
        else:
            code = answer.code
            if code not in SOME_TIME:
                _expect_ok(answer)
        expect(code in SOME_TIME, f"the answer ended in {code}")
    raise Failed(f"no answer after {WARM_ATTEMPTS} attempts; the last ended in {code}")


CHECKS: Final[Sequence[tuple[str, Check]]] = [
    ("JSON Lines", lines),
    ("Server-Sent Events", sse),
    ("snapshot view", snapshots),
    ("whole JSON", whole_json),
    ("raw text", raw_text),
    ("streams in time", pace),
    ("refuses bad JSON", bad_json),
    ("refuses a wrong type", wrong_type),
    ("refuses other media", other_media_type),
    ("refuses other formats", not_acceptable),
    ("sizes", sizes),
    ("gateway's own errors", other_path),
    ("refuses strangers", strangers),
    ("CORS: preflight", preflight),
    ("CORS: answers", cors),
    ("leaving early", leaving),
    ("request ids", request_ids),
    ("nosniff", nosniff),
]
"""In the order in which they run."""
