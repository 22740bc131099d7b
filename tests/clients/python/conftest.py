"""A peer for the client: an HTTP server on loopback that sends the responses of a list, one for each request."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from local.http11.gate import Gate
from local.http11.server import Exchange, Server
from tests.clients.vectors.vector import Response, sent, vectors

PACKAGE: Final = Path(__file__).resolve().parents[3] / "clients" / "python"


@dataclass(frozen=True)
class Received:
    """A request that the client has sent."""

    fields: dict[str, str]
    """Names in lower case."""
    body: bytes
    connection: object
    """The client's end of the connection."""


class Peer:
    """Sends ``responses`` in turn: None ends the connection before the head of one."""

    def __init__(self) -> None:
        self.responses: list[Response | None] = []
        self.received: list[Received] = []
        self.hangs_after: int | None = None
        """The number of pieces after which a response goes on no further."""
        self.left = threading.Semaphore(0)
        """Is released when the client has left in the middle of a response."""
        self._server = Server(self._respond)

    @property
    def url(self) -> str:
        return f"{self._server.url}/v1/stream"

    def close(self) -> None:
        self._server.close()

    def _respond(self, exchange: Exchange) -> None:
        fields = {name.lower(): value for name, value in exchange.fields()}
        self.received.append(Received(fields, exchange.read_body(10_000_000), exchange.client_address))
        response = self.responses.pop(0)
        if response is None:
            exchange.cut()
            return
        exchange.start(response.status, response.headers.items())
        for piece in list(response.pieces)[: self.hangs_after]:
            if data := sent(piece):
                exchange.chunk(data)
        if self.hangs_after is not None:
            self._wait(exchange)
        elif response.is_cut:
            exchange.cut()
        elif response.status != 204:
            exchange.end()

    def _wait(self, exchange: Exchange) -> None:
        try:
            exchange.wait(Gate())
        finally:
            self.left.release()


@pytest.fixture
def peer() -> Iterator[Peer]:
    server = Peer()
    yield server
    server.close()


VECTORS = {vector.name: vector for vector in vectors()}


def response(name: str) -> Response:
    """Return the response of a vector."""
    found = VECTORS[name].response
    assert found is not None
    return found
