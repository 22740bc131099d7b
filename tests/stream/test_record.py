"""What a record says of the counts that it is made from, and who may see content.

Its names are a promise to the users' own stages, and nobody can change it.
"""

from dataclasses import fields, replace
from typing import Any

import pytest

from function.contract import Outcome
from function.endpoint import Caller
from function.stream.errors import AnswerInvalid
from function.stream.events import Stop, Usage, Verdict
from function.stream.record import (
    WITHHELD,
    Calls,
    Content,
    Progress,
    PromptContent,
    Record,
    Start,
    Timings,
    estimated_tokens,
    finished,
)
from tests.aws.stages.records import CANARY, record

START = Start("req-1", "model-1", 100, lambda: 1500, 0.0, Calls())
CAPTURED = START._replace(content=Content(captured=True))

NAMES = [
    "request_id",
    "gateway_request_id",
    "extended_request_id",
    "route",
    "began_at",
    "ended_at",
    "timings",
    "outcome",
    "status",
    "media_type",
    "chunks",
    "bytes",
    "error_code",
    "error_path",
    "error_rule",
    "closed_values",
    "phase",
    "attempts",
    "calls",
    "model",
    "stop_reason",
    "usage",
    "output_tokens_estimated",
    "caller",
    "metadata",
    "traceparent",
    "xray_trace_id",
    "messages",
    "prompt",
    "answer",
]
"""A name can be added. None may go, or change its meaning."""


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


def test_the_names_of_a_record_are_those_that_own_stages_rely_on() -> None:
    assert [field.name for field in fields(Record) if not field.name.startswith("_")] == NAMES
    assert [field.name for field in fields(Timings)] == ["prepare", "first_event", "first_chunk", "last_chunk", "total"]


def test_a_record_has_what_was_known_at_the_start() -> None:
    caller = Caller("iam", "arn:aws:iam::123456789012:user/ada", {}, "192.0.2.1")
    made = record(began_at=1000.0, metadata={"tenant": "t"}, caller=caller, traceparent="00-…", xray_trace_id="1-…")
    assert (made.request_id, made.gateway_request_id, made.extended_request_id) == (
        "req-1",
        "gateway-1",
        "JJbxmplHYosFVYQ=",
    )
    assert (made.began_at, made.ended_at, made.timings) == (1000.0, 1000.041, Timings(None, 38, 39, 40, 41))
    assert (made.model, dict(made.metadata), made.caller) == ("model-1", {"tenant": "t"}, caller)
    assert (made.route, made.traceparent, made.xray_trace_id) == ("invoice", "00-…", "1-…")


def test_the_model_of_a_record_is_the_one_that_was_called_last() -> None:
    calls = Calls()
    assert record(calls=calls).model == "model-1"
    calls.add("model-2")
    calls.add("model-2", 50)
    called = record(calls=calls, max_tokens=100)
    assert (called.model, called.calls, called.message()["model"]) == ("model-2", 2, "model-2")
    assert called._tokens_not_awaited == 50 - (called.output_tokens_estimated or 0)


def test_content_is_captured_or_shown_or_withheld() -> None:
    captured, shown = Content(captured=True), Content(captured=False, shown=True)
    assert (captured.capture("words"), captured.show("words")) == ("words", "words")
    assert (shown.capture("words"), shown.show("words")) == (None, "words")
    assert (WITHHELD.capture("words"), WITHHELD.show("words")) == (None, None)
    assert START.content is WITHHELD


def test_a_record_has_content_only_where_somebody_may_see_it() -> None:
    assert finished(START, progress()).answer is None
    assert finished(CAPTURED, progress()).answer == {"summary": "s"}
    assert finished(CAPTURED, replace(progress(), value=None)).answer == "so far"
    assert finished(CAPTURED, Progress()).answer == ""


@pytest.mark.parametrize(("captured", "shown"), [(False, False), (False, True), (True, False)])
def test_content_for_own_stages_alone_is_not_in_the_message(*, captured: bool, shown: bool) -> None:
    error = AnswerInvalid(f"/{CANARY}", "string_type")
    prompt = PromptContent(CANARY, [{"role": "user", "content": CANARY}], CANARY)
    made = record(error=error, prompt=prompt, capture_content=captured, stage_content=shown)
    sees = captured or shown
    assert made.error_path == (f"/{CANARY}" if sees else "/*")
    assert [seen is not None for seen in (made.prompt, made.messages, made.answer)] == 3 * [sees]
    assert (CANARY in repr(made)) == sees
    assert (CANARY in repr(made.message())) == captured


def test_of_the_caller_a_message_has_what_callerfields_names() -> None:
    made = record(caller=Caller("iam", CANARY, {"a": CANARY}, CANARY), caller_fields={"caller_id": "who"})
    assert made.message()["caller_id"] == "who"
    assert CANARY not in repr(made.message())


def test_a_request_that_nothing_happened_to_was_cancelled() -> None:
    made = finished(START, Progress())
    assert made.outcome is Outcome.CANCELLED
    assert (made.stop_reason, made.usage, made.status, made.error_code) == (None, None, None, None)
    assert made._tokens_not_awaited == 100


def test_tokens_are_estimated_from_characters() -> None:
    """Four characters a token, rounded up; those of all attempts, but what was not awaited is the last one's."""
    made = finished(START, progress())
    assert [estimated_tokens(characters) for characters in (0, 1, 4, 5)] == [0, 1, 1, 2]
    assert made.output_tokens_estimated == 23
    assert made._tokens_not_awaited == 90
    assert finished(START._replace(max_tokens=5), progress())._tokens_not_awaited == 0


def test_nothing_of_a_record_can_be_changed() -> None:
    """Nor what it was made from at the start: no stage can leave anything there for another."""
    prompt = PromptContent("a", [{"role": "user", "content": [{"type": "text", "text": "a"}]}])
    answer = {"list": [1, {"deep": [2]}]}
    made = record(capture_content=True, prompt=prompt, metadata={"a": "b"}, answer=answer)
    frozen: list[tuple[Any, str]] = [
        (made, "answer"),
        (made.timings, "total"),
        (made.caller, "id"),
        (made._start, "id"),
    ]
    for holder, name in frozen:
        with pytest.raises(AttributeError):
            setattr(holder, name, None)
    assert made.answer == {"list": (1, {"deep": (2,)})}
    assert made.messages == ({"role": "user", "content": ({"type": "text", "text": "a"},)},)
    for change in ('made.answer["new"] = 1', 'made.answer["list"][1]["deep"] = 1', 'made.metadata["a"] = "c"'):
        with pytest.raises(TypeError):
            exec(change, {"made": made})  # noqa: S102 - what a stage could write


def test_a_change_of_the_message_reaches_no_other_stage() -> None:
    made = record()
    made.message()["id"] = "2"
    assert made.message()["id"] == "req-1"


def test_the_time_of_the_stages_is_what_the_request_left() -> None:
    assert START._replace(time_limit=10.0).seconds_left() == 8.5
    assert START.seconds_left() == float("inf")
    assert finished(START, Progress()).timings.total == 1500
