"""The values that travel: from the model (``ModelEvent``), through the pipeline (``Event``), and to the client."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import Enum, auto
from typing import Final, NamedTuple, Protocol

from ..partials.changes import Change
from ..values import Value
from .errors import StreamError


class _Bare:
    """A value without members. Two of the same class are equal."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self)

    def __hash__(self) -> int:
        return hash(type(self))

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class Delta(NamedTuple):
    """The model wrote some more text of its answer."""

    text: str


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Thinking(Value):
    """The model is still thinking: it sent a delta of its reasoning, which does not belong to the answer.

    It is not a tuple, because it must not equal a ``Delta`` of the same text.
    """

    text: str = ""
    """What the service shows of it; empty unless ``showThinking`` is on."""


class Verdict(Enum):
    """What a stop of the model means for its answer."""

    GOOD = auto()
    """The answer is at its end."""
    TRUNCATED = auto()
    """A limit of tokens ended the answer too early."""
    REFUSED = auto()
    """The model, a guardrail or a content filter declined."""
    UNKNOWN = auto()
    """The reason is not a known one, so the answer cannot be trusted."""


class Stop(NamedTuple):
    """The model stopped."""

    reason: str
    """In the words of the model's service."""
    verdict: Verdict


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Usage(Value):
    """Tokens as the service counted them, reported after the stop. A count that it did not report is None."""

    input_tokens: int
    """Tokens of the prompt that were neither read from the cache nor written to it."""
    output_tokens: int
    """Tokens of the answer and of the thinking."""
    cache_read_tokens: int | None = None
    cache_write_tokens: int | None = None
    thinking_tokens: int | None = None
    """How many of the output tokens were thinking."""

    @property
    def prompt_tokens(self) -> int:
        """All tokens of the prompt, with those of the cache."""
        return self.input_tokens + (self.cache_read_tokens or 0) + (self.cache_write_tokens or 0)

    @property
    def missed_cache(self) -> bool:
        """Whether a part of the prompt was to be cached and was not, because the part was too short for that."""
        return self.cache_read_tokens == 0 and self.cache_write_tokens == 0

    def plus(self, other: "Usage") -> "Usage":
        """Return the tokens of both. What one of them did not report is what the other did."""
        sums = {field.name: _sum(getattr(self, field.name), getattr(other, field.name)) for field in fields(self)}
        return Usage(**sums)  # type: ignore[arg-type]  # two numbers add up to a number

    def as_members(self) -> dict[str, int]:
        """Return the counts that were reported, by their names in events and messages."""
        counts = {
            "inputTokens": self.input_tokens,
            "outputTokens": self.output_tokens,
            "cacheReadTokens": self.cache_read_tokens,
            "cacheWriteTokens": self.cache_write_tokens,
            "thinkingTokens": self.thinking_tokens,
        }
        return {name: count for name, count in counts.items() if count is not None}


def _sum(first: int | None, second: int | None) -> int | None:
    return None if first is None and second is None else (first or 0) + (second or 0)


class Masked(_Bare):
    """Follows a stop with the verdict ``REFUSED`` and corrects it: the guardrail only masked words in the answer."""


class Ignored(_Bare):
    """The service sent something that does not become part of the answer: it is malformed, or came after the stop."""


class Waiting(_Bare):
    """No event has come so far. A source yields it to a reader that has other things to do meanwhile."""


ModelEvent = Delta | Thinking | Stop | Usage | Masked | Ignored | Waiting


class Idle(_Bare):
    """The client's connection has been silent for so long that a heartbeat is due."""


class Overdue(_Bare):
    """The client cannot wait any longer for the head of its response. Comes at most once."""


class Prepared(_Bare):
    """Own code has made the prompt, and the model is called now. Comes before everything that the model sends."""


class Pause(_Bare):
    """No further delta is there so far: what is ready for the client leaves now. Comes behind deltas only."""


PacedEvent = ModelEvent | Idle | Overdue | Prepared | Pause


class Document(Protocol):
    """The document so far. It grows: what is wanted of it has to be read before the next event."""

    @property
    def is_complete(self) -> bool:
        """The document's last token has ended: only white space may follow."""

    @property
    def between_tokens(self) -> bool:
        """White space may follow here without changing a value (RFC 8259 §2)."""

    @property
    def live(self) -> object:
        """The object so far, as JSON values."""


class Partial(NamedTuple):
    """A fragment of the model's text, and what it changed in the object."""

    text: str
    changes: list[Change]
    document: Document


Event = Partial | Thinking | Idle | Overdue


class Complete(NamedTuple):
    """A good end: the validated document as JSON values, and what the model's service reported of it."""

    value: object
    stop_reason: str
    usage: Usage | None
    output_tokens_estimated: int | None
    """None if the answer's characters do not tell: the model has thought."""


class Head(NamedTuple):
    """The status of the response and the header fields of its format."""

    status: int
    headers: Mapping[str, str]


class Cut(NamedTuple):
    """The body must not look complete: error trailers follow, and the connection does not end cleanly."""

    error: StreamError


END_OF_BODY: Final = b""
"""The body is complete (RFC 9112 §7.1: a chunk of length zero ends a chunked body)."""
