"""Time: the model's events, with heartbeats between them, a limit for the head and a deadline.

A generator that is blocked in ``next()`` can watch none of these, so one thread reads the model and passes its events
on through a bounded queue. Before that, the user's ``prepare`` runs in it.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, replace
from math import inf
from queue import Empty
from typing import Final, Generic, Protocol, TypeVar

from .errors import AnswerError, DeadlineReached, PrepareTimeout, StreamError
from .events import Delta, Idle, Ignored, ModelEvent, Overdue, PacedEvent, Prepared, Stop, Thinking
from .interruption import without_signals

T = TypeVar("T")

QUEUE_LENGTH: Final = 64
"""Events that the model may be ahead of the client."""
USAGE_TIMEOUT: Final = 2.0
"""Seconds to wait, after the stop, for the usage, which changes nothing for the client."""
THINKING_INTERVAL: Final = 1.0
"""Seconds between two signs of thinking, at least: a model can send many of them a second."""
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


class Handover(Generic[T]):
    """Items from one thread to another, in order.

    ``queue.Queue`` is written in Python: at a model's pace its hand-over takes half as long again. ``SimpleQueue`` is
    not, but in CPython 3.11 its ``get`` waits for ever if a signal comes when its time is just over.
    """

    def __init__(self, length: int) -> None:
        """Take the number of items that may wait to be taken."""
        self._length = length
        self._items: deque[T] = deque()
        self._has_items = threading.Lock()
        self._has_items.acquire()
        self._has_room = threading.Event()

    def put(self, item: T) -> None:
        """Add an item as soon as there is room for it."""
        while len(self._items) >= self._length:
            self._has_room.clear()
            if len(self._items) >= self._length:  # still: whoever takes one now sees that room is wanted
                self._has_room.wait()
        self.put_last(item)

    def put_last(self, item: T) -> None:
        """Add an item at once, whether or not there is room."""
        self._items.append(item)
        if self._has_items.locked():
            self._has_items.release()

    def get(self, seconds: float) -> T:
        """Take the next item; raise ``queue.Empty`` when none comes in time."""
        end = None
        while not self._items:
            now = time.monotonic()
            end = now + seconds if end is None else end
            if not self._has_items.acquire(timeout=max(0.0, end - now)) and not self._items:
                raise Empty
        item = self._items.popleft()
        if not self._has_room.is_set():
            self._has_room.set()
        return item

    def abandon(self) -> None:
        """Let a thread that waits for room go on: nobody takes its items any more."""
        self._items.clear()
        self._has_room.set()


class Clock(Protocol):
    """A monotonic clock, and a way to wait on it."""

    def now(self) -> float:
        """Return the time in seconds, from any origin."""

    def wait(self, handover: "Handover[T]", seconds: float) -> T:
        """Return the next item that is handed over; raise ``queue.Empty`` when none comes in time."""


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

    def wait(self, handover: "Handover[T]", seconds: float) -> T:
        """Wait for an item in real time."""
        return handover.get(max(0.0, seconds))


@dataclass(frozen=True, slots=True)
class Pace:
    """``heartbeat`` is in seconds of silence; the others are points in time of the clock."""

    heartbeat: float
    head_by: float
    deadline: float
    prepare_by: float = inf
    """When own code must have made the prompt, where it makes one."""


class Thoughts:
    """The signs of thinking of one request, over all its calls: which of them are passed on, and when.

    The text of a sign that comes too soon after another is held back, and goes with the next one.
    """

    def __init__(self, *, are_seen: bool) -> None:
        """Take whether the client's format shows them. If not, they have no text, and its silence goes on."""
        self._are_seen = are_seen
        self._held: list[str] = []
        self._next_at = -inf
        self.due = inf
        """When text that is held back has to be passed on."""

    def forget(self) -> None:
        """Drop what is held back: it belongs to an earlier call."""
        self._held.clear()
        self.due = inf

    def pass_on(self, item: object, now: float, pace: Pace, heartbeat: float) -> Generator[Thinking, None, float]:
        """Yield the sign that is passed on ``now``, if there is one; return when the next heartbeat is due.

        ``item`` is a sign that has come, or another event: what is held back comes before that.
        """
        if isinstance(item, Thinking):
            if item.text and self._are_seen:
                self._held.append(item.text)
            if now < self._next_at:
                self.due = self._next_at if self._held else inf
                return min(heartbeat, self.due)
        yield self.rest(now)
        return now + pace.heartbeat if self._are_seen else heartbeat

    def rest(self, now: float) -> Thinking:
        """Return a sign with the text that is held back."""
        text = "".join(self._held)
        self.forget()
        self._next_at = now + THINKING_INTERVAL
        return Thinking(text)


@dataclass(frozen=True, slots=True)
class _End:
    """The reader has ended; ``error`` is the reason, unless the model came to its own end."""

    error: Exception | None

    def check(self, *, stopped: bool, late: StreamError | None) -> None:
        """Raise the error, unless the answer was decided before it.

        ``late`` is raised in its place: if this thread was held up, the model's own read timeout has come as well.
        """
        error = late or self.error
        if error is not None and not stopped:
            raise error


class _Reader:
    """The thread that reads the model."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._abandoned = threading.Event()
        self.events: Handover[ModelEvent | Prepared | _End] = Handover(QUEUE_LENGTH)
        self._thread = threading.Thread(target=self._read, name="model-reader", daemon=True)

    def start(self) -> None:
        """Begin to read. A signal that came meanwhile may raise here: close the reader even so."""
        with without_signals():
            self._thread.start()

    def _read(self) -> None:
        error = None
        try:
            for event in self._source:
                self.events.put(event)
                if self._abandoned.is_set():
                    return
        except Exception as caught:  # noqa: BLE001 - it is raised again, in the thread that asked
            error = caught
        self.events.put_last(_End(error))
        del error  # its traceback holds this frame

    def close(self) -> None:
        """Stop reading. The model's connection is closed on return, unless it was not open yet."""
        self._abandoned.set()
        connected = self._source.cancel()
        self.events.abandon()  # a reader that waits for room puts one more event, and then sees that it was abandoned
        if connected:
            self._thread.join(CLOSE_TIMEOUT)


@dataclass(frozen=True, slots=True)
class PacedCalls:
    """Calls the model, as often as it is asked to, and paces the events of each call."""

    call: Callable[[AnswerError | None, float], Source]
    """Makes a source from what was wrong with the answer before, and from the seconds that a read of it may take."""
    pace: Pace
    clock: Clock
    thoughts: Thoughts

    def __call__(self, previous: AnswerError | None) -> Generator[PacedEvent, None, None]:
        """Return the events of a call that is made when the first of them is wanted; see ``paced``."""
        read_timeout = self.pace.deadline - self.clock.now() + READ_SLACK
        pace = self.pace if previous is None else replace(self.pace, prepare_by=inf)
        return paced(self.call(previous, read_timeout), pace, self.clock, self.thoughts)


def paced(source: Source, pace: Pace, clock: Clock, thoughts: Thoughts) -> Generator[PacedEvent, None, None]:
    """Yield the source's events, and ``Idle`` and ``Overdue`` between them; ``thoughts`` decides on signs of thinking.

    After a stop the answer is decided: an error, silence or the deadline then only end the events.

    Raises:
        DeadlineReached: the deadline came before the stop.
        PrepareTimeout: the time to make the prompt was over before it was there.
        Exception: what the source raised before the stop.
    """
    reader = _Reader(source)
    thoughts.forget()
    try:
        reader.start()
        yield from _watched(reader.events, pace, clock, thoughts)
    finally:
        reader.close()


def _late(now: float, pace: Pace) -> StreamError:
    return DeadlineReached() if now >= pace.deadline else PrepareTimeout()


def _watched(
    events: Handover[ModelEvent | Prepared | _End], pace: Pace, clock: Clock, thoughts: Thoughts
) -> Generator[PacedEvent, None, None]:
    end, head_by = min(pace.deadline, pace.prepare_by), pace.head_by
    stopped = False
    heartbeat = clock.now() + pace.heartbeat
    while True:
        now = clock.now()
        if now >= end:
            _End(_late(now, pace)).check(stopped=stopped, late=None)
            return
        if now >= head_by:
            head_by = inf
            yield Overdue()
            continue  # to take it may have taken time
        if now >= heartbeat:
            heartbeat = now + pace.heartbeat
            yield thoughts.rest(now) if now >= thoughts.due else Idle()
            continue
        try:
            item = clock.wait(events, min(heartbeat, head_by, end) - now)
        except Empty:
            continue
        if isinstance(item, Delta) and thoughts.due == inf:  # nearly always
            heartbeat = clock.now() + pace.heartbeat
            yield item
            continue
        if isinstance(item, Thinking) or thoughts.due < inf:
            heartbeat = yield from thoughts.pass_on(item, clock.now(), pace, heartbeat)
            if isinstance(item, Thinking):
                continue
        if isinstance(item, _End):
            now = clock.now()
            item.check(stopped=stopped, late=_late(now, pace) if now >= end else None)
            return
        stopped = stopped or isinstance(item, Stop)
        end = _end_after(item, end, pace, clock.now())
        heartbeat = heartbeat if isinstance(item, Ignored) else clock.now() + pace.heartbeat
        yield item


def _end_after(item: ModelEvent | Prepared, end: float, pace: Pace, now: float) -> float:
    """Return when the events end, now that ``item`` has come: until then it was ``end``."""
    if isinstance(item, Stop):
        return min(end, now + USAGE_TIMEOUT)
    return pace.deadline if isinstance(item, Prepared) else end
