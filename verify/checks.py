"""What the endpoint promises on the wire, one check a promise. The bytes are in docs/wire.md."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from .arrivals import SENT_APART, TOGETHER, Arrival, Finding, bursts, judge, lateness, timeline
from .client import OK, Answer, Endpoint, Request
from .events import Event, grown, json_lines, server_sent
from .hints import BY_CODE, LOG, WHERE, hint, named, told

LONG: Final = b'{"prompt": "What is serverless computing? Answer in about 150 words."}'
"""One answer is long, so that its pace can be seen."""
BRIEF: Final = b'{"prompt": "What is ice? Answer in one short sentence."}'
ANSWERS: Final = 6
"""Answers that all checks together ask of the model, where nothing has to be asked again."""
JSON: Final = "application/json"
RAW, LINES, SSE = "text/plain", "application/jsonl", "text/event-stream"
UNFIT: Final = b"[]"
"""JSON that no request class takes: it never reaches the model."""
SMALL_BODY, LARGE_BODY = 48 * 1024, 1024 * 1024
FOREIGN: Final = "https://elsewhere.invalid"
SOME_TIME: Final = ("model_timeout", "deadline_reached", "INTEGRATION_TIMEOUT")
"""How an endpoint ends that waits for a schema to be compiled."""
WARM_ATTEMPTS: Final = 5
BY_CHANCE: Final = ("answer_not_json", "answer_invalid", "answer_truncated", "answer_refused", "model_failed")
"""How one answer may fail and the next be good."""


class Failed(Exception):
    """A promise is broken; the message says how, and what to do."""


class Undecided(Exception):
    """Nothing can be said; the message says why."""


class Skipped(Exception):
    """There is nothing to check, or it was not asked for; the message says how to ask."""


@dataclass
class Visit:
    """One run of the checks, and what it has seen so far."""

    endpoint: Endpoint
    long: bytes = LONG
    """The body that asks for a long answer."""
    brief: bytes = BRIEF
    origin: str | None = None
    table: Sequence[str] = ()
    """The last timeline, for people."""
    answers: list[tuple[str, Answer]] = field(default_factory=list)
    """What the function answered, and to what."""
    shared: dict[str, Answer] = field(default_factory=dict)
    """Good answers that several checks look at, by what was accepted."""
    begins: float | None = None
    """Milliseconds after which a brief answer was begun, one that then took time to be sent."""
    misses: int = 0
    """How often the model gave no answer."""
    is_mute: bool = False
    """It will give none, as far as can be seen: the reason lasts, or it is the second time."""

    def ask(
        self,
        what: str,
        accept: str = JSON,
        body: bytes = UNFIT,
        content_type: str = JSON,
        leave_after: int | None = None,
        **headers: str,
    ) -> Answer:
        """Let the function answer a POST, by default with a body that it refuses."""
        fields = {"Accept": accept, "Content-Type": content_type, **headers}
        answer = self.endpoint.ask(Request(body, fields), leave_after)
        if answer.status == OK or (answer.code or "").islower():  # the gateway's own codes are in upper case
            self.answers.append((what, answer))
        return answer

    def ask_model(self, what: str, accept: str, body: bytes, leave_after: int | None = None) -> Answer:
        """Let the model answer.

        Raises:
            Skipped: it is known that it does not.
            Failed: it does not.
        """
        if self.is_mute:
            raise Skipped("there are no answers, see above")
        answer = self.ask(what, accept, body, leave_after=leave_after)
        if answer.status != OK:
            self.miss(answer.code)
        _expect_ok(answer)
        return answer

    def miss(self, code: object) -> None:
        """Note that the model gave no answer, with this code."""
        self.misses += 1
        self.is_mute = self.misses > 1 or code not in BY_CHANCE

    def share(self, what: str, accept: str, body: bytes) -> Answer:
        """Let the model answer, or return what it answered before."""
        if accept not in self.shared:
            self.shared[accept] = self.ask_model(what, accept, body)
        return self.shared[accept]


Check = Callable[[Visit], str]
"""Returns what was seen.

Raises ``Failed``, ``Undecided``, ``Skipped``, or ``Malformed`` and ``Unreachable`` of the parts below.
"""


def expect(condition: object, otherwise: str) -> None:
    """Go on if the condition holds.

    Raises:
        Failed: it does not.
    """
    if not condition:
        raise Failed(otherwise)


# --- is it there -----------------------------------------------------------------------------------------------------


def reached(visit: Visit) -> str:
    """The function answers: what is at the URL is such an endpoint, and lets the caller in."""
    answer = visit.ask("a probe")
    is_it = answer.code == "body_invalid" or (answer.status == OK and "x-request-id" in answer.headers)
    expect(is_it, f"{told(answer)}. {hint(answer) or WHERE}")
    return "the function answers"


# --- the formats -----------------------------------------------------------------------------------------------------


def raw_text(visit: Visit) -> str:
    """The JSON text itself, whole and ended as HTTP says."""
    answer = visit.ask_model("raw text", RAW, visit.brief)
    _expect_good(answer, "text/plain; charset=utf-8")
    document = answer.document()
    expect(document is not None, f"the text is no JSON document: {answer.body[-80:]!r} is its end")
    first, last = answer.pieces[0].came, answer.pieces[-1].came
    if visit.begins is not None:
        expect(
            last - first > TOGETHER or first - visit.begins < SENT_APART,
            f"{len(answer.body)} bytes came in one piece after {first:.0f} ms, though typed answers take time to send: "
            '"streams in time" says more',
        )
    return f"{_size(answer)} in {len(answer.pieces)} pieces, first after {first:.0f} ms, last after {last:.0f} ms"


def lines(visit: Visit) -> str:
    """Typed events in JSON Lines; their changes, applied in order, are the whole object."""
    answer = visit.share("JSON Lines", LINES, visit.long)
    _expect_good(answer, LINES)
    return f"{_typed(visit, json_lines(answer.pieces), 'delta', answer)}, {_size(answer)}"


def sse(visit: Visit) -> str:
    """The same as Server-Sent Events."""
    answer = visit.ask_model("Server-Sent Events", SSE, visit.brief)
    _expect_good(answer, SSE)
    events = server_sent(answer.pieces)
    arrivals = _arrivals(events)
    visit.begins = None if judge(arrivals) is Finding.TOO_QUICK else arrivals[0].sent
    return f"{_typed(visit, events, 'delta', answer)}, {_size(answer)}"


def snapshots(visit: Visit) -> str:
    """Whole snapshots in place of changes."""
    view = f"{LINES}; view=snapshot"
    answer = visit.ask_model("snapshot view", view, visit.brief)
    _expect_good(answer, view)
    return f"{_typed(visit, json_lines(answer.pieces), 'snapshot', answer)}, {_size(answer)}"


def whole_json(visit: Visit) -> str:
    """The validated document in one piece."""
    answer = visit.share("whole JSON", JSON, visit.brief)
    _expect_good(answer, JSON)
    expect(answer.document() is not None, f"the body is no JSON document: {answer.body[:80]!r}")
    return f"a document of {_size(answer)}"


def _expect_good(answer: Answer, media_type: str) -> None:
    expect(answer.whole, f"the answer was cut off after {_size(answer)}{named(answer)}. {LOG}.")
    expect(answer.body, "the body is empty")
    expect(answer.media_type == media_type, f"the content type is {answer.media_type!r}, not {media_type!r}")
    if media_type != JSON:
        cached = answer.headers.get("cache-control", "")
        expect("no-transform" in cached, f"Cache-Control is {cached!r}: without no-transform proxies may gather bytes")


def _expect_ok(answer: Answer) -> None:
    expect(answer.status == OK, f"{told(answer)}. {hint(answer)}".rstrip(". ") + ".")


def _typed(visit: Visit, events: Sequence[Event], middle: str, answer: Answer) -> str:
    """Check the order of events and what they say of each other."""
    types = [event.type for event in events if event.type != "restart"]
    expect(types, "there are no events")
    if types[-1] == "error":
        problem = events[-1].members.get("problem", {})
        code, title = problem.get("code"), problem.get("title", "")
        visit.miss(code)
        what_to_do = BY_CODE.get(code) or LOG
        raise Failed(f"the answer ended in an error: {code} {title.rstrip('.')}{named(answer)}. {what_to_do}.")
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


def _arrivals(events: Sequence[Event]) -> list[Arrival]:
    return [Arrival(event.members["at"], event.came, event.size) for event in events]


def pace(visit: Visit) -> str:
    """Each event comes when it was sent: the way from the function holds nothing back.

    What comes late once may be chance, so it is asked for again.
    """
    answer = visit.share("pace", LINES, visit.long)
    if not answer.whole:
        raise Skipped("the answer was cut off")
    arrivals = _arrivals(json_lines(answer.pieces))
    visit.table = timeline(arrivals)
    if judge(arrivals) in {Finding.IN_TIME, Finding.TOO_QUICK}:
        return paced(arrivals)
    again = _arrivals(json_lines(visit.ask_model("pace, again", LINES, visit.long).pieces))
    if judge(again) is Finding.TOO_QUICK:
        return paced(arrivals)
    visit.table = timeline(again)
    by_chance = "; only the answer before it came late: chance" if judge(again) is Finding.IN_TIME else ""
    return paced(again) + by_chance


def paced(arrivals: Sequence[Arrival]) -> str:
    """Say how the events came.

    Raises:
        Failed: some were held back; the message names the remedy.
        Undecided: they were sent too quickly to tell.
    """
    finding, found = judge(arrivals), bursts(arrivals)
    if finding is Finding.TOO_QUICK:
        raise Undecided(
            f"all was sent within {SENT_APART:.0f} ms, too quickly to tell. "
            """Ask for a longer answer: BODY='{"prompt": "…"}'"""
        )
    sent = f"{len(arrivals)} events, sent over {arrivals[-1].sent - arrivals[0].sent:.0f} ms, came"
    if finding is Finding.IN_ONE_PIECE:
        raise Failed(
            f"{sent} in one piece of {found[0].size} bytes. Either the whole answer is gathered on the way (a proxy, "
            "an integration that is not in STREAM mode), or its start is held back until there are even more bytes: "
            f"ask for a longer answer to tell (BODY=), or try the remedy, startPadding above {found[0].size}"
        )
    if finding is Finding.IN_BLOCKS:
        raise Failed(
            f"{sent} in {len(found)} blocks of up to {max(it.size for it in found)} bytes, up to "
            f"{max(it.held for it in found):.0f} ms late. Something gathers bytes all along the way, a proxy perhaps: "
            "startPadding does not help"
        )
    if finding is Finding.HELD_BACK:
        held = found[0]
        raise Failed(
            f"the first {held.count} events were held back for up to {held.held:.0f} ms and came in one piece of "
            f"{held.size} bytes. Remedy: startPadding {held.size} (pulumi config set startPadding {held.size}, then "
            "pulumi up)"
        )
    came = arrivals[-1].came - arrivals[0].came
    return f"{sent} over {came:.0f} ms, none more than {max(lateness(arrivals)):.0f} ms late"


# --- what is refused -------------------------------------------------------------------------------------------------


def _refused(status: int, code: str, answer: Answer) -> str:
    what = f"{status} {code}"
    expect(answer.status == status, f"the answer is {told(answer)}, not {what}")
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
    return _refused(422, "body_invalid", visit.ask("a list"))


def other_media_type(visit: Visit) -> str:
    """A body that is declared to be something else."""
    return _refused(415, "media_type_unsupported", visit.ask("XML", content_type="application/xml"))


def not_acceptable(visit: Visit) -> str:
    """An answer that nobody can give, and a view that is none."""
    _refused(406, "not_acceptable", visit.ask("view=none", f"{LINES}; view=none"))
    return _refused(406, "not_acceptable", visit.ask("image/png", "image/png"))


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
    expect(answer.status in {403, 404}, f"the answer is {told(answer)}, not the gateway's 403")
    expect(answer.media_type == "application/problem+json", f"the gateway's error is {answer.media_type!r}")
    problem = answer.document()
    expect(isinstance(problem, dict) and problem.get("requestId"), "the gateway's error names no request")
    return f"{answer.status} {answer.code} for a wrong path"


def strangers(visit: Visit) -> str:
    """Whoever does not say who calls is refused."""
    if not visit.endpoint.is_protected:
        raise Skipped("say API_KEY=… or SIGV4=1 if the endpoint asks who calls")
    answer = visit.endpoint.ask(Request(UNFIT, {"Content-Type": JSON}, signed=False))
    expect(answer.status in {401, 403}, f"a caller without credentials got {told(answer)}, not 401 or 403")
    return f"{answer.status} {answer.code} for a caller without credentials"


# --- browsers --------------------------------------------------------------------------------------------------------


def preflight(visit: Visit) -> str:
    """A page of the origin is let in by OPTIONS, without credentials; one of another origin is not."""
    origin = _origin(visit)
    answer = _preflight(visit, origin)
    expect(answer.status in {OK, 204}, f"OPTIONS was answered with {told(answer)}")
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
    answer = visit.ask("Origin", Origin=origin)
    _expect_allowed(answer, origin)
    exposed = answer.headers.get("access-control-expose-headers", "")
    expect("x-request-id" in exposed.lower(), f"Access-Control-Expose-Headers is {exposed!r}, without X-Request-Id")
    fields = {"Content-Type": JSON, "Origin": origin}
    _expect_allowed(visit.endpoint.ask(Request(UNFIT, fields, path="/nowhere")), origin)
    return "the function's answers and the gateway's own errors"


def _origin(visit: Visit) -> str:
    if visit.origin is None:
        raise Skipped("say ORIGIN=https://… if pages call the endpoint")
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
    left = visit.ask_model("left early", RAW, visit.brief, leave_after=1)
    answer = visit.share("after that", JSON, visit.brief)
    expect(answer.whole and answer.document() is not None, f"the answer after it was cut off{named(answer)}")
    return f"left after {_size(left)}; the next answer, of {_size(answer)}, is whole"


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
        answer = visit.ask("warm-up", LINES, visit.brief)
        if answer.status == OK:
            events = json_lines(answer.pieces) if answer.whole else []
            code = events[-1].members.get("problem", {}).get("code") if events else "a cut"
            if code is None:
                return f"ready, after {attempt} {'attempt' if attempt == 1 else 'attempts'}"
        else:
            code = answer.code
            if code not in SOME_TIME:
                _expect_ok(answer)
        expect(code in SOME_TIME, f"the answer ended in {code}{named(answer)}")
    raise Failed(f"no answer after {WARM_ATTEMPTS} attempts; the last ended in {code}")


CHECKS: Final[Sequence[tuple[str, Check]]] = [
    ("refuses bad JSON", bad_json),
    ("refuses a wrong type", wrong_type),
    ("refuses other media", other_media_type),
    ("refuses other formats", not_acceptable),
    ("sizes", sizes),
    ("gateway's own errors", other_path),
    ("refuses strangers", strangers),
    ("CORS: preflight", preflight),
    ("CORS: answers", cors),
    ("JSON Lines", lines),
    ("streams in time", pace),
    ("Server-Sent Events", sse),
    ("snapshot view", snapshots),
    ("raw text", raw_text),
    ("leaving early", leaving),
    ("whole JSON", whole_json),
    ("request ids", request_ids),
    ("nosniff", nosniff),
]
"""In the order in which they run: what costs nothing comes first."""
