"""What own stages are given of a request. tests/wire/test_own_stages.py shows them in the whole chain."""

from collections.abc import Callable

import pytest

from function.contract import STAGES_LIMIT
from function.own_stages import SHARE, own_stages
from function.stream.record import Record
from tests.aws.stages.records import CANARY, record


def test_a_stage_that_fails_is_a_line_without_its_words(caplog: pytest.LogCaptureFixture) -> None:
    def fail(_: Record) -> None:
        raise ValueError(CANARY)

    ran: list[Record] = []
    stages: dict[str, Callable[[Record], object]] = {"own:fail": fail, "own:next": ran.append}
    own_stages(stages, 2)(record())
    assert len(ran) == 1
    [line] = caplog.messages
    assert line.startswith("stage own:fail of request req-1 failed: ValueError after ")
    assert CANARY not in caplog.text


def test_the_shares_of_all_stages_fit_into_their_time() -> None:
    assert STAGES_LIMIT * SHARE < 1
