"""The tree of errors, the problem documents made of them, and the chain of their causes."""

import json
from collections.abc import Iterator

import pytest

from function.contract import Outcome
from function.stream.errors import (
    AnswerInvalid,
    BodyInvalid,
    Internal,
    ModelBusy,
    PromptTooLong,
    RequestError,
    StreamError,
    as_stream_error,
    causes,
    drop_frames,
)


def _all(kind: type[StreamError] = StreamError) -> Iterator[type[StreamError]]:
    for each in kind.__subclasses__():
        if "code" in vars(each):
            yield each
        yield from _all(each)


ERRORS = list(_all())


def test_every_code_is_used_once() -> None:
    codes = [error.code for error in ERRORS]

    assert len(set(codes)) == len(codes) > 15


@pytest.mark.parametrize("error", ERRORS)
def test_every_error_has_a_status_of_its_kind(error: type[StreamError]) -> None:
    """A client's mistake is a 4xx and rejected, whoever finds it; the rest is for others to mend."""
    if issubclass(error, RequestError):
        assert 400 <= error.status < 500
        assert error.outcome is Outcome.REJECTED
        assert error.retry_after is None
    elif error is PromptTooLong:
        assert (error.status, error.outcome, error.retry_after) == (413, Outcome.REJECTED, None)
    else:
        assert error.status == 429 or error.status >= 500
        assert error.outcome not in {Outcome.REJECTED, Outcome.COMPLETED, Outcome.CANCELLED}
    assert error.title.endswith(".")


def test_a_problem_is_a_document_of_rfc_9457() -> None:
    error = AnswerInvalid("/keywords/1", "string_type")

    assert error.as_problem("req-1") == {
        "type": "urn:streaming-llm:problem:answer_invalid",
        "title": "The model's answer breaks its schema.",
        "status": 502,
        "code": "answer_invalid",
        "path": "/keywords/1",
        "rule": "string_type",
        "requestId": "req-1",
    }
    assert error.headers == {
        "Content-Type": "application/problem+json",
        "Cache-Control": "no-store",
        "Retry-After": "1",
    }


def test_a_problem_may_have_a_detail_and_members() -> None:
    problem = BodyInvalid("Why.", errors=[{"path": "/a", "rule": "missing"}]).as_problem("req-1")

    assert (problem["detail"], problem["errors"]) == ("Why.", [{"path": "/a", "rule": "missing"}])
    assert "Retry-After" not in BodyInvalid().headers
    json.dumps(problem)


def test_only_errors_of_the_tree_are_reported_as_they_are() -> None:
    busy, unknown = ModelBusy(), KeyError("secret")

    assert as_stream_error(busy) is busy
    internal = as_stream_error(unknown)
    assert isinstance(internal, Internal)
    assert internal.__cause__ is unknown
    assert "secret" not in json.dumps(internal.as_problem("req-1"))


def test_a_chain_of_causes_that_leads_back_to_itself_ends() -> None:
    first, second = ValueError(), KeyError()
    first.__cause__, second.__cause__ = second, first

    assert list(causes(first)) == [first, second]
    drop_frames(first)


def _fail() -> None:
    try:
        int("x")
    except ValueError as error:
        raise KeyError from error


def test_all_frames_of_a_chain_are_dropped_and_the_chain_stays() -> None:
    with pytest.raises(KeyError) as caught:
        _fail()
    error = caught.value
    assert [each.__traceback__ is None for each in causes(error)] == [False, False]
    drop_frames(error)

    assert [type(each) for each in causes(error)] == [KeyError, ValueError]
    assert [each.__traceback__ is None for each in causes(error)] == [True, True]
    drop_frames(None)
