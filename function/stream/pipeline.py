"""The one generator that joins everything: model events in, chunks and an ending out, then the stages."""

import json
from collections.abc import Callable, Generator, Sequence
from contextlib import closing, suppress
from typing import Any, Final, NamedTuple

from ..contract import Outcome, Phase
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
    PrepareTimeout,
    StreamError,
    as_stream_error,
    clear_frames,
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
    Ignored,
    Masked,
    ModelEvent,
    Overdue,
    PacedEvent,
    Partial,
    Pause,
    Prepared,
    Stop,
    Thinking,
    Usage,
    Verdict,
)
from .interruption import user_code
from .paths import PATH_LIMIT
from .record import Progress, Start, finished
from .stages import Stage, finalise

REASON_LIMIT: Final = 1_000
"""Characters to read on after an answer that is not JSON: a guardrail's sentence has up to 500, then comes its stop."""
TOGETHER_COUNT: Final = 64
"""Fragments that leave in one chunk, at most."""
TOGETHER_SIZE: Final = 16 * 1024
"""Bytes of fragments that leave in one chunk, at most; a longer one leaves alone."""
ALL_THINKING: Final = "All of it was thinking: the model wrote nothing of its answer."
NOTHING_WRITTEN: Final = "The model wrote nothing of its answer."
HEAD_IS_DECIDED: Final = b""
"""What a body yields first, before any reader has it: it has begun, and closing it runs the stages."""

_new_partial: Final = tuple.__new__
"""Makes a Partial without the Python call that a named tuple makes first."""

Body = Generator[bytes | Cut, None, None]
"""Non-empty chunks, then one ending: ``END_OF_BODY`` or a ``Cut``."""
PacedEvents = Generator[PacedEvent, None, None]
Ask = Callable[[AnswerError | None], PacedEvents]
"""Calls the model; a second call is given what was wrong with the first answer."""


class AfterPrepare(NamedTuple):
    """What is known of a request when own code has made its prompt."""

    start: Start
    context: object = None
    """What validators of the answer find as ``info.context``."""


class Job(NamedTuple):
    """What is needed to answer one request."""

    ask: Ask
    answer: Any
    """The Pydantic class of the answer, or any other type that Pydantic knows."""
    to_json: Callable[[Any], object]
    """Turns the validated answer into JSON values."""
    encoder: Encoder
    context: object = None
    """What validators of the answer find as ``info.context``."""
    after_prepare: Callable[[], AfterPrepare] | None = None
    """If own code makes the prompt: to be called when ``Prepared`` has come, which is the first event then."""
    start_padding: int = 0
    max_attempts: int = 1


def run(job: Job, start: Start, stages: Sequence[Stage]) -> tuple[Head, Body]:
    """Return the head, as soon as the status is decided, and the body, which has begun.

    After its ending the body runs the stages, once. Failures are endings and not exceptions: the client has its
    response, good or bad, before any stage runs. Closing the body closes the model call and runs the stages with a
    record that is cancelled, or failed if it had failed before.
    """
    response = _Response(start)
    return _begun(response, _answered(_Answer(job, response), response, stages))


def reject(error: StreamError, start: Start, stages: Sequence[Stage]) -> tuple[Head, Body]:
    """Return the response to a request that never reaches the model: ``error`` as a problem document."""
    response = _Response(start)
    return _begun(response, _rejected(error, response, stages))


def _begun(response: "_Response", body: Body) -> tuple[Head, Body]:
    next(body)
    return response.head, body


def _answered(answer: "_Answer", response: "_Response", stages: Sequence[Stage]) -> Body:
    try:
        try:
            yield from answer.body()
        except Exception as error:  # noqa: BLE001 - whatever it is, the client gets an honest ending
            failure = as_stream_error(error)
            response.failed(failure)
            yield from answer.failure(failure)
        else:
            response.progress.outcome = Outcome.COMPLETED
    finally:
        user_code.release()
        del answer  # and with it the prompt, however large: the stages may take their time
        clear_frames(response.progress.error)
        finalise(stages, finished(response.start, response.progress))


def _rejected(error: StreamError, response: "_Response", stages: Sequence[Stage]) -> Body:
    try:
        response.failed(error)
        yield from response.problem(error)
    finally:
        user_code.release()
        finalise(stages, finished(response.start, response.progress))


class _Response:
    """What the client has been given so far, and what is counted of it."""

    head: Head
    """Set when the status is decided."""

    def __init__(self, start: Start) -> None:
        self.start = start
        self.progress = Progress()
        self.has_head = False
        self._held: list[bytes] = []
        self._held_size = 0

    def begin(self, head: Head) -> Body:
        self.head = head
        self.has_head = True
        self.progress.status = head.status
        yield HEAD_IS_DECIDED

    def holds(self, fragment: bytes) -> bool:
        """Keep a fragment for the next chunk. Return False if it must leave now: the first one, or for lack of room."""
        size = self._held_size + len(fragment)
        if not self.has_head or size > TOGETHER_SIZE or len(self._held) == TOGETHER_COUNT:
            return False
        self._held.append(fragment)
        self._held_size = size
        return True

    def take(self) -> bytes:
        """Return what is held as one chunk, and hold it no longer."""
        held, self._held, self._held_size = self._held, [], 0
        return b"".join(held)

    def release(self) -> Body:
        """Return what is held as one chunk, to be yielded."""
        return self.write(self.take())

    def write(self, chunk: bytes) -> Body:
        """Yield a chunk, and count it when the reader has taken it and comes back."""
        if chunk:  # the empty chunk would be the end of the body
            yield chunk
            self.taken(chunk)

    def taken(self, chunk: bytes) -> None:
        """Count a chunk that the reader has taken."""
        progress = self.progress
        progress.last_chunk_ms = self.start.elapsed()
        if progress.first_chunk_ms is None:
            progress.first_chunk_ms = progress.last_chunk_ms
        progress.chunk_count += 1
        progress.byte_count += len(chunk)

    def failed(self, error: StreamError) -> None:
        """Note the failure. It stays the outcome even if the reader leaves before it learns of it."""
        self.progress.outcome = error.outcome
        self.progress.error = error

    def problem(self, error: StreamError) -> Body:
        """Yield a response that is a problem document and nothing else."""
        yield from self.begin(Head(error.status, error.headers))
        document = json.dumps(self.start.problem(error), ensure_ascii=False, separators=(",", ":"))
        yield from self.write(document.encode())
        yield END_OF_BODY


class _Answer:
    """The answer to one request on its way from the model to the client."""

    def __init__(self, job: Job, response: _Response) -> None:
        self._job = job
        self._encoder = job.encoder
        self._response = response
        self._start = response.start
        self._progress = response.progress
        self._context = job.context

    def body(self) -> Body:
        """Ask until an answer is good, as often as the job allows."""
        error: AnswerError | None = None
        self._progress.phase = Phase.MODEL if self._job.after_prepare is None else Phase.PREPARE
        while True:
            try:
                complete = yield from self._attempt(error)
                break
            except AnswerError as failure:
                if not self._may_ask_again(failure):
                    raise
                error = failure
            drop_frames(error)
            restart = self._encoder.restart(self._start.problem(error))
            if self._response.has_head:
                yield from self._response.write(restart)
        yield from self._write(self._opening() + self._encoder.complete(complete))
        yield END_OF_BODY

    def failure(self, error: StreamError) -> Body:
        """Yield the bad end: a status of its own, a last event, or a cut."""
        if not self._response.has_head:
            yield from self._response.problem(error)
        elif self._encoder.can_report_errors:
            yield from self._response.write(self._encoder.failed(self._start.problem(error)))
            yield END_OF_BODY
        else:
            yield Cut(error)

    def _may_ask_again(self, error: AnswerError) -> bool:
        """Return whether another attempt is allowed, may help, and can replace what the client has seen."""
        can_replace = not self._response.has_head or self._encoder.can_report_errors
        return can_replace and error.retry_after is not None and self._progress.attempts < self._job.max_attempts

    def _attempt(self, previous: AnswerError | None) -> Generator[bytes | Cut, None, Complete]:
        """Yield the chunks of one answer while it grows; return it when it is complete and valid."""
        with closing(self._job.ask(previous)) as events:
            if self._progress.phase is Phase.PREPARE:
                yield from self._until_prepared(events)
            self._begin_attempt()
            partials: Partials[Any] = Partials(
                self._job.answer, hide=True, path_limit=PATH_LIMIT + 1, context=self._context
            )
            try:
                yield from self._chunks_of(events, partials)
            except AnswerNotJson:
                self._read_on(events)
                self._raise_for_verdict()
                raise
        self._raise_for_verdict()
        return self._complete(partials)

    def _chunks_of(self, events: PacedEvents, partials: Partials[Any]) -> Body:
        """Yield the chunks that the events have for the client: fragments that are there already leave together."""
        response = self._response
        try:
            for event in events:
                if isinstance(event, Delta):
                    self._count(event)
                    fragment = self._chunk(self._grow(partials, event.text)) if event.text else b""
                    if fragment and not response.holds(fragment):
                        yield from self._write(fragment)
                elif isinstance(event, Pause):
                    if chunk := response.take():
                        yield chunk  # as ``write`` does, without a generator more at a model's pace
                        response.taken(chunk)
                elif isinstance(event, Idle | Overdue | Thinking):
                    if isinstance(event, Thinking):
                        self._count(event)
                    if chunk := self._chunk(event):
                        yield from self._write(chunk)
                else:
                    self._count(event)
        except Exception:
            yield from self._response.release()  # what came before the error is valid
            raise
        yield from self._response.release()

    def _until_prepared(self, events: PacedEvents) -> Body:
        """Yield what the client is given while own code makes the prompt."""
        progress = self._progress
        began = self._start.elapsed()
        try:
            for event in events:
                if isinstance(event, Idle | Overdue):
                    if chunk := self._chunk(event):
                        yield from self._write(chunk)
                elif isinstance(event, Prepared) and self._job.after_prepare is not None:
                    known = self._job.after_prepare()
                    self._start = self._response.start = known.start
                    self._context = known.context
                    progress.phase = Phase.MODEL
                    return
        finally:
            progress.prepare_ms = self._start.elapsed() - began

    def _begin_attempt(self) -> None:
        progress = self._progress
        progress.attempts += 1
        progress.characters_before = progress.characters
        progress.signs_before = progress.signs_of_thinking
        progress.usage_before = progress.usage
        progress.stop = None
        progress.closed_values = 0
        progress.text = self._start.content.show([])

    def _count(self, event: ModelEvent | Prepared) -> None:
        progress = self._progress
        if isinstance(event, Ignored):
            progress.ignored_events += 1
            return
        if progress.first_event_ms is None:
            progress.first_event_ms = self._start.elapsed()
        if isinstance(event, Delta):
            progress.characters += len(event.text)
            if progress.text is not None:
                progress.text.append(event.text)
        elif isinstance(event, Thinking):
            progress.signs_of_thinking += 1
        elif isinstance(event, Stop):
            progress.stop = event
        elif isinstance(event, Masked):
            progress.stop = progress.stop and progress.stop._replace(verdict=Verdict.GOOD)
        elif isinstance(event, Usage):
            before = progress.usage_before  # of two usages of one attempt the last counts
            progress.usage = event if before is None else before.plus(event)

    def _grow(self, partials: Partials[Any], text: str) -> Partial:
        """Return what a fragment changes in the object."""
        try:
            changes = user_code.call(partials.feed, text)
        except (NotJson, Invalid) as error:
            self._progress.closed_values += error.closed_before
            raise _answer_error(error) from _cause(error)
        for change in changes:
            self._progress.closed_values += change.closed
        return _new_partial(Partial, (text, changes, partials))

    def _complete(self, partials: Partials[Any]) -> Complete:
        """Return the validated answer.

        Raises:
            ModelFailed: the model never stopped.
            AnswerError: the document is incomplete or invalid.
        """
        progress = self._progress
        if progress.stop is None:
            raise ModelFailed
        try:
            progress.value = user_code.call(self._finished, partials)
        except (NotJson, Invalid) as error:
            raise _answer_error(error) from _cause(error)
        return Complete(progress.value, progress.stop.reason, progress.usage, progress.output_tokens_estimated)

    def _finished(self, partials: Partials[Any]) -> object:
        return self._job.to_json(partials.finish())

    def _read_on(self, events: PacedEvents) -> None:
        """Read on until the stop, or a little: prose in place of JSON is how a refusal looks until its stop comes."""
        limit = self._progress.characters + REASON_LIMIT
        with suppress(StreamError):
            for event in events:
                if isinstance(event, Idle | Overdue):
                    return
                if not isinstance(event, Pause):
                    self._count(event)
                if self._progress.characters > limit:
                    return

    def _raise_for_verdict(self) -> None:
        """Raise if the model stopped for another reason than the end of its answer."""
        verdict = self._progress.stop and self._progress.stop.verdict
        if verdict is Verdict.TRUNCATED:
            raise AnswerTruncated(self._without_text())
        if verdict is Verdict.REFUSED:
            raise AnswerRefused
        if verdict is Verdict.UNKNOWN:
            raise ModelFailed

    def _without_text(self) -> str | None:
        """Return what to say of an answer of which nothing was written; None if something was."""
        if self._progress.has_text:
            return None
        return ALL_THINKING if self._progress.has_thought else NOTHING_WRITTEN

    def _chunk(self, event: Event) -> bytes:
        """Return the bytes that the client receives for an event now.

        Raises:
            ModelTimeout: the client cannot wait any longer for the status, and its format has nothing for it yet.
            PrepareTimeout: the same, while own code makes the prompt.
        """
        if self._response.has_head:
            return self._encoder.encode(event)
        if self._encoder.commits(event):
            return self._encoder.opening(is_early=isinstance(event, Overdue)) + self._encoder.encode(event)
        if isinstance(event, Overdue):
            raise PrepareTimeout if self._progress.phase is Phase.PREPARE else ModelTimeout
        self._encoder.encode(event)
        return b""

    def _opening(self) -> bytes:
        return b"" if self._response.has_head else self._encoder.opening()

    def _write(self, chunk: bytes) -> Body:
        """Yield a chunk, after what is held; after head and padding if it is the first.

        The head comes when the chunk is there: an event that cannot be written must not have a status of 200.
        """
        if not self._response.has_head:
            yield from self._response.begin(Head(200, self._encoder.headers))
            yield from self._response.write(self._encoder.padding(self._job.start_padding))
        yield from self._response.release()
        yield from self._response.write(chunk)


def _answer_error(error: NotJson | Invalid) -> AnswerError:
    return AnswerNotJson(error.detail) if isinstance(error, NotJson) else AnswerInvalid(error.path, error.rule)


def _cause(error: NotJson | Invalid) -> BaseException | None:
    """Return what the log names as the cause: ``Invalid`` itself would add nothing to the error made of it."""
    return error if isinstance(error, NotJson) else error.__context__
