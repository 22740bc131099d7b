"""The role that lets API Gateway write logs. An account has one such setting per region, so a program declares one."""

from typing import Final
from weakref import WeakKeyDictionary

import pulumi
import pulumi_aws as aws

from ..iam.document import Place, document
from ..iam.role import assumed_by
from .scope import Scope

_ByProvider = dict[str, list[pulumi.Resource]]

_of_stack: Final[WeakKeyDictionary[pulumi.Resource, _ByProvider]] = WeakKeyDictionary()
"""What each program has declared, by the stack for which the program runs.

The SDK has no place for what a whole program shares (github.com/pulumi/pulumi/issues/6183), and this module may
outlive a program: the Automation API runs several in one process.
"""

_of_plugin_host: Final[_ByProvider] = {}
"""The same for a plugin host, which serves one program and has no stack (github.com/pulumi/pulumi/issues/19636)."""


def account_logging(scope: Scope, place: pulumi.Output[Place]) -> list[pulumi.Resource]:
    """Return role, policy and setting, declared once per program and provider, however many endpoints ask for them.

    They stay when the stack is destroyed: other APIs of the account may depend on them.
    """
    provider = scope.parent.get_provider("aws:apigateway/account:Account")
    stack = pulumi.runtime.get_root_resource()
    declared = _of_plugin_host if stack is None else _of_stack.setdefault(stack, {})
    suffix = "" if provider is None else f"-{provider.pulumi_resource_name}"
    key = f"{suffix}{pulumi.runtime.is_dry_run()}"
    if key not in declared:
        options = pulumi.ResourceOptions(provider=provider, retain_on_delete=True)
        declared[key] = _declare(f"api-gateway-logging{suffix}", scope, place, options)
    return declared[key]


def _declare(
    name: str,
    scope: Scope,
    place: pulumi.Output[Place],
    options: pulumi.ResourceOptions,
) -> list[pulumi.Resource]:
    role = aws.iam.Role(
        f"{name}-role",
        assume_role_policy=document(assumed_by("apigateway.amazonaws.com")),
        tags=scope.tags,
        opts=options,
    )
    policy = aws.iam.RolePolicyAttachment(
        f"{name}-policy",
        role=role.name,
        policy_arn=place.apply(
            lambda found: f"arn:{found.partition}:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs",
        ),
        opts=options,
    )
    setting = aws.apigateway.Account(
        name,
        cloudwatch_role_arn=role.arn,
        opts=pulumi.ResourceOptions.merge(options, pulumi.ResourceOptions(depends_on=[policy])),
    )
    return [role, policy, setting]
