"""The vectors that are written by hand: what a client must survive, and what no encoder writes yet or ever."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from tests.clients.vectors.vector import REQUEST_ID, Piece, Response, Vector

JSON_LINES: Final = {"Content-Type": "application/jsonl", "X-Request-Id": REQUEST_ID}
EVENTS: Final = {"Content-Type": "text/event-stream", "X-Request-Id": REQUEST_ID}
PROBLEM: Final = {"Content-Type": "application/problem+json"}

Event = Mapping[str, Any]
USAGE: Final = {"inputTokens": 12, "outputTokens": 21}
START: Final = {"type": "start", "at": 400, "id": REQUEST_ID, "model": "anthropic.claude"}
COMPLETE: Final = {
    "type": "complete",
    "at": 500,
    "value": {"a": "x", "b": ["y"]},
    "stopReason": "end_turn",
    "usage": USAGE,
}
ERROR: Final = {
    "type": "error",
    "at": 500,
    "problem": {
        "type": "urn:streaming-llm:problem:model_failed",
        "title": "The model failed to finish its answer.",
        "status": 502,
        "code": "model_failed",
        "requestId": REQUEST_ID,
    },
}
RESTART: Final = {"type": "restart", "at": 450, "problem": ERROR["problem"]}
LONG: Final = 2_000_000


def delta(*changes: Mapping[str, Any]) -> Event:
    return {"type": "delta", "at": 420, "changes": changes}


ROOT: Final = {"path": "", "value": {}}
DELTAS: Final = (
    delta(ROOT, {"path": "/a", "value": "x", "closed": True}),
    delta({"path": "/b", "value": []}, {"path": "/b/0", "value": "y", "closed": True}),
    delta({"path": "/b", "closed": True}, {"path": "", "closed": True}),
)
WHOLE: Final = (START, *DELTAS, COMPLETE)


def line(event: Event) -> str:
    return json.dumps(event, separators=(",", ":"), ensure_ascii=False) + "\n"


def lines(*events: Event) -> list[Piece]:
    return [line(event) for event in events]


def message(event: Event, prefix: str = "data: ") -> str:
    return prefix + line(event) + "\n"


def of_lines(name: str, about: str, *pieces: Piece, is_cut: bool = False) -> Vector:
    return Vector(name, about, "hand", Response(200, JSON_LINES, pieces, is_cut))


def of_messages(name: str, about: str, *pieces: Piece, is_cut: bool = False) -> Vector:
    return Vector(name, about, "hand", Response(200, EVENTS, pieces, is_cut))


def written() -> Iterator[Vector]:
    """Yield the vectors of this file; what is expected of them is not filled in."""
    yield from _lines()
    yield from _messages()
    yield from _ends_inside()
    yield from _events()
    yield from _after_the_end()
    yield from _changes()
    yield from _malformed()
    yield from _responses()


def _lines() -> Iterator[Vector]:
    text = "".join(map(line, WHOLE))
    yield of_lines("blank-lines", "Blank lines, and lines of white space.", "\n\n", text.replace("\n", "\n\n \t\r\n"))
    yield of_lines("byte-order-mark", "A byte order mark before the first event.", "\ufeff", text)
    yield of_lines("crlf", "Lines end with CR LF.", *text.replace("\n", "\r\n").splitlines(keepends=True))
    yield of_lines("no-last-line-end", "The last line has no end, and is complete.", text.removesuffix("\n"))
    yield of_lines("one-piece", "The whole body arrives at once.", text)
    spaced = "".join(f"  {json.dumps(event, indent=1)} ".replace("\n", " ") + "\n" for event in WHOLE)
    yield of_lines("white-space-in-lines", "White space between the tokens of an event.", spaced)
    separators = {"path": "/a", "value": "a\u2028b\x85c\u2029d\x7f"}
    yield of_lines(
        "line-separators-unescaped",
        "U+2028, U+2029 and U+0085 as they are: only LF ends a line.",
        *lines(START, delta(ROOT, separators), {**COMPLETE, "value": {"a": separators["value"]}}),
    )
    yield of_lines(
        "long-line",
        "A line of two million characters, most of them in a member that nobody knows.",
        line(START),
        '{"type":"delta","at":420,"note":"',
        ("é", LONG),
        '","changes":[{"path":"","value":{}},{"path":"/a","value":"x","closed":true}]}\n',
        line(COMPLETE),
    )
    yield of_lines(
        "not-utf-8",
        "Bytes that are not UTF-8 become U+FFFD, one for each that begins nothing or is left incomplete.",
        line(START),
        b'{"type":"delta","at":420,"changes":[{"path":"","value":"a\xffb\xe2\x82c"}]}\n',
        line({**COMPLETE, "value": "a"}),
    )


def _messages() -> Iterator[Vector]:
    text = "".join(f"id: {number}\nevent: {event['type']}\n{message(event)}" for number, event in enumerate(WHOLE, 1))
    yield of_messages("sse-crlf", "Lines of Server-Sent Events that end with CR LF.", text.replace("\n", "\r\n"))
    yield of_messages("sse-cr", "Lines of Server-Sent Events that end with CR alone.", text.replace("\n", "\r"))
    yield of_messages("sse-byte-order-mark", "A byte order mark before Server-Sent Events.", "\ufeff", text)
    yield of_messages("sse-without-names", "Only data: the type is in the event.", *map(message, WHOLE))
    yield of_messages("sse-without-space", "No space after the colon.", *[message(event, "data:") for event in WHOLE])
    named = [f"event: another\n{message(event)}" for event in WHOLE]
    yield of_messages("sse-other-names", "The name of a message does not count.", *named)
    fields = f"retry: 5\n: comment\nid\nunknown: x\n\ndata\n\ndata:\n\n{text}"
    yield of_messages("sse-other-fields", "Fields, comments and messages without data.", fields)
    parted = [f"data: {json.dumps(event, indent=1)}\n\n".replace("\n ", "\ndata:  ") for event in WHOLE]
    parted = [part.replace("\n}\n\n", "\ndata: }\n\n") for part in parted]
    yield of_messages("sse-several-data-lines", "The data of one event in several lines.", *parted)
    ended = [part.replace("\n", "\r\n") for part in parted]
    yield of_messages("sse-several-data-lines-crlf", "The same, with lines that end with CR LF.", *ended)
    unfinished = text.removesuffix("\n")
    for is_cut, way in ((True, "cut"), (False, "cleanly")):
        about = "The last message has no empty line at its end: it is not dispatched, so there is no complete."
        yield of_messages(f"sse-ends-{way}-before-the-empty-line", about, unfinished, is_cut=is_cut)


def _ends_inside() -> Iterator[Vector]:
    begun = "".join(map(line, (START, *DELTAS[:2])))
    umlaut = line({**COMPLETE, "value": {"a": "ü"}}).encode()
    split = umlaut.index("ü".encode()) + 1
    places: Mapping[str, tuple[str, Sequence[Piece]]] = {
        "character": ("a character of two bytes", [begun, umlaut[:split]]),
        "line": ("the line of complete", [begun, line(COMPLETE)[:60]]),
        "last-bracket": ("the line of complete, before its last bracket", [begun, line(COMPLETE)[:-2]]),
        "delta": ("the line of a delta", [begun, line(DELTAS[2])[:40]]),
        "crlf": ("the end of a line, between CR and LF", [begun.replace("\n", "\r\n").removesuffix("\n")]),
        "byte-order-mark": ("a byte order mark", [b"\xef\xbb"]),
        "first-line": ("the line of start", [line(START)[:30]]),
        "nothing": ("nothing: there is not one byte", []),
    }
    for place, (words, pieces) in places.items():
        for is_cut, way in ((True, "cut"), (False, "cleanly")):
            about = f"The body ends inside {words} ({'a cut' if is_cut else 'a clean end'})."
            yield of_lines(f"ends-{way}-inside-{place}", about, *pieces, is_cut=is_cut)
    yield of_lines(
        "complete-without-line-end-then-cut",
        "The connection breaks after the last bracket of complete: complete.",
        *lines(START, *DELTAS),
        line(COMPLETE).removesuffix("\n"),
        is_cut=True,
    )


def _events() -> Iterator[Vector]:
    unknown = {"type": "cost", "at": 410, "cents": [1], "value": {"a": "not this"}, "changes": "none"}
    yield of_lines("unknown-event", "Events whose type is unknown are skipped.", *lines(START, unknown, *WHOLE[1:]))
    yield of_lines(
        "unknown-members",
        "Members that are unknown are skipped, in events and in changes.",
        *lines(
            {**START, "region": "x"},
            {**delta({**ROOT, "note": [1]}, {"path": "/a", "append": "x", "value": "x", "seen": 1}), "problem": {}},
            {**COMPLETE, "cost": 1},
        ),
    )
    yield of_lines(
        "model-known-at-the-end",
        "A start without a model, sent before one has answered; complete names it.",
        *lines({"type": "start", "at": 400, "id": REQUEST_ID}, *DELTAS, {**COMPLETE, "model": "anthropic.other"}),
    )
    yield of_lines(
        "model-of-complete-counts",
        "Another model has answered than the one that start named.",
        *lines(START, *DELTAS, {**COMPLETE, "model": "anthropic.other"}),
    )
    yield of_lines(
        "model-of-error",
        "An error that names the model that was called last.",
        *lines({"type": "start", "at": 400, "id": REQUEST_ID}, {**ERROR, "model": "anthropic.other"}),
    )
    more = {**USAGE, "cacheReadTokens": 2000, "cacheWriteTokens": 0, "thinkingTokens": 7}
    yield of_lines("usage-with-all-members", "Cache and thinking.", *lines(*WHOLE[:-1], {**COMPLETE, "usage": more}))
    yield of_lines("no-start", "Deltas without a start before them.", *lines(*DELTAS, COMPLETE))
    yield of_lines("complete-alone", "Nothing but complete.", *lines(COMPLETE))
    second = {**START, "id": "another", "model": "anthropic.other"}
    yield of_lines("start-twice-before-delta", "The second start counts.", *lines(START, second, *WHOLE[1:]))
    yield of_lines(
        "start-twice-after-delta",
        "What came before the second start is void.",
        *lines(START, delta(ROOT, {"path": "/z", "value": "old", "closed": True}), second, *WHOLE[1:]),
    )
    yield of_lines(
        "start-twice-then-cut",
        "After the second start nothing is left to show.",
        *lines(START, *DELTAS, second),
        is_cut=True,
    )
    yield of_lines(
        "restart-twice", "Two restarts, one after the other.", *lines(START, *DELTAS, RESTART, RESTART, *WHOLE[1:])
    )
    yield of_lines("empty-delta", "A delta without changes.", *lines(START, DELTAS[0], delta(), *DELTAS[1:], COMPLETE))
    yield of_lines(
        "value-of-complete-differs",
        "The value of complete is the answer, whatever the deltas showed.",
        *lines(*WHOLE[:-1], {**COMPLETE, "value": {"a": 1, "c": None}}),
    )
    yield of_lines("value-null", "The answer is null.", *lines(START, {**COMPLETE, "value": None}))


def _after_the_end() -> Iterator[Vector]:
    other = {**COMPLETE, "value": "another"}
    yield of_lines("complete-twice", "The first complete counts.", *lines(*WHOLE, other))
    yield of_lines("complete-then-error", "An error after complete does not count.", *lines(*WHOLE, ERROR))
    yield of_lines("complete-then-restart", "A restart after complete does not count.", *lines(*WHOLE, RESTART))
    yield of_lines("complete-then-delta", "A delta after complete does not count.", *lines(*WHOLE, DELTAS[0]))
    yield of_lines("complete-then-text", "Text after complete does not count.", *lines(*WHOLE), "\nBye.\n{", b"\xff")
    yield of_lines("error-then-complete", "The first end counts.", *lines(START, *DELTAS, ERROR, COMPLETE))
    yield of_messages(
        "sse-complete-then-text", "Text after complete does not count.", *map(message, WHOLE), "data: {\n\nBye"
    )


def _changes() -> Iterator[Vector]:
    yield of_lines(
        "value-set-twice",
        "A value that is set again replaces the first one.",
        *lines(
            START,
            delta(ROOT, {"path": "/a", "value": {"b": "c"}}, {"path": "/l", "value": ["x"]}),
            delta({"path": "/a", "value": "d"}, {"path": "/a", "append": "e"}, {"path": "/l/0", "value": "y"}),
            COMPLETE,
        ),
    )
    yield of_lines(
        "text-set-twice",
        "A text that has grown is set again, and grows.",
        *lines(
            START,
            delta(ROOT, {"path": "/a", "value": "b"}, {"path": "/a", "append": "c"}),
            delta({"path": "/a", "value": "d"}, {"path": "/a", "append": "e"}),
            COMPLETE,
        ),
    )
    yield of_lines(
        "root-set-twice",
        "The root is set again.",
        *lines(START, delta(ROOT, {"path": "/a", "value": 1}), delta({"path": "", "value": []}), COMPLETE),
    )
    yield of_lines(
        "value-with-content",
        "A value that is not empty, and grows at every depth.",
        *lines(
            START,
            delta({"path": "", "value": {"a": [{"b": "c"}]}}),
            delta({"path": "/a/0/b", "append": "d"}, {"path": "/a/1", "value": {}}, {"path": "/a/1/~1", "value": 0}),
            COMPLETE,
        ),
    )
    yield of_lines(
        "index-0-of-an-empty-list",
        "The first item of an empty list.",
        *lines(START, delta({"path": "", "value": []}), delta({"path": "/0", "value": "x"}), COMPLETE),
    )
    yield of_lines(
        "append-nothing",
        "An empty text is appended, to an empty string and at its end.",
        *lines(
            START,
            delta(ROOT, {"path": "/a", "value": ""}, {"path": "/a", "append": ""}),
            delta({"path": "/a", "append": "x"}, {"path": "/a", "append": "", "closed": True}),
            COMPLETE,
        ),
    )
    yield of_lines(
        "numbers-as-keys",
        "Steps that are digits lead to members of objects too.",
        *lines(START, delta(ROOT, {"path": "/0", "value": "a"}, {"path": "/01", "value": "b"}), COMPLETE),
    )
    yield of_lines(
        "surrogate-pair-in-two-changes",
        "Two halves of a surrogate pair that two changes append become one character.",
        line(START),
        '{"type":"delta","at":420,"changes":[{"path":"","value":{}},{"path":"/a","value":"x\\ud83d"}]}\n',
        '{"type":"delta","at":430,"changes":[{"path":"/a","append":"\\ude00y"}]}\n',
        line(COMPLETE),
    )
    yield of_lines(
        "lone-surrogates",
        "Halves of surrogate pairs without their other half, in a value and in a key.",
        line(START),
        '{"type":"delta","at":420,"changes":[{"path":"","value":{}},{"path":"/a","value":"\\ud800"}]}\n',
        '{"type":"delta","at":430,"changes":[{"path":"/a","append":"x\\udc00"},{"path":"/\\ud800","value":1}]}\n',
        '{"type":"complete","at":500,"value":"\\udc00\\ud800","stopReason":"end_turn","usage":null}\n',
    )


MISPLACED: Final[Mapping[str, tuple[str, Sequence[Mapping[str, Any]]]]] = {
    "append-to-nothing": ("An append to a member that is not there.", [ROOT, {"path": "/a", "append": "x"}]),
    "append-to-no-document": ("An append before there is a document.", [{"path": "", "append": "x"}]),
    "append-to-number": ("An append to a number.", [ROOT, {"path": "/a", "value": 1}, {"path": "/a", "append": "x"}]),
    "append-to-list": ("An append to a list.", [{"path": "", "value": []}, {"path": "", "append": "x"}]),
    "index-too-high": ("An index that leaves a gap.", [{"path": "", "value": []}, {"path": "/1", "value": "x"}]),
    "index-not-a-number": ("A key in a list.", [{"path": "", "value": []}, {"path": "/a", "value": "x"}]),
    "index-with-zero": (
        "An index with a zero before it.",
        [{"path": "", "value": ["w"]}, {"path": "/00", "value": "x"}],
    ),
    "length-of-a-list": (
        "The length of a list is no item.",
        [{"path": "", "value": []}, {"path": "/length", "value": 1}],
    ),
    "inherited-member": (
        "A member of a member that every object of JavaScript has, and that no change has set.",
        [ROOT, {"path": "/constructor/prototype/a", "value": "x"}],
    ),
    "parent-missing": ("A member of an object that is not there.", [ROOT, {"path": "/a/b", "value": "x"}]),
    "parent-is-a-string": (
        "A member of a string.",
        [ROOT, {"path": "/a", "value": "x"}, {"path": "/a/length", "value": 1}],
    ),
    "no-document": ("A member before there is a document.", [{"path": "/a", "value": "x"}]),
    "path-without-slash": ("A path that is not a JSON Pointer.", [ROOT, {"path": "a", "value": "x"}]),
}
"""By name: what it shows, and the changes, of which the last one does not fit."""


def _malformed() -> Iterator[Vector]:
    for name, (about, changes) in MISPLACED.items():
        good, bad = lines(START, delta(*changes[:-1])), lines(delta(changes[-1]), *DELTAS, COMPLETE)
        yield of_lines(f"misplaced-{name}", about, *(good if changes[:-1] else good[:1]), *bad)
    begun = "".join(map(line, (START, DELTAS[0])))
    whole = "".join(map(line, WHOLE))
    texts = {
        "not-json": ("A line that is not JSON.", "nonsense\n"),
        "not-json-nan": ("NaN is not JSON.", '{"type":"delta","at":1,"changes":[{"path":"","value":NaN}]}\n'),
        "control-character": ("A control character in a string is not JSON.", '{"type":"x","note":"\x01"}\n'),
        "not-an-object": ("A line that is JSON but not an object.", "[1]\n"),
        "null-line": ("A line that is null.", "null\n"),
        "no-type": ("An event without a type.", '{"at":1}\n'),
        "type-not-a-text": ("An event whose type is a number.", '{"type":1,"at":1}\n'),
        "error-without-problem": ("An error without a problem: its code would be empty.", '{"type":"error","at":1}\n'),
        "error-with-empty-code": (
            "An error whose problem has an empty code.",
            '{"type":"error","at":1,"problem":{"code":"","status":502}}\n',
        ),
    }
    for name, (about, text) in texts.items():
        yield of_lines(f"malformed-{name}", about, begun, text, whole)
    yield of_messages("malformed-sse-not-json", "Data that is not JSON.", "data: nonsense\n\n", *map(message, WHOLE))


def _gateway(code: str, detail: str) -> str:
    problem = {
        "type": f"urn:streaming-llm:problem:{code}",
        "title": "The gateway did not pass the request on.",
        "code": code,
        "detail": detail,
        "requestId": "3f0e6f6b-gateway",
    }
    return json.dumps(problem)


def _responses() -> Iterator[Vector]:
    gateway = {
        "THROTTLED": (429, "Too Many Requests"),
        "QUOTA_EXCEEDED": (429, "Limit Exceeded"),
        "MISSING_AUTHENTICATION_TOKEN": (403, "Missing Authentication Token"),
        "INVALID_API_KEY": (403, "Forbidden"),
        "INTEGRATION_TIMEOUT": (504, "Endpoint request timed out"),
        "REQUEST_TOO_LARGE": (413, "HTTP content length exceeded 10485760 bytes."),
        "DEFAULT_5XX": (500, "Internal server error"),
    }
    for code, (status, detail) in gateway.items():
        yield _response(f"gateway-{code}", "The gateway's own problem.", status, PROBLEM, _gateway(code, detail))
    plain = {"Content-Type": "application/json"}
    yield _response("gateway-bare", "An error of a gateway without problems.", 403, plain, '{"message":"Forbidden"}')
    page = {"Content-Type": "text/html"}
    yield _response("http-502-page", "A page of a proxy.", 502, page, "<h1>502 Bad Gateway</h1>")
    yield _response("http-504-empty", "A status and nothing else.", 504, {})
    yield _response("http-500-list", "JSON that is not an object.", 500, PROBLEM, "[]")
    yield _response("http-500-code-empty", "A problem with an empty code.", 500, PROBLEM, '{"code":"","status":500}')
    yield _response("http-500-code-number", "A problem whose code is a number.", 500, PROBLEM, '{"code":7}')
    retried = {"Content-Type": "text/plain", "Retry-After": "30"}
    yield _response("http-503-retry-after", "A proxy that says when to try again.", 503, retried, "Wait.")
    text = _gateway("THROTTLED", "Too Many Requests")
    yield _response("problem-cut", "A problem that is cut.", 502, PROBLEM, text[:40], is_cut=True)
    yield _response("http-204", "A status of success without an answer.", 204, {})
    yield _response("ok-but-a-page", "A page with status 200, as a captive portal sends.", 200, page, "<h1>Hi</h1>")
    whole = "".join(map(line, WHOLE))
    yield _response("ok-but-text", "Events under the type of raw text.", 200, {"Content-Type": "text/plain"}, whole)
    upper = {"Content-Type": "Application/JSONL; charset=UTF-8"}
    yield _response("content-type-in-capitals", "Media types know no case, and may have parameters.", 200, upper, whole)
    yield Vector("network", "The connection ends before the head of a response.", "hand", None)


def _response(
    name: str, about: str, status: int, headers: Mapping[str, str], *body: str, is_cut: bool = False
) -> Vector:
    return Vector(name, about, "hand", Response(status, headers, body, is_cut))
