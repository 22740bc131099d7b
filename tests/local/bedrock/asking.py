"""What a test asks the local Bedrock, and what comes back."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import boto3
from botocore.config import Config

from local.bedrock.server import Bedrock

MODEL = "global.anthropic.claude-haiku-4-5-20251001-v1:0"
TOOL = {"toolSpec": {"name": "answer", "inputSchema": {"json": {"type": "object", "properties": {}}}}}
Ask = Callable[..., Mapping[str, Any]]


def kinds(response: Mapping[str, Any]) -> list[str]:
    return [next(iter(event)) for event in response["stream"]]


@contextmanager
def asking(bedrock: Bedrock) -> Iterator[Ask]:
    """Converse through a client that tries once; the streams are closed at the end."""
    client: Any = boto3.client(
        "bedrock-runtime",
        endpoint_url=bedrock.url,
        region_name="eu-west-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",  # noqa: S106 - not checked here
        config=Config(retries={"total_max_attempts": 1}),
    )
    streams = []

    def converse(prompt: str = "hello", model: str = MODEL, **more: object) -> Mapping[str, Any]:
        messages = [{"role": "user", "content": [{"text": prompt}]}]
        response: Mapping[str, Any] = client.converse_stream(modelId=model, messages=messages, **more)
        streams.append(response["stream"])
        return response

    yield converse
    for stream in streams:
        stream.close()
    client.close()
