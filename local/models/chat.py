"""An instruction-tuned model on any server of the OpenAI protocol."""

import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.request import Request

from ..bedrock.call import Call
from ..bedrock.script import Step
from .openai import NOT_UNDERSTOOD, ModelUnavailable, answer, open_url, options


class Chat:
    """An instruction-tuned model on any server of the OpenAI protocol."""

    def __init__(self, url: str, model: str | None = None) -> None:
        """Take the server's base URL (``http://localhost:11434/v1``); without a model it is the server's first.

        Raises:
            ModelUnavailable: nobody answers there, or there is no model.
        """
        self._url = url.rstrip("/")
        self.model = model or self._first_model()

    def __call__(self, call: Call) -> Iterator[Step]:
        """Write an answer."""
        told = [block["text"] for block in call.body.get("system", []) if "text" in block]
        if call.schema is not None:
            told.append(f"Answer with one JSON document that matches this JSON Schema: {json.dumps(call.schema)}")
        messages = [{"role": it["role"], "content": _text_of(it)} for it in call.body["messages"]]
        request = {"model": self.model, "messages": messages, **options(call)}
        if told:
            messages.insert(0, {"role": "system", "content": "\n\n".join(told)})
        if call.schema is not None:
            form = {"name": "answer", "schema": call.schema, "strict": True}
            request["response_format"] = {"type": "json_schema", "json_schema": form}
        yield from answer(f"{self._url}/chat/completions", request, lambda it: it["delta"].get("content"))

    def _first_model(self) -> str:
        try:
            with open_url(Request(f"{self._url}/models"), 10) as response:  # noqa: S310 - the user's own URL
                return str(json.load(response)["data"][0]["id"])
        except (OSError, *NOT_UNDERSTOOD) as error:
            why = " ".join(str(error).split())  # a server of something else may answer in many lines
            raise ModelUnavailable(f"No model answers at {self._url} ({why}).") from error


def _text_of(message: Mapping[str, Any]) -> str:
    return "\n".join(block["text"] for block in message["content"] if "text" in block)
