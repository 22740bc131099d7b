"""The caller in the event, in the shapes of API Gateway's developer guide."""

from typing import Any

import pytest

from local.gateway.callers import AUTHORIZERS, IDENTITIES, authorization
from local.gateway.proxy_event import proxy_event
from tests.local.gateway.test_proxy_event import a_request


def context(kind: str) -> Any:
    return proxy_event(a_request(authorization=kind))["requestContext"]


def test_a_signed_request_has_the_identity_of_its_session() -> None:
    identity = context("iam")["identity"]

    assert identity["userArn"] == "arn:aws:sts::123456789012:assumed-role/twin/alice"
    assert identity["user"] == identity["caller"] == "AROATWIN:alice"
    assert (identity["accountId"], identity["sourceIp"]) == ("123456789012", "192.0.2.7")
    assert "authorizer" not in context("iam")


def test_a_key_comes_with_its_id_and_its_value() -> None:
    identity = context("apiKey")["identity"]

    assert (identity["apiKeyId"], identity["apiKey"]) == ("twinkey000", "the-value-of-a-key")
    assert identity["userArn"] is None


def test_the_claims_of_a_token_are_texts() -> None:
    claims = context("cognito")["authorizer"]["claims"]

    assert {"sub", "iss", "cognito:username"} <= claims.keys()
    assert all(isinstance(value, str) for value in claims.values())


def test_the_context_of_an_authorizer_function_is_flat_and_of_texts() -> None:
    authorizer = context("lambda")["authorizer"]

    assert authorizer["principalId"] == "alice"
    assert [name for name, value in authorizer.items() if not isinstance(value, str)] == ["integrationLatency"]


def test_without_authorization_nobody_is_known() -> None:
    assert "authorizer" not in context("none")
    assert {value for name, value in context("none")["identity"].items() if name != "sourceIp"} == {None, "curl/8"}


@pytest.mark.parametrize(("environment", "kind"), [({}, "none"), ({"LLM_AUTHORIZATION": "cognito"}, "cognito")])
def test_the_authorization_is_that_of_the_deployed_function(environment: dict[str, str | None], kind: str) -> None:
    assert authorization(environment) == kind


def test_every_kind_has_a_caller() -> None:
    assert {*IDENTITIES, *AUTHORIZERS} == {"iam", "apiKey", "cognito", "lambda"}
