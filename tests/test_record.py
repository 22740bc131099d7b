"""The record as own stages receive it: its names are a promise, and nobody can change it."""

from dataclasses import FrozenInstanceError, fields
from types import MappingProxyType
from typing import Any

import pytest

from function.contract import Outcome
from function.record import Record, Timings, unchangeable

NAMES = [
    "request_id",
    "gateway_request_id",
    "extended_request_id",
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
    "metadata",
    "prompt",
    "answer",
]
"""A name can be added. None may go, or change its meaning."""


def record(**members: Any) -> Record:
    known: dict[str, Any] = dict.fromkeys(NAMES)
    return Record(**{**known, "outcome": Outcome.COMPLETED, "_as_json": lambda: '{"id": "1"}', **members})


def test_the_names_of_a_record_are_those_that_own_stages_rely_on() -> None:
    assert [field.name for field in fields(Record) if not field.name.startswith("_")] == NAMES
    assert [field.name for field in fields(Timings)] == ["prepare", "first_event", "first_chunk", "last_chunk", "total"]


def test_nothing_of_a_record_can_be_changed() -> None:
    made = record(metadata=MappingProxyType({"a": "b"}), answer=unchangeable({"list": [1, {"deep": [2]}]}))
    with pytest.raises(FrozenInstanceError):
        made.answer = None  # type: ignore[misc]
    assert made.answer == {"list": (1, {"deep": (2,)})}
    for change in ('made.answer["new"] = 1', 'made.answer["list"][1]["deep"] = 1', 'made.metadata["a"] = "c"'):
        with pytest.raises(TypeError):
            exec(change, {"made": made})  # noqa: S102 - what a stage could write


def test_a_change_of_the_message_reaches_no_other_stage() -> None:
    made = record()
    made.message()["id"] = "2"
    assert made.message() == {"id": "1"}
