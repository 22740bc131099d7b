"""A client for typed, streaming LLM endpoints: partial objects while the model writes, and a validated answer.

::

    from streaming_llm_client import Client

    with Client(url) as client, client.stream(Answer, prompt="Why?") as stream:
        for partial in stream:
            print(partial.get("/summary", ""))
        answer = stream.final()
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .client import AsyncClient, Client
    from .errors import (
        AnswerFailed,
        EndpointFailed,
        NotConnected,
        NotRoundTrip,
        NotUnderstood,
        RequestRefused,
        SchemaMismatch,
        StreamCut,
        StreamError,
        Unavailable,
    )
    from .events import Change, Usage
    from .partial import Partial
    from .signing import ApiKey, Credentials, NoCredentials, SigV4
    from .stream import AsyncStream, Stream, Timeout

__all__ = [
    "AnswerFailed",
    "ApiKey",
    "AsyncClient",
    "AsyncStream",
    "Change",
    "Client",
    "Credentials",
    "EndpointFailed",
    "NoCredentials",
    "NotConnected",
    "NotRoundTrip",
    "NotUnderstood",
    "Partial",
    "RequestRefused",
    "SchemaMismatch",
    "SigV4",
    "Stream",
    "StreamCut",
    "StreamError",
    "Timeout",
    "Unavailable",
    "Usage",
]

_MODULES = ("client", "errors", "events", "partial", "signing", "stream")


if not TYPE_CHECKING:  # a checker of types would accept any name

    def __getattr__(name: str) -> object:
        """Import a name when it is asked for: the terminal view is used where httpx is not installed."""
        if name in __all__:
            for module in map(import_module, (f"{__name__}.{each}" for each in _MODULES)):
                if hasattr(module, name):
                    return getattr(module, name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
