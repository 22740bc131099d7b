"""A call to the local Bedrock: what was asked, and what became of the connection."""

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ..http11.server import Exchange
from .rules import forced_tool, schema_of
from .script import Step


class Call:
    """A call to the stand-in: what was asked, and what became of the connection."""

    def __init__(self, model_id: str, body: Mapping[str, Any], exchange: Exchange | None = None) -> None:
        """Take what was asked, and the connection: None for a call that came on none."""
        self.model_id = model_id
        self.body = body
        self.headers = dict(exchange.fields()) if exchange else {}
        self.schema = schema_of(body)
        """The JSON schema that the answer should follow, wherever the request states it."""
        self.tool = forced_tool(body)
        """The tool that the answer is the input of, or None."""
        self.client_port: int = exchange.client_address[1] if exchange else 0
        """Calls on one connection have it in common."""
        self.frames = 0
        """Frames sent so far."""
        self.started_at = time.monotonic()
        self.closed_at: float | None = None
        """When the stand-in saw that the client had closed the connection before the end of the response."""
        self.ended = threading.Event()
        """The stand-in is through with the call, one way or the other."""
        self._exchange = exchange

    @property
    def prompt(self) -> str:
        """The text of the last message."""
        blocks = self.body["messages"][-1]["content"]
        return "\n".join(block["text"] for block in blocks if "text" in block)

    @property
    def max_tokens(self) -> int | None:
        """The cap on the answer's tokens."""
        tokens = self.body.get("inferenceConfig", {}).get("maxTokens")
        return tokens if isinstance(tokens, int) else None

    def end(self) -> None:
        """Say that the stand-in is through with the call."""
        self.ended.set()
        self._exchange = None

    def is_open(self) -> bool:
        """Tell whether the client still holds the connection of a response under way: looked up now, exactly."""
        exchange = self._exchange
        return exchange is not None and not exchange.peer_left()


Answerer = Callable[[Call], Iterable[Step]]
"""What a call is answered with. A generator writes while it is played, and is closed when the client leaves."""
