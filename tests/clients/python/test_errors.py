import pytest

from streaming_llm_client import errors
from streaming_llm_client.errors import (
    AnswerFailed,
    EndpointFailed,
    RequestRefused,
    StreamError,
    Unavailable,
    kind_of,
)
from tests.clients.vectors.vector import vectors

REPORTED = {
    (vector.expected["code"], vector.expected["status"])
    for vector in vectors()
    if vector.expected["outcome"] == "failed" and "status" in vector.expected and vector.expected["code"] != "protocol"
}


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("body_invalid", 422, RequestRefused),
        ("tenant_locked", 423, RequestRefused),
        ("MISSING_AUTHENTICATION_TOKEN", 403, RequestRefused),
        ("http_404", 404, RequestRefused),
        ("model_busy", 429, Unavailable),
        ("quota_exhausted", 429, Unavailable),
        ("THROTTLED", 429, Unavailable),
        ("model_unavailable", 503, Unavailable),
        ("answer_truncated", 502, AnswerFailed),
        ("answer_of_the_future", 500, AnswerFailed),
        ("model_failed", 502, EndpointFailed),
        ("internal", 500, EndpointFailed),
        ("INTEGRATION_TIMEOUT", 504, EndpointFailed),
        ("http_204", 204, EndpointFailed),
    ],
)
def test_a_failure_is_of_the_class_that_says_what_to_do(code: str, status: int, kind: type[StreamError]) -> None:
    assert kind_of(code, status) is kind


def test_the_tree_is_the_one_that_is_drawn() -> None:
    drawn = [line.split()[1] for line in (errors.__doc__ or "").splitlines() if "─" in line]
    assert set(drawn) == {each.__name__ for each in _below(StreamError)}


def _below(kind: type[StreamError]) -> list[type[StreamError]]:
    return [below for each in kind.__subclasses__() for below in (each, *_below(each))]


@pytest.mark.parametrize(("code", "status"), sorted(REPORTED))
def test_every_reported_failure_has_a_class_of_its_own(code: str, status: int) -> None:
    assert kind_of(code, status) is not StreamError
