"""What a process writes, line by line."""

import os
import select
import subprocess
import threading
from collections.abc import Callable


class Output:
    """The output of a process, line by line. One thread follows it; others may catch up at any moment."""

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
        """Close the pipe."""
        self._pipe.close()
