"""The typed events of an answer, read from its bytes as docs/wire.md has them, each with the time that it came."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from .arrivals import Arrival
from .endpoint import Piece


class Malformed(Exception):
    """The bytes are not what their content type says; the message says why."""


@dataclass(frozen=True, slots=True)
class Event:
    """One typed event."""

    members: dict[str, Any]
    came: float
    """Milliseconds since the request was sent."""
    size: int
    """Bytes since the event before."""

    @property
    def type(self) -> str:
        """What it says."""
        return str(self.members.get("type"))


@dataclass(frozen=True, slots=True)
class _Line:
    text: str
    came: float
    size: int


def json_lines(pieces: Sequence[Piece]) -> list[Event]:
    """Read JSON Lines; empty lines are heartbeats.

    Raises:
        Malformed: a line is no event, or the last one does not end.
    """
    events = []
    size = 0
    for line in _lines(pieces):
        size += line.size
        if line.text:
            events.append(Event(_event(line.text), line.came, size))
            size = 0
    return events


def server_sent(pieces: Sequence[Piece]) -> list[Event]:
    """Read Server-Sent Events; comments are heartbeats.

    Raises:
        Malformed: a message is no event, or is not named by its type and numbered from 1.
    """
    events: list[Event] = []
    fields: dict[str, str] = {}
    size = 0
    for line in _lines(pieces):
        size += line.size
        name, _, value = line.text.partition(":")
        if name:
            fields[name] = value.removeprefix(" ")
        elif not line.text and fields:
            events.append(Event(_message(fields, len(events) + 1), line.came, size))
            fields, size = {}, 0
    if fields:
        raise Malformed("the last message has no end")
    return events


def _message(fields: dict[str, str], number: int) -> dict[str, Any]:
    event = _event(fields.get("data", ""))
    if fields.get("event") != event["type"]:
        raise Malformed(f"message {number} is named {fields.get('event')!r} and has the type {event['type']!r}")
    if fields.get("id") != str(number):
        raise Malformed(f"message {number} has the id {fields.get('id')!r}")
    return event


def _event(text: str) -> dict[str, Any]:
    try:
        event = json.loads(text)
    except ValueError:
        raise Malformed(f"no JSON: {text[:80]!r}") from None
    if not isinstance(event, dict) or not isinstance(event.get("type"), str):
        raise Malformed(f"an event without a type: {text[:80]!r}")
    if not isinstance(event.get("at"), int | float):
        raise Malformed(f"an event without the time that it was sent (at): {text[:80]!r}")
    if not isinstance(event.get("changes", []), list):
        raise Malformed(f"changes that are no list: {text[:80]!r}")
    problem = event.get("problem", {})
    if not isinstance(problem, dict):
        raise Malformed(f"a problem that is no object: {text[:80]!r}")
    if not isinstance(problem.get("title", ""), str):
        raise Malformed(f"a title that is no text: {text[:80]!r}")
    return event


def _lines(pieces: Sequence[Piece]) -> Iterator[_Line]:
    """Yield the lines, each with the time of the piece that ended it."""
    begun = b""
    for piece in pieces:
        *whole, begun = (begun + piece.data).split(b"\n")
        for line in whole:
            yield _Line(line.decode(errors="replace"), piece.came, len(line) + 1)
    if begun:
        raise Malformed("the last line has no end")


def arrivals_of(events: Sequence[Event]) -> list[Arrival]:
    """Return when each event was sent and came, for the timeline."""
    return [Arrival(event.members["at"], event.came, event.size) for event in events]


def grown(events: Sequence[Event]) -> tuple[object, bool]:
    """Apply every change in order; return the object, and whether it is closed.

    Raises:
        Malformed: a change fits nothing that is there.
    """
    root: list[Any] = []
    closed = False
    for event in events:
        for change in event.members.get("changes", ()):
            try:
                _apply(root, change)
                closed = closed or (change["path"] == "" and bool(change.get("closed")))
            except (KeyError, IndexError, TypeError, ValueError):
                raise Malformed(f"a change that fits nothing: {json.dumps(change)[:120]}") from None
    return (root[0] if root else None), closed


def _apply(root: list[Any], change: dict[str, Any]) -> None:
    steps = [step.replace("~1", "/").replace("~0", "~") for step in change["path"].split("/")[1:]]
    place: Any = root
    key: int | str = 0
    for step in steps:
        place = place[key]
        key = int(step) if isinstance(place, list) else step
    if "value" in change and isinstance(place, list) and key == len(place):
        place.append(change["value"])
    elif "value" in change:
        place[key] = change["value"]
    elif "append" in change:
        place[key] += change["append"]
