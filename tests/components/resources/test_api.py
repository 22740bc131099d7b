"""The API: STREAM mode, authorization, stage, logs and URL."""

import json
from collections.abc import Mapping
from itertools import pairwise
from typing import Any, cast

import pytest

from components import StreamingLlmApi, StreamingLlmApiArgs
from components.arguments import Authorization, Endpoint
from tests.components.options_table import JUDGE, POOL
from tests.components.recording import Declared, declare


def _declared(**args: Any) -> Declared:
    given_args = cast("StreamingLlmApiArgs", args)
    return declare(lambda: StreamingLlmApi("llm", given_args))


def test_post_streams_from_the_function() -> None:
    declared = _declared(timeout=300)
    integration = declared.one("Integration", "-stream").inputs
    function = declared.one("Function")
    assert integration["type"] == "AWS_PROXY"
    assert (integration["httpMethod"], integration["integrationHttpMethod"]) == ("POST", "POST")
    assert integration["responseTransferMode"] == "STREAM"
    assert integration["uri"].endswith(f":function:{function.name}/response-streaming-invocations")
    assert integration["timeoutMilliseconds"] == 310_000
    assert declared.one("Resource").inputs["pathPart"] == "stream"


def test_the_gateway_may_call_the_function_for_this_method_alone() -> None:
    permission = _declared().one("Permission").inputs
    assert permission["action"] == "lambda:InvokeFunction"
    assert permission["principal"] == "apigateway.amazonaws.com"
    assert permission["sourceArn"].endswith(":llm-api-id/*/POST/stream")


@pytest.mark.parametrize("endpoint", list(Endpoint))
def test_the_endpoints_type_is_always_said(endpoint: Endpoint) -> None:
    """The provider's default is edge, with its 30 seconds."""
    private = {"vpc_endpoint": {"id": "vpce-1"}} if endpoint is Endpoint.PRIVATE else {}
    configuration = _declared(endpoint=endpoint, **private).one("RestApi").inputs["endpointConfiguration"]
    assert configuration["types"] == endpoint.upper()


def test_the_stage_is_v1_and_traced_and_comes_after_the_permission() -> None:
    stage = _declared().one("Stage")
    assert stage.inputs["stageName"] == "v1"
    assert stage.inputs["xrayTracingEnabled"] is True
    assert {"llm-permission", "llm-deployment"} <= stage.dependencies


def test_requests_and_preflights_have_a_throttle_each() -> None:
    """The stage takes one update at a time, so one comes after the other."""
    requests, preflights = _declared(throttle={"rate": 2, "burst": 7}).of("MethodSettings")
    for throttle, path in ((requests, "stream/POST"), (preflights, "stream/OPTIONS")):
        assert throttle.inputs["methodPath"] == path
        settings = throttle.inputs["settings"]
        assert (settings["throttlingRateLimit"], settings["throttlingBurstLimit"]) == (2, 7)
    assert requests.name in preflights.dependencies


def test_the_first_deployment_needs_no_account_wide_role() -> None:
    declared = _declared()
    assert "accessLogSettings" not in declared.one("Stage").inputs
    assert not declared.of("Account")
    assert [resource.inputs["settings"]["loggingLevel"] for resource in declared.of("MethodSettings")] == ["OFF", "OFF"]


def test_logging_that_is_taken_back_is_said_to_be_off() -> None:
    """Left out, the level would stay, and the gateway would make the group anew that the stack has just deleted."""
    before, after = (_declared(access_log=on).one("MethodSettings", "-throttle").inputs for on in (True, False))
    assert before["methodPath"] == after["methodPath"]
    assert before["settings"].keys() == after["settings"].keys()
    assert (before["settings"]["loggingLevel"], after["settings"]["loggingLevel"]) == ("ERROR", "OFF")


def test_access_and_execution_log_come_together_and_never_with_content() -> None:
    declared = _declared(access_log=True)
    stage = declared.one("Stage")
    line = json.loads(stage.inputs["accessLogSettings"]["format"])
    assert stage.inputs["accessLogSettings"]["destinationArn"].endswith(":log-group:llm-access-log")
    assert {"requestId", "status", "latency", "integrationLatency", "timeToFirstByte", "caller"} <= line.keys()
    assert all(value.startswith("$context.") for value in line.values())
    assert declared.one("LogGroup", "-execution-log").inputs["name"] == "API-Gateway-Execution-Logs_llm-api-id/v1"
    assert {"llm-access-log", "llm-execution-log"} <= stage.dependencies
    for settings_of in declared.of("MethodSettings"):
        assert settings_of.inputs["settings"]["dataTraceEnabled"] is False
        assert settings_of.inputs["settings"]["loggingLevel"] == "ERROR"


AUTHORIZATIONS: list[tuple[dict[str, Any], str, bool]] = [
    ({}, "NONE", False),
    ({"authorization": "iam"}, "AWS_IAM", False),
    ({"authorization": "apiKey"}, "NONE", True),
    ({"authorization": "cognito", "authorizer": {"user_pools": [POOL]}}, "COGNITO_USER_POOLS", False),
    ({"authorization": "lambda", "authorizer": {"function_arn": JUDGE}}, "CUSTOM", False),
]


@pytest.mark.parametrize(("args", "authorization", "key_required"), AUTHORIZATIONS)
def test_each_authorization_is_on_post_and_never_on_the_preflight(
    args: Mapping[str, Any],
    authorization: str,
    *,
    key_required: bool,
) -> None:
    declared = _declared(**args)
    post, options = declared.one("Method", "-post").inputs, declared.one("Method", "-options").inputs
    assert (post["authorization"], post["apiKeyRequired"]) == (authorization, key_required)
    assert (options["authorization"], options["apiKeyRequired"]) == ("NONE", False)
    assert ("authorizerId" in post) == bool(declared.of("Authorizer"))


def test_user_pools_judge_by_token_or_by_scope() -> None:
    pools = {"user_pools": [POOL], "scopes": ["llm/ask"]}
    declared = _declared(authorization=Authorization.COGNITO, authorizer=pools)
    authorizer = declared.one("Authorizer").inputs
    assert authorizer["type"] == "COGNITO_USER_POOLS"
    assert authorizer["providerArns"] == [POOL]
    assert authorizer["identitySource"] == "method.request.header.Authorization"
    assert declared.one("Method", "-post").inputs["authorizationScopes"] == ["llm/ask"]


def test_a_lambda_authorizer_may_be_called_by_the_gateway_and_by_it_alone() -> None:
    judge = {"function_arn": JUDGE, "header": "X-Token", "cache_seconds": 0}
    declared = _declared(authorization=Authorization.LAMBDA, authorizer=judge)
    authorizer = declared.one("Authorizer").inputs
    permission = declared.one("Permission", "authorizer-permission").inputs
    assert authorizer["type"] == "TOKEN"
    assert authorizer["authorizerUri"] == (
        f"arn:aws:apigateway:eu-central-1:lambda:path/2015-03-31/functions/{JUDGE}/invocations"
    )
    assert authorizer["identitySource"] == "method.request.header.X-Token"
    assert authorizer["authorizerResultTtlInSeconds"] == 0
    assert permission["function"] == JUDGE
    assert permission["sourceArn"].endswith(":llm-api-id/authorizers/llm-authorizer-id")


def test_the_policy_of_a_private_api_comes_before_its_deployment() -> None:
    declared = _declared(endpoint="private", vpc_endpoint={"id": "vpce-1"})
    assert declared.one("RestApiPolicy").name in declared.one("Deployment").dependencies
    assert declared.one("RestApi").inputs["endpointConfiguration"]["vpcEndpointIds"] == ["vpce-1"]


@pytest.mark.parametrize(
    ("args", "url"),
    [
        ({}, "https://llm-api-id.execute-api.eu-central-1.amazonaws.com/v1/stream"),
        (
            {"endpoint": "private", "vpc_endpoint": {"id": "vpce-1"}},
            "https://llm-api-id.execute-api.eu-central-1.amazonaws.com/v1/stream",
        ),
        (
            {"endpoint": "private", "vpc_endpoint": {"id": "vpce-1", "private_dns": False}},
            "https://llm-api-id-vpce-1.execute-api.eu-central-1.amazonaws.com/v1/stream",
        ),
        (
            {"domain": {"name": "llm.example.com", "certificate": "arn:aws:acm:x"}},
            "https://llm.example.com/v1/stream",
        ),
    ],
)
def test_the_url_is_the_whole_endpoint(args: Mapping[str, Any], url: str) -> None:
    assert _declared(**args).outputs["llm"]["url"] == url


ROUTES: dict[str, Any] = {"invoice": {"throttle": {"rate": 2, "burst": 3}}, "triage": {}}


def test_each_route_has_its_own_children_with_its_name_as_suffix() -> None:
    declared = _declared(routes=ROUTES, authorization="iam")
    kinds = ("Resource", "Method", "Integration", "MethodResponse", "IntegrationResponse", "Permission")
    names = {child.name for kind in kinds for child in declared.of(kind)}
    ours = (
        "path", "post", "stream", "options", "preflight", "preflight-response", "preflight-mapping", "permission",
    )  # fmt: skip
    assert names == {f"llm-{child}-{route}" for child in ours for route in ROUTES}
    assert {child.inputs["pathPart"] for child in declared.of("Resource")} == {"invoice", "triage"}
    permitted = {child.inputs["sourceArn"].rpartition("/*")[2] for child in declared.of("Permission")}
    assert permitted == {"/POST/invoice", "/POST/triage"}
    for route in ROUTES:
        post = declared.one("Method", f"-post-{route}").inputs
        integration = declared.one("Integration", f"-stream-{route}").inputs
        assert post["authorization"] == "AWS_IAM"
        assert integration["resourceId"] == post["resourceId"] == f"llm-path-{route}-id"
        assert integration["responseTransferMode"] == "STREAM"
    assert {"llm-permission-invoice", "llm-permission-triage"} <= declared.one("Stage").dependencies
    assert names - declared.one("Deployment").dependencies == {"llm-permission-invoice", "llm-permission-triage"}


def test_each_route_has_a_throttle_of_its_own() -> None:
    """And the preflights of each one. The stage takes one update at a time."""
    found = _declared(routes=ROUTES, access_log=True, throttle={"rate": 9, "burst": 9}).of("MethodSettings")
    limits = {each.inputs["methodPath"]: each.inputs["settings"].get("throttlingRateLimit") for each in found}
    assert limits == {
        "invoice/POST": 2, "invoice/OPTIONS": 2, "triage/POST": 9, "triage/OPTIONS": 9, "*/*": None,
    }  # fmt: skip
    for before, after in pairwise(found):
        assert before.name in after.dependencies


@pytest.mark.parametrize(
    ("args", "urls"),
    [
        ({}, {"stream": "https://llm-api-id.execute-api.eu-central-1.amazonaws.com/v1/stream"}),
        (
            {"routes": ROUTES, "domain": {"name": "llm.example.com", "certificate": "arn:aws:acm:x"}},
            {"invoice": "https://llm.example.com/v1/invoice", "triage": "https://llm.example.com/v1/triage"},
        ),
        (
            {"routes": {"stream": {}}, "endpoint": "private", "vpc_endpoint": {"id": "vpce-1", "private_dns": False}},
            {"stream": "https://llm-api-id-vpce-1.execute-api.eu-central-1.amazonaws.com/v1/stream"},
        ),
    ],
)
def test_there_is_a_url_for_each_route(args: Mapping[str, Any], urls: dict[str, str]) -> None:
    outputs = _declared(**args).outputs["llm"]
    [some, *_] = urls.values()
    assert outputs["urls"] == urls
    assert outputs["url"] == (some.rpartition("/")[0] if "routes" in args else some)
