"""The naive way to typed partials: parse and validate the whole text at each fragment, then relay the fragment."""

from collections.abc import Iterator
from contextlib import suppress

import boto3
from pydantic import BaseModel, ValidationError
from pydantic_core import from_json

from bench.peers.runtime import serve, texts


class Answer(BaseModel):
    """The shape of the answer: the same as the function's own."""

    summary: str
    keywords: list[str]


_client = boto3.client("bedrock-runtime")


def _answer(_: object) -> Iterator[str]:
    text = ""
    for fragment in texts(_client):
        text += fragment
        with suppress(ValidationError):  # the first fragments have not all fields
            Answer.model_validate(from_json(text, allow_partial="trailing-strings"))
        yield fragment
    Answer.model_validate_json(text)


if __name__ == "__main__":
    serve(_answer)
