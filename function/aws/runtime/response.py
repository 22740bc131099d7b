"""The streamed response of one invocation. Bytes: docs/runtime.md."""

import base64
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from typing import Final

from ...stream.errors import StreamError
from .errors import ERROR_BODY, ERROR_TYPE, ResponseNotAccepted, RuntimeApiFailed, describe, error_document

CHUNK: Final = b"%x\r\n%b\r\n"
"""A chunk, from its length and its content (RFC 9112 §7.1)."""


class StreamedResponse:
    """A response whose head has been sent. Each chunk is one write, which may block for the time that is left."""

    def __init__(self, connection: HTTPConnection, seconds_to_write: Callable[[], float]) -> None:
        """Take the connection, and a function that returns the seconds for which the next write may block."""
        self._connection = connection
        self._socket = connection.sock
        self._socket.settimeout(None)
        self._seconds_to_write = seconds_to_write
        self._has_body = False

    def send(self, chunk: bytes) -> None:
        """Send a chunk of the body.

        Raises:
            ResponseNotAccepted: Lambda closed the connection or stopped reading.
        """
        self._write(CHUNK % (len(chunk), chunk))
        self._has_body = True

    def end(self, error: StreamError | None) -> None:
        """Send the last chunk, with trailers if ``error`` cut the body, and read Lambda's acknowledgement.

        An empty body gets one byte: on some accounts a response without a body was never delivered.

        Raises:
            ResponseNotAccepted: Lambda closed the connection, stopped reading, or refuses the response.
            RuntimeApiFailed: the Runtime API reports a failure of its own.
        """
        if not self._has_body:
            self.send(b"\n")
        self._write(b"0\r\n" + (_trailers(error) if error else b"") + b"\r\n")
        with response_not_accepted():
            self._socket.settimeout(self._seconds_to_write())
            acknowledgement = self._connection.getresponse()
            body = acknowledgement.read()
        if acknowledgement.status == HTTPStatus.INTERNAL_SERVER_ERROR:  # "non-recoverable", in the API's own words
            raise RuntimeApiFailed(describe(acknowledgement.status, body))
        if acknowledgement.status != HTTPStatus.ACCEPTED:
            raise ResponseNotAccepted(describe(acknowledgement.status, body))

    def close(self) -> None:
        """Close the connection: before the last chunk, Lambda sees a truncated response."""
        self._connection.close()

    def disconnect(self) -> None:
        """Shut the connection down, even while another frame of this thread writes to it or reads from it."""
        if self._connection.sock is not None:
            with suppress(OSError):  # it has ended already
                self._connection.sock.shutdown(socket.SHUT_RDWR)

    def _write(self, data: bytes) -> None:
        """Write at once what the connection takes, which is nearly always all, and wait for room for the rest.

        With a time limit Python makes three system calls of each write, and without one a single call.
        """
        try:
            sent = self._socket.send(data, socket.MSG_DONTWAIT)
        except BlockingIOError:
            sent = 0
        except OSError as error:  # a with statement would take a tenth of the time of an event at a model's pace
            raise ResponseNotAccepted(repr(error)) from error
        if sent < len(data):
            with response_not_accepted():
                rest = memoryview(data)[sent:]  # no copy: a signal that came while one was made would not end the wait
                self._socket.settimeout(self._seconds_to_write())
                self._socket.sendall(rest)
                self._socket.settimeout(None)


@contextmanager
def response_not_accepted() -> Iterator[None]:
    """Turn a failure of the connection into ``ResponseNotAccepted``."""
    try:
        yield
    except (OSError, HTTPException) as error:
        raise ResponseNotAccepted(repr(error)) from error


def _trailers(error: StreamError) -> bytes:
    """Return the trailer section (RFC 9112 §7.1.2) that names what cut the body, without any content."""
    body = base64.b64encode(error_document(error.code, error.title, []))
    return f"{ERROR_TYPE}: Function.{error.code}\r\n{ERROR_BODY}: ".encode() + body + b"\r\n"
