"""A deployed function: it starts a sandbox for each request that arrives while the others are busy."""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self

from ..journal import Journal
from .deployment import Deployment
from .invocation import Ending, Invocation
from .sandbox import Sandbox

WAIT_LIMIT = 30.0
"""Seconds that ``wait_until_idle`` waits at most, so that a mistake does not block for ever."""


class StartFailed(Exception):
    """A sandbox ended before it asked for its first event; the message is what the function reported."""

    def __init__(self, kind: str, message: str, trace: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.kind = kind
        """The type of the error, as the function reported it; empty if it reported none."""
        self.trace = trace
        """The lines of its stack trace, the innermost frame last."""


class Function:
    """Runs as many sandboxes as there are requests at the same time, up to the deployment's concurrency."""

    def __init__(
        self, deployment: Deployment, journal: Journal | None = None, on_output: Callable[[str], None] = lambda _: None
    ) -> None:
        """Start nothing yet. ``on_output`` is called with each line that the function writes, while it is read."""
        self.deployment = deployment
        self.journal = journal or Journal()
        self.invocations: deque[Invocation] = deque(maxlen=2000)
        """The latest invocations, the oldest first."""
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
            if not any(sandbox.offer(invocation) for sandbox in self._sandboxes):
                self._start_sandbox(invocation)
        return invocation

    def start(self) -> None:
        """Start a sandbox ahead of any request, as provisioned concurrency does; return when it waits for an event.

        Raises:
            StartFailed: the process could not be started, or ended before it asked for an event.
        """
        with self._changed:
            try:
                sandbox = Sandbox(self, None)
            except OSError as error:
                raise StartFailed("", f"{self.deployment.bootstrap}: {error}") from error
            self.sandboxes_started += 1
            self._sandboxes.append(sandbox)
            self._changed.wait_for(lambda: sandbox.is_idle or sandbox not in self._sandboxes)
            if sandbox in self._sandboxes:
                return
        match sandbox.init_error:
            case {"errorType": str(kind), "errorMessage": str(message), "stackTrace": [*trace]}:
                raise StartFailed(kind, message, list(map(str, trace)))
            case {"errorType": str(kind), "errorMessage": str(message)}:
                raise StartFailed(kind, message)
            case _:
                last = self.output[-1] if self.output else f"its process ended with status {sandbox.exit_status}"
                raise StartFailed("", last)

    def _start_sandbox(self, invocation: Invocation) -> None:
        limit = self.deployment.concurrency
        if len(self._sandboxes) >= limit and not self._is_closed:
            self.wrote(f"A request was refused with 500: the local function answers at most {limit} requests at once.")
        if len(self._sandboxes) >= limit or self._is_closed:
            invocation.finish(Ending.THROTTLED)
            return
        self.sandboxes_started += 1
        try:
            self._sandboxes.append(Sandbox(self, invocation))
        except OSError as error:
            self.wrote(f"The sandbox did not start: {error}")
            invocation.finish(Ending.INIT_FAILED)

    def wait_for_invocation(self, number: int = 1) -> Invocation:
        """Return the invocation of this number (from 1) once a sandbox has received its event.

        Raises:
            TimeoutError: that does not happen within 30 seconds.
        """
        self.journal.wait("event", number)
        return self.invocations[number - 1]

    def wait_until_idle(self) -> None:
        """Return once every sandbox waits for its next event.

        Raises:
            TimeoutError: one is still busy after 30 seconds.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: all(sandbox.is_idle for sandbox in self._sandboxes), WAIT_LIMIT):
                raise TimeoutError("A sandbox is still busy.")

    def hang_up(self) -> None:
        """Close the Runtime API of every sandbox while its process runs; the process has to notice."""
        with self._changed:
            sandboxes = list(self._sandboxes)
        for sandbox in sandboxes:
            sandbox.hang_up()

    @property
    def processes(self) -> list[int]:
        """The process ids of the sandboxes that run."""
        with self._changed:
            return [sandbox.pid for sandbox in self._sandboxes]

    def changed(self) -> None:
        """Called by a sandbox that has become idle."""
        with self._changed:
            self._changed.notify_all()

    def gone(self, sandbox: "Sandbox") -> None:
        """Called by a sandbox whose process has ended."""
        with self._changed:
            self._sandboxes.remove(sandbox)
            self._changed.notify_all()
        self.journal.note("gone", str(sandbox.exit_status))

    def wrote(self, line: str) -> None:
        """Called by a sandbox with each line that it writes."""
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
