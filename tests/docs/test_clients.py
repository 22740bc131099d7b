"""The readers in Python and for the shell that docs/clients.md shows: all of them come to the same answers."""

import inspect
import json
import os
import re
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import aiohttp
import httpx
import pytest
import requests

from function.schema import Answer
from local.bedrock.script import complete_answer, load
from local.bedrock.server import Bedrock
from local.twin import Twin
from streaming_llm_client import Client, StreamError
from tests.clients.python.conftest import VECTORS, Peer
from tests.clients.vectors.vector import Response, Vector
from tests.coroutines import run as run_coroutine
from tests.formats import LINES, SSE, WHOLE
from tests.wire.chain import Chain
from tests.wire.endings_table import GOOD, Case
from tests.wire.rows import all_rows, play, request, rows, told, waits

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "clients.md").read_text()
REQUEST = {"prompt": "Why?"}
LOST = (httpx.RemoteProtocolError, requests.exceptions.ChunkedEncodingError, aiohttp.ClientPayloadError)
"""What the libraries raise if the connection breaks."""
COMMAND_LIMIT = 60
LONG = 1_000_000

Ask = Callable[..., Any]
"""Sends a request, or ``REQUEST``, to a URL; returns the value, or raises ``RuntimeError`` with the reason."""


def example(heading: str, language: str) -> str:
    """Return the code of a section of the page."""
    [section] = re.findall(rf"^### {heading}\n(.*?)(?=^##|\Z)", PAGE, re.MULTILINE | re.DOTALL)
    [code] = re.findall(rf"^```{language}\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    return str(code)


def program(library: str) -> Ask:
    """Return the reader of a section with Python."""
    names: dict[str, Any] = {"__name__": library}
    exec(example(library, "python"), names)  # noqa: S102 - our own page
    ask = names["ask"]

    def run(url: str, body: object = REQUEST) -> Any:
        try:
            return run_coroutine(ask(url, body)) if inspect.iscoroutinefunction(ask) else ask(url, body)
        except LOST as error:
            raise RuntimeError("cut") from error

    return run


def command(folder: Path) -> Ask:
    """Return the reader of the section with curl, which writes into a folder."""

    def run(url: str, body: object = REQUEST) -> Any:
        code = example("curl", "sh").replace(json.dumps(REQUEST), json.dumps(body))
        shell = ["sh", "-c", f'URL="$1"\n{code}', "sh", url]
        done = subprocess.run(shell, cwd=folder, capture_output=True, text=True, check=False, timeout=COMMAND_LIMIT)
        written = (folder / "answer.jsonl").read_text()
        assert done.stdout == written
        if "The answer is not complete." in done.stderr:
            last = written.rstrip().rpartition("\n")[2]
            raise RuntimeError(
                last if last.startswith(('{"type":"error"', '{"type":"urn:', '{"type": "urn:')) else "cut"
            )
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


def outcome(ask: Ask, url: str, body: object = REQUEST) -> tuple[str, Any]:
    try:
        return "complete", ask(url, body)
    except RuntimeError as error:
        code = re.search(r'"code": ?"(\w+)"', str(error))
        return "not complete", code[1] if code else str(error)


def expected(vector: Vector) -> tuple[str, Any]:
    if vector.expected["outcome"] == "complete":
        return "complete", vector.expected["value"]
    return "not complete", vector.expected["code"]


def own_client(url: str, body: Mapping[str, Any] = REQUEST) -> Any:
    """Read with the project's own client."""
    with Client(url, retries=0) as client:
        try:
            return client.stream(Answer, **body).final().model_dump()
        except StreamError as error:
            raise RuntimeError(error.code) from error


CASES = rows(LINES)
"""A case of each row of docs/endings.md, before the first byte and after it, in the format of these readers."""
READERS = ("httpx", "requests", "aiohttp", "curl", "the Python client")

Outcomes = Mapping[tuple[str, str], tuple[str, Any]]
"""What a reader made of a case."""


def readers_in(folder: Path) -> Mapping[str, Ask]:
    """Return every reader by its name; curl writes into a folder."""
    of_page = {name: program(name) for name in READERS[:3]}
    return {**of_page, "curl": command(folder), "the Python client": own_client}


def outcomes_of(cases: Mapping[str, Case]) -> Outcomes:
    """Play cases of one deployment for all readers: one after the other, except where all of them would wait."""
    deployment = dict(next(iter(cases.values())).environment)
    found: dict[tuple[str, str], tuple[str, Any]] = {}
    chain = Chain()
    try:
        with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(len(READERS)) as pool:
            readers, pipe = readers_in(Path(folder)), Path(folder) / "pipe"
            os.mkfifo(pipe)
            chain.deploy(float(deployment.pop("timeout", 120)), **deployment, PIPE=str(pipe))
            chain.ask(GOOD, WHOLE)
            if any(map(waits, cases.values())):  # one after the other: a busy machine gives each ten seconds
                for _ in range(len(READERS) - 1):
                    chain.twin.function.start()
            play(chain.twin, cases)
            for name, case in cases.items():
                asked = [(ask, chain.twin.url, request(case)) for ask in readers.values()]
                run = pool.map if waits(case) else map
                for reader, each in zip(readers, run(lambda given: outcome(*given), asked), strict=True):
                    found[reader, name] = each
    finally:
        chain.close()
    return found


@pytest.fixture(scope="module")
def outcomes(curl: str) -> Outcomes:  # noqa: ARG001 - it must be installed
    """What each reader made of each row: deployments in which time must pass stand beside the others."""
    deployments: dict[str, dict[str, Case]] = {}
    for name, case in CASES.items():
        deployments.setdefault(json.dumps(case.environment), {})[name] = case
    waiting = [cases for cases in deployments.values() if any(map(waits, cases.values()))]
    others = [cases for cases in deployments.values() if cases not in waiting]
    found: dict[tuple[str, str], tuple[str, Any]] = {}
    with ThreadPoolExecutor(len(waiting)) as pool:
        waited = [pool.submit(outcomes_of, cases) for cases in waiting]
        for cases in others:
            found.update(outcomes_of(cases))
        for done in waited:
            found.update(done.result())
    return found


@pytest.mark.parametrize("accept", [LINES, SSE])
def test_every_row_has_a_case_for_readers_of_a_format(accept: str) -> None:
    assert {(case.ending, case.committed) for case in rows(accept).values()} == all_rows(accept)


@pytest.mark.parametrize("reader", READERS)
def test_a_reader_knows_how_every_row_ends(outcomes: Outcomes, reader: str) -> None:
    """A complete answer is its value; any other end is a reason, never a value."""
    assert {name: outcomes[reader, name] for name in CASES} == {name: told(case) for name, case in CASES.items()}


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
