"""What happened in the twin, in one order: so that a test can ask what came before what."""

import threading
import time
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Moment:
    """Something that happened."""

    at: float
    """Seconds of the monotonic clock."""
    what: str
    """``next``, ``event``, ``response``, ``chunk``, ``response end``, ``accepted``, ``output``, ``client end`` …"""
    about: str
    """The invocation's id, or the line for ``output``."""


class Journal:
    """An ordered list of moments, written by many threads."""

    def __init__(self) -> None:
        self._moments: list[Moment] = []
        self._changed = threading.Condition()

    def note(self, what: str, about: str) -> float:
        """Add a moment, and return its time."""
        with self._changed:
            now = time.monotonic()
            self._moments.append(Moment(now, what, about))
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
            if not self._changed.wait_for(lambda: self._count(what) >= count, patience):
                raise TimeoutError(f"{what!r} has happened {self._count(what)} times, not {count}.")

    def _count(self, what: str) -> int:
        return sum(moment.what == what for moment in self._moments)
