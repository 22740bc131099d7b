"""The arguments of the component: their names, and those of the members of what is an object or a list of objects.

``*`` stands for any key. ``make docs`` writes this from components/arguments.py: the local stack must read a stack's
configuration where Pulumi is not installed.
"""

from collections.abc import Mapping
from typing import Any, Final

# generated: shape
ARGUMENTS: Final[Mapping[str, Any]] = {
    "model_id": None,
    "model_regions": None,
    "profile_model": None,
    "structured_output": None,
    "guardrail": None,
    "guardrail_streaming": None,
    "code": None,
    "requirements": None,
    "environment": None,
    "statements": [
        {
            "actions": None,
            "resources": None,
            "effect": None,
            "condition": None,
        },
    ],
    "services": None,
    "schema": None,
    "request": None,
    "prepare": None,
    "prepare_timeout": None,
    "instructions": None,
    "cache": None,
    "temperature": None,
    "effort": None,
    "thinking": None,
    "show_thinking": None,
    "max_tokens": None,
    "timeout": None,
    "memory": None,
    "architecture": None,
    "runtime": None,
    "reserved_concurrency": None,
    "log_retention": None,
    "body_limit": None,
    "allowed_origins": None,
    "start_padding": None,
    "capture_content": None,
    "publish_outcomes": None,
    "sink": None,
    "store": None,
    "max_attempts": None,
    "head_within": None,
    "stages": None,
    "stage_timeout": None,
    "stage_content": None,
    "endpoint": None,
    "vpc_endpoint": {
        "id": None,
        "private_dns": None,
    },
    "authorization": None,
    "authorizer": {
        "user_pools": None,
        "scopes": None,
        "function_arn": None,
        "header": None,
        "cache_seconds": None,
    },
    "caller_fields": None,
    "routes": {
        "*": {
            "model_id": None,
            "model_regions": None,
            "structured_output": None,
            "guardrail": None,
            "guardrail_streaming": None,
            "schema": None,
            "request": None,
            "prepare": None,
            "instructions": None,
            "cache": None,
            "temperature": None,
            "effort": None,
            "thinking": None,
            "show_thinking": None,
            "max_tokens": None,
            "body_limit": None,
            "max_attempts": None,
            "throttle": {
                "rate": None,
                "burst": None,
            },
        },
    },
    "throttle": {
        "rate": None,
        "burst": None,
    },
    "quota": {
        "limit": None,
        "period": None,
    },
    "access_log": None,
    "manage_account_logging": None,
    "vpc": {
        "subnets": None,
        "security_groups": None,
    },
    "web_acl": None,
    "domain": {
        "name": None,
        "certificate": None,
        "zone": None,
        "only_this_host": None,
    },
    "alarm_topic": None,
    "dashboard": {
        "input_price": None,
        "output_price": None,
        "prices": {
            "*": {
                "input": None,
                "output": None,
                "cache_read": None,
                "cache_write": None,
            },
        },
    },
    "kms_key": None,
    "environment_key_through_lambda": None,
    "tags": None,
}
# end
