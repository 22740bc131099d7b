"""Arguments that contradict each other fail with a message that names both."""

import re
from typing import Any, cast

import pytest

from components import InvalidArgument, StreamingLlmApiArgs
from components.parsing import checked
from tests.components.options_table import CERTIFICATE, JUDGE, POOL
from tests.components.options_table import PROFILE as APPLICATION

CONTRADICTIONS: list[tuple[dict[str, Any], str]] = [
    (
        {"model_regions": ["eu-west-1"]},
        "modelRegions requires a geographic or application inference profile; modelId global.anthropic",
    ),
    (
        {"profile_model": "anthropic.claude-opus-5"},
        "profileModel requires an application inference profile; modelId global.anthropic",
    ),
    (
        {"profile_model": "anthropic.claude-opus-5", "model_id": APPLICATION},
        "profileModel requires modelRegions: without them Bedrock is asked for the model.",
    ),
    ({"fallback_after": 5}, "fallbackAfter requires fallbackModels."),
    (
        {"fallback_models": ["anthropic.claude-opus-4-8"], "fallback_after": 50, "timeout": 60},
        "fallbackAfter must be below 50, the time of the answer; got 50.",
    ),
    (
        {"model_id": "anthropic.claude-opus-5", "fallback_models": ["anthropic.claude-opus-5"]},
        "fallbackModels must not contain modelId, which is anthropic.claude-opus-5.",
    ),
    (
        {"routes": {"invoice": {"fallback_after": 5}}},
        "routes.invoice: fallbackAfter requires fallbackModels.",
    ),
    ({"endpoint": "private"}, "endpoint: private requires vpcEndpoint."),
    ({"vpc_endpoint": {"id": "vpce-1"}}, "vpcEndpoint requires endpoint: private."),
    (
        {
            "endpoint": "private",
            "vpc_endpoint": {"id": "vpce-1"},
            "domain": {"name": "a.example", "certificate": CERTIFICATE},
        },
        "domain cannot be combined with endpoint: private.",
    ),
    ({"endpoint": "edge", "head_within": 25.5}, "headWithin must be at most 25 with endpoint: edge; got 25.5."),
    ({"head_within": 291}, "headWithin must be at most 290 with endpoint: regional; got 291."),
    ({"stage_timeout": 3}, "stageTimeout requires stages."),
    ({"stage_content": True}, "stageContent requires stages."),
    ({"prepare_timeout": 3}, "prepareTimeout requires prepare."),
    ({"prepare": "a:b"}, "Set code to the folder that contains the modules named by prepare."),
    (
        {"prepare": "a:b", "code": ".", "timeout": 60, "prepare_timeout": 51},
        "prepareTimeout must be at most 50, the time of the answer; got 51.",
    ),
    ({"stages": ["a:b"]}, "Set code to the folder that contains the modules named by stages."),
    (
        {"stages": ["a:b"], "code": ".", "timeout": 5},
        "stages must leave half of timeout for the answer; set timeout to 7 or more, or a stageTimeout below 2. Got ",
    ),
    (
        {"stages": ["a:b"], "code": ".", "timeout": 100, "stage_timeout": 500},
        "stages must leave half of timeout for the answer; set a stageTimeout below 500. Got timeout: 100.",
    ),
    ({"authorization": "cognito"}, "authorization: cognito requires authorizer.userPools."),
    ({"authorization": "lambda"}, "authorization: lambda requires authorizer.functionArn."),
    ({"authorizer": {"user_pools": [POOL]}}, "authorizer requires authorization: cognito or lambda."),
    (
        {"authorization": "cognito", "authorizer": {"user_pools": [POOL], "function_arn": JUDGE}},
        "authorizer takes either userPools or functionArn; got both.",
    ),
    (
        {"authorization": "lambda", "authorizer": {"function_arn": JUDGE, "scopes": ["a"]}},
        "authorizer.scopes requires authorization: cognito.",
    ),
    ({"caller_fields": ["id"]}, "callerFields requires authorization: iam, apiKey, cognito or lambda."),
    ({"quota": {"limit": 5, "period": "DAY"}}, "quota requires authorization: apiKey."),
    ({"manage_account_logging": True}, "manageAccountLogging requires accessLog: true."),
    ({"environment_key_through_lambda": False}, "environmentKeyThroughLambda: false requires kmsKey."),
    ({"schema": "schemas:Invoice"}, "Set code to the folder that contains the modules named by schema."),
    (
        {"requirements": "requirements.txt"},
        "requirements requires code: set code to the folder ",
    ),
    (
        {"routes": {"invoice": {"schema": "desk:Invoice"}}},
        "routes.invoice: Set code to the folder that contains the modules named by schema.",
    ),
    (
        {"routes": {"invoice": {"model_regions": ["eu-west-1"]}}},
        "routes.invoice: modelRegions requires a geographic or application inference profile; modelId global.",
    ),
    (
        {"routes": {"a": {}, "options-a": {}}},
        "routes: rename options-a: beside the route a, two children of the component would be called throttle-options-",
    ),
    ({"routes": {"a": {}, "response-a": {}}}, "routes: rename response-a: beside the route a, two children"),
]


@pytest.mark.parametrize(("args", "message"), CONTRADICTIONS, ids=lambda value: str(value)[:60])
def test_a_contradiction_is_named(args: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidArgument, match=rf"^{re.escape(message)}"):
        checked(cast("StreamingLlmApiArgs", args))


def test_a_route_can_do_without_the_models_that_follow_those_of_the_others() -> None:
    models: StreamingLlmApiArgs = {"fallback_models": ["anthropic.claude-opus-5"], "fallback_after": 90}
    options = checked({**models, "routes": {"quick": {"fallback_models": []}, "sure": {}}})
    assert [(route.options.fallback_models, route.options.fallback_after) for route in options.routes.values()] == [
        ((), None),
        (("anthropic.claude-opus-5",), 90),
    ]


def test_regions_can_be_those_of_a_model_that_follows() -> None:
    checked({"fallback_models": ["eu.anthropic.claude-opus-5"], "model_regions": ["eu-west-1"]})


def test_an_empty_group_asks_for_nothing() -> None:
    checked({"authorizer": {}})
