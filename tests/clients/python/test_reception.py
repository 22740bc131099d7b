"""Every vector, however its bytes are cut."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter
from pydantic_core import PydanticSerializationError

from function.partials.plans import has_hidden
from streaming_llm_client.answer import Reader
from streaming_llm_client.errors import StreamCut, StreamError
from streaming_llm_client.reception import Reception
from tests.clients.python.conftest import VECTORS
from tests.clients.python.outcomes import expected, partials, read, sizes
from tests.clients.vectors.encoded import Writer
from tests.clients.vectors.vector import Vector, sent
from tests.partials.test_promises import Document, valid_documents

ANSWERED = [vector for vector in VECTORS.values() if vector.response]


@pytest.mark.parametrize("vector", ANSWERED, ids=lambda each: each.name)
def test_a_vector_is_read_as_expected(vector: Vector) -> None:
    assert vector.response is not None
    for size in sizes(vector.response):
        assert read(Reception[Any](None), vector.response, size) == expected(vector)


@settings(max_examples=60, deadline=None)
@given(valid_documents(), st.sampled_from(["application/jsonl", "text/event-stream"]))
def test_the_object_is_the_servers_at_every_moment(document: Document, accept: str) -> None:
    """For any class and document, through the encoders; and the answer is what the class makes of the document."""
    writer = Writer(accept, document.type)
    reception = Reception(Reader[Any](document.type))
    reception.begin(200, {"content-type": accept})
    for fragment in ["", *document.fragments]:
        chunk = writer.next_piece(fragment)
        list(reception.feed(chunk))
        assert reception.growing.value == writer.snapshot
    if has_hidden(document.type):
        return
    with suppress(PydanticSerializationError):  # no endpoint has a class that cannot be dumped
        list(reception.feed(writer.complete().pieces[-1]))

        assert reception.answer == TypeAdapter(document.type).validate_json(document.text)


def test_every_way_to_end_is_told_apart() -> None:
    """With the pieces of each vector; every path that was closed is known to be."""
    for vector in ANSWERED:
        assert_ended(vector)


def assert_ended(vector: Vector) -> None:
    assert vector.response is not None
    reception: Reception[Any] = Reception(None)
    outcome = "complete"
    try:
        list(partials(reception, vector.response, map(sent, vector.response.pieces)))
    except StreamError as error:
        outcome = "cut" if isinstance(error, StreamCut) else "failed"

    assert outcome == vector.expected["outcome"], vector.name
    assert [path for path in vector.expected["closed"] if not reception.growing.is_closed(path)] == []
    assert reception.stop_reason == vector.expected.get("stopReason")
