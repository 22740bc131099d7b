"""Reads the typed events of a response from its bytes (docs/wire.md), each with the time at which it arrived."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from local.changes import MisplacedChange, rebuild
from local.client import Piece

from .arrivals import Arrival


class Malformed(Exception):
    """The body is not what its content type says; the message says why."""


@dataclass(frozen=True, slots=True)
class Event:
    """One typed event."""

    members: dict[str, Any]
    received_ms: float
    """Milliseconds since the request was sent."""
    size: int
    """Bytes since the event before."""

    @property
    def type(self) -> str:
        """The kind of event: such as start, delta or complete."""
        return str(self.members.get("type"))

    @property
    def arrival(self) -> Arrival:
        """When the event was sent and received."""
        return Arrival(self.members["at"], self.received_ms, self.size)


@dataclass(frozen=True, slots=True)
class _Line:
    text: str
    received_ms: float
    size: int


def read_json_lines(pieces: Sequence[Piece]) -> list[Event]:
    """Read JSON Lines; empty lines are heartbeats.

    Raises:
        Malformed: a line is not an event, or the last one is incomplete.
    """
    events = []
    size = 0
    for line in _lines(pieces):
        size += line.size
        if line.text:
            events.append(Event(_parse(line.text), line.received_ms, size))
            size = 0
    return events


def read_server_sent_events(pieces: Sequence[Piece]) -> list[Event]:
    """Read Server-Sent Events; comments are heartbeats.

    Raises:
        Malformed: an event is incomplete, or does not have its type as name and its number, from 1, as id.
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
            events.append(Event(_members(fields, len(events) + 1), line.received_ms, size))
            fields, size = {}, 0
    if fields:
        raise Malformed("the last event is incomplete")
    return events


def rebuild_object(events: Sequence[Event]) -> tuple[object, bool]:
    """Apply the changes of all events in order; return the object, and whether it is closed.

    Raises:
        Malformed: a change does not fit what the changes before it have built.
    """
    try:
        return rebuild(change for event in events for change in event.members.get("changes", ()))
    except MisplacedChange as error:
        raise Malformed(str(error)) from error


def _members(fields: dict[str, str], number: int) -> dict[str, Any]:
    event = _parse(fields.get("data", ""))
    if fields.get("event") != event["type"]:
        raise Malformed(f"event {number} has the name {fields.get('event')!r} but the type {event['type']!r}")
    if fields.get("id") != str(number):
        raise Malformed(f"event {number} has the id {fields.get('id')!r}, not {str(number)!r}")
    return event


def _not_json(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def _parse(text: str) -> dict[str, Any]:
    try:
        event = json.loads(text, parse_constant=_not_json)  # NaN and infinities end a JavaScript client
    except ValueError:
        raise Malformed(f"an event is not JSON: {text[:80]!r}") from None
    if not isinstance(event, dict) or not isinstance(event.get("type"), str):
        raise Malformed(f"an event has no type: {text[:80]!r}")
    if not isinstance(event.get("at"), int | float):
        raise Malformed(f"an event has no time at which it was sent (at): {text[:80]!r}")
    changes = event.get("changes", [])
    if not isinstance(changes, list) or not all(isinstance(change, dict) for change in changes):
        raise Malformed(f"changes must be a list of objects: {text[:80]!r}")
    problem = event.get("problem", {})
    if not isinstance(problem, dict):
        raise Malformed(f"a problem must be an object: {text[:80]!r}")
    if not isinstance(problem.get("title", ""), str):
        raise Malformed(f"a title must be a string: {text[:80]!r}")
    return event


def _lines(pieces: Sequence[Piece]) -> Iterator[_Line]:
    """Yield the lines, each with the time of the piece that ended it."""
    incomplete = b""
    for piece in pieces:
        *complete, incomplete = (incomplete + piece.data).split(b"\n")
        for line in complete:
            yield _Line(line.decode(errors="replace"), piece.received_ms, len(line) + 1)
    if incomplete:
        raise Malformed("the last line is incomplete")
