"""The screen of a command: text that stays, and one line that shows how far something has come."""

import re
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final, TextIO

CONTROLS: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""What can drive a terminal or turn the direction of its text: C0 without tab and line feed, DEL, C1, bidi marks."""
CLEAR_LINE: Final = "\r\x1b[K"
INTERVAL: Final = 10.0
"""Seconds between two progress lines if the screen is a file or a pipe."""
TERMINAL_INTERVAL: Final = 1.0
"""Seconds between two progress lines on a terminal, where each one replaces the one before."""


def printable(text: str) -> str:
    """Return the text with escapes, such as that of ESC, in place of characters that can drive a terminal."""
    return CONTROLS.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


class Terminal:
    """Writes to a screen from several threads. A character that the screen's encoding lacks is written as an escape."""

    def __init__(self, screen: TextIO, *, is_terminal: bool | None = None, interval: float | None = None) -> None:
        """Write to ``screen``; progress is shown every ``interval`` seconds."""
        self._screen = screen
        self.is_terminal = screen.isatty() if is_terminal is None else is_terminal
        self.interval = interval or (TERMINAL_INTERVAL if self.is_terminal else INTERVAL)
        self._lock = threading.Lock()
        self._has_progress = False
        self._is_closed = False

    def write(self, text: str) -> None:
        """Write text that stays, at once."""
        with self._lock:
            self._put(text)

    def line(self, text: str) -> None:
        """Write a line that stays."""
        self.write(f"{text}\n")

    def progress(self, text: str) -> None:
        """Show what is being done: in place on a terminal, else as a line."""
        with self._lock:
            if self.is_terminal:
                width = shutil.get_terminal_size().columns - 1  # a line that wraps could not be cleared
                self._put(f"{text} …"[:width])
                self._has_progress = True
            else:
                self._put(f"{text} …\n")

    @contextmanager
    def waiting(
        self, text: str, detail: Callable[[], str] = lambda: "", *, at_once: bool = True
    ) -> Iterator[Callable[[], None]]:
        """Show inside the block what is awaited, for how many seconds, and the ``detail`` of that moment.

        Without ``at_once`` nothing is shown during the first ``interval``. The block receives a function that ends
        the line early.
        """
        began, over = time.monotonic(), threading.Event()

        def show() -> None:
            with suppress(BrokenPipeError):  # the next write of the main thread raises it too and ends the program
                while not over.wait(self.interval):
                    known = filter(None, [f"{time.monotonic() - began:.0f} s", detail()])
                    self.progress(f"{text}: {', '.join(known)}")

        def stop() -> None:
            over.set()
            thread.join()
            self.write("")

        if at_once:
            self.progress(text)
        thread = threading.Thread(target=show, daemon=True)
        thread.start()
        try:
            yield stop
        finally:
            stop()

    def close(self) -> None:
        """Clear the progress line, and drop whatever is written from now on: the process is about to end."""
        has_lock = self._lock.acquire(timeout=1)  # a write may wait for a reader that has stopped reading
        self._is_closed = True
        if has_lock:
            with suppress(OSError, ValueError):  # the reader has closed its end
                self._screen.write(f"{CLEAR_LINE if self._has_progress else ''}\n")
                self._screen.flush()
            self._lock.release()

    def _put(self, text: str) -> None:
        if self._is_closed:
            return
        if self._has_progress:
            self._has_progress = False
            text = CLEAR_LINE + text
        self._screen.write(_encodable(text, self._screen.encoding or "utf-8"))
        self._screen.flush()


def _encodable(text: str, encoding: str) -> str:
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return text.replace("…", "...").encode(encoding, "backslashreplace").decode(encoding)
    return text
