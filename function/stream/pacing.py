"""Time: the model's events, with heartbeats between them, a limit for the head and a deadline.

A generator that is blocked in ``next()`` can watch none of these, so one thread reads the model and passes its events
on through a bounded queue. Before that, the user's ``prepare`` runs in it.
"""

import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from math import inf
from queue import Empty, Full, Queue
from typing import Final, Protocol, TypeVar

from .errors import AnswerError, DeadlineReached, PrepareTimeout, StreamError
from .events import Idle, Ignored, ModelEvent, Overdue, PacedEvent, Prepared, Stop
from .interruption import without_signals

T = TypeVar("T")

QUEUE_LENGTH: Final = 64
"""Events that the model may be ahead of the client."""
USAGE_TIMEOUT: Final = 2.0
"""Seconds to wait, after the stop, for the usage, which changes nothing for the client."""
READ_SLACK: Final = 1.0
"""Seconds by which a read of the model may outlast the deadline: it is the deadline that has to end the wait."""
CLOSE_TIMEOUT: Final = 1.0
"""Seconds to wait until the reader has closed a connection that was shut down."""


class Source(Protocol):
    """The model's events, read in one thread and cancelled from another."""

    def __iter__(self) -> Iterator[ModelEvent | Prepared]:
        """Open the model call and yield its events; close it when they end, in whatever way.

        There is at most one stop, and no text after it. Where own code makes the prompt first, ``Prepared`` follows.
        """

    def cancel(self) -> bool:
        """Make a blocked reader return at once. False: nothing is connected yet, and it will close itself later."""


class Clock(Protocol):
    """A monotonic clock, and a way to wait on it."""

    def now(self) -> float:
        """Return the time in seconds, from any origin."""

    def wait(self, queue: "Queue[T]", seconds: float) -> T:
        """Return the next item of ``queue``; raise ``queue.Empty`` when none comes in time."""


class Stopwatch:
    """Measures from the moment when it is made."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.began = clock.now()
        """A point in time of the clock."""

    def elapsed(self) -> int:
        """Return the milliseconds since then."""
        return round((self._clock.now() - self.began) * 1000)


class SystemClock:
    """The machine's own clock."""

    def now(self) -> float:
        """Return ``time.monotonic()``."""
        return time.monotonic()

    def wait(self, queue: "Queue[T]", seconds: float) -> T:
        """Wait for an item in real time."""
        return queue.get(timeout=max(0.0, seconds))


@dataclass(frozen=True, slots=True)
class Pace:
    """``heartbeat`` is in seconds of silence; the others are points in time of the clock."""

    heartbeat: float
    head_by: float
    deadline: float
    prepare_by: float = inf
    """When own code must have made the prompt, where it makes one."""


@dataclass(frozen=True, slots=True)
class _End:
    """The reader has ended; ``error`` is the reason, unless the model came to its own end."""

    error: Exception | None

    def check(self, *, stopped: bool) -> None:
        """Raise the error, unless the answer was decided before it."""
        if self.error is not None and not stopped:
            raise self.error


class _Reader:
    """The thread that reads the model."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._abandoned = threading.Event()
        self.queue: Queue[ModelEvent | Prepared | _End] = Queue(QUEUE_LENGTH)
        self._thread = threading.Thread(target=self._read, name="model-reader", daemon=True)

    def start(self) -> None:
        """Begin to read. A signal that came meanwhile may raise here: close the reader even so."""
        with without_signals():
            self._thread.start()

    def _read(self) -> None:
        error = None
        try:
            for event in self._source:
                self.queue.put(event)
                if self._abandoned.is_set():
                    return
        except Exception as caught:  # noqa: BLE001 - it is raised again, in the thread that asked
            error = caught
        with suppress(Full):  # a full queue is one that nobody reads any more
            self.queue.put(_End(error), block=not self._abandoned.is_set())
        del error  # its traceback holds this frame

    def close(self) -> None:
        """Stop reading. The model's connection is closed on return, unless it was not open yet."""
        self._abandoned.set()
        connected = self._source.cancel()
        with suppress(Empty):  # a reader that waits for room puts one more event, and then sees that it was abandoned
            while True:
                self.queue.get_nowait()
        if connected:
            self._thread.join(CLOSE_TIMEOUT)


@dataclass(frozen=True, slots=True)
class PacedCalls:
    """Calls the model, as often as it is asked to, and paces the events of each call."""

    call: Callable[[AnswerError | None, float], Source]
    """Makes a source from what was wrong with the answer before, and from the seconds that a read of it may take."""
    pace: Pace
    clock: Clock

    def __call__(self, previous: AnswerError | None) -> Generator[PacedEvent, None, None]:
        """Return the events of a call that is made when the first of them is wanted; see ``paced``."""
        read_timeout = self.pace.deadline - self.clock.now() + READ_SLACK
        pace = self.pace if previous is None else replace(self.pace, prepare_by=inf)
        return paced(self.call(previous, read_timeout), pace, self.clock)


def paced(source: Source, pace: Pace, clock: Clock) -> Generator[PacedEvent, None, None]:
    """Yield the source's events, and ``Idle`` and ``Overdue`` between them.

    After a stop the answer is decided: an error, silence or the deadline then only end the events.

    Raises:
        DeadlineReached: the deadline came before the stop.
        PrepareTimeout: the time to make the prompt was over before it was there.
        Exception: what the source raised before the stop.
    """
    reader = _Reader(source)
    try:
        reader.start()
        yield from _watched(reader.queue, pace, clock)
    finally:
        reader.close()


def _late(now: float, pace: Pace) -> StreamError:
    return DeadlineReached() if now >= pace.deadline else PrepareTimeout()


def _watched(
    queue: "Queue[ModelEvent | Prepared | _End]", pace: Pace, clock: Clock
) -> Generator[PacedEvent, None, None]:
    end, head_by = min(pace.deadline, pace.prepare_by), pace.head_by
    stopped = False
    heartbeat = clock.now() + pace.heartbeat
    while True:
        now = clock.now()
        if now >= end:
            if stopped:
                return
            raise _late(now, pace)
        if now >= head_by:
            head_by = inf
            yield Overdue()
        elif now >= heartbeat:
            heartbeat = now + pace.heartbeat
            yield Idle()
        try:
            item = clock.wait(queue, min(heartbeat, head_by, end) - clock.now())
        except Empty:
            continue
        if isinstance(item, _End):
            item.check(stopped=stopped)
            return
        if isinstance(item, Stop):
            stopped = True
            end = min(end, clock.now() + USAGE_TIMEOUT)
        elif isinstance(item, Prepared):
            end = pace.deadline
        heartbeat = heartbeat if isinstance(item, Ignored) else clock.now() + pace.heartbeat
        yield item
