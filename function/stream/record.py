"""What is known of one request: at its start, on the way, and when its stream is over. Stages get the last of these.

Times are milliseconds since the request began, unless a field says otherwise. Own stages of the user import ``Record``
from ``streaming_llm_api.endpoint``.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from types import MappingProxyType
from typing import Any, Final, NamedTuple, TypeVar

from ..contract import MESSAGE_LIMIT, Outcome, Phase
from ..endpoint import Caller
from ..values import Value
from .errors import AnswerInvalid, ModelError, StreamError
from .events import Stop, Usage, Verdict
from .message import as_json
from .paths import masked

T = TypeVar("T")

CHARACTERS_PER_TOKEN = 4
"""A rough measure, used where the service reported no usage."""
LONGEST_PATH: Final = 1000
"""Characters: a key that the model made up may have any length, and a message without content has to fit everywhere."""


class Content:
    """Who may see the words of client and model: log, store and publish, own stages alone, or nobody.

    Code that has such words asks here what it may pass on; nothing else knows the settings.
    """

    __slots__ = ("_is_captured", "_is_shown")

    def __init__(self, *, captured: bool, shown: bool = False) -> None:
        """Take whether records keep content, and whether own stages see it even where records do not."""
        self._is_captured = captured
        self._is_shown = captured or shown

    def capture(self, words: T) -> T | None:
        """Return ``words`` for logs and for records that leave the function; None where they have no content."""
        return words if self._is_captured else None

    def show(self, words: T) -> T | None:
        """Return ``words`` for own stages; None where nobody sees them. What is captured is shown too."""
        return words if self._is_shown else None


WITHHELD: Final = Content(captured=False)
_NOTHING: Final[Mapping[str, str]] = MappingProxyType({})


class ModelFailure(NamedTuple):
    """A model failed before its answer began."""

    model_id: str
    error: ModelError


class Calls:
    """The calls of the model's service for one request, with all that were repeated."""

    __slots__ = ("count", "failures", "max_tokens", "model_id")

    def __init__(self) -> None:
        self.count = 0
        self.model_id: str | None = None
        """The model that was called last; None before the first call."""
        self.max_tokens: int | None = None
        """The limit of that model's tokens, if it is not the limit of the settings."""
        self.failures: list[ModelFailure] = []
        """The models that failed before an answer began, in this order; empty if only one model can answer."""

    def add(self, model_id: str, max_tokens: int | None = None) -> None:
        """Count one more call."""
        self.count += 1
        self.model_id = model_id
        self.max_tokens = max_tokens


class PromptContent(NamedTuple):
    """What those who may see content see of a prompt."""

    text: str
    """The last words of the client."""
    messages: Sequence[Mapping[str, object]] | None = None
    """The conversation, in the form of a request's body, but for the data of files; None if ``text`` is all of it."""
    instructions_sha256: str | None = None
    """The hash of instructions that came with the prompt; None if the stack's are used."""


class Start(NamedTuple):
    """What is known of a request before the model is called."""

    id: str
    """The invocation's own id. No caller can choose it, so it can be the key of a store."""
    model_id: str
    """The model that the settings put first."""
    max_tokens: int
    """The limit of the tokens of that model's answer."""
    elapsed: Callable[[], int]
    """Returns the milliseconds since the request began."""
    began_at: float
    """Seconds since the epoch."""
    calls: Calls
    """Grows while the request is answered."""
    time_limit: float = inf
    """Seconds after the request began at which everything must be over, the stages but own ones included."""
    gateway_request_id: str | None = None
    """The gateway's id of the request, which the client can choose; None if there is none, or it is not a token."""
    extended_request_id: str | None = None
    """The gateway's other id, which the client cannot choose."""
    route: str | None = None
    """The route that was called; None if the stack has no route at the path."""
    field_names: frozenset[str] = frozenset()
    """Names that the answer's schema gives to its fields. Any other key in an answer is the model's own words."""
    media_type: str | None = None
    """The media type of the response; None if the client accepts none of the formats."""
    content: Content = WITHHELD
    has_fallbacks: bool = False
    """Whether another model can answer in place of the first one."""
    prompt: PromptContent | None = None
    """Only where somebody may see it."""
    metadata: Mapping[str, str] = _NOTHING
    """What own code says of the request."""
    caller: Caller = Caller()
    caller_fields: Mapping[str, str] = _NOTHING
    """What logs and records may say of the caller, by the names of their members."""
    traceparent: str | None = None
    """The client's (W3C Trace Context §3.2), if it has the form of one."""
    xray_trace_id: str | None = None
    """The id that AWS X-Ray gave the trace, such as ``1-5759e988-bd862e3fe1be46a994272793``."""

    @property
    def most_tokens(self) -> int:
        """The limit of the answer's tokens: that of the model that was called last."""
        return self.calls.max_tokens or self.max_tokens

    def seconds_left(self) -> float:
        """Return how long the stages may still take, own ones excepted."""
        return self.time_limit - self.elapsed() / 1000

    def gateway_ids(self) -> dict[str, str]:
        """Return the ids that the gateway gave the request, as members of problems and messages."""
        ids = {"gatewayRequestId": self.gateway_request_id, "extendedRequestId": self.extended_request_id}
        return {name: value for name, value in ids.items() if value is not None}

    def problem(self, error: StreamError) -> dict[str, object]:
        """Return the problem document of ``error``, with every id of the request."""
        return {**error.as_problem(self.id), **self.gateway_ids()}


@dataclass(slots=True, eq=False, repr=False)
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
    signs_of_thinking: int = 0
    signs_before: int = 0
    """The signs of thinking of the attempts before the last one."""
    closed_values: int = 0
    chunk_count: int = 0
    byte_count: int = 0
    first_event_ms: int | None = None
    first_chunk_ms: int | None = None
    last_chunk_ms: int | None = None
    text: list[str] | None = None
    """The fragments of the last answer, only where somebody may see them."""
    value: object = None
    """The validated answer as JSON values."""

    @property
    def has_text(self) -> bool:
        """Whether the model has written anything of its last answer."""
        return self.characters > self.characters_before

    @property
    def has_thought(self) -> bool:
        """Whether the model is known to have thought for its last answer."""
        has_signs = self.signs_of_thinking > self.signs_before
        return has_signs or _thinking_tokens(self.usage) > _thinking_tokens(self.usage_before)

    @property
    def output_tokens_estimated(self) -> int | None:
        """Tokens of all attempts, estimated from their characters.

        None if there were others: the model has thought, or reached its limit of tokens before it wrote.
        """
        was_silent = self.stop is not None and self.stop.verdict is Verdict.TRUNCATED and not self.has_text
        if self.signs_of_thinking or _thinking_tokens(self.usage) or was_silent:
            return None
        return estimated_tokens(self.characters)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Timings(Value):
    """Milliseconds since the request reached the function; None if it never came so far.

    ``prepare`` is the time that ``prepare`` took; None without one.
    """

    prepare: int | None
    first_event: int | None
    first_chunk: int | None
    last_chunk: int | None
    total: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Record(Value):
    """What is known of a request that has ended. docs/records.md describes what its members mean.

    Members may be added. None of them can be changed, lists and objects inside them included: a stage cannot leave
    anything there for the stage after it. Names with an underscore are for the function's own stages.
    """

    request_id: str
    gateway_request_id: str | None
    extended_request_id: str | None
    route: str | None
    """The route that was called; None if there is none at the path."""
    began_at: float
    """Seconds since the epoch, as ``ended_at``."""
    ended_at: float
    timings: Timings
    outcome: Outcome
    status: int | None
    media_type: str | None
    chunks: int
    bytes: int
    error_code: str | None
    error_path: str | None
    """For an invalid answer, a JSON Pointer. Without content, a key that the model made up is ``*``."""
    error_rule: str | None
    closed_values: int
    """How many values of the last answer had closed."""
    phase: Phase | None
    """How far the request had come when it ended; None if it completed."""
    attempts: int
    """Answers that were asked for."""
    calls: int
    """Requests that were sent to the model's service for them."""
    model: str
    """The model that was called last, which is the one that answered if one did; without a call, that of the stack."""
    stop_reason: str | None
    usage: Usage | None
    output_tokens_estimated: int | None
    """Tokens of all attempts, estimated from their characters; None if the model has thought, which has none."""
    caller: Caller
    metadata: Mapping[str, str]
    traceparent: str | None
    xray_trace_id: str | None
    messages: Sequence[Mapping[str, object]] | None
    """The conversation as a request's body has it, but for the data of files; None if ``prompt`` is all of it."""
    prompt: str | None
    """The last text of the client; only with ``captureContent`` or ``stageContent``, as ``messages`` and ``answer``."""
    answer: object
    """The validated answer as JSON values, whose lists are tuples; the text so far if the request did not complete."""
    _start: Start = field(repr=False, compare=False)
    _error: StreamError | None = field(repr=False, compare=False)
    _visible_path: str | None = field(repr=False, compare=False)
    """``error_path`` as logs and messages may show it."""
    _failures: Sequence[ModelFailure] = field(repr=False, compare=False)
    """The models that failed before an answer began; empty if only one model can answer."""
    _ignored_events: int = field(repr=False, compare=False)
    """Events of the model's service that were left out of the answer."""
    _tokens_not_awaited: int = field(repr=False, compare=False)
    """How many tokens at most the model did not write, because the function ended its last answer early."""

    def message(self) -> dict[str, Any]:
        """Return what store and publish send, as JSON values: with content only where ``captureContent`` is on."""
        message: dict[str, Any] = json.loads(as_json(self, MESSAGE_LIMIT))
        return message


def finished(start: Start, progress: Progress) -> Record:
    """Return the record of a request whose stream is over now."""
    prompt = start.content.show(start.prompt)
    answer = progress.value if progress.value is not None else "".join(progress.text or ())
    error, total = progress.error, start.elapsed()
    path = error.path[:LONGEST_PATH] if isinstance(error, AnswerInvalid) else None
    hidden_path = None if path is None else masked(path, start.field_names)
    return Record(
        request_id=start.id,
        gateway_request_id=start.gateway_request_id,
        extended_request_id=start.extended_request_id,
        route=start.route,
        began_at=start.began_at,
        ended_at=start.began_at + total / 1000,
        timings=Timings(
            progress.prepare_ms, progress.first_event_ms, progress.first_chunk_ms, progress.last_chunk_ms, total
        ),
        outcome=progress.outcome,
        status=progress.status,
        media_type=start.media_type,
        chunks=progress.chunk_count,
        bytes=progress.byte_count,
        error_code=error.code if error else None,
        error_path=start.content.show(path) or hidden_path,
        error_rule=error.rule if isinstance(error, AnswerInvalid) else None,
        closed_values=progress.closed_values,
        phase=_phase(progress),
        attempts=progress.attempts,
        calls=start.calls.count,
        model=start.calls.model_id or start.model_id,
        stop_reason=progress.stop.reason if progress.stop else None,
        usage=progress.usage,
        output_tokens_estimated=progress.output_tokens_estimated,
        caller=start.caller,
        metadata=MappingProxyType(dict(start.metadata)),
        traceparent=start.traceparent,
        xray_trace_id=start.xray_trace_id,
        messages=unchangeable(prompt.messages) if prompt else None,
        prompt=prompt.text if prompt else None,
        answer=unchangeable(start.content.show(answer)),
        _start=start,
        _error=error,
        _visible_path=start.content.capture(path) or hidden_path,
        _failures=tuple(start.calls.failures),
        _ignored_events=progress.ignored_events,
        _tokens_not_awaited=max(
            0, start.most_tokens - estimated_tokens(progress.characters - progress.characters_before)
        ),
    )


def unchangeable(value: object) -> Any:  # noqa: ANN401 - the type of the value, but for its lists and objects
    """Return JSON values such that nobody can change them: a list as a tuple, an object as a read-only mapping."""
    if isinstance(value, Mapping):
        return MappingProxyType({name: unchangeable(member) for name, member in value.items()})
    if isinstance(value, list):
        return tuple(unchangeable(item) for item in value)
    return value


def _thinking_tokens(usage: Usage | None) -> int:
    return usage.thinking_tokens or 0 if usage else 0


def _phase(progress: Progress) -> Phase | None:
    if progress.outcome is Outcome.COMPLETED:
        return None
    has_begun = progress.stop is not None or progress.has_text
    return Phase.ANSWER if progress.phase is Phase.MODEL and has_begun else progress.phase


def estimated_tokens(characters: int) -> int:
    """Return roughly how many tokens a text of so many characters has."""
    return -(-characters // CHARACTERS_PER_TOKEN)
