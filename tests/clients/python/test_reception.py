"""Every vector, however its bytes are cut."""

from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

import pytest

from streaming_llm_client.errors import StreamCut, StreamError
from streaming_llm_client.reception import Reception
from tests.clients.vectors.vector import Response, Vector, sent, vectors

VECTORS = vectors()
BYTEWISE_LIMIT = 100_000


def as_they_come(response: Response) -> Iterator[bytes]:
    return map(sent, response.pieces)


def at_once(response: Response) -> Iterator[bytes]:
    return iter([response.body])


def byte_by_byte(response: Response) -> Iterator[bytes]:
    step = 1 if len(response.body) < BYTEWISE_LIMIT else 65_537
    return (response.body[start : start + step] for start in range(0, len(response.body), step))


def received(response: Response, pieces: Iterator[bytes], reception: Reception[Any], seen: list[Any]) -> None:
    """Give a response to the reception, and note what it shows."""
    headers = {name.lower(): value for name, value in response.headers.items()}
    if not reception.begin(response.status, headers):
        raise reception.refused(b"".join(pieces))
    for data in pieces:
        seen.extend(deepcopy(partial.value) for partial in reception.feed(data))
        if reception.is_complete:
            return
    seen.extend(deepcopy(partial.value) for partial in reception.end())


@pytest.mark.parametrize("vector", [each for each in VECTORS if each.response], ids=lambda each: each.name)
def test_a_vector_is_read_as_expected(vector: Vector) -> None:
    for cut in (as_they_come, at_once, byte_by_byte):
        assert_read(vector, cut)


def assert_read(vector: Vector, cut: Callable[[Response], Iterator[bytes]]) -> None:
    assert vector.response is not None
    expected, reception, seen = vector.expected, Reception[Any](None), list[Any]()
    error: StreamError | None = None
    try:
        received(vector.response, cut(vector.response), reception, seen)
    except StreamError as raised:
        error = raised

    assert seen == expected["partials"]
    assert reception.model == expected.get("model")
    assert [path for path in expected["closed"] if not reception.growing.is_closed(path)] == []
    assert reception.growing.is_closed("") is ("" in expected["closed"])
    if error is None:
        assert expected["outcome"] == "complete"
        assert (reception.answer, reception.stop_reason) == (expected["value"], expected["stopReason"])
        assert (reception.usage and reception.usage.model_dump(by_alias=True, exclude_none=True)) == expected["usage"]
        assert reception.output_tokens_estimated == expected.get("outputTokensEstimated")
        assert reception.request_id == expected.get("requestId")
    else:
        assert isinstance(error, StreamCut) is (expected["outcome"] == "cut")
        assert expected["outcome"] != "complete"
        assert (error.code, error.status) == (expected["code"], expected["status"])
        assert (error.retry_after, error.problem) == (expected.get("retryAfter"), expected.get("problem"))
        assert error.request_id == expected.get("requestId")
        assert error.partial == expected.get("partial")
