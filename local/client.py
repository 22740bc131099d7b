"""A client of HTTP/1.1 (RFC 9112) that shows a response as it arrives: the head, each chunk, how the connection ended.

It verifies the certificates of https URLs, follows no redirects, uses no proxy and decodes no content coding.
"""

import json
import re
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import SplitResult, urlsplit

from .http11.connections import RECEIVE_BUFFER
from .http11.server import CHUNK_SIZE, LENGTH, LINE_LIMIT, Truncated

RECEIVE_SIZE: Final = 65_536
PORTS: Final = {"http": 80, "https": 443}
STATUS_LINE: Final = re.compile(rb"HTTP/1\.[01] ([1-9][0-9]{2})(?: .*)?")
HEAD_LIMIT: Final = 262_144
"""Bytes of a response's head."""
FIRST_FINAL_STATUS: Final = 200
WITHOUT_BODY: Final = (204, 304)
"""Final statuses whose response has no body (RFC 9112 §6.3)."""


class End(StrEnum):
    """How the connection ended."""

    CLEAN = "clean"
    """The response is complete: its last chunk, or all of the announced length, arrived."""
    CUT = "cut"
    """The connection was closed before the response was complete, or the body was not framed as HTTP requires."""
    RESET = "reset"


class NotHttp(ConnectionError):
    """What arrived is not an HTTP response."""


@dataclass(frozen=True, slots=True)
class Transport:
    """How to reach a server, and how long to wait for it."""

    connect_timeout: float = 60.0
    """Seconds until the connection is accepted, for each address of the host."""
    timeout: float = 60.0
    """Seconds of silence."""
    tls: ssl.SSLContext | None = None
    """Which certificates to trust for https; by default those of the operating system."""
    clock: Callable[[], float] = time.monotonic
    """Seconds; only differences count."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Bytes of a body that arrived together: a chunk, or a part of a large one."""

    received_ms: float
    """Milliseconds since the request was sent."""
    data: bytes


class Reply:
    """A response that is still arriving. ``raw`` is every byte so far, the head included."""

    def __init__(
        self,
        url: str,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        method: str = "POST",
        transport: Transport | None = None,
    ) -> None:
        """Send the request and return without waiting for the response.

        ``headers`` are sent as they are; they replace the fields that HTTP itself needs (Host, Content-Length).

        Raises:
            ValueError: the URL does not begin with http:// or https://, or a header contains a line break.
            OSError: the connection or the TLS handshake failed; mostly a ``socket.gaierror``, ``ssl.SSLError``,
                ``TimeoutError`` or ``ConnectionError``.
            UnicodeError: the host is not a valid host name.
        """
        target = _parse(url)
        request = _request(method, target, headers or {}, body)
        self.raw = bytearray()
        self.taken: list[bytes] = []

        self.end: End | None = None
        self.head = b""
        """Status line and fields of the response as they arrived, without the empty line that ends them."""
        self.status = 0
        self.headers: dict[str, str] = {}
        """Lower-case names; the values of repeated fields are joined by commas."""
        self.trailers = b""
        self._method = method
        self._read = 0
        self._body = self._read_body()
        transport = transport or Transport()
        self._clock = transport.clock
        self._socket = _connect(target, transport)
        try:
            self._socket.sendall(request)
        except BaseException:
            self.close()
            raise
        self._sent = self._clock()

    def wait(self) -> Self:
        """Read the head of the response, skip interim ones (1xx), and return the response itself.

        Raises:
            NotHttp: what arrives is not HTTP.
            ConnectionError: the connection ended before the head was complete.
            TimeoutError: the server is silent.
        """
        while self.status < FIRST_FINAL_STATUS:
            self._read_head()
        return self

    def chunks(self) -> Iterator[bytes]:
        """Yield the chunks of the body as they were framed, each as soon as it is complete.

        After the last one, ``end`` is set and the connection closed. A body that is not chunked counts as one chunk.
        A second call continues where the first one stopped.

        Raises:
            TimeoutError: the server is silent.
        """
        chunk = bytearray()
        for data, is_last_of_chunk in self._body:
            chunk += data
            if is_last_of_chunk:
                self.taken.append(bytes(chunk))
                chunk.clear()
                yield self.taken[-1]

    def pieces(self) -> Iterator[Piece]:
        """Yield the body as it arrives, each piece with its time. A piece is a chunk or a part of one.

        After the last one, ``end`` is set and the connection closed.

        Raises:
            TimeoutError: the server is silent.
        """
        for data, _ in self._body:
            if data:
                yield Piece((self._clock() - self._sent) * 1000, data)

    def lines(self) -> Iterator[bytes]:
        """Yield the lines of the body without their ends, each as soon as it is complete.

        Raises:
            Truncated: the body was cut.
            TimeoutError: the server is silent.
        """
        incomplete = b""
        for piece in self.pieces():
            *complete, incomplete = (incomplete + piece.data).split(b"\n")
            yield from (line.removesuffix(b"\r") for line in complete)
        if self.end is not End.CLEAN:
            raise Truncated("the response was cut off")
        if incomplete:
            yield incomplete

    @property
    def received(self) -> bytes:
        """The chunks so far, joined."""
        return b"".join(self.taken)

    def body(self) -> bytes:
        """Read everything that is left of the body."""
        return b"".join(self.chunks())

    def json(self) -> Any:  # noqa: ANN401 - any JSON value
        """Read the body as one JSON document."""
        return json.loads(self.body())

    def close(self) -> None:
        """Disconnect, whether or not the response is complete."""
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _read_head(self) -> None:
        start = self._read
        if self._exactly(5) != b"HTTP/":  # another protocol may never end its line
            raise NotHttp(f"the response begins with {bytes(self.raw[start : start + 20])!r}")
        self._read = start
        status_line = STATUS_LINE.fullmatch(self._line())
        if status_line is None:
            raise NotHttp(f"the status line is {bytes(self.raw[start : start + 80])!r}")
        fields: dict[str, str] = {}
        while line := self._line():
            name, _, value = line.decode("latin-1").partition(":")
            known = fields.get(name.lower())
            fields[name.lower()] = value.strip() if known is None else f"{known}, {value.strip()}"
            if self._read - start > HEAD_LIMIT:
                raise NotHttp(f"the head of the response has more than {HEAD_LIMIT} bytes")
        self.head = bytes(self.raw[start : self._read]).rstrip(b"\r\n")
        self.status, self.headers = int(status_line[1]), fields

    def _read_body(self) -> Iterator[tuple[bytes, bool]]:
        """Yield bytes of the body, and whether a chunk ends with them; then set ``end`` and disconnect."""
        self.wait()
        try:
            yield from self._framed()
            self.end = End.CLEAN
        except TimeoutError:
            raise
        except ConnectionResetError:
            self.end = End.RESET
        except OSError:
            self.end = End.CUT
        self.close()

    def _framed(self) -> Iterator[tuple[bytes, bool]]:
        """Read the body to where RFC 9112 §6.3 says that it ends."""
        length = self.headers.get("content-length")
        if self._method == "HEAD" or self.status in WITHOUT_BODY:
            return
        if "transfer-encoding" in self.headers:
            yield from self._chunked()
        elif length is None:
            yield from self._until_the_connection_ends()
        elif LENGTH.fullmatch(length):
            yield from self._sized(int(length))
        else:
            raise Truncated(f"Content-Length must be a number of bytes; got {length!r}")

    def _chunked(self) -> Iterator[tuple[bytes, bool]]:
        while size := self._chunk_size():
            yield from self._sized(size)
            if self._exactly(2) != b"\r\n":
                raise Truncated("a chunk is longer than its announced size")
        while line := self._line():
            self.trailers += line + b"\r\n"

    def _chunk_size(self) -> int:
        size = self._line().split(b";")[0].strip()
        if not CHUNK_SIZE.fullmatch(size):
            raise Truncated(f"the size of a chunk must be a hexadecimal number; got {size[:20]!r}")
        return int(size, 16)

    def _sized(self, size: int) -> Iterator[tuple[bytes, bool]]:
        while size:
            data = self._some(size)
            size -= len(data)
            yield data, not size

    def _until_the_connection_ends(self) -> Iterator[tuple[bytes, bool]]:
        while self._read < len(self.raw) or self._more():
            yield self._some(RECEIVE_SIZE), False
        yield b"", True

    def _line(self) -> bytes:
        """Return the next line without its end, which may be LF alone (RFC 9112 §2.2)."""
        start = self._read
        while (at := self.raw.find(b"\n", start)) < 0:
            if len(self.raw) - self._read > LINE_LIMIT:
                raise NotHttp(f"a line has more than {LINE_LIMIT} bytes")
            start = len(self.raw)
            self._need()
        line = bytes(self.raw[self._read : at])
        self._read = at + 1
        return line.removesuffix(b"\r")

    def _exactly(self, size: int) -> bytes:
        while len(self.raw) < self._read + size:
            self._need()
        self._read += size
        return bytes(self.raw[self._read - size : self._read])

    def _some(self, limit: int) -> bytes:
        """Return the bytes that have arrived, at most ``limit``; if there are none, wait for some."""
        if self._read == len(self.raw):
            self._need()
        data = bytes(self.raw[self._read : self._read + limit])
        self._read += len(data)
        return data

    def _need(self) -> None:
        if not self._more():
            raise ConnectionAbortedError("the connection was closed")

    def _more(self) -> bool:
        """Receive more bytes; return whether there are any."""
        data = self._socket.recv(RECEIVE_SIZE)
        self.raw += data
        return bool(data)


def _parse(url: str) -> SplitResult:
    target = urlsplit(url)
    if target.scheme not in PORTS or not target.hostname:
        raise ValueError(f"the URL must begin with http:// or https:// and a host; got {url!r}")
    return target


def _connect(target: SplitResult, transport: Transport) -> socket.socket:
    address = target.hostname or "", target.port or PORTS[target.scheme]
    connection = socket.create_connection(address, transport.connect_timeout)
    try:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if target.scheme == "https":
            context = transport.tls or ssl.create_default_context()
            connection = context.wrap_socket(connection, server_hostname=target.hostname)
        connection.settimeout(transport.timeout)
    except BaseException:
        connection.close()
        raise
    return connection


def _request(method: str, target: SplitResult, headers: Mapping[str, str], body: bytes) -> bytes:
    path = (target.path or "/") + (f"?{target.query}" if target.query else "")
    given = {name.lower() for name in headers}
    required = {"Host": _host(target), "Content-Length": str(len(body)), "Accept-Encoding": "identity"}
    fields = {name: value for name, value in required.items() if name.lower() not in given} | dict(headers)
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
    if any("\r" in line or "\n" in line for line in lines):
        raise ValueError("a header must not contain a line break")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def _host(target: SplitResult) -> str:
    """Return the host as the Host field has it: the default port of the scheme is left out."""
    host = target.hostname or ""
    name = f"[{host}]" if ":" in host else host
    return name if target.port in {None, PORTS[target.scheme]} else f"{name}:{target.port}"
