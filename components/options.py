"""The arguments after their check, every default in its place."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import pulumi

from .arguments import (
    Architecture,
    Authorization,
    AuthorizerArgs,
    DashboardArgs,
    DomainArgs,
    Endpoint,
    GuardrailStreaming,
    QuotaArgs,
    Runtime,
    StructuredOutput,
    ThrottleArgs,
    VpcArgs,
    VpcEndpointArgs,
)

OUTCOMES: Final = ("completed", "invalid", "truncated", "refused", "failed", "cancelled", "deadline")


class InvalidArgument(pulumi.RunError):
    """A value that the component cannot work with; Pulumi shows the sentence without a traceback."""


@dataclass(frozen=True)
class Options:
    """The arguments after the check, every default in its place. None is "not asked for"."""

    model_id: pulumi.Input[str]
    model_regions: Sequence[str] | None
    structured_output: StructuredOutput
    guardrail: pulumi.Input[str] | None
    guardrail_streaming: GuardrailStreaming
    code: str | None
    requirements: str | None
    schema: str | None
    request: str | None
    instructions: str | None
    temperature: float | None
    max_tokens: int
    timeout: int
    memory: int
    architecture: Architecture
    runtime: Runtime
    reserved_concurrency: int | None
    log_retention: int
    body_limit: int
    allowed_origins: Sequence[str]
    start_padding: int
    capture_content: bool
    publish_outcomes: Sequence[str]
    sink: pulumi.Input[str]
    store: pulumi.Input[str]
    max_attempts: int
    endpoint: Endpoint
    vpc_endpoint: VpcEndpointArgs | None
    authorization: Authorization
    authorizer: AuthorizerArgs
    throttle: ThrottleArgs
    quota: QuotaArgs | None
    access_log: bool
    manage_account_logging: bool
    vpc: VpcArgs | None
    web_acl: pulumi.Input[str] | None
    domain: DomainArgs | None
    alarm_topic: pulumi.Input[str] | None
    dashboard: DashboardArgs | None
    kms_key: pulumi.Input[str] | None
    tags: Mapping[str, pulumi.Input[str]]

    @property
    def python(self) -> str:
        """The version in the runtime's name."""
        return self.runtime.removeprefix("python")

    @property
    def integration_timeout(self) -> int:
        """Milliseconds that the gateway waits: its clock runs during a cold start, the function's does not."""
        return (self.timeout + 10) * 1000

    @property
    def first_event_timeout(self) -> int:
        """Seconds until the first byte, a little less than the gateway's patience with a silent stream."""
        return 25 if self.endpoint is Endpoint.EDGE else 290

    @property
    def heartbeat(self) -> int:
        """Seconds of silence after which a sign of life is sent."""
        return 10 if self.endpoint is Endpoint.EDGE else 20
