"""What the tests of the checks share: answers for the model, servers that are something else, and a whole run."""

import io
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from local.bedrock import script
from local.bedrock.script import Pause, Step, Stop, Usage, fragments
from local.bedrock.server import Bedrock
from local.http11.server import Exchange, Server
from local.terminal import Terminal
from local.twin import Twin
from verify.checks.catalog import CHECKS
from verify.endpoint import RemoteEndpoint
from verify.report import Report, verify

ORIGIN = "https://app.example"


DOCUMENT = json.dumps({"summary": " ".join(f"Sentence {number} is here." for number in range(24)), "keywords": ["a"]})


CHECK = dict(CHECKS)


PROBLEM = "application/problem+json"


def slowly(seconds: float, size: int = 30) -> list[Step]:
    """Return an answer in fragments of ``size`` characters that takes at least ``seconds``."""
    steps: list[Step] = []
    parts = fragments(DOCUMENT, size)
    for part in parts:
        steps += [part, Pause(seconds / len(parts))]
    return [*steps, Stop(), Usage(12, 20)]


QUICK = script.complete_answer(DOCUMENT, 30)


def bedrock_of(twin: Twin) -> Bedrock:
    assert twin.bedrock
    return twin.bedrock


def play(twin: Twin, steps: Sequence[Step]) -> None:
    bedrock_of(twin).play(steps)


def answering(status: int, media_type: str, body: bytes, **fields: str) -> Callable[[Exchange], None]:
    """Return the responder of a server that answers every request alike."""

    def respond(exchange: Exchange) -> None:
        exchange.read_body(1000)
        exchange.send(status, [("Content-Type", media_type), *fields.items()], body)

    return respond


def code_of(code: str) -> bytes:
    return json.dumps({"code": code, "requestId": "r"}).encode()


def check_all(twin: Twin, url: str | None = None, **options: Any) -> tuple[int, str]:
    """Run all checks; return the exit code and what was printed."""
    screen = io.StringIO()
    code = verify(RemoteEndpoint(url or twin.url), Report(Terminal(screen)), origin=ORIGIN, **options)
    return code, screen.getvalue()


@contextmanager
def serving(respond: Callable[[Exchange], None]) -> Iterator[str]:
    """A server without mistakes at this URL."""
    with Server(respond) as server:
        yield server.url + "/v1/stream"
        assert not server.mistakes
