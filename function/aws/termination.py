"""SIGTERM and SIGINT: the answer in progress is broken off, its record is cancelled, and its stages run to their end.

A record starts as cancelled, and closing a body runs its stages; all that is left to do here is to break off what runs
at that moment, once, and never the stages.
"""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ..stream.interruption import MASKED, Interruption, user_code


class Terminated(Interruption):
    """The process was asked to end."""


class Termination:
    """Raises ``Terminated`` in the main thread when a signal asks the process to end: at once, or after a shelter."""

    def __init__(self) -> None:
        """Begin without a request to end."""
        self._requested = False
        self._is_sheltered = False
        self._disconnect: Callable[[], None] | None = None

    def install(self) -> None:
        """Handle the signals from now on. Python allows this in the main thread only."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda _number, _frame: self.request())
        _end_forks_at_signals()

    def request(self) -> None:
        """Break off what runs, unless that has been done before or has to wait for the end of a shelter.

        What is broken off runs its stages before anything else can act, so the client is disconnected first.
        """
        was_requested, self._requested = self._requested, True
        if was_requested or self._is_sheltered:
            return
        terminated = user_code.remember(Terminated())
        if self._disconnect is not None:
            self._disconnect()
        raise terminated

    @contextmanager
    def disconnecting(self, disconnect: Callable[[], None]) -> Iterator[None]:
        """Call ``disconnect`` before the code inside is broken off."""
        self._disconnect = disconnect
        try:
            yield
        finally:
            self._disconnect = None

    @contextmanager
    def shelter(self) -> Iterator[None]:
        """Let the code inside run to its end; raise ``Terminated`` afterwards if that was requested meanwhile.

        Raises:
            Terminated: the process was asked to end, before or during the shelter.
        """
        self._is_sheltered = True
        try:
            yield
        finally:
            self._is_sheltered = False
        self.check()

    def check(self) -> None:
        """Raise ``Terminated`` if the process was asked to end: what broke off may have been swallowed."""
        if self._requested:
            raise Terminated


def _end_forks_at_signals() -> None:
    """Let a process that the user's code forks end at the signals that this one handles, as any other process does.

    It has the client's connection too, and must not shut it down. Until its handlers are gone the signals wait: Python
    drops those that come to a new process before.
    """
    masks = threading.local()

    def block() -> None:
        masks.before = signal.pthread_sigmask(signal.SIG_BLOCK, MASKED)

    def unblock() -> None:
        signal.pthread_sigmask(signal.SIG_SETMASK, masks.before)

    def forget() -> None:
        for number in MASKED:
            signal.signal(number, signal.SIG_DFL)
        unblock()

    os.register_at_fork(before=block, after_in_parent=unblock, after_in_child=forget)
