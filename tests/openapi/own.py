"""Classes of a user that have the names of events, or no JSON Schema."""

from collections.abc import Callable

from pydantic import BaseModel, Field


class Usage(BaseModel):
    """What a user calls usage."""

    minutes: int


class Problem(BaseModel):
    """A problem to solve, in place of the default request."""

    prompt: str
    usage: Usage | None = None


class Change(BaseModel):
    """The answer. A client never sees ``secret``."""

    amount: int = Field(alias="howMuch")
    usage: Usage
    secret: str = Field(exclude=True)


class OwnUsage(BaseModel):
    usage: Usage


class Calls(BaseModel):
    """A request that no JSON Schema describes."""

    prompt: str
    call: Callable[[], int]
