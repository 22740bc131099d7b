"""An address at which a connection is refused for as long as a test needs that."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def unserved_port() -> Iterator[int]:
    """Yield a port of 127.0.0.1 that is bound and not listened at: no other process can begin to serve there."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]
