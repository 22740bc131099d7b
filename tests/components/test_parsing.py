"""The check of the arguments: a wrong one fails with a sentence that names its key and what it may be."""

import re
from typing import Any, Final, cast, get_origin, is_typeddict

import pulumi
import pytest

from components import InvalidArgument, StreamingLlmApiArgs
from components.arguments import (
    Architecture,
    Authorization,
    AuthorizerArgs,
    DashboardArgs,
    DomainArgs,
    Endpoint,
    QuotaArgs,
    RouteArgs,
    Runtime,
    StatementArgs,
    Thinking,
    ThrottleArgs,
    VpcArgs,
    VpcEndpointArgs,
)
from components.bundle.target import PYTHONS, running_python
from components.contract import KINDS, OWN_VARIABLE, camel
from components.options import (
    Authorizer,
    Dashboard,
    Domain,
    Options,
    OwnStatement,
    Quota,
    Throttle,
    Vpc,
    VpcEndpoint,
)
from components.parsing import checked, default_runtime, settings_with_an_argument
from components.resources.function import variables
from components.values import arguments_of, without_output
from function.contract import ROUTE_SETTINGS, SETTINGS, read_settings, variable
from tests.components.options_table import CERTIFICATE, EVERY_SETTING, EVERYTHING, POOL, PROFILE

READS = {"actions": ["s3:GetObject"], "resources": ["arn:aws:s3:::prices/*"]}

WRONG: list[tuple[dict[str, Any], str]] = [
    ({"timeout": 891}, "timeout must be a whole number from 5 to 890; got 891."),
    ({"timeout": 30.5}, "timeout must be a whole number from 5 to 890; got 30.5."),
    ({"timeout": "soon"}, "timeout must be a whole number from 5 to 890; got 'soon'."),
    ({"timeout": True}, "timeout must be a whole number from 5 to 890; got True."),
    ({"memory": 64}, "memory must be a whole number from 128 to 10240; got 64."),
    ({"max_tokens": 0}, "maxTokens must be a whole number from 1 to 200000; got 0."),
    ({"temperature": 1.5}, "temperature must be auto, none or a number from 0 to 1; got 1.5."),
    ({"architecture": "arm"}, "architecture must be arm64 or x86_64; got 'arm'."),
    (
        {"runtime": "python3.10"},
        "runtime must be python3.11, python3.12, python3.13 or python3.14; got 'python3.10'.",
    ),
    ({"log_retention": 31}, "logRetention must be 1, 3, 5, 7, 14, 30, "),
    ({"body_limit": 7_000_000}, "bodyLimit must be a whole number of bytes from 1 to 6000000; got 7000000."),
    (
        {"allowed_origins": "https://a.example"},
        "allowedOrigins must be a list: * alone, or origins such as https://example.com",
    ),
    (
        {"allowed_origins": ["a.example"]},
        "allowedOrigins must be a list: * alone, or origins such as https://example.com",
    ),
    ({"allowed_origins": ["https://a.example/x"]}, "allowedOrigins must be a list: * alone, or origins"),
    (
        {"allowed_origins": ["https://A.example"]},
        "allowedOrigins must be a list: * alone, or origins such as https://example.com (as",
    ),
    (
        {"allowed_origins": ["*", "https://a.example"]},
        "allowedOrigins must be a list: * alone, or origins such as https://example.com",
    ),
    ({"capture_content": "yes"}, "captureContent must be true or false; got 'yes'."),
    ({"publish_outcomes": ["done"]}, "publishOutcomes must be a list: some of completed, invalid, "),
    (
        {"sink": "mail"},
        "sink must be log; sns, eventbridge or firehose to create one; or one of sns:ARN, eventbridge:NAME or ARN, ",
    ),
    ({"sink": "log:x"}, "sink must be log; "),
    ({"sink": "sns:topic"}, "sink must be log; "),
    ({"store": "s3"}, "store must be none, dynamodb to create a table, or dynamodb:NAME or ARN for one that exists"),
    ({"alarm_topic": "on-call"}, "alarmTopic must be the ARN of an SNS topic; got 'on-call'."),
    ({"kms_key": "alias/x"}, "kmsKey must be the ARN of a KMS key, not of an alias; got 'alias/x'."),
    (
        {"kms_key": "arn:aws:kms:eu-central-1:123456789012:alias/x"},
        "kmsKey must be the ARN of a KMS key, not of an alias; got 'arn:aws:kms:eu-central-1:123456789012:alias/x'.",
    ),
    (
        {"kms_key": "arn:aws:kms:eu-central-1:123456789012:alias/key/x"},
        "kmsKey must be the ARN of a KMS key, not of an alias; got ",
    ),
    ({"kms_key": "arn:aws:kms:::key/"}, "kmsKey must be the ARN of a KMS key, not of an alias; got "),
    ({"web_acl": POOL}, "webAcl must be the ARN of a web ACL; got "),
    ({"vpc_endpoint": {"id": "e-1"}}, "vpcEndpoint.id must be an id such as vpce-0abc; got 'e-1'."),
    (
        {"vpc_endpoint": {"id": "vpce-1", "private_dns": "no"}},
        "vpcEndpoint.privateDns must be true or false; got ",
    ),
    (
        {"authorizer": {"user_pools": ["x"]}},
        "authorizer.userPools must be a list of ARNs of Cognito user pools; got 'x'.",
    ),
    ({"authorizer": {"function_arn": "judge"}}, "authorizer.functionArn must be the ARN of a Lambda function; got "),
    ({"authorizer": {"header": "X Token"}}, "authorizer.header must be the name of a header; got 'X Token'."),
    ({"authorizer": {"cache_seconds": "long"}}, "authorizer.cacheSeconds must be a whole number from 0 to 3600; got "),
    ({"vpc": {"subnets": "subnet-1", "security_groups": ["sg-1"]}}, "vpc.subnets must be a list of ids such as "),
    (
        {"vpc": {"subnets": ["subnet-1"], "security_groups": ["web"]}},
        "vpc.securityGroups must be a list of ids such as ",
    ),
    (
        {"domain": {"name": "https://llm.example.com", "certificate": CERTIFICATE}},
        "domain.name must be a host name such as llm.example.com; got 'https://llm.example.com'.",
    ),
    (
        {"domain": {"name": "a.example", "certificate": "c"}},
        "domain.certificate must be the ARN of an ACM certificate; got 'c'.",
    ),
    *[
        (
            {"environment": {name: "x"}},
            f"a name in environment must be {OWN_VARIABLE.expected}; got {name!r}.",
        )
        for name in [
            "LLM_TOKEN",
            "AWS_REGION",
            "LAMBDA_X",
            "_HANDLER",
            "PYTHONPATH",
            "LD_PRELOAD",
            "POWERTOOLS_DEV",
            "A-B",
            "1A",
            "",
            "A ",
            "A\n",
            "É",
        ]
    ],
    (
        {"statements": "s3:*"},
        "statements must be a list of objects with actions, resources, effect and condition; got ",
    ),
    ({"statements": ["s3:*"]}, "statements[0] must be an object with actions, resources, effect and condition; got "),
    ({"statements": [READS, {"actions": ["s3:GetObject"]}]}, "statements[1].resources is required."),
    ({"statements": [{"resources": ["*"], "actions": []}]}, "statements[0].actions is required."),
    (
        {"statements": [{**READS, "actions": "s3:GetObject"}]},
        "statements[0].actions must be a list of IAM actions such as s3:GetObject; got 's3:GetObject'.",
    ),
    (
        {"statements": [{**READS, "actions": ["GetObject"]}]},
        "statements[0].actions must be a list of IAM actions such as s3:GetObject; got 'GetObject'.",
    ),
    (
        {"statements": [{**READS, "resources": ["prices"]}]},
        "statements[0].resources must be a list of ARNs, or * alone; got 'prices'.",
    ),
    ({"statements": [{**READS, "effect": "allow"}]}, "statements[0].effect must be Allow or Deny; got 'allow'."),
    *[
        (
            {"statements": [{**READS, "condition": condition}]},
            "statements[0].condition must be an object such as {StringEquals: {aws:PrincipalTag/team: llm}}; got ",
        )
        for condition in ("a", {"Bool": "b"}, {"Bool": {"b": True}}, {"Bool": {"b": ["c", 1]}})
    ],
    (
        {"statements": [{**READS, "resource": ["*"]}]},
        "statements[0].resource: there is no such argument. Did you mean statements[0].resources?",
    ),
    ({"environment": {"A": 5}}, "environment must be an object whose values are texts; got "),
    ({"environment": "A=5"}, "environment must be an object whose values are texts; got 'A=5'."),
    ({"dashboard": {"input_price": "3"}}, "dashboard.inputPrice must be a number from 0 to 10000; got '3'."),
    (
        {"dashboard": {"prices": 5}},
        "dashboard.prices must be an object of objects with input, output, cacheRead and cacheWrite; got 5.",
    ),
    ({"dashboard": {"prices": {"a": {"input": 1}}}}, "dashboard.prices.a.output is required."),
    (
        {"dashboard": {"prices": {"a": {"input": 1, "output": 1, "cache_read": "x"}}}},
        "dashboard.prices.a.cacheRead must be a number from 0 to 10000; got 'x'.",
    ),
    (
        {"dashboard": {"prices": {"a": {"input": 1, "output": 1}}}, "model_id": "b"},
        "dashboard.prices must name models that are called, as modelId does: b; got a.",
    ),
    ({"cache": "1d"}, "cache must be none, 5m or 1h; got '1d'."),
    ({"max_attempts": 0}, "maxAttempts must be a whole number from 1 to 10; got 0."),
    ({"endpoint": "global"}, "endpoint must be regional, edge or private; got 'global'."),
    ({"authorization": "basic"}, "authorization must be none, iam, apiKey, cognito or lambda; got 'basic'."),
    (
        {"caller_fields": "id"},
        "callerFields must be a list: at most 4 different names: id, ",
    ),
    (
        {"caller_fields": ["name"]},
        "callerFields must be a list: at most 4 different names: id, ",
    ),
    ({"caller_fields": ["claims.a,id", "id"]}, "callerFields must be a list: at most 4 different names: id, "),
    ({"structured_output": "json"}, "structuredOutput must be auto, native, tool or prompt; got 'json'."),
    ({"guardrail": "abc123"}, "guardrail must be id:version; got 'abc123'."),
    ({"effort": "huge"}, "effort must be one of low, medium, high, xhigh, max; got 'huge'."),
    ({"thinking": False}, "thinking must be default, on or off; got False."),
    ({"guardrail_streaming": "later"}, "guardrailStreaming must be sync or async; got 'later'."),
    (
        {"stages": ["span"]},
        "stages must be a list: at most 8 different ones of module:function; got ['span'].",
    ),
    ({"stages": [f"a:b{number}" for number in range(9)]}, "stages must be a list: at most 8 different ones"),
    ({"stage_timeout": 0}, "stageTimeout must be a number of seconds above 0; got 0."),
    ({"stage_content": "yes"}, "stageContent must be true or false; got 'yes'."),
    (
        {"services": ["s3", "s3"]},
        "services must be a list: different names of AWS services, such as s3; got ['s3', 's3'].",
    ),
    (
        {"services": ["Amazon S3"]},
        "services must be a list: different names of AWS services, such as s3; got ",
    ),
    ({"schema": "Invoice"}, "schema must be module:Class; got 'Invoice'."),
    ({"instructions": "Be kind."}, "instructions must be module:NAME; got 'Be kind.'."),
    ({"model_regions": ["Frankfurt"]}, "modelRegions must be a list of regions such as eu-central-1; got 'Frankfurt'."),
    ({"throttle": {"rate": 1}}, "throttle.burst is required."),
    ({"throttle": {"rate": -1, "burst": 1}}, "throttle.rate must be a number from 0 to 10000; got -1."),
    (
        {"throttle": {"rate": 1, "burst": 1, "limit": 1}},
        "throttle.limit: there is no such argument. throttle has rate and burst.",
    ),
    ({"throttle": 5}, "throttle must be an object with rate and burst; got 5."),
    ({"quota": {"limit": 5, "period": "HOUR"}}, "quota.period must be DAY, WEEK or MONTH; got 'HOUR'."),
    ({"vpc": {"subnets": [], "security_groups": ["sg-1"]}}, "vpc.subnets is required."),
    ({"vpc": {"subnet": ["s"]}}, "vpc.subnet: there is no such argument. Did you mean vpc.subnets?"),
    ({"domain": {"name": "llm.example.com"}}, "domain.certificate is required."),
    ({"tags": {"team": 5}}, "tags must be an object whose values are texts; got {'team': 5}."),
    ({"tiemout": 30}, "tiemout: there is no such argument. Did you mean timeout?"),
    ({"body_limits": 30}, "body_limits: there is no such argument. Did you mean body_limit?"),
    ({"bodyLimit": 30}, "bodyLimit: there is no such argument. Did you mean body_limit?"),
    (
        {"dashboard": {"inptu_price": 1}},
        (
            "dashboard.inptu_price: there is no such argument. Did you mean dashboard.input_price? "
            "dashboard has input_price, output_price and prices."
        ),
    ),
    ({"routes": {}}, "routes must be an object with at least one name and its arguments; got {}."),
    ({"routes": ["invoice"]}, "routes must be an object with at least one name and its arguments; got ['invoice']."),
    (
        {"routes": {"Invoice": {}}},
        (
            "a name in routes must be lower-case letters, digits and hyphens after a letter, at most 31 characters "
            "such as invoice; got 'Invoice'."
        ),
    ),
    ({"routes": {"a" * 32: {}}}, "a name in routes must be lower-case letters"),
    ({"routes": {"invoice": None}}, "routes.invoice must be an object with any of modelId, modelRegions, "),
    ({"routes": {"invoice": {"sink": "sns"}}}, "routes.invoice.sink: there is no such argument."),
    (
        {"routes": {"invoice": {"max_token": 5}}},
        "routes.invoice.max_token: there is no such argument. Did you mean routes.invoice.max_tokens?",
    ),
    (
        {"routes": {"invoice": {"max_tokens": 0}, "triage": {}}},
        "routes.invoice.maxTokens must be a whole number from 1 to 200000; got 0.",
    ),
    ({"routes": {"invoice": {"throttle": {"rate": 1}}}}, "routes.invoice.throttle.burst is required."),
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


@pytest.mark.parametrize(("args", "message"), WRONG, ids=lambda value: str(value)[:60])
def test_a_wrong_argument_is_refused_by_its_key(args: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidArgument, match=rf"^{re.escape(message)}"):
        _check(args)


@pytest.mark.parametrize("name", StreamingLlmApiArgs.__annotations__)
def test_every_argument_is_looked_at(name: str) -> None:
    """One that nobody checks would take anything."""
    with pytest.raises(InvalidArgument, match=rf"^{camel(name)} must be "):
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
    with pytest.raises(InvalidArgument, match=rf"^{camel(name)}\.{camel(key)} must be "):
        _check({name: {**GROUPS.get(name, {}), key: object()}})


@pytest.mark.parametrize("key", RouteArgs.__annotations__)
def test_every_value_of_a_route_is_looked_at(key: str) -> None:
    with pytest.raises(InvalidArgument, match=rf"^routes\.invoice\.{camel(key)} must be "):
        _check({"routes": {"invoice": {key: object()}}})


def test_a_route_has_the_arguments_of_its_settings_and_two_more() -> None:
    """Of the model behind a profile Bedrock is asked."""
    assert set(RouteArgs.__annotations__) == ROUTE_SETTINGS - {"profile_model"} | {"model_regions", "throttle"}
    assert all(StreamingLlmApiArgs.__annotations__[name] == hint for name, hint in RouteArgs.__annotations__.items())


def test_a_route_is_the_component_with_some_arguments_of_its_own() -> None:
    """What it does not give is the component's; the file of the routes has only what it gives."""
    given: StreamingLlmApiArgs = {
        "max_tokens": 500,
        "throttle": {"rate": 3, "burst": 4},
        "guardrail": "abc:1",
        "routes": {"triage": {}, "invoice": {"max_tokens": 9, "temperature": 0.5, "throttle": {"rate": 1, "burst": 1}}},
    }
    options = checked(given)
    invoice, triage = options.routes["invoice"], options.routes["triage"]

    assert list(options.endpoints) == ["invoice", "triage"]
    assert (invoice.options.max_tokens, invoice.options.throttle.rate, invoice.options.guardrail) == (9, 1, "abc:1")
    assert (triage.options.max_tokens, triage.options.throttle.rate) == (500, 3)
    assert (invoice.own, triage.own) == ({"max_tokens": "9", "temperature": "0.5"}, {})
    assert options.settings["routes"] == "routes.json"


def test_a_route_can_turn_off_what_the_component_sets() -> None:
    none: Any = {"cache": "none", "effort": "none", "guardrail": "none", "fallback_models": []}
    given: Any = {"cache": "5m", "effort": "low", "guardrail": "abc:1", "fallback_models": ["a"], "routes": {"a": none}}
    route = checked(given).routes["a"]

    assert route.own == {**none, "fallback_models": "none"}
    assert route.options.guardrail is None


@pytest.mark.parametrize(
    ("model_id", "regions"),
    [
        ("eu.anthropic.claude-sonnet-4-6", ("eu-west-1",)),
        ("global.anthropic.claude-sonnet-4-6", ()),
        ("anthropic.claude-sonnet-4-6", ()),
        (PROFILE.replace("a1b2c3", "d4"), ("eu-west-1",)),
    ],
)
def test_a_model_of_a_route_has_the_components_regions_if_it_has_any(model_id: str, regions: tuple[str, ...]) -> None:
    """What the component says of the model behind its own profile is not said of another one."""
    given: StreamingLlmApiArgs = {
        "model_id": PROFILE,
        "model_regions": ["eu-west-1"],
        "profile_model": "anthropic.claude-opus-5",
        "routes": {"invoice": {"model_id": model_id}, "triage": {}},
    }
    invoice, triage = checked(given).endpoints.values()

    assert (invoice.model_regions, invoice.settings.get("profile_model")) == (regions, None)
    assert (triage.model_regions, triage.settings["profile_model"]) == (("eu-west-1",), "anthropic.claude-opus-5")


def test_what_decides_about_resources_must_be_known_at_preview() -> None:
    with pytest.raises(
        InvalidArgument, match=r"^code must be a text that is known at preview; got a value that is only"
    ):
        _check({"code": pulumi.Output.from_input("code")})


def test_the_defaults_are_those_of_the_documentation() -> None:
    options = checked({})
    assert options.model_id == "global.anthropic.claude-haiku-4-5-20251001-v1:0"
    assert (options.timeout, options.memory, options.most_tokens, options.log_retention) == (120, 1024, 2000, 30)
    assert options.max_attempts == 1
    assert (options.architecture, options.runtime) == (Architecture.ARM64, Runtime(f"python{running_python()}"))
    assert (options.sink, options.store) == ("log", "none")
    assert (options.endpoint, options.authorization) == (Endpoint.REGIONAL, Authorization.NONE)
    assert (options.access_log, options.manage_account_logging) == (False, False)
    assert options.throttle == Throttle(rate=1, burst=5)
    assert not options.allowed_origins
    assert options.settings == {
        "model_id": "global.anthropic.claude-haiku-4-5-20251001-v1:0",
        "authorization": "none",
        "structured_output": "auto",
        "guardrail_streaming": "sync",
        "allowed_origins": "none",
        "start_padding": "0",
        "capture_content": "false",
        "publish_outcomes": "completed",
        "max_attempts": "1",
        "first_event_timeout": "290",
        "head_within": "10",
        "heartbeat": "3",
    }


OPUS: Final = "anthropic.claude-opus-5"
THINKING: Final[list[tuple[StreamingLlmApiArgs, int, int]]] = [
    ({"model_id": OPUS}, 300, 8_000),
    ({"model_id": "anthropic.claude-opus-4-8"}, 120, 2_000),
    ({"model_id": "anthropic.claude-opus-4-8", "thinking": Thinking.ON}, 300, 8_000),
    ({"model_id": OPUS, "thinking": Thinking.OFF}, 120, 2_000),
    ({"model_id": OPUS, "timeout": 60, "max_tokens": 50}, 60, 50),
    ({"model_id": "anthropic.claude-opus-6"}, 120, 2_000),
    ({"model_id": pulumi.Output.from_input(OPUS)}, 120, 2_000),
    ({"model_id": PROFILE, "model_regions": ["eu-west-1"]}, 120, 2_000),
    ({"model_id": PROFILE, "model_regions": ["eu-west-1"], "profile_model": OPUS}, 300, 8_000),
]


@pytest.mark.parametrize(("given", "timeout", "tokens"), THINKING)
def test_a_model_that_thinks_has_more_time_and_more_tokens(
    given: StreamingLlmApiArgs, timeout: int, tokens: int
) -> None:
    """Only where nothing is set. The variable is left to the function, which knows the model behind a profile."""
    options = checked(given)

    assert (options.timeout, options.most_tokens) == (timeout, tokens)
    assert options.settings.get("max_tokens") == (str(tokens) if "max_tokens" in given else None)


def test_the_timeout_is_that_of_the_route_that_needs_most() -> None:
    options = checked(
        {"routes": {"deep": {"model_id": OPUS}, "fast": {}, "short": {"model_id": OPUS, "max_tokens": 9}}}
    )

    assert {name: endpoint.most_tokens for name, endpoint in options.endpoints.items()} == {
        "deep": 8_000,
        "fast": 2_000,
        "short": 9,
    }
    assert [options.timeout, *(endpoint.timeout for endpoint in options.endpoints.values())] == [300] * 4
    assert options.integration_timeout == 310_000
    assert checked({"model_id": OPUS, "routes": {"fast": {"model_id": "anthropic.claude-opus-4-8"}}}).timeout == 120


@pytest.mark.parametrize("building", ["3.10", "3.15"])
def test_a_building_python_that_lambda_does_not_have_is_an_error_of_the_runtime(building: str) -> None:
    message = (
        rf"^runtime: this program runs on Python {re.escape(building)} \(.*\), which Lambda does not have\. Run it on "
    )
    with pytest.raises(InvalidArgument, match=message):
        default_runtime(building)


@pytest.mark.parametrize("building", PYTHONS)
def test_the_runtime_is_the_python_that_builds(building: str) -> None:
    assert default_runtime(building) == f"python{building}"


def test_with_authorization_the_throttle_is_wider() -> None:
    assert checked({"authorization": Authorization.IAM}).throttle == Throttle(rate=10, burst=20)


def test_numbers_may_come_as_other_languages_send_them() -> None:
    """Floats for integers, and plain words for enums."""
    given: dict[str, Any] = {
        "timeout": 60.0,
        "max_tokens": 800.0,
        "endpoint": "edge",
        "structured_output": "tool",
        "throttle": {"rate": 2.0, "burst": 3.0},
    }
    options = checked(cast("StreamingLlmApiArgs", given))
    assert (options.timeout, options.endpoint) == (60, Endpoint.EDGE)
    assert (options.settings["max_tokens"], options.settings["structured_output"]) == ("800", "tool")
    assert repr(options.throttle.burst) == "3"


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
    assert (options.integration_timeout, options.settings["first_event_timeout"]) == (integration, str(first_event))
    assert options.settings["heartbeat"] == "3"


@pytest.mark.parametrize("args", EVERYTHING, ids="+".join)
def test_the_function_reads_what_the_component_sets(args: StreamingLlmApiArgs) -> None:
    options = checked(args)
    environment = variables(options, "sns:arn:aws:sns:eu-central-1:123456789012:t", "dynamodb:t")
    settings = read_settings({name: str(value) for name, value in environment.items()})
    assert settings.max_tokens == options.max_tokens
    assert settings.allowed_origins == tuple(options.allowed_origins)
    assert settings.publish_outcomes == {"completed"}
    assert settings.first_event_timeout == (25 if options.endpoint is Endpoint.EDGE else 290)


def test_every_variable_is_one_that_the_function_reads() -> None:
    """A variable that nobody reads is a typo: each of them stands in the settings, and each of these in the stack."""
    written = set(variables(checked(EVERY_SETTING), "log", "none"))
    assert written == {variable(name) for name in SETTINGS}


def test_every_argument_is_a_setting_of_the_function_or_an_option_of_the_component() -> None:
    assert {*settings_with_an_argument(), *arguments_of(Options)} == set(StreamingLlmApiArgs.__annotations__)


@pytest.mark.parametrize("name", list(settings_with_an_argument()))
def test_a_setting_takes_what_its_argument_is_declared_as(name: str) -> None:
    """A whole number is a number, as other languages send it."""
    hint = without_output(StreamingLlmApiArgs.__annotations__[name])
    declared = {list: list, bool: bool, int: float, float: float}.get(cast("type", get_origin(hint) or hint), str)

    assert (float if KINDS[name] is int else KINDS[name]) is declared


@pytest.mark.parametrize(
    ("group", "kind"),
    [
        (VpcEndpointArgs, VpcEndpoint),
        (AuthorizerArgs, Authorizer),
        (ThrottleArgs, Throttle),
        (QuotaArgs, Quota),
        (VpcArgs, Vpc),
        (StatementArgs, OwnStatement),
        (DomainArgs, Domain),
        (DashboardArgs, Dashboard),
    ],
)
def test_a_group_has_the_keys_that_other_languages_see(group: type, kind: type) -> None:
    assert set(arguments_of(kind)) == set(group.__annotations__)
    assert {name for name, it in arguments_of(kind).items() if it.required} == group.__required_keys__  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("args", "written"),
    [
        ({"guardrail": "none"}, None),
        ({"guardrail": "abc:DRAFT"}, "abc:DRAFT"),
        ({}, None),
    ],
)
def test_no_guardrail_is_no_variable(args: StreamingLlmApiArgs, written: str | None) -> None:
    options = checked(args)
    assert options.guardrail == written
    assert variables(options, "log", "none").get("LLM_GUARDRAIL") == written


def test_an_output_is_passed_on_unread() -> None:
    model_id = pulumi.Output.from_input("a")
    options = checked({"model_id": model_id})
    assert options.model_id is options.settings["model_id"] is model_id


@pytest.mark.parametrize("value", ["", "100", 0.5, float("inf"), float("nan"), True, [100], {}])
def test_a_setting_has_the_type_of_its_argument(value: object) -> None:
    """The text of a variable would be read, but another language's type is still wrong."""
    with pytest.raises(InvalidArgument, match=r"^maxTokens must be a whole number from 1 to 200000; got "):
        _check({"max_tokens": value})
