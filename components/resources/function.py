"""The function, and what it needs before it: log group, role and policies."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pulumi
import pulumi_aws as aws

from ..bundle.bytecode import TASK_ROOT
from ..contract import HANDLER, ROUTE_VARIABLES, SETTINGS, either, route_variable, variable
from ..iam.document import Place, Statement, document, merged
from ..iam.model import Kind, Model, guardrail_statements, model, model_statements, models_in
from ..iam.role import (
    assumed_by,
    key_statements,
    log_statements,
    network_statements,
    own_statement,
    sink_statements,
    store_statements,
    tracing_statements,
)
from ..options import Options
from .limits import refuse_large_environment, refuse_large_policies
from .scope import Scope

WRAPPER: Final = f"{TASK_ROOT}/bootstrap"
"""Starts the function's own runtime in place of Lambda's (``AWS_LAMBDA_EXEC_WRAPPER``)."""


@dataclass(frozen=True)
class StreamingFunction:
    """The function and its parts."""

    function: aws.lambda_.Function
    role: aws.iam.Role
    log_group: aws.cloudwatch.LogGroup
    place: pulumi.Output[Place]


def log_group(
    scope: Scope, options: Options, suffix: str, name: pulumi.Input[str] | None = None
) -> aws.cloudwatch.LogGroup:
    """Declare a log group with the retention and the key in the options."""
    return aws.cloudwatch.LogGroup(
        scope.child(suffix),
        name=name,
        retention_in_days=options.log_retention,
        kms_key_id=options.kms_key,
        tags=scope.tags,
        opts=scope.options(),
    )


def streaming_function(
    scope: Scope,
    options: Options,
    archive: Path,
    logs: aws.cloudwatch.LogGroup,
    environment: Mapping[str, pulumi.Input[str]],
) -> StreamingFunction:
    """Declare the function. Its log group and policies come first: Lambda checks them when it creates a function."""
    place = logs.arn.apply(Place.of)
    called = _called(scope, options, place)
    role = aws.iam.Role(
        scope.child("role"),
        assume_role_policy=document(assumed_by("lambda.amazonaws.com")),
        tags=scope.tags,
        opts=scope.options(),
    )
    documents = {
        purpose: statements.apply(document)
        for purpose, statements in _purposes(options, logs, place, called, environment).items()
    }
    if options.statements or options.routes:
        refuse_large_policies(documents, _given(statements=options.statements, routes=options.routes))
    policies = [_policy(scope, role, purpose, text) for purpose, text in documents.items()]
    settings = {"AWS_LAMBDA_EXEC_WRAPPER": WRAPPER, **environment, **_profile_models(options, called)}
    if options.environment or options.routes:
        given = _given(environment=options.environment, routes=options.routes)
        refuse_large_environment({**options.environment, **settings}, given)
    function = aws.lambda_.Function(
        scope.child("function"),
        code=pulumi.FileArchive(str(archive)),
        handler=HANDLER,
        runtime=options.runtime.value,
        architectures=[options.architecture.value],
        memory_size=options.memory,
        timeout=options.timeout,
        reserved_concurrent_executions=options.reserved_concurrency,
        role=role.arn,
        environment={"variables": {**options.environment, **settings}},
        logging_config={"log_format": "Text", "log_group": logs.name},
        tracing_config={"mode": "Active"},
        vpc_config=_network(options),
        kms_key_arn=options.kms_key,
        tags=scope.tags,
        opts=scope.options(after=[logs, *policies]),
    )
    return StreamingFunction(function, role, logs, place)


def _given(**arguments: object) -> str:
    return either([key for key, value in arguments.items() if value], "and")


def variables(options: Options, sink: pulumi.Input[str], store: pulumi.Input[str]) -> dict[str, pulumi.Input[str]]:
    """Return the variables of the function's settings. ``sink`` and ``store`` replace the options: they have names."""
    texts = {**options.settings, "sink": sink, "store": store}
    of_routes = {route_variable(name): _by_route(outputs) for name, outputs in _outputs(options).items() if outputs}
    return {**{variable(name): texts[name] for name in SETTINGS if name in texts}, **of_routes}


def routes_file(options: Options) -> str | None:
    """Return what the routes decide, as the JSON of a file in the bundle; None if there is one route."""
    plain = {
        name: {setting: text for setting, text in route.own.items() if isinstance(text, str)}
        for name, route in options.routes.items()
    }
    return json.dumps(plain, indent=1, sort_keys=True) if plain else None


def _outputs(options: Options) -> dict[str, dict[str, pulumi.Output[str]]]:
    """Return what only the deployment knows of the routes' own settings, by setting and route."""
    return {
        setting: {
            name: text
            for name, route in options.routes.items()
            if isinstance(text := route.own.get(setting), pulumi.Output)
        }
        for setting in ROUTE_VARIABLES
    }


def _by_route(texts: Mapping[str, pulumi.Output[str]]) -> pulumi.Output[str]:
    """Return the text of a variable that has a value for several routes."""
    names = sorted(texts)
    return pulumi.Output.all(*(texts[name] for name in names)).apply(
        lambda known: ",".join(f"{name}={text}" for name, text in zip(names, known, strict=True)),
    )


def _network(options: Options) -> aws.lambda_.FunctionVpcConfigArgs | None:
    if options.vpc is None:
        return None
    return aws.lambda_.FunctionVpcConfigArgs(
        subnet_ids=options.vpc.subnets,
        security_group_ids=options.vpc.security_groups,
    )


def _policy(
    scope: Scope,
    role: aws.iam.Role,
    purpose: str,
    policy: pulumi.Output[str],
) -> aws.iam.RolePolicy:
    return aws.iam.RolePolicy(
        scope.child(f"may-{purpose}"),
        role=role.name,
        policy=policy,
        opts=scope.options(),
    )


def _purposes(
    options: Options,
    logs: aws.cloudwatch.LogGroup,
    place: pulumi.Output[Place],
    called: Sequence["_Called"],
    environment: Mapping[str, pulumi.Input[str]],
) -> dict[str, pulumi.Output[list[Statement]]]:
    """Return the statements of the role by purpose, only those that the options need."""

    def at_place(
        statements: Callable[[str, Place], list[Statement]], what: pulumi.Input[str]
    ) -> pulumi.Output[list[Statement]]:
        return pulumi.Output.all(what, place).apply(lambda given: statements(given[0], given[1]))

    purposes = {
        "log": logs.arn.apply(log_statements),
        "trace": pulumi.Output.from_input(tracing_statements()),
        "call-model": pulumi.Output.all(place, *(pulumi.Output.all(each.model, each.behind) for each in called)).apply(
            lambda given: model_statements([(model, behind) for model, behind in given[1:]], given[0]),
        ),
    }
    guardrails = [endpoint.guardrail for endpoint in options.endpoints.values() if endpoint.guardrail is not None]
    if guardrails:
        purposes["apply-guardrail"] = pulumi.Output.all(place, *guardrails).apply(
            lambda given: guardrail_statements(given[1:], given[0]),
        )
    if options.sink != "log":
        purposes["publish"] = at_place(sink_statements, environment[variable("sink")])
    if options.store != "none":
        purposes["store"] = at_place(store_statements, environment[variable("store")])
    if options.vpc is not None:
        purposes["join-network"] = place.apply(network_statements)
    if options.kms_key is not None:
        purposes["use-key"] = pulumi.Output.all(
            options.kms_key, place, environment[variable("sink")], environment[variable("store")]
        ).apply(
            lambda given: key_statements(*given, environment_through_lambda=options.environment_key_through_lambda),
        )
    if options.statements:
        purposes["own-code"] = _own_statements(options)
    return purposes


def _own_statements(options: Options) -> pulumi.Output[list[Statement]]:
    """Return the statements for the user's modules, whose resources can be outputs."""
    given = [(each.effect.value, each.actions, list(each.resources), each.condition) for each in options.statements]
    return pulumi.Output.all(*(pulumi.Output.all(*parts) for parts in given)).apply(
        lambda known: merged([own_statement(*parts) for parts in known]),
    )


@dataclass(frozen=True)
class _Named:
    """A model or profile as the arguments name it."""

    model_id: pulumi.Input[str]
    regions: Sequence[str]
    routes: list[str]
    """The routes that ask it first."""

    def is_same(self, other: "_Named") -> bool:
        """Return whether another one is surely the same, so that Bedrock need not be asked twice."""
        if self.regions != other.regions:
            return False
        if isinstance(self.model_id, str) and isinstance(other.model_id, str):
            return self.model_id == other.model_id
        return self.model_id is other.model_id


@dataclass(frozen=True)
class _Called:
    """A model or profile that routes call."""

    routes: Sequence[str]
    """The routes that ask it first."""
    model: pulumi.Output[Model]
    behind: pulumi.Output[list[str]]
    """ARNs of the models to which the profile routes, where the permission has to name them; otherwise empty."""


def _called(scope: Scope, options: Options, place: pulumi.Output[Place]) -> list[_Called]:
    """Return what the routes call, each once: Bedrock is asked once for the models behind a profile."""
    each_once: list[_Named] = []
    for named in _named_models(options):
        same = next((other for other in each_once if other.is_same(named)), None)
        if same is None:
            each_once.append(named)
        else:
            same.routes.extend(named.routes)
    return [_Called(named.routes, *_model_and_behind(scope, named, place)) for named in each_once]


def _named_models(options: Options) -> Iterator[_Named]:
    """Yield the first model of each route, and those that follow it."""
    for name, endpoint in options.endpoints.items():
        yield _Named(endpoint.model_id, endpoint.model_regions, [name])
        for model_id in endpoint.fallback_models or ():
            yield _Named(model_id, endpoint.model_regions, [])


def _model_and_behind(
    scope: Scope, named: _Named, place: pulumi.Output[Place]
) -> tuple[pulumi.Output[Model], pulumi.Output[list[str]]]:
    called = pulumi.Output.from_input(named.model_id).apply(model)
    if not named.regions:
        return called, called.apply(lambda found: _looked_up(scope, found))
    regions = named.regions
    return called, pulumi.Output.all(called, place).apply(lambda given: models_in(given[0], given[1], regions))


def _looked_up(scope: Scope, called: Model) -> pulumi.Input[list[str]]:
    """Ask Bedrock for the models that a profile routes to. A preview asks too, which needs credentials."""
    if not called.has_unknown_regions:
        return []
    profile = aws.bedrock.get_inference_profile_output(
        inference_profile_id=called.arn or called.id,
        opts=pulumi.InvokeOutputOptions(parent=scope.parent),
    )
    return profile.models.apply(lambda models: [found.model_arn for found in models])


def _profile_models(options: Options, called: Sequence[_Called]) -> dict[str, pulumi.Output[str]]:
    """Return the variables that name the models behind application profiles, where Bedrock was asked for them."""
    found = {
        name: each.behind.apply(lambda arns: arns[0].rpartition("/")[2] if arns else "none")
        for each in called
        for name in each.routes
        if _has_unknown_model(options.endpoints[name])
    }
    own = {name: found.pop(name) for name, route in options.routes.items() if name in found and "model_id" in route.own}
    variables = {variable("profile_model"): next(iter(found.values()))} if found else {}
    return {**variables, route_variable("profile_model"): _by_route(own)} if own else variables


def _has_unknown_model(options: Options) -> bool:
    known = isinstance(options.model_id, str) and model(options.model_id).kind is not Kind.APPLICATION
    return not known and not options.model_regions
