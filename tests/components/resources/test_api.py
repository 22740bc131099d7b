"""The API: STREAM mode, preflight, errors, deployment, stage, and when a deployment is made anew."""

import json
from collections.abc import Callable, Mapping
from typing import Any, cast

import pulumi
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from components import StreamingLlmApi, StreamingLlmApiArgs
from components.arguments import Authorization, Endpoint
from components.resources.deployment import digest
from tests.components.options_table import JUDGE, POOL
from tests.components.preflight import answer_to_preflight
from tests.components.recording import Declared, declare

A, B = "https://a.example", "https://b.example"


def _declared(**args: Any) -> Declared:  # noqa: ANN401 any argument
    given_args = cast("StreamingLlmApiArgs", args)
    return declare(lambda: StreamingLlmApi("llm", given_args))


def _shape(**args: Any) -> str:  # noqa: ANN401 any argument
    shape = _declared(**args).one("Deployment").inputs["triggers"]["shape"]
    assert isinstance(shape, str)
    return shape


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


def test_the_throttle_is_on_post_stream_alone() -> None:
    [throttle] = _declared().of("MethodSettings")
    assert throttle.inputs["methodPath"] == "stream/POST"
    settings = throttle.inputs["settings"]
    assert (settings["throttlingRateLimit"], settings["throttlingBurstLimit"]) == (1, 5)


def test_the_first_deployment_needs_no_account_wide_role() -> None:
    declared = _declared()
    assert "accessLogSettings" not in declared.one("Stage").inputs
    assert not declared.of("Account")
    assert [it.inputs["settings"]["loggingLevel"] for it in declared.of("MethodSettings")] == ["OFF"]


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


def test_an_api_key_comes_with_its_plan_and_quota() -> None:
    declared = _declared(authorization="apiKey", quota={"limit": 100, "period": "WEEK"})
    plan = declared.one("UsagePlan").inputs
    assert plan["apiStages"] == [{"apiId": "llm-api-id", "stage": "v1"}]
    assert plan["quotaSettings"] == {"limit": 100.0, "period": "WEEK"}
    key = declared.one("UsagePlanKey").inputs
    assert (key["keyId"], key["usagePlanId"]) == ("llm-key-id", "llm-usage-plan-id")


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


@pytest.mark.parametrize("edge", [True, False])
def test_a_domain_has_the_kind_of_its_endpoint(edge: bool) -> None:  # noqa: FBT001 a parameter of the test
    domain = {"name": "llm.example.com", "certificate": "arn:aws:acm:x", "zone": "Z1"}
    declared = _declared(endpoint="edge" if edge else "regional", domain=domain)
    named, mapping = declared.one("DomainName").inputs, declared.one("BasePathMapping").inputs
    record = declared.one("Record").inputs
    assert named["certificateArn" if edge else "regionalCertificateArn"] == "arn:aws:acm:x"
    assert named["securityPolicy"] == "TLS_1_2"
    assert (mapping["basePath"], mapping["stageName"]) == ("v1", "v1")
    kind = "edge" if edge else "regional"
    assert record["aliases"][0]["name"] == f"llm-domain.{kind}.example"
    assert declared.outputs["llm"]["domainTarget"] == f"llm-domain.{kind}.example"


def test_a_web_acl_stands_before_the_stage() -> None:
    association = _declared(web_acl="arn:aws:wafv2:x").one("WebAclAssociation").inputs
    assert association["webAclArn"] == "arn:aws:wafv2:x"
    assert association["resourceArn"].endswith("/stages/v1")


def test_without_origins_the_preflight_is_there_and_allows_nothing() -> None:
    """OPTIONS and both gateway responses always exist: a removed method would outlive its last picture."""
    declared = _declared()
    assert answer_to_preflight(declared, {"Origin": A}) == {}
    assert json.loads(declared.one("Integration", "preflight").inputs["requestTemplates"]["application/json"]) == {
        "statusCode": 204,
    }
    assert {it.inputs["responseType"] for it in declared.of("Response")} == {"DEFAULT_4XX", "DEFAULT_5XX"}


def test_one_origin_is_a_literal_everywhere() -> None:
    declared = _declared(allowed_origins=[A])
    for headers in ({"Origin": A}, {"Origin": B}, {}):
        assert answer_to_preflight(declared, headers)["Access-Control-Allow-Origin"] == A
    for response in declared.of("Response"):
        field = "gatewayresponse.header.Access-Control-Allow-Origin"
        assert response.inputs["responseParameters"][field] == f"'{A}'"


@pytest.mark.parametrize(
    ("headers", "allowed"),
    [
        ({"Origin": A}, A),
        ({"origin": B}, B),
        ({"Origin": "https://evil.example"}, None),
        ({"Origin": f"{A}.evil.example"}, None),
        ({"Origin": "null"}, None),
        ({}, None),
    ],
)
def test_of_several_origins_the_preflight_answers_exactly_the_callers(
    headers: Mapping[str, str],
    allowed: str | None,
) -> None:
    answer = answer_to_preflight(_declared(allowed_origins=[A, B]), headers)
    assert answer.get("Access-Control-Allow-Origin") == allowed
    assert answer["Vary"] == "Origin"


def test_with_several_origins_the_gateways_own_errors_say_any() -> None:
    """They cannot know the caller's, and carry no content."""
    for response in _declared(allowed_origins=[A, B]).of("Response"):
        field = "gatewayresponse.header.Access-Control-Allow-Origin"
        assert response.inputs["responseParameters"][field] == "'*'"


@pytest.mark.parametrize(
    ("args", "headers"),
    [
        ({}, "Content-Type"),
        (
            {"authorization": "iam"},
            "Content-Type, Authorization, X-Amz-Date, X-Amz-Security-Token, X-Amz-Content-Sha256",
        ),
        ({"authorization": "apiKey"}, "Content-Type, X-Api-Key"),
        ({"authorization": "cognito", "authorizer": {"user_pools": [POOL]}}, "Content-Type, Authorization"),
        (
            {"authorization": "lambda", "authorizer": {"function_arn": JUDGE, "header": "X-Token"}},
            "Content-Type, X-Token",
        ),
    ],
)
def test_allowed_headers_follow_the_authorization(args: Mapping[str, Any], headers: str) -> None:
    declared = _declared(allowed_origins=[A], **args)
    assert answer_to_preflight(declared, {})["Access-Control-Allow-Headers"] == headers


def test_the_gateways_own_errors_are_problems_with_the_request_id() -> None:
    for response in _declared().of("Response"):
        template = response.inputs["responseTemplates"]["application/json"]
        filled = (
            template.replace("$context.error.responseType", "THROTTLED")
            .replace("$context.error.messageString", '"Too Many \\"Requests\\""')
            .replace("$context.requestId", "r-1")
        )
        assert "$" not in filled
        assert json.loads(filled) == {
            "type": "urn:streaming-llm:problem:THROTTLED",
            "title": "The gateway did not pass the request on.",
            "code": "THROTTLED",
            "detail": 'Too Many "Requests"',
            "requestId": "r-1",
        }
        content_type = response.inputs["responseParameters"]["gatewayresponse.header.Content-Type"]
        assert content_type == "'application/problem+json'"


def test_a_deployment_comes_after_everything_that_it_takes_a_picture_of() -> None:
    declared = _declared(endpoint="private", vpc_endpoint={"id": "vpce-1"}, **AUTHORIZATIONS[4][0])
    kinds = ("RestApi", "RestApiPolicy", "Resource", "Authorizer", "Method", "Integration", "MethodResponse")
    pictured = {it.name for kind in (*kinds, "IntegrationResponse", "Response") for it in declared.of(kind)}
    assert len(pictured) == 12
    assert pictured <= declared.one("Deployment").dependencies


SHAPING: list[dict[str, Any]] = [
    {"timeout": 60},
    {"endpoint": "edge"},
    {"endpoint": "private", "vpc_endpoint": {"id": "vpce-1"}},
    {"endpoint": "private", "vpc_endpoint": {"id": "vpce-2"}},
    {"allowed_origins": [A]},
    {"allowed_origins": [B]},
    {"allowed_origins": [A, B]},
    {"allowed_origins": ["*"]},
    {"authorization": "iam"},
    {"authorization": "apiKey"},
    {"authorization": "cognito", "authorizer": {"user_pools": [POOL]}},
    {"authorization": "cognito", "authorizer": {"user_pools": [POOL], "scopes": ["a"]}},
    {"authorization": "cognito", "authorizer": {"user_pools": [POOL], "header": "X-Token"}},
    {"authorization": "lambda", "authorizer": {"function_arn": JUDGE}},
    {"authorization": "lambda", "authorizer": {"function_arn": JUDGE, "cache_seconds": 0}},
    {"authorization": "lambda", "authorizer": {"function_arn": f"{JUDGE}2"}},
]
"""No two of these make the same API."""

NEUTRAL: dict[str, st.SearchStrategy[Any]] = {
    "memory": st.integers(128, 10240),
    "log_retention": st.sampled_from([1, 3, 7, 365]),
    "reserved_concurrency": st.integers(0, 100),
    "throttle": st.fixed_dictionaries({"rate": st.integers(1, 50), "burst": st.integers(1, 50)}),
    "tags": st.dictionaries(st.sampled_from(["team", "cost"]), st.text("abc", max_size=3)),
    "dashboard": st.just({}),
    "alarm_topic": st.just("arn:aws:sns:eu-central-1:123456789012:alarms"),
    "access_log": st.booleans(),
    "web_acl": st.just("arn:aws:wafv2:x"),
    "store": st.sampled_from(["none", "dynamodb"]),
    "sink": st.sampled_from(["log", "sns"]),
}
"""What concerns the function, the stage or what stands beside them."""


@pytest.fixture(scope="module")
def shapes() -> list[str]:
    """The picture of each of the shapes."""
    return [_shape(**args) for args in SHAPING]


def test_any_change_of_what_shapes_the_api_makes_a_new_deployment(shapes: list[str]) -> None:
    assert len({_shape(), *shapes}) == len(SHAPING) + 1


@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(number=st.integers(0, len(SHAPING) - 1), beside=st.fixed_dictionaries({}, optional=NEUTRAL))
def test_any_other_change_keeps_the_deployment(shapes: list[str], number: int, beside: dict[str, Any]) -> None:
    assert _shape(**SHAPING[number], **beside) == shapes[number]


@pytest.mark.parametrize("number", range(len(SHAPING)))
def test_a_preview_of_a_stack_that_stays_announces_no_new_deployment(shapes: list[str], number: int) -> None:
    """The SDK calls what is not set unknown there; protected, such a deployment would stop every change."""
    args = cast("StreamingLlmApiArgs", SHAPING[number])
    previewed = declare(lambda: StreamingLlmApi("llm", args), preview=True)
    assert previewed.one("Deployment").inputs["triggers"]["shape"] == shapes[number]


def test_a_preview_of_an_api_that_is_yet_to_be_made_claims_no_picture_of_it() -> None:
    declared = declare(lambda: StreamingLlmApi("llm", {}), preview=True, made=False)
    assert pulumi.contains_unknowns(declared.one("Deployment").inputs["triggers"]["shape"])


def _transform(kind: str, change: Mapping[str, Any]) -> pulumi.ResourceOptions:
    """The options of a component whose user changes a child."""

    def transform(args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult | None:
        if args.type_ != kind:
            return None
        return pulumi.ResourceTransformationResult(props={**args.props, **change}, opts=args.opts)

    return pulumi.ResourceOptions(transformations=[transform])


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("aws:apigateway/integration:Integration", {"timeout_milliseconds": 77_000}),
        ("aws:apigateway/method:Method", {"request_parameters": {"method.request.header.X-Team": True}}),
        ("aws:apigateway/response:Response", {"response_templates": {"application/json": "{}"}}),
        ("aws:apigateway/restApi:RestApi", {"binary_media_types": ["image/png"]}),
    ],
)
def test_what_a_user_changes_by_a_transform_goes_live_too(kind: str, change: Mapping[str, Any]) -> None:
    declared = declare(lambda: StreamingLlmApi("llm", {}, _transform(kind, change)))
    assert declared.one("Deployment").inputs["triggers"]["shape"] != _shape()


def test_a_replaced_function_goes_live_too() -> None:
    """Its URI is an output: another name is another API."""
    renamed = _transform("aws:lambda/function:Function", {"name": "other"})
    shape: Callable[[Declared], str] = lambda found: found.one("Deployment").inputs["triggers"]["shape"]  # noqa: E731
    declared = declare(lambda: StreamingLlmApi("llm", {}, renamed))
    assert (
        declared.one("Integration", "-stream").inputs["uri"].endswith(":function:other/response-streaming-invocations")
    )
    assert shape(declared) != _shape()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(JSON, JSON)
def test_the_hash_tells_values_apart(one: object, other: object) -> None:
    same = json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
    assert (digest(one) == digest(other)) is same


@given(st.dictionaries(st.text(max_size=3), st.integers(-1000, 1000), max_size=5))
def test_neither_order_nor_the_wires_floats_change_the_hash(value: dict[str, int]) -> None:
    backwards = {key: float(value[key]) for key in reversed(list(value))}
    assert digest(value) == digest(backwards)
