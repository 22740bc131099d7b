"""The body of a response, read from its socket, and only for as long as somebody wants to wait.

http.client waits until the whole of a chunk is there, and urllib3 ends a response, as if it were complete, once a read
of it was broken off. So what is left behind the head is read here: the socket is asked for what has arrived, and a
frame, a chunk or a TLS record that is cut waits for the rest of it without holding anything up.

Format: RFC 9112 §7.1 (chunked transfer coding).
"""

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from http.client import HTTPResponse
from math import inf
from time import monotonic
from typing import Any, Final

import urllib3
from botocore.awsrequest import AWSHTTPConnection, AWSHTTPConnectionPool, AWSHTTPSConnection, AWSHTTPSConnectionPool
from botocore.exceptions import ReadTimeoutError
from urllib3.exceptions import ProtocolError

RECEIVE_BUFFER: Final = 64 * 1024
"""Bytes."""
SHORTEST: Final = 0.999
"""The part of its time that a wait may take at least: to set the socket's timeout for each is a system call more."""
LINE_LIMIT: Final = 16 * 1024
"""Bytes of a line between two chunks."""
_LINE_END: Final = b"\r\n"


in_this_thread = threading.local()
"""Its ``sent``, if it has one, is called with the socket when this thread has sent a request and begins to wait for the
head of the response: from then on another thread can shut the socket down."""


class _Received:
    """A connection that tells which response is read from it. urllib3 tells its reader only the connection."""

    received: HTTPResponse | None = None
    """The latest one."""

    def response_class(self, sock: socket.socket, *arguments: Any, **named: Any) -> HTTPResponse:  # noqa: ANN401 - http.client's own
        """Make a response: http.client calls what it finds under this name."""
        self.received = HTTPResponse(sock, *arguments, **named)
        if sent := getattr(in_this_thread, "sent", None):
            sent(sock)
        return self.received


class _Connection(_Received, AWSHTTPConnection):  # type: ignore[misc]  # a method in place of a class is called alike
    """One without TLS."""


class _SecureConnection(_Received, AWSHTTPSConnection):  # type: ignore[misc]  # as above
    """One with TLS."""


# botocore takes no connection of others; the pools of urllib3 do, by this public attribute
AWSHTTPConnectionPool.ConnectionCls = _Connection
AWSHTTPSConnectionPool.ConnectionCls = _SecureConnection


def body_of(response: object) -> "Body | None":
    """Return the body of a response whose head has been read.

    None if the body does not come in chunks or its socket cannot be read here. After ``Connection: close`` it cannot,
    because http.client has let go of the socket.
    """
    if not isinstance(response, urllib3.HTTPResponse) or not response.chunked:
        return None
    connection = response.connection
    if not isinstance(connection, _Received) or not isinstance(connection.sock, socket.socket):
        return None
    received = connection.received
    return None if received is None or received.isclosed() else Body(response, received, connection.sock)


class Body:
    """The content of a response, in pieces as they arrive."""

    def __init__(self, response: urllib3.HTTPResponse, received: HTTPResponse, connected: socket.socket) -> None:
        """Take the same response twice: as urllib3's, and as http.client's."""
        self.until = inf
        """When None is yielded if no piece has come, or shortly before, in seconds of ``time.monotonic``. If it is
        infinite, the socket's own timeout ends the wait, with an error."""
        self.is_used_up = False
        """Whether the latest event ended where its piece ended; set by who decodes the pieces."""
        self._response = response
        self._received = received
        self._socket = connected
        self._seconds = 0.0
        """The socket's timeout, once a wait had a limit."""
        self._chunks = Chunks()

    def __iter__(self) -> Iterator[bytes | None]:
        """Yield the content; at its end the connection is free for another call.

        Raises:
            ReadTimeoutError: the socket's timeout was over; the error is botocore's.
            ProtocolError: the connection broke, or what came is not in chunks; the error is urllib3's.
        """
        timeout = self._socket.gettimeout()
        data: bytes | None = self._read_ahead()
        self._socket.settimeout(timeout)
        while True:
            if data is None:
                yield None
            elif content := self._chunks.feed(data):
                yield content
            if self._chunks.are_complete:
                break
            data = self._next()
        self._socket.settimeout(timeout)
        self._received.close()
        if self._chunks.may_follow:
            self._response.release_conn()
        else:
            self._response.close()

    def close(self) -> None:
        """Close the connection, unless it is free for another call already."""
        self._response.close()

    def _read_ahead(self) -> bytes:
        """Return what http.client has read of the body together with the head, and leave nothing of it there."""
        self._socket.settimeout(0)
        with suppress(OSError):  # nothing is there yet; a connection that is broken is so for the next read as well
            return self._received.fp.read(len(self._received.fp.peek()))
        return b""

    def _next(self) -> bytes | None:
        """Return what comes next, or None: the time to wait for it is over."""
        if self.until < inf:
            seconds = self.until - monotonic()
            if seconds <= 0:
                return None
            if not seconds * SHORTEST < self._seconds <= seconds:
                self._socket.settimeout(seconds)
                self._seconds = seconds
        try:
            data = self._socket.recv(RECEIVE_BUFFER)
        except TimeoutError as error:
            if self.until < inf:
                return None
            raise ReadTimeoutError(endpoint_url=str(self._response.url), error=error) from error
        except OSError as error:
            raise ProtocolError(f"Connection broken: {error!r}", error) from error
        if not data:
            self._chunks.end()
        return data


class Chunks:
    """Takes a body in chunks apart. Extensions of chunks and trailers are skipped."""

    def __init__(self) -> None:
        self.are_complete = False
        """Whether the last chunk and the trailers have come."""
        self.may_follow = False
        """Whether another response may follow behind this one: nothing unexpected came."""
        self._left = 0
        """Bytes that are still to come of a chunk and the end of its line."""
        self._line = b""
        """The beginning of a line between two chunks."""
        self._has_ended = False
        """Whether the last chunk has come: only trailers follow."""

    def feed(self, data: bytes) -> bytes:
        """Take some bytes, cut anywhere; return what they have of the content.

        Raises:
            ProtocolError: they are not what can follow in such a body.
        """
        if not (self._left or self._line or self._has_ended):
            line, _, rest = data.partition(_LINE_END)
            try:
                is_one_chunk = len(rest) == int(line, 16) + len(_LINE_END) > len(_LINE_END)
            except ValueError:  # an extension, or what is not in chunks
                is_one_chunk = False
            if is_one_chunk:  # as a model writes it; the code below is not in the processor's cache when one comes
                return rest[: -len(_LINE_END)]
        data, self._line = self._line + data, b""
        found: list[bytes] = []
        at, length = 0, len(data)
        while at < length and not self.are_complete:
            if self._left:
                end = at + self._left
                found.append(data[at : max(at, min(end - len(_LINE_END), length))])
                self._left = max(0, end - length)
                at = end
                continue
            end = data.find(b"\n", at)
            if end < 0:
                self._keep(data[at:])
                break
            self._take_line(data[at:end])
            at = end + 1
        self.may_follow = self.are_complete and at == length
        return b"".join(found)

    def end(self) -> None:
        """The connection has ended: some services leave out the last line, which is empty.

        Raises:
            ProtocolError: something else is missing.
        """
        if not self._has_ended:
            raise ProtocolError("Response ended prematurely")
        self.are_complete = True

    def _keep(self, line: bytes) -> None:
        if len(line) > LINE_LIMIT:
            raise ProtocolError("Response chunk size line exceeded maximum allowed length")
        self._line = line

    def _take_line(self, line: bytes) -> None:
        if self._has_ended:
            self.are_complete = not line.strip()
            return
        try:
            size = int(line.partition(b";")[0], 16)
        except ValueError as error:
            raise ProtocolError("The size of a chunk is not a hexadecimal number") from error
        if size < 0:
            raise ProtocolError("The size of a chunk is negative")
        if size:
            self._left = size + len(_LINE_END)
        else:
            self._has_ended = True
