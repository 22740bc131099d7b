"""What an upgrade does to a stack that exists: nothing loses its address or is replaced without a line in CHANGELOG.md.

``recorded_stacks.json`` has what five programs declared before the restructuring of the repository: type, name, parent
and inputs of every resource, under the mocks of ``recording``.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, cast

import pytest

from components import StreamingLlmApi, StreamingLlmApiArgs
from tests.components.recording import declare

RECORDED: Final = json.loads(Path(__file__).with_name("recorded_stacks.json").read_text(encoding="utf-8"))
CHANGELOG: Final = Path(__file__).parent.parent.parent / "CHANGELOG.md"

IN_PLACE: Final[Mapping[str, set[str]]] = {
    "aws:apigateway/account:Account": {"cloudwatchRoleArn"},
    "aws:apigateway/apiKey:ApiKey": {"description", "tags"},
    "aws:apigateway/authorizer:Authorizer": {
        "authorizerResultTtlInSeconds", "authorizerUri", "identitySource", "providerArns", "type",
    },
    "aws:apigateway/integration:Integration": {
        "integrationHttpMethod", "requestTemplates", "responseTransferMode", "timeoutMilliseconds", "uri",
    },
    "aws:apigateway/integrationResponse:IntegrationResponse": {"responseParameters", "responseTemplates"},
    "aws:apigateway/method:Method": {"apiKeyRequired", "authorization", "authorizationScopes", "authorizerId"},
    "aws:apigateway/methodResponse:MethodResponse": {"responseParameters"},
    "aws:apigateway/methodSettings:MethodSettings": {"settings"},
    "aws:apigateway/response:Response": {"responseParameters", "responseTemplates"},
    "aws:apigateway/restApi:RestApi": {"description", "disableExecuteApiEndpoint", "tags"},
    "aws:apigateway/restApiPolicy:RestApiPolicy": {"policy"},
    "aws:apigateway/stage:Stage": {"accessLogSettings", "deployment", "tags", "xrayTracingEnabled"},
    "aws:apigateway/usagePlan:UsagePlan": {"apiStages", "quotaSettings", "tags"},
    "aws:cloudwatch/dashboard:Dashboard": {"dashboardBody"},
    "aws:cloudwatch/logGroup:LogGroup": {"kmsKeyId", "retentionInDays", "tags"},
    "aws:cloudwatch/metricAlarm:MetricAlarm": {
        "alarmActions", "alarmDescription", "dimensions", "metricName", "namespace", "okActions", "statistic",
        "tags", "threshold",
    },
    "aws:iam/role:Role": {"assumeRolePolicy", "tags"},
    "aws:iam/rolePolicy:RolePolicy": {"policy"},
    "aws:lambda/function:Function": {
        "code", "environment", "handler", "kmsKeyArn", "loggingConfig", "memorySize", "reservedConcurrentExecutions",
        "role", "runtime", "tags", "timeout", "tracingConfig", "vpcConfig",
    },
}  # fmt: skip
"""The inputs that the AWS provider updates in place, by type. A change of any other input counts as a replacement."""

REPLACED: Final = {"llm-deployment"}
"""What an upgrade replaces. CHANGELOG.md says so of each."""


def _address(resource: Mapping[str, Any]) -> tuple[str, str, str]:
    return resource["type"], resource["name"], resource["parent"]


def _plain(value: object) -> object:
    """Return inputs as they are recorded: an archive by its kind alone, numbers as they came over the wire."""
    if isinstance(value, Mapping):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return value if value is None or isinstance(value, str | int | float) else type(value).__name__


def _declared(args: Mapping[str, Any]) -> dict[tuple[str, str, str], Mapping[str, Any]]:
    declared = declare(lambda: StreamingLlmApi("llm", cast("StreamingLlmApiArgs", args)))
    return {(each.type, each.name, each.parent): cast("Any", _plain(each.inputs)) for each in declared.resources}


def _changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    yield from (name for name in before.keys() | after.keys() if before.get(name) != after.get(name))


@pytest.mark.parametrize("stack", RECORDED, ids=lambda stack: "+".join(stack["args"]) or "default")
def test_an_upgrade_keeps_every_resource_at_its_address(stack: Mapping[str, Any]) -> None:
    now = _declared(stack["args"])
    lost = {_address(resource) for resource in stack["resources"]} - now.keys()
    assert lost == set()


@pytest.mark.parametrize("stack", RECORDED, ids=lambda stack: "+".join(stack["args"]) or "default")
def test_an_upgrade_replaces_only_what_the_changelog_names(stack: Mapping[str, Any]) -> None:
    now = _declared(stack["args"])
    replaced = {
        resource["name"]
        for resource in stack["resources"]
        if set(_changed(resource["inputs"], now[_address(resource)])) - IN_PLACE.get(resource["type"], set())
    }
    assert replaced == REPLACED


def test_the_changelog_has_a_line_for_each_replacement() -> None:
    changed = CHANGELOG.read_text(encoding="utf-8").partition("### Changed")[2].partition("\n## ")[0]
    for name in REPLACED:
        assert any(f"`{name.removeprefix('llm-')}` is replaced" in line for line in changed.splitlines())


def test_a_replacement_would_be_noticed() -> None:
    """A guard: another key of the table, and a child under another name."""
    [stack] = [each for each in RECORDED if each["args"].get("store") == "dynamodb"]
    [table] = [each for each in stack["resources"] if each["type"] == "aws:dynamodb/table:Table"]
    assert list(_changed({**table["inputs"], "hashKey": "other"}, table["inputs"])) == ["hashKey"]
    assert "hashKey" not in IN_PLACE.get(table["type"], set())
    assert (*_address(table)[:1], "llm-other", "llm") not in _declared(stack["args"])
