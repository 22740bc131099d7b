"""Bytes become events; the vectors have the rest."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming_llm_client.framing import Framing, JsonLines, Malformed, ServerSentEvents, framing_of, parsed

texts = st.lists(st.text(alphabet=st.characters(codec="utf-8"), max_size=10), max_size=5)


def events(framing: Framing, body: bytes, size: int) -> list[Any]:
    found = [event["t"] for start in range(0, len(body), size) for event in framing.feed(body[start : start + size])]
    return found + [event["t"] for event in framing.end()]


@given(texts, st.integers(1, 9), st.sampled_from(["\n", "\r\n"]))
def test_lines_are_the_same_wherever_the_bytes_are_cut(values: list[str], size: int, end: str) -> None:
    lines = [json.dumps({"type": "x", "t": value}, ensure_ascii=False) + end for value in values]

    assert events(JsonLines(), "".join(lines).encode(), size) == values


@given(texts, st.integers(1, 9), st.sampled_from(["\n", "\r\n", "\r"]))
def test_messages_are_the_same_wherever_the_bytes_are_cut(values: list[str], size: int, end: str) -> None:
    data = [json.dumps({"type": "x", "t": value}, ensure_ascii=False) for value in values]
    body = "".join(f"id: 1{end}data: {each}{end}{end}" for each in data)

    assert events(ServerSentEvents(), body.encode(), size) == values


@pytest.mark.parametrize(
    ("content_type", "framing"),
    [
        ("application/jsonl", JsonLines),
        ("application/x-ndjson; view=snapshot", JsonLines),
        ("Application/JSON-Lines;charset=utf-8", JsonLines),
        ("text/event-stream; view=snapshot", ServerSentEvents),
    ],
)
def test_the_type_of_the_response_decides(content_type: str, framing: type[Framing]) -> None:
    assert type(framing_of(content_type)) is framing


@pytest.mark.parametrize(
    "content_type", ["", "text/plain", "application/json", "text/jsonl", "application/event-stream"]
)
def test_another_type_is_named(content_type: str) -> None:
    with pytest.raises(Malformed, match=f"must be application/jsonl or text/event-stream; got '{content_type}'"):
        framing_of(content_type)


@pytest.mark.parametrize("text", ["", "nonsense", "[1]", '"a"', '{"a":Infinity}', '{"a":1} x', "[" * 100_000])
def test_what_is_no_object_is_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        parsed(text)
