"""What a response says, whatever brings its bytes: partials, then an answer or a failure."""

from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any, Generic, TypeVar

from pydantic import ValidationError

from .answer import Reader
from .errors import (
    NotConnected,
    NotUnderstood,
    Problem,
    SchemaMismatch,
    StreamCut,
    StreamError,
    kind_of,
)
from .events import Usage
from .framing import Framing, Malformed, framing_of, parsed
from .growing import Growing, Misplaced
from .partial import Partial

T = TypeVar("T")
Json = Any


class Reception(Generic[T]):
    """Reads one response."""

    def __init__(self, reader: Reader[T] | None) -> None:
        """Take what makes an answer of the complete document; without it, the answer is the document."""
        self.has_shown = False
        """Whether anything of the answer has arrived."""
        self.is_complete = False
        self.answer: T | Json = None
        self.raw: Json = None
        self.usage: Usage | None = None
        self.output_tokens_estimated: int | None = None
        self.stop_reason: str | None = None
        self._model: str | None = None
        self._reader = reader
        self.growing = Growing()
        """The object so far; another one after a restart."""
        self._start: Mapping[str, Any] = {}
        self._framing: Framing | None = None
        self._status: int | None = None
        self._headers: Mapping[str, str] = {}

    @property
    def request_id(self) -> str | None:
        """The id of the request, as soon as it is known."""
        known = self._start.get("id") or self._headers.get("x-request-id")
        return str(known) if known else None

    @property
    def model(self) -> str | None:
        """The model that answered, as far as it is known."""
        known = self._model or self._start.get("model")
        return str(known) if known else None

    def begin(self, status: int, headers: Mapping[str, str]) -> bool:
        """Take the head of the response; return whether events follow. If not, its body goes to ``refused``.

        Raises:
            NotUnderstood: it is something else than this client reads.
        """
        self._status, self._headers = status, headers
        if status == HTTPStatus.OK:
            try:
                self._framing = framing_of(headers.get("content-type", ""))
            except Malformed as error:
                raise self._not_understood(error) from error
        return status == HTTPStatus.OK

    def feed(self, data: bytes) -> Iterator[Partial[T]]:
        """Take a part of the body, and yield the object each time that it has grown.

        Raises:
            StreamError: the answer failed, or the bytes are not what the endpoint sends.
        """
        if self._framing is not None:
            yield from self._take_all(self._framing.feed(data))

    def end(self, cause: Exception | None = None) -> Iterator[Partial[T]]:
        """Take the end of the body, or what broke it.

        Raises:
            StreamError: the answer is not complete.
        """
        if self._framing is not None:
            yield from self._take_all(self._framing.end())
        if not self.is_complete:
            raise self._known(StreamCut("cut", "The response ended before its answer was complete.")) from cause

    def not_connected(self, cause: Exception) -> StreamError:
        """Return the error for a request to which there was no response."""
        return NotConnected("network", f"There was no response: {str(cause).rstrip('.') or type(cause).__name__}.")

    def refused(self, body: bytes) -> StreamError:
        """Return the error of a response that is not 200."""
        try:
            problem = parsed(body.decode(errors="replace"))
        except Malformed:
            problem = {}
        if not _has_code(problem):
            # Something between endpoint and client can respond without a problem: then there is only the status.
            problem = {"code": f"http_{self._status}"}
            return self._known(self._failure(problem, f"The response has status {self._status}."))
        return self._known(self._failure(problem), problem)

    def _take_all(self, events: Iterator[dict[str, Any]]) -> Iterator[Partial[T]]:
        try:
            while not self.is_complete and (event := next(events, None)) is not None:
                changes = self._take(event)
                if changes is not None:
                    self.has_shown = True
                    yield Partial(self.growing, changes)
        except (Malformed, Misplaced) as error:
            raise self._not_understood(error) from error

    def _take(self, event: dict[str, Any]) -> list[Mapping[str, Any]] | None:
        """Take an event; return the changes of one that has changed the object, none if they are not known."""
        match event["type"]:
            case "start":
                self._start, self.growing = event, Growing()
            case "restart":
                self.growing = Growing()
            case "delta":
                return self._grow(event)
            case "snapshot":
                self.growing.set(event.get("value"))
                return []
            case "complete":
                self._complete(event)
            case "error":
                problem = event.get("problem")
                self._model = event.get("model")
                if not isinstance(problem, dict) or not _has_code(problem):
                    raise Malformed("an error must have a problem with a code")
                raise self._known(self._failure(problem), problem)
        return None

    def _grow(self, event: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        changes = event.get("changes")
        if not isinstance(changes, list) or not all(isinstance(change, dict) for change in changes):
            raise Malformed("the changes of a delta must be a list of objects")
        for change in changes:
            self.growing.apply(change)
        return changes

    def _complete(self, event: Mapping[str, Any]) -> None:
        try:
            self.usage = None if event.get("usage") is None else Usage.model_validate(event["usage"])
        except ValidationError as error:
            raise Malformed("the usage of an answer must be an object of numbers") from error
        self.raw, self.stop_reason = event.get("value"), event.get("stopReason")
        self.output_tokens_estimated = event.get("outputTokensEstimated")
        self._model = event.get("model")
        self.is_complete = True
        try:
            self.answer = self._reader.read(self.growing, self.raw) if self._reader else self.raw
        except SchemaMismatch as error:
            raise self._known(error) from error.__cause__

    def _failure(self, problem: Problem, otherwise: str = "The request failed.") -> StreamError:
        status = problem.get("status")
        status = status if isinstance(status, int) else self._status or 0
        code = str(problem["code"])
        message = f"{problem.get('title') or otherwise} ({code})"
        return kind_of(code, status)(code, message, status=status)

    def _not_understood(self, error: Exception) -> StreamError:
        return self._known(NotUnderstood("protocol", f"The response is not that of an endpoint: {error}."))

    def _known(self, error: StreamError, problem: Problem | None = None) -> StreamError:
        """Add to an error what is known of the response."""
        if error.status is None:
            error.status = self._status
        retry_after = self._headers.get("retry-after", "")
        error.retry_after = int(retry_after) if retry_after.isascii() and retry_after.isdecimal() else None
        of_problem = (problem or {}).get("requestId")
        error.problem = problem
        error.request_id = self._start.get("id") or of_problem or self.request_id
        error.partial = self.growing.value
        return error


def _has_code(problem: Problem) -> bool:
    return isinstance(problem.get("code"), str) and bool(problem["code"])
