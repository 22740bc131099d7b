"""The vectors that the function's encoders write: each format, each way to end, and documents that are hard to fold."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import count
from typing import Any, Final

from pydantic import BaseModel, TypeAdapter

from function.contract import REQUEST_ID_HEADER
from function.partials import Partials
from function.schema import Answer
from function.stream import errors
from function.stream.encoders import Encoder
from function.stream.errors import StreamError
from function.stream.events import Complete, Idle, Partial, Thinking, Usage
from function.stream.negotiation import choose_format
from function.stream.record import Calls, Start
from tests.clients.vectors.vector import REQUEST_ID, Response, Vector
from tests.wire.endings_table import BY_CODE, FAILED, REFUSAL

NO_SNIFFING: Final = {"X-Content-Type-Options": "nosniff"}
"""What the handler adds to every response."""
JSON_LINES: Final = "application/jsonl"
EVENTS: Final = "text/event-stream"
FRAGMENTS: Final = ('{"summary": "Pay per', ' use.", "keywords": ["cost"', "]}")
FORMATS: Final = {
    "jsonl": JSON_LINES,
    "ndjson": "application/x-ndjson",
    "sse": EVENTS,
    "jsonl-snapshot": f"{JSON_LINES}; view=snapshot",
    "sse-snapshot": f"{EVENTS}; view=snapshot",
}
PROBLEMS: Final[Mapping[str, StreamError]] = {
    **{code: error() for code, error in BY_CODE.items() if error is not errors.AnswerInvalid},
    "answer_invalid": errors.AnswerInvalid("/keywords/3", "string_type"),
    "body_invalid": errors.BodyInvalid(errors=[{"path": "/prompt", "rule": "string_too_short"}]),
    REFUSAL.code: REFUSAL,
}


class Place(BaseModel):
    """An object in an object."""

    name: str
    at: tuple[float, float]
    open: bool | None = None


class Trip(BaseModel):
    """An answer with values of every kind."""

    places: list[Place]
    notes: dict[str, str] = {}
    days: int = 1


class Writer:
    """Writes one response with the encoder of a format."""

    def __init__(self, accept: str, type_: Any = Answer, model: str = "anthropic.claude") -> None:
        clock, calls = count(400, 10), Calls()
        calls.add(model)
        start = Start(REQUEST_ID, model, 100, lambda: next(clock), 0.0, calls)
        self.encoder: Encoder = choose_format(accept).encoder(start)
        self.pieces = [self.encoder.opening()]
        self._type = type_
        self._partials: Partials[Any] = Partials(type_, hide=True)

    def feed(self, fragments: Iterable[str]) -> "Writer":
        for text in fragments:
            self.next_piece(text)
        return self

    def next_piece(self, text: str) -> bytes:
        """Write the events of one fragment, if there are any."""
        self.pieces.append(self.encoder.encode(Partial(text, self._partials.feed(text), self._partials)))
        return self.pieces[-1]

    @property
    def snapshot(self) -> Any:
        return self._partials.snapshot

    def idle(self) -> "Writer":
        self.pieces.append(self.encoder.encode(Idle()))
        return self

    def think(self, text: str = "") -> "Writer":
        self.pieces.append(self.encoder.encode(Thinking(text)))
        return self

    def restart(self, error: StreamError) -> "Writer":
        self.pieces.append(self.encoder.restart(error.as_problem(REQUEST_ID)))
        self._partials = Partials(self._type, hide=True)
        return self

    def fail(self, error: StreamError) -> "Writer":
        self.pieces.append(self.encoder.failed(error.as_problem(REQUEST_ID)))
        return self

    def complete(self, usage: Usage | None = Usage(12, 21)) -> "Writer":  # noqa: B008 - it is frozen
        value = TypeAdapter(self._type).dump_python(self._partials.finish(), mode="json", by_alias=True, warnings=False)
        self.pieces.append(self.encoder.complete(Complete(value, "end_turn", usage, 19)))
        return self

    def pad(self, size: int) -> "Writer":
        self.pieces.insert(0, self.encoder.padding(size))
        return self

    def sent(self, *, is_cut: bool = False) -> Response:
        headers = {**self.encoder.headers, **NO_SNIFFING, REQUEST_ID_HEADER: REQUEST_ID}
        return Response(200, headers, [piece for piece in self.pieces if piece], is_cut)


def vector(name: str, about: str, response: Response) -> Vector:
    return Vector(name, about, "encoder", response)


def encoded() -> Iterator[Vector]:
    """Yield the vectors of this file; what is expected of them is not filled in."""
    yield from _good()
    yield from _documents()
    yield from _failures()
    yield from _cuts()
    yield from _restarts()


def _good() -> Iterator[Vector]:
    for name, accept in FORMATS.items():
        answer = Writer(accept).feed(FRAGMENTS).idle().complete()
        yield vector(f"complete-{name}", f"A complete answer as {accept}.", answer.sent())
    for name in ("jsonl", "sse"):
        padded = Writer(FORMATS[name]).feed(FRAGMENTS).complete().pad(64)
        yield vector(f"padding-{name}", f"Padding before a complete answer as {FORMATS[name]}.", padded.sent())
        silent = Writer(FORMATS[name]).idle().idle().feed(FRAGMENTS[:1]).idle().feed(FRAGMENTS[1:]).complete()
        yield vector(f"heartbeats-{name}", "Heartbeats before the first delta and between two.", silent.sent())
        broken = Writer(FORMATS[name]).feed(FRAGMENTS).complete()
        yield vector(
            f"complete-then-cut-{name}", "The connection breaks after complete: complete.", broken.sent(is_cut=True)
        )
        thoughtful = Writer(FORMATS[name]).think().think("Hm.\n").feed(FRAGMENTS).complete()
        yield vector(f"thinking-{name}", "The model thinks before it answers, unseen and seen.", thoughtful.sent())
    counted = Writer(JSON_LINES).feed(FRAGMENTS).complete(None)
    yield vector("usage-not-reported", "The service reported no usage: it is null, with an estimate.", counted.sent())


DOCUMENTS: Final[Mapping[str, tuple[str, Any, Sequence[str]]]] = {
    "one-character-at-a-time": ("Each fragment is one character.", Answer, list("".join(FRAGMENTS))),
    "nested": (
        "Objects in a list, numbers, null, true, and members that no delta has shown.",
        Trip,
        [
            '{"places": [{"name": "Bo',
            'nn", "at": [50.7',
            ', -7], "open": nu',
            "ll}, ",
            '{"name": "", "at": [0, 1e2], "open"',
            ": true",
            "}], ",
            '"notes": {}}',
        ],
    ),
    "keys-of-javascript": (
        "Keys that mean something in JavaScript are keys like any other.",
        dict[str, str],
        ['{"__proto__": "a', 'b", "constructor": "c", "toString"', ': "d", "hasOwnProperty": "e"}'],
    ),
    "keys-in-an-object-named-proto": (
        "Members inside a member named __proto__.",
        dict[str, dict[str, str]],
        ['{"__proto__": {', '"polluted": "y', 'es"}, "constructor": {"prototype": "z"}}'],
    ),
    "keys-that-pointers-escape": (
        "An empty key, and keys with the characters that JSON Pointers escape.",
        dict[str, str],
        ['{"": "a', '", "/": "b", "~": "c", ', '"~1": "d", "a/b": "e", "~0": "f', '", "0": "g"}'],
    ),
    "empty-list": ("A list without items, in an object and in a list.", list[list[int]], ["[[", "], [], [1", "]]"]),
    "root-list": ("The document is a list.", list[int], ["[1", "0, 2", "0]"]),
    "root-string": ("The document is a string.", str, ['"Pay', " per", ' use."']),
    "root-number": ("The document is a number: there is no delta before its end.", int, ["4", "2"]),
    "root-null": ("The document is null, which is a value like any other.", int | None, ["nu", "ll "]),
    "line-separators": (
        "U+0085, U+2028 and U+2029, which some readers take for the end of a line.",
        Answer,
        ['{"summary": "a\x85b\u2028', 'c\u2029d", "keywords": ["\u2028"]}'],
    ),
    "characters": (
        "Escapes, characters of two to four bytes, and an escaped surrogate pair that two fragments share.",
        Answer,
        ['{"summary": "Gr\\u00fc', "ße \\n\\t\\\\ \\", '"\\ud83d', '\\ude00 😀 עברית", "keywords": []}'],
    ),
    "control-characters": (
        "Escaped control characters, ANSI sequences, bidi marks and markup: a screen must show them as text.",
        Answer,
        ['{"summary": "\\u001b[31m\\u0007\\r\u202e<script>alert(1)</script>', '\\u0000\x9b2J", "keywords": []}'],
    ),
    "deep": ("Lists in lists in lists.", list[Any], ["[" * 30, "]" * 30]),
    "same-text-twice": ("Two lists with equal items.", list[list[str]], ['[["a", "a"], ["a"', ', "a"]]']),
}
"""By name: what it shows, the type of the answer, and the model's fragments."""


def _documents() -> Iterator[Vector]:
    for name, (about, type_, fragments) in DOCUMENTS.items():
        yield vector(name, about, Writer(JSON_LINES, type_).feed(fragments).complete().sent())
    nested = DOCUMENTS["nested"]
    yield vector("nested-sse", nested[0], Writer(EVENTS, nested[1]).feed(nested[2]).complete().sent())
    yield vector(
        "nested-snapshot",
        nested[0],
        Writer(FORMATS["jsonl-snapshot"], nested[1]).feed(nested[2]).complete().sent(),
    )


def _failures() -> Iterator[Vector]:
    for code, error in PROBLEMS.items():
        yield vector(f"problem-{code}", f"{error.title} The failure comes before the first byte.", _problem(error))
    for code in (*FAILED, REFUSAL.code):
        failed = Writer(JSON_LINES).feed(FRAGMENTS[:2]).fail(PROBLEMS[code])
        yield vector(f"error-{code}", f"{PROBLEMS[code].title} The failure comes after two deltas.", failed.sent())
    early = PROBLEMS["model_failed"]
    for name, accept in FORMATS.items():
        failed = Writer(accept).fail(early)
        yield vector(f"error-after-start-{name}", "An error before the first delta.", failed.sent())
    for name in ("jsonl", "sse"):
        broken = Writer(FORMATS[name]).feed(FRAGMENTS[:1]).fail(early)
        yield vector(
            f"error-then-cut-{name}",
            "The connection breaks after an error: its code, and no cut.",
            broken.sent(is_cut=True),
        )


def _problem(error: StreamError) -> Response:
    body = TypeAdapter(dict[str, object]).dump_json(error.as_problem(REQUEST_ID))
    return Response(error.status, {**error.headers, **NO_SNIFFING, REQUEST_ID_HEADER: REQUEST_ID}, [body])


def _cuts() -> Iterator[Vector]:
    for name in ("jsonl", "sse", "jsonl-snapshot"):
        moments = {
            "start": Writer(FORMATS[name]),
            "delta": Writer(FORMATS[name]).feed(FRAGMENTS[:2]),
            "heartbeat": Writer(FORMATS[name]).feed(FRAGMENTS[:1]).idle(),
            "closed-document": Writer(FORMATS[name]).feed(FRAGMENTS),
        }
        for moment, writer in moments.items():
            for is_cut, way in ((True, "cut"), (False, "cleanly")):
                about = f"The body ends after {moment} ({'a cut' if is_cut else 'a clean end'}): there is no complete."
                yield vector(f"ends-{way}-after-{moment}-{name}", about, writer.sent(is_cut=is_cut))


def _restarts() -> Iterator[Vector]:
    again = PROBLEMS["answer_not_json"]
    for name in ("jsonl", "sse", "jsonl-snapshot"):
        early = Writer(FORMATS[name]).restart(again).feed(FRAGMENTS).complete()
        yield vector(f"restart-before-delta-{name}", "A restart before anything was shown.", early.sent())
        late = Writer(FORMATS[name]).feed(['{"summary": "Another', ' beginning", "keywords": ["x"']).restart(again)
        yield vector(
            f"restart-after-delta-{name}",
            "What came before a restart is void.",
            late.feed(FRAGMENTS).complete().sent(),
        )
    nothing = Writer(JSON_LINES).feed(FRAGMENTS[:1]).restart(again)
    yield vector("restart-then-cut", "After a restart nothing is left to show.", nothing.sent(is_cut=True))
    failed = Writer(JSON_LINES).feed(FRAGMENTS[:1]).restart(again).feed(FRAGMENTS[:1]).fail(again)
    yield vector("restart-then-error", "The second attempt fails too.", failed.sent())
