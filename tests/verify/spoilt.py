"""A proxy before the twin that breaks one promise of the wire, or asks who calls."""

import hashlib
import hmac
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from local.client import End, Reply
from local.http11.server import Exchange, Server
from local.twin import Twin

KEY, SECRET = "AKIDEXAMPLE", "wJalrXUtnFEMI"
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
Doorkeeper = Callable[[Exchange, bytes], str | None]
"""The code of the refusal of a request with this body, or None."""


def nothing(passing: Passing) -> None:
    """Pass on what comes."""


def anyone(exchange: Exchange, body: bytes) -> str | None:
    """Let everyone in."""


def proxy(twin: Twin, spoil: Spoil = nothing, refusal: Doorkeeper = anyone) -> Server:
    """Return a server in front of ``twin`` whose answers ``spoil`` changes, and which may refuse callers."""
    base = twin.url.removesuffix("/v1/stream")

    def respond(exchange: Exchange) -> None:
        body = exchange.read_body(20_000_000)
        if exchange.command == "POST" and (code := refusal(exchange, body)):
            problem = f'{{"code": "{code}", "detail": "Forbidden", "requestId": "r"}}'.encode()
            exchange.send(429 if code == "THROTTLED" else 403, [("Content-Type", "application/problem+json")], problem)
            return
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


def signature(exchange: Exchange, body: bytes, region: str) -> tuple[str, str]:
    """Credential and signature that it should have ("Create a signed AWS API request", IAM User Guide)."""
    names = exchange.headers["Authorization"].split("SignedHeaders=")[1].split(",")[0].split(";")
    fields = "".join(f"{name}:{exchange.headers[name].strip()}\n" for name in names)
    digest = hashlib.sha256(body).hexdigest()
    canonical = "\n".join([exchange.command, exchange.path, "", fields, ";".join(names), digest])
    moment = exchange.headers["X-Amz-Date"]
    scope = f"{moment[:8]}/{region}/execute-api/aws4_request"
    text = "\n".join(["AWS4-HMAC-SHA256", moment, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = f"AWS4{SECRET}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return f"{KEY}/{scope}", hmac.digest(key, text.encode(), "sha256").hex()
