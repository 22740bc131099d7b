"""A proxy before the twin that breaks one promise of the wire."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from local.client import End, Reply
from local.http11 import Exchange, Server
from local.twin import Twin

FRAMING = frozenset({"host", "content-length", "transfer-encoding", "connection"})


@dataclass
class Passing:
    """An answer on its way to the client: change it."""

    request_method: str
    request_path: str
    request_body: bytes
    accept: str
    status: int
    headers: dict[str, str]
    chunks: Iterable[bytes]
    cut: bool = False


Spoil = Callable[[Passing], None]


def proxy(twin: Twin, spoil: Spoil) -> Server:
    """Return a server in front of ``twin`` whose answers ``spoil`` changes."""
    base = twin.url.removesuffix("/v1/stream")

    def respond(exchange: Exchange) -> None:
        body = exchange.read_body(20_000_000)
        fields = {name: value for name, value in exchange.fields() if name.lower() not in FRAMING}
        with Reply(base + exchange.path, body, fields, exchange.command) as reply:
            reply.wait()
            passing = Passing(
                exchange.command,
                exchange.path,
                body,
                fields.get("Accept", ""),
                reply.status,
                _without_framing(reply.headers),
                reply.chunks(),
            )
            spoil(passing)
            _pass_on(exchange, passing, reply)

    return Server(respond)


def _pass_on(exchange: Exchange, passing: Passing, reply: Reply) -> None:
    exchange.start(passing.status, passing.headers.items())
    for chunk in passing.chunks:
        exchange.chunk(chunk)
    if passing.cut or reply.end in {End.CUT, End.RESET}:
        exchange.cut()
    elif passing.status != 204:
        exchange.end()


def _without_framing(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name not in FRAMING}
