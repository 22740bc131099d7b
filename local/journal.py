"""What happened in the twin, in one order: so that a test can ask what came before what."""

import threading
import time
from collections import Counter, deque
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Moment:
    """Something that happened."""

    at: float
    """Seconds of the monotonic clock."""
    what: str
    """``next``, ``event``, ``response``, ``chunk``, ``response end``, ``accepted``, ``output``, ``client end`` …"""
    about: str
    """The invocation's id; the line for ``output``; the exit status of the sandbox for ``gone``."""


class Journal:
    """An ordered list of moments, written by many threads."""

    def __init__(self, limit: int | None = None) -> None:
        """Start empty; with a limit only so many of the latest moments are kept."""
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
        """Return the kinds of the moments in order, only those named."""
        return [moment.what for moment in self.moments() if moment.what in kinds]

    def wait(self, what: str, count: int = 1, patience: float = 30.0) -> None:
        """Return once something has happened so many times.

        Raises:
            TimeoutError: it did not within ``patience`` seconds, which are a safety net and no measure of time.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: self._counts[what] >= count, patience):
                raise TimeoutError(f"{what!r} has happened {self._counts[what]} times, not {count}.")
