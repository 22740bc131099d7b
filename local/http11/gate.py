"""A gate that opens once, and a way to wait for it and a connection at the same time."""

import os
import select
import socket
import threading


class Gate:
    """Opens once. Any number of threads can wait for it, and for a connection at the same time."""

    def __init__(self) -> None:
        self._reader, self._writer = os.pipe()
        self._lock = threading.Lock()
        self.reached = threading.Event()
        """Set as soon as the first thread waits at the gate."""
        self.opened = False

    def open(self) -> None:
        """Let every thread through, now and later."""
        with self._lock:
            if not self.opened:
                self.opened = True
                os.close(self._writer)

    def close(self) -> None:
        """Open the gate and close its descriptors. No thread may wait at it any more."""
        self.open()
        with self._lock:
            if self._reader >= 0:
                os.close(self._reader)
                self._reader = -1

    def fileno(self) -> int:
        """Return a descriptor that is readable once the gate is open, for ``select``."""
        return self._reader


def watch(*sources: Gate | socket.socket | None) -> select.poll:
    """Return a poll that ends when one of the gates opens or one of the connections can be read; None is ignored."""
    poll = select.poll()
    for source in sources:
        if source is not None:
            poll.register(source, select.POLLIN)
    return poll
