"""A client of HTTP/1.1 that shows an answer as it comes: head, each chunk, and how the connection ended."""

import json
import socket
from collections.abc import Iterator, Mapping
from enum import StrEnum
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from .http11.connections import UNREAD

PATIENCE = 60.0
"""Seconds to wait for the next byte: a safety net."""


class End(StrEnum):
    """How an answer ended."""

    CLEAN = "clean"
    """The last chunk, or all of the announced length, has come."""
    CUT = "cut"
    """The connection was closed before."""
    RESET = "reset"


class Reply:
    """An answer under way. ``raw`` is every byte so far, the head included."""

    def __init__(self, url: str, body: bytes, headers: Mapping[str, str] | None = None, method: str = "POST") -> None:
        """Send the request and return; the answer is not awaited."""
        target = urlsplit(url)
        self.raw = bytearray()
        self.taken: list[bytes] = []
        """The chunks of the body so far, as they were framed."""
        self.end: End | None = None
        self.head = b""
        self.status = 0
        self.headers: dict[str, str] = {}
        """Lower-case names; of repeated fields the last value."""
        self.trailers = b""
        self._read = 0
        self._socket = socket.create_connection((target.hostname or "127.0.0.1", target.port or 80), PATIENCE)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, UNREAD)
        fields = {"Host": target.netloc, "Content-Length": str(len(body)), **(headers or {})}
        path = target.path + ("?" + target.query if target.query else "")
        lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items()), "", ""]
        self._socket.sendall("\r\n".join(lines).encode("latin-1") + body)

    def wait(self) -> Self:
        """Read the head of the answer, interim ones aside, and return the answer itself.

        Raises:
            ConnectionError: the connection ended before.
        """
        while not self.head or self.head.startswith(b"HTTP/1.1 1"):
            self.head = self._until(b"\r\n\r\n")
        start, *lines = self.head.decode("latin-1").split("\r\n")
        self.status = int(start.split()[1])
        self.headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        return self

    def chunks(self) -> Iterator[bytes]:
        """Yield the chunks of the body as they were framed, each when it is in.

        After the last one ``end`` is set and the connection closed.
        A body of a known length is one chunk.
        """
        if not self.head:
            self.wait()
        try:
            for chunk in self._chunks():
                self.taken.append(chunk)
                yield chunk
            self.end = End.CLEAN
        except ConnectionResetError:
            self.end = End.RESET
        except ConnectionError:
            self.end = End.CUT
        self.close()

    @property
    def received(self) -> bytes:
        """The body so far."""
        return b"".join(self.taken)

    def body(self) -> bytes:
        """Read everything that is left of the body."""
        return b"".join(self.chunks())

    def json(self) -> Any:  # noqa: ANN401 - whatever the document is
        """Read the body as one JSON document."""
        return json.loads(self.body())

    def close(self) -> None:
        """Leave, whether or not there is more."""
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _chunks(self) -> Iterator[bytes]:
        if self.headers.get("transfer-encoding") != "chunked":
            length = int(self.headers.get("content-length", 0))
            if length:
                yield self._exactly(length)
            return
        while size := int(self._until(b"\r\n").split(b";")[0], 16):
            chunk = self._exactly(size)
            self._exactly(2)
            yield chunk
        while line := self._until(b"\r\n"):
            self.trailers += line + b"\r\n"

    def _until(self, mark: bytes) -> bytes:
        while (at := self.raw.find(mark, self._read)) < 0:
            self._more()
        found = bytes(self.raw[self._read : at])
        self._read = at + len(mark)
        return found

    def _exactly(self, size: int) -> bytes:
        while len(self.raw) < self._read + size:
            self._more()
        self._read += size
        return bytes(self.raw[self._read - size : self._read])

    def _more(self) -> None:
        data = self._socket.recv(65_536)
        if not data:
            raise ConnectionAbortedError
        self.raw += data
