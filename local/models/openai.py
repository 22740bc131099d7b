"""The streaming protocol of OpenAI's API: turns a server's completion into the steps of a Bedrock answer.

platform.openai.com/docs/api-reference: chat completions with ``response_format``, and completions.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from typing import Any, Final

from ..bedrock.call import Call
from ..bedrock.script import Fail, Fragment, Refuse, Step, Stop, Usage
from ..client import Reply, Transport

TRANSPORT: Final = Transport(timeout=600)
"""A model may be silent for minutes: it is loaded, or reads a long prompt."""
MESSAGE_LIMIT: Final = 500
"""Bytes of a server's error message that are passed on."""
STOP_REASONS: Final = {"stop": "end_turn", "length": "max_tokens", "content_filter": "content_filtered"}
"""Bedrock's stop reasons, by this protocol's finish reasons."""
UNEXPECTED_SHAPE: Final = (ValueError, LookupError, TypeError, AttributeError)
"""The exceptions that reading a response raises if it does not have the structure that this protocol defines."""


class ModelUnavailable(Exception):
    """There is no model that could answer; the message is one line for the user."""


def options(call: Call) -> dict[str, Any]:
    """Return the limits and the sampling of a call, in the names of this protocol."""
    config = call.body.get("inferenceConfig", {})
    names = {"maxTokens": "max_tokens", "temperature": "temperature", "topP": "top_p", "stopSequences": "stop"}
    options = {names[name]: value for name, value in config.items() if name in names}
    return {**options, "stream": True, "stream_options": {"include_usage": True}}


def answer(url: str, request: object, text_of: Callable[[Mapping[str, Any]], str | None]) -> Iterator[Step]:
    """Send a request; turn what the server streams, and every failure, into what Bedrock would send.

    ``text_of`` returns the text of one of the ``choices`` in an event, or None.
    """
    try:
        reply = Reply(url, json.dumps(request).encode(), {"Content-Type": "application/json"}, transport=TRANSPORT)
    except (OSError, ValueError) as error:
        yield Refuse("ServiceUnavailableException", f"{url}: {error}")
        return
    with reply:
        try:
            reply.wait()
        except OSError as error:
            yield Refuse("ServiceUnavailableException", f"{url}: {error}")
            return
        if reply.status != HTTPStatus.OK:
            is_busy = reply.status == HTTPStatus.TOO_MANY_REQUESTS
            message = reply.body()[:MESSAGE_LIMIT].decode(errors="replace")
            yield Refuse("ThrottlingException" if is_busy else "ValidationException", f"{url}: {message}")
            return
        try:
            yield from _steps(reply.lines(), text_of)
        except (OSError, *UNEXPECTED_SHAPE) as error:
            yield Fail("modelStreamErrorException", f"{url}: {error}")


def _steps(lines: Iterator[bytes], text_of: Callable[[Mapping[str, Any]], str | None]) -> Iterator[Step]:
    """Read server-sent events: fragments of text, the stop reason, the tokens.

    Raises:
        ConnectionError: they end without a stop.
    """
    has_stopped = False
    for line in lines:
        if not line.startswith(b"data: {"):
            continue
        event = json.loads(line.removeprefix(b"data: "))
        for choice in event.get("choices") or []:
            if text := text_of(choice):
                yield Fragment(text)
            if reason := choice.get("finish_reason"):
                has_stopped = True
                yield Stop(STOP_REASONS.get(reason, reason))
        if usage := event.get("usage"):
            yield Usage(usage.get("prompt_tokens", 0), usage.get("completion_tokens", 0))
    if not has_stopped:
        raise ConnectionAbortedError("The answer ended without a stop.")
