"""A sandbox: a process of the function, and the Lambda Runtime API (2018-06-01) that it speaks to.

API: docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html; streaming: …/runtimes-custom.html.
"""

import json
import os
import re
import signal
import subprocess
import threading
import time
from contextlib import suppress
from typing import Any, Protocol

from ..http11.gate import Gate
from ..http11.server import Exchange, Server
from ..journal import Journal
from .deployment import Deployment
from .invocation import BUFFERED_LIMIT, Ending, Invocation, accept, refuse
from .output import Output

VERSION = "/2018-06-01/runtime"
INVOCATION = re.compile(re.escape(VERSION) + r"/invocation/([^/]+)/(response|error)")
INIT_TIMEOUT = 10.0
"""Seconds until a sandbox must have asked for its first event; the function's timeout if that is longer."""
DRAIN_TIMEOUT = 1.0
"""Seconds at most to read what a process sent before it ended by itself."""


class Owner(Protocol):
    """The part of ``Function`` that a sandbox uses."""

    @property
    def deployment(self) -> Deployment:
        """How the function is deployed."""

    @property
    def journal(self) -> Journal:
        """Where the sandbox notes what happens."""

    def changed(self) -> None:
        """Called when a sandbox has become idle."""

    def gone(self, sandbox: "Sandbox") -> None:
        """Called when the process of a sandbox has ended."""

    def wrote(self, line: str) -> None:
        """Called with each line that a sandbox writes."""


class Sandbox:
    """A process and the Runtime API that it calls; one invocation at a time.

    It asks for the next event (idle), receives it (busy), responds, and asks again.
    """

    def __init__(self, function: Owner, first: Invocation | None) -> None:
        """Start the process. ``first`` is the invocation that needs it; None if it is started ahead of any request."""
        self._function = function
        self._journal = function.journal
        self._deployment = function.deployment
        self._lock = threading.RLock()
        self._offered = Gate()
        self._invocation: Invocation | None = first
        self._event_id = ""
        self._may_respond = False
        self._asks_for_event = False
        self._kill_reason: Ending | None = None
        self._initialised = False
        self.init_error: Any = None
        """What the function sent to ``/init/error``."""
        with self._lock:
            self._server = Server(self._respond)
            self._process = self._start()
            self._lines = Output(self._process, function.wrote)
            self._clock = self._start_clock(max(INIT_TIMEOUT, self._deployment.timeout), Ending.INIT_FAILED)
            self._thread = threading.Thread(target=self._watch, daemon=True)
            self._thread.start()

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @property
    def exit_status(self) -> int | None:
        """The process's exit status, negative for a signal; None while it runs."""
        return self._process.returncode

    @property
    def is_idle(self) -> bool:
        """Whether the process has asked for an event and has not been given one."""
        with self._lock:
            return self._asks_for_event and self._invocation is None

    def offer(self, invocation: Invocation) -> bool:
        """Give the sandbox an invocation if it is idle; return whether it was."""
        with self._lock:
            if not self.is_idle:
                return False
            self._invocation = invocation
            self._offered.open()
            return True

    def kill(self, reason: Ending) -> None:
        """Kill the process at once, as Lambda does."""
        with self._lock:
            self._asks_for_event = False
            if self._kill_reason is None:
                self._kill_reason = reason
            if self._invocation is not None:
                # before the process is killed: the connection that then breaks must not count as the ending
                self._invocation.finish(self._kill_reason)
            if self._process.returncode is None:
                with suppress(ProcessLookupError):  # it has just ended
                    os.killpg(self._process.pid, signal.SIGKILL)

    def hang_up(self) -> None:
        """End the Runtime API while the process runs; it gets no further event."""
        with self._lock:
            self._asks_for_event = False
            invocation = self._invocation
        if invocation is not None:
            invocation.reset()
        self._server.close()

    def join(self) -> None:
        """Return when process and threads have ended."""
        self._thread.join()

    def _start(self) -> subprocess.Popen[bytes]:
        try:
            return subprocess.Popen(  # noqa: S603 - the deployed function
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
        """Read the output until the process ends, then finish its invocation."""
        self._lines.follow()
        with self._lock:
            self._asks_for_event = False
        self._process.wait()
        self._clock.cancel()  # the process has ended: the timeout does not cover reading what it sent before
        if self._kill_reason is None:
            self._server.wait_for_connections(DRAIN_TIMEOUT)
        with self._lock:
            invocation = self._invocation
            reason = self._kill_reason or (Ending.CRASHED if self._initialised else Ending.INIT_FAILED)
        if invocation is not None:
            invocation.finish(reason)
            invocation.forwarded()  # there is no process left to accept the response
        self._server.close()
        self._stop_clock()
        self._offered.close()
        self._lines.close()
        self._function.gone(self)

    def _respond(self, exchange: Exchange) -> None:
        with self._lock:
            lines = self._lines
        lines.catch_up()  # in the journal, what the process wrote before this call must come before the call
        found = INVOCATION.fullmatch(exchange.path)
        match exchange.command, exchange.path.removeprefix(VERSION):
            case "GET", "/invocation/next":
                self._next(exchange)
            case "POST", "/init/error":
                self._init_error(exchange)
            case "POST", _ if found:
                self._receive_result(exchange, found[1], found[2])
            case _:
                exchange.send(404, [], b"")

    def _next(self, exchange: Exchange) -> None:
        with self._lock:
            is_busy = self._initialised and self._invocation is not None
        if is_busy:
            refuse(exchange, 403, "InvalidStateTransition")
            return
        self._stop_clock()
        with self._lock:
            self._asks_for_event = True
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
            self._asks_for_event, self._may_respond, self._event_id = False, True, invocation.id
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

    def _receive_result(self, exchange: Exchange, invocation_id: str, kind: str) -> None:
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
            refuse(exchange, *refusal)
            exchange.cut()  # its body was not read
        elif kind == "error":
            invocation.error = _document(exchange.read_body(BUFFERED_LIMIT))
            invocation.finish(Ending.ERROR)
            self._free()
            accept(exchange)
        else:
            invocation.receive(exchange, self._free)

    def _free(self) -> None:
        """Let the sandbox ask for the next event; it counts as busy until it does."""
        with self._lock:
            self._invocation = None

    def _init_error(self, exchange: Exchange) -> None:
        with self._lock:
            invocation = self._invocation
        if self._initialised:
            refuse(exchange, 403, "InvalidStateTransition")
            exchange.cut()
            return
        self.init_error = _document(exchange.read_body(BUFFERED_LIMIT))
        if invocation is not None:
            invocation.error = self.init_error
            invocation.finish(Ending.INIT_FAILED)
        accept(exchange)


def _document(body: bytes) -> Any:  # noqa: ANN401 - whatever the function sent
    try:
        return json.loads(body)
    except ValueError:
        return body
