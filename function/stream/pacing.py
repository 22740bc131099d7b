"""Time: the model's events, with heartbeats between them, a limit for the head and a deadline.

A generator that is blocked in ``next()`` can watch none of these, so a thread calls the model and waits for the first
event of its answer. Before that, the user's ``prepare`` runs in it. If the model fails before its answer begins, the
next model is called, in another thread. The other events are read where they are taken: to pass each of them on between
threads takes a sixth of the processor time at a model's pace. Only where the source cannot wait for a limited time, its
thread goes on reading.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from functools import partial
from math import inf
from queue import Empty
from typing import Final, Generic, NamedTuple, Protocol, TypeVar

from .errors import AnswerError, DeadlineReached, ModelFailed, ModelTimeout, PrepareTimeout
from .events import (
    Delta,
    Idle,
    Ignored,
    ModelEvent,
    Overdue,
    PacedEvent,
    Pause,
    Prepared,
    Stop,
    Thinking,
    Usage,
    Waiting,
)
from .interruption import without_signals

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
K = TypeVar("K")

QUEUE_LENGTH: Final = 64
"""Events that the model may be ahead of the client."""
USAGE_TIMEOUT: Final = 2.0
"""Seconds to wait, after the stop, for the usage, which changes nothing for the client."""
THINKING_INTERVAL: Final = 1.0
"""Seconds between two signs of thinking, at least: a model can send many of them a second."""
TOGETHER_TIME: Final = 0.01
"""Seconds after which a ``Pause`` comes though more deltas are there: your validators may need long for each."""
CLOSE_TIMEOUT: Final = 1.0
"""Seconds to wait until the reader has closed a connection that was shut down."""
BEFORE_THE_ANSWER: Final = (Prepared, Ignored, Usage)
"""Events that can come before an answer begins. With any other one it has begun."""


class Reading(Protocol):
    """Reads the events of a source, with a time limit for each wait."""

    until: float
    """When the source yields ``Waiting`` if no event has come, or shortly before, in seconds of ``time.monotonic``. If
    it is infinite, the source waits until an event comes."""

    is_used_up: bool
    """Nothing that has been read lies behind the latest event: another one has to be waited for."""

    def close(self) -> None:
        """Close the model's connection, unless its answer was read to the end."""


class Source(Protocol):
    """The model's events, read in one thread after the other, and cancelled from any."""

    def __iter__(self) -> Iterator[ModelEvent | Prepared]:
        """Open the model call and yield its events; close it when they end, in whatever way.

        There is at most one stop, and no text after it. Where own code makes the prompt first, ``Prepared`` follows.
        """

    @property
    def is_waiting(self) -> bool:
        """Whether the model was called and has sent nothing yet."""

    @property
    def reading(self) -> Reading | None:
        """What reads it, once the answer has begun; None: it waits for each event until it comes."""

    def cancel(self) -> bool:
        """Make a blocked reader return at once. False: nothing is connected yet, and it will close itself later."""


class Turns(Protocol):
    """The models that can answer: it is always one model's turn, and a call is a call of that one."""

    @property
    def patience(self) -> float:
        """The seconds that this model has until it sends something."""

    def begin(self) -> None:
        """Make it the turn of the model that is asked first for a new answer."""

    def after(self, error: Exception, *, has_answered: bool) -> None:
        """Make it the next model's turn, because this one failed.

        Raises:
            Exception: no other model may answer, for example because the answer has begun. It is the error to report.
        """


class Incoming(Protocol[T_co]):
    """Items that come one after the other."""

    def get(self, seconds: float) -> T_co:
        """Take the next item; raise ``queue.Empty`` when none comes in time."""

    def take_if(self, kind: type[K]) -> K | None:
        """Take the next item if it is there already, and of this kind."""


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
        return self._take()

    def take_if(self, kind: type[K]) -> K | None:
        """Take the next item if it is there already, and of this kind."""
        if not self._items or not isinstance(item := self._items[0], kind):
            return None
        self._take()
        return item

    def _take(self) -> T:
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

    def wait(self, incoming: Incoming[T], seconds: float) -> T:
        """Return the next item that comes; raise ``queue.Empty`` when none comes in time."""


class Stopwatch:
    """Measures from the moment when it is made."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.began = clock.now()
        """A point in time of the clock."""

    def elapsed(self) -> int:
        """Return the milliseconds since then."""
        return int((self._clock.now() - self.began) * 1000 + 0.5)  # ``round`` runs through more code


class SystemClock:
    """The machine's own clock."""

    now = staticmethod(time.monotonic)

    def wait(self, incoming: Incoming[T], seconds: float) -> T:
        """Wait for an item in real time."""
        return incoming.get(seconds)


class Pace(NamedTuple):
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


class _End(NamedTuple):
    """The reader has ended; ``error`` is the reason, unless the model came to its own end."""

    error: Exception | None


class _Rest:
    """What is left of the events of a model that has begun to answer: whoever takes one reads it."""

    def __init__(self, events: Iterator[ModelEvent | Prepared], reading: Reading) -> None:
        self._events = events
        self._reading = reading
        self._held: ModelEvent | Prepared | _End | None = None
        """The next one, if it was read already."""

    def get(self, seconds: float) -> "ModelEvent | Prepared | _End":
        """Take the next event, or the end; raise ``queue.Empty`` when neither comes in time."""
        held, self._held = self._held or self._next(time.monotonic() + seconds), None
        if held is None:
            raise Empty
        try:
            return held
        finally:
            del held  # the traceback of its error holds this frame

    def take_if(self, kind: type[K]) -> K | None:
        """Take the next event if it is there already, and of this kind."""
        if self._held is None and not self._reading.is_used_up:
            self._held = self._next(0.0)
        if not isinstance(self._held, kind):
            return None
        held, self._held = self._held, None
        return held

    def _next(self, until: float) -> "ModelEvent | Prepared | _End | None":
        self._reading.until = until
        try:
            event = next(self._events, None)
        except Exception as error:  # noqa: BLE001 - it is raised again, as one that a thread has caught
            return _End(error)
        return None if isinstance(event, Waiting) else event or _End(None)

    def close(self) -> None:
        """Close the model's connection."""
        self._reading.close()


_Item = ModelEvent | Prepared | _End | _Rest
"""What comes of a call. Behind the first event of an answer, a thread hands over the rest of it as one item."""


class _Reader:
    """The thread that calls a model, and reads what nobody else can read without waiting for it."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.has_answered = False
        """Whether an event of the answer is among the events."""
        self._has_ended = False
        self._abandoned = threading.Event()
        self.events: Handover[_Item] = Handover(QUEUE_LENGTH)
        self._rest: _Rest | None = None
        self._thread = threading.Thread(target=self._read, name="model-reader", daemon=True)

    @property
    def is_silent(self) -> bool:
        """Whether the model was called, and neither an event nor the end has come."""
        return self.source.is_waiting and not self._has_ended

    def start(self) -> None:
        """Begin to read. A signal that came meanwhile may raise here: close the reader even so."""
        with without_signals():
            self._thread.start()

    def _read(self) -> None:
        try:
            last: _End | _Rest | None = self._until_last(iter(self.source))
        except Exception as error:  # noqa: BLE001 - it is raised again, in the thread that asked
            last = _End(error)
        if last is not None:
            self._has_ended = True
            self.events.put_last(last)
        del last  # the traceback of its error holds this frame

    def _until_last(self, events: Iterator[ModelEvent | Prepared]) -> "_End | _Rest | None":
        """Hand over the events; return what comes last. None: nobody takes it."""
        for event in events:
            is_first = not self.has_answered and not isinstance(event, BEFORE_THE_ANSWER)
            self.has_answered = self.has_answered or is_first
            self.events.put(event)
            if self._abandoned.is_set():
                return None
            if is_first and (reading := self.source.reading) is not None:
                self._rest = _Rest(events, reading)
                return self._rest
        return _End(None)

    def close(self) -> None:
        """Stop reading. The model's connection is closed on return, unless it was not open yet."""
        self._abandoned.set()
        connected = self.source.cancel()
        self.events.abandon()  # a reader that waits for room puts one more event, and then sees that it was abandoned
        if connected:
            self._thread.join(CLOSE_TIMEOUT)
        if self._rest is not None:
            self._rest.close()


class _Call:
    """The call of the model whose turn it is, with its time limits.

    The methods that return a point in time say until when the model has time to send something, or the next one: by
    then ``is_late`` is to be called. None says that nothing more is to come.
    """

    def __init__(self, ask: Callable[[], Source], turns: Turns, pace: Pace, clock: Clock) -> None:
        self._ask = ask
        self._turns = turns
        self._pace = pace
        self._clock = clock
        self._reader = _Reader(ask())
        self.events: Incoming[_Item] = self._reader.events
        """What the model sends, and its end."""
        self._limit = min(pace.deadline, pace.prepare_by)
        """When the answer, or its prompt, must be there, whichever model writes it."""
        self._has_stopped = False

    def start(self) -> float:
        """Begin to read."""
        is_model = self._reader.is_silent  # if not, own code makes the prompt first
        self._reader.start()
        return self._time_for(self._turns.patience) if is_model else self._limit

    def is_late(self) -> float | None:
        """The time is over: call the next model if this one has sent nothing.

        Raises:
            DeadlineReached: it was the time for the answer.
            PrepareTimeout: it was the time to make the prompt.
        """
        if self._has_stopped:
            return None
        self._check_limit()
        return self._next(ModelTimeout()) if self._reader.is_silent else self._limit

    def noted(self, item: "Stop | Prepared | _Rest | _End") -> float | None:
        """Note an event on which the time limits depend, or the end: call the next model if this one has failed.

        When the rest of an answer is handed over, ``events`` is that rest from then on.

        Raises:
            Exception: no other model may answer. It is the error to report.
        """
        if isinstance(item, Stop):
            self._has_stopped = True
            return self._time_for(USAGE_TIMEOUT)
        if isinstance(item, Prepared):  # the model is called only now
            self._limit = self._pace.deadline
            return self._time_for(self._turns.patience)
        if isinstance(item, _Rest):
            self.events = item
            return self._limit
        if self._has_stopped:
            return None
        self._check_limit()  # if this thread was held up, the model's own read timeout has come as well
        has_answered = self._reader.has_answered
        if has_answered and item.error is None:
            return None
        return self._next(item.error or ModelFailed(), has_answered=has_answered)

    def close(self) -> None:
        """Stop reading."""
        self._reader.close()

    def _time_for(self, seconds: float) -> float:
        return min(self._limit, self._clock.now() + seconds)

    def _check_limit(self) -> None:
        now = self._clock.now()
        if now >= self._limit:
            raise DeadlineReached if now >= self._pace.deadline else PrepareTimeout

    def _next(self, error: Exception, *, has_answered: bool = False) -> float:
        self._turns.after(error, has_answered=has_answered)
        self._reader.close()
        self._reader = _Reader(self._ask())
        self.events = self._reader.events
        return self.start()


@dataclass(slots=True, eq=False, repr=False)
class PacedCalls:
    """Calls a model, as often as it is asked to, and paces the events of each call."""

    call: Callable[[AnswerError | None], Source]
    """Makes a call of the model whose turn it is, from what was wrong with the answer before."""
    turns: Turns
    pace: Pace
    clock: Clock
    thoughts: Thoughts

    def __call__(self, previous: AnswerError | None) -> Generator[PacedEvent, None, None]:
        """Return the events of a call that is made when the first of them is wanted; see ``paced``."""
        self.turns.begin()
        pace = self.pace if previous is None else self.pace._replace(prepare_by=inf)
        return paced(partial(self.call, previous), self.turns, pace, self.clock, self.thoughts)


_OF_TIME: Final = (Stop, Prepared, _Rest, _End)
"""Items of a call that change its time limits."""
_NOT_PASSED_ON: Final = (Thinking, _Rest, _End)
"""Items of a call that are not yielded as they come: thinking goes through ``thoughts``, the others are no events."""


def paced(  # noqa: C901 - hot: at a model's pace each generator on the way costs as much as reading an event
    ask: Callable[[], Source], turns: Turns, pace: Pace, clock: Clock, thoughts: Thoughts
) -> Generator[PacedEvent, None, None]:
    """Yield the events of a model, with ``Idle``, ``Overdue`` and ``Pause``; ``thoughts`` decides on its thinking.

    ``ask`` makes a call of the model whose turn it is. A model that fails before its answer begins, or sends nothing
    for too long, is followed by the next one. After a stop the answer is decided: an error, silence or the deadline
    then only end the events.

    Raises:
        DeadlineReached: the deadline came before the stop.
        PrepareTimeout: the time to make the prompt was over before it was there.
        Exception: what ``turns`` raises for a failure before the stop.
    """
    call = _Call(ask, turns, pace, clock)
    thoughts.forget()
    try:
        end: float | None
        end, head_by = call.start(), pace.head_by
        events = call.events
        heartbeat = clock.now() + pace.heartbeat
        while end is not None:
            now = clock.now()
            if now >= end:
                end, events = call.is_late(), call.events
                continue
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
            if isinstance(item, Thinking) or (thoughts.due < inf and not isinstance(item, _Rest)):
                heartbeat = yield from thoughts.pass_on(item, clock.now(), pace, heartbeat)
            if isinstance(item, Delta):  # nearly always
                now = clock.now()
                until = now + TOGETHER_TIME
                delta: Delta | None = item
                while delta is not None:
                    yield delta
                    now = clock.now()
                    delta = events.take_if(Delta) if now < until and now < end else None
                yield Pause()
                heartbeat = now + pace.heartbeat  # it counts from the moment when the last delta had been taken
                continue
            if isinstance(item, _OF_TIME):
                end, events = call.noted(item), call.events
            if isinstance(item, _NOT_PASSED_ON):
                del item  # the traceback of its error may hold this frame
                continue
            heartbeat = heartbeat if isinstance(item, Ignored) else clock.now() + pace.heartbeat
            yield item
    finally:
        call.close()
