"""The role that lets API Gateway write logs: one setting for an account and region, so one for a whole program."""

from typing import Final
from weakref import WeakKeyDictionary

import pulumi
import pulumi_aws as aws

from ..iam.document import Place, document
from ..iam.role import assumed_by
from .scope import Scope

_Sets = dict[str, list[pulumi.Resource]]

_declared: Final[WeakKeyDictionary[pulumi.Resource, _Sets]] = WeakKeyDictionary()
"""What a program has declared, by its stack and then by the provider."""

_hosted: Final[_Sets] = {}
"""The same in a plugin host, which serves one program and knows no stack."""


def account_logging(scope: Scope, place: pulumi.Output[Place]) -> list[pulumi.Resource]:
    """Return role, policy and setting, declared once for a program and provider however many endpoints ask.

    They stay when the program is destroyed: other APIs of the account may live by them.
    """
    provider = scope.parent.get_provider("aws:apigateway/account:Account")
    stack = pulumi.runtime.get_root_resource()
    declared = _hosted if stack is None else _declared.setdefault(stack, {})
    suffix = "" if provider is None else f"-{provider.pulumi_resource_name}"
    key = f"{suffix}{pulumi.runtime.is_dry_run()}"
    if key not in declared:
        stays = pulumi.ResourceOptions(provider=provider, retain_on_delete=True)
        declared[key] = _declare(f"api-gateway-logging{suffix}", scope, place, stays)
    return declared[key]


def _declare(
    name: str,
    scope: Scope,
    place: pulumi.Output[Place],
    stays: pulumi.ResourceOptions,
) -> list[pulumi.Resource]:
    role = aws.iam.Role(
        f"{name}-role",
        assume_role_policy=document(assumed_by("apigateway.amazonaws.com")),
        tags=scope.tags,
        opts=stays,
    )
    policy = aws.iam.RolePolicyAttachment(
        f"{name}-policy",
        role=role.name,
        policy_arn=place.apply(
            lambda found: f"arn:{found.partition}:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs",
        ),
        opts=stays,
    )
    setting = aws.apigateway.Account(
        name,
        cloudwatch_role_arn=role.arn,
        opts=pulumi.ResourceOptions.merge(stays, pulumi.ResourceOptions(depends_on=[policy])),
    )
    return [role, policy, setting]
