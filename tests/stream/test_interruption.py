"""What breaks into the user's code, when, and what becomes of it. The timer is real; this is the main thread."""

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest

from function.stream.errors import DeadlineReached, Internal
from function.stream.interruption import AGAIN, Interruption, UserCode

AGES = 3_600
NEVER = 3_600


@pytest.fixture
def code() -> Iterator[UserCode]:
    before = signal.getsignal(signal.SIGALRM)
    code = UserCode()
    yield code
    code.release()
    signal.signal(signal.SIGALRM, before)


def sleep() -> None:
    time.sleep(AGES)


def swallow() -> None:
    with suppress(BaseException):
        sleep()


def wait_for_tick() -> None:
    """Return when the timer has gone off: outside the user's code it breaks into nothing."""
    left = before = signal.getitimer(signal.ITIMER_REAL)[0]
    while left <= before:
        before, left = left, signal.getitimer(signal.ITIMER_REAL)[0]
    for _ in range(2):  # Python runs the handler of a signal at the end of a loop's body
        pass


def test_code_that_is_done_in_time_returns_what_it_returns(code: UserCode) -> None:
    code.limit(NEVER, report=NEVER)
    assert code.call(max, 1, 2) == 2


def test_code_that_outlasts_the_time_is_broken_into(code: UserCode) -> None:
    code.limit(0.01, report=NEVER)
    with pytest.raises(DeadlineReached):
        code.call(sleep)


def test_code_that_swallows_the_interruption_is_interrupted_again_and_cannot_go_on(code: UserCode) -> None:
    happened: list[str] = []

    def insist() -> str:
        for number in range(3):
            swallow()
            happened.append(f"swallowed {number}")
        return "an answer"

    code.limit(0.01, report=NEVER)
    with pytest.raises(DeadlineReached):
        code.call(insist)
    assert happened == ["swallowed 0", "swallowed 1", "swallowed 2"]


def test_code_that_raises_something_else_instead_has_met_the_deadline(code: UserCode) -> None:
    def replace() -> None:
        try:
            sleep()
        except BaseException as error:
            raise ValueError from error

    code.limit(0.01, report=NEVER)
    with pytest.raises(DeadlineReached):
        code.call(replace)


def test_our_own_code_is_never_broken_into(code: UserCode) -> None:
    """Not before a call, not between two, and not after it: a ``finally`` runs to its end."""
    code.limit(0.01, report=NEVER)
    wait_for_tick()
    assert code.call(max, 1, 2) == 2
    wait_for_tick()
    with pytest.raises(ValueError, match="bug"):
        code.call(int, "bug")
    wait_for_tick()


def test_a_call_that_begins_after_the_time_has_until_the_next_tick_but_one(code: UserCode) -> None:
    """The answer came in time, and only its validation is left."""

    def slow() -> str:
        wait_for_tick()
        return "done"

    code.limit(0.01, report=NEVER)
    wait_for_tick()
    assert code.call(slow) == "done"
    with pytest.raises(DeadlineReached):
        code.call(sleep)


def test_after_the_release_nothing_is_broken_into(code: UserCode) -> None:
    code.limit(0.01, report=NEVER)
    code.release()
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
    code.call(time.sleep, 2 * AGAIN)


def test_one_request_leaves_nothing_for_the_next(code: UserCode) -> None:
    for _ in range(2):
        code.limit(0.01, report=NEVER)
        with pytest.raises(DeadlineReached):
            code.call(swallow)
        code.release()
        code.limit(NEVER, report=NEVER)
        assert code.call(max, 1, 2) == 2


@pytest.mark.parametrize("raised", [SystemExit, KeyboardInterrupt, GeneratorExit, Interruption])
def test_what_only_the_code_raises_is_its_own_mistake(code: UserCode, raised: type[BaseException]) -> None:
    """An interruption is told by identity: one that the code has made itself is none of ours."""

    def fail() -> None:
        raise raised

    with pytest.raises(Internal) as caught:
        code.call(fail)
    assert isinstance(caught.value.__cause__, raised)


@pytest.mark.parametrize("habit", ["passes", "swallows", "replaces"])
def test_an_interruption_from_outside_leaves_the_code_as_it_is(code: UserCode, habit: str) -> None:
    asked_to_end = Interruption()

    def interrupt() -> None:
        try:
            raise code.remember(asked_to_end)
        except Interruption:
            if habit == "passes":
                raise
            if habit == "replaces":
                raise SystemExit from None

    with pytest.raises(Interruption) as caught:
        code.call(interrupt)
    assert caught.value is asked_to_end


def test_an_interruption_of_our_own_code_is_not_remembered(code: UserCode) -> None:
    code.remember(Interruption())
    assert code.call(max, 1, 2) == 2


def test_the_tick_does_not_break_into_what_precedes_an_interruption_from_outside(code: UserCode) -> None:
    """A connection is shut down, for example, before the exception is raised."""
    happened: list[str] = []

    def interrupt() -> None:
        interruption = code.remember(Interruption())
        wait_for_tick()
        happened.append("disconnected")
        raise interruption

    code.limit(0.01, report=NEVER)
    with pytest.raises(Interruption):
        code.call(interrupt)
    assert happened == ["disconnected"]


def test_in_another_thread_the_code_runs_without_a_limit() -> None:
    code = UserCode()
    results: list[int] = []

    def serve() -> None:
        code.limit(0.01, report=NEVER)
        results.append(code.call(max, 1, 2))
        code.release()

    thread = threading.Thread(target=serve)
    thread.start()
    thread.join()
    assert results == [2]


HANGING = """
from function.stream.interruption import UserCode
code = UserCode()

def loop_in_c():
    sum(iter(int, 1))

code.limit(0.01, report=0.1)
code.call(loop_in_c)
"""


def test_what_cannot_be_broken_into_is_named_in_the_log() -> None:
    with subprocess.Popen([sys.executable, "-c", HANGING], stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        lines = iter(process.stderr.readline, "")
        assert any("Timeout" in line for line in lines)
        assert any("in loop_in_c" in line for line in lines)
        process.kill()
