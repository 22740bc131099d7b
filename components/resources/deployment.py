"""The deployment: made anew whenever anything that shapes the API changes."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

import pulumi
import pulumi_aws as aws

from .scope import Scope

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


def deployment_of(
    scope: Scope,
    rest_api: aws.apigateway.RestApi,
    shape: Sequence[pulumi.CustomResource],
) -> aws.apigateway.Deployment:
    """Declare the deployment of ``rest_api``, which takes a picture of the resources ``shape``."""
    return aws.apigateway.Deployment(
        scope.child("deployment"),
        rest_api=rest_api.id,
        triggers={"shape": picture(shape)},
        opts=_replaceable(scope.options(after=shape)),
    )


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
