"""The protocol of OpenAI's API, streamed: completions in, the steps of a Bedrock answer out.

platform.openai.com/docs/api-reference: chat completions with ``response_format``, and completions.
"""

import http.client
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import ProxyHandler, Request, build_opener

from ..bedrock.call import Call
from ..bedrock.script import Answer, Fail, Refuse, Step, Stop, Usage

PATIENCE: Final = 600
"""Seconds of silence that a model's server may need."""
STOPS: Final = {"stop": "end_turn", "length": "max_tokens", "content_filter": "content_filtered"}
NOT_UNDERSTOOD: Final = (ValueError, LookupError, TypeError, AttributeError, http.client.HTTPException)
"""What comes of an answer in another protocol, or of another shape."""


class ModelUnavailable(Exception):
    """There is no model to be had; the message is one line for the user."""


def options(call: Call) -> dict[str, Any]:
    """Return the limits and the sampling of a call, in the names of this protocol."""
    config = call.body.get("inferenceConfig", {})
    names = {"maxTokens": "max_tokens", "temperature": "temperature", "topP": "top_p", "stopSequences": "stop"}
    options = {names[name]: value for name, value in config.items() if name in names}
    return {**options, "stream": True, "stream_options": {"include_usage": True}}


def answer(url: str, question: object, text_of: Callable[[Mapping[str, Any]], str | None]) -> Iterator[Step]:
    """Ask the server; turn what it streams, and how it fails, into what Bedrock would say."""
    body = json.dumps(question).encode()
    try:
        request = Request(url, body, {"Content-Type": "application/json"})  # noqa: S310 - the user's own URL
        response = open_url(request, PATIENCE)
    except HTTPError as error:
        with error:
            told = error.read(500).decode(errors="replace")
        yield Refuse("ThrottlingException" if error.code == 429 else "ValidationException", f"{url}: {told}")  # noqa: PLR2004
        return
    except (OSError, ValueError, http.client.HTTPException) as error:
        yield Refuse("ServiceUnavailableException", f"{url}: {error}")
        return
    with response:
        try:
            yield from _steps(response, text_of)
        except (OSError, *NOT_UNDERSTOOD) as error:
            yield Fail("modelStreamErrorException", f"{url}: {error}")


def open_url(request: Request, timeout: float) -> http.client.HTTPResponse:
    """Send a request; a proxy of the environment is not for this machine's own servers."""
    is_local = urlsplit(request.full_url).hostname in {"localhost", "127.0.0.1", "::1"}
    response: http.client.HTTPResponse = build_opener(ProxyHandler({} if is_local else None)).open(
        request, timeout=timeout
    )
    return response


def _steps(lines: Iterator[bytes], text_of: Callable[[Mapping[str, Any]], str | None]) -> Iterator[Step]:
    """Read server-sent events: pieces of text, the reason of the stop, the tokens.

    Raises:
        ConnectionError: they end without a stop; ``http.client`` says nothing of a body that was cut.
    """
    has_stopped = False
    for line in lines:
        if not line.startswith(b"data: {"):
            continue
        event = json.loads(line.removeprefix(b"data: "))
        for choice in event.get("choices") or []:
            if text := text_of(choice):
                yield Answer(text)
            if reason := choice.get("finish_reason"):
                has_stopped = True
                yield Stop(STOPS.get(reason, reason))
        if usage := event.get("usage"):
            yield Usage(usage.get("prompt_tokens", 0), usage.get("completion_tokens", 0))
    if not has_stopped:
        raise ConnectionAbortedError("The answer ended without a stop.")
