"""The server side of HTTP/1.1 (RFC 9112) as the twin needs it: each chunk seen and sent alone, each way to end."""

import io
import os
import re
import select
import socket
import socketserver
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from types import TracebackType
from typing import Self

LINE_LIMIT = 65_536
UNREAD = 65_536
"""Bytes, more or less, that the kernel keeps of what is not read yet: whoever sends too much feels it soon."""
LENGTH = re.compile(r"[0-9]+")
CHUNK_SIZE = re.compile(rb"[0-9A-Fa-f]{1,15}")
NO_LINGER = struct.pack("ii", 1, 0)


class Truncated(ConnectionError):
    """The peer's message ended before it was whole, or goes on in no frames of HTTP's."""


class TooLarge(Exception):
    """The peer's message is longer than allowed."""


class Gate:
    """Something that opens once. Any number of threads may wait for it, beside a connection if they like."""

    def __init__(self) -> None:
        self._reader, self._writer = os.pipe()
        self._lock = threading.Lock()
        self.reached = threading.Event()
        """Somebody waits, or waited, at the gate."""
        self.opened = False

    def open(self) -> None:
        """Let everyone through, now and later."""
        with self._lock:
            if not self.opened:
                self.opened = True
                os.close(self._writer)

    def close(self) -> None:
        """Open it, and give its descriptors back once nobody can wait any more."""
        self.open()
        with self._lock:
            if self._reader >= 0:
                os.close(self._reader)
                self._reader = -1

    def fileno(self) -> int:
        """Return a descriptor that reads as ended once the gate is open: what ``select`` waits for."""
        return self._reader


class Exchange(BaseHTTPRequestHandler):
    """A request and the writing of its response. ``Server.respond`` gets one for each request."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: "Server"
    trailers: dict[str, str]
    """The trailer fields of a chunked request body, once it was read: lower-case names."""
    raw: bytearray
    """The request as it came: start line, fields and whatever of the body was read."""

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
        elif refusal := self._unframed():
            self.send_error(refusal)
        else:
            self.server.respond(self)

    def _unframed(self) -> HTTPStatus | None:
        """Return how to refuse a request whose end nobody can tell (RFC 9112 §6)."""
        if "Transfer-Encoding" in self.headers:
            return None if self.is_chunked else HTTPStatus.NOT_IMPLEMENTED
        lengths = set(self.headers.get_all("Content-Length", []))
        is_framed = not lengths or (len(lengths) == 1 and LENGTH.fullmatch(lengths.pop()))
        return None if is_framed else HTTPStatus.BAD_REQUEST

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
        """Stay silent: whoever owns the server reports."""

    def fields(self) -> list[tuple[str, str]]:
        """Return the header fields in order, names as the client wrote them."""
        return [(name, str(value)) for name, value in self.headers.items()]

    def read_body(self, limit: int) -> bytes:
        """Return the request's body.

        Raises:
            TooLarge: it has more than ``limit`` bytes. It was read to its end: a client that still sends hears nothing.
            Truncated: it ended early.
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
        """The request's body comes in chunks."""
        return [coding.lower() for coding in self.headers.get_all("Transfer-Encoding", [])] == ["chunked"]

    def read_chunks(self) -> Iterator[bytes]:
        """Yield each chunk the moment it is whole; then ``trailers`` are set.

        Raises:
            Truncated: the body ended before its last chunk, or has something else in its place.
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
        """Say that the body is whole."""
        if self._frames:
            self.connection.sendall(b"0\r\n\r\n")

    def send(self, status: int, fields: Iterable[tuple[str, str]], body: bytes) -> None:
        """Send a whole response."""
        self.start(status, fields, length=None if status == HTTPStatus.NO_CONTENT else len(body))
        if self.command != "HEAD":
            self.connection.sendall(body)

    def cut(self) -> None:
        """End the connection with a FIN, at once: a chunked body then has no last chunk."""
        self.close_connection = True
        with suppress(OSError):  # the peer was faster
            self.connection.shutdown(socket.SHUT_WR)

    def reset(self) -> None:
        """End the connection with an RST, at once. Only for the thread that serves it."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
        self.rfile.close()
        self.connection.close()

    def stop_reading(self) -> None:
        """Make the serving thread's blocked read, and any later one, end. For other threads."""
        with suppress(OSError):  # it is closed already
            self.connection.shutdown(socket.SHUT_RD)

    def peer_left(self) -> bool:
        """Tell whether the peer has closed its side, without waiting."""
        try:
            return not self.connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return False
        except OSError:
            return True

    def wait(self, gate: Gate | None, seconds: float | None = None) -> None:
        """Wait until the gate is open or the time is over.

        Raises:
            Truncated: the peer left, or the server closes.
        """
        end = None if seconds is None else time.monotonic() + seconds
        watch = _watch(self.server.closing, self.connection, gate)
        while True:
            ready = watch.poll(None if end is None else max(end - time.monotonic(), 0) * 1000)
            if self.server.closing.opened or self.peer_left():
                raise Truncated
            if not ready or (gate is not None and gate.opened):
                return
            watch.unregister(self.connection)  # the peer sends its next request early

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


class Server(socketserver.ThreadingTCPServer):
    """A server on a loopback port, one thread a connection. Closing it ends every connection and thread."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, respond: Callable[[Exchange], None], listener: socket.socket | None = None) -> None:
        """Listen on a free port, or on a socket that listens already and is closed with the server."""
        super().__init__(("127.0.0.1", 0), Exchange, bind_and_activate=listener is None)
        if listener is not None:
            self.socket.close()
            self.socket, self.server_address = listener, listener.getsockname()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, UNREAD)  # each connection inherits it
        self.respond = respond
        self.closing = Gate()
        self.mistakes: list[BaseException] = []
        """What was raised in a connection's thread and is no trouble of the connection's."""
        self._open: dict[threading.Thread, socket.socket] = {}
        self._lock = threading.Lock()
        self._door = threading.Lock()
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return int(self.server_address[1])

    @property
    def url(self) -> str:
        """Where it is, without a path."""
        return f"http://127.0.0.1:{self.port}"

    def process_request(self, request: object, client_address: object) -> None:
        """Serve a connection in a thread of its own."""
        assert isinstance(request, socket.socket)  # noqa: S101 - the base class allows for datagrams
        thread = threading.Thread(target=self._serve, args=(request, client_address), daemon=True)
        with self._lock:
            self._open[thread] = request
            thread.start()

    def handle_error(self, request: object, client_address: object) -> None:  # noqa: ARG002 - the base class's
        """Keep what is a mistake of ours; peers may come and go as they like."""
        error = sys.exception()
        if error is not None and not isinstance(error, ConnectionError | TimeoutError):
            self.mistakes.append(error)
            sys.excepthook(type(error), error, error.__traceback__)

    def settle(self, seconds: float) -> None:
        """Let the connections that there are come to their end by themselves, for so long at most."""
        if self.closing.opened:
            return
        self._take_in()
        with self._lock:
            threads = list(self._open)
        end = time.monotonic() + seconds
        for thread in threads:
            thread.join(max(0, end - time.monotonic()))

    def close(self) -> None:
        """End everything; return when no thread is left."""
        self.closing.open()
        self._accepting.join()
        self.server_close()
        with self._lock:
            connections = dict(self._open)
        for connection in connections.values():
            with suppress(OSError):  # it has just ended
                connection.shutdown(socket.SHUT_RDWR)
        for thread in connections:
            thread.join()
        self.closing.close()

    def _accept(self) -> None:
        watch = _watch(self.closing, self.socket)
        while watch.poll() and not self.closing.opened:
            self._take_in()

    def _take_in(self) -> None:
        """Accept every connection that waits."""
        watch = _watch(self.socket)
        with self._door:
            while watch.poll(0):
                with suppress(OSError):  # the client left while it waited
                    self.process_request(*self.get_request())

    def _serve(self, request: socket.socket, client_address: object) -> None:
        try:
            self.process_request_thread(request, client_address)
        finally:
            with self._lock:
                del self._open[threading.current_thread()]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def _watch(*sources: Gate | socket.socket | None) -> select.poll:
    watch = select.poll()
    for source in sources:
        if source is not None:
            watch.register(source, select.POLLIN)
    return watch


class _Recorder(io.BufferedIOBase):
    """A stream that keeps what was read from it."""

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
        return HTTPStatus(status).phrase
    except ValueError:
        return ""
