"""Every vector, however its bytes are cut."""

from typing import Any

import pytest

from streaming_llm_client.errors import StreamCut, StreamError
from streaming_llm_client.reception import Reception
from tests.clients.python.conftest import VECTORS
from tests.clients.python.outcomes import expected, partials, read, sizes
from tests.clients.vectors.vector import Vector, sent

ANSWERED = [vector for vector in VECTORS.values() if vector.response]


@pytest.mark.parametrize("vector", ANSWERED, ids=lambda each: each.name)
def test_a_vector_is_read_as_expected(vector: Vector) -> None:
    assert vector.response is not None
    for size in sizes(vector.response):
        assert read(Reception[Any](None), vector.response, size) == expected(vector)


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
