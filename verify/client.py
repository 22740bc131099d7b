"""An HTTP/1.1 client that notes when each piece came, proves who it is, and waits when the gateway throttles."""

import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection, IncompleteRead
from typing import Any, Final
from urllib.parse import urlsplit

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.session import Session

PATIENCE: Final = 310.0
"""Seconds of silence: a gateway that is not of the edge ends a stream after 300."""
WAITS: Final = (1.0, 2.0, 4.0, 8.0, 16.0, 30.0)
"""Seconds to wait each time that the gateway throttles."""
TOO_MANY: Final = 429
OK: Final = 200
AT_ONCE: Final = 65_536
EXECUTE_API: Final = re.compile(r"\.execute-api\.([a-z0-9-]+)\.")


class Unreachable(Exception):
    """There was no answer, or none of HTTP's."""


class NoCredentials(Exception):
    """The request was to be signed, and there is nothing to sign it with."""


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
    def is_throttled(self) -> bool:
        """The gateway asks for patience: the function's own codes are in lower case, and a quota does not come back."""
        code = self.code or ""
        return self.status == TOO_MANY and not code.islower() and code != "QUOTA_EXCEEDED"


Sign = Callable[[str, str, Mapping[str, str], bytes], Mapping[str, str]]
"""Turns method, URL, header fields and body into the header fields that prove who calls."""


def nobody(method: str, url: str, headers: Mapping[str, str], body: bytes) -> Mapping[str, str]:  # noqa: ARG001 - a Sign
    """Prove nothing."""
    return headers


def with_api_key(key: str) -> Sign:
    """Show an API key of the gateway."""
    return lambda _, __, headers, ___: {**headers, "x-api-key": key}


def with_sigv4(url: str) -> Sign:
    """Sign as AWS's own tools would, with the same credentials and configuration.

    Raises:
        NoCredentials: there are none, or no region for a host that does not name it.
    """
    session = Session()
    credentials = session.get_credentials()
    found = EXECUTE_API.search(urlsplit(url).netloc)
    region = found[1] if found else session.get_config_variable("region")
    if credentials is None:
        raise NoCredentials("SIGV4=1 needs AWS credentials: set AWS_PROFILE, or log in.")
    if not region:
        raise NoCredentials("SIGV4=1 needs a region for a host name of yours: set AWS_REGION.")
    signer = SigV4Auth(credentials, "execute-api", region)

    def sign(method: str, target: str, headers: Mapping[str, str], body: bytes) -> Mapping[str, str]:
        request = AWSRequest(method=method, url=target, headers=dict(headers), data=body)
        signer.add_auth(request)
        return dict(request.headers.items())

    return sign


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
            if not answer.is_throttled:
                return answer
            self._say(f"The gateway throttles (429): waiting {wait:.0f} s")
            self._sleep(wait)
        return self._once(request, leave_after)

    def _once(self, request: Request, leave_after: int | None) -> Answer:
        target = urlsplit(self.url + request.path)
        path = target.path + (f"?{target.query}" if target.query else "")
        headers = request.headers
        if request.signed:
            headers = self._sign(request.method, target.geturl(), headers, request.body)
        connect = HTTPSConnection if target.scheme == "https" else HTTPConnection
        try:
            with closing(connect(target.netloc, timeout=PATIENCE)) as connection:
                connection.request(request.method, path, request.body, dict(headers))
                began = self._clock()
                with connection.getresponse() as response:
                    return self._read(response, began, leave_after)
        except (OSError, HTTPException) as error:
            raise Unreachable(f"{type(error).__name__}: {error}") from error

    def _read(self, response: HTTPResponse, began: float, leave_after: int | None) -> Answer:
        pieces: list[Piece] = []
        whole = False
        try:
            for data in _pieces(response):
                pieces.append(Piece((self._clock() - began) * 1000, data))
                if response.status == OK and len(pieces) == leave_after:
                    break
            else:
                whole = not response.length  # what is left of an announced length
        except (IncompleteRead, ConnectionError):
            pass
        fields = {name.lower(): ", ".join(response.headers.get_all(name, [])) for name in response.headers}
        return Answer(response.status, fields, tuple(pieces), whole)


def _pieces(response: HTTPResponse) -> Iterator[bytes]:
    """Yield bytes as they come, a chunk at most."""
    while data := response.read1(AT_ONCE):
        yield data
