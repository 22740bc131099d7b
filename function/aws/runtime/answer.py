"""The streamed answer, one chunk per write. Bytes: docs/runtime.md."""

import base64
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException

from ...stream.errors import StreamError
from .errors import ERROR_BODY, ERROR_TYPE, NotTaken, RuntimeApiGone, error_document, refusal


class Answer:
    """A streamed answer that has begun. Each chunk leaves in one write, which may take what is left of the time."""

    def __init__(self, connection: HTTPConnection, seconds: Callable[[], float]) -> None:
        """Take the connection, and how long the next write may block."""
        self._connection = connection
        self._seconds = seconds
        self._has_body = False

    def write(self, chunk: bytes) -> None:
        """Send a chunk of the body.

        Raises:
            NotTaken: the platform went away or stalls.
        """
        self._send(frame(chunk))
        self._has_body = True

    def end(self, error: StreamError | None) -> None:
        """Send the last chunk, with trailers where ``error`` cut the body, and read the platform's receipt.

        A body without a byte is given one: accounts were seen that never deliver an empty answer.

        Raises:
            NotTaken: the platform went away, stalls, or refuses the answer.
            RuntimeApiGone: it says that it is broken.
        """
        if not self._has_body:
            self.write(b"\n")
        self._send(b"0\r\n" + (_trailers(error) if error else b"") + b"\r\n")
        with taken():
            self._connection.sock.settimeout(self._seconds())
            response = self._connection.getresponse()
            said = response.read()
        if response.status == HTTPStatus.INTERNAL_SERVER_ERROR:  # "non-recoverable", in the API's own words
            raise RuntimeApiGone(refusal(response.status, said))
        if response.status != HTTPStatus.ACCEPTED:
            raise NotTaken(refusal(response.status, said))

    def close(self) -> None:
        """Close the connection: before the last chunk, the platform sees a truncated answer."""
        self._connection.close()

    def cut(self) -> None:
        """End the connection under whatever is being written or read."""
        if self._connection.sock is not None:
            with suppress(OSError):  # it has ended already
                self._connection.sock.shutdown(socket.SHUT_RDWR)

    def _send(self, data: bytes) -> None:
        with taken():
            self._connection.sock.settimeout(self._seconds())
            self._connection.send(data)


@contextmanager
def taken() -> Iterator[None]:
    """Turn a failure of the connection into ``NotTaken``."""
    try:
        yield
    except (OSError, HTTPException) as error:
        raise NotTaken(repr(error)) from error


def frame(data: bytes) -> bytes:
    """Return ``data`` as a chunk (RFC 9112 §7.1)."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def _trailers(error: StreamError) -> bytes:
    """Return the trailer section (RFC 9112 §7.1.2) that tells the platform, in safe words, what cut the answer."""
    body = base64.b64encode(error_document(error.code, error.title, []))
    return f"{ERROR_TYPE}: Function.{error.code}\r\n{ERROR_BODY}: ".encode() + body + b"\r\n"
