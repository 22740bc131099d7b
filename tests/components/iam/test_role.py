"""What the role is allowed besides calling its model, as tables; a linter of IAM checks every policy."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from cfnlint.api import lint_all  # type: ignore[import-untyped]  # it ships no types

from components import StreamingLlmApi, StreamingLlmApiArgs
from components.iam.document import Place, Statement
from components.iam.role import (
    delivery_statements,
    key_statements,
    log_statements,
    network_statements,
    private_statements,
    sink_statements,
    store_statements,
    tls_statements,
    tracing_statements,
)
from tests.components.options_table import EVERYTHING
from tests.components.policies import allows, policy, template
from tests.components.recording import Declared, declare

PLACE = Place("aws", "eu-central-1", "123456789012")
HERE = "eu-central-1:123456789012"
GROUP = f"arn:aws:logs:{HERE}:log-group:llm"
KEY = f"arn:aws:kms:{HERE}:key/1"

GRANTS: list[tuple[list[Statement], str, str, bool]] = [
    (log_statements(GROUP), "logs:PutLogEvents", f"{GROUP}:log-stream:a", True),
    (log_statements(f"{GROUP}:*"), "logs:CreateLogStream", f"{GROUP}:log-stream:a", True),
    (log_statements(GROUP), "logs:PutLogEvents", f"{GROUP}-other:log-stream:a", False),
    (log_statements(GROUP), "logs:CreateLogGroup", GROUP, False),
    (sink_statements(f"sns:arn:aws:sns:{HERE}:t", PLACE), "sns:Publish", f"arn:aws:sns:{HERE}:t", True),
    (sink_statements(f"sns:arn:aws:sns:{HERE}:t", PLACE), "sns:Publish", f"arn:aws:sns:{HERE}:u", False),
    (sink_statements("eventbridge:bus", PLACE), "events:PutEvents", f"arn:aws:events:{HERE}:event-bus/bus", True),
    (sink_statements("eventbridge:bus", PLACE), "events:PutEvents", f"arn:aws:events:{HERE}:event-bus/default", False),
    (sink_statements("firehose:f", PLACE), "firehose:PutRecord", f"arn:aws:firehose:{HERE}:deliverystream/f", True),
    (
        sink_statements("firehose:f", PLACE),
        "firehose:PutRecordBatch",
        f"arn:aws:firehose:{HERE}:deliverystream/f",
        False,
    ),
    (sink_statements("log", PLACE), "sns:Publish", f"arn:aws:sns:{HERE}:t", False),
    (store_statements("dynamodb:t", PLACE), "dynamodb:PutItem", f"arn:aws:dynamodb:{HERE}:table/t", True),
    (store_statements("dynamodb:t", PLACE), "dynamodb:PutItem", f"arn:aws:dynamodb:{HERE}:table/t2", False),
    (store_statements("dynamodb:t", PLACE), "dynamodb:GetItem", f"arn:aws:dynamodb:{HERE}:table/t", False),
    (tracing_statements(), "xray:PutTraceSegments", "*", True),
    (tracing_statements(), "xray:GetTraceSummaries", "*", False),
    (delivery_statements("arn:aws:s3:::b", None), "s3:PutObject", "arn:aws:s3:::b/x", True),
    (delivery_statements("arn:aws:s3:::b", None), "s3:GetObject", "arn:aws:s3:::b/x", False),
    (delivery_statements("arn:aws:s3:::b", None), "kms:GenerateDataKey", KEY, False),
]


@pytest.mark.parametrize(("statements", "action", "resource", "allowed"), GRANTS)
def test_each_grant_is_its_actions_on_its_resource(
    statements: list[Statement],
    action: str,
    resource: str,
    *,
    allowed: bool,
) -> None:
    assert allows([policy(statements)], action, resource) is allowed


TOPIC = f"arn:aws:sns:{HERE}:t"
BUS = f"arn:aws:events:{HERE}:event-bus/bus"
VIA, CONTEXT = "kms:ViaService", "kms:EncryptionContext:aws:"


def _via(service: str, region: str = "eu-central-1") -> str:
    return f"{service}.{region}.amazonaws.com"


def _key(sink: str = "log", store: str = "none", *, through_lambda: bool = True) -> list[Statement]:
    return key_statements(KEY, PLACE, sink, store, environment_through_lambda=through_lambda)


DELIVERY = delivery_statements("arn:aws:s3:::b", KEY)

KEY_GRANTS: list[tuple[list[Statement], str, dict[str, str], bool]] = [
    (_key(), "kms:Decrypt", {VIA: _via("lambda")}, True),
    (_key(), "kms:Decrypt", {VIA: _via("lambda", "us-east-1")}, False),
    (_key(), "kms:GenerateDataKey", {VIA: _via("lambda")}, False),
    (_key(), "kms:ScheduleKeyDeletion", {VIA: _via("lambda")}, False),
    (_key(), "kms:Decrypt", {}, False),
    (_key(through_lambda=False), "kms:Decrypt", {}, True),
    (_key(through_lambda=False), "kms:GenerateDataKey", {}, False),
    (_key(), "kms:Decrypt", {VIA: _via("sns")}, False),
    (_key(f"sns:{TOPIC}"), "kms:GenerateDataKey", {VIA: _via("sns")}, True),
    (_key(f"sns:{TOPIC}"), "kms:GenerateDataKey", {}, False),
    (_key("eventbridge:bus"), "kms:Decrypt", {VIA: _via("events"), f"{CONTEXT}events:event-bus:arn": BUS}, True),
    (_key(f"eventbridge:{BUS}"), "kms:Decrypt", {VIA: _via("events"), f"{CONTEXT}events:event-bus:arn": BUS}, True),
    (
        _key("eventbridge:bus"),
        "kms:Decrypt",
        {VIA: _via("events"), f"{CONTEXT}events:event-bus:arn": f"{BUS}-2"},
        False,
    ),
    (_key("firehose:f"), "kms:GenerateDataKey", {VIA: _via("firehose")}, True),
    (_key("firehose:f"), "kms:GenerateDataKey", {VIA: _via("s3")}, False),
    (
        _key(store="dynamodb:t"),
        "kms:Decrypt",
        {VIA: _via("dynamodb"), f"{CONTEXT}dynamodb:tableName": "t"},
        True,
    ),
    (
        _key(store=f"dynamodb:arn:aws:dynamodb:{HERE}:table/t"),
        "kms:Decrypt",
        {VIA: _via("dynamodb"), f"{CONTEXT}dynamodb:tableName": "t"},
        True,
    ),
    (
        _key(store="dynamodb:t"),
        "kms:Decrypt",
        {VIA: _via("dynamodb"), f"{CONTEXT}dynamodb:tableName": "other"},
        False,
    ),
    (_key(store="dynamodb:t"), "kms:Decrypt", {VIA: _via("dynamodb")}, False),
    (DELIVERY, "kms:GenerateDataKey", {VIA: _via("s3"), f"{CONTEXT}s3:arn": "arn:aws:s3:::b"}, True),
    (DELIVERY, "kms:GenerateDataKey", {VIA: _via("s3"), f"{CONTEXT}s3:arn": "arn:aws:s3:::b/2026/x"}, True),
    (DELIVERY, "kms:GenerateDataKey", {VIA: _via("s3"), f"{CONTEXT}s3:arn": "arn:aws:s3:::b2/x"}, False),
    (DELIVERY, "kms:GenerateDataKey", {f"{CONTEXT}s3:arn": "arn:aws:s3:::b/x"}, False),
]
"""Uses of the key by the function's role or the delivery role: through which service, for which resource."""


@pytest.mark.parametrize(("statements", "action", "context", "allowed"), KEY_GRANTS)
def test_the_key_is_used_through_each_service_for_its_own_resource(
    statements: list[Statement], action: str, context: dict[str, str], *, allowed: bool
) -> None:
    assert allows([policy(statements)], action, KEY, context) is allowed
    assert not allows([policy(statements)], action, f"{KEY}-other", context)


def test_a_bucket_refuses_plain_http() -> None:
    """Whoever asks, for the bucket and for what is in it; with TLS the policy decides nothing."""
    for resource in ("arn:aws:s3:::b", "arn:aws:s3:::b/x"):
        owner: list[Statement] = [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]
        rules = [policy(owner), policy(tls_statements("arn:aws:s3:::b"))]
        assert not allows(rules, "s3:GetObject", resource, {"aws:SecureTransport": "false"})
        assert allows(rules, "s3:GetObject", resource, {"aws:SecureTransport": "true"})


def test_network_interfaces_are_for_lambda_and_not_for_the_functions_own_code() -> None:
    rules = policy(network_statements(PLACE))
    own_code = {"lambda:SourceFunctionArn": f"arn:aws:lambda:{HERE}:function:llm-1"}
    assert allows([rules], "ec2:CreateNetworkInterface", "*")
    assert not allows([rules], "ec2:CreateNetworkInterface", "*", own_code)


def test_a_private_api_is_called_through_its_endpoint_alone() -> None:
    api = f"arn:aws:execute-api:{HERE}:abc"
    rules = policy(private_statements(api, "vpce-1"))
    call = ("execute-api:Invoke", f"{api}/v1/POST/stream")
    assert allows([rules], *call, {"aws:SourceVpce": "vpce-1"})
    assert not allows([rules], *call, {"aws:SourceVpce": "vpce-2"})
    assert not allows([rules], *call)


def _policies(declared: Declared) -> dict[str, Mapping[str, Any]]:
    return {resource.name: json.loads(resource.inputs["policy"]) for resource in declared.of("RolePolicy")}


WITHOUT_RESOURCE = {
    "xray:PutTraceSegments": "X-Ray's actions know no resource",
    "xray:PutTelemetryRecords": "X-Ray's actions know no resource",
    "ec2:AssignPrivateIpAddresses": "the interface has no name before it is made",
    "ec2:CreateNetworkInterface": "the interface has no name before it is made",
    "ec2:DeleteNetworkInterface": "the interface has no name before it is made",
    "ec2:DescribeNetworkInterfaces": "a description has no resource",
    "ec2:DescribeSubnets": "a description has no resource",
    "ec2:UnassignPrivateIpAddresses": "the interface has no name before it is made",
}
"""Actions that may be allowed on `*`, each with its reason."""


@pytest.fixture(scope="module", params=EVERYTHING, ids="+".join)
def policies(request: pytest.FixtureRequest) -> Mapping[str, Mapping[str, Any]]:
    """The policies of an endpoint with many options, by their names."""
    args: StreamingLlmApiArgs = request.param
    return _policies(declare(lambda: StreamingLlmApi("llm", args)))


def test_every_policy_pleases_the_linter(policies: Mapping[str, Mapping[str, Any]]) -> None:
    """Known actions, resources of a kind that each action knows, no stray member."""
    assert policies
    assert _findings(policies) == []


def test_the_linter_would_notice() -> None:
    """A guard: an unknown action and a resource of another service are found."""
    wrong: list[Statement] = [
        {"Effect": "Allow", "Action": "sns:Publishh", "Resource": f"arn:aws:sns:{HERE}:t"},
        {"Effect": "Allow", "Action": "dynamodb:PutItem", "Resource": f"arn:aws:sns:{HERE}:t"},
    ]
    assert len(_findings({str(number): policy([resource]) for number, resource in enumerate(wrong)})) == 2


def _findings(policies: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return the linter's findings, but for the one on how a template describes its architecture."""
    return [str(match) for match in lint_all(template(policies)) if match.rule.id != "I4010"]


def test_only_actions_that_know_no_resource_are_allowed_on_all(policies: Mapping[str, Mapping[str, Any]]) -> None:
    for held in policies.values():
        for statement in held["Statement"]:
            if statement["Effect"] == "Allow" and "*" in statement["Resource"]:
                assert set(statement["Action"]) <= WITHOUT_RESOURCE.keys() or statement["Resource"] != "*"
            assert "*" not in json.dumps(statement["Action"])


def test_active_tracing_comes_with_its_actions_before_the_function_is_made() -> None:
    """Lambda checks them at creation: so the function depends on the policies, not on the role alone."""
    declared = declare(lambda: StreamingLlmApi("llm", {}))
    function = declared.one("Function")
    assert function.inputs["tracingConfig"] == {"mode": "Active"}
    assert allows(_policies(declared).values(), "xray:PutTraceSegments", "*")
    assert allows(_policies(declared).values(), "xray:PutTelemetryRecords", "*")
    assert {resource.name for resource in declared.of("RolePolicy")} | {"llm-log"} <= function.dependencies
