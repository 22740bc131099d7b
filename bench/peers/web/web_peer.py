"""The same function as a web application: FastAPI relays the model's text, and validates the answer at its end.

It is written as AWS shows it for Lambda Web Adapter: an asynchronous generator around boto3's stream. That blocks the
event loop, which does not matter with one request per sandbox, and takes less time than a thread would.
"""

from collections.abc import AsyncIterator
from typing import Any

import boto3
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from pydantic import BaseModel


class Question(BaseModel):
    """The body of a request."""

    prompt: str


class Answer(BaseModel):
    """The shape of the answer: the same as the function's own."""

    summary: str
    keywords: list[str]


_client: Any = boto3.client("bedrock-runtime")


async def _texts(prompt: str) -> AsyncIterator[str]:
    call = _client.converse_stream(
        modelId="anthropic.claude-haiku-4-5-20251001-v1:0",
        messages=[{"role": "user", "content": [{"text": prompt}]}],
        inferenceConfig={"maxTokens": 2000},
    )
    seen = []
    for event in call["stream"]:
        if "contentBlockDelta" in event:
            seen.append(event["contentBlockDelta"]["delta"]["text"])
            yield seen[-1]
    Answer.model_validate_json("".join(seen))


async def stream(question: Question) -> StreamingResponse:
    """Answer a question with the model's text."""
    return StreamingResponse(_texts(question.prompt), media_type="text/plain")


app = FastAPI()
app.add_api_route("/stream", stream, methods=["POST"], response_model=None)
