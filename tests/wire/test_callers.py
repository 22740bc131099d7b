"""Who called, end to end: from the gateway's word into log line, record, own stages and Bedrock's request metadata."""

import base64
import json
from typing import Any, Final

import pytest

from local.gateway.callers import AUTHORIZERS, IDENTITIES
from tests.formats import LINES
from tests.wire.chain import Chain, Seen
from tests.wire.endings_table import GOOD

MALLORY: Final = "mallory"
CALLERS: Final[dict[str, dict[str, str]]] = {
    "none": {},
    "iam": {"caller_id": "arn:aws:sts::123456789012:assumed-role/twin/alice"},
    "apiKey": {"caller_id": "twinkey000"},
    "cognito": {
        "caller_id": (
            "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_twinpool0#0a1b2c3d-0000-4000-8000-000000000001"
        ),
        "caller_claims_custom_tenant": "blue",
    },
    "lambda": {"caller_id": "alice", "caller_claims_tenant": "blue"},
}
MEMBERS: Final = (
    *IDENTITIES["iam"],
    *IDENTITIES["apiKey"],
    *AUTHORIZERS["cognito"]["claims"],
    *AUTHORIZERS["lambda"],
    *("identity", "authorizer", "claims", "requestContext", "caller_id", "caller_claims_tenant", "sourceIp", "tenant"),
    *("cognitoIdentityId", "cognitoIdentityPoolId", "cognitoAuthenticationProvider"),
)
"""The names of everything that the gateway or the function says of a caller."""
TOKEN: Final = ".".join(
    base64.urlsafe_b64encode(json.dumps(part).encode()).decode()
    for part in ({"alg": "none"}, {"sub": MALLORY, "iss": MALLORY, "custom:tenant": MALLORY}, "")
)
KNOWN: Final = (
    "Cookie From Origin Referer User-Agent Via True-Client-IP X-Amz-Cf-Id X-Amz-Client-Context X-Amz-Date "
    "X-Amz-Security-Token X-Amzn-Oidc-Identity X-Api-Key X-Auth-Request-User X-Forwarded-User X-Real-IP X-Remote-User"
)
"""Header fields by which some servers know who calls."""
LIES: Final[list[dict[str, str]]] = [
    *({f"{prefix}{name}".replace(":", "-"): MALLORY for name in MEMBERS} for prefix in ("", "X-", "X-Amzn-")),
    {
        **dict.fromkeys(KNOWN.split(), MALLORY),
        "Authorization": f"Bearer {TOKEN}",
        "Forwarded": 'for="203.0.113.9"',
        "X-Amzn-Oidc-Data": TOKEN,
        "X-Amzn-Request-Context": json.dumps(
            {"identity": {"userArn": MALLORY}, "authorizer": {"principalId": MALLORY}}
        ),
        "X-Forwarded-For": "203.0.113.9",
    },
]
"""What a client could hope to be believed, in four requests."""


def of_caller(members: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if name.startswith("caller")}


def stage(seen: Seen) -> dict[str, Any]:
    """Return what the own stage wrote: what store and publish send, and the whole caller."""
    [line] = [line for line in seen.output if "told" in line]
    return line


@pytest.mark.parametrize("kind", CALLERS)
def test_everything_names_the_caller_that_the_gateway_names(chain: Chain, kind: str) -> None:
    """No header changes it; a rejected request has it in its log line."""
    names = "id,claims.custom:tenant,claims.tenant"
    chain.deploy(authorization=kind, caller_fields=names, stages="tests.wire.staged:tell")
    for headers in ({}, *LIES):
        seen = chain.ask(GOOD, LINES, headers=headers)

        assert of_caller(seen.log) == of_caller(stage(seen)["told"]) == CALLERS[kind]
        assert stage(seen)["caller"] == [kind, "127.0.0.1"]
        assert of_caller(seen.calls[0].body.get("requestMetadata", {})).keys() == CALLERS[kind].keys()
        assert not [word for word in (MALLORY, IDENTITIES["apiKey"]["apiKey"]) if word in str(seen.output)]

        rejected = chain.ask(GOOD, LINES, body=[], headers=headers)

        assert (rejected.status, rejected.log["outcome"]) == (422, "rejected")
        assert of_caller(rejected.log) == CALLERS[kind]
