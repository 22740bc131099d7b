"""The floor: boto3's stream, relayed untouched."""

from collections.abc import Iterator
from typing import Any

import boto3

from bench.peers.runtime import serve

_client = boto3.client("bedrock-runtime")


def _answer(_: object) -> Iterator[str]:
    call: Any = _client.converse_stream(
        modelId="anthropic.claude-haiku-4-5-20251001-v1:0",
        messages=[{"role": "user", "content": [{"text": "Why?"}]}],
        inferenceConfig={"maxTokens": 2000},
    )
    for event in call["stream"]:
        if "contentBlockDelta" in event:
            yield event["contentBlockDelta"]["delta"]["text"]


if __name__ == "__main__":
    serve(_answer)
