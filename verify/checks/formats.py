"""The four formats: each answer is complete, valid and labelled as what it is."""

from collections.abc import Sequence
from typing import Final

from verify.advice import BY_CODE, LOG, named
from verify.arrivals import SENT_APART, TOGETHER, Finding, judge
from verify.endpoint import Answer
from verify.events import Event, arrivals_of, grown, json_lines, server_sent

from .run import JSON, LINES, Failed, Visit, expect, size_of

RAW: Final = "text/plain"
SSE: Final = "text/event-stream"


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
    return f"{size_of(answer)} in {len(answer.pieces)} pieces, first after {first:.0f} ms, last after {last:.0f} ms"


def lines(visit: Visit) -> str:
    """Typed events in JSON Lines; their changes, applied in order, are the whole object."""
    answer = visit.share("JSON Lines", LINES, visit.long)
    _expect_good(answer, LINES)
    return f"{_typed(visit, json_lines(answer.pieces), 'delta', answer)}, {size_of(answer)}"


def sse(visit: Visit) -> str:
    """The same as Server-Sent Events."""
    answer = visit.ask_model("Server-Sent Events", SSE, visit.brief)
    _expect_good(answer, SSE)
    events = server_sent(answer.pieces)
    arrivals = arrivals_of(events)
    visit.begins = None if judge(arrivals) is Finding.TOO_QUICK else arrivals[0].sent
    return f"{_typed(visit, events, 'delta', answer)}, {size_of(answer)}"


def snapshots(visit: Visit) -> str:
    """Whole snapshots in place of changes."""
    view = f"{LINES}; view=snapshot"
    answer = visit.ask_model("snapshot view", view, visit.brief)
    _expect_good(answer, view)
    return f"{_typed(visit, json_lines(answer.pieces), 'snapshot', answer)}, {size_of(answer)}"


def whole_json(visit: Visit) -> str:
    """The validated document in one piece."""
    answer = visit.share("whole JSON", JSON, visit.brief)
    _expect_good(answer, JSON)
    expect(answer.document() is not None, f"the body is no JSON document: {answer.body[:80]!r}")
    return f"a document of {size_of(answer)}"


def _expect_good(answer: Answer, media_type: str) -> None:
    expect(answer.whole, f"the answer was cut off after {size_of(answer)}{named(answer)}. {LOG}.")
    expect(answer.body, "the body is empty")
    expect(answer.media_type == media_type, f"the content type is {answer.media_type!r}, not {media_type!r}")
    if media_type != JSON:
        cached = answer.headers.get("cache-control", "")
        expect("no-transform" in cached, f"Cache-Control is {cached!r}: without no-transform proxies may gather bytes")


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
