"""The event of an invocation, as the handler is given it."""

import json
from typing import Any

import pytest

from function.aws.runtime.event import read_event


def test_the_body_of_a_request_is_bytes_and_all_else_as_json_has_it() -> None:
    event = {"body": 'Grüße 🙂 "x"', "headers": None, "number": 1.5, "list": [True, {"body": "text"}]}
    assert read_event(json.dumps(event).encode()) == {**event, "body": 'Grüße 🙂 "x"'.encode()}
    assert read_event(json.dumps(event, ensure_ascii=False).encode()) == {**event, "body": 'Grüße 🙂 "x"'.encode()}


@pytest.mark.parametrize("event", [{}, {"body": None}, {"body": 5}, [], "ping", 5, None, {"body": "\ud800"}])
def test_any_other_event_is_read_too(event: Any) -> None:
    assert read_event(json.dumps(event).encode()) == event


def test_what_is_not_json_is_an_error() -> None:
    with pytest.raises(ValueError, match="Expecting value"):
        read_event(b"no JSON")
