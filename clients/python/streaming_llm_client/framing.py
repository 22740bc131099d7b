"""Bytes become events: JSON Lines (jsonlines.org) and Server-Sent Events (HTML Living Standard, §9.2)."""

import codecs
import json
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any, Final, NoReturn

JSON_LINES: Final = frozenset({"jsonl", "x-ndjson", "ndjson", "jsonlines", "json-lines"})
"""The names, after ``application/``, that JSON Lines go by."""
WHITE_SPACE: Final = " \t\r\n"
LINE_END: Final = re.compile("\r\n|\n|\r")


class Malformed(ValueError):
    """The bytes are not what the endpoint sends; the message says what is wrong."""


class Framing(ABC):
    """Splits the text of one response into the JSON texts of its events."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._is_begun = False

    def feed(self, data: bytes) -> Iterator[dict[str, Any]]:
        """Yield the events that these bytes complete.

        Raises:
            Malformed: one is not a JSON object with a type.
        """
        text = self._decoder.decode(data)
        if text and not self._is_begun:
            self._is_begun = True
            text = text.removeprefix("\ufeff")
        yield from map(_event, self._split(text))

    def end(self) -> Iterator[dict[str, Any]]:
        """Yield an event that the end of the body completes, if there is one."""
        yield from ()

    @abstractmethod
    def _split(self, text: str) -> Iterator[str]: ...


class JsonLines(Framing):
    """One event per line. Lines without an event are heartbeats."""

    def __init__(self) -> None:
        super().__init__()
        self._incomplete: list[str] = []

    def _split(self, text: str) -> Iterator[str]:
        first, *others = text.split("\n")
        self._incomplete.append(first)
        for following in others:
            line = "".join(self._incomplete)
            self._incomplete = [following]
            if line.strip(WHITE_SPACE):
                yield line

    def end(self) -> Iterator[dict[str, Any]]:
        """Yield the last line if only its end is missing: half of a JSON object is never one."""
        try:
            yield _event("".join(self._incomplete))
        except Malformed:
            return


class ServerSentEvents(Framing):
    """One event per message. The type of the event is in its data, so that the message's name does not count."""

    def __init__(self) -> None:
        super().__init__()
        self._incomplete: list[str] = []
        self._data: list[str] = []
        self._is_after_cr = False

    def _split(self, text: str) -> Iterator[str]:
        if text:
            rest = text.removeprefix("\n") if self._is_after_cr else text
            self._is_after_cr = text.endswith("\r")
            first, *others = LINE_END.split(rest)
            self._incomplete.append(first)
            for following in others:
                line = "".join(self._incomplete)
                self._incomplete = [following]
                yield from self._take(line)

    def _take(self, line: str) -> Iterator[str]:
        """Take a line; an empty one dispatches the message."""
        name, _, value = line.partition(":")
        if name == "data":
            self._data.append(value.removeprefix(" "))
        elif not line:
            data, self._data = self._data, []
            if any(data):
                yield "\n".join(data)


def framing_of(content_type: str) -> Framing:
    """Return what reads the body of a response of this type.

    Raises:
        Malformed: the type is none of those with typed events.
    """
    kind, _, name = content_type.partition(";")[0].strip().lower().partition("/")
    if kind == "application" and name in JSON_LINES:
        return JsonLines()
    if (kind, name) == ("text", "event-stream"):
        return ServerSentEvents()
    raise Malformed(f"the response must be application/jsonl or text/event-stream; got {content_type!r}")


def _not_json(constant: str) -> NoReturn:
    raise Malformed(f"{constant} is not JSON")


_decode: Final = json.JSONDecoder(parse_constant=_not_json).decode


def parsed(text: str) -> dict[str, Any]:
    """Return the JSON object that is this text.

    Raises:
        Malformed: it is something else.
    """
    try:
        value = _decode(text)
    except (ValueError, RecursionError) as error:
        raise Malformed(f"{text[:80]!r} is not JSON") from error
    if not isinstance(value, dict):
        raise Malformed(f"{text[:80]!r} is not an object")
    return value


def _event(text: str) -> dict[str, Any]:
    event = parsed(text)
    if not isinstance(event.get("type"), str):
        raise Malformed(f"an event must have a type; got {text[:80]!r}")
    return event
