"""Finds out from the times of events whether they arrived as they were sent, or were buffered on the way.

A stream that is buffered on the way shows bursts: events that were sent apart and arrived together.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby
from typing import Final

SENT_APART: Final = 200.0
"""Milliseconds: a network alone does not bring two events together that were sent this far apart."""
TOGETHER: Final = 20.0
"""Milliseconds: events received within this time arrived together."""
JITTER: Final = 2.0
"""Milliseconds between two reads of bytes that had arrived together."""
BURST_SHARE: Final = 0.5
"""If more than this share of the events after the start arrived in bursts, they are not a coincidence."""
TIMELINE_ROWS: Final = 40


@dataclass(frozen=True, slots=True)
class Arrival:
    """One event. The two clocks need not agree: only differences count."""

    sent: float
    """Milliseconds by the function's clock."""
    received: float
    """Milliseconds by the client's clock."""
    size: int
    """Bytes of the body since the event before, with the padding and the heartbeats in between."""


@dataclass(frozen=True, slots=True)
class Burst:
    """Events that were sent apart and arrived together."""

    first: int
    """The number of the first event, from 0."""
    count: int
    size: int
    """Bytes that were in the buffer when it was released."""
    delay: float
    """Milliseconds by which the first event waited for the last one."""


class Pace(StrEnum):
    """How a stream arrived."""

    UNDELAYED = "undelayed"
    START_BUFFERED = "start buffered"
    """The start of the stream arrived at once, the rest as it was sent."""
    IN_BLOCKS = "in blocks"
    """Most of the stream arrived in bursts, not only its start."""
    ALL_AT_ONCE = "all at once"
    """Nothing arrived before everything was sent."""
    UNKNOWN = "unknown"
    """All events were sent within so short a time that nothing can be concluded."""


def bursts(arrivals: Sequence[Arrival]) -> list[Burst]:
    """Return the bursts, in order."""
    found = []
    first = 0
    while first < len(arrivals):
        end = _end(arrivals, first)
        group = arrivals[first:end]
        delay = (group[-1].sent - group[0].sent) - (group[-1].received - group[0].received)
        if delay >= SENT_APART:
            found.append(Burst(first, len(group), sum(arrival.size for arrival in group), delay))
        first = end
    return found


def _end(arrivals: Sequence[Arrival], first: int) -> int:
    """Return the number after the last event that arrived together with ``first``; a doubtful one counts as such."""
    end = first + 1
    while end < len(arrivals):
        before, event = arrivals[end - 1], arrivals[end]
        gap = event.received - before.received
        if event.received - arrivals[first].received > TOGETHER and gap > (event.sent - before.sent) / 2 + JITTER:
            break
        end += 1
    return end


def pace_of(arrivals: Sequence[Arrival]) -> Pace:
    """Return how the stream arrived."""
    if not arrivals or arrivals[-1].sent - arrivals[0].sent < SENT_APART:
        return Pace.UNKNOWN
    found = bursts(arrivals)
    if found and found[0].count == len(arrivals):
        return Pace.ALL_AT_ONCE
    at_start = found[0].count if found and found[0].first == 0 else 0
    if sum(burst.count for burst in found if burst.first > 0) > BURST_SHARE * (len(arrivals) - at_start):
        return Pace.IN_BLOCKS
    return Pace.START_BUFFERED if at_start else Pace.UNDELAYED


def lateness(arrivals: Sequence[Arrival]) -> list[float]:
    """Return by how many milliseconds each event was slower than the fastest one."""
    delays = [arrival.received - arrival.sent for arrival in arrivals]
    return [delay - min(delays) for delay in delays]


def timeline(arrivals: Sequence[Arrival]) -> list[str]:
    """Return a table: a row for all events received in the same millisecond, with when they were sent and how late."""
    timed = zip(arrivals, lateness(arrivals), strict=True)
    rows = [_row(list(group)) for _, group in groupby(timed, lambda timed_arrival: round(timed_arrival[0].received))]
    if len(rows) > TIMELINE_ROWS:
        rows = [*rows[: TIMELINE_ROWS - 5], f"  … {len(rows) - TIMELINE_ROWS + 1} more …", *rows[-4:]]
    return ["  received ms  events         sent ms  late ms   bytes", *rows]


def _row(group: Sequence[tuple[Arrival, float]]) -> str:
    first, last = group[0][0], group[-1][0]
    sent = f"{first.sent:.0f}"
    if last.sent > first.sent:
        sent += f" to {last.sent:.0f}"
    late, size = max(late for _, late in group), sum(arrival.size for arrival, _ in group)
    return f"{first.received:13.0f}  {len(group):6}  {sent:>14}  {late:7.0f}  {size:6}"
