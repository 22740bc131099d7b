"""The REST API: POST in STREAM mode for each route, CORS without a call of the function, deployment, stage.

Documented at docs.aws.amazon.com/apigateway/latest/developerguide/response-transfer-mode.html.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pulumi
import pulumi_aws as aws

from ..arguments import Authorization, Endpoint
from ..contract import ROUTE, STAGE
from ..iam.document import Place, document
from ..iam.role import private_statements
from ..options import Options
from .deployment import deployment_of
from .function import StreamingFunction, log_group
from .preflight import gateway_responses, preflight
from .scope import Scope

ACCESS_LOG: Final = json.dumps(
    {
        "requestId": "$context.requestId",
        "extendedRequestId": "$context.extendedRequestId",
        "time": "$context.requestTime",
        "method": "$context.httpMethod",
        "path": "$context.path",
        "status": "$context.status",
        "error": "$context.error.responseType",
        "latency": "$context.responseLatency",
        "integrationLatency": "$context.integration.latency",
        "timeToFirstByte": "$context.integration.timeToFirstContent",
        "transferMode": "$context.integration.responseTransferMode",
        "sourceIp": "$context.identity.sourceIp",
        "caller": "$context.identity.caller",
        "apiKeyId": "$context.identity.apiKeyId",
        "principal": "$context.authorizer.principalId",
    },
)
"""A line of the access log, without content. All values are quoted, because each can be absent (``-``)."""

_METHOD_AUTHORIZATION: Final = {
    Authorization.NONE: "NONE",
    Authorization.API_KEY: "NONE",
    Authorization.IAM: "AWS_IAM",
    Authorization.COGNITO: "COGNITO_USER_POOLS",
    Authorization.LAMBDA: "CUSTOM",
}


@dataclass(frozen=True)
class StreamingApi:
    """The API and its parts."""

    rest_api: aws.apigateway.RestApi
    stage: aws.apigateway.Stage
    deployment: aws.apigateway.Deployment


def streaming_api(
    scope: Scope,
    options: Options,
    target: StreamingFunction,
    logging: Sequence[pulumi.Resource] = (),
) -> StreamingApi:
    """Declare the API in front of ``target``. The stage depends on ``logging``, the resources that allow it to log."""
    rest_api = _rest_api(scope, options)
    policy = _policy(scope, options, rest_api)
    authorizer = _authorizer(scope, options, rest_api, target.place)
    scopes = {name: scope.of(name) if options.routes else scope for name in options.endpoints}
    resources = {name: _resource(scopes[name], rest_api, name) for name in scopes}
    first = (rest_api, policy, *resources.values(), authorizer)
    shape: list[pulumi.CustomResource] = [part for part in first if part is not None]
    for name, resource in resources.items():
        shape += _post(scopes[name], options, target, (rest_api, resource, authorizer))
        shape += preflight(scopes[name], options, rest_api, resource)
    shape += gateway_responses(scope, options, rest_api)
    permissions = [_permission(scopes[name], target, rest_api, name) for name in scopes]
    deployment = deployment_of(scope, rest_api, shape)
    stage = _stage(scope, options, (rest_api, deployment), [*permissions, *logging])
    _method_settings(scope, scopes, options, (rest_api, stage), [*permissions, *logging])
    return StreamingApi(rest_api, stage, deployment)


def base_url(options: Options, api: StreamingApi) -> pulumi.Output[str]:
    """Return the URL of the stage. Without private DNS, the name of a private API contains its VPC endpoint."""
    if options.domain is not None:
        return pulumi.Output.concat("https://", options.domain.name, f"/{STAGE}")
    invoke_url = api.stage.invoke_url
    if options.vpc_endpoint is not None and not options.vpc_endpoint.private_dns:
        parts = pulumi.Output.all(invoke_url, api.rest_api.id, options.vpc_endpoint.id)
        invoke_url = parts.apply(lambda found: found[0].replace(f"{found[1]}.", f"{found[1]}-{found[2]}.", 1))
    return invoke_url


def urls(options: Options, api: StreamingApi) -> pulumi.Output[dict[str, str]]:
    """Return the URL of each route, by its name."""
    names = list(options.endpoints)
    return base_url(options, api).apply(lambda base: {name: f"{base}/{name}" for name in names})


def _resource(scope: Scope, rest_api: aws.apigateway.RestApi, route: str) -> aws.apigateway.Resource:
    return aws.apigateway.Resource(
        scope.child("path"),
        rest_api=rest_api.id,
        parent_id=rest_api.root_resource_id,
        path_part=route,
        opts=scope.options(),
    )


def _permission(
    scope: Scope, target: StreamingFunction, rest_api: aws.apigateway.RestApi, route: str
) -> aws.lambda_.Permission:
    return aws.lambda_.Permission(
        scope.child("permission"),
        function=target.function.name,
        action="lambda:InvokeFunction",
        principal="apigateway.amazonaws.com",
        source_arn=pulumi.Output.concat(rest_api.execution_arn, f"/*/POST/{route}"),
        opts=scope.options(),
    )


def _rest_api(scope: Scope, options: Options) -> aws.apigateway.RestApi:
    endpoints = [options.vpc_endpoint.id] if options.vpc_endpoint is not None else None
    return aws.apigateway.RestApi(
        scope.child("api"),
        description=f"{'POST' if options.routes else f'POST /{ROUTE}'}: a prompt in, a typed JSON answer streaming out",
        endpoint_configuration=aws.apigateway.RestApiEndpointConfigurationArgs(
            types=options.endpoint.upper(),
            vpc_endpoint_ids=endpoints,
        ),
        # Set also if it stays enabled: otherwise the provider keeps what was set before.
        disable_execute_api_endpoint=options.domain is not None and options.domain.only_this_host,
        tags=scope.tags,
        opts=scope.options(),
    )


def _policy(scope: Scope, options: Options, rest_api: aws.apigateway.RestApi) -> aws.apigateway.RestApiPolicy | None:
    if options.endpoint is not Endpoint.PRIVATE or options.vpc_endpoint is None:
        return None
    statements = pulumi.Output.all(rest_api.execution_arn, options.vpc_endpoint.id).apply(
        lambda given: private_statements(given[0], given[1]),
    )
    return aws.apigateway.RestApiPolicy(
        scope.child("api-policy"),
        rest_api_id=rest_api.id,
        policy=statements.apply(document),
        opts=scope.options(),
    )


def _authorizer(
    scope: Scope,
    options: Options,
    rest_api: aws.apigateway.RestApi,
    place: pulumi.Output[Place],
) -> aws.apigateway.Authorizer | None:
    if options.authorization not in {Authorization.COGNITO, Authorization.LAMBDA}:
        return None
    function_arn = options.authorizer.function_arn
    authorizer = aws.apigateway.Authorizer(
        scope.child("authorizer"),
        rest_api=rest_api.id,
        type="TOKEN" if function_arn is not None else "COGNITO_USER_POOLS",
        provider_arns=options.authorizer.user_pools or None,
        authorizer_uri=None if function_arn is None else _authorizer_uri(place, function_arn),
        identity_source=f"method.request.header.{options.authorizer.header}",
        authorizer_result_ttl_in_seconds=options.authorizer.cache_seconds,
        opts=scope.options(),
    )
    if function_arn is not None:
        aws.lambda_.Permission(
            scope.child("authorizer-permission"),
            function=function_arn,
            action="lambda:InvokeFunction",
            principal="apigateway.amazonaws.com",
            source_arn=pulumi.Output.concat(rest_api.execution_arn, "/authorizers/", authorizer.id),
            opts=scope.options(),
        )
    return authorizer


def _authorizer_uri(place: pulumi.Output[Place], function_arn: pulumi.Input[str]) -> pulumi.Output[str]:
    return pulumi.Output.all(place, function_arn).apply(
        lambda given: (
            f"arn:{given[0].partition}:apigateway:{given[0].region}:lambda:"
            f"path/2015-03-31/functions/{given[1]}/invocations"
        ),
    )


def _post(
    scope: Scope,
    options: Options,
    target: StreamingFunction,
    api: tuple[aws.apigateway.RestApi, aws.apigateway.Resource, aws.apigateway.Authorizer | None],
) -> list[pulumi.CustomResource]:
    rest_api, resource, authorizer = api
    method = aws.apigateway.Method(
        scope.child("post"),
        rest_api=rest_api.id,
        resource_id=resource.id,
        http_method="POST",
        authorization=_METHOD_AUTHORIZATION[options.authorization],
        authorizer_id=None if authorizer is None else authorizer.id,
        authorization_scopes=options.authorizer.scopes or None,
        api_key_required=options.authorization is Authorization.API_KEY,
        opts=scope.options(),
    )
    integration = aws.apigateway.Integration(
        scope.child("stream"),
        rest_api=rest_api.id,
        resource_id=resource.id,
        http_method=method.http_method,
        integration_http_method="POST",
        type="AWS_PROXY",
        uri=target.function.response_streaming_invoke_arn,
        response_transfer_mode="STREAM",
        timeout_milliseconds=options.integration_timeout,
        opts=scope.options(),
    )
    return [method, integration]


def _stage(
    scope: Scope,
    options: Options,
    parts: tuple[aws.apigateway.RestApi, aws.apigateway.Deployment],
    after: Sequence[pulumi.Resource],
) -> aws.apigateway.Stage:
    rest_api, deployment = parts
    logs = [_execution_log(scope, options, rest_api), _access_log(scope, options)] if options.access_log else []
    return aws.apigateway.Stage(
        scope.child("stage"),
        rest_api=rest_api.id,
        deployment=deployment.id,
        stage_name=STAGE,
        xray_tracing_enabled=True,
        access_log_settings=aws.apigateway.StageAccessLogSettingsArgs(destination_arn=logs[1].arn, format=ACCESS_LOG)
        if logs
        else None,
        tags=scope.tags,
        opts=scope.options(after=[*after, *logs]),
    )


def _method_settings(
    scope: Scope,
    scopes: Mapping[str, Scope],
    options: Options,
    parts: tuple[aws.apigateway.RestApi, aws.apigateway.Stage],
    after: Sequence[pulumi.Resource],
) -> None:
    rest_api, stage = parts
    # set even if nothing is logged: without it the provider would keep an earlier level
    logging = {"logging_level": "ERROR" if options.access_log else "OFF", "data_trace_enabled": False}
    settings: list[tuple[str, str, Mapping[str, Any]]] = []
    for route, endpoint in options.endpoints.items():
        limits = {**_throttle(endpoint), **logging}
        settings.append((scopes[route].child("throttle"), f"{route}/POST", limits))
        # A preflight has a limit of its own: without one, OPTIONS could be called as often as the account allows.
        settings.append((scopes[route].child("throttle-options"), f"{route}/OPTIONS", limits))
    if options.access_log:
        settings.append((scope.child("logging"), "*/*", logging))
    before = list(after)
    for name, path, values in settings:
        made = aws.apigateway.MethodSettings(
            name,
            rest_api=rest_api.id,
            stage_name=stage.stage_name,
            method_path=path,
            settings=aws.apigateway.MethodSettingsSettingsArgs(**values),
            opts=scope.options(after=before),
        )
        before.append(made)  # each one updates the stage, which takes one update at a time


def _throttle(options: Options) -> dict[str, Any]:
    return {
        "throttling_rate_limit": options.throttle.rate,
        "throttling_burst_limit": options.throttle.burst,
    }


def _access_log(scope: Scope, options: Options) -> aws.cloudwatch.LogGroup:
    return log_group(scope, options, "access-log")


def _execution_log(scope: Scope, options: Options, rest_api: aws.apigateway.RestApi) -> aws.cloudwatch.LogGroup:
    """Declare the group of the execution log. Its name is fixed: the gateway would create it, without retention."""
    name = pulumi.Output.concat("API-Gateway-Execution-Logs_", rest_api.id, f"/{STAGE}")
    return log_group(scope, options, "execution-log", name)
