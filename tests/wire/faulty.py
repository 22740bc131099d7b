"""Classes of a user whose code fails or does not come back: the last words of a text say what happens to it.

After a colon stands what a validator does; with ``late`` before it, a serialiser does it.
"""

from asyncio import CancelledError
from collections.abc import Mapping
from typing import Annotated, Final

from pydantic import AfterValidator, BaseModel, PlainSerializer

from function.endpoint import Refused
from tests.wire.stubborn import HABITS


class Own(BaseException):
    """An exception that no ``except Exception`` catches."""


MISTAKES: Final[Mapping[str, type[BaseException]]] = {
    "mistake": KeyError,
    "exit": SystemExit,
    "cancelled": CancelledError,
    "interrupt": KeyboardInterrupt,
    "generator": GeneratorExit,
    "own": Own,
}
"""Each of them quotes the text."""


def _act(words: str, text: str) -> None:
    if words == "refuse":
        raise Refused("tenant_locked", status=423, title="The tenant is locked.", detail="Ask the owner.")
    if words in MISTAKES:
        raise MISTAKES[words](text)
    HABITS.get(words, lambda: None)()


def check(text: str) -> str:
    _act(text.rpartition(": ")[2], text)
    return text


def show(text: str) -> str:
    late, _, words = text.rpartition(": ")[2].partition(" ")
    if late == "late":
        _act(words, text)
    return text


Text = Annotated[str, AfterValidator(check), PlainSerializer(show)]


class Request(BaseModel):
    """What the client sends."""

    prompt: Text


class Answer(BaseModel):
    """What the model answers."""

    summary: Text
    keywords: list[Text]
