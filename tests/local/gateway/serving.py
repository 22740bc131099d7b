"""A gateway in front of a toy function, and a client of it."""

import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from local.client import Reply
from local.gateway.server import Gateway
from local.lambda_.function import Function
from tests.local.toys import echoing


@contextmanager
def serving(folder: Path, program: str, **fields: object) -> Iterator[Gateway]:
    """A gateway in front of a toy function that runs ``program`` with each event."""
    function = Function(echoing(folder, program, **fields))
    with Gateway(function) as gateway:
        try:
            yield gateway
        finally:
            gateway.function.close()
    assert not gateway.mistakes


def ask(gateway: Gateway, body: bytes = b"{}", headers: Mapping[str, str] | None = None, method: str = "POST") -> Reply:
    """Send a request and read the complete response."""
    with Reply(gateway.url, body, headers, method) as reply:
        reply.body()
        return reply


def connected(gateway: Gateway) -> socket.socket:
    return socket.create_connection(("127.0.0.1", gateway.port))
