"""Everything that can go wrong with an answer.

The tree is split by what a caller can do::

    StreamError            any failure
    ├─ RequestRefused      send another request             4xx but 429
    ├─ Unavailable         try again later                  429 · 503
    ├─ AnswerFailed        the model's answer is unusable   answer_…
    ├─ EndpointFailed      the endpoint's operator can act  any other status
    ├─ NotConnected        there was no response            network
    ├─ StreamCut           the response ended too early     cut
    ├─ NotUnderstood       the endpoint is another one      protocol
    └─ SchemaMismatch      the class is another one         schema_mismatch
       └─ NotRoundTrip     the class cannot read its own dump

Each has a ``code``, which is never empty: a code of the endpoint (docs/errors.md), the response type of its gateway,
``http_`` and a status, or one of those above.
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

Problem = Mapping[str, Any]


class StreamError(Exception):
    """An answer is not complete. It says why, and what had arrived of it."""

    def __init__(  # noqa: PLR0913 - all but the first two have names and defaults
        self,
        code: str,
        message: str,
        *,
        status: int | None = None,
        retry_after: int | None = None,
        request_id: str | None = None,
        problem: Problem | None = None,
        partial: object = None,
    ) -> None:
        """Take the code, a sentence for people, and what is known."""
        super().__init__(message)
        self.code = code
        self.status = status
        """The status of the problem, else of the response; None without a response."""
        self.retry_after = retry_after
        """Seconds after which the server wants to be asked again, if it said so."""
        self.request_id = request_id
        self.problem = problem
        """The problem document (RFC 9457) as JSON values; None if there is none."""
        self.partial = partial
        """The object so far, as JSON values; None if nothing of it has arrived."""


class RequestRefused(StreamError):
    """The endpoint or its gateway does not serve this request: another one is needed, or other credentials."""


class Unavailable(StreamError):
    """There are too many requests, a quota is used up, or the model is not available."""


class AnswerFailed(StreamError):
    """The model's answer is not JSON, breaks its schema, was truncated or refused."""


class EndpointFailed(StreamError):
    """The model, the endpoint or its gateway failed."""


class NotConnected(StreamError):
    """The connection could not be made, or ended before there was a response."""


class StreamCut(StreamError):
    """The response ended, or was silent for too long, before the answer was complete."""


class NotUnderstood(StreamError):
    """The response is not what such an endpoint sends."""


class SchemaMismatch(StreamError):
    """The answer is complete, but the class of the caller does not accept it.

    ``issues`` has path and rule of each mistake, and never a value.
    """

    def __init__(self, message: str, issues: Sequence[tuple[str, str]], **known: Any) -> None:  # noqa: ANN401 - those of StreamError
        """Take a sentence and the issues; the rest is as above."""
        super().__init__("schema_mismatch", message, **known)
        self.issues = issues


class NotRoundTrip(SchemaMismatch):
    """The class cannot be made from its own dump, which is all that has arrived. ``Stream.raw`` has the JSON values."""


def kind_of(code: str, status: int) -> type[StreamError]:
    """Return the class of a failure that the endpoint or its gateway reports."""
    if code.startswith("answer_"):
        return AnswerFailed
    if status in {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}:
        return Unavailable
    if HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return RequestRefused
    return EndpointFailed


def reason(error: StreamError) -> str:
    """Return in one line why an answer is not complete: with what a caller can do about it, or ask with."""
    problem = error.problem or {}
    errors = problem.get("errors")
    wrong = [problem, *errors] if isinstance(errors, list) else [problem]
    details = [
        str(problem.get("detail") or ""),
        *(
            f"{each['path']}: {each['rule']}"
            for each in wrong
            if isinstance(each, dict) and {"path", "rule"} <= each.keys()
        ),
        f"try again after {error.retry_after} s" if error.retry_after is not None else "",
        f"request {error.request_id}" if error.request_id else "",
    ]
    return " · ".join(filter(None, [str(error), *details])).replace("\n", " ")
