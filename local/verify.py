"""Checks of a deployed endpoint: chunks that were sent apart and came together."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

TOGETHER = 15.0
"""Milliseconds between two arrivals that count as one."""
NEAR = 50.0
"""Milliseconds above the smallest delay that are no delay."""
APART = 200.0
"""Milliseconds that a first chunk must have waited to count as held."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """An event: when the function sent it and when it came, in ms of two clocks, and its bytes."""

    at: float
    arrived: float
    size: int


@dataclass(frozen=True, slots=True)
class Burst:
    """Events from ``first`` to ``last`` that were sent apart and came together."""

    first: int
    last: int
    size: int
    """Bytes from the body's beginning to the end of the burst: the padding that would have let them through."""
    waited: float
    """Milliseconds that the first of them was held."""


def bursts(arrivals: Sequence[Arrival]) -> Iterator[Burst]:
    """Yield each burst; the clocks need not agree, for only the smallest delay is taken as none."""
    delays = [it.arrived - it.at for it in arrivals]
    near, first = min(delays, default=0.0) + NEAR, 0
    while first < len(arrivals):
        last = first
        while (
            last + 1 < len(arrivals)
            and delays[last] > near
            and arrivals[last + 1].arrived - arrivals[last].arrived <= TOGETHER
        ):
            last += 1
        waited = delays[first] - delays[last]
        if waited >= APART:
            yield Burst(first, last, sum(it.size for it in arrivals[: last + 1]), waited)
        first = last + 1
