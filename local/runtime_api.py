"""The Lambda Runtime API (2018-06-01), serving side, and the sandboxes that run a function against it.

API: docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html; streaming: …/runtimes-custom.html.
"""

import json
import os
import re
import select
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from .http11 import Exchange, Gate, Server, TooLarge
from .journal import Journal

VERSION = "/2018-06-01/runtime"
INVOCATION = re.compile(re.escape(VERSION) + r"/invocation/([^/]+)/(response|error)")
STREAMING_TYPE = "application/vnd.awslambda.http-integration-response"
BUFFERED_LIMIT = 6 * 1024 * 1024 + 100
"""Bytes of a response that does not stream."""
ERROR_TYPE = "lambda-runtime-function-error-type"
INIT_LIMIT = 10.0
"""Seconds that a sandbox has to ask for its first event; where it takes longer, up to the function's timeout."""
LAST_WORDS = 1.0
"""Seconds at most to take in what a process sent before it died by itself."""
QUEUE = 64
"""Chunks that wait for a reader before the function's write blocks."""
ACCOUNT, REGION = "123456789012", "eu-west-1"
PATIENCE = 30.0
"""Seconds that ``settled`` and ``reset`` wait at most: a safety net, no measure of time."""


class Ending(StrEnum):
    """How an invocation ended."""

    COMPLETE = "complete"
    CUT = "cut"
    """The response ended with error trailers."""
    TRUNCATED = "truncated"
    """The function's connection ended inside the response."""
    RESET = "reset"
    """The platform reset the invocation: on request only."""
    ERROR = "error"
    """The function reported an error before its response."""
    CRASHED = "crashed"
    TIMED_OUT = "timed out"
    INIT_FAILED = "init failed"
    THROTTLED = "throttled"
    """No sandbox was free, and no further one was allowed."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """A function as deployed: where its files are and how it is configured."""

    root: Path
    """The task root: an unpacked bundle (``bootstrap`` at its root) or a checkout (``function/bootstrap``)."""
    environment: Mapping[str, str | None] = field(default_factory=dict)
    """The function's own variables; they win over the platform's, and None removes one."""
    python: str = sys.executable
    name: str = "streaming-llm"
    handler: str = "function.handler.handle"
    timeout: float = 120
    """Seconds until an invocation's sandbox is killed."""
    memory: int = 1024
    """Megabytes: what the function is told, not a limit."""
    concurrency: int = 10
    """Sandboxes at a time."""

    @property
    def arn(self) -> str:
        """The function's ARN."""
        return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{self.name}"

    @property
    def bootstrap(self) -> Path:
        """What ``AWS_LAMBDA_EXEC_WRAPPER`` names."""
        at_root = self.root / "bootstrap"
        return at_root if at_root.exists() else self.root / "function" / "bootstrap"

    def environ(self, runtime_api: str) -> dict[str, str]:
        """Return the whole environment of a sandbox: Lambda's variables and the function's own, nothing else."""
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        variables = {
            "_HANDLER": self.handler,
            "AWS_ACCESS_KEY_ID": "twin",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_EXECUTION_ENV": f"AWS_Lambda_python{version}",
            "AWS_LAMBDA_EXEC_WRAPPER": str(self.bootstrap),
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(self.memory),
            "AWS_LAMBDA_FUNCTION_NAME": self.name,
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{self.name}",
            "AWS_LAMBDA_LOG_STREAM_NAME": f"{time.strftime('%Y/%m/%d')}/[$LATEST]{uuid.uuid4().hex}",
            "AWS_LAMBDA_RUNTIME_API": runtime_api,
            "AWS_REGION": REGION,
            "AWS_SECRET_ACCESS_KEY": "twin",
            "AWS_SESSION_TOKEN": "twin",
            "LAMBDA_RUNTIME_DIR": "/var/runtime",
            "LAMBDA_TASK_ROOT": str(self.root),
            "LANG": "en_US.UTF-8",
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "TZ": ":UTC",
            **self.environment,
        }
        return {name: value for name, value in variables.items() if value is not None}


class Invocation:
    """One event on its way through the function, and everything that came back.

    Whoever invoked takes the body chunk by chunk and says ``forwarded`` when it has passed everything on;
    only then is the function told that its response was accepted.
    """

    def __init__(self, event: bytes, trace_id: str, journal: Journal) -> None:
        self.id = str(uuid.uuid4())
        self.event = event
        self.trace_id = trace_id
        self.chunks: list[bytes] = []
        """The response's chunks as the function framed them."""
        self.chunk_times: list[float] = []
        """When each chunk was in, by the monotonic clock."""
        self.raw = b""
        """The whole request to ``/response``: start line, fields, frames and trailers."""
        self.content_type = ""
        self.trailers: dict[str, str] = {}
        """The trailers that count, because the request announced them."""
        self.error: Any = None
        """What the function sent to ``/error`` or ``/init/error``."""
        self.ending: Ending | None = None
        self._journal = journal
        self._waiting: deque[bytes] = deque()
        self._changed = threading.Condition()
        self._stalled = False
        self._is_reset = False
        self._is_forwarded = False
        self._is_received = False
        self._exchange: Exchange | None = None

    def take(self, seconds: float | None = None) -> bytes | None:
        """Return the next chunk, or None at the end.

        Raises:
            TimeoutError: there was neither within so many seconds.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: self._waiting or self.ending, seconds):
                raise TimeoutError
            if not self._waiting:
                return None
            self._changed.notify_all()
            return self._waiting.popleft()

    def forwarded(self) -> None:
        """Say that whatever came has been passed on."""
        with self._changed:
            self._is_forwarded = True
            self._changed.notify_all()

    def read(self) -> bytes:
        """Take everything: for a caller that is no gateway."""
        body = bytearray()
        while chunk := self.take():
            body += chunk
        self.forwarded()
        return bytes(body)

    def reset(self) -> None:
        """Reset the invocation as the platform may: from the return on, every write of the response fails."""
        with self._changed:
            self._is_reset = True
            if self._exchange is not None:
                self._exchange.stop_reading()
                self._changed.notify_all()
                self._changed.wait_for(lambda: self._is_received, PATIENCE)

    def stall(self) -> None:
        """Read no more of the response, so that the function's writes block once the buffers are full."""
        with self._changed:
            self._stalled = True

    def resume(self) -> None:
        """Read on."""
        with self._changed:
            self._stalled = False
            self._changed.notify_all()

    def finish(self, ending: Ending) -> None:
        """Set the ending; the first one stands."""
        with self._changed:
            if self.ending is None:
                self.ending = ending
                self._journal.note("response end" if ending in {Ending.COMPLETE, Ending.CUT} else ending, self.id)
            self._changed.notify_all()

    def receive(self, exchange: Exchange, on_end: Callable[[], None]) -> None:
        """Take the response that comes in, whole or streamed, and answer when it has been passed on.

        ``on_end`` is called before that: the function may ask for its next event as soon as it has the answer.
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
            self.finish(Ending.RESET if self._is_reset else Ending.TRUNCATED)
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
            _refuse(exchange, 413, "RequestEntityTooLarge")
        elif self.ending is Ending.TRUNCATED:
            _refuse(exchange, 400, "TruncatedHTTPRequest")
        else:
            self._journal.note("accepted", self.id)
            _accept(exchange)

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
        return not self._stalled and len(self._waiting) < QUEUE


class Function:
    """A deployed function: as many sandboxes as there are requests at a time, up to a limit."""

    def __init__(
        self, deployment: Deployment, journal: Journal | None = None, on_output: Callable[[str], None] = lambda _: None
    ) -> None:
        """Deploy; ``on_output`` gets each line that the function writes, while it is read."""
        self.deployment = deployment
        self.journal = journal or Journal()
        self.invocations: deque[Invocation] = deque(maxlen=2000)
        """The latest ones, the oldest first."""
        self.output: deque[str] = deque(maxlen=20_000)
        """The latest lines of all sandboxes."""
        self.sandboxes_started = 0
        self._on_output = on_output
        self._changed = threading.Condition()
        self._sandboxes: list[Sandbox] = []
        self._is_closed = False

    def invoke(self, event: bytes, trace_id: str = "") -> Invocation:
        """Give the event to an idle sandbox, else to a new one; return at once."""
        invocation = Invocation(event, trace_id, self.journal)
        with self._changed:
            self.invocations.append(invocation)
            if not any(sandbox.takes(invocation) for sandbox in self._sandboxes):
                self._start_sandbox(invocation)
        return invocation

    def _start_sandbox(self, invocation: Invocation) -> None:
        if len(self._sandboxes) >= self.deployment.concurrency or self._is_closed:
            invocation.finish(Ending.THROTTLED)
            return
        self.sandboxes_started += 1
        try:
            self._sandboxes.append(Sandbox(self, invocation))
        except OSError as error:
            self.wrote(f"The sandbox does not start: {error}")
            invocation.finish(Ending.INIT_FAILED)

    def invoked(self, number: int = 1) -> Invocation:
        """Return the invocation of this number (from 1), once there is one.

        Raises:
            TimeoutError: it does not come.
        """
        self.journal.wait("event", number)
        return self.invocations[number - 1]

    def settled(self) -> None:
        """Return once every sandbox waits for its next event.

        Raises:
            TimeoutError: one does not.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: all(it.is_idle for it in self._sandboxes), PATIENCE):
                raise TimeoutError("A sandbox is still busy.")

    def hang_up(self) -> None:
        """Let the Runtime API go away under every sandbox; the processes are left to notice it themselves."""
        with self._changed:
            sandboxes = list(self._sandboxes)
        for sandbox in sandboxes:
            sandbox.hang_up()

    @property
    def processes(self) -> list[int]:
        """The process ids of the sandboxes that live."""
        with self._changed:
            return [sandbox.pid for sandbox in self._sandboxes]

    def changed(self) -> None:
        """Hear from a sandbox that it is idle."""
        with self._changed:
            self._changed.notify_all()

    def gone(self, sandbox: "Sandbox") -> None:
        """Hear from a sandbox that its process has ended."""
        with self._changed:
            self._sandboxes.remove(sandbox)
            self._changed.notify_all()
        self.journal.note("gone", str(sandbox.exit_status))

    def wrote(self, line: str) -> None:
        """Hear from a sandbox that it has written a line."""
        self.output.append(line)
        self.journal.note("output", line)
        self._on_output(line)

    def close(self) -> None:
        """Kill every sandbox; return when no process and no thread is left."""
        with self._changed:
            self._is_closed = True
            sandboxes = list(self._sandboxes)
        for sandbox in sandboxes:
            sandbox.kill(Ending.CRASHED)
        for sandbox in sandboxes:
            sandbox.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


class Sandbox:
    """A process and the Runtime API that it speaks to; one invocation at a time.

    It asks for the next event (idle), has got it (busy), has responded, and asks again.
    """

    def __init__(self, function: Function, first: Invocation) -> None:
        self._function = function
        self._journal = function.journal
        self._deployment = function.deployment
        self._lock = threading.RLock()
        self._offered = Gate()
        self._invocation: Invocation | None = first
        self._event_id = ""
        self._may_respond = False
        self._asks = False
        self._kill_reason: Ending | None = None
        self._initialised = False
        with self._lock:
            self._server = Server(self._respond)
            self._process = self._start()
            self._lines = _Lines(self._process, function.wrote)
            self._clock = self._start_clock(max(INIT_LIMIT, self._deployment.timeout), Ending.INIT_FAILED)
            self._thread = threading.Thread(target=self._watch, daemon=True)
            self._thread.start()

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @property
    def exit_status(self) -> int | None:
        """The process's exit status, negative for a signal; None while it lives."""
        return self._process.returncode

    @property
    def is_idle(self) -> bool:
        """It has asked for an event, and there is none for it yet."""
        with self._lock:
            return self._asks and self._invocation is None

    def takes(self, invocation: Invocation) -> bool:
        """Give it an event, if it is idle."""
        with self._lock:
            if not self.is_idle:
                return False
            self._invocation = invocation
            self._offered.open()
            return True

    def kill(self, reason: Ending) -> None:
        """Kill the process, as the platform does: at once."""
        with self._lock:
            self._asks = False
            if self._kill_reason is None:
                self._kill_reason = reason
            if self._invocation is not None:
                self._invocation.finish(self._kill_reason)  # before its connection ends, which looks like another end
            if self._process.returncode is None:
                with suppress(ProcessLookupError):  # it has just ended
                    os.killpg(self._process.pid, signal.SIGKILL)

    def hang_up(self) -> None:
        """End the Runtime API while the process lives; no further event is given to it."""
        with self._lock:
            self._asks = False
            invocation = self._invocation
        if invocation is not None:
            invocation.reset()
        self._server.close()

    def join(self) -> None:
        """Return when process and threads have ended."""
        self._thread.join()

    def _start(self) -> subprocess.Popen[bytes]:
        try:
            return subprocess.Popen(  # noqa: S603 - what is deployed is what is to run
                [str(self._deployment.bootstrap), self._deployment.python, "/var/runtime/bootstrap.py"],
                cwd=self._deployment.root,
                env=self._deployment.environ(f"127.0.0.1:{self._server.port}"),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError:
            self._server.close()
            raise

    def _start_clock(self, seconds: float, reason: Ending) -> threading.Timer:
        clock = threading.Timer(seconds, self.kill, [reason])
        clock.daemon = True
        clock.start()
        return clock

    def _stop_clock(self) -> None:
        self._clock.cancel()
        self._clock.join()

    def _watch(self) -> None:
        """Follow the process to its end, then tell who waits for it."""
        self._lines.follow()
        with self._lock:
            self._asks = False  # what it was given up to now it has not survived
        self._process.wait()
        self._clock.cancel()  # it ended by itself, however long its last words take
        if self._kill_reason is None:
            self._server.settle(LAST_WORDS)
        with self._lock:
            invocation = self._invocation
            reason = self._kill_reason or (Ending.CRASHED if self._initialised else Ending.INIT_FAILED)
        if invocation is not None:
            invocation.finish(reason)
            invocation.forwarded()  # nobody is left to be told
        self._server.close()
        self._stop_clock()
        self._offered.close()
        self._lines.close()
        self._function.gone(self)

    def _respond(self, exchange: Exchange) -> None:
        with self._lock:
            lines = self._lines
        lines.catch_up()  # what it wrote before it asked comes first
        found = INVOCATION.fullmatch(exchange.path)
        match exchange.command, exchange.path.removeprefix(VERSION):
            case "GET", "/invocation/next":
                self._next(exchange)
            case "POST", "/init/error":
                self._init_error(exchange)
            case "POST", _ if found:
                self._outcome(exchange, found[1], found[2])
            case _:
                exchange.send(404, [], b"")

    def _next(self, exchange: Exchange) -> None:
        with self._lock:
            is_busy = self._initialised and self._invocation is not None
        if is_busy:
            _refuse(exchange, 403, "InvalidStateTransition")
            return
        self._stop_clock()
        with self._lock:
            self._asks = True
            if self._invocation is None:
                self._offered.close()
                self._offered = Gate()
            else:
                self._offered.open()
            self._initialised = True
            self._journal.note("next", "")
        self._function.changed()
        exchange.wait(self._offered)
        with self._lock:
            invocation = self._invocation
            assert invocation is not None  # noqa: S101 - the gate opens with an event
            self._asks, self._may_respond, self._event_id = False, True, invocation.id
            self._clock = self._start_clock(self._deployment.timeout, Ending.TIMED_OUT)
        self._journal.note("event", invocation.id)
        exchange.send(200, self._event_fields(invocation), invocation.event)

    def _event_fields(self, invocation: Invocation) -> list[tuple[str, str]]:
        deadline = int((time.time() + self._deployment.timeout) * 1000)
        fields = {
            "Content-Type": "application/json",
            "Lambda-Runtime-Aws-Request-Id": invocation.id,
            "Lambda-Runtime-Trace-Id": invocation.trace_id,
            "Lambda-Runtime-Invoked-Function-Arn": self._deployment.arn,
            "Lambda-Runtime-Deadline-Ms": str(deadline),
        }
        return [(name, value) for name, value in fields.items() if value]

    def _outcome(self, exchange: Exchange, invocation_id: str, kind: str) -> None:
        invocation = None
        with self._lock:
            if invocation_id != self._event_id:
                refusal = 400, "InvalidRequestID"
            elif not self._may_respond:
                refusal = 403, "InvalidStateTransition"
            elif exchange.headers.get("Lambda-Runtime-Function-Response-Mode", "streaming") != "streaming":
                refusal = 400, "InvalidFunctionResponseMode"
            else:
                self._may_respond = False
                invocation = self._invocation
        if invocation is None:
            _refuse(exchange, *refusal)
            exchange.cut()  # the body was not read
        elif kind == "error":
            self._error(exchange, invocation, Ending.ERROR)
        else:
            invocation.receive(exchange, self._free)

    def _free(self) -> None:
        """From now on the sandbox may ask for the next event; it is busy until it does."""
        with self._lock:
            self._invocation = None

    def _init_error(self, exchange: Exchange) -> None:
        with self._lock:
            invocation = self._invocation
        if self._initialised or invocation is None:
            _refuse(exchange, 403, "InvalidStateTransition")
            exchange.cut()
        else:
            self._error(exchange, invocation, Ending.INIT_FAILED)

    def _error(self, exchange: Exchange, invocation: Invocation, ending: Ending) -> None:
        body = exchange.read_body(BUFFERED_LIMIT)
        try:
            invocation.error = json.loads(body)
        except ValueError:
            invocation.error = body
        invocation.finish(ending)
        if ending is Ending.ERROR:
            self._free()
        _accept(exchange)


class _Lines:
    """A process's output, line by line: read by a thread of its own, or at once by whoever needs it complete."""

    def __init__(self, process: subprocess.Popen[bytes], on_line: Callable[[str], None]) -> None:
        assert process.stdout is not None  # noqa: S101 - it was started with a pipe
        self._pipe = process.stdout
        self._on_line = on_line
        self._rest = b""
        self._is_open = True
        self._lock = threading.Lock()

    def follow(self) -> None:
        """Read until the end."""
        watch = select.poll()
        watch.register(self._pipe, select.POLLIN)
        while self._is_open:
            watch.poll()
            self.catch_up()

    def catch_up(self) -> None:
        """Read what the process has written so far."""
        with self._lock:
            watch = select.poll()
            watch.register(self._pipe, select.POLLIN)
            while self._is_open and watch.poll(0):
                data = os.read(self._pipe.fileno(), 65_536)
                self._is_open = bool(data)
                self._split(data)

    def _split(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        if not data and self._rest:
            lines, self._rest = [self._rest], b""
        for line in lines:
            self._on_line(line.decode(errors="replace"))

    def close(self) -> None:
        self._pipe.close()


def _accept(exchange: Exchange) -> None:
    exchange.send(202, [("Content-Type", "application/json")], b'{"status":"OK"}\n')


def _refuse(exchange: Exchange, status: int, kind: str) -> None:
    body = json.dumps({"errorMessage": f"State of the invocation: {kind}", "errorType": kind})
    exchange.send(status, [("Content-Type", "application/json")], body.encode())
