"""Time: the model's events with heartbeats, the client's patience and the deadline watched beside them.

A generator that is blocked in ``next()`` can do none of this, so one thread reads the model
and hands its events over through a bounded queue. Nothing else in the function runs in a thread.
"""

import signal
import threading
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from queue import Empty, Full, Queue
from typing import Protocol, TypeVar

from .errors import DeadlineReached
from .events import Idle, ModelEvent, Overdue, PacedEvent, Stop

T = TypeVar("T")

QUEUE_LENGTH = 64
"""Events that the model may be ahead of the client."""
USAGE_PATIENCE = 2.0
"""Seconds to wait, after the stop, for what is only bookkeeping."""
CLOSE_PATIENCE = 1.0
"""Seconds that a connection which was shut down may take to be closed by its reader."""


class Source(Protocol):
    """The model's events, read in one thread and cancelled from another."""

    def __iter__(self) -> Iterator[ModelEvent]:
        """Open the model call and yield its events; close it at the end, whatever the end is."""

    def cancel(self) -> bool:
        """Make a blocked reader return at once; False if nothing is connected yet (it then closes itself later)."""


class Clock(Protocol):
    """Seconds that only go forward, and waiting."""

    def now(self) -> float:
        """Return the time in seconds, from any origin."""

    def wait(self, queue: "Queue[T]", seconds: float) -> T:
        """Return the next item of ``queue``; raise ``queue.Empty`` when none comes in time."""


class SystemClock:
    """The machine's own clock."""

    def now(self) -> float:
        """Return ``time.monotonic()``."""
        return time.monotonic()

    def wait(self, queue: "Queue[T]", seconds: float) -> T:
        """Wait for real."""
        return queue.get(timeout=max(0.0, seconds))


@dataclass(frozen=True, slots=True)
class Pace:
    """When to say what: ``heartbeat`` in seconds of silence, the others points in time on the clock's scale."""

    heartbeat: float
    head_by: float
    deadline: float


@dataclass(frozen=True, slots=True)
class _End:
    """The reader is through; ``error`` says why, if not by the model's own end."""

    error: Exception | None


@contextmanager
def _without_signals() -> Generator[None, None, None]:
    """Start threads in here: none takes a signal that is for the main one, which would then not wake to handle it."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class _Reader:
    """The thread that reads the model."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._abandoned = threading.Event()
        self.queue: Queue[ModelEvent | _End] = Queue(QUEUE_LENGTH)
        self._thread = threading.Thread(target=self._read, name="model-reader", daemon=True)

    def start(self) -> None:
        """Begin to read. A signal that came meanwhile may raise here: the reader has to be closed all the same."""
        with _without_signals():
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
        with suppress(Full):  # full means that nobody takes from it any more
            self.queue.put(_End(error), block=not self._abandoned.is_set())
        del error  # its traceback holds this frame

    def close(self) -> None:
        """Stop reading. The model's connection is closed on return, unless it was not open yet."""
        self._abandoned.set()
        connected = self._source.cancel()
        with suppress(Empty):  # a reader that waits for room puts one more event, and sees that it is done
            while True:
                self.queue.get_nowait()
        if connected:
            self._thread.join(CLOSE_PATIENCE)


def paced(source: Source, pace: Pace, clock: Clock) -> Generator[PacedEvent, None, None]:
    """Yield the source's events, and ``Idle`` and ``Overdue`` between them.

    After a stop the answer is decided: an error, silence or the deadline then only end the events.

    Raises:
        DeadlineReached: the deadline came before the stop.
        Exception: what the source raised before the stop.
    """
    reader = _Reader(source)
    try:
        reader.start()
        yield from _watched(reader.queue, pace, clock)
    finally:
        reader.close()


def _watched(queue: "Queue[ModelEvent | _End]", pace: Pace, clock: Clock) -> Generator[PacedEvent, None, None]:
    end, head_by = pace.deadline, pace.head_by
    stopped = False
    heartbeat = clock.now() + pace.heartbeat
    while True:
        now = clock.now()
        if now >= end:
            if stopped:
                return
            raise DeadlineReached
        if now >= head_by:
            head_by = end
            yield Overdue()
        elif now >= heartbeat:
            heartbeat = now + pace.heartbeat
            yield Idle()
        try:
            item = clock.wait(queue, min(heartbeat, head_by, end) - clock.now())
        except Empty:
            continue
        if isinstance(item, _End):
            if item.error is None or stopped:
                return
            raise item.error
        if isinstance(item, Stop):
            stopped = True
            end = min(end, clock.now() + USAGE_PATIENCE)
        heartbeat = clock.now() + pace.heartbeat
        yield item
