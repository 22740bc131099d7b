"""The gateway's part of CORS (fetch.spec.whatwg.org, CORS protocol): the preflight and the gateway's own errors.

A single allowed origin is a literal in every response. If several are allowed, the responses of the preflight and the
function name the caller's origin. The gateway's own errors cannot know it; they contain no content and allow ``*``.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Final

import pulumi
import pulumi_aws as aws

from ..arguments import Authorization
from ..contract import EXPOSED_HEADERS
from ..options import Options
from .scope import Scope

PREFLIGHT_SECONDS: Final = 600
"""Seconds for which a browser can cache a preflight."""

REQUEST_HEADERS: Final = ("Content-Type", "Accept", "Last-Event-ID", "traceparent", "Cache-Control")
"""What clients send to any endpoint: one header that a preflight does not allow fails the page's whole request. Readers
of Server-Sent Events send ``Cache-Control`` and ``Last-Event-ID``, tracing libraries ``traceparent``."""

PREFLIGHT_HEADERS: Final = (
    "Access-Control-Allow-Headers",
    "Access-Control-Allow-Methods",
    "Access-Control-Allow-Origin",
    "Access-Control-Max-Age",
    "Vary",
)
"""Every header field that a preflight's response can have. All are declared for any list of origins: AWS accepts a
mapping only to a declared field, and an update may change them in either order."""

NO_CONTENT: Final = {"application/json": json.dumps({"statusCode": 204})}
"""The request template of a MOCK integration that responds with 204."""

PROBLEM: Final = {
    "application/json": (
        '{"type": "urn:streaming-llm:problem:$context.error.responseType", '
        '"title": "The gateway did not pass the request on.", '
        '"code": "$context.error.responseType", '
        '"detail": $context.error.messageString, '
        '"requestId": "$context.requestId"}'
    ),
}
"""The body of the gateway's own errors (RFC 9457). A plain template, not VTL; ``messageString`` has its own quotes."""


def preflight_headers(origins: Sequence[str], allowed_headers: Sequence[str]) -> dict[str, str]:
    """Return the constant header fields of the preflight's response; none without origins."""
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
    """Return the VTL that allows the caller's origin if it is one of several. Header names keep the client's case."""
    if len(origins) < 2:  # noqa: PLR2004 - a single origin is a constant header field
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


def allowed_headers(options: Options) -> list[str]:
    """Return the request headers that a page can send: those of any client, and those that the authorization reads."""
    token = options.authorizer.header
    by_authorization = {
        Authorization.IAM: ["Authorization", "X-Amz-Date", "X-Amz-Security-Token", "X-Amz-Content-Sha256"],
        Authorization.API_KEY: ["X-Api-Key"],
        Authorization.COGNITO: [token],
        Authorization.LAMBDA: [token],
    }
    return [*REQUEST_HEADERS, *by_authorization.get(options.authorization, [])]


def preflight(
    scope: Scope,
    options: Options,
    rest_api: aws.apigateway.RestApi,
    resource: aws.apigateway.Resource,
) -> list[pulumi.CustomResource]:
    """Declare OPTIONS, even without origins: a removed method would stay in the deployment that still has it."""
    headers = preflight_headers(options.allowed_origins, allowed_headers(options))
    method = aws.apigateway.Method(
        scope.child("options"),
        rest_api=rest_api.id,
        resource_id=resource.id,
        http_method="OPTIONS",
        authorization="NONE",
        api_key_required=False,
        opts=scope.options(),
    )
    integration = aws.apigateway.Integration(
        scope.child("preflight"),
        rest_api=rest_api.id,
        resource_id=resource.id,
        http_method=method.http_method,
        type="MOCK",
        request_templates=NO_CONTENT,
        opts=scope.options(),
    )
    response = aws.apigateway.MethodResponse(
        scope.child("preflight-response"),
        rest_api=rest_api.id,
        resource_id=resource.id,
        http_method=method.http_method,
        status_code="204",
        response_parameters={f"method.response.header.{name}": True for name in PREFLIGHT_HEADERS},
        opts=scope.options(),
    )
    mapping = aws.apigateway.IntegrationResponse(
        scope.child("preflight-mapping"),
        rest_api=rest_api.id,
        resource_id=resource.id,
        http_method=method.http_method,
        status_code=response.status_code,
        response_parameters=as_literals("method.response.header", headers),
        response_templates=preflight_template(options.allowed_origins),
        opts=scope.options(after=[integration]),
    )
    return [method, integration, response, mapping]


def gateway_responses(
    scope: Scope,
    options: Options,
    rest_api: aws.apigateway.RestApi,
) -> list[pulumi.CustomResource]:
    """Declare the gateway's own errors: one response for 4xx, one for 5xx."""
    headers = as_literals("gatewayresponse.header", error_headers(options.allowed_origins))
    return [
        aws.apigateway.Response(
            scope.child(f"errors-{family}"),
            rest_api_id=rest_api.id,
            response_type=f"DEFAULT_{family.upper()}",
            response_parameters=headers,
            response_templates=PROBLEM,
            opts=scope.options(),
        )
        for family in ("4xx", "5xx")
    ]
