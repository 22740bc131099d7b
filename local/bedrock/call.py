"""A call to the local Bedrock: the request, and the state of its connection."""

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ..http11.server import Exchange
from .caching import Reading
from .rules import forced_tool, schema_of
from .script import Step


class Call:
    """A request that passed the service's checks, and the state of its connection."""

    def __init__(self, model_id: str, body: Mapping[str, Any], exchange: Exchange | None = None) -> None:
        """``exchange`` is the connection; None for a call that is made without one."""
        self.model_id = model_id
        self.body = body
        self.headers = dict(exchange.fields()) if exchange else {}
        self.schema = schema_of(body)
        """The JSON schema of the answer, wherever the request states it; None without one."""
        self.tool = forced_tool(body)
        """The tool that the model must call with the answer as its input; None without one."""
        self.client_port: int = exchange.client_address[1] if exchange else 0
        """The client's port: the same for all calls on one connection."""
        self.cached = Reading()
        """What the call reads of the cache and adds to it."""
        self.frames = 0
        """Frames sent so far."""
        self.started_at = time.monotonic()
        self.closed_at: float | None = None
        """When the server noticed that the client had disconnected before the end; monotonic clock."""
        self.ended = threading.Event()
        """Set when the server has finished with the call."""
        self._exchange = exchange

    @property
    def prompt(self) -> str:
        """The text of the last message."""
        blocks = self.body["messages"][-1]["content"]
        return "\n".join(block["text"] for block in blocks if "text" in block)

    @property
    def max_tokens(self) -> int | None:
        """The limit of the answer's tokens; None without one."""
        tokens = self.body.get("inferenceConfig", {}).get("maxTokens")
        return tokens if isinstance(tokens, int) else None

    def end(self) -> None:
        """Note that the server has finished with the call."""
        self.ended.set()
        self._exchange = None

    def is_open(self) -> bool:
        """Return whether a response is being sent and its client is still connected, at this moment."""
        exchange = self._exchange
        return exchange is not None and not exchange.peer_left()


Answerer = Callable[[Call], Iterable[Step]]
"""Returns the steps that answer a call. A generator is closed when the client disconnects."""
