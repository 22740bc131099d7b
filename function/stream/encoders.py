"""Events become bytes: raw JSON text, JSON Lines, Server-Sent Events, or one JSON document.

Each encoder is for one request. Formats: RFC 8259 (JSON), jsonlines.org, the event stream of the HTML standard.
"""

import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from itertools import zip_longest
from typing import ClassVar, Final

from ..partials.changes import Change
from .errors import AnswerInvalid
from .events import Complete, Document, Event, Idle, Overdue, Partial, Thinking
from .paths import TOO_LONG, is_long, is_too_long
from .record import Start

DELTA_LIMIT: Final = 256 * 1024
"""Bytes of one ``delta``; more changes are sent in several."""
PART_OF_TEXT: Final = 32 * 1024
"""Characters of a string in one change; as escapes they have six times as many bytes."""
SHORT_TEXT: Final = 512
"""Characters of a fragment whose changes hardly ever exceed the limit of a ``delta``."""
ENVELOPE: Final = 128
"""Bytes of an event beside its changes or its value, at most."""
SNAPSHOTS_FACTOR: Final = 16
SNAPSHOTS_BASE: Final = 64 * 1024
"""All snapshots together have at most ``SNAPSHOTS_FACTOR`` times the bytes of the model's text, plus these bytes."""
THINKING_LIMIT: Final = 1_000_000
"""Bytes of the text of all signs of thinking of one response."""
JSON_SPACE: Final = " \t\n\r"
"""White space of JSON (RFC 8259 §2)."""
_BRACKETS: Final = ("{", "[")
"""With these a document begins that ends with a bracket."""


class Encoder(ABC):
    """Turns the events of one answer into bytes. A method that returns no bytes sends no chunk.

    A format overrides the methods for which it has bytes.
    """

    can_report_errors: ClassVar[bool] = False
    """Whether the client can still receive an error, or a restart, after the first byte."""

    shows_thinking: ClassVar[bool] = False
    """Whether the client learns that the model thinks."""

    @property
    @abstractmethod
    def headers(self) -> Mapping[str, str]:
        """The header fields of a response whose status is 200."""

    @abstractmethod
    def padding(self, size: int) -> bytes:
        """Return ``size`` bytes that every reader of this format skips."""

    def commits(self, _event: Event, /) -> bool:
        """Return whether the status must be decided now, because ``event`` has something for the client."""
        return False

    def opening(self, *, is_early: bool = False) -> bytes:  # noqa: ARG002 - for formats that have one
        """Return what stands before the first event; ``is_early`` says that no model has begun to answer."""
        return b""

    def encode(self, _event: Event, /) -> bytes:
        """Return the bytes for one event."""
        return b""

    def restart(self, _problem: Mapping[str, object], /) -> bytes:
        """Return the bytes that tell the client to discard all bytes before them; ``_problem`` is the reason."""
        return b""

    @abstractmethod
    def complete(self, answer: Complete, /) -> bytes:
        """Return the last bytes of a good answer."""

    def failed(self, _problem: Mapping[str, object], /) -> bytes:
        """Return the last bytes of an answer that went wrong."""
        return b""


_json: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
"""Writes JSON. ``json.dumps`` would make an encoder for each event."""

_LINE_ENDS: Final = [(end, f"\\u{ord(end):04x}") for end in "\x85\u2028\u2029"]
"""Characters outside ASCII at which some readers, such as httpx, end a line; each with its escape in JSON.

The other characters at which they end a line are control characters, which JSON always escapes.
"""


def _json_line(value: object) -> str:
    """Return JSON that is one line to every reader."""
    return _as_line(_json(value))


def _as_line(text: str) -> str:
    """Return JSON with those characters escaped at which readers end a line."""
    if not text.isascii():
        for end, escape in _LINE_ENDS:
            text = text.replace(end, escape)
    return text


def _streaming(content_type: str) -> dict[str, str]:
    """Return header fields that ask proxies neither to store nor to collect what passes."""
    return {"Content-Type": content_type, "Cache-Control": "no-cache, no-transform", "X-Accel-Buffering": "no"}


class RawText(Encoder):
    """The JSON text itself, as it arrives, except its end.

    The document's last bracket is withheld until the answer is known to be good: a body that looks complete is
    complete and valid. A root without brackets, a number or a literal, is withheld from its first character.
    """

    content_type: Final = "text/plain; charset=utf-8"

    def __init__(self) -> None:
        self._root = ""
        """The document's first character."""
        self._withheld = ""
        self._document: Document | None = None

    @property
    def headers(self) -> Mapping[str, str]:
        """Plain text that is streamed."""
        return _streaming(self.content_type)

    def padding(self, size: int) -> bytes:
        """White space: JSON allows it before the document (RFC 8259 §2)."""
        return b" " * size

    def commits(self, event: Event, /) -> bool:
        """Only text that can be sent decides the status."""
        return isinstance(event, Partial) and bool(self._split(event)[0])

    def encode(self, event: Event, /) -> bytes:
        """Text is sent as it is; white space keeps an idle connection open where the grammar allows it."""
        if isinstance(event, Partial):
            text, self._document = event.text, event.document
            if self._root in _BRACKETS and not self._withheld and "}" not in text and "]" not in text:
                return text.encode()  # nearly always: the document cannot have ended with it
            self._root = self._root or _first(text)
            sendable, self._withheld = self._split(event)
            return sendable.encode()
        return b" " if isinstance(event, Idle) and self._is_between_tokens() else b""

    def _is_between_tokens(self) -> bool:
        """Return whether the grammar allows white space behind what was sent."""
        document = self._document
        if document is None or (document.is_complete and self._root == '"'):
            return False
        return document.between_tokens

    def _split(self, event: Partial) -> tuple[str, str]:
        """Return what may be sent, and what must wait."""
        text = self._withheld + event.text
        root = self._root or _first(event.text)
        if not root or root not in '{["':
            return "", text
        if not event.document.is_complete:
            return text, ""
        end = len(text.rstrip(JSON_SPACE)) - 1 if not self._withheld else 0
        return text[:end], text[end:]

    def restart(self, _problem: Mapping[str, object], /) -> bytes:
        """Forget what was withheld; what was sent cannot be taken back."""
        self._root = self._withheld = ""
        self._document = None
        return b""

    def complete(self, _answer: Complete, /) -> bytes:
        """The answer is good: what was withheld may be sent."""
        return self._withheld.encode()


def _first(text: str) -> str:
    """Return the first character of a text behind white space; nothing if there is none."""
    return text.lstrip(JSON_SPACE)[:1]


class _Typed(Encoder):
    """Events of the shapes in docs/wire.md; a subclass decides how one is written."""

    can_report_errors = True
    shows_thinking = True

    def __init__(self, start: Start, content_type: str, *, snapshots: bool) -> None:
        self._start = start
        self._content_type = content_type
        self._snapshots = _Snapshots() if snapshots else None
        self._thinking_left = THINKING_LIMIT

    @property
    def headers(self) -> Mapping[str, str]:
        """The media type under the name that was asked for."""
        return _streaming(self._content_type)

    def commits(self, event: Event, /) -> bool:
        """The status is decided by the model's first text or sign of thinking, or when the client cannot wait."""
        return isinstance(event, Partial | Thinking | Overdue)

    def opening(self, *, is_early: bool = False) -> bytes:
        """The ``start`` event. An early one cannot say which of several models will answer."""
        members: dict[str, object] = {"id": self._start.id, "model": self._start.model_id}
        if self._start.has_fallbacks:
            members = {"id": self._start.id} | ({} if is_early else self._called())
        return self._write("start", members)

    def encode(self, event: Event, /) -> bytes:
        """A ``delta`` or a ``snapshot``, or ``thinking``; silence becomes a heartbeat."""
        if not isinstance(event, Partial):
            return self._thinking(event.text) if isinstance(event, Thinking) else self._heartbeat()
        for change in event.changes:
            if is_too_long(change.path):
                raise AnswerInvalid(change.path, TOO_LONG)
        if self._snapshots is not None:
            return self._snapshot(self._snapshots, event)
        if not event.changes:
            return b""
        if len(event.text) < SHORT_TEXT:
            delta = self._delta([written_change(change) for change in _needed(event.changes)])
            if len(delta) <= DELTA_LIMIT:
                return delta
        return b"".join(self._deltas(_needed(event.changes)))

    def _thinking(self, text: str) -> bytes:
        """Return a sign of thinking, with as much of its text as all of them together may have."""
        encoded = text.encode()[: self._thinking_left]
        self._thinking_left -= len(encoded)
        shown = encoded.decode(errors="ignore")
        return self._write("thinking", {"text": shown} if shown else {})

    def _deltas(self, changes: Iterable[Change]) -> Iterator[bytes]:
        """Yield the changes in one or more events, each within the limit of a ``delta``."""
        group: list[str] = []
        size = ENVELOPE
        for change in changes:
            for part in _parts(change):
                text = written_change(part)
                length = len(text.encode()) + len(",")
                if group and size + length > DELTA_LIMIT:
                    yield self._delta(group)
                    group, size = [], ENVELOPE
                group.append(text)
                size += length
        yield self._delta(group)

    def _delta(self, changes: list[str]) -> bytes:
        """Return the event with changes that are written already."""
        return self._frame("delta", f'{{"type":"delta","at":{self._start.elapsed()},"changes":[{",".join(changes)}]}}')

    def _snapshot(self, snapshots: "_Snapshots", event: Partial) -> bytes:
        """Return the object so far, or nothing if all snapshots together would become too long."""
        if not snapshots.are_due(event):
            return b""
        data = _json_line({"type": "snapshot", "at": self._start.elapsed(), "value": event.document.live})
        return self._frame("snapshot", data) if snapshots.may_send(event, len(data.encode()) + ENVELOPE) else b""

    def restart(self, problem: Mapping[str, object], /) -> bytes:
        """The ``restart`` event."""
        if self._snapshots is not None:
            self._snapshots.begin_again()
        return self._write("restart", {"problem": problem})

    def complete(self, answer: Complete, /) -> bytes:
        """The ``complete`` event."""
        usage = answer.usage and answer.usage.as_members()
        members = {**self._called(), "value": answer.value, "stopReason": answer.stop_reason, "usage": usage}
        if usage is None and answer.output_tokens_estimated is not None:
            members["outputTokensEstimated"] = answer.output_tokens_estimated
        return self._write("complete", members)

    def failed(self, problem: Mapping[str, object], /) -> bytes:
        """The ``error`` event."""
        return self._write("error", {**self._called(), "problem": problem})

    def _called(self) -> dict[str, object]:
        """Return the member with the model that was called last; none before the first call."""
        model_id = self._start.calls.model_id
        return {} if model_id is None else {"model": model_id}

    def _write(self, kind: str, members: Mapping[str, object]) -> bytes:
        return self._frame(kind, _json_line({"type": kind, "at": self._start.elapsed(), **members}))

    @abstractmethod
    def _frame(self, kind: str, data: str) -> bytes: ...

    @abstractmethod
    def _heartbeat(self) -> bytes: ...


class _Snapshots:
    """Decides which snapshots are sent: all of them together stay linear in the text of the model.

    A snapshot is never shorter than the one before, so one that cannot fit is not even written.
    """

    def __init__(self) -> None:
        self._text_size = 0
        self._sent_size = 0
        self._last_size = 0
        self._is_changed = False

    def are_due(self, event: Partial) -> bool:
        """Count a fragment; return whether its snapshot shows something new and can fit."""
        self._text_size += len(event.text.encode(errors="surrogatepass"))
        self._is_changed |= bool(event.changes)
        return self._is_changed and (event.document.is_complete or self._last_size <= self._room())

    def may_send(self, event: Partial, size: int) -> bool:
        """Return whether to send a snapshot of ``size`` bytes; the last one of a document is always sent."""
        self._last_size = size
        if not event.document.is_complete and size > self._room():
            return False
        self._sent_size += size
        self._is_changed = False
        return True

    def begin_again(self) -> None:
        """Forget the object: another attempt begins with nothing."""
        self._last_size = 0
        self._is_changed = False

    def _room(self) -> int:
        return SNAPSHOTS_FACTOR * self._text_size + SNAPSHOTS_BASE - self._sent_size


class JsonLines(_Typed):
    """One event per line. A blank line is a heartbeat, and readers skip it."""

    def padding(self, size: int) -> bytes:
        """Blank lines."""
        return b"\n" * size

    def _frame(self, _kind: str, data: str) -> bytes:
        return f"{data}\n".encode()

    def _heartbeat(self) -> bytes:
        return b"\n"


class ServerSentEvents(_Typed):
    """One event per message, named by its type and numbered. A comment is a heartbeat."""

    def __init__(self, start: Start, content_type: str, *, snapshots: bool) -> None:
        super().__init__(start, content_type, snapshots=snapshots)
        self._count = 0

    def padding(self, size: int) -> bytes:
        """A comment line, or blank lines if ``size`` is too small for one."""
        shortest = len(b":\n\n")
        return b":" + b" " * (size - shortest) + b"\n\n" if size >= shortest else b"\n" * size

    def _frame(self, kind: str, data: str) -> bytes:
        self._count += 1
        return f"id: {self._count}\nevent: {kind}\ndata: {data}\n\n".encode()

    def _heartbeat(self) -> bytes:
        return b":\n\n"


class JsonDocument(Encoder):
    """The validated document in one piece, for callers that do not stream. Nothing is sent before its end."""

    content_type: Final = "application/json"

    @property
    def headers(self) -> Mapping[str, str]:
        """An ordinary JSON response."""
        return {"Content-Type": self.content_type, "Cache-Control": "no-store"}

    def padding(self, size: int) -> bytes:
        """White space: JSON allows it before the document (RFC 8259 §2)."""
        return b" " * size

    def complete(self, answer: Complete, /) -> bytes:
        """The document."""
        return _json(answer.value).encode()


def _needed(changes: list[Change]) -> list[Change]:
    """Leave out the close of a container with a long path if the container around it closes next, which closes both."""
    if len(changes) == 1:
        return changes
    return [
        change
        for change, following in zip_longest(changes, changes[1:])
        if following is None
        or change.append != ""
        or following.append != ""
        or not change.path.startswith(following.path + "/")
        or not (change.closed and following.closed and is_long(change.path))
    ]


def _parts(change: Change) -> Iterator[Change]:
    """Yield the change, or several changes instead of one whose text is too long for one event."""
    text = change.value if change.append is None else change.append
    if not isinstance(text, str) or len(text) <= PART_OF_TEXT:
        yield change
        return
    for start in range(0, len(text), PART_OF_TEXT):
        part = text[start : start + PART_OF_TEXT]
        is_closed = change.closed and start + PART_OF_TEXT >= len(text)
        if start == 0 and change.append is None:
            yield Change(change.path, None, part, is_closed)
        else:
            yield Change(change.path, part, None, is_closed)


def written_change(change: Change) -> str:
    """Return a change as the typed formats write it: ``append`` or ``value`` if there is one, ``closed`` if true.

    Python writes an object through much code, which at a model's pace is not in the processor's cache; a string it
    writes through little.
    """
    path, text, value, closed = change
    written = f'{{"path":{_json(path)}'
    if text is None:
        written += f',"value":{_json(value)}'
    elif text or not closed:
        written += f',"append":{_json(text)}'
    return _as_line(written + (',"closed":true}' if closed else "}"))
