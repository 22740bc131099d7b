"""Every failure that a call can have, as an error that names who must act."""

from typing import Any

import boto3
import botocore.session
import pytest
from botocore.exceptions import ClientError

from function.aws.bedrock.errors import BY_CODE, as_model_error
from function.stream.errors import (
    ModelBusy,
    ModelError,
    ModelFailed,
    ModelMisconfigured,
    ModelUnavailable,
)
from local.bedrock.script import BadChecksum, Cut, Error, Event, Fail, Fragment, Refuse, Reset, Step
from local.bedrock.server import Bedrock
from tests.aws.bedrock.models import ask, failure, model


@pytest.mark.parametrize("shape", sorted(BY_CODE))
def test_every_code_before_the_stream_has_its_error(bedrock: Bedrock, shape: str) -> None:
    error = failure(bedrock, Refuse(shape))

    assert type(error) is BY_CODE[shape]
    assert isinstance(error.__cause__, ClientError)


def test_every_exception_of_the_service_is_mapped() -> None:
    """The list is botocore's own model of ConverseStream, errors before the stream and in it."""
    client = boto3.client("bedrock-runtime", region_name="eu-west-1")
    operation: Any = client.meta.service_model.operation_model("ConverseStream")
    events = operation.get_event_stream_output().members
    named = {shape.name for shape in operation.error_shapes}
    named |= {shape.name for shape in events.values() if shape.metadata.get("exception")}

    assert named
    assert named <= BY_CODE.keys()


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("internalServerException", ModelFailed),
        ("modelStreamErrorException", ModelFailed),
        ("validationException", ModelMisconfigured),
        ("throttlingException", ModelBusy),
        ("serviceUnavailableException", ModelUnavailable),
        ("anExceptionOfNextYear", ModelFailed),
    ],
)
def test_an_exception_in_the_stream_has_the_same_error(bedrock: Bedrock, code: str, expected: type[ModelError]) -> None:
    assert type(failure(bedrock, Fragment("{"), Fail(code))) is expected


@pytest.mark.parametrize(
    "step", [BadChecksum(), Cut(), Cut(half_frame=True), Reset(), Error("InternalError")], ids=repr
)
def test_a_stream_that_breaks_is_a_failure_of_the_model(bedrock: Bedrock, step: Step) -> None:
    error = failure(bedrock, Fragment("{"), step)

    assert type(error) is ModelFailed
    assert error.__cause__ is not None


@pytest.mark.parametrize(
    "step",
    [Event("contentBlockDelta"), Event("contentBlockDelta", {"delta": {}}), Event("messageStop")],
    ids=repr,
)
def test_an_event_without_what_its_kind_requires_is_a_failure_of_the_model(bedrock: Bedrock, step: Step) -> None:
    """The stream is damaged; the same request can succeed the next time."""
    assert type(failure(bedrock, Fragment("{"), step)) is ModelFailed


def test_a_refused_connection_is_unavailable(bedrock: Bedrock) -> None:
    bedrock.close()

    with pytest.raises(ModelUnavailable):
        list(ask(model()))


def test_a_connection_that_is_cut_before_the_headers_is_unavailable(bedrock: Bedrock) -> None:
    assert type(failure(bedrock, Reset())) is ModelUnavailable


def test_missing_credentials_are_for_the_operator(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")

    with pytest.raises(ModelMisconfigured):
        list(ask(model(botocore.session.get_session())))  # credentials that were found once stay in a session


def test_an_unknown_error_is_a_failure_of_the_model() -> None:
    assert type(as_model_error(ValueError())) is ModelFailed


@pytest.mark.parametrize(
    ("code", "sentence", "expected"),
    [
        ("AccessDeniedException", "User is not authorized to perform: bedrock:InvokeModelWithResponseStream", True),
        ("AccessDeniedException", "You don't have access to the model with the specified model ID.", True),
        (
            "AccessDeniedException",
            "Access is not allowed from unsupported countries, regions, or territories",
            False,
        ),
        ("ResourceNotFoundException", "Could not resolve the foundation model from the model identifier.", True),
        ("ResourceNotFoundException", "This Model is marked by provider as Legacy", True),
        ("ValidationException", "Invocation of model ID x with on-demand throughput isn\u2019t supported.", True),
        ("ValidationException", "data retention mode 'default' is not available for this model", True),
        ("ValidationException", "The provided model identifier is invalid.", False),
        ("ValidationException", "Operation not allowed", False),
        ("ValidationException", "Malformed input request", False),
        ("ExpiredTokenException", "The security token included in the request is expired", False),
    ],
)
def test_a_refusal_says_whether_another_model_may_answer(code: str, sentence: str, *, expected: bool) -> None:
    error = ClientError({"Error": {"Code": code, "Message": sentence}}, "ConverseStream")
    found = as_model_error(error)
    assert (type(found), found.another_may_answer) == (ModelMisconfigured, expected)
