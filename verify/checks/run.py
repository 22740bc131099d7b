"""One run of the checks: it sends their requests and keeps what they share. ``Failed`` and others end a check."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from ..advice import advice_for, describe
from ..endpoint import OK, RemoteEndpoint, Request, Response

LONG_REQUEST: Final = b'{"prompt": "What is serverless computing? Answer in about 150 words."}'
"""Asks for an answer that is long enough to show its pace."""
SHORT_REQUEST: Final = b'{"prompt": "What is ice? Answer in one short sentence."}'
INVALID_REQUEST: Final = b"[]"
"""JSON that no request class accepts, so that it never reaches the model."""
JSON: Final = "application/json"
LINES: Final = "application/jsonl"
TRANSIENT_CODES: Final = (
    "answer_not_json",
    "answer_invalid",
    "answer_truncated",
    "answer_refused",
    "model_failed",
)
"""Codes of failures that can be those of a single answer: the next one may succeed."""


class Failed(Exception):
    """The endpoint does not keep a promise; the message says which one, and what to do."""

    def __init__(self, message: str, timeline: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.timeline = timeline
        """A table that shows why, for people."""


class Undecided(Exception):
    """The check came to no result; the message says why."""


class Skipped(Exception):
    """The check was not run; the message says why, or which option it needs."""


@dataclass
class Run:
    """One run of the checks against an endpoint."""

    endpoint: RemoteEndpoint
    long_request: bytes = LONG_REQUEST
    """The body of a request for a long answer."""
    short_request: bytes = SHORT_REQUEST
    origin: str | None = None
    """The web origin whose pages call the endpoint."""
    responses: list[tuple[str, Response]] = field(default_factory=list)
    """The responses of the function, each with a name of its request."""
    shared_responses: dict[str, Response] = field(default_factory=dict)
    """Complete answers that several checks look at, by the Accept field of their request."""
    first_event_ms: float | None = None
    """Milliseconds from a short request to its first event; None if its events came too quickly to judge their pace."""
    failed_answers: int = 0
    """Requests that the model should have answered and did not."""
    model_is_down: bool = False
    """No further answer is requested: two have failed, or one failed for a reason that lasts."""

    def send(
        self,
        name: str,
        accept: str = JSON,
        body: bytes = INVALID_REQUEST,
        content_type: str = JSON,
        disconnect_after: int | None = None,
        **headers: str,
    ) -> Response:
        """Send a POST request, by default with a body that the function refuses."""
        fields = {"Accept": accept, "Content-Type": content_type, **headers}
        response = self.endpoint.send(Request(body, fields), disconnect_after)
        if response.status == OK or (response.code or "").islower():  # the gateway's own codes are in upper case
            self.responses.append((name, response))
        return response

    def request_answer(self, name: str, accept: str, body: bytes, disconnect_after: int | None = None) -> Response:
        """Send a request that the model answers.

        Raises:
            Skipped: the model is known to be down.
            Failed: the status is not 200.
        """
        if self.model_is_down:
            raise Skipped("the model does not answer, see above")
        response = self.send(name, accept, body, disconnect_after=disconnect_after)
        if response.status != OK:
            self.count_failure(response.code)
        expect_ok(response)
        return response

    def request_shared_answer(self, name: str, accept: str, body: bytes) -> Response:
        """Send a request that the model answers, or return the response to the same request of another check."""
        if accept not in self.shared_responses:
            self.shared_responses[accept] = self.request_answer(name, accept, body)
        return self.shared_responses[accept]

    def count_failure(self, code: object) -> None:
        """Count a failed answer with this code."""
        self.failed_answers += 1
        self.model_is_down = self.failed_answers > 1 or code not in TRANSIENT_CODES


Check = Callable[[Run], str]
"""Returns what it found.

Raises ``Failed``, ``Undecided`` or ``Skipped``, ``Malformed`` if a body cannot be read, ``Unreachable`` if there is no
response.
"""


def expect(condition: object, otherwise: str) -> None:
    """Do nothing if the condition holds.

    Raises:
        Failed: it does not; its message is ``otherwise``.
    """
    if not condition:
        raise Failed(otherwise)


def expect_ok(response: Response) -> None:
    """Do nothing if the status is 200.

    Raises:
        Failed: it is not; the message has status, code and what to do.
    """
    expect(response.status == OK, f"{describe(response)}. {advice_for(response)}".rstrip())
