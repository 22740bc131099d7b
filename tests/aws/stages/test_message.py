"""The message that is stored and published: its members, its size, and what is never in it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from function.aws.stages.message import as_json, as_message, fitted, visible_path
from function.contract import Outcome
from function.stream.errors import AnswerInvalid, ModelBusy
from tests.aws.stages.records import CANARY, record


def test_every_member_of_a_message() -> None:
    """Version 1, as docs/records.md has it."""
    made = record(began_at=1_795_600_000.25)

    assert as_message(made) == {
        "version": 1,
        "id": "req-1",
        "gatewayRequestId": "gateway-1",
        "extendedRequestId": "JJbxmplHYosFVYQ=",
        "beganAt": "2026-11-25T09:46:40.250+00:00",
        "outcome": "completed",
        "model": "model-1",
        "mediaType": "text/plain; charset=utf-8",
        "status": 200,
        "stopReason": "end_turn",
        "usage": {"inputTokens": 12, "outputTokens": 34},
        "outputTokensEstimated": 7,
        "attempts": 1,
        "calls": 1,
        "chunks": 1,
        "bytes": 9,
        "timings": {"firstEvent": 38, "firstChunk": 39, "lastChunk": 40, "total": 41},
        "error": None,
    }


def test_a_failure_is_its_code() -> None:
    made = record(error=ModelBusy())

    assert as_message(made)["error"] == {"code": "model_busy"}
    assert as_message(made)["outcome"] == "failed"


def test_an_invalid_answer_says_where_and_how_far() -> None:
    made = record(error=AnswerInvalid(f"/keywords/{CANARY}/0", "string_type"), closed_values=3)

    assert as_message(made)["error"] == {
        "code": "answer_invalid",
        "path": "/keywords/*/0",
        "rule": "string_type",
        "closedValues": 3,
        "tokensNotAwaitedAtMost": 93,
    }


@pytest.mark.parametrize("outcome", list(Outcome))
def test_content_is_there_only_where_it_is_captured(outcome: Outcome) -> None:
    assert CANARY not in json.dumps(as_message(record(outcome)))
    assert as_message(record(outcome, capture_content=True))["content"] == {
        "prompt": f"tell me of {CANARY}",
        "answer": {"summary": CANARY},
    }


def test_an_answer_that_broke_off_is_captured_as_text() -> None:
    made = record(Outcome.FAILED, capture_content=True, answer=f'{{"summary": "{CANARY}"')

    assert as_message(made)["content"] == {
        "prompt": f"tell me of {CANARY}",
        "answer": f'{{"summary": "{CANARY}"',
    }


@pytest.mark.parametrize(
    ("path", "visible"),
    [
        ("", ""),
        ("/summary", "/summary"),
        ("/keywords/17", "/keywords/17"),
        ("/keywords/4111111111111111", "/keywords/*"),
        ("/someone/summary", "/*/summary"),
        ("/a~1b", "/*"),
    ],
)
def test_a_path_shows_the_schemas_names_and_no_others(path: str, visible: str) -> None:
    """Keys of a free dictionary are the model's words."""
    assert visible_path(path, record()) == visible
    assert visible_path(path, record(capture_content=True)) == path


def test_a_message_that_fits_is_whole() -> None:
    message = as_message(record(capture_content=True))
    size = len(json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode())

    assert json.loads(fitted(message, size)) == message
    assert json.loads(fitted(message, size + 1)) == message


def test_content_that_does_not_fit_is_left_out_and_marked_as_omitted() -> None:
    message = as_message(record(capture_content=True))
    size = len(json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode())

    assert json.loads(fitted(message, size - 1)) == {**message, "content": None, "contentOmitted": True}


@given(st.text(max_size=3000), st.integers(700, 4000))
def test_no_message_is_longer_than_its_limit(prompt: str, limit: int) -> None:
    """Counted in bytes, whatever the characters."""
    text = as_json(record(capture_content=True, prompt=prompt.encode("utf-8", "ignore").decode()), limit)

    assert len(text.encode()) <= limit
    json.loads(text)


def test_half_a_surrogate_pair_does_not_cost_the_message() -> None:
    message = as_message(record(capture_content=True, prompt="a\ud800b"))

    assert json.loads(fitted(message, 10_000))["content"]["prompt"] == "a?b"


@pytest.mark.parametrize("captured", [False, True])
def test_a_path_of_any_length_leaves_a_message_that_fits(*, captured: bool) -> None:
    error = AnswerInvalid("/" + 300_000 * "€" + 300_000 * "/1", "extra_forbidden")
    message = as_message(record(capture_content=captured, error=error))

    assert len(fitted(message, 254 * 1024).encode()) < 6_000
