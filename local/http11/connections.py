"""A listening port of this machine, a thread for each connection, and an orderly end of all of them."""

import socket
import socketserver
import sys
import threading
import time
from contextlib import suppress
from socketserver import BaseRequestHandler
from types import TracebackType
from typing import Self

from .gate import Gate, watch

RECEIVE_BUFFER = 65_536
"""About as many bytes the kernel buffers before the program reads them: so few that a sender soon blocks."""


class Connections(socketserver.ThreadingTCPServer):
    """A loopback port, one thread per connection. Closing it ends every connection and thread."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, handler: type[BaseRequestHandler], listener: socket.socket | None) -> None:
        """Listen on a free port, or on a socket that listens already and is closed with the server.

        ``handler`` is made for each connection and serves it.
        """
        super().__init__(("127.0.0.1", 0), handler, bind_and_activate=listener is None)
        if listener is not None:
            self.socket.close()
            self.socket, self.server_address = listener, listener.getsockname()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)  # each connection inherits it
        self.closing = Gate()
        self.mistakes: list[BaseException] = []
        """Exceptions in the threads of connections, without those that a broken connection causes."""
        self._open: dict[threading.Thread, socket.socket] = {}
        self._lock = threading.Lock()
        self._accept_lock = threading.Lock()
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    @property
    def port(self) -> int:
        """The port."""
        return int(self.server_address[1])

    @property
    def url(self) -> str:
        """The URL, without a path."""
        return f"http://127.0.0.1:{self.port}"

    def process_request(self, request: object, client_address: object) -> None:
        """Serve a connection in a thread of its own."""
        assert isinstance(request, socket.socket)  # noqa: S101 - the base class allows for datagrams
        thread = threading.Thread(target=self._serve, args=(request, client_address), daemon=True)
        with self._lock:
            self._open[thread] = request
            thread.start()

    def handle_error(self, request: object, client_address: object) -> None:  # noqa: ARG002 - the base class passes both
        """Add an exception to ``mistakes``, unless the peer caused it: a peer may disconnect at any time."""
        error = sys.exception()
        if error is not None and not isinstance(error, ConnectionError | TimeoutError):
            self.mistakes.append(error)
            sys.excepthook(type(error), error, error.__traceback__)

    def wait_for_connections(self, seconds: float) -> None:
        """Wait until the present connections have ended by themselves, for ``seconds`` at most."""
        if self.closing.opened:
            return
        self._accept_waiting()
        with self._lock:
            threads = list(self._open)
        end = time.monotonic() + seconds
        for thread in threads:
            thread.join(max(0, end - time.monotonic()))

    def close(self) -> None:
        """End every connection; return when no thread is left."""
        self.closing.open()
        self._accepting.join()
        self.server_close()
        with self._lock:
            connections = dict(self._open)
        for connection in connections.values():
            with suppress(OSError):  # it has just ended
                connection.shutdown(socket.SHUT_RDWR)
        for thread in connections:
            thread.join()
        self.closing.close()

    def _accept(self) -> None:
        poll = watch(self.closing, self.socket)
        while poll.poll() and not self.closing.opened:
            self._accept_waiting()

    def _accept_waiting(self) -> None:
        """Accept every connection that waits."""
        poll = watch(self.socket)
        with self._accept_lock:
            while poll.poll(0):
                with suppress(OSError):  # the client disconnected while it waited
                    self.process_request(*self.get_request())

    def _serve(self, request: socket.socket, client_address: object) -> None:
        try:
            self.process_request_thread(request, client_address)
        finally:
            with self._lock:
                del self._open[threading.current_thread()]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()
