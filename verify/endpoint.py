"""The endpoint under test: sends requests with credentials, and repeats them when the endpoint asks to wait."""

import json
import socket
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any, Final
from urllib.parse import urlsplit

from local.client import End, NotHttp, Piece, Reply, Transport

from .signing import Sign

TRANSPORT: Final = Transport(connect_timeout=10.0, timeout=310.0)
"""A regional API Gateway closes a response after 300 seconds of silence; its own error must arrive first."""
RETRY_WAITS: Final = (1.0, 2.0, 4.0, 8.0, 16.0, 30.0)
"""Seconds to wait before each further attempt, or longer if the response has a longer Retry-After."""
LONGEST_WAIT: Final = 60.0
"""Seconds; a response with a longer Retry-After is final."""
OK: Final = 200
TOO_MANY_REQUESTS: Final = 429
UNAVAILABLE: Final = 503


class Unreachable(Exception):
    """There is no HTTP response; the message says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request to the endpoint."""

    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    method: str = "POST"
    path: str = ""
    """Appended to the URL of the endpoint."""
    with_credentials: bool = True
    """Add the API key or the signature, if the endpoint has one."""


@dataclass(frozen=True, slots=True)
class Response:
    """A response of the endpoint, as far as it arrived."""

    status: int
    headers: Mapping[str, str]
    """Lower-case names; repeated fields joined by commas."""
    pieces: Sequence[Piece]
    is_complete: bool
    """The body ended as HTTP requires, and the client did not disconnect before."""

    @property
    def body(self) -> bytes:
        """The body, as far as it arrived."""
        return b"".join(piece.data for piece in self.pieces)

    @property
    def size(self) -> str:
        """The length of the body, for people."""
        return f"{len(self.body):,} bytes"

    @property
    def media_type(self) -> str:
        """The content type as it was sent."""
        return self.headers.get("content-type", "")

    def document(self) -> Any:  # noqa: ANN401 - any JSON value
        """Return the body as JSON, or None if it is not JSON."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    @property
    def code(self) -> str | None:
        """The code of a problem document."""
        document = self.document() if self.status != OK else None
        code = document.get("code") if isinstance(document, dict) else None
        return code if isinstance(code, str) else None

    @property
    def request_id(self) -> str | None:
        """The id by which the request can be found in the log."""
        return self.headers.get("x-request-id") or self.headers.get("x-amzn-requestid")

    @property
    def retry_after(self) -> float | None:
        """Seconds to wait, if the response has a Retry-After field that can be read (RFC 9110 §10.2.3)."""
        value = self.headers.get("retry-after", "")
        try:
            if value.isdecimal():
                return float(value)
            now = parsedate_to_datetime(self.headers.get("date", ""))
            return max(0.0, (parsedate_to_datetime(value) - now).total_seconds())
        except (ValueError, TypeError):  # not a date, or one of the two dates has no time zone
            return None

    @property
    def should_be_retried(self) -> bool:
        """Whether the same request can succeed soon: a 429 (not for a used-up quota), or a 503 with Retry-After."""
        if self.status == TOO_MANY_REQUESTS:
            return self.code != "QUOTA_EXCEEDED" and (self.retry_after or 0) <= LONGEST_WAIT
        return self.status == UNAVAILABLE and self.retry_after is not None and self.retry_after <= LONGEST_WAIT


class RemoteEndpoint:
    """The endpoint at ``url``, as a client outside sees it."""

    def __init__(
        self,
        url: str,
        sign: Sign | None = None,
        notify: Callable[[str], None] = lambda _: None,
        sleep: Callable[[float], None] = time.sleep,
        transport: Transport = TRANSPORT,
    ) -> None:
        """Take the credentials, a function that is called with a message before each wait, and one that waits."""
        self.url = url
        self._sign = sign
        self._notify = notify
        self._sleep = sleep
        self._transport = transport
        self._received = 0

    @property
    def has_credentials(self) -> bool:
        """Whether requests have an API key or a signature."""
        return self._sign is not None

    def describe_received(self) -> str:
        """Return for people how much of the present or latest response has arrived."""
        return f"{self._received:,} bytes so far"

    def send(self, request: Request, disconnect_after: int | None = None) -> Response:
        """Send a request, repeat it if the endpoint asks to wait, and return the response.

        If the status is 200, the connection is closed after ``disconnect_after`` pieces of the body.

        Raises:
            Unreachable: there is no response.
        """
        for wait in RETRY_WAITS:
            response = self._send_once(request, disconnect_after)
            if not response.should_be_retried:
                return response
            seconds = max(wait, response.retry_after or 0)
            code = f" {response.code}" if response.code else ""
            self._notify(f"The endpoint responded with {response.status}{code}; retrying in {seconds:.0f} s")
            self._sleep(seconds)
        return self._send_once(request, disconnect_after)

    def _send_once(self, request: Request, disconnect_after: int | None) -> Response:
        url = self.url + request.path
        headers = request.headers
        if self._sign is not None and request.with_credentials:
            headers = self._sign(request.method, url, headers, request.body)
        self._received = 0
        try:
            with Reply(url, request.body, headers, request.method, self._transport) as reply:
                return self._read(reply.wait(), disconnect_after)
        except (OSError, UnicodeError) as error:
            raise Unreachable(_explain(error, urlsplit(url).netloc)) from error

    def _read(self, reply: Reply, disconnect_after: int | None) -> Response:
        pieces: list[Piece] = []
        try:
            for piece in reply.pieces():
                pieces.append(piece)
                self._received += len(piece.data)
                if reply.status == OK and len(pieces) == disconnect_after:
                    break
        except TimeoutError:
            pass  # the response is incomplete, and what arrived of it is kept
        return Response(reply.status, reply.headers, pieces, reply.end is End.CLEAN)


EXPLANATIONS: Final[Sequence[tuple[type[Exception], str]]] = [
    (ConnectionRefusedError, "nothing listens at {place}. Check host and port, and whether the endpoint is running."),
    (socket.gaierror, "the host name in {place} cannot be resolved here. Check the URL."),
    (UnicodeError, "{place} is not a valid host name. Check the URL."),
    (ssl.SSLCertVerificationError, "the certificate of {place} is not trusted here: {error.verify_message}."),
    (ssl.SSLError, "{place} does not speak TLS. Check whether the URL must begin with http://."),
    (TimeoutError, "{place} does not respond. A private endpoint can be reached only from inside its VPC."),
    (NotHttp, "{place} does not speak HTTP. Check whether the URL must begin with https://."),
    (
        ConnectionError,
        "{place} closed the connection without a response. Check whether the URL must begin with https://.",
    ),
    (OSError, "cannot connect to {place}: {error}."),
]
"""What a failed connection means, by the kind of the exception: a kind comes before those that include it."""


def _explain(error: Exception, place: str) -> str:
    text = next(text for kind, text in EXPLANATIONS if isinstance(error, kind))
    return text.format(place=place, error=error)
