"""The Runtime API and Bedrock's ConverseStream for one process under measurement, both served by one thread.

The local stack serves each connection by a thread of its own: at full speed these threads would wait for one another,
and a chunk would be seen late. Here nothing waits but for the sockets, so that the times are those of the process.
"""

import json
import os
import selectors
import signal
import socket
import subprocess
import time
from abc import ABC, abstractmethod
from binascii import crc32
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from local.lambda_.deployment import Deployment

from . import process

WORDS: Final = ["the", "answer", "grows", "while", "it", "is", "read", "and", "nothing", "shown", "is", "taken", "back"]
"""What the answers of the benchmarks consist of."""
PATIENCE: Final = 60.0
"""Seconds without any traffic after which a process under measurement counts as hanging."""
_GLANCE: Final = 1.0
"""Seconds without any traffic after which to look whether the process still runs."""
_DELIMITER: Final = b"\0" * 8
"""Between the prelude and the body of a streamed response."""
_HEAD: Final = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/vnd.amazon.eventstream\r\nTransfer-Encoding: chunked\r\n\r\n"
)
_REGISTERED: Final = (
    b"HTTP/1.1 200 OK\r\nLambda-Extension-Identifier: bench\r\nContent-Type: application/json\r\n"
    b"Content-Length: 2\r\n\r\n{}"
)
"""Accepts an extension (docs.aws.amazon.com/lambda: runtimes-extensions-api.html), such as Lambda Web Adapter."""


@dataclass(frozen=True, slots=True)
class Question:
    """What a process is asked, and how the model answers."""

    event: bytes
    """The proxy event."""
    frames: Sequence[bytes]
    """What the model sends, one frame at a time: deltas first."""
    lengths: Sequence[int]
    """Bytes of text of each delta."""
    interval: float = 0.0
    """Seconds between two frames; 0: as fast as they are read."""

    @property
    def ends(self) -> list[int]:
        """Return the bytes of text up to each delta's end."""
        return list(accumulate(self.lengths))


@dataclass(slots=True)
class Reply:
    """What came back, and what it cost."""

    body: bytearray = field(default_factory=bytearray)
    cpu: float = 0.0
    """Seconds of the whole process, from the event to its next request for one."""
    sent: list[float] = field(default_factory=list)
    """When each frame was given to the process, in seconds of the monotonic clock."""
    arrived: list[tuple[float, int]] = field(default_factory=list)
    """When the body grew, and to how many bytes."""

    @property
    def first_byte(self) -> float:
        """Seconds from the model's first delta to the first byte of the body."""
        return self.arrived[0][0] - self.sent[0]

    def latencies(self, ends: Sequence[int]) -> list[float]:
        """Return the seconds from each delta to its last byte; ``ends`` are the lengths of the body up to these."""
        found, at = [], 0
        for sent, end in zip(self.sent, ends, strict=False):
            while at < len(self.arrived) and self.arrived[at][1] < end:
                at += 1
            if at < len(self.arrived):
                found.append(self.arrived[at][0] - sent)
        return found


class Chain:
    """A process of a function, with all that it talks to."""

    def __init__(self, root: Path, environment: Mapping[str, str], python: str) -> None:
        """Start the process; return when it asks for its first event."""
        self._selector = selectors.DefaultSelector()
        self._runtime, self._bedrock = _listening(), _listening()
        for listener, make in ((self._runtime, _RuntimeConnection), (self._bedrock, _BedrockConnection)):
            self._selector.register(listener, selectors.EVENT_READ, make)
        self.question: Question | None = None
        self.reply = Reply()
        self.waiting: _Connection | None = None
        """The connection on which the process asks for its next event."""
        with process.alone_on_a_core():
            self._process = subprocess.Popen(  # noqa: S603 - the function under measurement
                [root / "bootstrap", python, "/var/runtime/bootstrap.py"],
                cwd=root,
                env=self._environment(root, environment),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                start_new_session=True,
            )
        try:
            self._run_until_idle()
        except BaseException:
            self.close()
            raise
        self.start_cpu = self.cpu()
        """Seconds of CPU from the start of the process to its first request for an event."""

    def ask(self, question: Question) -> Reply:
        """Hand the question to the process; return when it asks for the next one."""
        self.question, self.reply = question, Reply()
        before = self.cpu()
        waiting, self.waiting = self.waiting, None
        assert waiting is not None  # noqa: S101 - the process is idle
        waiting.socket.sendall(_event_response(question.event))
        self._run_until_idle()
        self.reply.cpu = self.cpu() - before
        return self.reply

    def cpu(self) -> float:
        """Return the seconds of CPU that the process has used so far."""
        return process.cpu(self._process.pid)

    def peak_memory(self) -> int:
        """Return the most bytes that were resident so far."""
        return process.memory(self._process.pid, "VmHWM")

    def _environment(self, root: Path, own: Mapping[str, str]) -> Mapping[str, str]:
        variables = {"AWS_ENDPOINT_URL_BEDROCK_RUNTIME": f"http://127.0.0.1:{self._bedrock.getsockname()[1]}", **own}
        return Deployment(root, variables).environ(f"127.0.0.1:{self._runtime.getsockname()[1]}")

    def watch(self, connection: "_Connection") -> None:
        """Handle a connection when something can be read from it."""
        self._selector.register(connection.socket, selectors.EVENT_READ, connection)

    def watch_for_room(self, connection: "_Connection", *, wanted: bool) -> None:
        """Handle a connection also when something can be written to it."""
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if wanted else 0)
        self._selector.modify(connection.socket, events, connection)

    def forget(self, connection: "_Connection") -> None:
        """Close a connection."""
        self._selector.unregister(connection.socket)
        connection.socket.close()

    def _run_until_idle(self) -> None:
        sender: _BedrockConnection | None = None
        quiet_since = time.monotonic()
        while self.waiting is None:
            ready = self._selector.select(_GLANCE if sender is None else sender.seconds_to_next())
            if ready:
                quiet_since = time.monotonic()
            elif sender is None:
                self._check(time.monotonic() - quiet_since)
            for key, events in ready:
                if isinstance(key.data, _Connection):
                    if events & selectors.EVENT_READ:
                        key.data.read()
                    if events & selectors.EVENT_WRITE and isinstance(key.data, _BedrockConnection):
                        key.data.write_if_open()
                else:
                    accepted, _ = key.fileobj.accept()  # type: ignore[union-attr]  # the listeners are sockets
                    self.watch(key.data(accepted, self))
            sender = next((each for each in self._connections() if each.is_pacing), None)
            if sender is not None and sender.seconds_to_next() <= 0:
                sender.send_next()

    def _check(self, quiet: float) -> None:
        """Raise if nothing can be expected of the process, which has sent nothing for ``quiet`` seconds."""
        if (status := self._process.poll()) is not None:
            raise RuntimeError(f"A program under measurement ended with status {status}; its error is above.")
        if quiet > PATIENCE:
            raise TimeoutError(f"A program under measurement hangs: nothing came of it for {PATIENCE:g} seconds.")

    def _connections(self) -> list["_BedrockConnection"]:
        return [key.data for key in self._selector.get_map().values() if isinstance(key.data, _BedrockConnection)]

    def close(self) -> None:
        """End the process and every connection."""
        with suppress(ProcessLookupError):  # it has ended by itself
            os.killpg(self._process.pid, signal.SIGTERM)  # with the processes that it has started
        for key in list(self._selector.get_map().values()):
            self._selector.unregister(key.fileobj)
            key.fileobj.close()  # type: ignore[union-attr]  # they are sockets
        self._process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


class _Connection(ABC):
    """A connection of the process, which sends one HTTP request after the other."""

    def __init__(self, accepted: socket.socket, chain: Chain) -> None:
        accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = accepted
        self.chain = chain
        self.is_closed = False
        self._buffer = bytearray()

    def read(self) -> None:
        data = self.socket.recv(1 << 20)
        if not data:
            self.is_closed = True
            self.chain.forget(self)
            return
        self._buffer += data
        self.handle()

    @abstractmethod
    def handle(self) -> None:
        """Take what has arrived."""

    def take_head(self) -> str | None:
        """Remove the head of a request from what has arrived, once it is there."""
        head, separator, rest = self._buffer.partition(b"\r\n\r\n")
        if not separator:
            return None
        self._buffer = bytearray(rest)
        return head.decode("latin-1")


class _RuntimeConnection(_Connection):
    """Asks for events, and sends responses in chunks."""

    def __init__(self, accepted: socket.socket, chain: Chain) -> None:
        super().__init__(accepted, chain)
        self._in_response = False
        self._prelude: bytearray | None = None
        """The part of the response before its body; None once the body has begun."""

    def handle(self) -> None:
        if not self._in_response:
            head = self.take_head()
            if head is None or "/extension/event/next" in head:  # an extension that waits for events gets none
                return
            if "/extension/register" in head:
                self.socket.sendall(_REGISTERED)
                return
            if head.startswith("GET"):
                self.chain.waiting = self
                return
            self._in_response, self._prelude = True, bytearray()
        self._take_chunks()

    def _take_chunks(self) -> None:
        arrived = time.monotonic()
        while (end := self._buffer.find(b"\r\n")) >= 0:
            length = int(self._buffer[:end], 16)
            if length == 0:
                if self._buffer.endswith(b"\r\n\r\n"):
                    self._in_response = False
                    self._buffer.clear()
                    self.socket.sendall(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")
                break
            if len(self._buffer) < end + length + 4:
                break
            self._take(bytes(self._buffer[end + 2 : end + 2 + length]), arrived)
            del self._buffer[: end + length + 4]

    def _take(self, data: bytes, arrived: float) -> None:
        reply = self.chain.reply
        if self._prelude is not None:
            self._prelude += data
            _, delimiter, begun = bytes(self._prelude).partition(_DELIMITER)
            if not delimiter:
                return
            self._prelude, data = None, begun
        if data:
            reply.body += data
            reply.arrived.append((arrived, len(reply.body)))


class _BedrockConnection(_Connection):
    """Asks the model."""

    def __init__(self, accepted: socket.socket, chain: Chain) -> None:
        super().__init__(accepted, chain)
        self._left: Sequence[bytes] = ()
        self._next = 0
        self._next_at = 0.0
        self._unsent = b""
        self.is_pacing = False

    def handle(self) -> None:
        head, separator, body = self._buffer.partition(b"\r\n\r\n")
        if not separator:
            return
        fields = dict(line.lower().split(": ", 1) for line in head.decode("latin-1").split("\r\n")[1:])
        if "expect" in fields and not body:
            self.socket.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        if len(body) < int(fields["content-length"]):
            return
        self._buffer.clear()
        question = self.chain.question
        assert question is not None  # noqa: S101 - the process answers one
        self.socket.sendall(_HEAD)
        self._left, self._next = question.frames, 0
        if question.interval:
            self.is_pacing, self._next_at = True, time.monotonic()
        else:
            self.chain.watch_for_room(self, wanted=True)

    def seconds_to_next(self) -> float:
        """Return how long to wait until the next frame is due."""
        return max(0.0, self._next_at - time.monotonic())

    def send_next(self) -> None:
        """Send the frame that is due."""
        question = self.chain.question
        assert question is not None  # noqa: S101 - the process answers one
        self._next_at += question.interval
        self.socket.sendall(self._take_next())

    def write_if_open(self) -> None:
        """Send as many frames as the socket takes, unless the process has closed it."""
        if self.is_closed:
            return
        if not self._unsent:
            self._unsent = self._take_next()
        sent = self.socket.send(self._unsent, socket.MSG_DONTWAIT)
        self._unsent = self._unsent[sent:]
        if not self._unsent and self._next > len(self._left):
            self.chain.watch_for_room(self, wanted=False)

    def _take_next(self) -> bytes:
        """Return the next frame as a chunk; after the last one, the end of the body."""
        at, self._next = self._next, self._next + 1
        if at == len(self._left):
            self.is_pacing = False
            return b"0\r\n\r\n"
        self.chain.reply.sent.append(time.monotonic())
        return b"%x\r\n%b\r\n" % (len(self._left[at]), self._left[at])


def frame(name: str, payload: Mapping[str, object]) -> bytes:
    """Return an event of ConverseStream as a frame (smithy.io/2.0/aws/amazon-eventstream.html)."""
    values = {":event-type": name, ":content-type": "application/json", ":message-type": "event"}
    headers = b"".join(
        bytes([len(key)]) + key.encode() + b"\x07" + len(value).to_bytes(2, "big") + value.encode()
        for key, value in values.items()
    )
    body = json.dumps(payload).encode()
    prelude = (len(headers) + len(body) + 16).to_bytes(4, "big") + len(headers).to_bytes(4, "big")
    whole = prelude + crc32(prelude).to_bytes(4, "big") + headers + body
    return whole + crc32(whole).to_bytes(4, "big")


def _listening() -> socket.socket:
    return socket.create_server(("127.0.0.1", 0))


def _event_response(event: bytes) -> bytes:
    deadline = int((time.time() + 300) * 1000)
    head = (
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
        "Lambda-Runtime-Aws-Request-Id: 8476a536-e9f4-11e8-9739-2dfe598c3fcd\r\n"
        "Lambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:eu-west-1:123456789012:function:f\r\n"
        f"Lambda-Runtime-Deadline-Ms: {deadline}\r\nContent-Length: {len(event)}\r\n\r\n"
    )
    return head.encode() + event
