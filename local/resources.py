"""The processes, folders and servers of a command: they are closed whichever way the command ends."""

import os
import signal
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Any, Final, Self, TypeVar

T = TypeVar("T")

CLOSE_TIMEOUT: Final = 5.0
"""Seconds that an interrupted command takes at most to close its resources."""


class Resources:
    """Holds resources and closes them, the latest first: when the block ends, or when a signal comes.

    Python runs a signal's handler between any two steps of the main thread, for example after a process was started
    but before it was added to the list. So the handlers do nothing here: the signal wakes a thread, and that thread
    ends the process once no resource is half made.
    """

    def __init__(self) -> None:
        self.status_on_interrupt = 128 + signal.SIGINT
        """The exit status after Ctrl-C."""
        self._held: list[AbstractContextManager[Any]] = []
        self._lock = threading.Lock()
        self._wakeup: tuple[socket.socket, ...] = ()
        """Both ends of a connection to which Python writes signals. It stays open: a second Ctrl-C may follow."""

    def hold(self, make: Callable[[], AbstractContextManager[T]]) -> T:
        """Make a resource, enter it and keep it until the end. ``make`` must not block: a signal waits for it."""
        return self._take(make)[1]

    @contextmanager
    def during(self, make: Callable[[], AbstractContextManager[T]]) -> Iterator[T]:
        """Hold a resource inside the block only."""
        resource, value = self._take(make)
        try:
            yield value
        finally:
            with self._lock:
                self._held.remove(resource)
                resource.__exit__(None, None, None)

    def close(self) -> None:
        """Close every resource."""
        with self._lock:
            self._close_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def end_on_signals(self, before: Callable[[], None]) -> None:
        """From now on, Ctrl-C and SIGTERM call ``before``, close every resource and end the process."""
        reader, writer = self._wakeup = socket.socketpair()
        writer.settimeout(0)
        signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: None)
        threading.Thread(target=self._end, args=(reader, before), daemon=True).start()

    def _take(self, make: Callable[[], AbstractContextManager[T]]) -> tuple[AbstractContextManager[T], T]:
        with self._lock:
            resource = make()
            value = resource.__enter__()
            self._held.append(resource)
            return resource, value

    def _end(self, reader: socket.socket, before: Callable[[], None]) -> None:
        [number] = reader.recv(1)
        before()
        self._lock.acquire()
        closing = threading.Thread(target=self._close_all, daemon=True)
        closing.start()
        closing.join(CLOSE_TIMEOUT)
        os._exit(self.status_on_interrupt if number == signal.SIGINT else 128 + number)

    def _close_all(self) -> None:
        while self._held:
            self._held.pop().__exit__(None, None, None)


@contextmanager
def child(command: Sequence[str], **options: Any) -> Iterator["subprocess.Popen[Any]"]:  # noqa: ANN401 - Popen's own
    """Start a process in a group of its own; the whole group is killed when the block ends."""
    with subprocess.Popen(command, start_new_session=True, **options) as process:  # noqa: S603 - the caller's program
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):  # it has ended
                os.killpg(process.pid, signal.SIGKILL)
