"""Sinks and stores, created or existing: the function's variables and permissions, encryption, expiry."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import pulumi
import pytest

from components import StreamingLlmApiArgs
from components.contract import SINKS
from components.parsing import checked
from components.resources import records
from components.resources.function import log_group, streaming_function, variables
from components.resources.scope import Scope
from tests.components.options_table import KEY
from tests.components.policies import allows
from tests.components.recording import Declared, declare

HERE = "eu-central-1:123456789012"
TOPIC = f"arn:aws:sns:{HERE}:topic"


def _declared(**args: Any) -> Declared:
    """Declare sink, store and function as the component does, with any file in place of the bundle."""
    given = cast("StreamingLlmApiArgs", args)

    def program() -> None:
        options = checked(given)
        scope = Scope("llm", pulumi.ComponentResource("tests:index:Endpoint", "llm"), options.tags)
        environment = variables(options, records.sink(scope, options), records.store(scope, options))
        streaming_function(scope, options, Path(__file__), log_group(scope, options, "log"), environment)

    return declare(program)


DECLARED: list[tuple[object, str, str | None, str, str]] = [
    ("sns", "Topic", f"sns:arn:aws:sns:{HERE}:llm-records", "sns:Publish", f"arn:aws:sns:{HERE}:llm-records"),
    (
        "eventbridge",
        "EventBus",
        f"eventbridge:arn:aws:events:{HERE}:event-bus/llm-records",
        "events:PutEvents",
        f"arn:aws:events:{HERE}:event-bus/llm-records",
    ),
    (
        "firehose",
        "FirehoseDeliveryStream",
        "firehose:llm-records-stream",
        "firehose:PutRecord",
        f"arn:aws:firehose:{HERE}:deliverystream/llm-records-stream",
    ),
    (f"sns:{TOPIC}", "", None, "sns:Publish", TOPIC),
    ("eventbridge:bus", "", None, "events:PutEvents", f"arn:aws:events:{HERE}:event-bus/bus"),
    (
        f"eventbridge:arn:aws:events:{HERE}:event-bus/bus",
        "",
        None,
        "events:PutEvents",
        f"arn:aws:events:{HERE}:event-bus/bus",
    ),
    ("firehose:stream", "", None, "firehose:PutRecord", f"arn:aws:firehose:{HERE}:deliverystream/stream"),
    (
        f"firehose:arn:aws:firehose:{HERE}:deliverystream/stream",
        "",
        "firehose:stream",
        "firehose:PutRecord",
        f"arn:aws:firehose:{HERE}:deliverystream/stream",
    ),
]


def test_every_kind_of_sink_is_in_the_table() -> None:
    """Each comes twice: made by the stack, and brought."""
    rows = [str(sink).partition(":") for sink, *_ in DECLARED]
    for is_brought in (False, True):
        assert {kind for kind, colon, _ in rows if bool(colon) is is_brought} == SINKS.keys()


@pytest.mark.parametrize(("sink", "made", "environment", "action", "resource"), DECLARED)
def test_a_sink_is_made_or_brought_told_and_allowed(
    sink: str,
    made: str,
    environment: str | None,
    action: str,
    resource: str,
) -> None:
    declared = _declared(sink=sink)
    assert {kind for _, kind, *_ in DECLARED if kind and declared.of(kind)} == ({made} if made else set())
    variables = declared.one("Function").inputs["environment"]["variables"]
    assert variables["LLM_SINK"] == (environment or sink)
    policy = json.loads(declared.one("RolePolicy", "may-publish").inputs["policy"])
    assert allows([policy], action, resource)
    assert not allows([policy], action, f"{resource}-other")


def test_a_topic_of_the_same_program_may_be_the_sink() -> None:
    sink = pulumi.Output.concat("sns:", TOPIC)
    declared = _declared(sink=sink)
    assert not declared.of("Topic")
    assert declared.one("Function").inputs["environment"]["variables"]["LLM_SINK"] == f"sns:{TOPIC}"
    policy = json.loads(declared.one("RolePolicy", "may-publish").inputs["policy"])
    assert allows([policy], "sns:Publish", TOPIC)


def test_the_log_needs_no_permission_of_its_own() -> None:
    declared = _declared()
    assert declared.one("Function").inputs["environment"]["variables"]["LLM_SINK"] == "log"
    assert not [resource for resource in declared.of("RolePolicy") if resource.name.endswith("may-publish")]


def test_a_table_that_is_made_forgets_can_be_restored_and_is_encrypted() -> None:
    declared = _declared(store="dynamodb")
    table = declared.one("Table").inputs
    assert (table["hashKey"], table["attributes"]) == ("id", [{"name": "id", "type": "S"}])
    assert table["billingMode"] == "PAY_PER_REQUEST"
    assert table["ttl"] == {"attributeName": "expires", "enabled": True}
    assert table["pointInTimeRecovery"] == {"enabled": True}
    assert table["serverSideEncryption"] == {"enabled": True}
    assert declared.one("Function").inputs["environment"]["variables"]["LLM_STORE"] == "dynamodb:llm-records-table"


@pytest.mark.parametrize("store", ["dynamodb:records", f"dynamodb:arn:aws:dynamodb:{HERE}:table/records"])
def test_a_table_that_exists_is_written_to_and_nothing_else(store: str) -> None:
    declared = _declared(store=store)
    assert not declared.of("Table")
    policy = json.loads(declared.one("RolePolicy", "may-store").inputs["policy"])
    assert allows([policy], "dynamodb:PutItem", f"arn:aws:dynamodb:{HERE}:table/records")
    assert not allows([policy], "dynamodb:PutItem", f"arn:aws:dynamodb:{HERE}:table/other")
    assert not allows([policy], "dynamodb:Scan", f"arn:aws:dynamodb:{HERE}:table/records")


ENCRYPTED: list[tuple[dict[str, Any], str, Mapping[str, Any], Mapping[str, str]]] = [
    ({"sink": "sns"}, "Topic", {"kmsMasterKeyId": KEY}, {"kms:ViaService": "sns.eu-central-1.amazonaws.com"}),
    (
        {"sink": "eventbridge"},
        "EventBus",
        {"kmsKeyIdentifier": KEY},
        {
            "kms:ViaService": "events.eu-central-1.amazonaws.com",
            "kms:EncryptionContext:aws:events:event-bus:arn": f"arn:aws:events:{HERE}:event-bus/llm-records",
        },
    ),
    (
        {"sink": "firehose"},
        "FirehoseDeliveryStream",
        {"serverSideEncryption": {"enabled": True, "keyType": "CUSTOMER_MANAGED_CMK", "keyArn": KEY}},
        {"kms:ViaService": "firehose.eu-central-1.amazonaws.com"},
    ),
    (
        {"store": "dynamodb"},
        "Table",
        {"serverSideEncryption": {"enabled": True, "kmsKeyArn": KEY}},
        {
            "kms:ViaService": "dynamodb.eu-central-1.amazonaws.com",
            "kms:EncryptionContext:aws:dynamodb:tableName": "llm-records-table",
        },
    ),
]


def test_the_key_is_tested_for_every_kind_of_sink() -> None:
    assert {args["sink"] for args, *_ in ENCRYPTED if "sink" in args} == SINKS.keys()


@pytest.mark.parametrize(("args", "kind", "expected", "used"), ENCRYPTED)
def test_the_key_encrypts_what_is_stored(
    args: dict[str, Any], kind: str, expected: Mapping[str, Any], used: Mapping[str, str]
) -> None:
    declared = _declared(**args, kms_key=KEY)
    inputs = declared.one(kind).inputs
    assert {name: inputs[name] for name in expected} == expected
    policy = json.loads(declared.one("RolePolicy", "may-use-key").inputs["policy"])
    assert "KeyOfEnvironment" in [statement["Sid"] for statement in policy["Statement"]]
    assert allows([policy], "kms:GenerateDataKey", KEY, used)
    assert not allows([policy], "kms:GenerateDataKey", KEY)


def test_a_bucket_that_is_made_is_closed_and_encrypted_before_anything_is_delivered() -> None:
    declared = _declared(sink="firehose", kms_key=KEY)
    closed = declared.one("BucketPublicAccessBlock").inputs
    assert all(closed[name] for name in ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls"))
    assert closed["restrictPublicBuckets"]
    [rule] = declared.one("BucketServerSideEncryptionConfiguration").inputs["rules"]
    assert rule["applyServerSideEncryptionByDefault"] == {"sseAlgorithm": "aws:kms", "kmsMasterKeyId": KEY}
    stream = declared.one("FirehoseDeliveryStream")
    before = {"llm-records-closed", "llm-records-tls", "llm-records-encryption", "llm-delivery-may-write"}
    assert before <= stream.dependencies
    policy = json.loads(declared.one("RolePolicy", "delivery-may-write").inputs["policy"])
    assert allows([policy], "s3:PutObject", "arn:aws:s3:::llm-records/2026/11/25/x")
    assert not allows([policy], "s3:GetObject", "arn:aws:s3:::llm-records/2026/11/25/x")


def test_the_bucket_refuses_plain_http() -> None:
    declared = _declared(sink="firehose")
    policy = declared.one("BucketPolicy")
    assert policy.inputs["bucket"] == "llm-records"
    [statement] = json.loads(policy.inputs["policy"])["Statement"]
    assert (statement["Effect"], statement["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})
    assert statement["Resource"] == ["arn:aws:s3:::llm-records", "arn:aws:s3:::llm-records/*"]
    assert "llm-records-closed" in policy.dependencies


def test_the_statement_for_the_environment_can_be_widened() -> None:
    """Where ``kms:ViaService`` is not what Lambda sends, the function would not start."""
    for through_lambda in (True, False):
        declared = _declared(kms_key=KEY, environment_key_through_lambda=through_lambda)
        policy = json.loads(declared.one("RolePolicy", "may-use-key").inputs["policy"])
        assert allows([policy], "kms:Decrypt", KEY) is not through_lambda
