"""Time, on a clock of the test's own: five minutes of silence pass in an instant."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from math import inf
from pathlib import Path
from queue import Empty
from typing import TypeVar

import pytest

from function.stream.errors import (
    AnswerError,
    DeadlineReached,
    Internal,
    ModelBusy,
    ModelFailed,
    ModelMisconfigured,
    ModelUnavailable,
    QuotaExhausted,
)
from function.stream.events import (
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
    Verdict,
    Waiting,
)
from function.stream.fallback import Failures, ModelTurns
from function.stream.pacing import (
    QUEUE_LENGTH,
    Clock,
    Handover,
    Incoming,
    Pace,
    PacedCalls,
    Source,
    Stopwatch,
    SystemClock,
    Thoughts,
    paced,
)
from function.stream.record import Calls

T = TypeVar("T")
END = Stop("end_turn", Verdict.GOOD)


class TestClock:
    """Stands still, but for the silences of the source."""

    __test__ = False

    def __init__(self) -> None:
        self.time = 0.0
        self._silent_until: float | None = None
        self._over = threading.Event()
        self._released = False

    def now(self) -> float:
        return self.time

    def wait(self, incoming: Incoming[T], seconds: float) -> T:
        end = self.time + seconds
        while True:
            silent_until = self._silent_until  # read before the item is taken: what came before the silence is there
            try:
                return incoming.get(0 if silent_until is not None else 0.001)
            except Empty:
                if silent_until is None:
                    continue
            self.time = min(end, silent_until)
            if self.time < silent_until:
                raise Empty
            self._silent_until = None
            self._over.set()

    def silence(self, seconds: float) -> None:
        """Block the source's thread until the consumer's time has gone on by ``seconds``."""
        self._over.clear()
        self._silent_until = self.time + seconds
        if not self._released:
            self._over.wait()

    def be_silent(self, seconds: float) -> None:
        """Begin a silence that blocks nothing: the source is asked again and again."""
        self._silent_until = self.time + seconds

    @property
    def is_silent(self) -> bool:
        return self._silent_until is not None

    def hold(self) -> None:
        """Let there be silences again: another source begins."""
        self._silent_until = None
        self._released = False

    def release(self) -> None:
        """End the silence, and let there be no other."""
        self._released = True
        self._over.set()


class ScriptedSource:
    """Yields events, is silent for numbers (seconds), raises exceptions."""

    def __init__(
        self, clock: TestClock, *script: ModelEvent | Prepared | float | Exception, can_wait: bool = False
    ) -> None:
        """``can_wait``: its waits can have a time limit, and it is read where its events are taken."""
        self.reading = Waits(self) if can_wait else None
        self._clock = clock
        self._script = script
        self.is_called, self.has_sent = threading.Event(), threading.Event()
        if not any(isinstance(step, Prepared) for step in script):
            self.is_called.set()
        self.cancelled = threading.Event()
        self.closed = threading.Event()

    def __iter__(self) -> Iterator[ModelEvent | Prepared]:
        try:
            for step in self._script:
                if isinstance(step, Exception):
                    raise step
                if isinstance(step, int | float):
                    yield from self._silence(step)
                elif not self.cancelled.is_set():
                    if isinstance(step, Prepared):
                        self.is_called.set()
                    else:
                        self.has_sent.set()
                    yield step
        finally:
            self.closed.set()

    def _silence(self, seconds: float) -> Iterator[Waiting]:
        if self.reading is None or self.reading.until == inf:
            self._clock.silence(seconds)
            return
        self._clock.be_silent(seconds)
        while self._clock.is_silent:
            yield Waiting()

    @property
    def is_waiting(self) -> bool:
        return self.is_called.is_set() and not self.has_sent.is_set()

    def cancel(self) -> bool:
        self.cancelled.set()
        self._clock.release()
        return True


class Waits:
    """A reader whose waits can have a time limit."""

    def __init__(self, source: ScriptedSource) -> None:
        self.until = inf
        self.is_used_up = False
        self._source = source

    def close(self) -> None:
        self._source.closed.set()


@dataclass
class Named:
    """A model that has nothing but a name."""

    model_id: str


def turns(clock: Clock, *names: str, patience: float | None = None) -> ModelTurns[Named]:
    return ModelTurns([Named(name) for name in names], Failures(clock), Calls(), patience)


def only_one(clock: Clock) -> ModelTurns[Named]:
    return turns(clock, "only")


def ask(source: Source) -> Source:
    return source


Steps = Sequence[ModelEvent | Prepared | float | Exception]


class Models:
    """Models that each play a script, and what became of their calls."""

    def __init__(self, scripts: Mapping[str, Steps], patience: float | None = None, **pace: float) -> None:
        self.clock = TestClock()
        self.turns = turns(self.clock, *scripts, patience=patience)
        self.sources: dict[str, ScriptedSource] = {}
        self._scripts = scripts
        self._pace = Pace(**{"heartbeat": 20.0, "head_by": 290.0, "deadline": 1000.0, **pace})

    def _call(self, _previous: AnswerError | None) -> Source:
        name = self.turns.model.model_id
        assert all(source.closed.is_set() for source in self.sources.values())
        self.clock.hold()
        self.sources[name] = ScriptedSource(self.clock, *self._scripts[name])
        return self.sources[name]

    def play(self) -> list[tuple[float, PacedEvent | str]]:
        """Return each event with the time at which it came; an error by its name."""
        events: list[tuple[float, PacedEvent | str]] = []
        try:
            calls = PacedCalls(self._call, self.turns, self._pace, self.clock, Thoughts(are_seen=True))
            events.extend((self.clock.time, event) for event in calls(None) if event != Pause())
        except Exception as error:  # noqa: BLE001 - the error is what the test looks at
            events.append((self.clock.time, type(error).__name__))
        assert all(source.closed.is_set() for source in self.sources.values())
        return events


def play(
    *script: ModelEvent | Prepared | float | Exception, thoughts: Thoughts | None = None, **pace: float
) -> list[tuple[float, PacedEvent | str]]:
    """Return each event with the time at which it came; an error by its name.

    They are the same ones whether a thread reads the source, or whoever takes the events.
    """
    thoughts = thoughts or Thoughts(are_seen=True)
    by_thread = _play(*script, can_wait=False, thoughts=deepcopy(thoughts), **pace)
    assert _play(*script, can_wait=True, thoughts=thoughts, **pace) == by_thread
    return by_thread


def _play(
    *script: ModelEvent | Prepared | float | Exception, can_wait: bool, thoughts: Thoughts, **pace: float
) -> list[tuple[float, PacedEvent | str]]:
    clock = TestClock()
    source = ScriptedSource(clock, *script, can_wait=can_wait)
    events: list[tuple[float, PacedEvent | str]] = []
    try:
        settings = {"heartbeat": 20.0, "head_by": 290.0, "deadline": 1000.0, **pace}
        made = paced(lambda: source, only_one(clock), Pace(**settings), clock, thoughts)
        events.extend((clock.time, event) for event in made if event != Pause())
    except Exception as error:  # noqa: BLE001 - the error is what the test looks at
        events.append((clock.time, type(error).__name__))

    assert source.closed.is_set()
    return events


def test_what_is_left_out_is_no_sign_of_life() -> None:
    """The client sees nothing of it."""
    events = play(Delta("a"), 6, Ignored(), 6, Ignored(), 6, Ignored(), 6, END)

    assert (20, Idle()) in events


def test_one_sign_of_thinking_a_second_is_passed_on() -> None:
    """Whatever the pace of the model's deltas, and over all calls of a request."""
    thoughts = Thoughts(are_seen=True)
    deltas: list[Thinking | float] = [step for _ in range(24) for step in (Thinking(), 0.125)]
    events = play(*deltas, Delta("a"), END, thoughts=thoughts)
    again = play(Thinking(), 3, Thinking(), END, thoughts=thoughts)

    assert [time for time, event in events if event == Thinking()] == [0, 1, 2]
    assert events[3:] == [(3, Delta("a")), (3, END)]
    assert [event for _, event in again] == [Thinking(), END]


def test_a_model_that_thinks_in_silence_gives_no_sign() -> None:
    """Silence is filled with heartbeats and nothing else, also after a sign."""
    events = play(Thinking(), 45, Delta("a"), END)

    assert events == [(0, Thinking()), (20, Idle()), (40, Idle()), (45, Delta("a")), (45, END)]


def test_a_sign_of_thinking_breaks_the_silence_only_where_the_client_sees_it() -> None:
    """It needs no heartbeat beside it then. A sign that is not passed on breaks no silence at all."""
    thinks: list[ModelEvent | float] = [Thinking(), 19, Thinking(), 0.5, Thinking(), 20, Thinking(), END]
    seen, unseen = (play(*thinks, thoughts=Thoughts(are_seen=are_seen)) for are_seen in (True, False))

    assert [time for time, event in seen if event == Idle()] == [39]
    assert [time for time, event in unseen if event == Idle()] == [20]


def test_text_of_thinking_is_held_back_for_a_second_and_nothing_of_it_is_lost() -> None:
    """It comes with the next sign, or when the second is over, though the model is silent then."""
    pieces: list[Thinking | float] = [step for letter in "abcdef" for step in (Thinking(letter), 0.375)]
    events = play(Thinking(), 2, *pieces, 45, Delta("x"), END)

    assert [(time, event.text) for time, event in events if isinstance(event, Thinking)] == [
        (0, ""),
        (2, "a"),
        (3, "bc"),
        (4, "def"),
    ]
    assert [time for time, event in events if event == Idle()] == [24, 44]


@pytest.mark.parametrize("after", [Delta("x"), END, ModelFailed()])
def test_held_back_text_of_thinking_comes_before_whatever_follows(after: ModelEvent | Exception) -> None:
    events = play(Thinking("a"), Thinking("b"), Thinking("c"), after)

    assert events[:3] == [
        (0, Thinking("a")),
        (0, Thinking("bc")),
        (0, type(after).__name__ if isinstance(after, Exception) else after),
    ]


def test_text_of_thinking_is_dropped_with_the_call_that_it_belongs_to() -> None:
    """And where the client's format does not show it."""
    thoughts = Thoughts(are_seen=True)
    cut = play(Thinking("a"), Thinking("b"), 2000, thoughts=thoughts, deadline=0.5)
    again = play(Thinking("c"), 1, Thinking("d"), END, thoughts=thoughts)
    unseen = play(Thinking("a"), 0.5, Thinking("b"), Delta("x"), END, thoughts=Thoughts(are_seen=False))

    assert cut == [(0, Thinking("a")), (0.5, "DeadlineReached")]
    assert [event for _, event in again] == [Thinking("cd"), END]
    assert [event for _, event in unseen] == [Thinking(), Delta("x"), END]


def test_events_pass_as_they_come() -> None:
    assert play(Delta("a"), 1, Delta("b"), END, Usage(1, 2)) == [
        (0, Delta("a")),
        (1, Delta("b")),
        (1, END),
        (1, Usage(1, 2)),
    ]


class GatedSource:
    """Yields its first events, and the others once its gate is open; says when the last one was taken from it."""

    is_waiting = False
    reading = None

    def __init__(self, first: Sequence[ModelEvent], then: Sequence[ModelEvent] = ()) -> None:
        self._first, self._then = first, then
        self.is_at_gate, self.gate = threading.Event(), threading.Event()

    def __iter__(self) -> Iterator[ModelEvent]:
        yield from self._first
        self.is_at_gate.set()
        self.gate.wait()
        yield from self._then

    def cancel(self) -> bool:
        self.gate.set()
        return True


class Ticking(SystemClock):
    """Goes on by so many seconds whenever it is read, and nobody really waits on it."""

    def __init__(self, tick: float) -> None:
        self._tick = tick
        self._time = 0.0

    def now(self) -> float:
        self._time += self._tick
        return self._time


def gated(source: GatedSource, clock: Clock, pace: Pace) -> Iterator[PacedEvent]:
    """Return the events of a source that has come to its gate."""
    events = paced(lambda: source, only_one(clock), pace, clock, Thoughts(are_seen=True))
    yield next(events)
    source.is_at_gate.wait()
    yield from events


def test_a_pause_comes_when_no_delta_is_there_any_more_and_never_later() -> None:
    """It comes before the wait: whoever holds deltas to send them together does not hold them for a silent model."""
    source = GatedSource([Delta("a"), Delta("b"), Delta("c")], [Delta("d"), END, Usage(1, 2)])
    events = gated(source, SystemClock(), Pace(1000, inf, inf))

    assert [next(events) for _ in range(4)] == [Delta("a"), Delta("b"), Delta("c"), Pause()]
    source.gate.set()
    assert [event for event in events if event != Pause()] == [Delta("d"), END, Usage(1, 2)]


def test_a_pause_follows_a_delta_that_came_after_thinking() -> None:
    source = GatedSource([Thinking("a"), Thinking("b"), Delta("c")])
    events = gated(source, SystemClock(), Pace(1000, inf, inf))

    assert [next(events) for _ in range(4)] == [Thinking("a"), Thinking("b"), Delta("c"), Pause()]


def test_a_pause_does_not_wait_for_deltas_that_take_long_to_use() -> None:
    """Own validators may need seconds for each of them. The deadline is watched between them too."""
    source = GatedSource([Delta("a"), Delta("b"), Delta("c"), Delta("d")])
    events = gated(source, Ticking(1.0), Pace(1000, inf, 13.0))

    assert [next(events) for _ in range(5)] == [Delta("a"), Pause(), Delta("b"), Pause(), Delta("c")]
    with pytest.raises(DeadlineReached):
        list(events)


def test_a_pause_comes_before_the_deadline_ends_the_call() -> None:
    """To close the connection may take a second."""
    source = GatedSource([Delta("a")] * QUEUE_LENGTH)
    seen: list[PacedEvent] = []

    with pytest.raises(DeadlineReached):
        seen.extend(gated(source, Ticking(0.001), Pace(1000, inf, 0.009)))

    assert seen[-1] == Pause()


def test_silence_is_filled_with_heartbeats() -> None:
    """A client's connection never stays silent for longer than the gateway allows."""
    assert play(Delta("a"), 45, Delta("b"), END) == [
        (0, Delta("a")),
        (20, Idle()),
        (40, Idle()),
        (45, Delta("b")),
        (45, END),
    ]


def test_the_time_to_make_the_prompt_bounds_that_alone() -> None:
    """Heartbeats and the head go on meanwhile."""
    late = play(31, Prepared(), Delta("a"), END, prepare_by=30, head_by=10)
    assert late == [(10, Overdue()), (20, Idle()), (30, "PrepareTimeout")]
    in_time = play(29, Prepared(), 71, Delta("a"), END, prepare_by=30, heartbeat=500)
    assert in_time == [(29, Prepared()), (100, Delta("a")), (100, END)]
    assert play(1001, Prepared(), prepare_by=2000, heartbeat=5000)[-1] == (1000, "DeadlineReached")


def test_patience_ends_once() -> None:
    """Five minutes of a model that thinks: the head is due once, then only heartbeats follow."""
    assert play(300, Delta("a"), END, heartbeat=150) == [
        (150, Idle()),
        (290, Overdue()),
        (300, Delta("a")),
        (300, END),
    ]


def test_patience_ends_in_the_middle_of_an_answer_too() -> None:
    """The whole document must be there by then for a caller that does not stream."""
    assert play(200, Delta("a"), 100, Delta("b"), END, heartbeat=1000) == [
        (200, Delta("a")),
        (290, Overdue()),
        (300, Delta("b")),
        (300, END),
    ]


def test_the_deadline_ends_a_silent_model() -> None:
    assert play(Delta("a"), 500, Delta("b"), deadline=110, heartbeat=100) == [
        (0, Delta("a")),
        (100, Idle()),
        (110, "DeadlineReached"),
    ]


def test_the_deadline_ends_a_model_that_never_stops() -> None:
    """A busy stream is watched as well as a silent one."""
    steps: list[ModelEvent | float] = [Delta("a"), 1] * 200
    assert play(*steps, deadline=110)[-1] == (110, "DeadlineReached")


def test_a_deadline_at_the_end_of_patience_is_the_deadline() -> None:
    assert play(500, deadline=290, heartbeat=1000) == [(290, "DeadlineReached")]


def test_an_error_after_the_deadline_is_the_deadline() -> None:
    """A thread that was held up finds that the model's read timeout, which is later, has come too."""

    class HeldUp(TestClock):
        def wait(self, incoming: Incoming[T], seconds: float) -> T:
            item = super().wait(incoming, seconds)
            self.time = 291
            return item

    clock = HeldUp()
    with pytest.raises(DeadlineReached):
        list(
            paced(
                lambda: ScriptedSource(clock, ModelFailed()),
                only_one(clock),
                Pace(20, 100, 290),
                clock,
                Thoughts(are_seen=True),
            )
        )


def test_after_the_stop_nothing_turns_the_answer_bad() -> None:
    """An error, silence or the deadline before the usage only end the events."""
    expected = [(0, Delta("a")), (0, END)]

    assert play(Delta("a"), END, ModelFailed()) == expected
    assert play(Delta("a"), END, 3, Usage(1, 2)) == expected
    assert play(Delta("a"), END, 2, Usage(1, 2), deadline=1) == expected


def test_usage_is_waited_for_a_little() -> None:
    assert play(END, 1.5, Usage(1, 2))[-1] == (1.5, Usage(1, 2))


def test_what_the_source_raises_reaches_the_consumer() -> None:
    assert play(Delta("a"), ModelFailed()) == [(0, Delta("a")), (0, "ModelFailed")]


def test_closing_reaches_a_source_that_is_blocked() -> None:
    """The model call ends at once, even while a read waits for its next bytes."""
    clock = TestClock()
    source = ScriptedSource(clock, Delta("a"), 1000, Delta("b"))
    events = paced(lambda: source, only_one(clock), Pace(20, 290, 1000), clock, Thoughts(are_seen=True))

    assert next(events) == Delta("a")
    events.close()

    assert source.cancelled.is_set()
    assert source.closed.is_set()


def test_an_answer_is_read_where_its_events_are_taken() -> None:
    """By then its thread has ended. A call that is closed closes what reads it."""
    clock, readers = TestClock(), list[threading.Thread]()

    class Noting(ScriptedSource):
        def __iter__(self) -> Iterator[ModelEvent | Prepared]:
            for event in super().__iter__():
                readers.append(threading.current_thread())
                yield event

    source = Noting(clock, Ignored(), Delta("a"), Delta("b"), Delta("c"), 1000, Delta("d"), can_wait=True)
    events = paced(lambda: source, only_one(clock), Pace(20, 290, 1000), clock, Thoughts(are_seen=True))
    seen = [next(events) for _ in range(7)]

    assert seen == [Ignored(), Delta("a"), Pause(), Delta("b"), Delta("c"), Pause(), Idle()]
    assert {reader.name for reader in readers[:2]} == {"model-reader"}
    assert set(readers[2:]) == {threading.current_thread()}
    readers[0].join(10)
    assert not readers[0].is_alive()
    events.close()
    assert source.cancelled.is_set()
    assert source.closed.is_set()


def test_closing_frees_a_source_that_waits_for_room() -> None:
    """A model that is ahead of its client does not keep a thread alive."""
    clock = TestClock()
    source = ScriptedSource(clock, *[Delta("a")] * (3 * QUEUE_LENGTH))
    events = paced(lambda: source, only_one(clock), Pace(20, 290, 1000), clock, Thoughts(are_seen=True))

    next(events)
    events.close()

    assert source.closed.is_set()


def test_items_are_handed_over_in_order_and_no_more_than_there_is_room_for() -> None:
    """Whoever reads the model waits for the client."""
    handover: Handover[int] = Handover(4)
    put: list[int] = []

    def write() -> None:
        for number in range(5000):
            handover.put(number)
            put.append(number)

    writer = threading.Thread(target=write)
    writer.start()
    taken: list[int] = []
    ahead = 0
    while len(taken) < 5000:
        ahead = max(ahead, len(put) - len(taken))
        taken.append(handover.get(10))
    writer.join()

    assert taken == list(range(5000))
    assert ahead <= 4 + 1  # the one that was taken and not counted yet


ROOT = Path(__file__).resolve().parents[2]
WAITS_WITH_SIGNALS = """
import signal
from queue import Empty
from function.stream.pacing import Handover

handover = Handover(4)
signal.signal(signal.SIGALRM, lambda *_: None)
for number in range(1000):
    signal.setitimer(signal.ITIMER_REAL, 0.001 + (number % 40 - 20) * 2e-6)
    try:
        handover.get(0.001)
    except Empty:
        continue
    raise SystemExit("there was an item")
signal.setitimer(signal.ITIMER_REAL, 0)
signal.signal(signal.SIGALRM, signal.SIG_IGN)  # one may be on its way, and would end a process that ends
"""


def test_a_wait_ends_in_time_though_a_signal_comes_just_then() -> None:
    """The timer that breaks into own code ticks at the deadline too. A process of its own takes the signals."""
    done = subprocess.run(
        [sys.executable, "-c", WAITS_WITH_SIGNALS], cwd=ROOT, check=False, timeout=120, capture_output=True, text=True
    )

    assert (done.returncode, done.stderr) == (0, "")


def test_a_call_that_is_not_connected_yet_is_not_waited_for() -> None:
    """Before the service's headers have come nothing can be shut down: the request ends, the thread ends later."""
    headers = threading.Event()
    ended = threading.Event()

    class Connecting:
        reading = None

        def __iter__(self) -> Iterator[ModelEvent]:
            headers.wait()
            ended.set()
            yield Delta("too late")

        @property
        def is_waiting(self) -> bool:
            return True

        def cancel(self) -> bool:
            return False

    clock = SystemClock()
    now = clock.now()
    with pytest.raises(DeadlineReached):
        list(paced(Connecting, only_one(clock), Pace(20, now + 290, now), clock, Thoughts(are_seen=True)))

    assert not ended.is_set()
    headers.set()
    assert ended.wait(10)


def test_signals_are_for_the_main_thread() -> None:
    """Told to terminate, it would not wake if the reader were given the signal."""
    masks: list[set[signal.Signals | int]] = []

    class Masked(ScriptedSource):
        def __iter__(self) -> Iterator[ModelEvent]:
            masks.append(set(signal.pthread_sigmask(signal.SIG_BLOCK, ())))
            yield END

    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    clock = TestClock()
    list(paced(lambda: Masked(clock), only_one(clock), Pace(20, 290, 1000), clock, Thoughts(are_seen=True)))

    assert masks[0] >= {signal.SIGTERM, signal.SIGINT}
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == before


def test_a_signal_while_the_reader_starts_leaves_no_call_behind() -> None:
    """It is handled as soon as the thread runs, before anything was read of it."""

    class Terminated(BaseException):
        pass

    def terminate(_number: int, _frame: object) -> None:
        raise Terminated

    class Signalling(ScriptedSource):
        def __iter__(self) -> Iterator[ModelEvent]:
            os.kill(os.getpid(), signal.SIGTERM)
            self.cancelled.wait(10)
            yield END

    before = signal.signal(signal.SIGTERM, terminate)
    try:
        for _ in range(20):
            clock = TestClock()
            source = Signalling(clock)
            with pytest.raises(Terminated):
                list(paced(partial(ask, source), only_one(clock), Pace(20, 290, 1000), clock, Thoughts(are_seen=True)))
            assert source.cancelled.is_set()
    finally:
        signal.signal(signal.SIGTERM, before)


def test_a_generator_that_never_starts_opens_nothing() -> None:
    class Untouchable:
        def __iter__(self) -> Iterator[ModelEvent]:
            raise AssertionError

        @property
        def is_waiting(self) -> bool:
            raise AssertionError

        @property
        def reading(self) -> None:
            raise AssertionError

        def cancel(self) -> bool:
            raise AssertionError

    paced(Untouchable, only_one(SystemClock()), Pace(20, 290, 1000), SystemClock(), Thoughts(are_seen=True)).close()


GOOD: Steps = [Delta("b"), END]


def test_a_model_that_fails_before_its_answer_is_followed_by_the_next() -> None:
    """What came of it that is no part of an answer is passed on; the heartbeats go on as if it were one model."""
    assert Models({"first": [15, Ignored(), ModelBusy()], "second": [10, *GOOD]}).play() == [
        (15, Ignored()),
        (20, Idle()),
        (25, Delta("b")),
        (25, END),
    ]
    assert Models({"first": [], "second": GOOD}).play() == [(0, Delta("b")), (0, END)]


@pytest.mark.parametrize("begun", [Delta("a"), END])
def test_a_model_that_has_begun_its_answer_is_followed_by_none(begun: ModelEvent) -> None:
    models = Models({"first": [begun, ModelBusy()], "second": GOOD})
    failure = [] if begun is END else [(0, "ModelBusy")]
    assert models.play() == [(0, begun), *failure]
    assert set(models.sources) == {"first"}


def test_the_error_is_that_of_the_first_model_when_all_have_failed() -> None:
    models = Models({"first": [ModelBusy()], "second": [ModelUnavailable()], "third": [Usage(1, 0)]})
    assert models.play() == [(0, Usage(1, 0)), (0, "ModelBusy")]
    assert set(models.sources) == {"first", "second", "third"}


def test_a_model_that_sends_nothing_is_given_up_and_one_that_sends_anything_is_not() -> None:
    """The time begins anew with each model; the last one has the time of the answer."""
    silent: Steps = [900, Delta("too late")]
    models = Models({"first": silent, "second": [5, Ignored(), 8, *GOOD]}, 10, heartbeat=500)
    assert models.play() == [(15, Ignored()), (23, Delta("b")), (23, END)]

    late = Models({"first": silent, "second": silent, "third": [40, *GOOD]}, 10, heartbeat=500).play()
    assert late == [(60, Delta("b")), (60, END)]
    assert Models({"first": silent, "second": [ModelBusy()]}, 10, heartbeat=500).play() == [(10, "ModelTimeout")]


def test_the_deadline_is_that_of_all_models_together() -> None:
    silent: Steps = [900, Delta("too late")]
    assert Models({"first": silent, "second": silent}, 10, heartbeat=500, deadline=100).play() == [
        (100, "DeadlineReached")
    ]
    assert Models({"first": [30, ModelBusy()], "second": GOOD}, heartbeat=500, deadline=30).play() == [
        (30, "DeadlineReached")
    ]


def test_the_head_is_due_once_whichever_model_answers() -> None:
    models = Models({"first": [12, ModelFailed()], "second": [12, *GOOD]}, head_by=10, heartbeat=500)
    assert models.play() == [(10, Overdue()), (24, Delta("b")), (24, END)]


def test_a_model_has_its_time_after_the_prompt_was_made() -> None:
    """A failure of own code is none of the model's."""
    made = Models({"first": [30, Prepared(), 9, *GOOD], "second": GOOD}, 10, heartbeat=500, prepare_by=40)
    assert made.play() == [(30, Prepared()), (39, Delta("b")), (39, END)]

    failed = Models({"first": [Internal()], "second": GOOD})
    assert failed.play() == [(0, "Internal")]


class Prepares:
    """Makes the prompt when it is told to, and has then called a model that is silent until it is told to answer."""

    reading = None

    def __init__(self) -> None:
        self.may_prepare, self.is_called, self.may_answer = threading.Event(), threading.Event(), threading.Event()
        self.is_waiting = False

    def __iter__(self) -> Iterator[ModelEvent | Prepared]:
        self.may_prepare.wait(10)
        self.is_waiting = True
        yield Prepared()
        self.is_called.set()
        self.may_answer.wait(10)
        self.is_waiting = False
        yield Delta("b")
        yield END

    def cancel(self) -> bool:
        self.may_answer.set()
        return True


class HeldUp(SystemClock):
    """Jumps to the end of every wait, until it is let go: then nothing waits in vain."""

    time = 0.0
    is_let_go = False

    def now(self) -> float:
        return self.time

    def wait(self, incoming: Incoming[T], seconds: float) -> T:
        if self.is_let_go:
            return incoming.get(10)
        self.time += seconds
        raise Empty


def test_a_prompt_that_is_made_while_a_slow_client_holds_everything_up_is_not_lost() -> None:
    """Nor is the model given up: the time in which it must send something begins when the prompt is seen."""
    clock, source = HeldUp(), Prepares()
    called = turns(clock, "first", "second", patience=5)
    pace = Pace(heartbeat=3, head_by=290, deadline=1000)
    events = paced(lambda: source, called, pace, clock, Thoughts(are_seen=True))
    assert next(events) == Idle()

    source.may_prepare.set()
    assert source.is_called.wait(10)
    clock.time += 3
    clock.is_let_go = True
    assert [event for event in (next(events), next(events)) if event != Idle()] == [Prepared()]
    source.may_answer.set()
    assert [event for event in events if event not in (Idle(), Pause())] == GOOD
    assert called.model.model_id == "first"


class Refuses(Prepares):
    """A model that is called at once, and refuses the request when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.is_waiting = True

    def __iter__(self) -> Iterator[ModelEvent | Prepared]:
        self.is_called.set()
        self.may_answer.wait(10)
        yield from ()
        raise QuotaExhausted


def test_an_error_that_came_while_a_slow_client_held_everything_up_is_not_taken_for_silence() -> None:
    clock, source = HeldUp(), Refuses()
    called = turns(clock, "first", "second", patience=5)
    pace = Pace(heartbeat=3, head_by=290, deadline=1000)
    events = paced(lambda: source, called, pace, clock, Thoughts(are_seen=True))
    assert next(events) == Idle()

    source.may_answer.set()
    for thread in threading.enumerate():
        if thread.name == "model-reader":
            thread.join(10)
    clock.time += 3
    clock.is_let_go = True
    with pytest.raises(QuotaExhausted):
        list(events)
    assert called.model.model_id == "first"


def test_a_second_answer_begins_with_the_models_that_have_not_failed() -> None:
    models = Models({"first": [ModelBusy()], "second": GOOD})
    models.play()
    models.sources.clear()
    assert models.play() == [(0, Delta("b")), (0, END)]
    assert set(models.sources) == {"second"}


def test_a_refusal_that_concerns_the_request_is_final() -> None:
    models = Models({"first": [ModelMisconfigured()], "second": GOOD})
    assert models.play() == [(0, "ModelMisconfigured")]
    refused = Models({"first": [ModelMisconfigured(another_may_answer=True)], "second": GOOD})
    assert refused.play() == [(0, Delta("b")), (0, END)]


def test_a_signal_while_the_next_model_is_called_leaves_no_call_behind() -> None:
    class Terminated(BaseException):
        pass

    clock = TestClock()
    first, second = ScriptedSource(clock, ModelBusy()), ScriptedSource(clock, *GOOD)
    sources = iter([first, second])

    def call() -> Source:
        source = next(sources)
        if source is second:
            raise Terminated
        return source

    with pytest.raises(Terminated):
        list(paced(call, turns(clock, "first", "second"), Pace(20, 290, 1000), clock, Thoughts(are_seen=True)))
    assert first.cancelled.is_set()


def test_a_stopwatch_counts_milliseconds() -> None:
    clock = TestClock()
    clock.time = 5.0
    watch = Stopwatch(clock)
    clock.time = 5.4126

    assert (watch.began, watch.elapsed()) == (5.0, 413)
