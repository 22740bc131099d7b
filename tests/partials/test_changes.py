"""Changes rebuild the object; pointers name the places in it (RFC 6901)."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from function.partials import Change, applied, escape, pointer, unescape


@pytest.mark.parametrize(
    ("key", "step"), [("a", "a"), ("", ""), ("a/b", "a~1b"), ("m~n", "m~0n"), ("~1", "~01"), ("/~", "~1~0"), ("é", "é")]
)
def test_a_key_is_escaped_as_the_rfc_has_it(key: str, step: str) -> None:
    assert escape(key) == step
    assert unescape(step) == key


@given(st.text(alphabet="a~/01"))
def test_every_key_comes_back_from_its_escape(key: str) -> None:
    assert unescape(escape(key)) == key
    assert "/" not in escape(key)


def test_a_pointer_leads_from_the_root_by_keys_and_indexes() -> None:
    assert pointer(["items", 0, "a/b"]) == "/items/0/a~1b"
    assert pointer([]) == ""


def test_changes_in_their_order_give_the_object() -> None:
    """A value is set, an append grows a string, and a container that closes changes nothing."""
    changes = [
        Change("", value={}),
        Change("/a~1b", value=[]),
        Change("/a~1b/0", value="te"),
        Change("/a~1b/0", append="xt", closed=True),
        Change("/a~1b/1", value=None, closed=True),
        Change("/a~1b", append="", closed=True),
        Change("/~0", value=1, closed=True),
        Change("", append="", closed=True),
    ]

    assert applied(changes) == {"a/b": ["text", None], "~": 1}


def test_changes_go_on_from_a_tree_that_is_there() -> None:
    """What a receiver has so far is changed in place."""
    tree = applied([Change("", value=[]), Change("/0", value="a")])

    assert applied([Change("/0", append="b"), Change("/1", value=2)], tree) is tree
    assert tree == ["ab", 2]


def test_a_change_can_be_applied_more_than_once() -> None:
    """Two receivers of one list of changes do not share containers."""
    changes = [Change("", value={}), Change("/a", value=[]), Change("/a/0", value=1)]

    first, second = applied(changes), applied(changes)
    first["a"].append(2)

    assert json.dumps(second) == '{"a": [1]}'


def test_no_changes_leave_nothing() -> None:
    assert applied([]) is None
