"""The one generator that joins everything: model events in, a head, chunks and an ending out, then the stages."""

import json
from collections.abc import Callable, Generator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import Any, NoReturn

from ..contract import Outcome
from ..partials import Invalid, NotJson, Partials
from .encoders import Encoder
from .errors import (
    AnswerError,
    AnswerInvalid,
    AnswerNotJson,
    AnswerRefused,
    AnswerTruncated,
    ModelFailed,
    ModelTimeout,
    StreamError,
    as_stream_error,
    drop_frames,
)
from .events import (
    END_OF_BODY,
    Complete,
    Cut,
    Delta,
    Event,
    Head,
    Idle,
    Output,
    Overdue,
    PacedEvent,
    Partial,
    Stop,
    Usage,
    Verdict,
)
from .record import Record
from .stages import Stage, finalise

HEARD_OUT = 1_000
"""Characters of an answer that is not JSON to read on for the reason: a guardrail's sentence has up to 500."""

PacedEvents = Generator[PacedEvent, None, None]
Ask = Callable[[AnswerError | None], PacedEvents]
"""Calls the model; the second time it is told what was wrong with its first answer."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """What one request needs to become an answer."""

    ask: Ask
    answer: Any
    """The Pydantic model, or any type that Pydantic knows, of the answer."""
    to_json: Callable[[Any], object]
    """Turns the validated answer into JSON values."""
    encoder: Encoder
    start_padding: int = 0
    max_attempts: int = 1


def run(exchange: Exchange, record: Record, stages: Sequence[Stage]) -> Generator[Output, None, None]:
    """Yield one head, then chunks, then one ending (``END_OF_BODY`` or a ``Cut``); then run the stages, once.

    Failures are yielded, not raised: the client has its answer, good or bad, before any stage runs.
    Closing the generator closes the model call and finalises the record as cancelled, unless it had failed before.
    """
    delivery = _Delivery(exchange, record)
    try:
        try:
            answer = yield from _answer(exchange, record, delivery)
            yield from delivery.complete(answer)
        except Exception as error:  # noqa: BLE001 - whatever it is, the client gets an honest ending
            failure = as_stream_error(error)
            record.failed(failure)
            yield from delivery.failed(failure)
        else:
            record.outcome = Outcome.COMPLETED
    finally:
        finalise(stages, record)


def reject(error: StreamError, record: Record, stages: Sequence[Stage]) -> Generator[Output, None, None]:
    """Yield the problem of a request that never reaches the model; then run the stages, once."""
    try:
        record.failed(error)
        yield from _problem(error, record)
    finally:
        finalise(stages, record)


def _problem(error: StreamError, record: Record) -> Generator[Output, None, None]:
    """Yield an answer that is a problem document and nothing else."""
    record.status = error.status
    yield Head(error.status, error.headers)
    chunk = json.dumps(error.as_problem(record.id), ensure_ascii=False, separators=(",", ":")).encode()
    yield chunk
    record.sent(chunk)
    yield END_OF_BODY


def _answer(exchange: Exchange, record: Record, delivery: "_Delivery") -> Generator[Output, None, Complete]:
    """Ask until an answer is good, as often as the exchange allows."""
    error: AnswerError | None = None
    while True:
        record.begin_attempt()
        try:
            return (yield from _attempt(exchange, record, delivery, error))
        except AnswerError as failure:
            if record.attempts == exchange.max_attempts or failure.retry_after is None or not delivery.can_restart:
                raise
            error = failure
        drop_frames(error)
        yield from delivery.restart(error)


def _attempt(
    exchange: Exchange, record: Record, delivery: "_Delivery", previous: AnswerError | None
) -> Generator[Output, None, Complete]:
    """Yield what one answer means to the client while it grows; return it when it is whole and valid."""
    partials = Partials(exchange.answer)
    with closing(exchange.ask(previous)) as events:
        try:
            for event in events:
                if isinstance(event, Idle | Overdue):
                    yield from delivery.event(event)
                    continue
                record.hear(event)
                if isinstance(event, Delta) and event.text:
                    yield from delivery.event(_grown(partials, event.text, record))
        except AnswerNotJson:
            _hear_out(events, record)
            _judge(record)
            raise
    _judge(record)
    if record.stop_reason is None:
        raise ModelFailed
    try:
        value = exchange.to_json(partials.finish())
    except (NotJson, Invalid) as error:
        _raise_as_answer_error(error)
    record.concluded(value)
    return Complete(value, record.stop_reason, record.usage, record.output_tokens_estimated)


def _grown(partials: Partials[Any], text: str, record: Record) -> Partial:
    try:
        changes = partials.feed(text)
    except (NotJson, Invalid) as error:
        record.closed_values += error.closed_before
        _raise_as_answer_error(error)
    record.closed_values += sum(change.closed for change in changes)
    return Partial(text, changes, partials.whole, partials.between_tokens, lambda: partials.live)


def _raise_as_answer_error(error: NotJson | Invalid) -> NoReturn:
    """Raise the error that has a status. ``Invalid`` itself says no more than that, so it is not among the causes."""
    if isinstance(error, NotJson):
        raise AnswerNotJson(error.detail) from error
    raise AnswerInvalid(error.path, error.rule) from error.__context__


def _hear_out(events: PacedEvents, record: Record) -> None:
    """Read on for a little: prose in place of JSON is how a refusal looks until its stop comes."""
    limit = record.characters + HEARD_OUT
    with suppress(StreamError):
        for event in events:
            if isinstance(event, Delta | Stop | Usage):
                record.hear(event)
            if record.characters > limit or isinstance(event, Idle | Overdue):
                return


def _judge(record: Record) -> None:
    """Raise where the model stopped for a reason that is not the end of its answer."""
    if record.verdict is Verdict.TRUNCATED:
        raise AnswerTruncated
    if record.verdict is Verdict.REFUSED:
        raise AnswerRefused
    if record.verdict is Verdict.UNKNOWN:
        raise ModelFailed


class _Delivery:
    """What the client has been given so far: nothing, or a head and some chunks."""

    def __init__(self, exchange: Exchange, record: Record) -> None:
        self._encoder = exchange.encoder
        self._start_padding = exchange.start_padding
        self._record = record
        self.committed = False

    @property
    def can_restart(self) -> bool:
        """Another attempt can take the place of this one, unseen or announced."""
        return not self.committed or self._encoder.can_say_error

    def event(self, event: Event) -> Generator[Output, None, None]:
        """Yield what an event means to the client, the head included when it is time for it."""
        if self.committed or self._encoder.commits(event):
            yield from self._begun(self._opening() + self._encoder.encode(event))
        elif isinstance(event, Overdue):
            raise ModelTimeout
        else:
            self._encoder.encode(event)

    def restart(self, error: StreamError) -> Generator[Output, None, None]:
        """Make void what was sent, if anything was."""
        chunk = self._encoder.restart(error.as_problem(self._record.id))
        if self.committed:
            yield from self._chunk(chunk)

    def complete(self, answer: Complete) -> Generator[Output, None, None]:
        """Yield the good end."""
        yield from self._begun(self._opening() + self._encoder.complete(answer))
        yield END_OF_BODY

    def failed(self, error: StreamError) -> Generator[Output, None, None]:
        """Yield the bad end: a status of its own, a last event, or a cut."""
        if not self.committed:
            yield from _problem(error, self._record)
        elif self._encoder.can_say_error:
            yield from self._chunk(self._encoder.failed(error.as_problem(self._record.id)))
            yield END_OF_BODY
        else:
            yield Cut(error)

    def _opening(self) -> bytes:
        return b"" if self.committed else self._encoder.opening()

    def _begun(self, chunk: bytes) -> Generator[Output, None, None]:
        """Yield a chunk, after the head where it is the first: what cannot be written must not have a status of 200."""
        if not self.committed:
            self.committed = True
            self._record.status = 200
            yield Head(200, self._encoder.headers)
            yield from self._chunk(self._encoder.padding(self._start_padding))
        yield from self._chunk(chunk)

    def _chunk(self, chunk: bytes) -> Generator[Output, None, None]:
        if chunk:  # no bytes is no chunk: the empty one is the end of the body
            yield chunk
            self._record.sent(chunk)
