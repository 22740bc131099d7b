"""The server side of HTTP/1.1 (RFC 9112): chunks are read and sent one by one, and a response can end in every way."""

import io
import re
import socket
import struct
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler

from .connections import Connections
from .gate import Gate, watch

LINE_LIMIT = 65_536
LENGTH = re.compile(r"[0-9]+")
CHUNK_SIZE = re.compile(rb"[0-9A-Fa-f]{1,15}")
PHRASES = {413: "Request Entity Too Large", 414: "Request-URI Too Long", 422: "Unprocessable Entity"}
"""Python 3.13 renamed these three; the bytes of a response are the same on every Python."""
NO_LINGER = struct.pack("ii", 1, 0)


class Truncated(ConnectionError):
    """The peer's message ended before it was complete, or is not framed as HTTP requires."""


class TooLarge(Exception):
    """The peer's message is longer than the limit."""


class Exchange(BaseHTTPRequestHandler):
    """A request, and the methods that write its response. ``Server`` calls its function with one for each request."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: "Server"
    trailers: dict[str, str]
    """The trailer fields of a chunked request body after it was read; names in lower case."""
    raw: bytearray
    """The bytes of the request: start line, fields, and as much of the body as was read."""

    def setup(self) -> None:
        """Keep a copy of what is read."""
        super().setup()
        self._source = _Recorder(self.rfile)
        self.rfile = self._source

    def handle_one_request(self) -> None:
        """Read a head and let the server respond."""
        self.raw, self.trailers = self._source.rewind(), {}
        self.raw_requestline = self.rfile.readline(LINE_LIMIT + 1)
        if len(self.raw_requestline) > LINE_LIMIT:
            self.requestline = self.request_version = self.command = ""
            self.send_error(HTTPStatus.REQUEST_URI_TOO_LONG)
        elif not self.raw_requestline or not self.parse_request():
            self.close_connection = True
        elif refusal := self._framing_error():
            self.send_error(refusal)
        else:
            self.server.respond(self)

    def _framing_error(self) -> HTTPStatus | None:
        """Return the status that refuses a request whose end is not defined (RFC 9112 §6), else None."""
        if "Transfer-Encoding" in self.headers:
            return None if self.is_chunked else HTTPStatus.NOT_IMPLEMENTED
        lengths = set(self.headers.get_all("Content-Length", []))
        is_framed = not lengths or (len(lengths) == 1 and LENGTH.fullmatch(lengths.pop()))
        return None if is_framed else HTTPStatus.BAD_REQUEST

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
        """Keep the base class from writing to stderr: whoever started the server reports what happens."""

    def fields(self) -> list[tuple[str, str]]:
        """Return the header fields in order, with the names as the client wrote them."""
        return [(name, str(value)) for name, value in self.headers.items()]

    def read_body(self, limit: int) -> bytes:
        """Return the request's body.

        Raises:
            TooLarge: it has more than ``limit`` bytes; the rest was read too, so that the client can get a response.
            Truncated: it ended before it was complete.
        """
        body, size = bytearray(), 0
        for piece in self.read_chunks() if self.is_chunked else self._pieces():
            size += len(piece)
            if size <= limit:
                body += piece
        if size > limit:
            raise TooLarge
        return bytes(body)

    def _pieces(self) -> Iterator[bytes]:
        left = int(self.headers.get("Content-Length") or 0)
        while left:
            yield self._exactly(min(left, LINE_LIMIT))
            left -= min(left, LINE_LIMIT)

    @property
    def is_chunked(self) -> bool:
        """Whether the request's body comes in chunks."""
        return [coding.lower() for coding in self.headers.get_all("Transfer-Encoding", [])] == ["chunked"]

    def read_chunks(self) -> Iterator[bytes]:
        """Yield each chunk as soon as it is complete; then set ``trailers``.

        Raises:
            Truncated: the body ended before its last chunk, or is not framed as chunks.
        """
        while size := self._chunk_size():
            chunk = self._exactly(size)
            if self._exactly(2) != b"\r\n":
                raise Truncated
            yield chunk
        while line := self._line():
            name, _, value = line.decode("latin-1").partition(":")
            self.trailers[name.strip().lower()] = value.strip()

    def start(self, status: int, fields: Iterable[tuple[str, str]], *, length: int | None = None) -> None:
        """Send the head. Without a length the body is chunked; to a client of HTTP/1.0 it ends with the connection."""
        lines = [f"HTTP/1.1 {status} {_reason(status)}", *(f"{name}: {value}" for name, value in fields)]
        has_body = status != HTTPStatus.NO_CONTENT
        self._frames = has_body and length is None and self.request_version != "HTTP/1.0"
        if self._frames:
            lines.append("Transfer-Encoding: chunked")
        elif length is not None:
            lines.append(f"Content-Length: {length}")
        elif has_body:
            self.close_connection = True
        if self.close_connection:
            lines.append("Connection: close")
        self.connection.sendall("\r\n".join([*lines, "", ""]).encode("latin-1"))

    def chunk(self, data: bytes) -> None:
        """Send a chunk, in one write."""
        self.connection.sendall(b"%x\r\n%s\r\n" % (len(data), data) if self._frames else data)

    def end(self) -> None:
        """Send the last chunk: the body is complete."""
        if self._frames:
            self.connection.sendall(b"0\r\n\r\n")

    def send(self, status: int, fields: Iterable[tuple[str, str]], body: bytes) -> None:
        """Send a complete response."""
        self.start(status, fields, length=None if status == HTTPStatus.NO_CONTENT else len(body))
        if self.command != "HEAD":
            self.connection.sendall(body)

    def cut(self) -> None:
        """End the connection with a FIN, at once: a chunked body then has no last chunk."""
        self.close_connection = True
        with suppress(OSError):  # the peer has closed it already
            self.connection.shutdown(socket.SHUT_WR)

    def reset(self) -> None:
        """End the connection with an RST, at once. Only for the thread that serves it."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
        self.rfile.close()
        self.connection.close()

    def stop_reading(self) -> None:
        """End the blocked read of the thread that serves the connection, and every later one. For other threads."""
        with suppress(OSError):  # it is closed already
            self.connection.shutdown(socket.SHUT_RD)

    def peer_left(self) -> bool:
        """Return whether the peer has closed its side, without waiting."""
        try:
            return not self.connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return False
        except OSError:
            return True

    def wait(self, gate: Gate | None, seconds: float | None = None) -> None:
        """Wait until the gate is open or the time is over.

        Raises:
            Truncated: the peer has disconnected, or the server closes.
        """
        end = None if seconds is None else time.monotonic() + seconds
        poll = watch(self.server.closing, self.connection, gate)
        while True:
            ready = poll.poll(None if end is None else max(end - time.monotonic(), 0) * 1000)
            if self.server.closing.opened or self.peer_left():
                raise Truncated
            if not ready or (gate is not None and gate.opened):
                return
            poll.unregister(self.connection)  # the peer sends its next request early

    def _chunk_size(self) -> int:
        size = self._line().split(b";")[0].strip()
        if not CHUNK_SIZE.fullmatch(size):
            raise Truncated
        return int(size, 16)

    def _line(self) -> bytes:
        line = self.rfile.readline(LINE_LIMIT)
        if not line.endswith(b"\r\n"):
            raise Truncated
        return line[:-2]

    def _exactly(self, size: int) -> bytes:
        data = self.rfile.read(size)
        if len(data) < size:
            raise Truncated
        return data


class Server(Connections):
    """A server on a loopback port, with a thread per connection. Closing it ends every connection and thread."""

    def __init__(self, respond: Callable[[Exchange], None], listener: socket.socket | None = None) -> None:
        """Listen on a free port, or on a socket that listens already and is closed with the server.

        ``respond`` is called with each request, in the thread of its connection.
        """
        self.respond = respond
        super().__init__(Exchange, listener)


class _Recorder(io.BufferedIOBase):
    """A stream that keeps a copy of what was read from it."""

    def __init__(self, source: io.BufferedIOBase) -> None:
        self._source = source
        self._copy = bytearray()

    def rewind(self) -> bytearray:
        self._copy = bytearray()
        return self._copy

    def read(self, size: int | None = -1, /) -> bytes:
        data = self._source.read(size)
        self._copy += data
        return data

    def readline(self, size: int | None = -1, /) -> bytes:
        line = self._source.readline(-1 if size is None else size)
        self._copy += line
        return line

    def close(self) -> None:
        self._source.close()
        super().close()


def _reason(status: int) -> str:
    try:
        return PHRASES.get(status) or HTTPStatus(status).phrase
    except ValueError:
        return ""
