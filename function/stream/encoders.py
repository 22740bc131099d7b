"""Events become bytes: raw JSON text, JSON Lines, Server-Sent Events, or one JSON document.

Each encoder is for one request. Formats: RFC 8259 (JSON), jsonlines.org, the event stream of the HTML standard.
"""

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar, Final

from ..partials.changes import Change
from .events import Complete, Event, Idle, Overdue, Partial
from .record import Start

JSON_SPACE: Final = " \t\n\r"
"""White space of JSON (RFC 8259 §2)."""


class Encoder(ABC):
    """Turns the events of one answer into bytes. No bytes is no chunk; a format overrides what it has bytes for."""

    can_report_errors: ClassVar[bool] = False
    """After the first byte the client can still be given an error, or a restart."""

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

    def opening(self) -> bytes:
        """Return what stands before the first event."""
        return b""

    def encode(self, _event: Event, /) -> bytes:
        """Return the bytes for one event."""
        return b""

    def restart(self, _problem: Mapping[str, object], /) -> bytes:
        """Return the bytes that void everything before them, for another attempt; the problem is the reason."""
        return b""

    @abstractmethod
    def complete(self, answer: Complete, /) -> bytes:
        """Return the last bytes of a good answer."""

    def failed(self, _problem: Mapping[str, object], /) -> bytes:
        """Return the last bytes of an answer that went wrong."""
        return b""


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


_LINE_ENDS: Final = [(end, f"\\u{ord(end):04x}") for end in "\x85\u2028\u2029"]
"""Characters outside of ASCII at which some readers of lines, such as httpx, end a line; and as JSON escapes them.

The other such characters are control characters, which JSON escapes in any case.
"""


def _json_line(value: object) -> str:
    """Return JSON that is one line to every reader."""
    text = _json(value)
    if not text.isascii():
        for end, escape in _LINE_ENDS:
            text = text.replace(end, escape)
    return text


def _streaming(content_type: str) -> dict[str, str]:
    """Return header fields that ask proxies neither to store nor to collect what passes."""
    return {"Content-Type": content_type, "Cache-Control": "no-cache, no-transform", "X-Accel-Buffering": "no"}


class RawText(Encoder):
    """The JSON text itself, as it arrives, but for its end.

    The document's last bracket is withheld until the answer is known to be good: a body that looks complete is
    complete and valid. A root without brackets, a number or a literal, is withheld from its first character.
    """

    content_type: Final = "text/plain; charset=utf-8"

    def __init__(self) -> None:
        self._root = ""
        self._withheld = ""
        self._between_tokens = False

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
            sendable, self._withheld = self._split(event)
            self._root = self._root_with(event)
            self._between_tokens = event.between_tokens and not (event.is_complete and self._root == '"')
            return sendable.encode()
        return b" " if isinstance(event, Idle) and self._between_tokens else b""

    def _split(self, event: Partial) -> tuple[str, str]:
        """Return what may be sent, and what must wait."""
        text = self._withheld + event.text
        root = self._root_with(event)
        if not root or root not in '{["':
            return "", text
        if not event.is_complete:
            return text, ""
        end = len(text.rstrip(JSON_SPACE)) - 1 if not self._withheld else 0
        return text[:end], text[end:]

    def _root_with(self, event: Partial) -> str:
        """Return the document's first character, if it has come: before it there is only white space."""
        return self._root or event.text.lstrip(JSON_SPACE)[:1]

    def restart(self, _problem: Mapping[str, object], /) -> bytes:
        """Forget what was withheld; what was sent cannot be taken back."""
        self._root = self._withheld = ""
        self._between_tokens = False
        return b""

    def complete(self, _answer: Complete, /) -> bytes:
        """The answer is good: what was withheld may be sent."""
        return self._withheld.encode()


class _Typed(Encoder):
    """Events of the shapes in docs/wire.md; a subclass decides how one is written."""

    can_report_errors = True

    def __init__(self, start: Start, content_type: str, *, snapshots: bool) -> None:
        self._start = start
        self._content_type = content_type
        self._snapshots = snapshots

    @property
    def headers(self) -> Mapping[str, str]:
        """The media type under the name that was asked for."""
        return _streaming(self._content_type)

    def commits(self, event: Event, /) -> bool:
        """The model's first text decides the status, or the moment when the client can wait no longer."""
        return isinstance(event, Partial | Overdue)

    def opening(self) -> bytes:
        """The ``start`` event."""
        return self._write("start", {"id": self._start.id, "model": self._start.model_id})

    def encode(self, event: Event, /) -> bytes:
        """A ``delta`` or a ``snapshot``; silence becomes a heartbeat."""
        if not isinstance(event, Partial):
            return self._heartbeat()
        if not event.changes:
            return b""
        if self._snapshots:
            return self._write("snapshot", {"value": event.snapshot()})
        return self._write("delta", {"changes": [as_json(change) for change in event.changes]})

    def restart(self, problem: Mapping[str, object], /) -> bytes:
        """The ``restart`` event."""
        return self._write("restart", {"problem": problem})

    def complete(self, answer: Complete, /) -> bytes:
        """The ``complete`` event."""
        usage = answer.usage and {"inputTokens": answer.usage.input_tokens, "outputTokens": answer.usage.output_tokens}
        members = {"value": answer.value, "stopReason": answer.stop_reason, "usage": usage}
        if usage is None:
            members["outputTokensEstimated"] = answer.output_tokens_estimated
        return self._write("complete", members)

    def failed(self, problem: Mapping[str, object], /) -> bytes:
        """The ``error`` event."""
        return self._write("error", {"problem": problem})

    def _write(self, kind: str, members: Mapping[str, object]) -> bytes:
        return self._frame(kind, _json_line({"type": kind, "at": self._start.elapsed(), **members}))

    @abstractmethod
    def _frame(self, kind: str, data: str) -> bytes: ...

    @abstractmethod
    def _heartbeat(self) -> bytes: ...


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
        """A comment line, or blank lines where there is no room for one."""
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


def as_json(change: Change) -> dict[str, object]:
    """Return a change as the typed formats write it: ``append`` or ``value`` if there is one, ``closed`` if true."""
    members: dict[str, object] = {"path": change.path}
    if change.append is None:
        members["value"] = change.value
    elif change.append or not change.closed:
        members["append"] = change.append
    if change.closed:
        members["closed"] = True
    return members
