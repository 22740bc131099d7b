"""The process's output. A line of the function's own is whole, whatever the user's code prints, closes or replaces.

After ``install``, ``sys.stdout`` and ``sys.stderr`` write whole lines only, and the function writes through streams of
its own. What goes past both, such as ``os.write``, is not seen here. That is for a process of our own: another host has
its own way with its output.
"""

import os
import sys
from contextlib import suppress
from io import TextIOWrapper
from threading import RLock
from typing import Final, TextIO

LINE_LIMIT: Final = 65_536
"""Characters of a line that has not ended, after which it is ended: they are kept in memory until then."""

_lock: Final = RLock()


class WholeLines(TextIOWrapper):
    """A text stream to a file descriptor. The start of a line waits until the line ends."""

    def __init__(self, descriptor: int) -> None:
        """Duplicate the descriptor.

        Raises:
            OSError: it is not open.
        """
        binary = os.fdopen(os.dup(descriptor), "wb")
        super().__init__(binary, encoding="utf-8", errors="backslashreplace")
        self._start = ""

    def write(self, text: str, /) -> int:
        """Write what ends a line, and at once: nothing may lie in a buffer when the sandbox is frozen."""
        with _lock:
            lines, newline, self._start = (self._start + text).rpartition("\n")
            if len(self._start) > LINE_LIMIT:
                lines, newline, self._start = lines + newline + self._start, "\n", ""
            if newline:
                super().write(lines + newline)
                super().flush()
        return len(text)


class _Output:
    """The two streams of the function, once they are its own."""

    stdout: TextIO | None = None
    stderr: TextIO | None = None


def install() -> None:
    """Take the output of this process, once; a second call changes nothing. What is closed stays as it is."""
    if _Output.stdout is None:
        with suppress(OSError):
            _Output.stdout, sys.stdout = WholeLines(1), WholeLines(1)
        with suppress(OSError):
            _Output.stderr, sys.stderr = WholeLines(2), WholeLines(2)


def stdout() -> TextIO:
    """Return the stream for lines of the stages and for metrics."""
    return _Output.stdout or sys.stdout


def stderr() -> TextIO:
    """Return the stream for every other line of the function."""
    return _Output.stderr or sys.stderr
