"""The REST API: POST /stream in STREAM mode, CORS without a call of the function, deployment, stage.

Documented at docs.aws.amazon.com/apigateway/latest/developerguide/response-transfer-mode.html.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pulumi
import pulumi_aws as aws

from . import cors, role_access
from .arguments import Authorization, Endpoint
from .model_access import Place
from .options import Options
from .scope import Scope
from .streaming_function import StreamingFunction, log_group

STAGE: Final = "v1"
PATH: Final = "stream"
ACCESS_LOG: Final = json.dumps(
    {
        "requestId": "$context.requestId",
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
"""A line of the access log: nothing of a payload. All values are quoted, for any of them may be absent (``-``)."""

_METHOD_AUTHORIZATION: Final = {
    Authorization.NONE: "NONE",
    Authorization.API_KEY: "NONE",
    Authorization.IAM: "AWS_IAM",
    Authorization.COGNITO: "COGNITO_USER_POOLS",
    Authorization.LAMBDA: "CUSTOM",
}
_SHAPE: Final = {
    aws.apigateway.RestApi: ("endpoint_configuration", "binary_media_types", "api_key_source"),
    aws.apigateway.RestApiPolicy: ("policy",),
    aws.apigateway.Resource: ("path_part",),
    aws.apigateway.Authorizer: (
        *("type", "authorizer_uri", "provider_arns", "identity_source"),
        *("authorizer_result_ttl_in_seconds", "identity_validation_expression", "authorizer_credentials"),
    ),
    aws.apigateway.Method: (
        *("http_method", "authorization", "authorizer_id", "authorization_scopes", "api_key_required"),
        *("request_models", "request_parameters", "request_validator_id"),
    ),
    aws.apigateway.Integration: (
        *("type", "uri", "integration_http_method", "response_transfer_mode", "timeout_milliseconds"),
        *("request_templates", "request_parameters", "passthrough_behavior", "content_handling"),
        *("credentials", "connection_id", "connection_type", "cache_key_parameters", "cache_namespace"),
    ),
    aws.apigateway.MethodResponse: ("status_code", "response_parameters", "response_models"),
    aws.apigateway.IntegrationResponse: (
        *("status_code", "response_parameters", "response_templates", "selection_pattern", "content_handling"),
    ),
    aws.apigateway.Response: ("response_type", "status_code", "response_parameters", "response_templates"),
}
"""What a deployment takes a picture of: for each kind of resource, the properties that shape the API."""


@dataclass(frozen=True)
class StreamingApi:
    """The API and its parts."""

    rest_api: aws.apigateway.RestApi
    stage: aws.apigateway.Stage
    deployment: aws.apigateway.Deployment


def allowed_headers(options: Options) -> list[str]:
    """Return the request headers that a page may send: those that the authorization reads, and the body's type."""
    token = options.authorizer.get("header", "Authorization")
    by_authorization = {
        Authorization.IAM: ["Authorization", "X-Amz-Date", "X-Amz-Security-Token", "X-Amz-Content-Sha256"],
        Authorization.API_KEY: ["X-Api-Key"],
        Authorization.COGNITO: [token],
        Authorization.LAMBDA: [token],
    }
    return ["Content-Type", *by_authorization.get(options.authorization, [])]


def streaming_api(
    scope: Scope,
    options: Options,
    target: StreamingFunction,
    logging: Sequence[pulumi.Resource] = (),
) -> StreamingApi:
    """Declare the API in front of ``target``; ``logging`` is what the stage's logs need to be there first."""
    rest_api = _rest_api(scope, options)
    policy = _policy(scope, options, rest_api)
    resource = aws.apigateway.Resource(
        scope.child("path"),
        rest_api=rest_api.id,
        parent_id=rest_api.root_resource_id,
        path_part=PATH,
        opts=scope.options(),
    )
    authorizer = _authorizer(scope, options, rest_api, target.place)
    shape = [
        *[it for it in (rest_api, policy, resource, authorizer) if it is not None],
        *_post(scope, options, target, (rest_api, resource, authorizer)),
        *_preflight(scope, options, rest_api, resource),
        *_gateway_responses(scope, options, rest_api),
    ]
    permission = aws.lambda_.Permission(
        scope.child("permission"),
        function=target.function.name,
        action="lambda:InvokeFunction",
        principal="apigateway.amazonaws.com",
        source_arn=pulumi.Output.concat(rest_api.execution_arn, f"/*/POST/{PATH}"),
        opts=scope.options(),
    )
    deployment = aws.apigateway.Deployment(
        scope.child("deployment"),
        rest_api=rest_api.id,
        triggers={"shape": picture(shape)},
        opts=_replaceable(scope.options(after=shape)),
    )
    stage = _stage(scope, options, (rest_api, deployment), [permission, *logging])
    return StreamingApi(rest_api, stage, deployment)


def _replaceable(options: pulumi.ResourceOptions) -> pulumi.ResourceOptions:
    """Return options for what each change makes anew, and holds nothing: ``protect`` would forbid every change."""
    return pulumi.ResourceOptions.merge(options, pulumi.ResourceOptions(protect=False))


def picture(resources: Sequence[pulumi.CustomResource]) -> pulumi.Output[str]:
    """Return a hash over the outputs of everything that a deployment takes a picture of.

    Outputs, not inputs: a user's transform, a default of the provider and a replaced function count too.
    """
    kinds = [type(resource).__name__ for resource in resources]
    shapes = pulumi.Output.all(*map(_shape, resources))
    return shapes.apply(lambda found: digest(list(zip(kinds, found, strict=True))))


def _shape(resource: pulumi.CustomResource) -> pulumi.Output[dict[str, Any]]:
    """Return what shapes the API of one resource; a preview knows it of one that exists, and not of a new one."""
    properties = {name: _settled(getattr(resource, name)) for name in _SHAPE[type(resource)]}
    return resource.id.apply(lambda _: pulumi.Output.all(**properties))


def _settled(output: pulumi.Output[Any]) -> pulumi.Output[Any]:
    """Return ``output``, known also where it is None.

    The SDK calls each property that is not set unknown in a preview, which would announce a new deployment every time.
    """

    async def known() -> bool:
        return await output.is_known() or await output.future(with_unknowns=True) is None

    value = output.future(with_unknowns=True)
    return pulumi.Output(output.resources(), value, known(), output.is_secret())


def digest(shape: object) -> str:
    """Return the hash of JSON values; the order of keys and whether a number came as a float are nothing."""
    return hashlib.sha256(json.dumps(_plain(shape), sort_keys=True).encode()).hexdigest()


def _plain(value: Any) -> Any:  # noqa: ANN401 JSON values
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def url(options: Options, api: StreamingApi) -> pulumi.Output[str]:
    """Return the whole endpoint. Without private DNS a private API is found under its VPC endpoint's name too."""
    if options.domain is not None:
        return pulumi.Output.concat("https://", options.domain["name"], f"/{STAGE}/{PATH}")
    invoke_url = api.stage.invoke_url
    if options.vpc_endpoint is not None and not options.vpc_endpoint.get("private_dns", True):
        parts = pulumi.Output.all(invoke_url, api.rest_api.id, options.vpc_endpoint["id"])
        invoke_url = parts.apply(lambda found: found[0].replace(f"{found[1]}.", f"{found[1]}-{found[2]}.", 1))
    return pulumi.Output.concat(invoke_url, f"/{PATH}")


def _rest_api(scope: Scope, options: Options) -> aws.apigateway.RestApi:
    endpoints = [options.vpc_endpoint["id"]] if options.vpc_endpoint is not None else None
    return aws.apigateway.RestApi(
        scope.child("api"),
        description="POST /stream: a prompt in, a typed JSON answer streaming out",
        endpoint_configuration=aws.apigateway.RestApiEndpointConfigurationArgs(
            types=options.endpoint.upper(),
            vpc_endpoint_ids=endpoints,
        ),
        tags=scope.tags,
        opts=scope.options(),
    )


def _policy(scope: Scope, options: Options, rest_api: aws.apigateway.RestApi) -> aws.apigateway.RestApiPolicy | None:
    if options.endpoint is not Endpoint.PRIVATE or options.vpc_endpoint is None:
        return None
    statements = pulumi.Output.all(rest_api.execution_arn, options.vpc_endpoint["id"]).apply(
        lambda given: role_access.private_statements(given[0], given[1]),
    )
    return aws.apigateway.RestApiPolicy(
        scope.child("api-policy"),
        rest_api_id=rest_api.id,
        policy=statements.apply(lambda found: json.dumps(role_access.document(found))),
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
    function_arn = options.authorizer.get("function_arn")
    authorizer = aws.apigateway.Authorizer(
        scope.child("authorizer"),
        rest_api=rest_api.id,
        type="TOKEN" if function_arn is not None else "COGNITO_USER_POOLS",
        provider_arns=options.authorizer.get("user_pools"),
        authorizer_uri=None if function_arn is None else _authorizer_uri(place, function_arn),
        identity_source=f"method.request.header.{options.authorizer.get('header', 'Authorization')}",
        authorizer_result_ttl_in_seconds=int(options.authorizer.get("cache_seconds", 300)),
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
        authorization_scopes=options.authorizer.get("scopes"),
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


def _preflight(
    scope: Scope,
    options: Options,
    rest_api: aws.apigateway.RestApi,
    resource: aws.apigateway.Resource,
) -> list[pulumi.CustomResource]:
    """OPTIONS is always there, whatever the origins: a removed method would live on in its last picture."""
    headers = cors.preflight_headers(options.allowed_origins, allowed_headers(options))
    method = aws.apigateway.Method(
        scope.child("options"),
        rest_api=rest_api.id,
        resource_id=resource.id,
        http_method="OPTIONS",
        authorization="NONE",
        api_key_required=False,
        opts=scope.options(),
    )
    integration = aws.apigateway.Integration(
        scope.child("preflight"),
        rest_api=rest_api.id,
        resource_id=resource.id,
        http_method=method.http_method,
        type="MOCK",
        request_templates=cors.NO_CONTENT,
        opts=scope.options(),
    )
    response = aws.apigateway.MethodResponse(
        scope.child("preflight-response"),
        rest_api=rest_api.id,
        resource_id=resource.id,
        http_method=method.http_method,
        status_code="204",
        response_parameters={f"method.response.header.{name}": True for name in cors.PREFLIGHT_HEADERS},
        opts=scope.options(),
    )
    mapping = aws.apigateway.IntegrationResponse(
        scope.child("preflight-mapping"),
        rest_api=rest_api.id,
        resource_id=resource.id,
        http_method=method.http_method,
        status_code=response.status_code,
        response_parameters=cors.as_literals("method.response.header", headers),
        response_templates=cors.preflight_template(options.allowed_origins),
        opts=scope.options(after=[integration]),
    )
    return [method, integration, response, mapping]


def _gateway_responses(
    scope: Scope,
    options: Options,
    rest_api: aws.apigateway.RestApi,
) -> list[pulumi.CustomResource]:
    headers = cors.as_literals("gatewayresponse.header", cors.error_headers(options.allowed_origins))
    return [
        aws.apigateway.Response(
            scope.child(f"errors-{family}"),
            rest_api_id=rest_api.id,
            response_type=f"DEFAULT_{family.upper()}",
            response_parameters=headers,
            response_templates=cors.PROBLEM,
            opts=scope.options(),
        )
        for family in ("4xx", "5xx")
    ]


def _stage(
    scope: Scope,
    options: Options,
    parts: tuple[aws.apigateway.RestApi, aws.apigateway.Deployment],
    after: Sequence[pulumi.Resource],
) -> aws.apigateway.Stage:
    rest_api, deployment = parts
    logs = [_execution_log(scope, options, rest_api), _access_log(scope, options)] if options.access_log else []
    stage = aws.apigateway.Stage(
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
    # Said also where nothing is logged: the provider keeps the level that a setting had before.
    logging = {"logging_level": "ERROR" if logs else "OFF", "data_trace_enabled": False}
    settings = {"throttle": (f"{PATH}/POST", {**_throttle(options), **logging})}
    if logs:
        settings["logging"] = ("*/*", logging)
    for suffix, (path, values) in settings.items():
        aws.apigateway.MethodSettings(
            scope.child(suffix),
            rest_api=rest_api.id,
            stage_name=stage.stage_name,
            method_path=path,
            settings=aws.apigateway.MethodSettingsSettingsArgs(**values),
            opts=scope.options(after=after),
        )
    return stage


def _throttle(options: Options) -> dict[str, Any]:
    return {
        "throttling_rate_limit": options.throttle["rate"],
        "throttling_burst_limit": options.throttle["burst"],
    }


def _access_log(scope: Scope, options: Options) -> aws.cloudwatch.LogGroup:
    return log_group(scope, options, "access-log")


def _execution_log(scope: Scope, options: Options, rest_api: aws.apigateway.RestApi) -> aws.cloudwatch.LogGroup:
    """The gateway would make this group itself, without retention: its name is fixed."""
    name = pulumi.Output.concat("API-Gateway-Execution-Logs_", rest_api.id, f"/{STAGE}")
    return log_group(scope, options, "execution-log", name)
