"""Events become bytes: raw JSON text, JSON Lines, Server-Sent Events, or one whole document.

Each encoder is for one request. Formats: RFC 8259 (JSON), jsonlines.org, the event stream of the HTML standard.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from ..partials.changes import Change
from .events import Complete, Event, Idle, Overdue, Partial

JSON_SPACE: Final = " \t\n\r"
"""White space of JSON (RFC 8259 §2)."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """What every typed event may say of its request."""

    request_id: str
    model_id: str
    elapsed: Callable[[], int]
    """Milliseconds since the request began."""


class Encoder(Protocol):
    """Turns the events of one answer into bytes. No bytes is no chunk."""

    can_say_error: bool
    """A failure, or a restart, can be told to the client after the first byte."""

    @property
    def headers(self) -> Mapping[str, str]:
        """The header fields of a 200 answer."""

    def padding(self, size: int) -> bytes:
        """Return ``size`` bytes that every reader of this format skips."""

    def commits(self, event: Event) -> bool:
        """Tell whether the status must be decided now, since ``event`` has something for the client."""

    def opening(self) -> bytes:
        """Return what stands before the first event."""

    def encode(self, event: Event) -> bytes:
        """Return the bytes for one event."""

    def restart(self, problem: Mapping[str, object]) -> bytes:
        """Return the bytes that make void what came before, for a second attempt; ``problem`` says why."""

    def complete(self, answer: Complete) -> bytes:
        """Return the last bytes of a good answer."""

    def failed(self, problem: Mapping[str, object]) -> bytes:
        """Return the last bytes of an answer that went wrong."""


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _streaming(content_type: str) -> dict[str, str]:
    """Header fields that ask proxies to neither keep nor gather what passes."""
    return {"Content-Type": content_type, "Cache-Control": "no-cache, no-transform", "X-Accel-Buffering": "no"}


class RawText:
    """The JSON text itself, as it comes, but for the end.

    The document's last bracket is withheld until the verdict, so that what looks whole is whole and valid.
    A root without brackets is withheld from the point where it could look whole: all of a number or literal.
    """

    can_say_error = False
    content_type = "text/plain; charset=utf-8"

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

    def commits(self, event: Event) -> bool:
        """Only text that can be sent decides the status."""
        return isinstance(event, Partial) and bool(self._split(event)[0])

    def opening(self) -> bytes:
        """Nothing."""
        return b""

    def encode(self, event: Event) -> bytes:
        """Text goes out as it is; white space keeps an idle connection open where the grammar allows it."""
        if isinstance(event, Partial):
            sendable, self._withheld = self._split(event)
            self._root = self._root_with(event)
            self._between_tokens = event.between_tokens and not (event.whole and self._root == '"')
            return sendable.encode()
        return b" " if isinstance(event, Idle) and self._between_tokens else b""

    def _split(self, event: Partial) -> tuple[str, str]:
        """Part what may be sent from what must wait."""
        text = self._withheld + event.text
        root = self._root_with(event)
        if not root or root not in '{["':
            return "", text
        if not event.whole:
            return text, ""
        end = len(text.rstrip(JSON_SPACE)) - 1 if not self._withheld else 0
        return text[:end], text[end:]

    def _root_with(self, event: Partial) -> str:
        """Return the document's first character, if it is in: before it there is only white space."""
        return self._root or event.text.lstrip(JSON_SPACE)[:1]

    def restart(self, problem: Mapping[str, object]) -> bytes:  # noqa: ARG002 - there is no way to say it
        """Forget what was withheld; what was sent cannot be taken back."""
        self._root = self._withheld = ""
        self._between_tokens = False
        return b""

    def complete(self, answer: Complete) -> bytes:  # noqa: ARG002 - the text is the model's own
        """The verdict is good: the rest may go."""
        return self._withheld.encode()

    def failed(self, problem: Mapping[str, object]) -> bytes:  # noqa: ARG002 - text has no room for it
        """Nothing: the body must not look whole."""
        return b""


class _Typed:
    """Events of the shapes in docs/wire.md; how one is written is for the subclass to say."""

    can_say_error = True

    def __init__(self, stamp: Stamp, content_type: str, *, snapshots: bool) -> None:
        self._stamp = stamp
        self._content_type = content_type
        self._snapshots = snapshots

    @property
    def headers(self) -> Mapping[str, str]:
        """The type under the name that was asked for."""
        return _streaming(self._content_type)

    def commits(self, event: Event) -> bool:
        """The first words of the model, or the end of the client's patience."""
        return isinstance(event, Partial | Overdue)

    def opening(self) -> bytes:
        """The ``start`` event."""
        return self._write("start", {"id": self._stamp.request_id, "model": self._stamp.model_id})

    def encode(self, event: Event) -> bytes:
        """A delta or a snapshot; silence becomes a heartbeat."""
        if not isinstance(event, Partial):
            return self._heartbeat()
        if not event.changes:
            return b""
        if self._snapshots:
            return self._write("snapshot", {"value": event.snapshot()})
        return self._write("delta", {"changes": [as_json(change) for change in event.changes]})

    def restart(self, problem: Mapping[str, object]) -> bytes:
        """The ``restart`` event."""
        return self._write("restart", {"problem": problem})

    def complete(self, answer: Complete) -> bytes:
        """The ``complete`` event."""
        usage = answer.usage and {"inputTokens": answer.usage.input_tokens, "outputTokens": answer.usage.output_tokens}
        members = {"value": answer.value, "stopReason": answer.stop_reason, "usage": usage}
        if usage is None:
            members["outputTokensEstimated"] = answer.output_tokens_estimated
        return self._write("complete", members)

    def failed(self, problem: Mapping[str, object]) -> bytes:
        """The ``error`` event."""
        return self._write("error", {"problem": problem})

    def _write(self, kind: str, members: Mapping[str, object]) -> bytes:
        return self._frame(kind, _json({"type": kind, "at": self._stamp.elapsed(), **members}))

    def _frame(self, kind: str, data: str) -> bytes:
        raise NotImplementedError

    def _heartbeat(self) -> bytes:
        raise NotImplementedError


class JsonLines(_Typed):
    """One event a line. A blank line is a heartbeat, and readers skip it."""

    def padding(self, size: int) -> bytes:
        """Blank lines."""
        return b"\n" * size

    def _frame(self, kind: str, data: str) -> bytes:  # noqa: ARG002 - the line names its own type
        return f"{data}\n".encode()

    def _heartbeat(self) -> bytes:
        return b"\n"


class ServerSentEvents(_Typed):
    """One event a message, named by its type and numbered. A comment is a heartbeat."""

    def __init__(self, stamp: Stamp, content_type: str, *, snapshots: bool) -> None:
        super().__init__(stamp, content_type, snapshots=snapshots)
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


class WholeJson:
    """The validated document in one piece, for callers that do not stream."""

    can_say_error = False
    content_type = "application/json"

    @property
    def headers(self) -> Mapping[str, str]:
        """An ordinary JSON answer."""
        return {"Content-Type": self.content_type, "Cache-Control": "no-store"}

    def padding(self, size: int) -> bytes:
        """White space: JSON allows it before the document (RFC 8259 §2)."""
        return b" " * size

    def commits(self, event: Event) -> bool:  # noqa: ARG002 - only the verdict does
        """Never before the verdict."""
        return False

    def opening(self) -> bytes:
        """Nothing."""
        return b""

    def encode(self, event: Event) -> bytes:  # noqa: ARG002 - only the verdict counts
        """Nothing, whatever comes."""
        return b""

    def restart(self, problem: Mapping[str, object]) -> bytes:  # noqa: ARG002 - nothing was sent
        """Nothing: nothing was sent that could be void."""
        return b""

    def complete(self, answer: Complete) -> bytes:
        """The document."""
        return _json(answer.value).encode()

    def failed(self, problem: Mapping[str, object]) -> bytes:  # noqa: ARG002 - nothing was sent
        """Nothing: the failure has a status of its own."""
        return b""


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
