"""What is known of one request: at its start, on the way, and when its stream is over. Stages get the last of these.

Times are milliseconds since the request began, unless a field says otherwise.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import inf
from typing import Final, TypeVar

from ..contract import Outcome, Phase
from .errors import StreamError
from .events import Stop, Usage

T = TypeVar("T")

CHARACTERS_PER_TOKEN = 4
"""A rough measure, used where the service reported no usage."""


class Content:
    """Whether the words of client and model are kept for stages and logs, or withheld from them.

    Code that has such words asks here what it may pass on; nothing else knows the setting.
    """

    __slots__ = ("_is_kept",)

    def __init__(self, *, kept: bool) -> None:
        self._is_kept = kept

    def keep(self, words: T) -> T | None:
        """Return ``words``, or None where content is withheld."""
        return words if self._is_kept else None


WITHHELD: Final = Content(kept=False)


class CallCount:
    """How often the model's service was called for one request, repetitions of any kind included."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = 0

    def add(self) -> None:
        """Count one more call."""
        self.value += 1


@dataclass(frozen=True, slots=True)
class Start:
    """What is known of a request before the model is called."""

    id: str
    """The invocation's own id. No caller can choose it, so it can be the key of a store."""
    model_id: str
    max_tokens: int
    elapsed: Callable[[], int]
    """Returns the milliseconds since the request began."""
    time_limit: float = inf
    """Seconds after the request began at which everything must be over, the stages but own ones included."""
    began_at: float = field(default_factory=time.time)
    """Seconds since the epoch."""
    gateway_request_id: str | None = None
    """The gateway's id of the request, which the client can choose; None if there is none, or it is not a token."""
    extended_request_id: str | None = None
    """The gateway's other id, which the client cannot choose."""
    calls: CallCount = field(default_factory=CallCount)
    """Grows while the request is answered."""
    field_names: frozenset[str] = frozenset()
    """Names that the answer's schema gives to its fields. Any other key in an answer is the model's own words."""
    media_type: str | None = None
    """The media type of the response; None if the client accepts none of the formats."""
    content: Content = WITHHELD
    prompt: str | None = None
    """The client's words, only where content is kept."""
    metadata: Mapping[str, str] = field(default_factory=dict)
    """What own code says of the request."""
    caller_fields: Mapping[str, str] = field(default_factory=dict)
    """What logs and records may say of the caller, by the names of their members."""
    own_content: Content = WITHHELD
    """Whether own stages see the words of client and model; log, store and publish go by ``content``."""
    own_prompt: str | None = None
    """The client's words for own stages."""

    def gateway_ids(self) -> dict[str, str]:
        """Return the ids that the gateway gave the request, as members of problems and messages."""
        ids = {"gatewayRequestId": self.gateway_request_id, "extendedRequestId": self.extended_request_id}
        return {name: value for name, value in ids.items() if value is not None}

    def problem(self, error: StreamError) -> dict[str, object]:
        """Return the problem document of ``error``, with every id of the request."""
        return {**error.as_problem(self.id), **self.gateway_ids()}


@dataclass(slots=True)
class Progress:
    """What is counted while the answer passes. Only the pipeline writes it; it starts as a request that was cancelled.

    Usage, characters and ignored events are those of all attempts; the stop and the closed values are the last one's.
    """

    outcome: Outcome = Outcome.CANCELLED
    error: StreamError | None = None
    phase: Phase = Phase.REQUEST
    """``MODEL`` also while the model writes: only ``finished`` tells these two apart."""
    prepare_ms: int | None = None
    """How long own code has taken to make the prompt; None where it makes none."""
    status: int | None = None
    attempts: int = 0
    stop: Stop | None = None
    usage: Usage | None = None
    usage_before: Usage | None = None
    """The usage of the attempts before the last one."""
    ignored_events: int = 0
    characters: int = 0
    characters_before: int = 0
    """The characters of the attempts before the last one."""
    closed_values: int = 0
    chunk_count: int = 0
    byte_count: int = 0
    first_event_ms: int | None = None
    first_chunk_ms: int | None = None
    last_chunk_ms: int | None = None
    text: list[str] | None = None
    """The fragments of the last answer, only where content is kept, or own stages see it."""
    value: object = None
    """The validated answer as JSON values."""


@dataclass(frozen=True, slots=True)
class Record:
    """What is known of a request when its stream is over. Every stage receives it."""

    start: Start
    outcome: Outcome
    error: StreamError | None
    status: int | None
    attempts: int
    """Answers that were asked for."""
    calls: int
    """Requests that were sent to the model's service for them."""
    stop_reason: str | None
    usage: Usage | None
    ignored_events: int
    """Events of the model's service that were left out of the answer."""
    output_tokens_estimated: int
    """Tokens of all attempts, estimated from their characters."""
    tokens_not_awaited: int
    """How many tokens at most the model did not write, because the function ended its last answer early."""
    closed_values: int
    """How many values of the last answer had closed."""
    chunk_count: int
    byte_count: int
    first_event_ms: int | None
    first_chunk_ms: int | None
    last_chunk_ms: int | None
    total_ms: int
    answer: object
    """The validated answer, or its text as far as it came; only where content is kept."""
    own_answer: object = None
    """The same for own stages."""
    phase: Phase | None = None
    """How far the request had come when it ended; None if it is completed."""
    prepare_ms: int | None = None
    """How long own code has taken to make the prompt; None where it makes none."""

    def seconds_left(self) -> float:
        """Return how long the stages may still take."""
        return self.start.time_limit - self.start.elapsed() / 1000


def finished(start: Start, progress: Progress) -> Record:
    """Return the record of a request whose stream is over now."""
    answer = progress.value if progress.value is not None else "".join(progress.text or ())
    characters_of_last = progress.characters - progress.characters_before
    return Record(
        start=start,
        outcome=progress.outcome,
        error=progress.error,
        status=progress.status,
        attempts=progress.attempts,
        calls=start.calls.value,
        stop_reason=progress.stop.reason if progress.stop else None,
        usage=progress.usage,
        ignored_events=progress.ignored_events,
        output_tokens_estimated=estimated_tokens(progress.characters),
        tokens_not_awaited=max(0, start.max_tokens - estimated_tokens(characters_of_last)),
        closed_values=progress.closed_values,
        chunk_count=progress.chunk_count,
        byte_count=progress.byte_count,
        first_event_ms=progress.first_event_ms,
        first_chunk_ms=progress.first_chunk_ms,
        last_chunk_ms=progress.last_chunk_ms,
        total_ms=start.elapsed(),
        answer=start.content.keep(answer),
        own_answer=start.own_content.keep(answer),
        phase=_phase(progress),
        prepare_ms=progress.prepare_ms,
    )


def _phase(progress: Progress) -> Phase | None:
    if progress.outcome is Outcome.COMPLETED:
        return None
    has_begun = progress.stop is not None or progress.characters > progress.characters_before
    return Phase.ANSWER if progress.phase is Phase.MODEL and has_begun else progress.phase


def estimated_tokens(characters: int) -> int:
    """Return roughly how many tokens a text of so many characters has."""
    return -(-characters // CHARACTERS_PER_TOKEN)
