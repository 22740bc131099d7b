"""What a record says of the counts that it is made from, and who may see content."""

from dataclasses import FrozenInstanceError, replace

import pytest

from function.contract import Outcome
from function.stream.errors import ModelBusy
from function.stream.events import Stop, Usage, Verdict
from function.stream.record import WITHHELD, Content, Progress, Start, estimated_tokens, finished

START = Start(id="req-1", model_id="model-1", max_tokens=100, elapsed=lambda: 1500, prompt=None)
KEPT = replace(START, content=Content(kept=True), prompt="Why?")


def progress() -> Progress:
    return Progress(
        outcome=Outcome.COMPLETED,
        status=200,
        attempts=2,
        stop=Stop("end_turn", Verdict.GOOD),
        usage=Usage(12, 34),
        characters=90,
        characters_before=50,
        closed_values=3,
        text=["so ", "far"],
        value={"summary": "s"},
    )


def test_content_is_kept_or_withheld() -> None:
    assert Content(kept=True).keep("words") == "words"
    assert Content(kept=False).keep("words") is None
    assert START.content is WITHHELD


def test_a_record_has_content_only_where_it_is_kept() -> None:
    assert finished(START, progress()).answer is None
    assert finished(KEPT, progress()).answer == {"summary": "s"}
    assert finished(KEPT, replace(progress(), value=None)).answer == "so far"
    assert finished(KEPT, Progress()).answer == ""


def test_nothing_of_an_answer_is_in_a_record_without_content() -> None:
    """Whatever field is added: the whole record is looked at."""
    words = replace(progress(), text=["canary"], value={"canary": "canary"})

    assert "canary" not in repr(finished(START, words))
    assert "canary" in repr(finished(KEPT, words))


def test_a_request_that_nothing_happened_to_was_cancelled() -> None:
    record = finished(START, Progress())

    assert record.outcome is Outcome.CANCELLED
    assert (record.stop_reason, record.usage, record.status, record.error) == (None, None, None, None)
    assert record.tokens_not_awaited == 100


def test_tokens_are_estimated_from_characters() -> None:
    """Four characters a token, rounded up; those of all attempts, but what was not awaited is the last one's."""
    record = finished(START, progress())

    assert [estimated_tokens(characters) for characters in (0, 1, 4, 5)] == [0, 1, 1, 2]
    assert record.output_tokens_estimated == 23
    assert record.tokens_not_awaited == 90
    assert finished(replace(START, max_tokens=5), progress()).tokens_not_awaited == 0


def test_a_record_is_read_only() -> None:
    """And so is what it was made from at the start: no stage can leave anything there for another."""
    record = finished(START, progress())

    with pytest.raises(FrozenInstanceError):
        record.error = ModelBusy()  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        record.start.prompt = "Why?"  # type: ignore[misc]


def test_the_time_of_the_stages_is_what_the_request_left() -> None:
    assert finished(replace(START, time_limit=10.0), Progress()).seconds_left() == 8.5
    assert finished(START, Progress()).seconds_left() == float("inf")
    assert finished(START, Progress()).total_ms == 1500
