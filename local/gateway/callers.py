"""Who calls, as the gateway tells the function in ``requestContext``: one caller, made up, for each authorization.

The local stack lets everybody in, as an authorization would let in this caller. No header decides who it is.
docs.aws.amazon.com/apigateway/latest/developerguide: "Variables for data transformations" (``$context.identity``),
"Output from an API Gateway Lambda authorizer", "Integrate a REST API with an Amazon Cognito user pool" (the claims)
"""

from collections.abc import Mapping
from typing import Any, Final

from ..lambda_.deployment import ACCOUNT, REGION

AUTHORIZATION_VARIABLE: Final = "LLM_AUTHORIZATION"
POOL: Final = f"{REGION}_twinpool0"

IDENTITIES: Final[Mapping[str, Mapping[str, str]]] = {
    "iam": {
        "accessKey": "ASIATWIN",
        "accountId": ACCOUNT,
        "caller": "AROATWIN:alice",
        "principalOrgId": "o-twin",
        "user": "AROATWIN:alice",
        "userArn": f"arn:aws:sts::{ACCOUNT}:assumed-role/twin/alice",
    },
    "apiKey": {"apiKey": "the-value-of-a-key", "apiKeyId": "twinkey000"},
}
"""Members of ``identity``. The value of an API key is in it, although nobody should keep it."""

AUTHORIZERS: Final[Mapping[str, Mapping[str, Any]]] = {
    "cognito": {
        "claims": {
            "sub": "0a1b2c3d-0000-4000-8000-000000000001",
            "iss": f"https://cognito-idp.{REGION}.amazonaws.com/{POOL}",
            "cognito:username": "alice",
            "custom:tenant": "blue",
            "token_use": "id",
            "exp": "Sat Mar 14 12:00:00 UTC 2026",
        }
    },
    "lambda": {"principalId": "alice", "tenant": "blue", "isAdmin": "false", "integrationLatency": 12},
}
"""The member ``authorizer``: the claims of a token as texts, or the context of an authorizer function, whose values the
gateway turns into texts."""


def authorization(environment: Mapping[str, str | None]) -> str:
    """Return the authorization in the function's variables, where the component sets it."""
    return environment.get(AUTHORIZATION_VARIABLE) or "none"
