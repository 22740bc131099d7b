"""A server of the OpenAI protocol that streams what a test prepares."""

import json
import threading
from collections.abc import Callable
from typing import Any, Final

from local.http11.server import Exchange, Server

ANSWER: Final = '{"summary": "Grüße", "keywords": ["a"]}'
"""What the fixture ``openai`` streams."""


def delta(text: str | None, reason: str | None = None) -> dict[str, Any]:
    """Return an event of a chat model: a piece of text, the reason of the stop, or both."""
    return {"choices": [{"delta": {"content": text}, "finish_reason": reason}]}


class OpenAi:
    """The server; ``requests`` are the paths and bodies that came."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, Any]] = []
        self.models = ["first", "second"]
        self.lines: list[bytes] = []
        self.reader: Callable[[Any], str] | None = None
        """Returns what the server writes for the body of a request, in place of what ``say`` was given."""
        self.status = 200
        self.is_cut = False
        self.hangs = False
        """After what it streams the server is silent until the client leaves."""
        self.reached = threading.Event()
        """The server is silent now."""
        self.server = Server(self._respond)
        self.url = f"{self.server.url}/v1"

    def say(self, *events: object) -> None:
        """Stream these events from now on."""
        self.lines = [b"data: " + json.dumps(event).encode() + b"\n\n" for event in events] + [b"data: [DONE]\n\n"]

    def _respond(self, exchange: Exchange) -> None:
        body = exchange.read_body(1_000_000)
        self.requests.append((exchange.path, json.loads(body) if body else None))
        if self.reader and body:
            self.say(delta(self.reader(json.loads(body))), delta(None, "stop"))
        if exchange.path == "/v1/models":
            exchange.send(200, [], json.dumps({"data": [{"id": name} for name in self.models]}).encode())
        elif self.status != 200:
            exchange.send(self.status, [], b"overloaded")
        else:
            exchange.start(200, [("Content-Type", "text/event-stream")])
            for line in self.lines:
                exchange.chunk(line)
            if self.hangs:
                self.reached.set()
                exchange.wait(None)
            exchange.cut() if self.is_cut else exchange.end()
