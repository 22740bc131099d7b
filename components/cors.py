"""What a browser is told before and beside an answer (fetch.spec.whatwg.org, CORS protocol): templates of the gateway.

One allowed origin is a literal everywhere. Of several, preflight and function answer exactly the caller's; the
gateway's own errors cannot know the caller's and carry no content: they say ``*``.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Final

EXPOSED_HEADERS: Final = "X-Request-Id, x-amzn-RequestId"
"""What a page may read of an answer, as in the function's own answers."""

PREFLIGHT_SECONDS: Final = 600
"""How long a browser may remember a preflight."""

PREFLIGHT_HEADERS: Final = (
    "Access-Control-Allow-Headers",
    "Access-Control-Allow-Methods",
    "Access-Control-Allow-Origin",
    "Access-Control-Max-Age",
    "Vary",
)
"""What a preflight's answer may have, declared whatever the origins: one is never declared too late or withdrawn
while a mapping still names it."""

NO_CONTENT: Final = {"application/json": json.dumps({"statusCode": 204})}
"""The request template of a MOCK integration that answers 204."""

PROBLEM: Final = {
    "application/json": (
        '{"type": "urn:streaming-llm:problem:$context.error.responseType", '
        '"title": "The gateway did not pass the request on.", '
        '"code": "$context.error.responseType", '
        '"detail": $context.error.messageString, '
        '"requestId": "$context.requestId"}'
    ),
}
"""The body of the gateway's own errors (RFC 9457). A plain template, not VTL; ``messageString`` brings its quotes."""


def preflight_headers(origins: Sequence[str], allowed_headers: Sequence[str]) -> dict[str, str]:
    """Return the constant header fields of the preflight's answer; none without origins."""
    if not origins:
        return {}
    several = len(origins) > 1
    return {
        "Access-Control-Allow-Methods": "POST",
        "Access-Control-Allow-Headers": ", ".join(allowed_headers),
        "Access-Control-Max-Age": str(PREFLIGHT_SECONDS),
        **({"Vary": "Origin"} if several else {"Access-Control-Allow-Origin": origins[0]}),
    }


def preflight_template(origins: Sequence[str]) -> Mapping[str, str] | None:
    """Return the VTL that lets the caller's origin in if it is one of several; header names keep the client's case."""
    if len(origins) < 2:  # noqa: PLR2004 one is a constant header field
        return None
    equal = " || ".join(f"$origin == '{origin}'" for origin in origins)
    lines = [
        "#set($origin = $input.params('Origin'))",
        "#if($origin == '')#set($origin = $input.params('origin'))#end",
        f"#if({equal})#set($context.responseOverride.header.Access-Control-Allow-Origin = $origin)#end",
    ]
    return {"application/json": "\n".join(lines)}


def error_headers(origins: Sequence[str]) -> dict[str, str]:
    """Return the header fields of the gateway's own errors."""
    cors = {
        "Access-Control-Allow-Origin": origins[0] if len(origins) == 1 else "*",
        "Access-Control-Expose-Headers": EXPOSED_HEADERS,
    }
    return {"Content-Type": "application/problem+json", **(cors if origins else {})}


def as_literals(prefix: str, headers: Mapping[str, str]) -> dict[str, str]:
    """Return header fields as the gateway's parameters: quoted, under ``prefix`` (``method.response.header`` …)."""
    return {f"{prefix}.{name}": f"'{value}'" for name, value in headers.items()}
