"""The arguments, read and checked: a wrong value fails the preview with a message that names its key."""

import difflib
import re
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any, Final, NoReturn, TypeVar, cast

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
    QuotaPeriod,
    Runtime,
    StreamingLlmApiArgs,
    StructuredOutput,
    ThrottleArgs,
    VpcArgs,
    VpcEndpointArgs,
)
from .bundle.target import PYTHONS, running_python
from .options import OUTCOMES, InvalidArgument, Options
from .rules import refuse_contradictions

Word = TypeVar("Word", bound=StrEnum)

DEFAULT_MODEL: Final = "global.anthropic.claude-haiku-4-5-20251001-v1:0"
"""Any commercial region can call it, and it takes a temperature."""

LONGEST_TIMEOUT: Final = 890
"""Seconds: the gateway's 900 less the 10 that a cold start may take before the function's clock runs."""

RETENTIONS: Final = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731),
    *(1096, 1827, 2192, 2557, 2922, 3288, 3653),
)
"""The days that CloudWatch Logs can keep a log (API reference, PutRetentionPolicy)."""


def _arn(service: str) -> str:
    return rf"arn:[\w-]+:{service}:.+"


_SINK: Final = rf"log|sns(:{_arn('sns')})?|(eventbridge|firehose)(:.+)?"
_SINK_MAY_BE: Final = (
    "log; sns, eventbridge or firehose to create one; "
    "sns:ARN, eventbridge:NAME or ARN, or firehose:NAME or ARN for one that exists"
)
_STORE: Final = r"none|dynamodb(:.+)?"
_STORE_MAY_BE: Final = "none, dynamodb to create a table, or dynamodb:NAME or ARN for one that exists"


def checked(args: StreamingLlmApiArgs) -> Options:
    """Return the arguments with their defaults.

    Raises:
        InvalidArgument: a key or a value is wrong, or two values do not go together.
    """
    refuse_unknown(args, StreamingLlmApiArgs.__annotations__)
    given = _Given(cast("Mapping[str, Any]", args))
    authorization = given.word("authorization", Authorization, Authorization.NONE)
    options = Options(
        model_id=given.text("model_id", DEFAULT_MODEL),
        model_regions=given.texts("model_regions", r"[a-z]{2}(-[a-z]+)+-\d", "regions such as eu-central-1") or None,
        structured_output=given.word("structured_output", StructuredOutput, StructuredOutput.AUTO),
        guardrail=given.maybe_text("guardrail", r".+:(DRAFT|\d+)", "id:version, such as abc123:1 or abc123:DRAFT"),
        guardrail_streaming=given.word("guardrail_streaming", GuardrailStreaming, GuardrailStreaming.SYNC),
        code=given.plain("code"),
        requirements=given.plain("requirements"),
        schema=given.reference("schema", "module:Class"),
        request=given.reference("request", "module:Class"),
        instructions=given.reference("instructions", "module:NAME"),
        temperature=given.maybe_number("temperature", 0, 1),
        max_tokens=given.whole("max_tokens", 2000, 1, 200_000),
        timeout=given.whole("timeout", 120, 5, LONGEST_TIMEOUT),
        memory=given.whole("memory", 1024, 128, 10240),
        architecture=given.word("architecture", Architecture, Architecture.ARM64),
        runtime=given.runtime(),
        reserved_concurrency=given.maybe_whole("reserved_concurrency", 0, 100_000),
        log_retention=given.one_of("log_retention", 30, RETENTIONS),
        body_limit=given.whole("body_limit", 65536, 1, 6_000_000),
        allowed_origins=given.origins(),
        start_padding=given.whole("start_padding", 0, 0, 1_000_000),
        capture_content=given.flag("capture_content"),
        publish_outcomes=given.outcomes(),
        sink=given.maybe_text("sink", _SINK, _SINK_MAY_BE) or "log",
        store=given.maybe_text("store", _STORE, _STORE_MAY_BE) or "none",
        max_attempts=given.whole("max_attempts", 1, 1, 10),
        endpoint=given.word("endpoint", Endpoint, Endpoint.REGIONAL),
        vpc_endpoint=given.vpc_endpoint(),
        authorization=authorization,
        authorizer=given.authorizer(),
        throttle=given.throttle(authorization),
        quota=given.quota(),
        access_log=given.flag("access_log"),
        manage_account_logging=given.flag("manage_account_logging"),
        vpc=given.vpc(),
        web_acl=given.arn("web_acl", "wafv2", "a web ACL"),
        domain=given.domain(),
        alarm_topic=given.arn("alarm_topic", "sns", "an SNS topic"),
        dashboard=given.dashboard(),
        kms_key=given.arn("kms_key", "kms", "a KMS key"),
        tags=given.tags(),
    )
    refuse_contradictions(options)
    return options


class _Given:
    """The arguments as they came: numbers may be floats and words plain strings, as other languages send them."""

    def __init__(self, args: Mapping[str, Any]) -> None:
        self.args = {name: value for name, value in args.items() if value is not None}

    def plain(self, name: str) -> str | None:
        value = self.args.get(name)
        if value is not None and not (isinstance(value, str) and value):
            _refuse(name, "a text that is known at preview", value)
        return value

    def text(self, name: str, default: str) -> pulumi.Input[str]:
        return self.maybe_text(name) or default

    def maybe_text(self, name: str, pattern: str = ".+", may_be: str = "a text") -> pulumi.Input[str] | None:
        value = self.args.get(name)
        if value is None or isinstance(value, pulumi.Output):
            return cast("pulumi.Input[str] | None", value)
        if not isinstance(value, str) or not re.fullmatch(pattern, value):
            _refuse(name, may_be, value)
        return value

    def arn(self, name: str, service: str, what: str) -> pulumi.Input[str] | None:
        return self.maybe_text(name, _arn(service), f"the ARN of {what}")

    def reference(self, name: str, may_be: str) -> str | None:
        value = self.plain(name)
        if value is not None and not re.fullmatch(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*", value):
            _refuse(name, may_be, value)
        return value

    def texts(self, name: str, pattern: str, may_be: str) -> Sequence[str]:
        for value in self.inputs(name, pattern, may_be):
            if isinstance(value, pulumi.Output):
                _refuse(name, f"a list of {may_be}", value)
        return tuple(self.args.get(name, ()))

    def inputs(self, name: str, pattern: str, may_be: str) -> Sequence[pulumi.Input[str]]:
        values = self.args.get(name, ())
        if isinstance(values, str) or not isinstance(values, Sequence):
            _refuse(name, f"a list of {may_be}", values)
        for value in values:
            if not (isinstance(value, pulumi.Output) or (isinstance(value, str) and re.fullmatch(pattern, value))):
                _refuse(name, f"a list of {may_be}", value)
        return values

    def word(self, name: str, words: type[Word], default: Word) -> Word:
        value = self.args.get(name, default)
        try:
            return words(value)
        except ValueError:
            _refuse(name, _either(words), value)

    def whole(self, name: str, default: int, least: int, most: int) -> int:
        value = self.maybe_whole(name, least, most)
        return default if value is None else value

    def maybe_whole(self, name: str, least: int, most: int) -> int | None:
        value = self.maybe_number(name, least, most, "a whole number")
        if value is not None and value != int(value):
            _refuse(name, f"a whole number from {least} to {most}", value)
        return None if value is None else int(value)

    def maybe_number(self, name: str, least: float, most: float, kind: str = "a number") -> float | None:
        value = self.args.get(name)
        if value is not None and not _is_number(value, least, most):
            _refuse(name, f"{kind} from {least} to {most}", value)
        return value

    def one_of(self, name: str, default: int, choices: Sequence[int]) -> int:
        value = self.args.get(name, default)
        if value not in choices:
            _refuse(name, _either(choices), value)
        return int(value)

    def flag(self, name: str) -> bool:
        value = self.args.get(name, False)
        if not isinstance(value, bool):
            _refuse(name, "true or false", value)
        return value

    def runtime(self) -> Runtime:
        if "runtime" in self.args:
            return self.word("runtime", Runtime, Runtime.PYTHON_3_13)
        return default_runtime(running_python())

    def origins(self) -> Sequence[str]:
        may_be = "origins such as https://example.com (as browsers send them: lower case, no path), or * alone"
        origins = self.texts("allowed_origins", r"\*|https?://[^/\s,'\"$#@A-Z]+", may_be)
        if "*" in origins and len(origins) > 1:
            _refuse("allowed_origins", may_be, list(origins))
        return origins

    def outcomes(self) -> Sequence[str]:
        if "publish_outcomes" not in self.args:
            return ("completed",)
        return self.texts("publish_outcomes", "|".join(OUTCOMES), f"outcomes ({', '.join(OUTCOMES)})")

    def group(self, name: str, kind: type) -> Any:  # noqa: ANN401 one of the TypedDicts, checked here
        value = self.args.get(name)
        if value is None:
            return None
        if not isinstance(value, Mapping):
            _refuse(name, f"an object with {_either(kind.__annotations__, 'and')}", value)
        refuse_unknown(value, kind.__annotations__, f"{camel(name)}.")
        for key in sorted(kind.__required_keys__):  # type: ignore[attr-defined]  # every TypedDict has it
            if value.get(key) in (None, "", []):
                raise InvalidArgument(f"{camel(name)}.{camel(key)} is missing.")
        return value

    def inside(self, name: str) -> "_Given":
        """Return the values of a group, under their full keys."""
        return _Given({f"{name}.{key}": value for key, value in self.args[name].items()})

    def vpc_endpoint(self) -> VpcEndpointArgs | None:
        group = self.group("vpc_endpoint", VpcEndpointArgs)
        if group is not None:
            inner = self.inside("vpc_endpoint")
            inner.maybe_text("vpc_endpoint.id", "vpce-.+", "an id such as vpce-0abc")
            inner.flag("vpc_endpoint.private_dns")
        return cast("VpcEndpointArgs | None", group)

    def authorizer(self) -> AuthorizerArgs:
        group = self.group("authorizer", AuthorizerArgs)
        if group is not None:
            inner = self.inside("authorizer")
            inner.inputs("authorizer.user_pools", _arn("cognito-idp"), "ARNs of Cognito user pools")
            inner.inputs("authorizer.scopes", r"\S+", "scopes such as llm/ask")
            inner.arn("authorizer.function_arn", "lambda", "a Lambda function")
            inner.maybe_text("authorizer.header", r"[\w-]+", "the name of a header")
            inner.maybe_whole("authorizer.cache_seconds", 0, 3600)
        return cast("AuthorizerArgs", group or {})

    def vpc(self) -> VpcArgs | None:
        group = self.group("vpc", VpcArgs)
        if group is not None:
            inner = self.inside("vpc")
            inner.inputs("vpc.subnets", "subnet-.+", "ids such as subnet-0abc")
            inner.inputs("vpc.security_groups", "sg-.+", "ids such as sg-0abc")
        return cast("VpcArgs | None", group)

    def domain(self) -> DomainArgs | None:
        group = self.group("domain", DomainArgs)
        if group is not None:
            inner = self.inside("domain")
            if not re.fullmatch(r"[\w-]+(\.[\w-]+)+", inner.plain("domain.name") or ""):
                _refuse("domain.name", "a host name such as llm.example.com", group["name"])
            inner.arn("domain.certificate", "acm", "an ACM certificate")
            inner.maybe_text("domain.zone", r"[\w/]+", "the id of a Route 53 zone")
        return cast("DomainArgs | None", group)

    def dashboard(self) -> DashboardArgs | None:
        group = self.group("dashboard", DashboardArgs)
        if group is not None:
            inner = self.inside("dashboard")
            inner.maybe_number("dashboard.input_price", 0, 10_000)
            inner.maybe_number("dashboard.output_price", 0, 10_000)
        return cast("DashboardArgs | None", group)

    def throttle(self, authorization: Authorization) -> ThrottleArgs:
        if self.group("throttle", ThrottleArgs) is None:
            return {"rate": 1, "burst": 5} if authorization is Authorization.NONE else {"rate": 10, "burst": 20}
        inner = self.inside("throttle")
        rate = inner.maybe_number("throttle.rate", 0, 10_000)
        return {"rate": rate or 0, "burst": inner.whole("throttle.burst", 0, 0, 5_000)}

    def quota(self) -> QuotaArgs | None:
        if self.group("quota", QuotaArgs) is None:
            return None
        inner = self.inside("quota")
        limit = inner.whole("quota.limit", 0, 1, 2**31 - 1)
        return {"limit": limit, "period": inner.word("quota.period", QuotaPeriod, QuotaPeriod.DAY)}

    def tags(self) -> Mapping[str, pulumi.Input[str]]:
        value = self.args.get("tags", {})
        if not isinstance(value, Mapping) or not all(isinstance(text, str | pulumi.Output) for text in value.values()):
            _refuse("tags", "an object of texts", value)
        return value


def refuse_unknown(keys: Iterable[str], known: Collection[str], place: str = "") -> None:
    """Raise for a key that is not ``known``, with the nearest that is; ``place`` stands before both.

    Raises:
        InvalidArgument: there is such a key.
    """
    for key in keys:
        if key not in known:
            near = difflib.get_close_matches(key, known, 1)
            name = near[0] if near and "_" in key else camel("".join(near))
            raise InvalidArgument(f"{place}{key}: there is no such argument.{f' Is it {place}{name}?' if near else ''}")


def default_runtime(building: str) -> Runtime:
    """Return the runtime of the Python that builds, so that what was tested is what runs.

    Raises:
        InvalidArgument: Lambda does not have it.
    """
    if building not in PYTHONS:
        raise InvalidArgument(
            f"runtime: this program runs on Python {building} ({sys.executable}), which Lambda does not have. "
            f"Run it on one of {', '.join(PYTHONS)}, or set runtime to {_either(Runtime)}.",
        )
    return Runtime(f"python{building}")


def camel(name: str) -> str:
    """Return the config key of an argument's name."""
    return re.sub(r"_(\w)", lambda found: found[1].upper(), name)


def _is_number(value: object, least: float, most: float) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and least <= value <= most


def _either(words: Iterable[object], last: str = "or") -> str:
    *front, end = map(str, words)
    return f"{', '.join(front)} {last} {end}" if front else end


def _refuse(name: str, may_be: str, value: object) -> NoReturn:
    shown = "a value that is only known after the deployment" if isinstance(value, pulumi.Output) else repr(value)
    raise InvalidArgument(f"{camel(name)} may be {may_be}, not {shown}.")
