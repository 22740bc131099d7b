"""The arguments of the component: the names and descriptions that programs in every language see.

An argument in snake_case is the config key in camelCase. A description ends with the default; docs/generate.py makes
the tables of the documentation and the config block of Pulumi.yaml from it.
"""

from enum import StrEnum
from typing import Any, Required, TypedDict

import pulumi

from .contract import Authorization, Cache, Effort, GuardrailStreaming, StructuredOutput, Thinking

__all__ = [
    "Architecture",
    "Authorization",
    "AuthorizerArgs",
    "Cache",
    "DashboardArgs",
    "DomainArgs",
    "Effect",
    "Effort",
    "Endpoint",
    "GuardrailStreaming",
    "PricesArgs",
    "QuotaArgs",
    "QuotaPeriod",
    "RouteArgs",
    "Runtime",
    "StatementArgs",
    "StreamingLlmApiArgs",
    "StructuredOutput",
    "Thinking",
    "ThrottleArgs",
    "VpcArgs",
    "VpcEndpointArgs",
]


class Architecture(StrEnum):
    """The processor that the function runs on."""

    ARM64 = "arm64"
    X86_64 = "x86_64"


class Runtime(StrEnum):
    """The Python that Lambda runs the function with."""

    PYTHON_3_11 = "python3.11"
    PYTHON_3_12 = "python3.12"
    PYTHON_3_13 = "python3.13"
    PYTHON_3_14 = "python3.14"


class Endpoint(StrEnum):
    """The type of the API's endpoint: edge ends a stream after 30 silent seconds, the others after 5 minutes."""

    REGIONAL = "regional"
    EDGE = "edge"
    PRIVATE = "private"


class Effect(StrEnum):
    """Whether an IAM statement allows its actions or denies them."""

    ALLOW = "Allow"
    DENY = "Deny"


class QuotaPeriod(StrEnum):
    """The period of a quota."""

    DAY = "DAY"
    WEEK = "WEEK"
    MONTH = "MONTH"


class ThrottleArgs(TypedDict, total=False):
    """The limits for calls of a route, and separately for its preflights; calls above them are answered with 429."""

    rate: Required[float]
    """Calls per second, on average."""
    burst: Required[int]
    """Calls that can arrive at the same moment."""


class QuotaArgs(TypedDict, total=False):
    """How many calls an API key can make."""

    limit: Required[int]
    """Calls per period."""
    period: Required[QuotaPeriod]
    """The period."""


class AuthorizerArgs(TypedDict, total=False):
    """What admits a caller: Cognito user pools, or a Lambda function."""

    user_pools: list[pulumi.Input[str]]
    """ARNs of the Cognito user pools (requires `authorization: cognito`)."""
    scopes: list[pulumi.Input[str]]
    """Scopes; an access token must have one of them. Without scopes, API Gateway accepts ID tokens instead."""
    function_arn: pulumi.Input[str]
    """ARN of the authorizer function (requires `authorization: lambda`)."""
    header: str
    """Header that carries the token. Default: `Authorization`."""
    cache_seconds: int
    """Seconds for which API Gateway caches a decision; 0 turns the cache off. Default: 300."""


class VpcArgs(TypedDict, total=False):
    """The VPC network of the function; it needs a route to Bedrock (a VPC endpoint or NAT)."""

    subnets: Required[list[pulumi.Input[str]]]
    """Ids of the subnets."""
    security_groups: Required[list[pulumi.Input[str]]]
    """Ids of the security groups."""


class VpcEndpointArgs(TypedDict, total=False):
    """The `execute-api` endpoint through which a private API is reached."""

    id: Required[pulumi.Input[str]]
    """Its id (`vpce-…`)."""
    private_dns: bool
    """Whether it has private DNS; without it, `url` contains the id of the VPC endpoint. Default: true."""


class DomainArgs(TypedDict, total=False):
    """A host name for the endpoint."""

    name: Required[str]
    """The host name."""
    certificate: Required[pulumi.Input[str]]
    """ARN of its ACM certificate: in us-east-1 for an edge endpoint, else in the endpoint's region."""
    zone: pulumi.Input[str]
    """Id of the Route 53 zone for an alias record; without it, point the name at `domainTarget` yourself."""
    only_this_host: bool
    """Whether to disable API Gateway's own host name, so that calls come through this one alone. Default: false."""


class PricesArgs(TypedDict, total=False):
    """What the tokens of one model cost, in US dollars per million."""

    input: Required[float]
    """Input tokens."""
    output: Required[float]
    """Output tokens."""
    cache_read: float
    """Input tokens that are read from the cache. Default: a tenth of `input`."""
    cache_write: float
    """Input tokens that are written to the cache. Default: 1.25 times `input`, the price of five minutes."""


class DashboardArgs(TypedDict, total=False):
    """A CloudWatch dashboard, which estimates costs with these prices."""

    input_price: float
    """US dollars per million input tokens. Default: 1."""
    output_price: float
    """US dollars per million output tokens. Default: 5."""
    prices: dict[str, PricesArgs]
    """Prices by model, each named as in `modelId`, in place of the two above. Default: none."""


class StatementArgs(TypedDict, total=False):
    """An IAM statement for what your modules do; the function's own permissions need none."""

    actions: Required[list[str]]
    """IAM actions, such as `s3:GetObject`."""
    resources: Required[list[pulumi.Input[str]]]
    """ARNs of the resources, or `*`."""
    effect: Effect
    """Whether the actions are allowed or denied. Default: `Allow`."""
    condition: dict[str, dict[str, Any]]
    """IAM conditions: an object of operators, each with an object of keys and their texts. Default: none."""


class RouteArgs(TypedDict, total=False):
    """A route, `POST /v1/NAME`, with arguments of its own; what is not given, and all else, is the component's."""

    model_id: pulumi.Input[str]
    """Id of the model or inference profile, or the ARN of an inference profile. Default: as the component's."""
    model_regions: list[str]
    """Regions that the profile routes to. Default: as the component's, if `modelId` names such a profile."""
    fallback_models: list[str]
    """Ids of the models that follow `modelId`, or an empty list. Default: as the component's."""
    fallback_after: float
    """Seconds after which a model that has sent nothing is given up. Default: as the component's."""
    structured_output: StructuredOutput
    """How the schema reaches the model. Default: as the component's."""
    guardrail: pulumi.Input[str]
    """A Bedrock guardrail, as `id:version`. Default: as the component's."""
    guardrail_streaming: GuardrailStreaming
    """Whether the guardrail checks text before it is sent or after. Default: as the component's."""
    schema: str
    """The Pydantic class of the answer, as `module:Class`. Default: as the component's."""
    request: str
    """The Pydantic class of a request, as `module:Class`. Default: as the component's."""
    prepare: str
    """The function that makes the prompt of a request, as `module:function`. Default: as the component's."""
    instructions: str
    """The system prompt, as `module:NAME`. Default: as the component's."""
    cache: Cache
    """How long Bedrock caches the instructions. Default: as the component's."""
    temperature: float
    """Sampling temperature from 0 to 1, or `none` to send none. Default: as the component's."""
    effort: Effort
    """How many tokens the model spends on an answer. Default: as the component's."""
    thinking: Thinking
    """Whether the model thinks before it answers. Default: as the component's."""
    show_thinking: bool
    """Whether the event formats show a summary of the thinking. Default: as the component's."""
    max_tokens: int
    """Limit of the tokens of thinking and answer together. Default: as the component's."""
    body_limit: int
    """Limit of the bytes of a request body. Default: as the component's."""
    max_attempts: int
    """How many answers the function requests from the model before a request fails. Default: as the component's."""
    throttle: ThrottleArgs
    """The limits for calls of this route. Default: as the component's, for each route apart."""


class StreamingLlmApiArgs(TypedDict, total=False):
    """The arguments of the component; none is required."""

    model_id: pulumi.Input[str]
    (
        "Id of the model or inference profile, or the ARN of an inference profile. "
        "Default: `global.anthropic.claude-haiku-4-5-20251001-v1:0`."
    )
    model_regions: list[str]
    (
        "Regions that a geographic or application inference profile routes to. Without them, the component asks "
        "Bedrock at deploy time, which requires AWS credentials even for a preview. Default: none."
    )
    profile_model: pulumi.Input[str]
    (
        "Id of the model behind an application inference profile (requires `modelRegions`; without them Bedrock is "
        "asked). Default: none."
    )
    fallback_models: list[str]
    (
        "Ids of at most 3 models that follow `modelId`, in this order, if it fails before its answer begins. "
        "Default: none."
    )
    fallback_after: float
    (
        "Seconds after which a model that has sent nothing is given up, if another one follows it (at least 1; "
        "requires `fallbackModels`). Default: none."
    )
    structured_output: StructuredOutput
    """How the schema reaches the model; `auto` is native structured output if the model has it. Default: `auto`."""
    guardrail: pulumi.Input[str]
    """A Bedrock guardrail, as `id:version`. Default: none."""
    guardrail_streaming: GuardrailStreaming
    """Whether the guardrail checks text before it is sent (`sync`) or after (`async`). Default: `sync`."""
    code: str
    """Folder that contains your modules, absolute or relative to the Pulumi project. Default: none."""
    requirements: str
    """pip requirements file of your modules, absolute or relative to the Pulumi project. Default: none."""
    environment: dict[str, pulumi.Input[str]]
    (
        "Variables of your modules, by name; a name must begin with none of `LLM_`, `AWS_`, `LAMBDA_`, `_`, `PYTHON`, "
        "`LD_` and `POWERTOOLS_`. Default: none."
    )
    statements: list[StatementArgs]
    """IAM statements for what your modules do, as one more policy of the function's role. Default: none."""
    services: list[str]
    (
        "AWS services that your modules call, by boto3's names, such as `s3`, beside those that the function calls "
        "itself. Default: none."
    )
    schema: str
    """The Pydantic class of the answer, as `module:Class`. Default: `function.schema:Answer`."""
    request: str
    """The Pydantic class of a request, as `module:Class`. Default: `function.schema:Request`."""
    prepare: str
    """Your function that makes the prompt of a request, as `module:function`. Default: none."""
    prepare_timeout: float
    """Seconds that `prepare` can take (requires `prepare`). Default: none (the time of the answer)."""
    instructions: str
    """The system prompt, as `module:NAME`. Default: `function.schema:INSTRUCTIONS`."""
    cache: Cache
    """How long Bedrock caches the instructions, and a schema in them, after they were last read. Default: none."""
    temperature: float
    (
        "Sampling temperature from 0 to 1, or `none` to send none; the preview fails if the model accepts none. "
        "Default: `auto` (0.7 for models that are known to accept one, otherwise none)."
    )
    effort: Effort
    """How many tokens the model spends on thinking and answer, if it knows effort. Default: none (the model's own)."""
    thinking: Thinking
    """Whether the model thinks before it answers; `default` leaves it to the model. Default: `default`."""
    show_thinking: bool
    """Whether the event formats show a summary of the thinking; it is not validated. Default: false."""
    max_tokens: int
    (
        "Limit of the tokens of thinking and answer together; Bedrock reserves as many of the model's quota per "
        "request. Default: `auto` (2000, or 8000 if the model thinks)."
    )
    timeout: int
    (
        "The function's timeout in seconds, from 5 to 890; an answer ends up to 10 s earlier. "
        "Default: 120 s, or 300 s if a model of the stack thinks."
    )
    memory: int
    """Memory of the function in MB, from 128 to 10240. Default: 1024."""
    architecture: Architecture
    """The processor of the function. Default: `arm64`."""
    runtime: Runtime
    """The Python runtime of the function. Default: the Python version that builds it."""
    reserved_concurrency: int
    """Sandboxes that Lambda reserves for the function, and their limit. Default: none (the account's limit)."""
    log_retention: int
    """Days for which CloudWatch keeps the logs. Default: 30."""
    body_limit: int
    (
        "Limit of the bytes of a request body. "
        "Default: `auto` (6000000 if `request` has a field for an image or a document, otherwise 65536)."
    )
    allowed_origins: list[str]
    """Origins whose pages can call the endpoint, or `*` alone. Default: none."""
    start_padding: int
    """Bytes of padding before the answer, for accounts where the first small chunks are held back. Default: 0."""
    capture_content: bool
    """Whether stored and published records contain prompts and answers; the log is a sink too. Default: false."""
    publish_outcomes: list[str]
    """Outcomes whose records are published. Default: `completed`."""
    sink: pulumi.Input[str]
    (
        "Where records are published: `log`; `sns`, `eventbridge` or `firehose` to create one; "
        "`sns:ARN`, `eventbridge:NAME or ARN` or `firehose:NAME or ARN` for one that exists. Default: `log`."
    )
    store: pulumi.Input[str]
    (
        "Where records are kept: `none`, `dynamodb` to create a table, or `dynamodb:NAME or ARN` for one that exists. "
        "Default: `none`."
    )
    max_attempts: int
    """How many answers the function requests from the model before a request fails. Default: 1."""
    head_within: int
    (
        "Seconds from the request's arrival after which the event formats send their status, 200, even if the model "
        "has written nothing yet. Default: 10."
    )
    stages: list[str]
    """Your own stages, at most 8 of `module:function`, in order, after log, store and publish. Default: none."""
    stage_timeout: float
    """Seconds for all own stages together, added to the time that the function keeps for stages. Default: 2."""
    stage_content: bool
    """Whether own stages see prompts and answers without `captureContent` (requires `stages`). Default: false."""
    endpoint: Endpoint
    """The type of the API's endpoint. Default: `regional`."""
    vpc_endpoint: VpcEndpointArgs
    """The VPC endpoint of a private API (requires `endpoint: private`). Default: none."""
    authorization: Authorization
    """Who can call the endpoint; with `none`, every preview warns. Default: `none`."""
    authorizer: AuthorizerArgs
    """What admits a caller (requires `authorization: cognito` or `lambda`). Default: none."""
    caller_fields: list[str]
    (
        "What log lines, records and Bedrock's invocation logs say of the caller: at most 4 of `id` and `claims.NAME`, "
        "such as `claims.custom:tenant`. Default: none."
    )
    routes: dict[str, RouteArgs]
    (
        "Several routes in place of `/v1/stream`, by name (lower-case letters, digits and hyphens after a letter). "
        "Default: none."
    )
    throttle: ThrottleArgs
    """The limits for calls. Default: 1 per second and 5 at once without authorization, else 10 and 20."""
    quota: QuotaArgs
    """How many calls an API key can make (requires `authorization: apiKey`). Default: none."""
    access_log: bool
    """Whether API Gateway logs each call and its errors; requires the account's logging role. Default: false."""
    manage_account_logging: bool
    """Whether to create the account's logging role; it stays when the stack is destroyed. Default: false."""
    vpc: VpcArgs
    """The VPC network of the function. Default: none."""
    web_acl: pulumi.Input[str]
    """ARN of a WAF web ACL for the stage. Default: none."""
    domain: DomainArgs
    """A host name for the endpoint. Default: none."""
    alarm_topic: pulumi.Input[str]
    """ARN of an SNS topic that alarms notify. Default: none."""
    dashboard: DashboardArgs
    """A CloudWatch dashboard. Default: none."""
    kms_key: pulumi.Input[str]
    """ARN of the KMS key for logs, settings and stored records, not of an alias. Default: none (keys of AWS)."""
    environment_key_through_lambda: bool
    """Whether the role can decrypt the function's settings with `kmsKey` only through Lambda. Default: true."""
    tags: dict[str, pulumi.Input[str]]
    """Tags of every resource that can have tags. Default: none."""
