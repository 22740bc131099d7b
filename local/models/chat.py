"""An instruction-tuned model on any server of the OpenAI protocol."""

import json
from collections.abc import Iterator
from contextlib import suppress
from http import HTTPStatus
from typing import Final

from ..bedrock.call import Call
from ..bedrock.script import Step
from ..client import End, Reply, Transport
from .openai import UNEXPECTED_SHAPE, ModelUnavailable, answer, options
from .words import words_of

TRANSPORT: Final = Transport(connect_timeout=10, timeout=10)
"""For the list of models, which a server sends without delay."""
LIST_LIMIT: Final = 10_000_000
"""Bytes of a list of models that are read at most: a server of another kind may send without end."""
EXCERPT_LIMIT: Final = 200
"""Characters of a server's own message that are shown at most."""
NO_ACCESS: Final = "Allow access without a key, which the local stack does not send, or use another server."
BROKEN: Final = "Look into the log of the server."
EXPECTED_URL: Final = "Expected the base URL of an OpenAI-compatible server, such as http://localhost:11434/v1."


def list_models(url: str) -> list[str]:
    """Return the names of the server's models, at least one. ``url`` is its base (``http://localhost:11434/v1``).

    Raises:
        ModelUnavailable: no server answers there, or one that does not speak the OpenAI protocol.
    """
    target = f"{url.rstrip('/')}/models"
    try:
        reply = Reply(target, method="GET", transport=TRANSPORT)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ModelUnavailable(f"no server answers at {url} ({reason}). Start it, or correct the URL.") from error
    with reply:
        try:
            body = _read(reply)
        except OSError as error:
            raise ModelUnavailable(f"{target} sent no HTTP response ({error}). {EXPECTED_URL}") from error
    if reply.status != HTTPStatus.OK:
        status_line = reply.head.split(b"\r\n")[0].decode("latin-1").partition(" ")[2]
        raise ModelUnavailable(f"{target} answered {status_line}: {_message(body)}. {_advice(reply.status)}")
    try:
        names = [str(model["id"]) for model in json.loads(body)["data"]]
    except UNEXPECTED_SHAPE as error:
        raise ModelUnavailable(
            f"{target} answered without a list of models: {_message(body)}. {EXPECTED_URL}"
        ) from error
    if not names:
        raise ModelUnavailable(f"the server at {url} has no model. Load one first.")
    return names


def _advice(status: int) -> str:
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        return NO_ACCESS
    return BROKEN if status >= HTTPStatus.INTERNAL_SERVER_ERROR else EXPECTED_URL


def _read(reply: Reply) -> bytes:
    """Return the body.

    Raises:
        OSError: there is no HTTP response, it is cut, or it does not end.
    """
    reply.wait()
    body = bytearray()
    for piece in reply.pieces():
        body += piece.data
        if len(body) > LIST_LIMIT:
            raise ConnectionAbortedError(f"its body has more than {LIST_LIMIT} bytes")
    if reply.end is not End.CLEAN:
        raise ConnectionAbortedError("its body was cut")
    return bytes(body)


class Chat:
    """A model of the server. Called with a Bedrock call, it writes the steps of an answer."""

    def __init__(self, url: str, model: str) -> None:
        """Use ``model`` of the server with the base URL ``url`` (``http://localhost:11434/v1``)."""
        self._url = url.rstrip("/")
        self.model = model

    def __call__(self, call: Call) -> Iterator[Step]:
        """Write an answer."""
        instructions = [block["text"] for block in call.body.get("system", []) if "text" in block]
        if call.schema is not None:
            instructions.append(
                f"Answer with one JSON document that matches this JSON Schema: {json.dumps(call.schema)}"
            )
        messages = [{"role": message["role"], "content": words_of(message)} for message in call.body["messages"]]
        request = {"model": self.model, "messages": messages, **options(call)}
        if instructions:
            messages.insert(0, {"role": "system", "content": "\n\n".join(instructions)})
        if call.schema is not None:
            json_schema = {"name": "answer", "schema": call.schema, "strict": True}
            request["response_format"] = {"type": "json_schema", "json_schema": json_schema}
        yield from answer(f"{self._url}/chat/completions", request, lambda choice: choice["delta"].get("content"))


def _message(body: bytes) -> str:
    """Return a server's error message in one line: that of the protocol, or the beginning of the body."""
    text = body.decode(errors="replace")
    with suppress(*UNEXPECTED_SHAPE):
        text = str(json.loads(text)["error"]["message"])
    return repr(_one_line(text)[:EXCERPT_LIMIT])


def _one_line(text: str) -> str:
    return " ".join(text.split())
