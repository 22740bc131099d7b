"""The API's deployment, a snapshot that must be replaced whenever a property that shapes the API changes."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

import pulumi
import pulumi_aws as aws

from .scope import Scope

_SHAPE: Final = {
    aws.apigateway.RestApi: (
        "endpoint_configuration", "disable_execute_api_endpoint", "binary_media_types", "api_key_source",
    ),
    aws.apigateway.RestApiPolicy: ("policy",),
    aws.apigateway.Resource: ("path_part",),
    aws.apigateway.Authorizer: (
        "type", "authorizer_uri", "provider_arns", "identity_source",
        "authorizer_result_ttl_in_seconds", "identity_validation_expression", "authorizer_credentials",
    ),
    aws.apigateway.Method: (
        "http_method", "authorization", "authorizer_id", "authorization_scopes", "api_key_required",
        "request_models", "request_parameters", "request_validator_id",
    ),
    aws.apigateway.Integration: (
        "type", "uri", "integration_http_method", "response_transfer_mode", "timeout_milliseconds",
        "request_templates", "request_parameters", "passthrough_behavior", "content_handling",
        "credentials", "connection_id", "connection_type", "cache_key_parameters", "cache_namespace",
    ),
    aws.apigateway.MethodResponse: ("status_code", "response_parameters", "response_models"),
    aws.apigateway.IntegrationResponse: (
        "status_code", "response_parameters", "response_templates", "selection_pattern", "content_handling",
    ),
    aws.apigateway.Response: ("response_type", "status_code", "response_parameters", "response_templates"),
}  # fmt: skip
"""The properties that shape the API, for each kind of resource that a deployment is a snapshot of."""


def deployment_of(
    scope: Scope,
    rest_api: aws.apigateway.RestApi,
    parts: Sequence[pulumi.CustomResource],
) -> aws.apigateway.Deployment:
    """Declare the deployment of ``rest_api``: a snapshot of its ``parts``, replaced when one of them changes.

    A deployment contains nothing that can be lost. If it inherited ``protect`` from the component, no part of the API
    could be changed.
    """
    unprotected = pulumi.ResourceOptions(protect=False)
    return aws.apigateway.Deployment(
        scope.child("deployment"),
        rest_api=rest_api.id,
        triggers={"shape": fingerprint(parts)},
        opts=pulumi.ResourceOptions.merge(scope.options(after=parts), unprotected),
    )


def fingerprint(parts: Sequence[pulumi.CustomResource]) -> pulumi.Output[str]:
    """Return a hash over the outputs of all parts.

    Outputs, not inputs: a user's transform, a default of the provider and a replaced function count too.
    """
    kinds = [type(part).__name__ for part in parts]
    shapes = pulumi.Output.all(*map(_shape, parts))
    return shapes.apply(lambda found: json_hash(list(zip(kinds, found, strict=True))))


def _shape(part: pulumi.CustomResource) -> pulumi.Output[dict[str, Any]]:
    """Return the properties of one part that shape the API. A preview knows them only of a part that exists."""
    properties = {name: _known_if_unset(getattr(part, name)) for name in _SHAPE[type(part)]}
    return part.id.apply(lambda _: pulumi.Output.all(**properties))


def _known_if_unset(output: pulumi.Output[Any]) -> pulumi.Output[Any]:
    """Return ``output``, known also if it is None.

    In a preview the SDK resolves every property that the provider did not return to an unknown None: it cannot tell
    "not computed yet" from "not set" (``resolve_outputs`` in pulumi/runtime/rpc.py; github.com/pulumi/pulumi/pull/21902
    tests for it). Unset properties would thus announce a new deployment at every preview. A part that exists has its
    id, and then None means that the property is not set; ``_shape`` waits for the id.
    """

    async def known() -> bool:
        return await output.is_known() or await output.future(with_unknowns=True) is None

    value = output.future(with_unknowns=True)
    return pulumi.Output(output.resources(), value, known(), output.is_secret())


def json_hash(shape: object) -> str:
    """Return a hash of JSON values, independent of the order of keys and of whether a whole number is a float."""
    return hashlib.sha256(json.dumps(_plain(shape), sort_keys=True).encode()).hexdigest()


def _plain(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
