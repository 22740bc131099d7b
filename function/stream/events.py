"""The values that travel: from the model (``ModelEvent``), through the pipeline (``Event``), and out (``Output``)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from ..partials.changes import Change
from .errors import StreamError


@dataclass(frozen=True, slots=True)
class Delta:
    """The model wrote some more text of its answer."""

    text: str


class Verdict(Enum):
    """What a stop of the model means for its answer."""

    GOOD = auto()
    """The answer is at its end."""
    TRUNCATED = auto()
    """A limit of tokens ended the answer too early."""
    REFUSED = auto()
    """The model, a guardrail or a content filter declined."""
    UNKNOWN = auto()
    """The reason is none of those that are known: nothing can be said of the answer."""


@dataclass(frozen=True, slots=True)
class Stop:
    """The model stopped."""

    reason: str
    """In the words of the model's service."""
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens as the service counted them, reported after the stop."""

    input_tokens: int
    output_tokens: int


ModelEvent = Delta | Stop | Usage


@dataclass(frozen=True, slots=True)
class Idle:
    """Nothing came for as long as a client's connection should stay silent."""


@dataclass(frozen=True, slots=True)
class Overdue:
    """The client has waited for as long as it can for the head of its answer. Comes once, if it comes."""


PacedEvent = ModelEvent | Idle | Overdue


@dataclass(frozen=True, slots=True)
class Partial:
    """A delta of the model and what it changed in the object."""

    text: str
    changes: list[Change]
    whole: bool
    """The document's last bracket (or quote) is in: only white space may follow."""
    between_tokens: bool
    """White space may follow here without changing a value (RFC 8259 §2)."""
    snapshot: Callable[[], object]
    """The object as far as it is certain, as JSON values; to be read before the next event."""


Event = Partial | Idle | Overdue


@dataclass(frozen=True, slots=True)
class Complete:
    """A good end: the validated document as JSON values, and what the model's service said of it."""

    value: object
    stop_reason: str
    usage: Usage | None
    output_tokens_estimated: int


@dataclass(frozen=True, slots=True)
class Head:
    """The status is decided: the first thing that the pipeline yields."""

    status: int
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Cut:
    """The body must not look complete: error trailers, and an unclean end."""

    error: StreamError


END_OF_BODY: Final = b""
"""The body is complete (RFC 9112 §7.1: a chunk of length zero ends a chunked body)."""

Output = Head | bytes | Cut
