"""The component: from arguments to the resources of one endpoint, or of several routes."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path

import pulumi

from .arguments import Authorization, Effect, Endpoint, StreamingLlmApiArgs
from .bundle import Bundle, BundleError, Target
from .bundle.target import running_python
from .contract import ROUTE, camel
from .options import Options, OwnStatement
from .parsing import checked
from .resources import callers, records
from .resources.account_logging import account_logging
from .resources.api import base_url, streaming_api, urls
from .resources.function import log_group, routes_file, streaming_function, variables
from .resources.monitoring import Watched, declare_alarms, declare_dashboard
from .resources.scope import Scope
from .trial.trial import Report, models_of, try_function, with_placeholders
from .values import InvalidArgument

TYPE = "streaming-llm:index:StreamingLlmApi"
SLOW_MODEL = 40
"""Tokens per second, for a warning."""


class StreamingLlmApi(pulumi.ComponentResource):
    """A typed, streaming LLM endpoint: POST /v1/stream on API Gateway, a Python function, a Bedrock model."""

    url: pulumi.Output[str]
    """The URL of the endpoint, `https://…/v1/stream`; with `routes` the URL that theirs begin with, `https://…/v1`."""
    urls: pulumi.Output[dict[str, str]]
    """The URL of each route by its name; without `routes` the name is `stream`."""
    function_name: pulumi.Output[str]
    """Name of the function."""
    function_arn: pulumi.Output[str]
    """ARN of the function."""
    role_name: pulumi.Output[str]
    """Name of the function's role, to attach your own policies to it."""
    rest_api_id: pulumi.Output[str]
    """Id of the REST API."""
    stage_arn: pulumi.Output[str]
    """ARN of the stage."""
    log_group_name: pulumi.Output[str]
    """Name of the function's log group."""
    sink: pulumi.Output[str]
    """Where records are published, as `kind` or `kind:ARN or name`."""
    store: pulumi.Output[str]
    """Where records are kept, as `none` or `dynamodb:name`."""
    api_key: pulumi.Output[str] | None
    """The value of the API key, as a secret (with `authorization: apiKey`)."""
    domain_target: pulumi.Output[str] | None
    """The name to which the DNS record of the custom domain must point (with `domain`)."""
    dashboard_url: pulumi.Output[str] | None
    """URL of the dashboard (with `dashboard`)."""

    def __init__(
        self,
        name: str,
        args: StreamingLlmApiArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Check the arguments, build the function and start it once; declare resources only if all of that succeeds.

        Raises:
            InvalidArgument: an argument is wrong, or the function cannot be built or does not start.
        """
        options = checked(args)
        archive, report = _built(options)
        super().__init__(TYPE, name, {}, opts)
        self._warn(options, report)
        self._declare(Scope(name, self, options.tags), options, archive)

    def _declare(self, scope: Scope, options: Options, archive: Path) -> None:
        sink, store = records.sink(scope, options), records.store(scope, options)
        logs = log_group(scope, options, "log")
        function = streaming_function(scope, options, archive, logs, variables(options, sink, store))
        logging = account_logging(scope, function.place) if options.manage_account_logging else []
        api = streaming_api(scope, options, function, logging)
        callers.web_acl(scope, options, api)
        watched = pulumi.Output.all(function.function.name, api.rest_api.name, api.stage.stage_name).apply(
            lambda found: Watched(*found),
        )
        declare_alarms(scope, options, watched)
        self.function, self.role, self.log_group = function.function, function.role, logs
        self.rest_api, self.stage, self.deployment = api.rest_api, api.stage, api.deployment
        self.urls = urls(options, api)
        self.url = base_url(options, api) if options.routes else self.urls[ROUTE]
        self.function_name = function.function.name
        self.function_arn = function.function.arn
        self.role_name = function.role.name
        self.rest_api_id = api.rest_api.id
        self.stage_arn = api.stage.arn
        self.log_group_name = logs.name
        self.sink, self.store = pulumi.Output.from_input(sink), pulumi.Output.from_input(store)
        self.api_key = callers.api_key(scope, options, api)
        self.domain_target = callers.domain(scope, options, api)
        self.dashboard_url = declare_dashboard(scope, options, watched, function.place)
        self.register_outputs({camel(name): getattr(self, name) for name in StreamingLlmApi.__annotations__})

    def _warn(self, options: Options, report: Report) -> None:
        for warning in (*report.warnings, *broad_statements(options.statements), *answers_cut_by_time(options)):
            pulumi.log.warn(warning, self)
        if options.authorization is Authorization.NONE:
            pulumi.log.warn(cost_without_authorization(options, report.body_limits), self)
        if options.domain is not None and not options.domain.only_this_host:
            pulumi.log.warn(
                f"API Gateway's own host name reaches the endpoint as well as {options.domain.name} does. "
                "To disable it, set domain.onlyThisHost to true.",
                self,
            )
        if options.python != running_python():
            pulumi.log.warn(
                f"runtime is {options.runtime}, but this program runs on Python {running_python()}: "
                "the function will run on a different Python version from the one that tested it.",
                self,
            )


def cost_without_authorization(options: Options, body_limits: Mapping[str, int]) -> str:
    """Return the warning for an endpoint without authorization: what passes the throttles of all routes in a day."""
    requests = output_tokens = input_tokens = 0.0
    for name, endpoint in options.endpoints.items():
        a_day = endpoint.throttle.rate * 24 * 3600
        requests += a_day
        output_tokens += a_day * endpoint.most_tokens * endpoint.max_attempts
        input_tokens += a_day * body_limits[name] / 4 * endpoint.max_attempts
    who = "reaches the VPC endpoint" if options.endpoint is Endpoint.PRIVATE else "finds the URL"
    rate = f"throttle.rate {options.throttle.rate:g} lets"
    together = f"The throttles of {len(options.routes)} routes together let"
    return (
        f"authorization is none: anyone who {who} can call it. "
        f"{together if options.routes else rate} {requests:,.0f} requests per day pass. They can use up to "
        f"{output_tokens:,.0f} output tokens and (by bodyLimit, at 4 bytes per token) {input_tokens:,.0f} input tokens."
    )


def answers_cut_by_time(options: Options) -> Iterator[str]:
    """Yield a warning for each route whose longest answer may take more time than an answer has."""
    for name, endpoint in options.endpoints.items():
        needed, most = endpoint.most_tokens / SLOW_MODEL, options.seconds_of_an_answer
        if needed > most:
            place = f"routes.{name}." if options.routes else ""
            yield (
                f"{place}maxTokens is {endpoint.most_tokens:,}: at {SLOW_MODEL} tokens per second, such an answer "
                f"takes {needed:,.0f} s, and timeout leaves {most:g} s for it. Raise timeout, or lower maxTokens."
            )


def broad_statements(statements: Sequence[OwnStatement]) -> Iterator[str]:
    """Yield a warning for each action that gives the function's role far more than it says."""
    for number, statement in enumerate(statements):
        for action in statement.actions if statement.effect is Effect.ALLOW else ():
            if action == "*":
                yield (
                    f"statements[{number}].actions contains *: your modules can do everything to these resources. "
                    "Name the actions that they need."
                )
            elif fnmatchcase("iam:passrole", action.lower()):
                yield (
                    f"statements[{number}].actions contains {action}, which allows iam:PassRole: your modules can give "
                    "a service any of these roles, and so act with its permissions. Name only the roles that they need."
                )


def project_root() -> Path:
    """Return the folder of Pulumi.yaml, or the working folder in a plugin host or under mocks, which do not know it."""
    root = Path(pulumi.runtime.get_root_directory() or "")
    return root if root.is_absolute() else Path.cwd()


def _built(options: Options) -> tuple[Path, Report]:
    """Build the zip, and return it with the report of the function's trial.

    This happens before any resource is registered: the SDK reads an archive while it registers resources.
    """
    root = project_root()
    bundle = Bundle(
        target=Target(options.python, options.architecture.value),
        cache=root / ".cache" / "bundle",
        code=root / options.code if options.code else None,
        requirements=root / options.requirements if options.requirements else None,
        services=tuple(options.services or ()),
        report=pulumi.log.info,
        routes=routes_file(options),
    )
    settings = variables(options, _if_named(options.sink), _if_named(options.store))
    unknown = (name for name, route in options.routes.items() if isinstance(route.own.get("model_id"), pulumi.Output))
    environment = {**with_placeholders(options.environment), **settings, **models_of(unknown)}
    try:
        report = try_function(replace(bundle, target=Target.host()), environment)
        return bundle.build(), report
    except BundleError as error:
        raise InvalidArgument(str(error)) from None


def _if_named(target: pulumi.Input[str]) -> pulumi.Input[str]:
    """Return a sink or store that exists. One that the stack creates has no name yet: return an unknown output."""
    return target if isinstance(target, str) and ":" in target else pulumi.Output.from_input(target)
