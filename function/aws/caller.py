"""Who sent a request: read from the event's ``requestContext``, which the gateway alone writes.

The members depend on the authorization (docs.aws.amazon.com/apigateway/latest/developerguide: "Input format of a Lambda
function for proxy integration", "Output from an API Gateway Lambda authorizer", "Variables for data transformations").
No header is read, and never ``identity.apiKey``, which is the key itself.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from ..contract import Authorization, caller_member
from ..endpoint import Caller

VALUE_LIMIT: Final = 256
"""Characters of a value in logs and records. Bedrock's request metadata takes no more."""
_IDENTITY_POOL: Final = ("cognitoIdentityId", "cognitoIdentityPoolId", "cognitoAuthenticationProvider")
"""What tells apart the users of a Cognito identity pool: all of them have the ARN of one session."""
_NO_CLAIMS: Final = frozenset({"principalId", "integrationLatency"})
"""Members beside the context that an authorizer function returned."""


def caller_of(event: object, authorization: Authorization) -> Caller:
    """Return the caller in a proxy event; any member can be missing, null or of another type."""
    context = _object(_object(event).get("requestContext"))
    identity, authorizer = _object(context.get("identity")), _object(context.get("authorizer"))
    found: str | None = None
    claims: dict[str, str] = {}
    if authorization is Authorization.IAM:
        found = _text(identity.get("userArn"))
        claims = _claims({name: identity.get(name) for name in _IDENTITY_POOL})
    elif authorization is Authorization.API_KEY:
        found = _text(identity.get("apiKeyId"))
    elif authorization is Authorization.COGNITO:
        claims = _claims(_object(authorizer.get("claims")))
        found = f"{claims['iss']}#{claims['sub']}" if {"iss", "sub"} <= claims.keys() else None
    elif authorization is Authorization.LAMBDA:
        found = _text(authorizer.get("principalId"))
        claims = _claims({name: value for name, value in authorizer.items() if name not in _NO_CLAIMS})
    return Caller(authorization.value, found, claims, _text(identity.get("sourceIp")))


def named_fields(caller: Caller, names: Iterable[str]) -> dict[str, str]:
    """Return what ``callerFields`` names, by the names of the members of logs and records; what is missing is absent.

    Values are cut at 256 characters.
    """
    return {caller_member(name): value[:VALUE_LIMIT] for name, value in _named(caller, names)}


def _named(caller: Caller, names: Iterable[str]) -> Iterator[tuple[str, str]]:
    for name in names:
        value = caller.id if name == "id" else caller.claims.get(name.removeprefix("claims."))
        if value is not None:
            yield name, value


def _claims(members: Mapping[str, object]) -> dict[str, str]:
    texts = {name: _text(value) for name, value in members.items()}
    return {name: text for name, text in texts.items() if text is not None}


def _object(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str | None:
    """Return a text, or a number or boolean as the gateway makes texts of them; None for nothing and anything else."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return str(value)
    return value if isinstance(value, str) and value else None
