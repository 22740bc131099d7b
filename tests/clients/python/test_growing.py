"""The growing object, in time that grows with its text alone. test_reception.py compares it with the function's."""

from copy import deepcopy
from typing import Any, Self

import pytest

from streaming_llm_client.growing import Growing, Misplaced

LONG = 2_000_000


def grown(*changes: dict[str, Any]) -> Growing:
    growing = Growing()
    for change in changes:
        growing.apply(change)
    return growing


class Piece(str):
    """A text that cannot be added to another one: that would copy the other one."""

    __slots__ = ()

    def __radd__(self, other: str) -> Self:
        raise AssertionError(f"{len(other)} characters were copied")


def test_a_long_text_is_not_copied_while_it_grows() -> None:
    """Only when it is read; other values can be read at any time."""
    growing = grown({"path": "", "value": {}}, {"path": "/title", "value": "T"}, {"path": "/text", "value": ""})
    for _ in range(LONG // 16):
        growing.apply({"path": "/text", "append": Piece("x" * 16)})
        assert growing.get("/title") == "T"

    assert growing.get("/text") == "x" * LONG
    assert growing.value == {"title": "T", "text": "x" * LONG}


def test_what_is_read_is_up_to_date() -> None:
    """A text, and what contains one, as often as somebody looks."""
    growing = grown({"path": "", "value": [{"a": "b"}]})
    for piece in "cde":
        growing.apply({"path": "/0/a", "append": piece})
        expected = "bcde"[: "bcde".index(piece) + 1]

        assert growing.get("/0/a") == expected
        assert growing.get("/0") == {"a": expected}
        assert growing.get("") == growing.value == [{"a": expected}]


def test_a_text_that_is_replaced_grows_anew() -> None:
    changes = [{"path": "/a", "append": "b"}, {"path": "/a", "value": "c"}, {"path": "/a", "append": "d"}]

    assert grown({"path": "", "value": {"a": "a"}}, *changes).value == {"a": "cd"}


def test_a_text_in_an_object_that_is_replaced_is_forgotten() -> None:
    growing = grown({"path": "", "value": {"a": {"b": "c"}}}, {"path": "/a/b", "append": "d"})
    growing.apply({"path": "/a", "value": {"b": "e"}})
    growing.apply({"path": "/a/b", "append": "f"})

    assert growing.value == {"a": {"b": "ef"}}


def test_a_snapshot_replaces_everything() -> None:
    growing = grown({"path": "", "value": "a"}, {"path": "", "append": "b"})
    growing.set({"c": "d"})

    assert growing.value == {"c": "d"}


def test_what_contains_a_value_closes_it() -> None:
    growing = grown({"path": "", "value": {"a": [{"b/c": 1}]}}, {"path": "/a", "closed": True})

    assert growing.is_closed("/a/0/b~1c")
    assert growing.is_closed("/a")
    assert not growing.is_closed("")
    assert not growing.is_closed("/ab")


@pytest.mark.parametrize("pointer", ["/b", "/a/0", "/l/1", "/l/x", "/l/00", "/n/x", "/a/length", "/l/-1"])
def test_what_is_not_there_is_the_default(pointer: str) -> None:
    growing = grown({"path": "", "value": {"a": "x", "l": [1], "n": None}})

    assert growing.get(pointer) is None
    assert growing.get(pointer, "other") == "other"


def test_nothing_is_there_before_the_first_change() -> None:
    assert (Growing().value, Growing().get("", 1), Growing().get("/a", 1)) == (None, 1, 1)


def test_a_pointer_that_is_none_is_an_error() -> None:
    with pytest.raises(ValueError, match="must be empty or begin with a slash; got 'a'"):
        grown({"path": "", "value": {}}).get("a")


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"path": None, "value": 1},
        {"path": 1, "value": 1},
        {"path": "/a", "append": None},
        {"path": "/a", "append": ["x"]},
        {"path": "/l/2", "value": 1},
        {"path": "/l/-1", "value": 1},
    ],
)
def test_a_change_that_does_not_fit_is_an_error(change: dict[str, Any]) -> None:
    growing = grown({"path": "", "value": {"a": "x", "l": [1]}})
    before = deepcopy(growing.value)

    with pytest.raises(Misplaced):
        growing.apply(change)
    assert growing.value == before
