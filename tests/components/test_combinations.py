"""Any options together: whatever is asked for at once, the program is whole and as the provider publishes it."""

import json
from typing import Any, cast

from hypothesis import given, settings
from hypothesis import strategies as st

from components import StreamingLlmApi, StreamingLlmApiArgs
from components.contract import SINKS
from tests.components.options_table import CERTIFICATE, JUDGE, KEY, POOL, TOPIC, WEB_ACL
from tests.components.published import arguments, misfits
from tests.components.recording import declare

HAIKU = "anthropic.claude-haiku-4-5-20251001-v1:0"

WHO: list[dict[str, Any]] = [
    {},
    {"authorization": "iam"},
    {"authorization": "apiKey"},
    {"authorization": "apiKey", "quota": {"limit": 10, "period": "DAY"}},
    {"authorization": "cognito", "authorizer": {"user_pools": [POOL]}},
    {"authorization": "lambda", "authorizer": {"function_arn": JUDGE, "header": "X-Token"}},
]
WHERE: list[dict[str, Any]] = [
    {},
    {"endpoint": "edge"},
    {"endpoint": "private", "vpc_endpoint": {"id": "vpce-1"}},
    {"endpoint": "private", "vpc_endpoint": {"id": "vpce-1", "private_dns": False}},
    {"domain": {"name": "llm.example.com", "certificate": CERTIFICATE}},
    {"endpoint": "edge", "domain": {"name": "llm.example.com", "certificate": CERTIFICATE, "zone": "Z1"}},
]
MODEL: list[dict[str, Any]] = [
    {},
    {"model_id": HAIKU},
    {"model_id": f"eu.{HAIKU}", "model_regions": ["eu-west-1"]},
    {
        "model_id": "arn:aws:bedrock:eu-central-1:123456789012:application-inference-profile/a",
        "model_regions": ["eu-west-1"],
    },
]
LOGS: list[dict[str, Any]] = [{}, {"access_log": True}, {"access_log": True, "manage_account_logging": True}]
BESIDE: dict[str, st.SearchStrategy[Any]] = {
    "sink": st.sampled_from(["log", *SINKS, "firehose:f", f"sns:{TOPIC}"]),
    "store": st.sampled_from(["none", "dynamodb", "dynamodb:t"]),
    "vpc": st.just({"subnets": ["subnet-1"], "security_groups": ["sg-1"]}),
    "kms_key": st.just(KEY),
    "web_acl": st.just(WEB_ACL),
    "alarm_topic": st.just(TOPIC),
    "dashboard": st.just({}),
    "guardrail": st.just("abc:1"),
    "allowed_origins": st.sampled_from([[], ["*"], ["https://a.example"], ["https://a.example", "https://b.example"]]),
    "reserved_concurrency": st.integers(0, 10),
    "timeout": st.sampled_from([5, 120, 890]),
    "tags": st.just({"team": "llm"}),
}


@settings(deadline=None, max_examples=30)
@given(
    who=st.sampled_from(WHO),
    where=st.sampled_from(WHERE),
    model=st.sampled_from(MODEL),
    logs=st.sampled_from(LOGS),
    beside=st.fixed_dictionaries({}, optional=BESIDE),
)
def test_any_options_together_make_a_whole_program(
    who: dict[str, Any],
    where: dict[str, Any],
    model: dict[str, Any],
    logs: dict[str, Any],
    beside: dict[str, Any],
) -> None:
    args = {**who, **where, **model, **logs, **beside, "max_tokens": 100}  # no timeout is too short for so few
    declared = declare(lambda: StreamingLlmApi("llm", cast("StreamingLlmApiArgs", args)))
    for resource in declared.resources:
        if resource.type.startswith("aws:"):
            assert list(misfits(arguments(resource.type), resource.inputs)) == [], resource.name
        assert resource.name == "llm" or resource.parent == "llm" or resource.name.startswith("api-gateway-logging")
    assert declared.outputs["llm"]["url"].endswith("/v1/stream")
    assert {
        resource.name
        for resource in declared.of("RolePolicy")
        if "-may-" in resource.name and "delivery" not in resource.name
    } <= (declared.one("Function").dependencies)
    assert declared.one("Integration", "-stream").inputs["timeoutMilliseconds"] <= 900_000
    assert bool(declared.of("Account")) == bool(logs.get("manage_account_logging"))
    assert bool(declared.warnings()) == (not who or "domain" in where)
    headers = json.dumps([resource.inputs.get("responseParameters", {}) for resource in declared.of("Response")])
    assert ("Access-Control-Allow-Origin" in headers) == bool(beside.get("allowed_origins"))
