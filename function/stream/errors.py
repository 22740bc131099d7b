"""Every failure that is reported to a client.

The tree is split by who must act::

    StreamError
    ├─ RequestError      the client       4xx, before the model is called
    ├─ ModelError        the operator     413 · 429 · 502 · 503 · 504
    ├─ AnswerError       the model        502
    ├─ PrepareTimeout    the developers   504
    ├─ DeadlineReached   time was up      504
    └─ Internal          the developers   500

A failure becomes a problem document (RFC 9457). Its sentences are fixed, or name paths and rules: it never contains
a value of the prompt or the answer, or anything of the cause. ``raise … from`` keeps the cause for the log.
"""

import traceback
from collections.abc import Iterator, Mapping
from typing import ClassVar

from ..contract import Outcome
from .paths import shortened


class StreamError(Exception):
    """A failure with a code, an HTTP status and an outcome, safe to show to the client."""

    code: str
    status: int
    outcome: ClassVar[Outcome]
    title: str
    retry_after: int | None = None
    """Seconds after which another request makes sense; None if it does not."""

    def __init__(self, detail: str | None = None, **members: object) -> None:
        """Take a sentence for the client, and extension members of the problem (RFC 9457 §3.2)."""
        super().__init__(detail or self.title)
        self.detail = detail
        self.members = members

    @property
    def headers(self) -> Mapping[str, str]:
        """The header fields of a response that is this problem and nothing else."""
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
    """The request cannot be served as it is. The model was not called."""

    outcome = Outcome.REJECTED


class NotAcceptable(RequestError):
    """The endpoint writes none of the formats that the client accepts (RFC 9110 §15.5.7)."""

    code = "not_acceptable"
    status = 406
    title = "None of the accepted formats can be served."


class MediaTypeUnsupported(RequestError):
    """The body is declared as something other than JSON (RFC 9110 §15.5.16)."""

    code = "media_type_unsupported"
    status = 415
    title = "The body must be JSON."


class BodyTooLarge(RequestError):
    """The body is longer than the configured limit (RFC 9110 §15.5.14)."""

    code = "body_too_large"
    status = 413
    title = "The body is too large."


class BodyNotJson(RequestError):
    """The body is not a JSON document in UTF-8 (RFC 8259)."""

    code = "body_not_json"
    status = 400
    title = "The body is not valid JSON."


class BodyInvalid(RequestError):
    """The body is JSON but not a valid request; ``errors`` lists each path and rule."""

    code = "body_invalid"
    status = 422
    title = "The body is not a valid request."


class NotFound(RequestError):
    """The function was invoked without the gateway, for a path that it does not serve."""

    code = "not_found"
    status = 404
    title = "No such path."


class MethodNotAllowed(RequestError):
    """The function was invoked without the gateway, with a method that it does not serve."""

    code = "method_not_allowed"
    status = 405
    title = "Only POST is served here."


class OriginNotAllowed(RequestError):
    """The request comes from a web page whose origin is not listed (fetch.spec.whatwg.org, "Origin" header)."""

    code = "origin_not_allowed"
    status = 403
    title = "Pages of this origin cannot call the endpoint."


class CannotResume(RequestError):
    """A reader of Server-Sent Events asks for the rest of an earlier stream, but the function keeps no stream."""

    code = "cannot_resume"
    status = 409
    title = "A stream cannot be resumed."


class RequestRefused(RequestError):
    """Own code refuses the request, in its own words. It can come after an early head, while the prompt is made."""

    def __init__(self, code: str, status: int, title: str, detail: str | None, retry_after: int | None) -> None:
        """Take what the client receives; only ``code`` is for logs."""
        self.code = code
        self.status = status
        self.title = title
        self.retry_after = retry_after
        super().__init__(detail)


class ModelError(StreamError):
    """The model could not be called, or did not finish its answer."""

    outcome = Outcome.FAILED
    another_may_answer = False
    """Whether another model may answer the same request."""

    def __init__(self, reason: str | None = None) -> None:
        """Take the reason, one word for the log line, if the service's error says it."""
        super().__init__()
        self.reason = reason


class ModelBusy(ModelError):
    """The model takes no more requests or tokens in this minute."""

    code = "model_busy"
    status = 429
    title = "The model is busy."
    retry_after = 5
    another_may_answer = True


class QuotaExhausted(ModelError):
    """A quota of the model is used up that does not come back within minutes. The operator must act."""

    code = "quota_exhausted"
    status = 429
    title = "The model's quota is used up."


class PromptTooLong(ModelError):
    """The prompt is too long for the model: the client must act, but only the model's service can notice it.

    It is the only rejection that can come after the first byte: the call for a second answer has a longer prompt.
    """

    code = "prompt_too_long"
    status = 413
    title = "The prompt is too long for the model."
    outcome = Outcome.REJECTED


class ModelUnavailable(ModelError):
    """The model, or the connection to it, is not available for now."""

    code = "model_unavailable"
    status = 503
    title = "The model is not available."
    retry_after = 5
    another_may_answer = True


class ModelFailed(ModelError):
    """The model's stream broke, reported an error, or ended without a stop."""

    code = "model_failed"
    status = 502
    title = "The model failed to finish its answer."
    retry_after = 1
    another_may_answer = True


class ModelMisconfigured(ModelError):
    """The service refuses the call itself: access, model id or parameters are wrong. The operator must act."""

    code = "model_misconfigured"
    status = 502
    title = "The endpoint is not set up to call its model."

    def __init__(self, reason: str | None = None, *, another_may_answer: bool = False) -> None:
        """Take the reason, and whether the service refuses this model alone."""
        super().__init__(reason)
        self.another_may_answer = another_may_answer


class ModelTimeout(ModelError):
    """The model was silent for longer than the client's connection, a read or the service itself can wait."""

    code = "model_timeout"
    status = 504
    title = "The model did not answer in time."
    retry_after = 1
    another_may_answer = True


class AnswerError(StreamError):
    """The model's answer cannot be used."""

    outcome = Outcome.INVALID


class AnswerNotJson(AnswerError):
    """The answer is not one JSON document (RFC 8259)."""

    code = "answer_not_json"
    status = 502
    title = "The model's answer is not valid JSON."
    retry_after = 1


class AnswerInvalid(AnswerError):
    """A value of the answer breaks its schema: ``path`` is an RFC 6901 pointer, ``rule`` Pydantic's error type."""

    code = "answer_invalid"
    status = 502
    title = "The model's answer breaks its schema."
    retry_after = 1

    def __init__(self, path: str, rule: str) -> None:
        """Name the place and the rule, never the value."""
        self.path = shortened(path)
        super().__init__(path=self.path, rule=rule)
        self.rule = rule


class AnswerTruncated(AnswerError):
    """The model reached its token limit before the answer was complete."""

    code = "answer_truncated"
    status = 502
    title = "The answer reached its length limit before it was complete."
    outcome = Outcome.TRUNCATED


class AnswerRefused(AnswerError):
    """The model or a guardrail declined to answer."""

    code = "answer_refused"
    status = 502
    title = "The model declined to answer."
    outcome = Outcome.REFUSED


class PrepareTimeout(StreamError):
    """Own code took longer to make the prompt than it may, or than the client's connection can wait."""

    code = "prepare_timeout"
    status = 504
    title = "The request was not prepared in time."
    retry_after = 1
    outcome = Outcome.FAILED


class DeadlineReached(StreamError):
    """The function's time was nearly up before the answer was complete."""

    code = "deadline_reached"
    status = 504
    title = "The answer took longer than the endpoint may run."
    retry_after = 1
    outcome = Outcome.DEADLINE


class Internal(StreamError):
    """A mistake in the endpoint or in the user's classes; its cause is in the log."""

    code = "internal"
    status = 500
    title = "The endpoint failed."
    outcome = Outcome.FAILED


class PromptInvalid(Internal):
    """The prompt that own code made is not one that the model can be given; ``path`` leads into it by index."""

    def __init__(self, rule: str, path: str) -> None:
        """Take the rule and the path for the log line: neither quotes the prompt, and the client gets none of them."""
        super().__init__()
        self.rule = rule
        self.path = path


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield ``error`` and everything that led to it, as a traceback shows it."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def clear_frames(error: BaseException | None) -> None:
    """Free what the frames of ``error``, and of all that led to it, still hold; a log can still name them."""
    for each in _all_of(error):
        traceback.clear_frames(each.__traceback__)


def drop_frames(error: BaseException | None) -> None:
    """Clear the tracebacks of ``error`` and of all that led to it.

    Their frames hold what the request needed, and often ``error`` itself: it is freed now, and not at the next garbage
    collection.
    """
    for each in _all_of(error):
        each.with_traceback(None)


def _all_of(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    waiting = [error]
    while waiting:
        current = waiting.pop()
        if current is not None and id(current) not in seen:
            seen.add(id(current))
            yield current
            waiting += [current.__cause__, current.__context__]


def as_stream_error(error: BaseException) -> StreamError:
    """Return ``error`` if it can be reported to a client, else ``Internal`` with it as the cause."""
    if isinstance(error, StreamError):
        return error
    internal = Internal()
    internal.__cause__ = error
    return internal
