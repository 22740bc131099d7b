"""The record of one request: what is known of it when its stream is over."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf

from ..contract import Outcome
from .errors import StreamError
from .events import Delta, ModelEvent, Stop, Usage, Verdict

CHARACTERS_PER_TOKEN = 4
"""A rough measure, used where the service reported no usage."""


@dataclass(slots=True)
class Record:
    """What is known of one request. It hears model events and chunks where they pass.

    Times are milliseconds since the request began. It starts as cancelled: any other outcome has to be earned.
    """

    id: str
    model_id: str
    capture_content: bool
    max_tokens: int
    field_names: frozenset[str]
    """Names that the answer's schema gives to its fields: they may be told, other keys are the model's words."""
    elapsed: Callable[[], int]
    """Milliseconds since the request began."""
    invocation_id: str = ""
    """The platform's id of the invocation."""
    seconds_left: Callable[[], float] = lambda: inf
    """Until the sandbox is killed."""
    media_type: str | None = None
    began_at: float = field(default_factory=time.time)
    """Seconds since the epoch."""
    outcome: Outcome = Outcome.CANCELLED
    error: StreamError | None = None
    stop_reason: str | None = None
    verdict: Verdict | None = None
    """What the stop means; None before there is one."""
    usage: Usage | None = None
    attempts: int = 0
    characters: int = 0
    """Of all answers, if there was more than one attempt."""
    characters_before: int = 0
    """Of the answers that the last one replaced."""
    closed_values: int = 0
    """Of the last answer: how far it had come."""
    chunk_count: int = 0
    byte_count: int = 0
    status: int | None = None
    first_event_ms: int | None = None
    first_chunk_ms: int | None = None
    last_chunk_ms: int | None = None
    total_ms: int | None = None
    prompt: str | None = None
    """The caller's words, only where content is captured."""
    value: object = None
    """The validated answer, only where content is captured."""
    pieces: list[str] = field(default_factory=list)
    """The answer's text as it came, only where content is captured."""
    message: dict[str, object] | None = None
    """What the store stage made of this record, for publish to send."""

    def begin_attempt(self) -> None:
        """Forget the end of an answer that another one replaces."""
        self.attempts += 1
        self.characters_before = self.characters
        self.stop_reason = None
        self.verdict = None
        self.closed_values = 0
        self.pieces.clear()

    def hear(self, event: ModelEvent) -> None:
        """Take note of a model event as it passes."""
        if self.first_event_ms is None:
            self.first_event_ms = self.elapsed()
        if isinstance(event, Delta):
            self.characters += len(event.text)
            if self.capture_content:
                self.pieces.append(event.text)
        elif isinstance(event, Stop):
            self.stop_reason = event.reason
            self.verdict = event.verdict
        else:
            before = self.usage or Usage(0, 0)
            self.usage = Usage(before.input_tokens + event.input_tokens, before.output_tokens + event.output_tokens)

    def concluded(self, value: object) -> None:
        """Take note of the validated answer."""
        if self.capture_content:
            self.value = value

    def sent(self, chunk: bytes) -> None:
        """Take note of a chunk that the client's side has taken."""
        self.last_chunk_ms = self.elapsed()
        if self.first_chunk_ms is None:
            self.first_chunk_ms = self.last_chunk_ms
        self.chunk_count += 1
        self.byte_count += len(chunk)

    def failed(self, error: StreamError) -> None:
        """Take note of how it went wrong; that stays, even if the reader leaves before hearing of it."""
        self.outcome = error.outcome
        self.error = error

    @property
    def output_tokens_estimated(self) -> int:
        """Tokens of the answer, guessed from its characters."""
        return _tokens(self.characters)

    @property
    def tokens_not_awaited(self) -> int:
        """Upper bound of the tokens that the model did not get to write, since its last answer was ended early."""
        return max(0, self.max_tokens - _tokens(self.characters - self.characters_before))


def _tokens(characters: int) -> int:
    return -(-characters // CHARACTERS_PER_TOKEN)
