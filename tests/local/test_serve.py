"""``python -m local`` as a process, with a server of the test's in place of a model."""

import json
import signal
import socket
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from local.cli import WrongOption
from local.client import End, Reply
from local.serve import first_free, listen, main
from tests.local.commands import Command, assert_one_line, assert_refused, environment, ran
from tests.local.models.openai import ANSWER, OpenAi, delta

PAGE = "https://page.example"


class Serve(Command):
    """``python -m local``, serving."""

    def __init__(self, openai: OpenAi, *options: str, **variables: str) -> None:
        super().__init__("-m", "local", "--model-url", openai.url, *options, variables=environment(**variables))
        self.head = [self.lines.readline() for _ in range(3)]

    @property
    def url(self) -> str:
        return self.head[2].split()[2]


@pytest.fixture
def serve(openai: OpenAi) -> Iterator[Serve]:
    with Serve(openai) as served:
        yield served


def test_serve_prints_a_curl_line_answers_and_leaves_nothing_behind(openai: OpenAi, serve: Serve) -> None:
    """The sandbox that proved that the function starts answers. Ctrl-C ends every process, whatever they do."""
    sandbox = serve.descendants()
    with Reply(serve.url, b'{"prompt": "x"}') as reply:
        assert reply.body().decode() == ANSWER
        assert reply.end is End.CLEAN
    assert "request completed" in "".join(serve.lines.readline() for _ in range(4))
    assert serve.head[0] == f"Serving on this machine. first at {openai.url} answers. Press Ctrl-C to stop.\n"
    assert serve.descendants() == sandbox
    assert len(sandbox) == 1

    done = serve.finish(signal.SIGINT)

    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("example", "shown"),
    [
        (", json_schema_extra={'examples': [{'topic': 'tides'}]}", """ -d '{"topic": "tides"}'\n"""),
        ("", "  mine:Question has no example of a request, so nobody knows what to send. Give the class one: "),
    ],
)
def test_serve_shows_what_a_request_looks_like(openai: OpenAi, tmp_path: Path, example: str, shown: str) -> None:
    """Where nobody knows it, serve serves nevertheless."""
    text = f"from pydantic import BaseModel\nclass Question(BaseModel{example}):\n    topic: str\n"
    (tmp_path / "mine.py").write_text(f"{text}    @property\n    def prompt(self) -> str: ...\n")

    with Serve(openai, "--code", str(tmp_path), LLM_REQUEST="mine:Question") as served:
        assert shown in served.head[2]


def test_serve_prints_a_curl_line_for_each_route(openai: OpenAi, tmp_path: Path) -> None:
    config = tmp_path / "stack.yaml"
    config.write_text("routes: {triage: {}, invoice: {}}\n")
    with Serve(openai, "--config", str(config)) as served:
        urls = [served.url, served.lines.readline().split()[2]]
        for url in urls:
            with Reply(url, b"") as reply:
                assert reply.body().decode() == ANSWER
        served.finish(signal.SIGINT)

    assert [url.rpartition("/v1/")[2] for url in urls] == ["triage", "invoice"]


def test_sigterm_in_the_middle_of_an_answer_ends_everything(openai: OpenAi, serve: Serve) -> None:
    """As a service is ended."""
    openai.say(delta(ANSWER[:20]))
    openai.hangs = True
    with Reply(serve.url, b"") as reply:
        reply.wait()

        done = serve.finish(signal.SIGTERM)

    assert (done.returncode, done.stderr) == (128 + signal.SIGTERM, "")


CALLING = """
import boto3
from pydantic import BaseModel, field_validator
class Place(BaseModel):
    city: str
    @field_validator("city")
    @classmethod
    def look_up(cls, city):
        return boto3.client("location").search(city)
"""


def test_a_request_that_calls_a_service_that_the_bundle_would_not_describe_says_so_in_the_log(
    openai: OpenAi, tmp_path: Path
) -> None:
    """The client learns nothing of it; the line names the argument."""
    (tmp_path / "mine.py").write_text(CALLING)
    openai.say(delta('{"city": "Bonn"}'), delta(None, "stop"))
    with Serve(openai, "--schema", "mine:Place", "--code", str(tmp_path)) as served:
        with Reply(served.url, b"", {"Accept": "application/json"}) as reply:
            problem = json.loads(reply.body())
        lines = [served.lines.readline() for _ in range(5)]
    assert problem["code"] == "internal"
    [line] = [line for line in lines if "location" in line]
    assert "the bundle does not describe the AWS service 'location': add it to the argument services" in line


@pytest.mark.slow
def test_requests_beyond_the_limit_are_refused_and_the_limit_is_stated(openai: OpenAi, serve: Serve) -> None:
    """Of twenty at once ten are answered; for each of the others a line says what the limit is."""
    openai.hangs = True
    with ExitStack() as opened:
        replies = [opened.enter_context(Reply(serve.url, b"", {"Accept": "application/jsonl"})) for _ in range(20)]
        for reply in replies:
            reply.wait()
        statuses = sorted(reply.status for reply in replies)
        done = serve.finish(signal.SIGINT)

    assert statuses == [200] * 10 + [500] * 10
    sentence = "A request was refused with 500: the local function answers at most 10 requests at once."
    assert done.stdout.count(sentence) == 10


def test_the_next_port_is_taken_if_one_is_not_free() -> None:
    """Two at the same time get two ports."""
    with listen(None) as one, listen(None) as other:
        assert one.getsockname() != other.getsockname()


def test_a_page_of_an_allowed_origin_can_call(openai: OpenAi) -> None:
    """Preflight and request, configured by the function's own variable; and the playground, which it need not name."""
    with Serve(openai, LLM_ALLOWED_ORIGINS=PAGE) as served:
        _check_listed(served)
        _check_own_page(served)


def _check_listed(served: Serve) -> None:
    asked = {"Origin": PAGE, "Access-Control-Request-Method": "POST"}
    with Reply(served.url, b"", asked, "OPTIONS") as preflight, Reply(served.url, b"", {"Origin": PAGE}) as reply:
        preflight.body()
        assert reply.body().decode() == ANSWER

    assert preflight.status == 204
    assert preflight.headers["access-control-allow-methods"] == "POST"
    assert "Content-Type" in preflight.headers["access-control-allow-headers"].split(", ")
    granted = [response.headers["access-control-allow-origin"] for response in (preflight, reply)]
    assert granted == [PAGE, PAGE]


def _check_own_page(served: Serve) -> None:
    """Beside the pages that the settings name, the playground can call, from a port of its own."""
    page = served.lines.readline().split("In a browser: ")[1].strip()
    with Reply(page, b"", method="GET") as reply:
        assert b"Playground" in reply.body()
    own = page.rstrip("/")
    origins = [own, PAGE, "https://other.example"]
    granted = []
    for origin in origins:
        with Reply(served.url, b"", {"Origin": origin}) as reply:
            reply.body()
            granted.append(reply.headers.get("access-control-allow-origin"))

    assert granted == [own, PAGE, None]
    assert own != served.url.removesuffix("/v1/stream")


def test_a_port_that_is_taken_is_one_line(openai: OpenAi) -> None:
    """One that was asked for is not replaced in silence."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = ran("-m", "local", "--model-url", openai.url, "--port", port)

    assert_one_line(done, f"--port {port} cannot be used: Address already in use.")


def test_a_page_without_a_free_port_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody can choose its port: what can be done is said."""
    monkeypatch.setattr("local.serve.PORTS_TRIED", 1)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(WrongOption, match=f"No port from {port} to {port} is free: end one of the programs"):
            first_free(port)


@pytest.mark.parametrize("port", ["0", "65536", "abc", "-1", "٣"])
def test_a_port_out_of_range_is_one_line(capsys: pytest.CaptureFixture[str], port: str) -> None:
    """Another one than that of a port that is taken."""
    assert_refused(capsys, main, [f"--port={port}"], "--port must be a whole number from 1 to 65535", port)


def test_a_wrong_setting_is_one_line() -> None:
    """The function's log lines stay away."""
    done = ran("-m", "local", variables=environment(LLM_TEMPERATURE="hot"))

    assert_one_line(done, "LLM_TEMPERATURE must be", "hot")


def test_importing_the_program_starts_nothing() -> None:
    done = ran("-c", "import local.__main__")

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_reader_may_stop_reading(serve: Serve) -> None:
    """It ends with the next line that it has to write: no traceback, no process left."""
    serve.lines.close()
    with suppress(ConnectionError), Reply(serve.url, b"") as reply:  # it may end before it has answered
        reply.wait()
    serve.process.wait()

    assert serve.process.stderr is not None
    assert serve.process.stderr.read() == ""
