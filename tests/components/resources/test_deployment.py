"""When a deployment is replaced: whenever anything that shapes the API changes, and never otherwise."""

import json
from collections.abc import Mapping
from typing import Any, cast

import pulumi
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from components import StreamingLlmApi, StreamingLlmApiArgs
from components.resources.deployment import json_hash
from tests.components.options_table import JUDGE, POOL
from tests.components.recording import Declared, declare

A, B = "https://a.example", "https://b.example"


def _declared(**args: Any) -> Declared:
    given_args = cast("StreamingLlmApiArgs", args)
    return declare(lambda: StreamingLlmApi("llm", given_args))


def _shape(**args: Any) -> str:
    shape = _declared(**args).one("Deployment").inputs["triggers"]["shape"]
    assert isinstance(shape, str)
    return shape


def test_a_deployment_comes_after_everything_that_it_is_a_snapshot_of() -> None:
    by_lambda = {"authorization": "lambda", "authorizer": {"function_arn": JUDGE}}
    declared = _declared(endpoint="private", vpc_endpoint={"id": "vpce-1"}, **by_lambda)
    kinds = ("RestApi", "RestApiPolicy", "Resource", "Authorizer", "Method", "Integration", "MethodResponse")
    parts = {resource.name for kind in (*kinds, "IntegrationResponse", "Response") for resource in declared.of(kind)}
    assert len(parts) == 12
    assert parts <= declared.one("Deployment").dependencies


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
    """The fingerprint of each of the shapes."""
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


def test_a_preview_of_an_api_that_is_yet_to_be_made_claims_no_fingerprint_of_it() -> None:
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
    declared = declare(lambda: StreamingLlmApi("llm", {}, renamed))
    assert (
        declared.one("Integration", "-stream").inputs["uri"].endswith(":function:other/response-streaming-invocations")
    )
    assert declared.one("Deployment").inputs["triggers"]["shape"] != _shape()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(JSON, JSON)
def test_the_hash_tells_values_apart(one: object, other: object) -> None:
    same = json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
    assert (json_hash(one) == json_hash(other)) is same


@given(st.dictionaries(st.text(max_size=3), st.integers(-1000, 1000), max_size=5))
def test_neither_order_nor_the_wires_floats_change_the_hash(value: dict[str, int]) -> None:
    backwards = {key: float(value[key]) for key in reversed(list(value))}
    assert json_hash(value) == json_hash(backwards)
