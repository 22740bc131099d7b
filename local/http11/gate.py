"""Something that opens once, and a way to wait for it beside a connection."""

import os
import select
import socket
import threading


class Gate:
    """Something that opens once. Any number of threads may wait for it, beside a connection if they like."""

    def __init__(self) -> None:
        self._reader, self._writer = os.pipe()
        self._lock = threading.Lock()
        self.reached = threading.Event()
        """Somebody waits, or waited, at the gate."""
        self.opened = False

    def open(self) -> None:
        """Let everyone through, now and later."""
        with self._lock:
            if not self.opened:
                self.opened = True
                os.close(self._writer)

    def close(self) -> None:
        """Open it, and give its descriptors back once nobody can wait any more."""
        self.open()
        with self._lock:
            if self._reader >= 0:
                os.close(self._reader)
                self._reader = -1

    def fileno(self) -> int:
        """Return a descriptor that reads as ended once the gate is open: what ``select`` waits for."""
        return self._reader


def watch(*sources: Gate | socket.socket | None) -> select.poll:
    """Return what waits for the first of these: a gate that opens, a connection that can be read."""
    poll = select.poll()
    for source in sources:
        if source is not None:
            poll.register(source, select.POLLIN)
    return poll
