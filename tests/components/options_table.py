"""Arguments that ask for everything there is, in a few programs."""

from typing import Final

from components import StreamingLlmApiArgs
from components.arguments import (
    Authorization,
    Cache,
    Effort,
    Endpoint,
    GuardrailStreaming,
    QuotaPeriod,
    Runtime,
    Thinking,
)

TOPIC: Final = "arn:aws:sns:eu-central-1:123456789012:alarms"
KEY: Final = "arn:aws:kms:eu-central-1:123456789012:key/1"
POOL: Final = "arn:aws:cognito-idp:eu-central-1:123456789012:userpool/eu-central-1_abc"
JUDGE: Final = "arn:aws:lambda:eu-central-1:123456789012:function:judge"
CERTIFICATE: Final = "arn:aws:acm:eu-central-1:123456789012:certificate/1"
PROFILE: Final = "arn:aws:bedrock:eu-central-1:123456789012:application-inference-profile/a1b2c3"
MODEL: Final = "global.anthropic.claude-haiku-4-5-20251001-v1:0"
WEB_ACL: Final = "arn:aws:wafv2:eu-central-1:123456789012:regional/webacl/x/1"

EVERYTHING: Final[list[StreamingLlmApiArgs]] = [
    {},
    {
        "authorization": Authorization.API_KEY,
        "quota": {"limit": 1000, "period": QuotaPeriod.DAY},
        "sink": "sns",
        "store": "dynamodb",
        "access_log": True,
        "manage_account_logging": True,
        "alarm_topic": TOPIC,
        "dashboard": {
            "input_price": 3,
            "output_price": 15,
            "prices": {MODEL: {"input": 1, "output": 5, "cache_read": 0.1, "cache_write": 2}},
        },
        "web_acl": WEB_ACL,
        "domain": {"name": "llm.example.com", "certificate": CERTIFICATE, "zone": "Z1"},
        "vpc": {"subnets": ["subnet-1"], "security_groups": ["sg-1"]},
        "kms_key": KEY,
        "guardrail": "abc123:1",
        "fallback_models": ["anthropic.claude-sonnet-4-5-20250929-v1:0"],
        "fallback_after": 30,
        "allowed_origins": ["https://a.example", "https://b.example"],
        "reserved_concurrency": 5,
        "environment": {"PRICES": "prices"},
        "statements": [{"actions": ["s3:GetObject"], "resources": ["arn:aws:s3:::prices/*"]}],
        "tags": {"team": "llm"},
    },
    {
        "authorization": Authorization.COGNITO,
        "authorizer": {"user_pools": [POOL], "scopes": ["llm/ask"]},
        "caller_fields": ["id", "claims.custom:tenant"],
        "endpoint": Endpoint.EDGE,
        "sink": "firehose",
        "model_id": "eu.anthropic.claude-haiku-4-5-20251001-v1:0",
        "model_regions": ["eu-central-1", "eu-west-1"],
        "domain": {"name": "llm.example.com", "certificate": CERTIFICATE},
        "allowed_origins": ["https://a.example"],
        "tags": {"team": "llm"},
    },
    {
        "authorization": Authorization.LAMBDA,
        "authorizer": {"function_arn": JUDGE, "header": "X-Token", "cache_seconds": 0},
        "endpoint": Endpoint.PRIVATE,
        "vpc_endpoint": {"id": "vpce-1", "private_dns": False},
        "sink": "eventbridge",
        "store": "dynamodb:records",
        "model_id": "anthropic.claude-haiku-4-5-20251001-v1:0",
        "tags": {"team": "llm"},
    },
    {
        "authorization": Authorization.IAM,
        "sink": "firehose",
        "kms_key": KEY,
        "runtime": Runtime.PYTHON_3_11,
        "access_log": True,
        "allowed_origins": ["*"],
    },
]

EVERY_SETTING: Final[StreamingLlmApiArgs] = {
    "authorization": Authorization.IAM,
    "caller_fields": ["id"],
    "guardrail": "abc:1",
    "code": ".",
    "schema": "schemas:A",
    "request": "schemas:B",
    "instructions": "schemas:C",
    "cache": Cache.FIVE_MINUTES,
    "temperature": 0.5,
    "effort": Effort.LOW,
    "thinking": Thinking.ON,
    "show_thinking": True,
    "max_tokens": 800,
    "body_limit": 99,
    "model_id": PROFILE,
    "model_regions": ["eu-central-1"],
    "fallback_models": ["anthropic.claude-sonnet-4-5-20250929-v1:0"],
    "fallback_after": 30,
    "prepare": "schemas:ask",
    "prepare_timeout": 3,
    "stages": ["schemas:score"],
    "stage_timeout": 3,
    "stage_content": True,
    "services": ["s3"],
    "routes": {
        "invoice": {"temperature": 0.1, "max_tokens": 7, "guardrail_streaming": GuardrailStreaming.ASYNC},
        "triage": {},
    },
    "profile_model": "anthropic.claude-haiku-4-5-20251001-v1:0",
}
"""Arguments with which the function has every variable that there is."""
