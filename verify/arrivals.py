"""Did events come as they were sent? Pure functions over when each was sent, when it came, and its bytes."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby
from typing import Final

SENT_APART: Final = 200.0
"""Milliseconds between two events that a network alone does not bring together."""
TOGETHER: Final = 20.0
"""Milliseconds within which events come together."""
JITTER: Final = 2.0
"""Milliseconds between two reads of what was there already."""
MOST: Final = 0.5
"""Share of the events after the start above which bursts are no chance."""
SHOWN: Final = 40
"""Rows of a timeline."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """One event. The two clocks need not agree: only differences count."""

    sent: float
    """Milliseconds by the sender's clock."""
    came: float
    """Milliseconds by ours."""
    size: int
    """Bytes of the body since the event before: padding and heartbeats in between count."""


@dataclass(frozen=True, slots=True)
class Burst:
    """Events that were sent apart and came together."""

    first: int
    """The number of the first one, from 0."""
    count: int
    size: int
    """Bytes that had gathered when they were let go."""
    held: float
    """Milliseconds that the first one waited for the last one."""


class Finding(StrEnum):
    """What the arrivals tell of the way from the sender."""

    IN_TIME = "in time"
    HELD_BACK = "held back"
    """The start of the stream came in one piece, the rest in time."""
    IN_BLOCKS = "in blocks"
    """Most came in bursts, and not at the start alone."""
    IN_ONE_PIECE = "in one piece"
    """Nothing came before everything was there."""
    TOO_QUICK = "too quick"
    """Sent within so short a time that nothing can be said."""


def bursts(arrivals: Sequence[Arrival]) -> list[Burst]:
    """Return what was sent apart and came together, in order."""
    found = []
    first = 0
    while first < len(arrivals):
        end = _end(arrivals, first)
        group = arrivals[first:end]
        held = (group[-1].sent - group[0].sent) - (group[-1].came - group[0].came)
        if held >= SENT_APART:
            found.append(Burst(first, len(group), sum(it.size for it in group), held))
        first = end
    return found


def _end(arrivals: Sequence[Arrival], first: int) -> int:
    """Return the number after the last event that came together with ``first``; when in doubt it did."""
    end = first + 1
    while end < len(arrivals):
        before, it = arrivals[end - 1], arrivals[end]
        gap = it.came - before.came
        if it.came - arrivals[first].came > TOGETHER and gap > (it.sent - before.sent) / 2 + JITTER:
            break
        end += 1
    return end


def judge(arrivals: Sequence[Arrival]) -> Finding:
    """Tell how the stream came."""
    if not arrivals or arrivals[-1].sent - arrivals[0].sent < SENT_APART:
        return Finding.TOO_QUICK
    found = bursts(arrivals)
    if found and found[0].count == len(arrivals):
        return Finding.IN_ONE_PIECE
    at_start = found[0].count if found and found[0].first == 0 else 0
    if sum(it.count for it in found if it.first > 0) > MOST * (len(arrivals) - at_start):
        return Finding.IN_BLOCKS
    return Finding.HELD_BACK if at_start else Finding.IN_TIME


def lateness(arrivals: Sequence[Arrival]) -> list[float]:
    """Return how many milliseconds later each came than it would have, had it come as promptly as the promptest."""
    delays = [it.came - it.sent for it in arrivals]
    return [delay - min(delays) for delay in delays]


def timeline(arrivals: Sequence[Arrival]) -> list[str]:
    """Return a table: one row for all that came at once, when these were sent, how late that was, and the bytes."""
    timed = zip(arrivals, lateness(arrivals), strict=True)
    rows = [_row(list(group)) for _, group in groupby(timed, lambda it: round(it[0].came))]
    if len(rows) > SHOWN:
        rows = [*rows[: SHOWN - 5], f"  … {len(rows) - SHOWN + 1} more …", *rows[-4:]]
    return ["  came ms  events         sent ms  late ms   bytes", *rows]


def _row(group: Sequence[tuple[Arrival, float]]) -> str:
    first, last = group[0][0], group[-1][0]
    sent = f"{first.sent:.0f}"
    if last.sent > first.sent:
        sent += f" to {last.sent:.0f}"
    late, size = max(late for _, late in group), sum(it.size for it, _ in group)
    return f"{first.came:9.0f}  {len(group):6}  {sent:>14}  {late:7.0f}  {size:6}"
