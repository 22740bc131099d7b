"""An endpoint with its own request, answer and instructions, which lie in the folder `code`."""

import pulumi
from streaming_llm_api import StreamingLlmApi
from streaming_llm_api.arguments import Authorization

triage = StreamingLlmApi(
    "triage",
    {
        "code": "code",
        "schema": "tickets:Triage",
        "request": "tickets:Ticket",
        "instructions": "tickets:INSTRUCTIONS",
        "temperature": 0.2,
        "max_tokens": 800,
        "authorization": Authorization.API_KEY,
    },
)

pulumi.export("ApiUrl", triage.url)
pulumi.export("ApiKey", triage.api_key)
