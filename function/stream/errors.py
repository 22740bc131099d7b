"""How a request can end, and every failure that a client can be told of.

The tree is split by who must act::

    StreamError
    ├─ RequestError      the client       4xx, before the first byte, always
    ├─ ModelError        the operator     429 · 502 · 503 · 504
    ├─ AnswerError       the model        502
    ├─ DeadlineReached   time was up      504
    └─ Internal          us               500

A failure becomes a problem document (RFC 9457). Its sentences are fixed or name paths and rules: no value of the prompt
or the answer and nothing of the cause ever enters one. The cause is for the log, through ``raise … from``.
"""

from collections.abc import Iterator, Mapping
from typing import ClassVar

from ..contract import Outcome


class StreamError(Exception):
    """A failure with a code, an HTTP status and an outcome, safe to show to the client."""

    code: ClassVar[str]
    status: ClassVar[int]
    outcome: ClassVar[Outcome]
    title: ClassVar[str]
    retry_after: ClassVar[int | None] = None
    """Seconds after which a second try makes sense; None where it does not."""

    def __init__(self, detail: str | None = None, **members: object) -> None:
        """Take a sentence for the client and extension members of the problem (RFC 9457 §3.2)."""
        super().__init__(detail or self.title)
        self.detail = detail
        self.members = members

    @property
    def headers(self) -> Mapping[str, str]:
        """The header fields of an answer that is this problem and nothing else."""
        fields = {"Content-Type": "application/problem+json", "Cache-Control": "no-store"}
        if self.retry_after is not None:
            fields["Retry-After"] = str(self.retry_after)
        return fields

    def as_problem(self, request_id: str) -> dict[str, object]:
        """Return the problem document (RFC 9457) as a dict that JSON can carry."""
        problem: dict[str, object] = {
            "type": f"urn:streaming-llm:problem:{self.code}",
            "title": self.title,
            "status": self.status,
            "code": self.code,
        }
        if self.detail:
            problem["detail"] = self.detail
        return {**problem, **self.members, "requestId": request_id}


class RequestError(StreamError):
    """The request cannot be served as it is; the model was not called."""

    outcome = Outcome.REJECTED


class NotAcceptable(RequestError):
    """No format that the client accepts is one that we write (RFC 9110 §15.5.7)."""

    code, status, title = "not_acceptable", 406, "None of the accepted formats can be served."


class MediaTypeUnsupported(RequestError):
    """The body is declared to be something other than JSON (RFC 9110 §15.5.16)."""

    code, status, title = "media_type_unsupported", 415, "The body must be JSON."


class BodyTooLarge(RequestError):
    """The body is longer than the configured limit (RFC 9110 §15.5.14)."""

    code, status, title = "body_too_large", 413, "The body is too large."


class BodyNotJson(RequestError):
    """The body is not a JSON document in UTF-8 (RFC 8259)."""

    code, status, title = "body_not_json", 400, "The body is not valid JSON."


class BodyInvalid(RequestError):
    """The body is JSON but not a valid request; ``errors`` lists each path and rule."""

    code, status, title = "body_invalid", 422, "The body is not a valid request."


class NotFound(RequestError):
    """The function was invoked past the gateway for a path that it does not serve."""

    code, status, title = "not_found", 404, "There is nothing here."


class MethodNotAllowed(RequestError):
    """The function was invoked past the gateway with a method that it does not serve."""

    code, status, title = "method_not_allowed", 405, "Only POST is served here."


class ModelError(StreamError):
    """The model could not be asked, or did not finish its answer."""

    outcome = Outcome.FAILED


class ModelBusy(ModelError):
    """The model's quota is used up for the moment."""

    code, status, title, retry_after = "model_busy", 429, "The model is busy.", 5


class ModelUnavailable(ModelError):
    """The model or the connection to it is not there for the moment."""

    code, status, title, retry_after = "model_unavailable", 503, "The model is not available.", 5


class ModelFailed(ModelError):
    """The model's stream broke, reported an error, or ended without a stop."""

    code, status, title, retry_after = "model_failed", 502, "The model failed to finish its answer.", 1


class ModelMisconfigured(ModelError):
    """The service refuses our call as it is: access, model id or parameters are wrong. The operator must act."""

    code, status, title = "model_misconfigured", 502, "The endpoint is not set up to call its model."


class ModelTimeout(ModelError):
    """The model stayed silent for longer than the client's connection, a read or the service itself can wait."""

    code, status, title, retry_after = "model_timeout", 504, "The model did not answer in time.", 1


class AnswerError(StreamError):
    """The model's answer cannot be used."""

    outcome = Outcome.INVALID


class AnswerNotJson(AnswerError):
    """The answer is not one JSON document (RFC 8259)."""

    code, status, title, retry_after = "answer_not_json", 502, "The model's answer is not valid JSON.", 1


class AnswerInvalid(AnswerError):
    """A value of the answer breaks its schema: ``path`` is an RFC 6901 pointer, ``rule`` Pydantic's error type."""

    code, status, title, retry_after = "answer_invalid", 502, "The model's answer breaks its schema.", 1

    def __init__(self, path: str, rule: str) -> None:
        """Name the place and the rule, never the value."""
        super().__init__(path=path, rule=rule)
        self.path = path
        self.rule = rule


class AnswerTruncated(AnswerError):
    """The model reached its token limit before the answer was whole."""

    code, status, title = "answer_truncated", 502, "The answer reached its length limit before it was whole."
    outcome = Outcome.TRUNCATED


class AnswerRefused(AnswerError):
    """The model or a guardrail declined to answer."""

    code, status, title = "answer_refused", 502, "The model declined to answer."
    outcome = Outcome.REFUSED


class DeadlineReached(StreamError):
    """The function's time was nearly up before the answer was whole."""

    code, status, title, retry_after = "deadline_reached", 504, "The answer took longer than the endpoint may run.", 1
    outcome = Outcome.DEADLINE


class Internal(StreamError):
    """A mistake of ours; its cause is in the log."""

    code, status, title = "internal", 500, "The endpoint failed."
    outcome = Outcome.FAILED


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield ``error`` and everything that led to it, as a traceback would tell it."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def drop_frames(error: BaseException | None) -> None:
    """Forget where ``error`` and all that led to it were raised.

    The frames hold what a request needed, and one of them often ``error`` itself: that waits for the collector.
    """
    met: list[BaseException] = []
    found = [error]
    while found:
        it = found.pop()
        if it is not None and not any(it is other for other in met):
            met.append(it)
            it.with_traceback(None)
            found += [it.__cause__, it.__context__]


def as_stream_error(error: Exception) -> StreamError:
    """Return ``error`` if a client may be told of it, else ``Internal`` with it as the cause."""
    if isinstance(error, StreamError):
        return error
    internal = Internal()
    internal.__cause__ = error
    return internal
