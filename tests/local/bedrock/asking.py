"""What a test asks the local Bedrock, and what comes back."""

from collections.abc import Callable, Mapping
from typing import Any

MODEL = "global.anthropic.claude-haiku-4-5-20251001-v1:0"
TOOL = {"toolSpec": {"name": "answer", "inputSchema": {"json": {"type": "object", "properties": {}}}}}
Ask = Callable[..., Mapping[str, Any]]


def kinds(response: Mapping[str, Any]) -> list[str]:
    return [next(iter(event)) for event in response["stream"]]
