"""Stages run once, in their order, whatever one of them does."""

import logging

import pytest

from function.stream.errors import ModelFailed
from function.stream.record import Calls, Progress, Record, Start, finished
from function.stream.stages import StageFailed, finalise

START = Start("req-1", "model-1", 100, lambda: 0, 0.0, Calls())
SECRET = "the words of an answer"


def _raise(error: Exception) -> None:
    raise error


def test_every_stage_gets_the_one_record_in_turn() -> None:
    seen: list[tuple[str, Record]] = []
    record = finished(START, Progress())
    finalise([lambda given: seen.append(("first", given)), lambda given: seen.append(("second", given))], record)

    assert seen == [("first", record), ("second", record)]


@pytest.mark.parametrize(
    ("error", "described"),
    [
        (RuntimeError(SECRET), "failed: RuntimeError"),
        (StageFailed("ThrottlingException"), "failed: StageFailed: ThrottlingException"),
        (StageFailed(), "failed: StageFailed"),
    ],
)
def test_a_stage_that_fails_is_logged_and_the_others_run(
    error: Exception, described: str, caplog: pytest.LogCaptureFixture
) -> None:
    """By its type; its message is written only if it is known to hold no content."""
    seen: list[Record] = []
    finalise([lambda _: _raise(error), seen.append], finished(START, Progress()))

    assert len(seen) == 1
    [line] = caplog.records
    assert line.levelno == logging.ERROR
    assert line.getMessage().endswith(f"of request req-1 {described}")
    assert SECRET not in caplog.text


def test_the_error_of_a_record_has_its_frames_until_the_last_stage_has_run() -> None:
    """The log stage shows where it was raised; afterwards nothing that the request needed may stay in memory."""
    with pytest.raises(ModelFailed) as caught:
        _raise(ModelFailed())
    error = caught.value
    had_frames: list[bool] = []

    def stage(record: Record) -> None:
        had_frames.append(record._error is error and error.__traceback__ is not None)

    finalise([stage], finished(START, Progress(error=error)))

    assert had_frames == [True]
    assert error.__traceback__ is None
