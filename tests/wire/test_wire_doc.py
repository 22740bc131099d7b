"""docs/wire.md and docs/runtime.md show the bytes that the code writes."""

import json
import re
import socket
import time
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http.client import HTTPMessage
from pathlib import Path

import pytest

from function.aws.gateway import Response, prelude
from function.aws.runtime.api import Invocation, RuntimeApi
from function.partials import Partials
from function.schema import Answer
from function.stream.errors import AnswerInvalid, ModelFailed, StreamError
from function.stream.events import Complete, Cut, Idle, Partial, Thinking, Usage
from function.stream.negotiation import choose_format
from function.stream.record import Calls, Start
from tests.formats import LINES, TYPED

DOCUMENT = "".join((Path(__file__).parents[2] / "docs" / name).read_text() for name in ("wire.md", "runtime.md"))
FRAGMENTS = ['{"summary": "Pay per', ' use.", "keywords": ["cost"', "]}"]


def example(name: str) -> str:
    """Return the block of the documents that is marked ``name``; empty if there is none, so that a test shows it."""
    return "".join(re.findall(rf"^```{re.escape(name)}\n(.*?)^```$", DOCUMENT, re.DOTALL | re.MULTILINE))


def start(*times: int) -> Start:
    """Return the example's request, whose clock shows these times."""
    shown, calls = iter(times), Calls()
    calls.add("anthropic.claude")
    return Start("c6af9ac6-7b61", "anthropic.claude", 100, lambda: next(shown), 0.0, calls)


def chunks(accept: str) -> list[bytes]:
    """Return what the example's answer is in this format, the silence before its end included."""
    encoder = choose_format(accept).encoder(start(412, 430, 520, 640, 655))
    partials = Partials(Answer)
    out = [encoder.opening()]
    for text in FRAGMENTS:
        changes = partials.feed(text)
        out.append(encoder.encode(Partial(text, changes, partials)))
    out.append(encoder.encode(Idle()))
    value = partials.finish().model_dump(mode="json")
    out.append(encoder.complete(Complete(value, "end_turn", Usage(12, 21), 0)))
    return out


@pytest.mark.parametrize("accept", [*TYPED, f"{LINES}; view=snapshot"])
def test_the_typed_formats_are_as_documented(accept: str) -> None:
    assert b"".join(chunks(accept)).decode() == example(accept)


def test_thinking_is_as_documented() -> None:
    encoder = choose_format("application/jsonl").encoder(start(900, 900, 4950))
    chunks = [encoder.opening(), *(encoder.encode(event) for event in (Thinking("Hm."), Idle(), Thinking()))]
    assert b"".join(chunks).decode() == example("thinking")


def test_raw_text_is_as_documented() -> None:
    """One line is one chunk, but for the heartbeat, which is a space before the last."""
    *chunks_before, heartbeat, last = [chunk for chunk in chunks("text/plain") if chunk]
    assert heartbeat == b" "
    assert b"\n".join([*chunks_before, last, b""]).decode() == example("text/plain")


def test_the_document_is_what_the_fragments_make() -> None:
    assert "".join(FRAGMENTS) + "\n" == example("json")
    assert json.loads(b"".join(chunks("application/json"))) == json.loads(example("json"))


def test_the_error_event_is_as_documented() -> None:
    encoder = choose_format("application/jsonl").encoder(start(640))
    problem = AnswerInvalid("/keywords/3", "string_type").as_problem("c6af9ac6-7b61")
    assert encoder.failed(problem).decode() == example("error")


HEADERS = {"Content-Type": "text/plain; charset=utf-8", "X-Content-Type-Options": "nosniff"}


def body() -> Generator[bytes | Cut, None, None]:
    """Yield nothing: the prelude alone is of interest."""
    yield from ()


def test_the_prelude_is_as_documented() -> None:
    head = prelude(Response(200, HEADERS, body()))
    assert head.decode().replace("\0", "␀") + "\n" == example("prelude")


def sent(pieces: list[bytes], error: StreamError | None) -> str:
    """Return the request that carries ``pieces`` to a Runtime API, in the spelling of the document."""
    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor() as threads:
        address = f"127.0.0.1:{listener.getsockname()[1]}"
        request = threads.submit(received, listener)
        invocation = Invocation("{id}", b"", HTTPMessage(), time.time() + 60, time.time() + 60)
        head, *rest = pieces
        with closing(RuntimeApi(address).respond(invocation, head)) as response:
            for piece in rest:
                response.send(piece)
            response.end(error)
        wire = request.result().decode()
    return wire.replace(address, "{AWS_LAMBDA_RUNTIME_API}").replace("\0", "␀").replace("\r\n", "\n")


def received(listener: socket.socket) -> bytes:
    """Take one request up to the end of its trailers, and acknowledge it."""
    connection, _ = listener.accept()
    with connection:
        data = b""
        while not re.search(rb"\r\n0\r\n(.+\r\n)*\r\n$", data):
            data += connection.recv(65536)
        connection.sendall(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")
    return data


def test_the_runtimes_request_is_as_documented() -> None:
    head = prelude(Response(200, HEADERS, body()))
    pieces = [head, *(chunk for chunk in chunks("text/plain") if chunk.strip())]
    assert sent(pieces, None) == example("runtime")
    assert sent(pieces, ModelFailed()).endswith(f"\n}}\n{example('trailers')}")
