"""The event (payload format 1.0) that the gateway makes of a request."""

import base64
import re
import secrets
import time
import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from ..lambda_.deployment import ACCOUNT, REGION
from .callers import AUTHORIZERS, IDENTITIES
from .routes import STAGE

API_ID = "twin000000"
CHOSEN_ID = re.compile(r"[\w!#$%&'*+.^`|~-]{1,128}", re.ASCII)
"""An id that a client may give its request (`X-Amzn-RequestId`; "Clients can override this request ID"). Sources differ
on its form; this is the widest."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request as the gateway received it."""

    method: str
    path: str
    query: str
    fields: Sequence[tuple[str, str]]
    body: bytes
    source_ip: str
    port: int
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    trace_id: str = field(default_factory=lambda: f"Root=1-{int(time.time()):08x}-{secrets.token_hex(12)}")
    extended_id: str = field(default_factory=lambda: base64.b64encode(secrets.token_bytes(11)).decode())
    """The gateway's second id, which no client can choose."""
    at: float = field(default_factory=time.time)
    """Seconds since the epoch."""
    authorization: str = "none"
    """What let the caller in."""

    @property
    def resource(self) -> str:
        """The path below the stage."""
        return self.path.removeprefix(f"/{STAGE}")

    def header(self, name: str) -> str | None:
        """Return the last value of a field, its name in any case."""
        return next((value for key, value in reversed(self.fields) if key.lower() == name.lower()), None)


def request_id(chosen: str | None) -> str:
    """Return the id of a request whose client sent ``chosen`` in ``X-Amzn-RequestId``, or no such field."""
    return chosen if chosen and CHOSEN_ID.fullmatch(chosen) else str(uuid.uuid4())


def proxy_event(request: Request, binary_media_types: Collection[str] = ()) -> dict[str, Any]:
    """Return the event (payload format 1.0) for a request."""
    forwarded = [
        ("X-Amzn-Trace-Id", request.trace_id),
        ("X-Forwarded-For", request.source_ip),
        ("X-Forwarded-Port", str(request.port)),
        ("X-Forwarded-Proto", "http"),
    ]
    headers = _by_name([*request.fields, *forwarded])
    query: dict[str, list[str]] = {}
    for name, value in parse_qsl(request.query, keep_blank_values=True):
        query.setdefault(name, []).append(value)
    media_type = (request.header("Content-Type") or "").split(";")[0].strip()
    is_binary = bool({media_type, "*/*"} & set(binary_media_types))
    text = base64.b64encode(request.body).decode() if is_binary else request.body.decode(errors="replace")
    return {
        "resource": request.resource,
        "path": request.resource,
        "httpMethod": request.method,
        "headers": _last(headers),
        "multiValueHeaders": headers,
        "queryStringParameters": _last(query) or None,
        "multiValueQueryStringParameters": query or None,
        "pathParameters": None,
        "stageVariables": None,
        "requestContext": _request_context(request),
        "body": text or None,
        "isBase64Encoded": is_binary and bool(text),
    }


def _request_context(request: Request) -> dict[str, Any]:
    authorizer = AUTHORIZERS.get(request.authorization)
    unknown = ["cognitoIdentityPoolId", "accountId", "cognitoIdentityId", "caller", "principalOrgId", "accessKey"]
    unknown += ["cognitoAuthenticationType", "cognitoAuthenticationProvider", "userArn", "user"]
    return {
        "resourceId": "twin01",
        "resourcePath": request.resource,
        "httpMethod": request.method,
        "extendedRequestId": request.extended_id,
        "requestTime": time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(request.at)),
        "path": request.path,
        "accountId": ACCOUNT,
        "protocol": "HTTP/1.1",
        "stage": STAGE,
        "domainPrefix": API_ID,
        "requestTimeEpoch": int(request.at * 1000),
        "requestId": request.id,
        "domainName": f"{API_ID}.execute-api.{REGION}.amazonaws.com",
        "deploymentId": "twin02",
        "apiId": API_ID,
        "identity": {
            **dict.fromkeys(unknown),
            "sourceIp": request.source_ip,
            "userAgent": request.header("User-Agent"),
            **IDENTITIES.get(request.authorization, {}),
        },
        **({"authorizer": authorizer} if authorizer else {}),
    }


def _by_name(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Collect the values of each name; a name keeps the case of its first occurrence."""
    names: dict[str, str] = {}
    values: dict[str, list[str]] = {}
    for name, value in pairs:
        values.setdefault(names.setdefault(name.lower(), name), []).append(value)
    return values


def _last(values: Mapping[str, Sequence[str]]) -> dict[str, str]:
    return {name: several[-1] for name, several in values.items()}
