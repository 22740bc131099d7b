import json
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from function.partials import Change, Partials, applied
from function.stream.encoders import written_change
from local.changes import MisplacedChange, rebuild, tokens

LEAVES = st.none() | st.booleans() | st.integers(-9, 9) | st.text(alphabet="ab~/01 é", max_size=5)
DOCUMENTS = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(alphabet="a~/01", max_size=3), inner, max_size=4)
    ),
    max_leaves=12,
)


def parse(members: Mapping[str, Any]) -> Change:
    """The function's own form of a change on the wire."""
    return Change(**{"append": None if "value" in members else "", **members})


@given(DOCUMENTS, st.lists(st.integers(0, 1000), max_size=8))
def test_both_sides_rebuild_the_same_object_from_any_fragments(document: JsonValue, cuts: list[int]) -> None:
    """The function's side and this one, after each fragment; at the end it is the document itself."""
    text = json.dumps(document, ensure_ascii=False) + "\n"
    edges = sorted({0, len(text), *(at % len(text) for at in cuts)})
    partials: Partials[JsonValue] = Partials(JsonValue)
    changes: list[Change] = []
    for start, end in pairwise(edges):
        changes += partials.feed(text[start:end])
        sent = [json.loads(written_change(change)) for change in changes]
        assert rebuild(sent)[0] == applied(changes) == partials.snapshot
    assert rebuild(sent) == (document, True)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ([], (None, False)),
        ([{"path": "", "value": 5, "closed": True}], (5, True)),
        ([{"path": "", "value": "a"}, {"path": "", "append": "b", "closed": True}], ("ab", True)),
        (
            [
                {"path": "", "value": {}},
                {"path": "/a~1b~0", "value": "x"},
                {"path": "/a~1b~0", "append": "y", "closed": True},
                {"path": "/0", "value": []},
                {"path": "/0/0", "value": 1, "closed": True},
                {"path": "/0/1", "value": 2, "closed": True},
                {"path": "/0", "closed": True},
                {"path": "/", "value": None, "closed": True},
            ],
            ({"a/b~": "xy", "0": [1, 2], "": None}, False),
        ),
        (
            [{"path": "", "value": {"a": 1}}, {"path": "/a", "value": [1]}, {"path": "/a/0", "value": 2}],
            ({"a": [2]}, False),
        ),
        ([{"path": "", "value": []}, {"path": "/0", "value": {}}, {"path": "/0", "value": "b"}], (["b"], False)),
    ],
)
def test_both_sides_apply_these_changes_alike(changes: list[dict[str, Any]], expected: tuple[object, bool]) -> None:
    """Also those that replace a value, which the function itself does not send."""
    before = json.dumps(changes)

    assert rebuild(changes) == expected
    assert applied(map(parse, changes)) == expected[0]
    assert json.dumps(changes) == before


@pytest.mark.parametrize(
    "change",
    [
        {"value": 1},
        {"path": 1, "value": 1},
        {"path": "a", "value": 1},
        {"path": "/none/b", "value": 1},
        {"path": "/none", "append": "x"},
        {"path": "/none", "closed": True},
        {"path": "/list/1", "append": "x"},
        {"path": "/list/2", "value": 1},
        {"path": "/list/-1", "value": 1},
        {"path": "/list/00", "value": 1},
        {"path": "/list/x", "value": 1},
        {"path": "/list/0", "append": "x"},
        {"path": "/list", "append": ["x"]},
        {"path": "/text/0", "value": "x"},
        {"path": "/text/x", "value": "x"},
        {"path": "/text", "append": 1},
        {"path": "/null/x", "value": 1},
    ],
    ids=json.dumps,
)
def test_a_change_that_does_not_fit_is_refused(change: dict[str, Any]) -> None:
    """A negative position and a leading zero are nothing that RFC 6901 knows."""
    start = {"path": "", "value": {"list": [1], "text": "abc", "null": None}}
    with pytest.raises(MisplacedChange, match="a change does not fit: "):
        rebuild([start, change])


POINTERS = st.lists(st.text(alphabet="~/01ab", max_size=3), max_size=3)


@given(POINTERS)
def test_a_pointer_leads_back_to_its_tokens(steps: list[str]) -> None:
    pointer = "".join("/" + step.replace("~", "~0").replace("/", "~1") for step in steps)

    assert tokens(pointer) == steps


@pytest.mark.parametrize("pointer", ["a", "a/b", "/~", "/~2", "/a~"])
def test_a_text_that_is_not_a_pointer_is_refused(pointer: str) -> None:
    with pytest.raises(MisplacedChange, match="is not a JSON pointer"):
        tokens(pointer)
