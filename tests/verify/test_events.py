import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.client import Piece
from verify.events import Event, Malformed, read_json_lines, read_server_sent_events, rebuild_object

START = {"type": "start", "at": 3, "id": "r"}
DONE = {"type": "complete", "at": 9, "value": {"a": "é"}}
AS_LINES = "".join(json.dumps(event, ensure_ascii=False) + "\n" for event in (START, DONE))
AS_SSE = "".join(
    f"id: {number}\nevent: {event['type']}\ndata: {json.dumps(event)}\n\n"
    for number, event in enumerate((START, DONE), 1)
)


def cut(text: str, cuts: list[int]) -> list[Piece]:
    """Return the text in pieces; each arrives a millisecond after the one before."""
    data = text.encode()
    edges = sorted({0, len(data), *(at % len(data) for at in cuts)})
    return [Piece(float(number), data[a:b]) for number, (a, b) in enumerate(pairwise(edges))]


@given(st.lists(st.integers(0, 1000), max_size=6))
def test_any_pieces_give_the_same_events(cuts: list[int]) -> None:
    assert [event.members for event in read_json_lines(cut("\n\n" + AS_LINES, cuts))] == [START, DONE]
    assert [event.members for event in read_server_sent_events(cut(":  \n\n" + AS_SSE + ":\n\n", cuts))] == [
        START,
        DONE,
    ]


def test_an_event_has_the_time_of_the_piece_that_ended_it_and_counts_the_bytes_before_it() -> None:
    first, second = AS_LINES.splitlines(keepends=True)
    pieces = [Piece(1, b"\n\n" + first[:5].encode()), Piece(2, first[5:].encode()), Piece(7, second.encode())]

    assert [(event.received_ms, event.size) for event in read_json_lines(pieces)] == [
        (2, len(first.encode()) + 2),
        (7, len(second.encode())),
    ]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{}\n", "has no type"),
        ('{"type":"start"}\n', "has no time at which it was sent"),
        ("[1]\n", "has no type"),
        ("{oops\n", "is not JSON"),
        ('{"type":"start","at":1}', "is incomplete"),
        ('{"type":"delta","at":1,"changes":[5]}\n', "changes must be a list of objects"),
        ('{"type":"delta","at":1,"changes":5}\n', "changes must be a list"),
        ('{"type":"error","at":1,"problem":"x"}\n', "a problem must be an object"),
        ('{"type":"error","at":1,"problem":{"title":5}}\n', "a title must be a string"),
    ],
)
def test_a_line_that_is_not_an_event_is_refused(text: str, why: str) -> None:
    with pytest.raises(Malformed, match=why):
        read_json_lines([Piece(0, text.encode())])


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (AS_SSE.replace("event: start", "event: delta"), "has the name 'delta'"),
        (AS_SSE.replace("id: 2", "id: 3"), "has the id '3'"),
        (AS_SSE.removesuffix("\n"), "is incomplete"),
    ],
)
def test_an_event_whose_fields_contradict_each_other_is_refused(text: str, why: str) -> None:
    with pytest.raises(Malformed, match=why):
        read_server_sent_events([Piece(0, text.encode())])


def deltas(*changes: dict[str, object]) -> list[Event]:
    return [Event({"type": "delta", "at": 0, "changes": [change]}, 0, 0) for change in changes]


def test_changes_applied_in_order_give_the_object() -> None:
    events = deltas(
        {"path": "", "value": {}},
        {"path": "/a~1b", "value": "x"},
        {"path": "/a~1b", "append": "y", "closed": True},
        {"path": "/list", "value": []},
        {"path": "/list/0", "value": 1, "closed": True},
        {"path": "/list", "closed": True},
        {"path": "", "closed": True},
    )

    assert rebuild_object(events) == ({"a/b": "xy", "list": [1]}, True)
    assert rebuild_object(events[:-1]) == ({"a/b": "xy", "list": [1]}, False)


@pytest.mark.parametrize(
    "change", [{"path": "/a/b", "value": 1}, {"path": "/a", "append": "x"}, {"value": 1}, {"path": None, "append": ""}]
)
def test_a_change_that_does_not_fit_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(Malformed, match="a change does not fit"):
        rebuild_object(deltas({"path": "", "value": {}}, change))
