"""The message that is stored and published: its members, its size, and what is never in it."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from function.contract import Outcome
from function.stream.errors import AnswerInvalid, ModelBusy
from function.stream.events import Usage
from function.stream.message import as_json, as_message, fitted
from function.stream.record import PromptContent
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
        "route": "invoice",
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


def test_a_count_of_tokens_that_was_not_reported_is_absent() -> None:
    made = record(usage=Usage(12, 34, cache_read_tokens=0, thinking_tokens=30))

    assert as_message(made)["usage"] == {
        "inputTokens": 12,
        "outputTokens": 34,
        "cacheReadTokens": 0,
        "thinkingTokens": 30,
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


def test_the_content_of_a_conversation() -> None:
    messages = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
    made = record(capture_content=True, prompt=PromptContent("a", messages, "0a1b"))
    assert made.message()["content"] == {
        "prompt": "a",
        "messages": messages,
        "instructionsSha256": "0a1b",
        "answer": {"summary": CANARY},
    }


@pytest.mark.parametrize("outcome", list(Outcome))
def test_content_is_there_only_where_it_is_captured(outcome: Outcome) -> None:
    assert CANARY not in json.dumps(record(outcome).message())
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


def test_a_message_that_fits_is_whole() -> None:
    message = record(capture_content=True).message()
    size = len(json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode())

    assert json.loads(fitted(message, size)) == message
    assert json.loads(fitted(message, size + 1)) == message


def message_of(count: int, size: int, answer: str) -> dict[str, Any]:
    """Return a message whose content has ``count`` messages of ``size`` bytes each."""
    messages = [{"role": "user", "content": "x" * (size - len('{"role":"user","content":""}'))} for _ in range(count)]
    prompt = PromptContent("Why?", messages)
    return record(capture_content=True, prompt=prompt, answer=answer).message()


def size_of(message: dict[str, Any]) -> int:
    return len(json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode())


def test_the_oldest_messages_are_left_out_first() -> None:
    """As few as needed; then the answer; then all content. Each time the message says so."""
    message = message_of(9, 100, answer=200 * "a")
    content, size = message["content"], size_of(message)
    kept: list[tuple[int | None, object, object]] = []
    for excess in (1, 70, 170, 880, 950, 1_150):
        shortened = json.loads(fitted(message, size - excess))
        left = shortened["content"]
        if left is None:
            assert shortened["contentOmitted"] is True
            kept.append((None, None, None))
            continue
        assert left["prompt"] == content["prompt"]
        omitted = left["messagesOmitted"]
        assert left["messages"] == content["messages"][omitted:]
        kept.append((omitted, left["answer"] == content["answer"], left.get("answerOmitted")))
    assert kept == [
        (1, True, None),
        (1, True, None),
        (2, True, None),
        (9, True, None),
        (9, False, True),
        (None, None, None),
    ]


@given(st.integers(0, 60), st.integers(30, 300), st.text(max_size=300), st.integers(0, 12_000))
def test_of_messages_that_do_not_fit_as_many_are_kept_as_fit(count: int, size: int, answer: str, less: int) -> None:
    """One more message would be too long, give or take the word that says how many are left out."""
    message = message_of(count, size, answer.encode("utf-8", "ignore").decode())
    limit = max(size_of(message) - less, 700)
    text = fitted(message, limit)
    assert len(text.encode()) <= limit
    content = json.loads(text)["content"]
    if content and content.get("messagesOmitted") and not content.get("answerOmitted"):
        assert len(text.encode()) + size + len(',"messagesOmitted":12') > limit


def test_a_long_history_is_shortened_in_one_go(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not once for every message: a body has room for a hundred thousand."""
    message = message_of(1_000, 100, answer="a")
    dumped: list[int] = []
    monkeypatch.setattr("function.stream.message._encoded", lambda value: _encoded(value, dumped))
    fitted(message, 50_000)
    assert sum(dumped) < 3 * size_of(message)


def _encoded(value: object, dumped: list[int]) -> bytes:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    dumped.append(len(text))
    return text


@given(st.text(max_size=3000), st.integers(700, 4000))
def test_no_message_is_longer_than_its_limit(prompt: str, limit: int) -> None:
    """Counted in bytes, whatever the characters."""
    text = as_json(record(capture_content=True, prompt=PromptContent(prompt.encode("utf-8", "ignore").decode())), limit)

    assert len(text.encode()) <= limit
    json.loads(text)


def test_half_a_surrogate_pair_does_not_cost_the_message() -> None:
    message = as_message(record(capture_content=True, prompt=PromptContent("a\ud800b")))

    assert json.loads(fitted(message, 10_000))["content"]["prompt"] == "a?b"


@pytest.mark.parametrize("captured", [False, True])
def test_a_path_of_any_length_leaves_a_message_that_fits(*, captured: bool) -> None:
    error = AnswerInvalid("/" + 300_000 * "€" + 300_000 * "/1", "extra_forbidden")
    message = as_message(record(capture_content=captured, error=error))

    assert len(fitted(message, 254 * 1024).encode()) < 6_000
