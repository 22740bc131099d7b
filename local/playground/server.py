"""Serves the page that sends requests to the local stack, on a port of its own: each of them crosses origins."""

import json
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from ..http11.server import Exchange, Server, TooLarge
from ..twin import Twin
from .endings import ENDINGS, Endings

FOLDER: Final = Path(__file__).parent
TYPES: Final = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}
FILES: Final = {f"/{path.name}": path for path in FOLDER.iterdir() if path.suffix in TYPES}
"""The files of the page, by their paths in URLs."""
LOOPBACK_HOST: Final = re.compile(r"(?:127\.0\.0\.1|localhost|\[::1\])(?::[0-9]+)?")
CHOICE_LIMIT: Final = 1000
"""Bytes of a request that chooses an ending."""
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; "
    "connect-src 'self' https: http://127.0.0.1:* http://localhost:*; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""The page may load its own files only, and call this machine or any https endpoint."""
SECURITY_FIELDS: Final = [
    ("Content-Security-Policy", POLICY),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cache-Control", "no-cache"),
]


@dataclass(frozen=True, slots=True)
class Example:
    """What a request to a route looks like."""

    body: str | None
    """The request as JSON; None if the route takes a prompt."""
    remark: str = ""
    """Why nobody can know an example; empty if there is one."""


class Playground:
    """The page's server. Pages of its origin must be allowed to call the local stack."""

    def __init__(self, twin: Twin, examples: Mapping[str, Example], listener: socket.socket | None = None) -> None:
        """Listen on a free loopback port, or on a socket that listens already.

        ``examples`` has one for each route, by its name. From now on the stand-in answers with the endings that the
        page asks for, and otherwise with the model that it has now.
        """
        self._twin = twin
        self._examples = examples
        self._endings: Endings | None = None
        if twin.bedrock is not None:
            self._endings = Endings(twin.bedrock.answer, lambda: tuple(twin.function.invocations))
            twin.bedrock.answer = self._endings
        self._server = Server(self._respond, listener)

    @property
    def url(self) -> str:
        """The URL of the page."""
        return f"{self._server.url}/"

    def close(self) -> None:
        """End every connection."""
        self._server.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _respond(self, exchange: Exchange) -> None:
        try:
            body = exchange.read_body(CHOICE_LIMIT)
        except TooLarge:
            _refuse(exchange, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The request is too large.")
            return
        host = exchange.headers.get("Host", "")
        path = exchange.path.partition("?")[0]
        if not LOOPBACK_HOST.fullmatch(host):
            # A page elsewhere could otherwise give its own host name this machine's address, and act as this page.
            _refuse(exchange, HTTPStatus.MISDIRECTED_REQUEST, f"Open this page as {self.url}")
        elif path == "/ending" and exchange.command == "POST":
            self._choose(exchange, body)
        elif exchange.command not in {"GET", "HEAD"}:
            _refuse(exchange, HTTPStatus.METHOD_NOT_ALLOWED, "Only GET is served here.")
        elif path == "/" and f"http://{host}/" != self.url:
            exchange.send(HTTPStatus.TEMPORARY_REDIRECT, [("Location", self.url), *SECURITY_FIELDS], b"")
        elif path == "/endpoint.json":
            _send(exchange, "application/json", json.dumps(self._description()).encode())
        elif file := FILES.get("/index.html" if path == "/" else path):
            _send(exchange, f"{TYPES[file.suffix]}; charset=utf-8", file.read_bytes())
        else:
            _refuse(exchange, HTTPStatus.NOT_FOUND, "There is no such file.")

    def _choose(self, exchange: Exchange, body: bytes) -> None:
        """Choose how the next model call ends, for a request of the page itself and of no other page."""
        if f"{exchange.headers.get('Origin')}/" != self.url:
            _refuse(exchange, HTTPStatus.FORBIDDEN, "Only the page itself can choose an ending.")
            return
        try:
            name = json.loads(body)["ending"]
            known = self._endings is not None and self._endings.choose(name)
        except (ValueError, TypeError, KeyError):
            known = False
        if known:
            exchange.send(HTTPStatus.NO_CONTENT, SECURITY_FIELDS, b"")
        else:
            _refuse(exchange, HTTPStatus.UNPROCESSABLE_ENTITY, "There is no such ending.")

    def _description(self) -> Mapping[str, object]:
        """Return what the page must know of the local stack."""
        routes = [
            {"name": name, "url": url, "example": self._examples[name].body, "remark": self._examples[name].remark}
            for name, url in self._twin.urls.items()
        ]
        endings = ENDINGS if self._endings else {}
        return {"routes": routes, "endings": {name: ending.label for name, ending in endings.items()}}


def _send(exchange: Exchange, content_type: str, body: bytes) -> None:
    exchange.send(HTTPStatus.OK, [("Content-Type", content_type), *SECURITY_FIELDS], body)


def _refuse(exchange: Exchange, status: HTTPStatus, sentence: str) -> None:
    fields = [("Content-Type", "text/plain; charset=utf-8"), *SECURITY_FIELDS]
    exchange.send(status, fields, f"{sentence}\n".encode())
