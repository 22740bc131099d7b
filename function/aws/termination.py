"""SIGTERM and SIGINT: what runs is broken off, its record is cancelled, and its stages run to their end."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Terminated(BaseException):
    """The process was asked to end."""


class Termination:
    """SIGTERM and SIGINT: what runs is broken off by ``Terminated``, once; what is sheltered ends first."""

    def __init__(self) -> None:
        """Begin unasked."""
        self._asked = False
        self._sheltered = False
        self._cut: Callable[[], None] | None = None

    def install(self) -> None:
        """Take the signals from now on."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda _number, _frame: self.ask())

    def ask(self) -> None:
        """Break off, unless that was done before or has to wait.

        What is broken off runs its stages before anyone else can act: the client is cut off first.
        """
        before, self._asked = self._asked, True
        if not (before or self._sheltered):
            if self._cut is not None:
                self._cut()
            raise Terminated

    @contextmanager
    def cuts(self, cut: Callable[[], None]) -> Iterator[None]:
        """Call ``cut`` if what is inside is broken off."""
        self._cut = cut
        try:
            yield
        finally:
            self._cut = None

    @contextmanager
    def shelter(self) -> Iterator[None]:
        """Let what is inside run to its end."""
        self._sheltered = True
        try:
            yield
        finally:
            self._sheltered = False
        if self._asked:
            raise Terminated
