"""The vectors are fresh, the encoders write them, ``verify`` reads them, and some are known by heart."""

from typing import Any

import pytest

from local.client import Piece
from tests.clients.vectors.__main__ import made
from tests.clients.vectors.vector import VECTORS, Response, Vector, as_text, sent, vectors
from verify.events import Event, Malformed, read_json_lines, read_server_sent_events, rebuild_object

MADE = list(made())
ENCODED = [vector for vector in MADE if vector.made == "encoder" and vector.response and vector.response.status == 200]
BY_NAME = {vector.name: vector.expected for vector in MADE}


def test_the_files_are_what_encoders_and_reader_make_now() -> None:
    """If not: ``python -m tests.clients.vectors``."""
    assert len(MADE) >= 60
    assert {path.stem: path.read_text(encoding="ascii") for path in VECTORS.glob("*.json")} == {
        vector.name: as_text(vector) for vector in MADE
    }


def test_a_file_is_read_as_it_was_written() -> None:
    by_name = {vector.name: vector for vector in MADE}
    for read in vectors():
        made_now = by_name[read.name]
        assert read.expected == made_now.expected
        assert (
            [sent(piece) for piece in read.response.pieces] == [sent(piece) for piece in made_now.response.pieces]
            if read.response and made_now.response
            else read.response is made_now.response
        )


@pytest.mark.parametrize(
    ("name", "members"),
    [
        ("complete-jsonl", {"outcome": "complete", "value": {"summary": "Pay per use.", "keywords": ["cost"]}}),
        ("complete-sse-snapshot", {"partials": [{"summary": "Pay per"}] + [BY_NAME["complete-jsonl"]["value"]] * 2}),
        ("complete-then-cut-sse", {"outcome": "complete"}),
        ("ends-cleanly-after-closed-document-jsonl", {"outcome": "cut", "code": "cut", "status": 200}),
        ("ends-cut-inside-last-bracket", {"outcome": "cut", "partial": {"a": "x", "b": ["y"]}}),
        ("sse-ends-cleanly-before-the-empty-line", {"outcome": "cut"}),
        ("no-last-line-end", {"outcome": "complete"}),
        ("complete-then-text", {"outcome": "complete"}),
        ("error-then-complete", {"outcome": "failed", "code": "model_failed", "status": 502}),
        ("problem-model_busy", {"code": "model_busy", "status": 429, "retryAfter": 5}),
        ("gateway-THROTTLED", {"code": "THROTTLED", "status": 429}),
        ("http-502-page", {"code": "http_502", "status": 502}),
        ("network", {"code": "network"}),
        ("misplaced-append-to-nothing", {"code": "protocol", "partials": [{}], "partial": {}}),
        ("malformed-not-json-nan", {"code": "protocol"}),
        ("not-utf-8", {"partials": ["a\ufffdb\ufffdc"]}),
        ("surrogate-pair-in-two-changes", {"partials": [{"a": "x\ud83d"}, {"a": "x😀y"}]}),
        ("keys-that-pointers-escape", {"closed": ["/", "/~1", "/~0", "/~01", "/a~1b", "/~00", "/0", ""]}),
        ("restart-after-delta-jsonl", {"restarts": 1}),
        ("start-twice-then-cut", {"restarts": 1, "closed": [], "requestId": "another"}),
        ("model-known-at-the-end", {"model": "anthropic.other"}),
    ],
)
def test_what_is_expected_is_what_the_documents_say(name: str, members: dict[str, Any]) -> None:
    """The reader that fills in the results can be wrong too."""
    assert {member: BY_NAME[name][member] for member in members} == members


def test_after_a_restart_nothing_is_left() -> None:
    assert "partial" not in BY_NAME["restart-then-cut"]
    assert "partial" not in BY_NAME["start-twice-then-cut"]


def read(response: Response) -> list[Event]:
    pieces = [Piece(1.0, sent(piece)) for piece in response.pieces]
    is_sse = "event-stream" in response.headers["Content-Type"]
    return read_server_sent_events(pieces) if is_sse else read_json_lines(pieces)


@pytest.mark.parametrize(
    "vector", [each for each in ENCODED if not each.expected["restarts"]], ids=lambda each: each.name
)
def test_verify_reads_what_the_encoders_write(vector: Vector) -> None:
    assert vector.response is not None
    events = read(vector.response)
    snapshots = [event.members["value"] for event in events if event.type == "snapshot"]
    value, is_closed = rebuild_object(events)

    assert (snapshots[-1] if snapshots else value) == vector.expected.get("partial")
    assert is_closed is ("" in vector.expected["closed"])
    assert (events[-1].type == "complete") is (vector.expected["outcome"] == "complete")


@pytest.mark.parametrize(
    "vector", [each for each in MADE if each.name.startswith("misplaced-")], ids=lambda each: each.name
)
def test_verify_reports_a_change_that_does_not_fit(vector: Vector) -> None:
    assert vector.response is not None
    events = read(vector.response)

    with pytest.raises(Malformed):
        rebuild_object(events)


STREAMED = [
    each
    for each in MADE
    if each.response and each.response.status == 200 and "json" in each.response.headers["Content-Type"]
]


@pytest.mark.parametrize("vector", STREAMED, ids=lambda each: each.name)
def test_verify_never_takes_another_answer_for_a_complete_one(vector: Vector) -> None:
    """Whatever is sent: it is read as expected, or it is reported."""
    assert vector.response is not None
    try:
        events = read(vector.response)
        rebuild_object(events)
    except Malformed:
        return
    ends = [event.members for event in events if event.type in {"complete", "error"}]

    assert (bool(ends) and ends[0]["type"] == "complete") is (vector.expected["outcome"] == "complete")
    assert not ends or ends[0].get("value") == vector.expected.get("value")
