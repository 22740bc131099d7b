"""One event on its way through a function, and everything that the function sends back."""

import json
import threading
import uuid
from collections import deque
from collections.abc import Callable
from enum import StrEnum
from typing import Any

from ..http11.server import Exchange, TooLarge
from ..journal import Journal

STREAMING_TYPE = "application/vnd.awslambda.http-integration-response"
BUFFERED_LIMIT = 6 * 1024 * 1024 + 100
"""Bytes of a response that does not stream."""
ERROR_TYPE = "lambda-runtime-function-error-type"
QUEUE_LIMIT = 64
"""Chunks that may wait for a reader; the next one blocks the function's write."""
WAIT_LIMIT = 30.0
"""Seconds that ``reset`` waits at most, so that a mistake does not block for ever."""


class Ending(StrEnum):
    """How an invocation ended."""

    COMPLETE = "complete"
    CUT = "cut"
    """The response ended with error trailers."""
    TRUNCATED = "truncated"
    """The function's connection ended inside the response."""
    RESET = "reset"
    """The caller has called ``reset``."""
    ERROR = "error"
    """The function reported an error before its response."""
    CRASHED = "crashed"
    TIMED_OUT = "timed out"
    INIT_FAILED = "init failed"
    THROTTLED = "throttled"
    """No sandbox was free, and no further one was allowed."""


class Invocation:
    """An event, and the function's response to it.

    The caller takes the body chunk by chunk, passes it on, and then calls ``forwarded``: only after that the
    function learns that its response was accepted.
    """

    def __init__(self, event: bytes, trace_id: str, journal: Journal) -> None:
        self.id = str(uuid.uuid4())
        self.event = event
        self.trace_id = trace_id
        self.chunks: list[bytes] = []
        """The response's chunks as the function framed them."""
        self.chunk_times: list[float] = []
        """When each chunk was complete, by the monotonic clock."""
        self.raw = b""
        """The whole request to ``/response``: start line, fields, frames and trailers."""
        self.content_type = ""
        self.trailers: dict[str, str] = {}
        """The trailers that the request announced; HTTP requires that others are ignored."""
        self.error: Any = None
        """What the function sent to ``/error`` or ``/init/error``."""
        self.ending: Ending | None = None
        self._journal = journal
        self._waiting: deque[bytes] = deque()
        self._changed = threading.Condition()
        self._stalled = False
        self._is_reset = False
        self._reset_ending = Ending.RESET
        self._is_forwarded = False
        self._is_received = False
        self._exchange: Exchange | None = None

    def take(self, seconds: float | None = None) -> bytes | None:
        """Return the next chunk, or None at the end.

        Raises:
            TimeoutError: neither has come within ``seconds``.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: self._waiting or self.ending, seconds):
                raise TimeoutError
            if not self._waiting:
                return None
            self._changed.notify_all()
            return self._waiting.popleft()

    def forwarded(self) -> None:
        """Note that everything has been passed on."""
        with self._changed:
            self._is_forwarded = True
            self._changed.notify_all()

    def read(self) -> bytes:
        """Take the response to its end and call ``forwarded``: for a caller that is not a gateway."""
        body = bytearray()
        while chunk := self.take():
            body += chunk
        self.forwarded()
        return bytes(body)

    def wait_for_chunks(self, count: int, seconds: float) -> None:
        """Wait until the function has sent so many chunks of its response, or its response has ended.

        Raises:
            TimeoutError: neither happens within ``seconds``.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: len(self.chunks) >= count or self.ending, seconds):
                raise TimeoutError

    def reset(self, ending: Ending = Ending.RESET) -> None:
        """Reset the invocation, as Lambda may do at any time: from now on every write of the response fails.

        ``ending`` is what the caller of the function sees of it.
        """
        with self._changed:
            self._is_reset, self._reset_ending = True, ending
            if self._exchange is not None:
                self._exchange.stop_reading()
                self._changed.notify_all()
                self._changed.wait_for(lambda: self._is_received, WAIT_LIMIT)

    def stall(self) -> None:
        """Stop reading the response, so that the function's writes block once the buffers are full."""
        with self._changed:
            self._stalled = True

    def resume(self) -> None:
        """Continue to read the response."""
        with self._changed:
            self._stalled = False
            self._changed.notify_all()

    def finish(self, ending: Ending) -> None:
        """Set the ending, unless it is set already."""
        with self._changed:
            if self.ending is None:
                self.ending = ending
                self._journal.note("response end" if ending in {Ending.COMPLETE, Ending.CUT} else ending, self.id)
            self._changed.notify_all()

    def receive(self, exchange: Exchange, on_end: Callable[[], None]) -> None:
        """Receive the function's response, buffered or streamed, and accept it when it has been passed on.

        ``on_end`` is called before: the function may ask for its next event as soon as its response is accepted.
        """
        with self._changed:
            self._exchange = exchange
            self.content_type = exchange.headers.get("Content-Type", "application/octet-stream")
        self._journal.note("response", self.id)
        try:
            self._receive(exchange, on_end)
        finally:
            with self._changed:
                self._is_received = True
                self._changed.notify_all()

    def _receive(self, exchange: Exchange, on_end: Callable[[], None]) -> None:
        is_too_large = False
        try:
            self.finish(self._relay(exchange))
        except ConnectionError:
            self.finish(self._reset_ending if self._is_reset else Ending.TRUNCATED)
        except TooLarge:
            is_too_large = True
            self.finish(Ending.ERROR)
        finally:
            self.raw = bytes(exchange.raw)
        with self._changed:
            self._changed.wait_for(lambda: self._is_forwarded or self._is_reset or is_too_large)
        on_end()
        if self._is_reset:
            exchange.reset()
        elif is_too_large:
            refuse(exchange, 413, "RequestEntityTooLarge")
        elif self.ending is Ending.TRUNCATED:
            refuse(exchange, 400, "TruncatedHTTPRequest")
        else:
            self._journal.note("accepted", self.id)
            accept(exchange)

    def _relay(self, exchange: Exchange) -> Ending:
        if not exchange.is_chunked:
            self._put(exchange.read_body(BUFFERED_LIMIT))
            return Ending.COMPLETE
        announced = [name.strip().lower() for name in ",".join(exchange.headers.get_all("Trailer", [])).split(",")]
        for chunk in exchange.read_chunks():
            self._put(chunk)
        self.trailers = {name: value for name, value in exchange.trailers.items() if name in announced}
        return Ending.CUT if ERROR_TYPE in self.trailers else Ending.COMPLETE

    def _put(self, chunk: bytes) -> None:
        if self._is_reset:
            raise ConnectionResetError
        self.chunks.append(chunk)
        self.chunk_times.append(self._journal.note("chunk", self.id))
        with self._changed:
            self._waiting.append(chunk)
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._is_reset or self.ending or self._has_room())
            if self._is_reset or self.ending:
                raise ConnectionResetError

    def _has_room(self) -> bool:
        return not self._stalled and len(self._waiting) < QUEUE_LIMIT


def accept(exchange: Exchange) -> None:
    """Respond to a call of the Runtime API that was accepted."""
    exchange.send(202, [("Content-Type", "application/json")], b'{"status":"OK"}\n')


def refuse(exchange: Exchange, status: int, kind: str) -> None:
    """Respond to a call of the Runtime API that was refused. ``kind`` is the error type in Lambda's words."""
    body = json.dumps({"errorMessage": f"State of the invocation: {kind}", "errorType": kind})
    exchange.send(status, [("Content-Type", "application/json")], body.encode())
