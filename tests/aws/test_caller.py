"""Who sent a request. The events have the shapes that API Gateway's developer guide shows for each authorization."""

from dataclasses import FrozenInstanceError
from typing import Any, Final, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from function.aws.caller import caller_of, named_fields
from function.contract import Authorization, Settings, read_settings
from function.endpoint import Caller, CallerKind
from tests.aws.test_gateway import JSON

SECRET: Final = "the-secret-key"
IP: Final = "192.0.2.7"
USER: Final = "arn:aws:iam::111122223333:user/alice"
POOL: Final = "eu-central-1:0b52f7d2-0000-4000-8000-000000000001"
ISSUER: Final = "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_abc"


def identity(**members: object) -> dict[str, object]:
    """Return ``identity`` as it is for a caller of whom nothing is known, and what ``members`` say."""
    names = ["cognitoIdentityPoolId", "accountId", "cognitoIdentityId", "caller", "principalOrgId", "accessKey"]
    names += ["cognitoAuthenticationType", "cognitoAuthenticationProvider", "userArn", "user", "apiKey", "apiKeyId"]
    return {**dict.fromkeys(names), "sourceIp": IP, "userAgent": "curl/8", **members}


def an_event(context: dict[str, Any]) -> dict[str, Any]:
    return {"resource": "/stream", "httpMethod": "POST", "headers": {}, "requestContext": context}


OF_IAM: Final = an_event(
    {
        "identity": identity(
            userArn=USER,
            caller="AIDAEXAMPLE",
            user="AIDAEXAMPLE",
            accountId="111122223333",
            accessKey="AKIAEXAMPLE",
            apiKey=SECRET,
            apiKeyId="key-1",
        )
    }
)
OF_IDENTITY_POOL: Final = an_event(
    {
        "identity": identity(
            userArn="arn:aws:sts::111122223333:assumed-role/web/CognitoIdentityCredentials",
            cognitoIdentityPoolId="eu-central-1:pool",
            cognitoIdentityId=POOL,
            cognitoAuthenticationType="authenticated",
            cognitoAuthenticationProvider="cognito-idp.eu-central-1.amazonaws.com/eu-central-1_abc",
        )
    }
)
OF_API_KEY: Final = an_event({"identity": identity(apiKey=SECRET, apiKeyId="key-1")})
CLAIMS: Final = {
    "sub": "0a1b",
    "iss": ISSUER,
    "cognito:username": "alice",
    "custom:tenant": "blue",
    "token_use": "id",
    "exp": "Sat Mar 14 12:00:00 UTC 2026",
}
OF_COGNITO: Final = an_event({"identity": identity(), "authorizer": {"claims": CLAIMS}})
OF_LAMBDA: Final = an_event(
    {
        "identity": identity(apiKey=SECRET, apiKeyId="key-1"),
        "authorizer": {
            "principalId": "user-7",
            "integrationLatency": 412,
            "tenant": "blue",
            "numberKey": "1",
            "booleanKey": "true",
        },
    }
)
OF_NOBODY: Final = an_event({"identity": identity(), "authorizer": None})


@pytest.mark.parametrize(
    ("authorization", "event", "expected"),
    [
        ("none", OF_NOBODY, Caller("none", None, {}, IP)),
        ("iam", OF_IAM, Caller("iam", USER, {}, IP)),
        (
            "iam",
            OF_IDENTITY_POOL,
            Caller(
                "iam",
                "arn:aws:sts::111122223333:assumed-role/web/CognitoIdentityCredentials",
                {
                    "cognitoIdentityId": POOL,
                    "cognitoIdentityPoolId": "eu-central-1:pool",
                    "cognitoAuthenticationProvider": "cognito-idp.eu-central-1.amazonaws.com/eu-central-1_abc",
                },
                IP,
            ),
        ),
        ("apiKey", OF_API_KEY, Caller("apiKey", "key-1", {}, IP)),
        ("cognito", OF_COGNITO, Caller("cognito", f"{ISSUER}#0a1b", CLAIMS, IP)),
        (
            "lambda",
            OF_LAMBDA,
            Caller("lambda", "user-7", {"tenant": "blue", "numberKey": "1", "booleanKey": "true"}, IP),
        ),
    ],
)
def test_the_gateway_says_who_the_caller_is(authorization: str, event: object, expected: Caller) -> None:
    caller = caller_of(event, Authorization(authorization))
    assert caller == expected
    assert SECRET not in repr(caller)


@pytest.mark.parametrize("event", [OF_IAM, OF_API_KEY, OF_COGNITO, OF_LAMBDA])
def test_without_authorization_nobody_is_known(event: object) -> None:
    """A key that a client sends without being asked is in the event, and proves nothing."""
    assert caller_of(event, Authorization.NONE) == Caller("none", None, {}, IP)


@pytest.mark.parametrize("authorization", Authorization)
@pytest.mark.parametrize(
    "event",
    [
        None,
        "ping",
        {},
        {"requestContext": None},
        an_event({"identity": None, "authorizer": None}),
        an_event({"identity": [], "authorizer": "x"}),
        an_event({"identity": {"userArn": {}, "apiKeyId": [], "sourceIp": None}, "authorizer": {"claims": []}}),
        an_event({"identity": {"userArn": "", "apiKeyId": ""}, "authorizer": {"principalId": "", "claims": {}}}),
        an_event({"authorizer": {"principalId": None, "claims": {"sub": "0a1b"}}}),
        an_event({"authorizer": {"claims": {"iss": ISSUER, "sub": None}}}),
    ],
)
def test_what_is_missing_or_of_another_type_is_unknown(authorization: Authorization, event: object) -> None:
    caller = caller_of(event, authorization)
    assert (caller.kind, caller.id, caller.source_ip) == (authorization.value, None, None)


@given(JSON, st.sampled_from(Authorization))
def test_any_event_has_a_caller(value: object, authorization: Authorization) -> None:
    for event in (value, {"requestContext": value}, an_event({"identity": value, "authorizer": value})):
        caller = caller_of(event, authorization)
        assert all(isinstance(text, str) and text for text in [*caller.claims.values(), caller.id or "-"])


def test_a_context_of_an_authorizer_is_read_as_texts() -> None:
    """API Gateway makes texts of numbers and booleans; what is neither cannot come."""
    context = {"principalId": 7, "level": 3, "admin": True, "none": None, "list": ["x"]}
    caller = caller_of(an_event({"authorizer": context}), Authorization.LAMBDA)
    assert (caller.id, dict(caller.claims)) == ("7", {"level": "3", "admin": "true"})


def test_every_authorization_is_a_kind_of_caller() -> None:
    assert get_args(CallerKind) == tuple(Authorization)


def test_nothing_in_a_caller_can_be_changed() -> None:
    given_claims = {"tenant": "blue"}
    caller = Caller("lambda", "user-7", given_claims)
    given_claims["tenant"] = "red"
    with pytest.raises(FrozenInstanceError):
        caller.id = "other"  # type: ignore[misc]
    with pytest.raises(TypeError):
        caller.claims["tenant"] = "red"  # type: ignore[index]
    assert caller.claims["tenant"] == "blue"


def settings(fields: str) -> Settings:
    return read_settings({"LLM_CALLER_FIELDS": fields})


def test_the_named_fields_have_names_that_need_no_quotes() -> None:
    named = settings("id,claims.custom:tenant,claims.https://a.example/role,claims.missing").caller_fields
    claims = {"custom:tenant": "blue", "https://a.example/role": "ü" * 300}
    assert named_fields(Caller("lambda", "user-7", claims), named) == {
        "caller_id": "user-7",
        "caller_claims_custom_tenant": "blue",
        "caller_claims_https___a_example_role": "ü" * 256,
    }


def test_an_unknown_caller_has_no_fields() -> None:
    assert named_fields(Caller(), settings("id,claims.sub").caller_fields) == {}
