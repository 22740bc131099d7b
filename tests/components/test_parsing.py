"""The check of the arguments: a wrong one fails with a sentence that names its key and what it may be."""

import re
from typing import Any, cast, is_typeddict

import pulumi
import pytest

from components import InvalidArgument, StreamingLlmApiArgs
from components.arguments import Architecture, Authorization, Endpoint, Runtime
from components.bundle.target import PYTHONS, running_python
from components.parsing import camel, checked, default_runtime
from components.resources.function import variables
from function.contract import SETTINGS, read_settings, variable
from tests.components.options_table import CERTIFICATE, EVERYTHING, EVERYTHING_TOLD, JUDGE, POOL

WRONG: list[tuple[dict[str, Any], str]] = [
    ({"timeout": 891}, "timeout may be a whole number from 5 to 890, not 891."),
    ({"timeout": 30.5}, "timeout may be a whole number from 5 to 890, not 30.5."),
    ({"timeout": "soon"}, "timeout may be a whole number from 5 to 890, not 'soon'."),
    ({"timeout": True}, "timeout may be a whole number from 5 to 890, not True."),
    ({"memory": 64}, "memory may be a whole number from 128 to 10240, not 64."),
    ({"max_tokens": 0}, "maxTokens may be a whole number from 1 to 200000, not 0."),
    ({"temperature": 1.5}, "temperature may be a number from 0 to 1, not 1.5."),
    ({"architecture": "arm"}, "architecture may be arm64 or x86_64, not 'arm'."),
    (
        {"runtime": "python3.10"},
        "runtime may be python3.11, python3.12, python3.13 or python3.14, not 'python3.10'.",
    ),
    ({"log_retention": 31}, "logRetention may be 1, 3, 5, 7, 14, 30, "),
    ({"body_limit": 7_000_000}, "bodyLimit may be a whole number from 1 to 6000000, not 7000000."),
    ({"allowed_origins": "https://a.example"}, "allowedOrigins may be a list of origins such as https://example.com"),
    ({"allowed_origins": ["a.example"]}, "allowedOrigins may be a list of origins such as https://example.com"),
    ({"allowed_origins": ["https://a.example/x"]}, "allowedOrigins may be a list of origins"),
    (
        {"allowed_origins": ["https://A.example"]},
        "allowedOrigins may be a list of origins such as https://example.com (as",
    ),
    ({"allowed_origins": ["*", "https://a.example"]}, "allowedOrigins may be origins such as https://example.com"),
    ({"capture_content": "yes"}, "captureContent may be true or false, not 'yes'."),
    ({"publish_outcomes": ["done"]}, "publishOutcomes may be a list of outcomes (completed, invalid, "),
    ({"sink": "sqs"}, "sink may be log; sns, eventbridge or firehose to create one; sns:ARN, eventbridge:NAME or ARN,"),
    ({"sink": "log:x"}, "sink may be log; "),
    ({"sink": "sns:topic"}, "sink may be log; sns, eventbridge or firehose to create one; sns:ARN, "),
    ({"store": "s3"}, "store may be none, dynamodb to create a table, or dynamodb:NAME or ARN for one that exists"),
    ({"alarm_topic": "on-call"}, "alarmTopic may be the ARN of an SNS topic, not 'on-call'."),
    ({"kms_key": "alias/x"}, "kmsKey may be the ARN of a KMS key, not 'alias/x'."),
    ({"web_acl": POOL}, "webAcl may be the ARN of a web ACL, not "),
    ({"vpc_endpoint": {"id": "e-1"}}, "vpcEndpoint.id may be an id such as vpce-0abc, not 'e-1'."),
    ({"vpc_endpoint": {"id": "vpce-1", "private_dns": "no"}}, "vpcEndpoint.privateDns may be true or false, not 'no'."),
    (
        {"authorizer": {"user_pools": ["x"]}},
        "authorizer.userPools may be a list of ARNs of Cognito user pools, not 'x'.",
    ),
    ({"authorizer": {"function_arn": "judge"}}, "authorizer.functionArn may be the ARN of a Lambda function, not "),
    ({"authorizer": {"header": "X Token"}}, "authorizer.header may be the name of a header, not 'X Token'."),
    ({"authorizer": {"cache_seconds": "long"}}, "authorizer.cacheSeconds may be a whole number from 0 to 3600, not "),
    ({"vpc": {"subnets": "subnet-1", "security_groups": ["sg-1"]}}, "vpc.subnets may be a list of ids such as "),
    (
        {"vpc": {"subnets": ["subnet-1"], "security_groups": ["web"]}},
        "vpc.securityGroups may be a list of ids such as ",
    ),
    (
        {"domain": {"name": "https://llm.example.com", "certificate": CERTIFICATE}},
        "domain.name may be a host name such as llm.example.com, not 'https://llm.example.com'.",
    ),
    (
        {"domain": {"name": "a.example", "certificate": "c"}},
        "domain.certificate may be the ARN of an ACM certificate, ",
    ),
    ({"dashboard": {"input_price": "3"}}, "dashboard.inputPrice may be a number from 0 to 10000, not '3'."),
    ({"max_attempts": 0}, "maxAttempts may be a whole number from 1 to 10, not 0."),
    ({"endpoint": "global"}, "endpoint may be regional, edge or private, not 'global'."),
    ({"authorization": "basic"}, "authorization may be none, iam, apiKey, cognito or lambda, not 'basic'."),
    ({"structured_output": "json"}, "structuredOutput may be auto, native, tool or prompt, not 'json'."),
    ({"guardrail": "abc123"}, "guardrail may be id:version, such as abc123:1 or abc123:DRAFT, not 'abc123'."),
    ({"guardrail_streaming": "later"}, "guardrailStreaming may be sync or async, not 'later'."),
    ({"schema": "Invoice"}, "schema may be module:Class, not 'Invoice'."),
    ({"instructions": "Be kind."}, "instructions may be module:NAME, not 'Be kind.'."),
    ({"model_regions": ["Frankfurt"]}, "modelRegions may be a list of regions such as eu-central-1, not 'Frankfurt'."),
    ({"throttle": {"rate": 1}}, "throttle.burst is missing."),
    ({"throttle": {"rate": -1, "burst": 1}}, "throttle.rate may be a number from 0 to 10000, not -1."),
    ({"throttle": {"rate": 1, "burst": 1, "limit": 1}}, "throttle.limit: there is no such argument."),
    ({"throttle": 5}, "throttle may be an object with rate and burst, not 5."),
    ({"quota": {"limit": 5, "period": "HOUR"}}, "quota.period may be DAY, WEEK or MONTH, not 'HOUR'."),
    ({"vpc": {"subnets": [], "security_groups": ["sg-1"]}}, "vpc.subnets is missing."),
    ({"vpc": {"subnet": ["s"]}}, "vpc.subnet: there is no such argument. Is it vpc.subnets?"),
    ({"domain": {"name": "llm.example.com"}}, "domain.certificate is missing."),
    ({"tags": {"team": 5}}, "tags may be an object of texts, not {'team': 5}."),
    ({"tiemout": 30}, "tiemout: there is no such argument. Is it timeout?"),
    ({"body_limits": 30}, "body_limits: there is no such argument. Is it body_limit?"),
]

CONTRADICTIONS: list[tuple[dict[str, Any], str]] = [
    (
        {"model_regions": ["eu-west-1"]},
        "modelRegions is for a geographic or application inference profile, and modelId",
    ),
    ({"endpoint": "private"}, "vpcEndpoint is missing: a private endpoint is reached through one."),
    ({"vpc_endpoint": {"id": "vpce-1"}}, "vpcEndpoint is for endpoint: private."),
    (
        {
            "endpoint": "private",
            "vpc_endpoint": {"id": "vpce-1"},
            "domain": {"name": "a.example", "certificate": CERTIFICATE},
        },
        "domain may not be set with endpoint: private.",
    ),
    ({"authorization": "cognito"}, "authorizer.userPools is missing: authorization: cognito needs the user pools."),
    ({"authorization": "lambda"}, "authorizer.functionArn is missing: authorization: lambda needs the function."),
    ({"authorizer": {"user_pools": [POOL]}}, "authorizer is for authorization: cognito or lambda."),
    (
        {"authorization": "cognito", "authorizer": {"user_pools": [POOL], "function_arn": JUDGE}},
        "authorizer may have userPools or functionArn, not both.",
    ),
    (
        {"authorization": "lambda", "authorizer": {"function_arn": JUDGE, "scopes": ["a"]}},
        "authorizer.scopes is for authorization: cognito.",
    ),
    ({"quota": {"limit": 5, "period": "DAY"}}, "quota is for authorization: apiKey, whose key it counts."),
    ({"manage_account_logging": True}, "manageAccountLogging is for accessLog: true, which needs "),
    ({"schema": "schemas:Invoice"}, "code is missing, the folder with the modules of schema."),
    ({"requirements": "requirements.txt"}, "requirements are the packages of your code: set code as well."),
]


GROUPS: dict[str, dict[str, Any]] = {
    "vpc_endpoint": {"id": "vpce-1"},
    "throttle": {"rate": 1, "burst": 1},
    "quota": {"limit": 1, "period": "DAY"},
    "vpc": {"subnets": ["subnet-1"], "security_groups": ["sg-1"]},
    "domain": {"name": "llm.example.com", "certificate": CERTIFICATE},
}
"""What each group must have."""


def _check(args: dict[str, Any]) -> None:
    checked(cast("StreamingLlmApiArgs", args))


@pytest.mark.parametrize(("args", "says"), [*WRONG, *CONTRADICTIONS], ids=lambda value: str(value)[:60])
def test_a_wrong_argument_is_refused_by_its_key(args: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidArgument, match=rf"^{re.escape(says)}"):
        _check(args)


@pytest.mark.parametrize("name", StreamingLlmApiArgs.__annotations__)
def test_every_argument_is_looked_at(name: str) -> None:
    """One that nobody checks would take anything."""
    with pytest.raises(InvalidArgument, match=rf"^{camel(name)} may be "):
        _check({name: object()})


@pytest.mark.parametrize(
    ("name", "key"),
    [
        (name, key)
        for name, kind in StreamingLlmApiArgs.__annotations__.items()
        if is_typeddict(kind)
        for key in kind.__annotations__
    ],
)
def test_every_value_of_a_group_is_looked_at(name: str, key: str) -> None:
    with pytest.raises(InvalidArgument, match=rf"^{camel(name)}\.{camel(key)} may be "):
        _check({name: {**GROUPS.get(name, {}), key: object()}})


def test_what_decides_about_resources_must_be_known_at_preview() -> None:
    with pytest.raises(
        InvalidArgument, match=r"^code may be a text that is known at preview, not a value that is only"
    ):
        _check({"code": pulumi.Output.from_input("code")})


def test_the_defaults_are_those_of_the_documentation() -> None:
    options = checked({})
    assert options.model_id == "global.anthropic.claude-haiku-4-5-20251001-v1:0"
    assert (options.timeout, options.memory, options.max_tokens, options.log_retention) == (120, 1024, 2000, 30)
    assert (options.body_limit, options.start_padding, options.max_attempts) == (65536, 0, 1)
    assert (options.architecture, options.runtime) == (Architecture.ARM64, Runtime(f"python{running_python()}"))
    assert (options.sink, options.store, options.publish_outcomes) == ("log", "none", ("completed",))
    assert (options.endpoint, options.authorization) == (Endpoint.REGIONAL, Authorization.NONE)
    assert (options.capture_content, options.access_log, options.manage_account_logging) == (False, False, False)
    assert options.throttle == {"rate": 1, "burst": 5}
    assert options.temperature is None
    assert not options.allowed_origins


@pytest.mark.parametrize("building", ["3.10", "3.15"])
def test_a_building_python_that_lambda_does_not_have_is_an_error_of_the_runtime(building: str) -> None:
    says = (
        rf"^runtime: this program runs on Python {re.escape(building)} \(.*\), which Lambda does not have\. Run it on "
    )
    with pytest.raises(InvalidArgument, match=says):
        default_runtime(building)


@pytest.mark.parametrize("building", PYTHONS)
def test_the_runtime_is_the_python_that_builds(building: str) -> None:
    assert default_runtime(building) == f"python{building}"


def test_with_authorization_the_throttle_is_wider() -> None:
    assert checked({"authorization": Authorization.IAM}).throttle == {"rate": 10, "burst": 20}


def test_numbers_may_come_as_other_languages_send_them() -> None:
    """Floats for integers, and plain words for enums."""
    given: dict[str, Any] = {"timeout": 60.0, "endpoint": "edge", "throttle": {"rate": 2.0, "burst": 3.0}}
    options = checked(cast("StreamingLlmApiArgs", given))
    assert (options.timeout, options.endpoint) == (60, Endpoint.EDGE)
    assert repr(options.throttle["burst"]) == "3"


@pytest.mark.parametrize(
    ("timeout", "endpoint", "integration", "first_event"),
    [
        (5, Endpoint.REGIONAL, 15_000, 290),
        (120, Endpoint.REGIONAL, 130_000, 290),
        (890, Endpoint.PRIVATE, 900_000, 290),
        (120, Endpoint.EDGE, 130_000, 25),
    ],
)
def test_all_times_come_from_one_number(timeout: int, endpoint: Endpoint, integration: int, first_event: int) -> None:
    """The gateway's 10 s more are for a cold start; its own bound is 900 s, its patience 5 minutes or 30 s."""
    private: StreamingLlmApiArgs = {"vpc_endpoint": {"id": "vpce-1"}} if endpoint is Endpoint.PRIVATE else {}
    options = checked({"timeout": timeout, "endpoint": endpoint, **private})
    assert (options.integration_timeout, options.first_event_timeout) == (integration, first_event)
    assert options.heartbeat < 30


@pytest.mark.parametrize("args", EVERYTHING, ids="+".join)
def test_the_function_understands_what_the_component_tells_it(args: StreamingLlmApiArgs) -> None:
    options = checked(args)
    told = variables(options, "sns:arn:aws:sns:eu-central-1:123456789012:t", "dynamodb:t")
    settings = read_settings({name: str(value) for name, value in told.items()})
    assert settings.max_tokens == options.max_tokens
    assert settings.allowed_origins == tuple(options.allowed_origins)
    assert settings.publish_outcomes == set(options.publish_outcomes)
    assert settings.first_event_timeout == options.first_event_timeout


def test_every_variable_is_one_that_the_function_reads() -> None:
    """A variable that nobody reads is a typo: each of them stands in the settings, and each of these in the stack."""
    told = set(variables(checked(EVERYTHING_TOLD), "log", "none"))
    assert told == {variable(name) for name in SETTINGS}


def test_a_key_is_the_camel_case_of_its_argument() -> None:
    assert [camel(name) for name in ("model_id", "kms_key", "throttle")] == ["modelId", "kmsKey", "throttle"]
