"""The least that a streaming function needs of the Runtime API (docs.aws.amazon.com/lambda: runtimes-custom.html)."""

import json
import os
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from typing import Any, Final

_PRELUDE: Final = json.dumps({"statusCode": 200, "headers": {"Content-Type": "text/plain"}}).encode() + b"\0" * 8


def serve(answer: Callable[[Any], Iterator[str]]) -> None:
    """Answer invocations with what ``answer`` yields, each text as one chunk. The head is sent with the first one."""
    host = os.environ["AWS_LAMBDA_RUNTIME_API"]
    events = HTTPConnection(host)
    while True:
        events.request("GET", "/2018-06-01/runtime/invocation/next")
        invocation = events.getresponse()
        event = json.loads(invocation.read())
        _respond(host, str(invocation.headers["Lambda-Runtime-Aws-Request-Id"]), answer(event))


def texts(client: Any) -> Iterator[str]:  # noqa: ANN401 - the stubs of boto3 are no part of the benchmarks
    """Ask the model, and yield the text of its deltas."""
    call = client.converse_stream(
        modelId="anthropic.claude-haiku-4-5-20251001-v1:0",
        messages=[{"role": "user", "content": [{"text": "Why?"}]}],
        inferenceConfig={"maxTokens": 2000},
    )
    for event in call["stream"]:
        if "contentBlockDelta" in event:
            yield event["contentBlockDelta"]["delta"]["text"]


def _respond(host: str, invocation: str, texts: Iterator[str]) -> None:
    first = next(texts).encode()
    connection = HTTPConnection(host)
    connection.putrequest("POST", f"/2018-06-01/runtime/invocation/{invocation}/response")
    connection.putheader("Lambda-Runtime-Function-Response-Mode", "streaming")
    connection.putheader("Content-Type", "application/vnd.awslambda.http-integration-response")
    connection.putheader("Transfer-Encoding", "chunked")
    connection.endheaders()
    connection.send(_chunk(_PRELUDE) + _chunk(first))
    for text in texts:
        connection.send(_chunk(text.encode()))
    connection.send(b"0\r\n\r\n")
    connection.getresponse().read()
    connection.close()


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)
