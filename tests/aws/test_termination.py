"""What a signal breaks off, and what it waits for. Signals go to this process itself, which is the main thread."""

import os
import signal
from collections.abc import Iterator

import pytest

from function.aws.termination import Terminated, Termination


@pytest.fixture
def termination() -> Iterator[Termination]:
    """Handlers for both signals; those that were there before come back afterwards."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    termination = Termination()
    termination.install()
    yield termination
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("termination")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_breaks_off_what_runs(number: signal.Signals) -> None:
    with pytest.raises(Terminated):
        os.kill(os.getpid(), number)


def test_the_client_is_disconnected_before_anything_is_broken_off(termination: Termination) -> None:
    happened: list[str] = []

    def serve() -> None:
        with termination.disconnecting(lambda: happened.append("disconnected")):
            try:
                os.kill(os.getpid(), signal.SIGTERM)
            finally:
                happened.append("stages")

    with pytest.raises(Terminated):
        serve()
    assert happened == ["disconnected", "stages"]


def test_only_the_connection_of_the_moment_is_disconnected(termination: Termination) -> None:
    happened: list[str] = []
    with termination.disconnecting(lambda: happened.append("disconnected")):
        pass
    with pytest.raises(Terminated):
        os.kill(os.getpid(), signal.SIGTERM)
    assert happened == []


@pytest.mark.usefixtures("termination")
def test_a_second_signal_does_not_break_the_stages_off() -> None:
    happened: list[str] = []

    def serve() -> None:
        try:
            os.kill(os.getpid(), signal.SIGTERM)
        finally:
            os.kill(os.getpid(), signal.SIGTERM)
            happened.append("stages")

    with pytest.raises(Terminated):
        serve()
    assert happened == ["stages"]


def test_a_shelter_runs_to_its_end_and_nothing_after_it(termination: Termination) -> None:
    happened: list[str] = []

    def serve() -> None:
        with termination.disconnecting(lambda: happened.append("disconnected")):
            with termination.shelter():
                os.kill(os.getpid(), signal.SIGTERM)
                happened.append("stages")
            happened.append("the next invocation")

    with pytest.raises(Terminated):
        serve()
    assert happened == ["stages"]


def test_without_a_signal_a_shelter_changes_nothing(termination: Termination) -> None:
    with termination.shelter():
        pass
    with pytest.raises(Terminated):
        os.kill(os.getpid(), signal.SIGTERM)
