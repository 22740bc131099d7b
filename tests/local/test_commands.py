"""``make demo`` and ``make serve`` as processes, with a server of the test's in place of a model."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.client import End, Reply
from local.twin import CHECKOUT
from tests.local.models.openai import OpenAi, delta

ANSWER = '{"summary": "Grüße", "keywords": ["a"]}'


@pytest.fixture
def openai() -> Iterator[OpenAi]:
    made = OpenAi()
    made.say(*map(delta, re.findall("....?", ANSWER)), delta(None, "stop"))
    with made.server:
        yield made


def environment(openai: OpenAi, **more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "LLM_"))}
    return {**kept, "MODEL_URL": openai.url, "PYTHONIOENCODING": "utf-8", **more}


def demo(variables: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "local.demo"]
    return subprocess.run(command, cwd=CHECKOUT, env=variables, capture_output=True, encoding="utf-8", check=False)  # noqa: S603 - ours


@pytest.fixture
def serve(openai: OpenAi) -> Iterator["Serve"]:
    served = Serve(openai)
    yield served
    served.end(signal.SIGKILL)


class Serve:
    """``python -m local``, running."""

    def __init__(self, openai: OpenAi, **more: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "local"],
            cwd=CHECKOUT,
            env=environment(openai, **more),
            stdout=subprocess.PIPE,
            encoding="utf-8",
        )
        assert self.process.stdout is not None
        self.lines = self.process.stdout
        self.head = [self.lines.readline() for _ in range(3)]

    @property
    def url(self) -> str:
        return self.head[2].split()[2]

    def children(self) -> list[int]:
        listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True)  # noqa: S607 - any ps
        pairs = [line.split() for line in listed.stdout.splitlines()]
        return [int(pid) for pid, parent in pairs if int(parent) == self.process.pid]

    def end(self, how: signal.Signals) -> int:
        self.process.send_signal(how)
        self.process.wait()
        self.lines.close()
        return self.process.returncode


def test_the_demo_shows_the_answer_the_three_stages_and_what_to_try_next(openai: OpenAi) -> None:
    """In this order, and it succeeds."""
    done = demo(environment(openai, PROMPT="What does $5 buy?"))

    head, answer, stages, following = done.stdout.split("\n\n")[-4:]
    assert (done.returncode, done.stderr) == (0, "")
    assert f"first at {openai.url} answers." in done.stdout
    assert json.dumps({"prompt": "What does $5 buy?"}) in head
    assert answer == ANSWER
    assert [line.split()[0] for line in stages.splitlines()] == ["log", "store", "publish"]
    assert f"Next: make serve MODEL_URL={openai.url}, and" in following
    assert "curl --no-buffer http://127.0.0.1:8000/v1/stream" in following


def test_the_demo_asks_for_an_object_of_the_users_own(openai: OpenAi, tmp_path: Path) -> None:
    """A module in a folder; the schema reaches the model."""
    (tmp_path / "mine.py").write_text("from pydantic import BaseModel\nclass Place(BaseModel):\n    city: str\n")
    openai.say(delta('{"city": "Bonn"}'), delta(None, "stop"))

    done = demo(environment(openai, SCHEMA="mine:Place", CODE=str(tmp_path)))

    assert done.returncode == 0
    assert '{"city": "Bonn"}' in done.stdout
    schema = openai.requests[-1][1]["response_format"]["json_schema"]["schema"]
    assert schema["properties"]["city"]["type"] == "string"


def test_the_demo_says_that_an_answer_is_not_whole(openai: OpenAi) -> None:
    """And fails."""
    openai.say(delta(ANSWER[:20]), delta(None, "length"))

    done = demo(environment(openai))

    assert done.returncode == 1
    assert "answer_truncated" in done.stdout
    assert "cut off" in done.stdout


def test_the_demo_shows_why_a_function_does_not_start(openai: OpenAi) -> None:
    """The function names the variable."""
    done = demo(environment(openai, LLM_MAX_TOKENS="many"))

    assert done.returncode == 1
    assert "LLM_MAX_TOKENS" in done.stdout
    assert "status 502" in done.stdout


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"CODE": "/nowhere"}, "CODE=/nowhere is no folder."),
        ({"BEDROCK": "azure"}, "BEDROCK=azure means nothing; it may be aws."),
        ({"MODEL_URL": "http://127.0.0.1:9/v1"}, "MODEL_URL: No model answers at http://127.0.0.1:9/v1"),
    ],
)
def test_a_wrong_option_is_one_line(openai: OpenAi, variables: dict[str, str], words: str) -> None:
    """Never a traceback."""
    done = demo(environment(openai, **variables))

    assert done.returncode == 1
    assert done.stderr.startswith(words)
    assert len(done.stderr.splitlines()) == 1


def test_serve_prints_a_curl_line_answers_and_leaves_nothing_behind(serve: Serve) -> None:
    """Ctrl-C ends every process, whatever they do."""
    with Reply(serve.url, b'{"prompt": "x"}') as reply:
        assert reply.body().decode() == ANSWER
        assert reply.end is End.CLEAN
    assert "request completed" in serve.lines.readline() + serve.lines.readline()
    [child] = serve.children()

    assert serve.end(signal.SIGINT) == 0
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)


def test_serve_ends_its_children_when_it_is_told_to_terminate(serve: Serve) -> None:
    """As a service is."""
    with Reply(serve.url, b"") as reply:
        reply.wait()
        [child] = serve.children()

        assert serve.end(signal.SIGTERM) == 128 + signal.SIGTERM
        with pytest.raises(ProcessLookupError):
            os.kill(child, 0)


def test_serve_takes_the_next_free_port(openai: OpenAi, serve: Serve) -> None:
    """Two at the same time get two ports."""
    other = Serve(openai)

    assert serve.url != other.url
    assert other.end(signal.SIGINT) == 0


def test_serve_refuses_a_port_that_is_taken(openai: OpenAi) -> None:
    """One that was asked for is not replaced in silence."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        command = [sys.executable, "-m", "local"]
        done = subprocess.run(  # noqa: S603 - ours
            command, cwd=CHECKOUT, env=environment(openai, PORT=port), capture_output=True, text=True, check=False
        )

    assert (done.returncode, done.stderr) == (1, f"PORT={port} is taken, or is no port.\n")
