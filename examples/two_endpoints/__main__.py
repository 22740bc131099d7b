"""Two endpoints in one stack. Both name their answer `answers:Answer`: each has its own folder, bundle and role."""

import pulumi
from streaming_llm_api import StreamingLlmApi
from streaming_llm_api.arguments import Authorization

support = StreamingLlmApi(
    "support",
    {
        "code": "support",
        "schema": "answers:Answer",
        "authorization": Authorization.IAM,
        "store": "dynamodb",
        "tags": {"team": "support"},
    },
)
marketing = StreamingLlmApi(
    "marketing",
    {
        "code": "marketing",
        "schema": "answers:Answer",
        "model_id": "eu.anthropic.claude-sonnet-4-5-20250929-v1:0",
        "model_regions": ["eu-central-1", "eu-north-1", "eu-south-1", "eu-south-2", "eu-west-1", "eu-west-3"],
        "authorization": Authorization.API_KEY,
        "allowed_origins": ["https://www.example.com"],
        "sink": "eventbridge",
        "tags": {"team": "marketing"},
    },
)

pulumi.export("SupportUrl", support.url)
pulumi.export("MarketingUrl", marketing.url)
pulumi.export("MarketingKey", marketing.api_key)
