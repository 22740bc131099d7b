"""Is the answer complete and valid in each of the four formats, and does it have the right content type?"""

from collections.abc import Sequence
from typing import Final

from ..advice import BY_CODE, READ_LOG, with_id
from ..arrivals import SENT_APART, TOGETHER, Pace, pace_of
from ..endpoint import Response
from ..events import Event, read_json_lines, read_server_sent_events, rebuild_object
from .run import JSON, LINES, Failed, Run, expect

TEXT: Final = "text/plain"
SERVER_SENT_EVENTS: Final = "text/event-stream"


def raw_text(run: Run) -> str:
    """Raw text is the complete JSON document, in a body that ends as HTTP requires."""
    response = run.request_answer("raw text", TEXT, run.short_request)
    _expect_body(response, "text/plain; charset=utf-8")
    document = response.document()
    expect(document is not None, f"the text is not a JSON document; it ends with {response.body[-80:]!r}")
    first, last = response.pieces[0].received_ms, response.pieces[-1].received_ms
    if run.first_event_ms is not None:
        expect(
            last - first > TOGETHER or first - run.first_event_ms < SENT_APART,
            f"{len(response.body)} bytes arrived at once after {first:.0f} ms, although typed answers take time to "
            'send: see "streams without delay"',
        )
    times = f"the first after {first:.0f} ms, the last after {last:.0f} ms"
    return f"{response.size} in {len(response.pieces)} pieces, {times}"


def json_lines(run: Run) -> str:
    """JSON Lines are typed events; their changes, applied in order, build the closed object."""
    response = run.request_shared_answer("JSON Lines", LINES, run.long_request)
    _expect_body(response, LINES)
    return f"{_expect_events(run, read_json_lines(response.pieces), 'delta', response)}, {response.size}"


def server_sent_events(run: Run) -> str:
    """Server-Sent Events are the same typed events in another framing."""
    response = run.request_answer("Server-Sent Events", SERVER_SENT_EVENTS, run.short_request)
    _expect_body(response, SERVER_SENT_EVENTS)
    events = read_server_sent_events(response.pieces)
    arrivals = [event.arrival for event in events]
    run.first_event_ms = None if pace_of(arrivals) is Pace.UNKNOWN else arrivals[0].sent
    return f"{_expect_events(run, events, 'delta', response)}, {response.size}"


def snapshots(run: Run) -> str:
    """In the snapshot view, events have the object so far instead of changes."""
    view = f"{LINES}; view=snapshot"
    response = run.request_answer("snapshot view", view, run.short_request)
    _expect_body(response, view)
    return f"{_expect_events(run, read_json_lines(response.pieces), 'snapshot', response)}, {response.size}"


def json_document(run: Run) -> str:
    """A JSON document is sent in one piece once the answer is complete and valid."""
    response = run.request_shared_answer("JSON document", JSON, run.short_request)
    _expect_body(response, JSON)
    expect(response.document() is not None, f"the body is not a JSON document: {response.body[:80]!r}")
    return f"a document of {response.size}"


def _expect_body(response: Response, media_type: str) -> None:
    expect(response.is_complete, f"the response was cut after {response.size}{with_id(response)}. {READ_LOG}")
    expect(response.body, "the body is empty")
    expect(response.media_type == media_type, f"the content type is {response.media_type!r}, not {media_type!r}")
    if media_type != JSON:
        caching = response.headers.get("cache-control", "")
        expect(
            "no-transform" in caching,
            f"Cache-Control is {caching!r}, without no-transform: proxies are allowed to buffer the stream",
        )


def _expect_events(run: Run, events: Sequence[Event], middle: str, response: Response) -> str:
    """Check that the events have the right order and agree with each other; describe them."""
    types = [event.type for event in events if event.type not in {"restart", "thinking"}]
    expect(types, "there are no events")
    if types[-1] == "error":
        _fail_with(run, events[-1], response)
    expect(types[-1] == "complete", f"the last event is {types[-1]!r}: the stream was cut")
    expect(types[0] == "start", f"the first event is {types[0]!r}, not 'start'")
    others = sorted(set(types[1:-1]) - {middle})
    expect(not others, f"between start and complete there are events of the type {', '.join(others)}")
    times = [event.members["at"] for event in events]
    expect(times == sorted(times), "the times of the events (at) go backwards")
    started, request_id = events[0].members.get("id"), response.headers.get("x-request-id")
    expect(started == request_id, f"the id in the start event is {started!r}, but X-Request-Id is {request_id!r}")
    expect("value" in events[-1].members, "the complete event has no value")
    if middle == "delta" and not any(event.type == "restart" for event in events):
        _, is_closed = rebuild_object(events)
        expect(is_closed, "the changes do not close the object")
    model = events[-1].members.get("model")
    return f"start, {len(types) - 2} {middle} events, complete{f' by {model}' if model else ''}"


def _fail_with(run: Run, error: Event, response: Response) -> None:
    problem = error.members.get("problem", {})
    code, title = problem.get("code"), problem.get("title", "")
    run.count_failure(code)
    description = f"{code} {title.rstrip('.')}{with_id(response)}"
    raise Failed(f"the answer ended with an error: {description}. {BY_CODE.get(code) or READ_LOG}")
