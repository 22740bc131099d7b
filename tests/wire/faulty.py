"""Classes of a user who makes mistakes: a validator and a serialiser raise what quotes the value."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, PlainSerializer


def check(text: str) -> str:
    if text.endswith(": mistake"):
        raise KeyError(text)
    return text


def show(text: str) -> str:
    if text.endswith(": late mistake"):
        raise KeyError(text)
    return text


Text = Annotated[str, AfterValidator(check), PlainSerializer(show)]


class Request(BaseModel):
    """What the client sends."""

    prompt: Text


class Answer(BaseModel):
    """What the model answers."""

    summary: Text
    keywords: list[Text]
