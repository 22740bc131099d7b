"""An HTTP/1.1 client that notes when each piece came, proves who it is, and waits when the gateway throttles."""

import json
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import Any, Final
from urllib.parse import urlsplit

from .signing import Sign, nobody

PATIENCE: Final = 310.0
"""Seconds of silence: a gateway that is not of the edge ends a stream after 300."""
CONNECT_PATIENCE: Final = 10.0
"""Seconds for a connection to be taken."""
WAITS: Final = (1.0, 2.0, 4.0, 8.0, 16.0, 30.0)
"""Seconds to wait each time that the endpoint asks for patience; longer where Retry-After says so."""
LONGEST_WAIT: Final = 60.0
"""Seconds: a Retry-After beyond is the answer."""
TOO_MANY, UNAVAILABLE = 429, 503
OK: Final = 200
AT_ONCE: Final = 65_536


class Unreachable(Exception):
    """There was no answer, or none of HTTP's; the message says why, and what to look at."""


@dataclass(frozen=True, slots=True)
class Request:
    """What to send. ``path`` goes behind the endpoint's own."""

    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    method: str = "POST"
    path: str = ""
    signed: bool = True
    """Show who calls, if the endpoint asks for it."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Bytes that came together."""

    came: float
    """Milliseconds since the request was sent."""
    data: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    """Lower-case names; repeated fields joined by commas."""
    pieces: tuple[Piece, ...]
    whole: bool
    """The body ended as HTTP says it does, and was not left early."""

    @property
    def body(self) -> bytes:
        """The body, as far as it came."""
        return b"".join(piece.data for piece in self.pieces)

    @property
    def media_type(self) -> str:
        """The content type as it was sent."""
        return self.headers.get("content-type", "")

    def document(self) -> Any:  # noqa: ANN401 - whatever the document is
        """Return the body as JSON, or None where it is none."""
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
    def retry_after(self) -> float | None:
        """Seconds to wait, if the answer says so (RFC 9110 §10.2.3)."""
        said = self.headers.get("retry-after", "")
        try:
            if said.isdecimal():
                return float(said)
            now = parsedate_to_datetime(self.headers.get("date", ""))
            return max(0.0, (parsedate_to_datetime(said) - now).total_seconds())
        except (ValueError, TypeError):  # no date, or one without a zone beside one with it
            return None

    @property
    def asks_for_patience(self) -> bool:
        """The same request may do better soon: a 429, or a 503 that says when. A quota does not come back."""
        if self.status == TOO_MANY:
            return self.code != "QUOTA_EXCEEDED" and (self.retry_after or 0) <= LONGEST_WAIT
        return self.status == UNAVAILABLE and self.retry_after is not None and self.retry_after <= LONGEST_WAIT


class Endpoint:
    """The endpoint at ``url``."""

    def __init__(
        self,
        url: str,
        sign: Sign = nobody,
        say: Callable[[str], None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Take how to prove who calls, whom to tell that it takes longer, and what time is (seconds)."""
        self.url = url
        self._sign = sign
        self._say = say
        self._clock = clock
        self._sleep = sleep
        self.received = 0
        """Bytes of the body that is being read."""

    @property
    def is_protected(self) -> bool:
        """Requests prove who calls."""
        return self._sign is not nobody

    def ask(self, request: Request, leave_after: int | None = None) -> Answer:
        """Send a request and return the answer; ``leave_after`` so many pieces of a 200 the connection is closed.

        Raises:
            Unreachable: there is none.
        """
        for wait in WAITS:
            answer = self._once(request, leave_after)
            if not answer.asks_for_patience:
                return answer
            seconds = max(wait, answer.retry_after or 0)
            code = f" {answer.code}" if answer.code else ""
            self._say(f"the endpoint asks for patience ({answer.status}{code}): waiting {seconds:.0f} s")
            self._sleep(seconds)
        return self._once(request, leave_after)

    def _once(self, request: Request, leave_after: int | None) -> Answer:
        target = urlsplit(self.url + request.path)
        path = target.path + (f"?{target.query}" if target.query else "")
        headers = request.headers
        if request.signed:
            headers = self._sign(request.method, target.geturl(), headers, request.body)
        connect = HTTPSConnection if target.scheme == "https" else HTTPConnection
        self.received = 0
        try:
            with closing(connect(target.netloc, timeout=CONNECT_PATIENCE)) as connection:
                connection.connect()
                connection.sock.settimeout(PATIENCE)
                connection.request(request.method, path, request.body, dict(headers))
                began = self._clock()
                with connection.getresponse() as response:
                    return self._read(response, began, leave_after)
        except (OSError, HTTPException, UnicodeError) as error:
            raise Unreachable(_why(error, target.netloc)) from error

    def _read(self, response: HTTPResponse, began: float, leave_after: int | None) -> Answer:
        pieces: list[Piece] = []
        whole = False
        try:
            for data in _pieces(response):
                pieces.append(Piece((self._clock() - began) * 1000, data))
                self.received += len(data)
                if response.status == OK and len(pieces) == leave_after:
                    break
            else:
                whole = not response.length  # what is left of an announced length
        except (HTTPException, OSError):
            pass  # cut, or silent for too long
        fields = {name.lower(): ", ".join(response.headers.get_all(name, [])) for name in response.headers}
        return Answer(response.status, fields, tuple(pieces), whole)


def _pieces(response: HTTPResponse) -> Iterator[bytes]:
    """Yield bytes as they come, a chunk at most."""
    while data := response.read1(AT_ONCE):
        yield data


WHY: Final[Sequence[tuple[type[Exception], str]]] = [
    (ConnectionRefusedError, "nobody listens at {place}. Is the endpoint up? Are host and port right?"),
    (socket.gaierror, "no host of the name in {place} can be found from here. Is the URL right?"),
    (UnicodeError, "no host of the name in {place} can exist. Is the URL right?"),
    (ssl.SSLCertVerificationError, "the certificate of {place} is not trusted here: {error.verify_message}."),
    (ssl.SSLError, "{place} does not speak TLS. Is it http:// in place of https://?"),
    (TimeoutError, "{place} is silent. A private endpoint is reached from inside its VPC alone."),
    (ConnectionError, "{place} closed the connection without an answer. Is it https:// in place of http://?"),
    (HTTPException, "{place} gave no answer of HTTP's. Is it https:// in place of http://?"),
    (OSError, "no connection to {place}: {error}"),
]
"""What a failed connection means, the narrower kinds first."""


def _why(error: Exception, place: str) -> str:
    return next(text for kind, text in WHY if isinstance(error, kind)).format(place=place, error=error)
