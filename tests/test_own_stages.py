"""What own stages are given of a request. tests/wire/test_own_stages.py shows them in the whole chain."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from function.aws.stages.message import as_message
from function.own_stages import own_stages
from function.record import Record
from function.stream.errors import AnswerInvalid
from function.stream.events import Usage
from function.stream.record import Content
from function.stream.record import Record as Finished
from tests.aws.stages.records import CANARY, record

SHOWN = Content(kept=True)


def given(finished: Finished) -> Record:
    """Return what a stage is given."""
    seen: list[Record] = []
    own_stages({"module:stage": seen.append}, 2)(finished)
    return seen[0]


def test_a_stage_is_given_the_record_of_the_request() -> None:
    seen = given(record(began_at=1000.0, metadata={"tenant": "t"}))
    assert (seen.request_id, seen.gateway_request_id, seen.extended_request_id) == (
        "req-1",
        "gateway-1",
        "JJbxmplHYosFVYQ=",
    )
    assert (seen.began_at, seen.ended_at, seen.timings.total) == (1000.0, 1000.041, 41)
    assert (seen.usage, seen.model, dict(seen.metadata)) == (Usage(12, 34), "model-1", {"tenant": "t"})


@pytest.mark.parametrize("capture_content", [False, True])
def test_its_message_is_that_of_store_and_publish(capture_content: bool) -> None:
    finished = record(capture_content=capture_content)
    assert given(finished).message() == json.loads(json.dumps(as_message(finished)))


def test_content_is_for_own_stages_where_they_may_see_it() -> None:
    error = AnswerInvalid(f"/{CANARY}", "string_type")
    content: dict[str, Any] = {"own_content": SHOWN, "own_prompt": CANARY, "own_answer": [CANARY]}
    shown, hidden = given(record(error=error, **content)), given(record(error=error))
    assert (shown.prompt, shown.answer, shown.error_path) == (CANARY, (CANARY,), f"/{CANARY}")
    assert (hidden.prompt, hidden.answer, hidden.error_path) == (None, None, "/*")
    assert CANARY not in repr(hidden)
    assert CANARY not in json.dumps(shown.message())


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
