"""Classes of a user who makes mistakes: a validator and a serialiser raise what quotes the value, or sleep."""

import time
from asyncio import CancelledError
from collections.abc import Mapping
from typing import Annotated, Final

from pydantic import AfterValidator, BaseModel, PlainSerializer

from function.endpoint import Refused


class Own(BaseException):
    """An exception that no ``except Exception`` catches."""


MISTAKES: Final[Mapping[str, type[BaseException]]] = {
    ": mistake": KeyError,
    ": exit": SystemExit,
    ": cancelled": CancelledError,
    ": interrupt": KeyboardInterrupt,
    ": generator": GeneratorExit,
    ": own": Own,
}


def check(text: str) -> str:
    if text.endswith(": refuse"):
        raise Refused("tenant_locked", status=423, title="The tenant is locked.", detail="Ask the owner.")
    if text.endswith(": sleep"):
        time.sleep(3_600)
    for end, mistake in MISTAKES.items():
        if text.endswith(end):
            raise mistake(text)
    return text


def show(text: str) -> str:
    if text.endswith(": late mistake"):
        raise KeyError(text)
    if text.endswith(": late exit"):
        raise SystemExit(text)
    return text


Text = Annotated[str, AfterValidator(check), PlainSerializer(show)]


class Request(BaseModel):
    """What the client sends."""

    prompt: Text


class Answer(BaseModel):
    """What the model answers."""

    summary: Text
    keywords: list[Text]
