"""The arguments after they were checked and converted, with their defaults.

The annotation of a field contains how its argument is read. The fields of ``Options`` without such an annotation are
settings of the function that the component uses too: the contract defines how every setting is read.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final

import pulumi

from .arguments import Architecture, Authorization, Effect, Endpoint, QuotaPeriod, RouteArgs, Runtime
from .contract import (
    LONGEST_TIMEOUT,
    OWN_VARIABLE,
    ROUTE,
    ROUTES,
    SETTINGS,
    SHORTEST_TIMEOUT,
    SINKS,
    Thinking,
    default_max_tokens,
    either,
    margin,
)
from .values import (
    Argument,
    arn,
    arn_pattern,
    conditions,
    flag,
    group,
    groups,
    groups_by_name,
    key_arn,
    known_text,
    known_texts,
    number,
    object_of_objects,
    object_of_texts,
    one_of,
    text,
    texts,
    values_of,
    whole_number,
    word,
)

RETENTIONS: Final = (
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731,
    1096, 1827, 2192, 2557, 2922, 3288, 3653,
)  # fmt: skip
"""The days that CloudWatch Logs can keep a log (API reference, PutRetentionPolicy)."""

CACHE_READ_SHARE: Final = 0.1
CACHE_WRITE_SHARE: Final = 1.25
"""What an input token costs that is read from the cache or written to it, as a share of one that is neither.

platform.claude.com, about-claude/pricing. The newest models read for less; a write for an hour costs twice the price.
"""

COLD_START: Final = 10
"""Seconds that the gateway waits longer than the function's timeout: its clock also runs during a cold start."""


def _sink() -> Argument:
    """Read where records are published. A sink that takes a name takes its ARN too."""
    existing = [f"{kind}:{form}" if form == "ARN" else f"{kind}:{form} or ARN" for kind, form in SINKS.items()]
    patterns = [f"{kind}(:{arn_pattern(kind) if form == 'ARN' else '.+'})?" for kind, form in SINKS.items()]
    return text(
        f"log; {either(SINKS)} to create one; or one of {', '.join(existing)} for one that exists",
        "|".join(["log", *patterns]),
        SETTINGS["sink"].default,
    )


@dataclass(frozen=True)
class Throttle:
    """How many calls of a route, and how many preflights of it, the gateway lets through."""

    rate: Annotated[float, number(0, 10_000, required=True)]
    burst: Annotated[int, whole_number(0, 5_000, required=True)]


@dataclass(frozen=True)
class Quota:
    """How many calls an API key can make."""

    limit: Annotated[int, whole_number(1, 2**31 - 1, required=True)]
    period: Annotated[QuotaPeriod, word(QuotaPeriod, required=True)]


@dataclass(frozen=True)
class Authorizer:
    """What decides on a caller: Cognito user pools, or a Lambda function."""

    user_pools: Annotated[Sequence[pulumi.Input[str]], texts("ARNs of Cognito user pools", arn_pattern("cognito-idp"))]
    scopes: Annotated[Sequence[pulumi.Input[str]], texts("scopes such as llm/ask", r"\S+")]
    function_arn: Annotated[pulumi.Input[str] | None, arn("lambda", "a Lambda function")]
    header: Annotated[str, known_text("the name of a header", r"[\w-]+", "Authorization")]
    cache_seconds: Annotated[int, whole_number(0, 3600, 300)]


@dataclass(frozen=True)
class OwnStatement:
    """What the user's modules can do, or cannot, besides what the function itself does."""

    actions: Annotated[
        Sequence[str], known_texts("IAM actions such as s3:GetObject", r"\*|[\w-]+:[\w*?]+", required=True)
    ]
    resources: Annotated[Sequence[pulumi.Input[str]], texts("ARNs, or * alone", r"\*|arn:.+", required=True)]
    effect: Annotated[Effect, word(Effect, Effect.ALLOW)]
    condition: Annotated[Mapping[str, Mapping[str, Any]], conditions()]


@dataclass(frozen=True)
class Vpc:
    """The network that the function runs in."""

    subnets: Annotated[Sequence[pulumi.Input[str]], texts("ids such as subnet-0abc", "subnet-.+", required=True)]
    security_groups: Annotated[Sequence[pulumi.Input[str]], texts("ids such as sg-0abc", "sg-.+", required=True)]


@dataclass(frozen=True)
class VpcEndpoint:
    """The VPC endpoint through which a private API is reached."""

    id: Annotated[pulumi.Input[str], text("an id such as vpce-0abc", "vpce-.+", required=True)]
    private_dns: Annotated[bool, flag(default=True)]


@dataclass(frozen=True)
class Domain:
    """The user's own host name for the endpoint."""

    name: Annotated[str, known_text("a host name such as llm.example.com", r"[\w-]+(\.[\w-]+)+", required=True)]
    certificate: Annotated[pulumi.Input[str], arn("acm", "an ACM certificate", required=True)]
    zone: Annotated[pulumi.Input[str] | None, text("the id of a Route 53 zone", r"[\w/]+")]
    only_this_host: Annotated[bool, flag()]


@dataclass(frozen=True)
class Prices:
    """US dollars per million tokens of one model."""

    input: Annotated[float, number(0, 10_000, required=True)]
    output: Annotated[float, number(0, 10_000, required=True)]
    cache_read: Annotated[float | None, number(0, 10_000)] = None
    cache_write: Annotated[float | None, number(0, 10_000)] = None

    @property
    def of_reads(self) -> float:
        """The price of input tokens that are read from the cache."""
        return self.input * CACHE_READ_SHARE if self.cache_read is None else self.cache_read

    @property
    def of_writes(self) -> float:
        """The price of input tokens that are written to the cache."""
        return self.input * CACHE_WRITE_SHARE if self.cache_write is None else self.cache_write


@dataclass(frozen=True)
class Dashboard:
    """US dollars per million tokens, for the dashboard's estimate of costs."""

    input_price: Annotated[float, number(0, 10_000, 1)]
    output_price: Annotated[float, number(0, 10_000, 5)]
    prices: Annotated[Mapping[str, Prices], groups_by_name(Prices)]

    def of_model(self, model_id: str) -> Prices:
        """Return the prices of a model."""
        return self.prices.get(model_id) or Prices(self.input_price, self.output_price)


@dataclass(frozen=True)
class Route:
    """One of several routes."""

    options: "Options"
    """All its arguments: its own, and the component's for all else."""
    own: Mapping[str, pulumi.Input[str]]
    """The texts of the settings that are its own, by the setting's name."""


@dataclass(frozen=True)
class Options:
    """The arguments of the component. None: the argument is not set and has no default."""

    settings: Mapping[str, pulumi.Input[str]]
    """The texts of the settings that the stack gives the function, by the setting's name."""

    model_id: pulumi.Input[str]
    fallback_models: Sequence[str] | None
    fallback_after: float | None
    authorization: Authorization
    caller_fields: Sequence[str] | None
    guardrail: pulumi.Input[str] | None
    schema: str | None
    request: str | None
    prepare: str | None
    prepare_timeout: float | None
    instructions: str | None
    thinking: Thinking | None
    max_tokens: int | None
    allowed_origins: Sequence[str]
    max_attempts: int
    head_within: float
    services: Sequence[str] | None
    stages: Sequence[str] | None
    stage_timeout: float | None
    stage_content: bool | None

    model_regions: Annotated[Sequence[str], known_texts("regions such as eu-central-1", r"[a-z]{2}(-[a-z]+)+-\d")]
    code: Annotated[str | None, known_text("a text that is known at preview")]
    requirements: Annotated[str | None, known_text("a text that is known at preview")]
    environment: Annotated[Mapping[str, pulumi.Input[str]], object_of_texts(OWN_VARIABLE)]
    statements: Annotated[Sequence[OwnStatement], groups(OwnStatement)]
    timeout: Annotated[int, whole_number(SHORTEST_TIMEOUT, LONGEST_TIMEOUT)]
    """One for all routes; where it is not set, the models of the routes decide."""
    memory: Annotated[int, whole_number(128, 10240, 1024)]
    architecture: Annotated[Architecture, word(Architecture, Architecture.ARM64)]
    runtime: Annotated[Runtime, word(Runtime)]
    reserved_concurrency: Annotated[int | None, whole_number(0, 100_000)]
    log_retention: Annotated[int, one_of(RETENTIONS, 30)]
    sink: Annotated[pulumi.Input[str], _sink()]
    store: Annotated[
        pulumi.Input[str],
        text(
            "none, dynamodb to create a table, or dynamodb:NAME or ARN for one that exists",
            r"none|dynamodb(:.+)?",
            SETTINGS["store"].default,
        ),
    ]
    endpoint: Annotated[Endpoint, word(Endpoint, Endpoint.REGIONAL)]
    vpc_endpoint: Annotated[VpcEndpoint | None, group(VpcEndpoint)]
    authorizer: Annotated[Authorizer, group(Authorizer, Authorizer(**values_of(Authorizer, {})))]
    routes: Annotated[Mapping[str, Route], object_of_objects(ROUTES, RouteArgs.__annotations__)]
    """Empty if the component has one route."""
    throttle: Annotated[Throttle, group(Throttle)]
    quota: Annotated[Quota | None, group(Quota)]
    access_log: Annotated[bool, flag()]
    manage_account_logging: Annotated[bool, flag()]
    vpc: Annotated[Vpc | None, group(Vpc)]
    web_acl: Annotated[pulumi.Input[str] | None, arn("wafv2", "a web ACL")]
    domain: Annotated[Domain | None, group(Domain)]
    alarm_topic: Annotated[pulumi.Input[str] | None, arn("sns", "an SNS topic")]
    dashboard: Annotated[Dashboard | None, group(Dashboard)]
    kms_key: Annotated[pulumi.Input[str] | None, key_arn()]
    environment_key_through_lambda: Annotated[bool, flag(default=True)]
    tags: Annotated[Mapping[str, pulumi.Input[str]], object_of_texts()]

    @property
    def endpoints(self) -> Mapping[str, "Options"]:
        """The arguments of each route by its name; without ``routes`` of the only one."""
        return {name: route.options for name, route in self.routes.items()} or {ROUTE: self}

    @property
    def called_models(self) -> Sequence[pulumi.Input[str]]:
        """Every model that a route can call, as given; a model that two routes call can come twice."""
        return [
            model_id
            for endpoint in self.endpoints.values()
            for model_id in (endpoint.model_id, *(endpoint.fallback_models or ()))
        ]

    @property
    def model(self) -> str:
        """The id of the model, or of the one behind its profile; empty if only the deployment knows it."""
        named = self.settings.get("profile_model", self.model_id)
        return named if isinstance(named, str) else ""

    @property
    def models(self) -> Sequence[str]:
        """That model, and those that follow it."""
        return [self.model, *(self.fallback_models or ())]

    @property
    def most_tokens(self) -> int:
        """The limit of an answer's tokens that is in force, for the model with the highest."""
        thinking = self.thinking or Thinking.DEFAULT
        return self.max_tokens or max(default_max_tokens(model, thinking) for model in self.models)

    @property
    def seconds_of_an_answer(self) -> float:
        """Seconds after which the function ends an answer."""
        return self.timeout - margin(self.timeout, self.seconds_of_own_stages)

    @property
    def python(self) -> str:
        """The version in the runtime's name."""
        return self.runtime.removeprefix("python")

    @property
    def seconds_of_own_stages(self) -> float:
        """Seconds that the function keeps for own stages."""
        if not self.stages:
            return 0.0
        return float(SETTINGS["stage_timeout"].default) if self.stage_timeout is None else self.stage_timeout

    @property
    def integration_timeout(self) -> int:
        """Milliseconds that the gateway waits for the function."""
        return (self.timeout + COLD_START) * 1000
