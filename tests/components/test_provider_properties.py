"""Every recorded resource is as the AWS provider publishes it: a typo or a retired property cannot pass."""

from typing import Any

import pulumi_aws as aws
import pytest

from components import StreamingLlmApi, StreamingLlmApiArgs
from tests.components.options_table import EVERYTHING
from tests.components.published import arguments, inputs, misfits
from tests.components.recording import declare


@pytest.mark.parametrize("args", EVERYTHING, ids="+".join)
def test_every_resource_is_as_the_provider_publishes_it(args: StreamingLlmApiArgs) -> None:
    declared = declare(lambda: StreamingLlmApi("llm", args))
    checked = [resource for resource in declared.resources if resource.type.startswith("aws:")]
    assert len(checked) > 15
    found = {resource.name: list(misfits(arguments(resource.type), resource.inputs)) for resource in checked}
    assert {name: complaints for name, complaints in found.items() if complaints} == {}


@pytest.mark.parametrize(
    ("kind", "values", "complaint"),
    [
        (aws.sns.TopicArgs, {"kmsMasterKey": "x"}, "kmsMasterKey is unknown"),
        (aws.lambda_.PermissionArgs, {"action": "a", "principal": "p"}, "function is missing"),
        (aws.s3.BucketArgs, {"acl": "private"}, "acl is retired"),
        (aws.lambda_.FunctionArgs, {"role": "r", "timeout": "30"}, "timeout is str, published as <class 'int'>"),
        (aws.lambda_.FunctionArgs, {"role": "r", "timeout": 0.5}, "timeout is float, published as <class 'int'>"),
        (
            aws.lambda_.FunctionArgs,
            {"role": "r", "vpcConfig": {"subnets": []}},
            "vpcConfig.securityGroupIds is missing",
        ),
        (aws.lambda_.FunctionArgs, {"role": "r", "architectures": "arm64"}, "architectures is str, published as "),
        (aws.dynamodb.TableAttributeArgs, {"name": "id", "type": 5}, "type is int, published as <class 'str'>"),
    ],
)
def test_the_check_would_notice(kind: Any, values: dict[str, Any], complaint: str) -> None:
    complaints = list(misfits(kind, values))
    assert any(text.startswith(complaint) for text in complaints), complaints


def test_the_provider_still_publishes_what_streaming_needs() -> None:
    assert "responseTransferMode" in inputs(aws.apigateway.IntegrationArgs)
    assert isinstance(aws.lambda_.Function.response_streaming_invoke_arn, property)
