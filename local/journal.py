"""What happened in the local stack, in one order, so that a test can compare what came first."""

import threading
import time
from collections import Counter, deque
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Moment:
    """One thing that happened."""

    at: float
    """Seconds of the monotonic clock."""
    what: str
    """``next``, ``event``, ``response``, ``chunk``, ``response end``, ``accepted``, ``output``, ``client end`` …"""
    about: str
    """The invocation's id; the line for ``output``; the exit status of the sandbox for ``gone``."""


class Journal:
    """An ordered list of moments, written by many threads."""

    def __init__(self, limit: int | None = None) -> None:
        """Start empty. With a ``limit`` only that many of the latest moments are kept."""
        self._moments: deque[Moment] = deque(maxlen=limit)
        self._counts: Counter[str] = Counter()
        self._changed = threading.Condition()

    def note(self, what: str, about: str) -> float:
        """Add a moment, and return its time."""
        with self._changed:
            now = time.monotonic()
            self._moments.append(Moment(now, what, about))
            self._counts[what] += 1
            self._changed.notify_all()
            return now

    def moments(self) -> list[Moment]:
        """Return all moments so far, in order."""
        with self._changed:
            return list(self._moments)

    def order(self, *kinds: str) -> list[str]:
        """Return the kinds of the moments in order, without those that are not named."""
        return [moment.what for moment in self.moments() if moment.what in kinds]

    def wait(self, what: str, count: int = 1, limit: float = 30.0) -> None:
        """Return once ``what`` has happened ``count`` times.

        Raises:
            TimeoutError: it has not within ``limit`` seconds, which only keep a mistake from blocking for ever.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: self._counts[what] >= count, limit):
                raise TimeoutError(f"{what!r} has happened {self._counts[what]} times; expected {count}.")
