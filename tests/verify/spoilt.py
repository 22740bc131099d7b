"""A proxy in front of the local stack that breaks one promise of the wire, or requires credentials."""

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
    """A response on its way to the client, which a test may change."""

    request_method: str
    request_path: str
    request_body: bytes
    accept: str
    status: int
    headers: dict[str, str]
    chunks: Iterable[bytes]
    cut: bool = False


Spoil = Callable[[Passing], None]
Gatekeeper = Callable[[Exchange, bytes], str | None]
"""Returns the code with which the gateway refuses a request with this body, or None."""


def unchanged(passing: Passing) -> None:
    """Change nothing."""


def anyone(exchange: Exchange, body: bytes) -> str | None:
    """Accept every request."""


def sniffable(passing: Passing) -> None:
    """Leave out what keeps browsers from guessing the content type."""
    passing.headers.pop("x-content-type-options", None)


def cut(passing: Passing) -> None:
    """End the body without its last chunk."""
    passing.cut = True


def proxy(twin: Twin, spoil: Spoil = unchanged, refusal: Gatekeeper = anyone) -> Server:
    """Return a server in front of ``twin``: ``spoil`` changes its responses, ``refusal`` may refuse requests."""
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
    """Return the credential and the signature that a request must have.

    IAM User Guide, "Create a signed AWS API request".
    """
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
