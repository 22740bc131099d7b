"""What the component can be told. An argument in snake_case is the config key in camelCase.

These are the names and words that other programs and languages see.
"""

from enum import StrEnum
from typing import Required, TypedDict

import pulumi

from .contract import GuardrailStreaming, StructuredOutput


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
    """Where the API is reached: edge ends a stream that is silent for 30 seconds, the others after 5 minutes."""

    REGIONAL = "regional"
    EDGE = "edge"
    PRIVATE = "private"


class Authorization(StrEnum):
    """Who may call the endpoint."""

    NONE = "none"
    IAM = "iam"
    API_KEY = "apiKey"
    COGNITO = "cognito"
    LAMBDA = "lambda"


class QuotaPeriod(StrEnum):
    """The time after which a quota starts anew."""

    DAY = "DAY"
    WEEK = "WEEK"
    MONTH = "MONTH"


class ThrottleArgs(TypedDict, total=False):
    """How many calls of `POST /stream` the gateway lets through; the others get 429."""

    rate: Required[float]
    """Calls a second, in the long run."""
    burst: Required[int]
    """Calls at once."""


class QuotaArgs(TypedDict, total=False):
    """How many calls an API key is good for."""

    limit: Required[int]
    """Calls in a period."""
    period: Required[QuotaPeriod]
    """The period."""


class AuthorizerArgs(TypedDict, total=False):
    """Who judges a caller: Cognito user pools, or a Lambda function of yours."""

    user_pools: list[pulumi.Input[str]]
    """ARNs of the Cognito user pools (with `authorization: cognito`)."""
    scopes: list[pulumi.Input[str]]
    """Scopes of which an access token needs one; without any, Cognito takes ID tokens."""
    function_arn: pulumi.Input[str]
    """ARN of the authorizer function (with `authorization: lambda`)."""
    header: str
    """The header that carries the token: `Authorization` by default."""
    cache_seconds: int
    """How long the gateway remembers a verdict: 300 by default, 0 for never."""


class VpcArgs(TypedDict, total=False):
    """The network that the function runs in; it needs a way to Bedrock there (an endpoint or NAT)."""

    subnets: Required[list[pulumi.Input[str]]]
    """Ids of the subnets."""
    security_groups: Required[list[pulumi.Input[str]]]
    """Ids of the security groups."""


class VpcEndpointArgs(TypedDict, total=False):
    """The `execute-api` endpoint that a private API is reached through."""

    id: Required[pulumi.Input[str]]
    """Its id (`vpce-…`)."""
    private_dns: bool
    """Whether it has private DNS, which decides what `url` is: true by default."""


class DomainArgs(TypedDict, total=False):
    """A host name of yours for the endpoint."""

    name: Required[str]
    """The host name."""
    certificate: Required[pulumi.Input[str]]
    """ARN of its ACM certificate: in us-east-1 for an edge endpoint, else in the endpoint's region."""
    zone: pulumi.Input[str]
    """Id of the Route 53 zone to put an alias record into; without it, point the name at `domain_target` yourself."""


class DashboardArgs(TypedDict, total=False):
    """A CloudWatch dashboard. The prices are for its estimate of costs."""

    input_price: float
    """US dollars for a million input tokens: 1 by default."""
    output_price: float
    """US dollars for a million output tokens: 5 by default."""


class StreamingLlmApiArgs(TypedDict, total=False):
    """Everything that the component can be told; nothing has to be."""

    model_id: pulumi.Input[str]
    (
        "Id of the model or inference profile, or an inference profile's ARN. "
        "Default: `global.anthropic.claude-haiku-4-5-20251001-v1:0`."
    )
    model_regions: list[str]
    (
        "Regions that a geographic or application inference profile routes to. Without them they are asked for "
        "at deploy time, which takes credentials even for a preview."
    )
    structured_output: StructuredOutput
    """How the schema reaches the model. Default: `auto`, as constrained output where the model can."""
    guardrail: pulumi.Input[str]
    """A Bedrock guardrail, as `id:version`. Default: none."""
    guardrail_streaming: GuardrailStreaming
    """Whether text waits for the guardrail. Default: `sync`."""
    code: str
    """Folder of your modules, absolute or relative to the Pulumi project. Default: none."""
    requirements: str
    """pip file of the packages that they import, absolute or relative to the Pulumi project. Default: none."""
    schema: str
    """The Pydantic model of the answer, as `module:Class`. Default: a summary and keywords."""
    request: str
    """The Pydantic model of a request, as `module:Class`. Default: a prompt."""
    instructions: str
    """The system prompt, as `module:NAME`. Default: that of the default answer."""
    temperature: float
    """Sampling temperature from 0 to 1. Default: 0.7 where the model takes one. Models that take none refuse it."""
    max_tokens: int
    """Tokens an answer may have; as many are reserved of the model's quota. Default: 2000."""
    timeout: int
    """Seconds an answer may take, 5 to 890. Default: 120."""
    memory: int
    """Memory of the function in MB, 128 to 10240. Default: 1024."""
    architecture: Architecture
    """The processor of the function. Default: `arm64`."""
    runtime: Runtime
    """The function's Python. Default: the version that builds it."""
    reserved_concurrency: int
    """Requests that the function may serve at once, and that are kept free for it. Default: what the account has."""
    log_retention: int
    """Days that logs are kept. Default: 30."""
    body_limit: int
    """Bytes that a request's body may have. Default: 65536."""
    allowed_origins: list[str]
    """Origins whose pages may call the endpoint, or `*` alone. Default: none."""
    start_padding: int
    """Harmless bytes before the answer, for accounts that hold the first small chunks back. Default: 0."""
    capture_content: bool
    """Whether prompts and answers enter records: store, sink and, as the default sink, the log. Default: false."""
    publish_outcomes: list[str]
    """Outcomes whose records are published. Default: `completed`."""
    sink: pulumi.Input[str]
    (
        "Where records are published: `log`; `sns`, `eventbridge`, `firehose` for one that is created; "
        "`sns:ARN`, `eventbridge:NAME or ARN`, `firehose:NAME or ARN` for one that exists. Default: `log`."
    )
    store: pulumi.Input[str]
    (
        "Where records are kept: `none`, `dynamodb` for a table that is created, `dynamodb:NAME or ARN` for one that "
        "exists. Default: `none`."
    )
    max_attempts: int
    """Answers that are tried for before giving up. Default: 1."""
    endpoint: Endpoint
    """Where the API is reached. Default: `regional`."""
    vpc_endpoint: VpcEndpointArgs
    """The VPC endpoint of a private API. Default: none."""
    authorization: Authorization
    """Who may call. Default: `none`, with a warning at every preview."""
    authorizer: AuthorizerArgs
    """Who judges callers (with `authorization: cognito` or `lambda`). Default: none."""
    throttle: ThrottleArgs
    """Calls let through. Default: 1 a second and 5 at once without authorization, else 10 and 20."""
    quota: QuotaArgs
    """Calls that the API key is good for (with `authorization: apiKey`). Default: no limit."""
    access_log: bool
    """Whether the gateway logs each call and its errors. Needs the account's logging role. Default: false."""
    manage_account_logging: bool
    """Whether to set up that role for the account and region, and leave it there. Default: false."""
    vpc: VpcArgs
    """The network of the function. Default: none of yours."""
    web_acl: pulumi.Input[str]
    """ARN of a WAF web ACL to put before the stage. Default: none."""
    domain: DomainArgs
    """A host name of yours. Default: none."""
    alarm_topic: pulumi.Input[str]
    """ARN of an SNS topic that alarms go to. Default: no alarms."""
    dashboard: DashboardArgs
    """A dashboard. Default: none."""
    kms_key: pulumi.Input[str]
    """ARN of the KMS key that encrypts what is stored. Default: keys of AWS."""
    tags: dict[str, pulumi.Input[str]]
    """Tags of every resource that can have some. Default: none."""
