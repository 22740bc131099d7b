"""The values that a team's own modules see are compared and shown by what they contain."""

from collections.abc import Callable

import pytest

from function.endpoint import Call, Caller, Document, Image, Message, Prompt
from function.stream.events import Thinking, Usage
from function.stream.record import Timings
from tests.aws.stages.records import record

MADE: list[Callable[[str], object]] = [
    lambda word: Call(request_id=word),
    lambda word: Caller("iam", word),
    lambda word: Document(word.encode()),
    lambda word: Image(b"", word),
    lambda word: Message("user", word),
    lambda word: Prompt("x", metadata={"a": word}),
    Thinking,
    lambda word: Timings(None, None, None, None, len(word)),
    lambda word: Usage(len(word), 2),
    lambda word: record(began_at=1.0, route=word),
]


@pytest.mark.parametrize("make", MADE)
def test_values_are_equal_if_they_contain_the_same(make: Callable[[str], object]) -> None:
    assert make("a") == make("a")
    assert make("a") != make("bc")
    assert make("a") != ("a",)


def test_values_of_two_classes_differ() -> None:
    assert Image(b"a") != Document(b"a")


def test_equal_values_have_one_hash() -> None:
    assert len({Usage(1, 2), Usage(1, 2), Usage(1, 3), Thinking("a"), Thinking("a")}) == 3


def test_a_value_shows_its_members() -> None:
    assert repr(Message("user", "Why?")) == "Message(role='user', content='Why?', cache=False)"


def test_what_is_the_functions_own_is_neither_compared_nor_shown() -> None:
    call, other = Call(request_id="r", _seconds_left=lambda: 1.0), Call(request_id="r", _seconds_left=lambda: 2.0)
    assert call == other
    assert "_seconds_left" not in repr(call)
    assert "_start" not in repr(record())
