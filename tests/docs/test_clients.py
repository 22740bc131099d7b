"""The readers in Python and for the shell that docs/clients.md shows: all of them come to the same answers."""

import asyncio
import inspect
import json
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import httpx
import pytest
import requests

from local.bedrock.script import complete_answer, load
from local.bedrock.server import Bedrock
from local.twin import Twin
from tests.clients.python.conftest import VECTORS, Peer
from tests.clients.vectors.vector import Response, Vector

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "clients.md").read_text()
REQUEST = {"prompt": "Why?"}
LOST = (httpx.RemoteProtocolError, requests.exceptions.ChunkedEncodingError, aiohttp.ClientPayloadError)
"""What the libraries raise if the connection breaks."""
COMMAND_LIMIT = 60
LONG = 1_000_000

Ask = Callable[[str], Any]
"""Sends a request to a URL; returns the value, or raises ``RuntimeError`` with the reason."""


def example(heading: str, language: str) -> str:
    """Return the code of a section of the page."""
    [section] = re.findall(rf"^## {heading}\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    [code] = re.findall(rf"^```{language}\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    return str(code)


def program(library: str) -> Ask:
    """Return the reader of a section with Python."""
    names: dict[str, Any] = {"__name__": library}
    exec(example(library, "python"), names)  # noqa: S102 - our own page
    ask = names["ask"]

    def run(url: str) -> Any:
        try:
            return asyncio.run(ask(url, REQUEST)) if inspect.iscoroutinefunction(ask) else ask(url, REQUEST)
        except LOST as error:
            raise RuntimeError("cut") from error

    return run


def command(folder: Path) -> Ask:
    """Return the reader of the section with curl, which writes into a folder."""

    def run(url: str) -> Any:
        shell = ["sh", "-c", f'URL="$1"\n{example("curl", "sh")}', "sh", url]
        done = subprocess.run(shell, cwd=folder, capture_output=True, text=True, check=False, timeout=COMMAND_LIMIT)
        written = (folder / "answer.jsonl").read_text()
        assert done.stdout == written
        if "The answer is not complete." in done.stderr:
            last = written.rstrip().rpartition("\n")[2]
            raise RuntimeError(last if last.startswith(('{"type":"error"', '{"type":"urn:')) else "cut")
        [complete] = [line for line in written.split("\n") if line.startswith('{"type":"complete"')]
        return json.loads(complete)["value"]

    return run


@pytest.fixture(params=["httpx", "requests", "aiohttp", "curl"])
def ask(request: pytest.FixtureRequest, tmp_path: Path) -> Ask:
    """Each reader of the page in turn."""
    if request.param != "curl":
        return program(request.param)
    request.getfixturevalue("curl")
    return command(tmp_path)


@pytest.fixture
def peer() -> Iterator[Peer]:
    server = Peer()
    yield server
    server.close()


@pytest.fixture(scope="module")
def chain() -> Iterator[Twin]:
    """The endpoint, for all readers."""
    with Bedrock() as bedrock, Twin(bedrock) as twin:
        yield twin


def test_the_answer_of_an_endpoint_is_its_value_or_the_reason(ask: Ask, chain: Twin) -> None:
    """The reason is a code: in the response, or in the last event."""
    document = '{"summary": "Pay\\u2028per use.", "keywords": ["cost", "\\u00fc"]}'
    assert chain.bedrock is not None
    chain.bedrock.play(complete_answer(document), load("invalid"), load("throttled"))

    assert ask(chain.url) == json.loads(document)
    with pytest.raises(RuntimeError, match="answer_invalid"):
        ask(chain.url)
    with pytest.raises(RuntimeError, match="model_busy"):
        ask(chain.url)


WRITTEN = [
    (vector, vector.response)
    for vector in VECTORS.values()
    if vector.response and vector.response.headers.get("Content-Type") == "application/jsonl"
    if vector.made == "encoder" or len(vector.response.body) > LONG
]
"""Everything that an endpoint writes as JSON Lines, and a long line."""


def test_readers_agree_on_every_response(ask: Ask, peer: Peer) -> None:
    for vector, response in WRITTEN:
        peer.responses.append(response)
        assert outcome(ask, peer.url) == expected(vector), vector.name


def outcome(ask: Ask, url: str) -> tuple[str, Any]:
    try:
        return "complete", ask(url)
    except RuntimeError as error:
        code = re.search(r'"code": ?"(\w+)"', str(error))
        return "not complete", code[1] if code else str(error)


def expected(vector: Vector) -> tuple[str, Any]:
    if vector.expected["outcome"] == "complete":
        return "complete", vector.expected["value"]
    return "not complete", vector.expected["code"]


def test_curl_repeats_a_request_if_it_is_told_to(curl: str, peer: Peer) -> None:
    """A 502 has had a model call, and each repetition has another."""
    failed = Response(502, {"Content-Type": "application/problem+json"}, ['{"code":"answer_refused"}'])
    peer.responses += [failed, failed]
    subprocess.run([curl, "--silent", "--retry", "1", "--data", "{}", peer.url], capture_output=True, check=False)

    assert len(peer.received) == 2


def test_wget_repeats_a_request_unless_it_is_told_not_to(wget: str, peer: Peer) -> None:
    """It does so after a lost connection, even if the request is a POST."""
    lost = VECTORS["ends-cut-after-delta-jsonl"].response
    command = [wget, "--quiet", "--output-document=-", "--post-data={}", "--waitretry=0", peer.url]
    for options, requests_sent in ((["--tries=2"], 2), (["--tries=1"], 1)):
        peer.responses = [lost] * 2
        peer.received.clear()
        subprocess.run([*command, *options], capture_output=True, check=False, timeout=COMMAND_LIMIT)

        assert len(peer.received) == requests_sent
