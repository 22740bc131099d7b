"""``python -m streaming_llm_client``, within the process where nothing else is of interest."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from streaming_llm_client import cli
from tests.clients.python.conftest import PACKAGE, Peer, response
from tests.clients.vectors.encoded import Writer
from tests.clients.vectors.vector import Response

VARIABLES = (
    "API_KEY",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
)
LINES = '/summary "Pay per use."\n/keywords/0 "cost"\n{"summary": "Pay per use.", "keywords": ["cost"]}\n'
OBJECT = '{\n  "summary": "Pay per use.",\n  "keywords": [\n    "cost"\n  ]\n}\n'


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in VARIABLES:
        monkeypatch.delenv(variable, raising=False)


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        cli.main(arguments)
    return int(ended.value.code or 0)


def test_a_pipe_gets_plain_lines(peer: Peer, capsys: pytest.CaptureFixture[str]) -> None:
    peer.responses.append(response("complete-jsonl"))

    assert run(peer.url, "Why?") == 0
    assert capsys.readouterr() == (LINES, "")
    assert json.loads(peer.received[0].body) == {"prompt": "Why?"}


@pytest.mark.parametrize(
    ("arguments", "body"),
    [(["--data", '{"topic": "ü"}'], {"topic": "ü"}), (["--data", '"Why?"'], "Why?"), ([], None)],
)
def test_the_request_is_what_the_options_say(peer: Peer, arguments: list[str], body: object) -> None:
    peer.responses.append(response("complete-jsonl"))

    assert run(peer.url, *arguments) == 0
    assert (json.loads(peer.received[0].body) if peer.received[0].body else None) == body


def test_the_request_can_be_in_a_file(peer: Peer, tmp_path: Path) -> None:
    (tmp_path / "request.json").write_text('{"topic": "tides"}')
    peer.responses.append(response("complete-jsonl"))

    assert run(peer.url, "--data", f"@{tmp_path}/request.json") == 0
    assert json.loads(peer.received[0].body) == {"topic": "tides"}


@pytest.mark.parametrize("arguments", ["URL --accept TYPE Why?", "--accept TYPE URL Why?", "URL Why? --accept TYPE"])
def test_options_can_stand_anywhere(peer: Peer, arguments: str) -> None:
    peer.responses.append(response("complete-sse"))

    assert run(*arguments.replace("URL", peer.url).replace("TYPE", "text/event-stream").split()) == 0
    assert json.loads(peer.received[0].body) == {"prompt": "Why?"}


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("error-answer_invalid", ["answer_invalid", "/keywords/3: string_type", "request c6af9ac6-7b61"]),
        ("problem-body_invalid", ["body_invalid", "/prompt: string_too_short"]),
        ("problem-quota_exhausted", ["quota_exhausted"]),
        ("http-503-retry-after", ["http_503", "try again after 30 s"]),
        ("ends-cleanly-after-closed-document-jsonl", ["ended before its answer was complete"]),
        ("ok-but-a-page", ["not that of an endpoint", "text/html"]),
        ("network", ["There was no response"]),
    ],
)
def test_what_is_not_complete_fails_with_its_reason(
    peer: Peer, capsys: pytest.CaptureFixture[str], name: str, words: list[str]
) -> None:
    peer.responses.append(None if name == "network" else response(name))

    assert run(peer.url, "Why?") == 1
    shown = capsys.readouterr()
    assert shown.err.count("\n") == 1
    assert [word for word in words if word not in shown.err] == []
    assert '{"summary"' not in shown.out


def test_a_problem_cannot_drive_the_terminal(peer: Peer, capsys: pytest.CaptureFixture[str]) -> None:
    hostile = "\x1b[2J\x9b\u202e"
    problem = {
        "title": hostile,
        "code": f"c{hostile}",
        "detail": hostile,
        "errors": [{"path": hostile, "rule": "x"}, 7],
    }
    headers = {"Content-Type": "application/problem+json"}
    peer.responses.append(Response(422, headers, [json.dumps({**problem, "requestId": hostile})]))

    assert run(peer.url, "Why?") == 1
    assert capsys.readouterr().err.removesuffix("\n").isprintable()


@pytest.mark.parametrize(
    ("accept", "name"),
    [
        ("application/jsonl", "complete-jsonl"),
        ("text/event-stream", "complete-sse"),
        ("application/jsonl; view=snapshot", "complete-jsonl-snapshot"),
    ],
)
def test_another_format_is_shown_as_it_arrives(
    peer: Peer, capsys: pytest.CaptureFixture[str], accept: str, name: str
) -> None:
    peer.responses.append(response(name))

    assert run(peer.url, "Why?", "--accept", accept) == 0
    assert capsys.readouterr() == (response(name).body.decode(), "")
    assert peer.received[0].fields["accept"] == accept


@pytest.mark.parametrize("accept", ["text/plain", "application/json"])
def test_a_document_is_shown_as_it_arrives(peer: Peer, capsys: pytest.CaptureFixture[str], accept: str) -> None:
    """If it is cut, it is no JSON: however the connection ends."""
    writer = Writer(accept).feed(['{"summary": "Pay', ' per use.", "keywords": []}'])
    unfinished = writer.sent()
    peer.responses += [unfinished, writer.complete().sent()]

    assert run(peer.url, "Why?", "--accept", accept) == 1
    assert capsys.readouterr().err == "The response ended before its answer was complete.\n"
    assert run(peer.url, "Why?", "--accept", accept) == 0
    assert json.loads(capsys.readouterr().out) == {"summary": "Pay per use.", "keywords": []}


@pytest.mark.parametrize("name", ["error-model_failed", "ends-cut-after-delta-jsonl", "problem-model_busy", "network"])
def test_another_format_fails_with_its_reason_too(peer: Peer, capsys: pytest.CaptureFixture[str], name: str) -> None:
    peer.responses.append(None if name == "network" else response(name))

    assert run(peer.url, "Why?", "--accept", "application/jsonl") == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_the_key_comes_from_the_environment(peer: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_KEY", "canary-key")
    peer.responses.append(response("complete-jsonl"))

    assert run(peer.url, "Why?") == 0
    assert peer.received[0].fields["x-api-key"] == "canary-key"


def test_a_request_is_signed_with_the_credentials_of_the_environment(
    peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable, value in {
        "AWS_ACCESS_KEY_ID": "AKID",
        "AWS_SECRET_ACCESS_KEY": "s",
        "AWS_REGION": "eu-west-1",
    }.items():
        monkeypatch.setenv(variable, value)
    peer.responses.append(response("complete-jsonl"))

    assert run(peer.url, "Why?", "--sigv4") == 0
    assert "/eu-west-1/execute-api/aws4_request" in peer.received[0].fields["authorization"]


@pytest.mark.parametrize(
    ("arguments", "variables", "words"),
    [
        ("", {}, "the following arguments are required: URL"),
        ("URL Why? --data {}", {}, "not allowed with"),
        (
            "example.com/v1/stream Why?",
            {},
            "URL must begin with http:// or https:// and a host; got 'example.com/v1/stream'",
        ),
        ("http://[::1/v1 Why?", {}, "URL must begin with http:// or https:// and a host; got 'http://[::1/v1'"),
        ("http://:80/v1 Why? --accept text/plain", {}, "URL must"),
        ("http://example.com:x/v1 --sigv4", {}, "URL must"),
        ("URL --data {", {}, "--data must be JSON"),
        ("URL --data @/nowhere", {}, "No such file or directory: '/nowhere'"),
        ("URL --sigv4", {}, "AWS_REGION"),
        ("URL --sigv4", {"AWS_REGION": "eu-west-1"}, "AWS_ACCESS_KEY_ID"),
        ("URL", {"API_KEY": "a\nb"}, "API_KEY contains characters"),
    ],
)
def test_a_wrong_command_line_says_what_is_wrong(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    arguments: str,
    variables: dict[str, str],
    words: str,
) -> None:
    """Before anything is sent."""
    for variable, value in variables.items():
        monkeypatch.setenv(variable, value)

    assert run(*arguments.replace("URL", "http://127.0.0.1:9/").split()) == 2
    assert words in capsys.readouterr().err


def test_the_region_is_in_the_host_name() -> None:
    url = "https://abc.execute-api.eu-central-1.amazonaws.com/v1/stream"

    assert cli.region_of(url, {"AWS_REGION": "eu-west-1"}) == "eu-central-1"
    assert cli.region_of("https://example.com/", {"AWS_DEFAULT_REGION": "eu-west-1"}) == "eu-west-1"


def in_terminal(peer: Peer, *program: str) -> tuple[int, str]:
    """Run a program in a pseudo-terminal; return its exit status and what it wrote."""
    controller, terminal = pty.openpty()
    command = [sys.executable, *program, peer.url, "Why?"]
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(PACKAGE), "TERM": "xterm", "COLUMNS": "80"}
    with subprocess.Popen(command, stdout=terminal, stderr=terminal, env=environment) as process:
        os.close(terminal)
        written = b""
        while more := _read(controller):
            written += more
        os.close(controller)
        return process.wait(), written.decode().replace("\r\n", "\n")


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65_536)
    except OSError:  # Linux reports the end of a pseudo-terminal as an error
        return b""


WITHOUT_RICH = """
import sys
sys.modules["rich"] = None
from streaming_llm_client.cli import main
main()
"""


def test_a_terminal_shows_the_growing_object(peer: Peer) -> None:
    """In colours where rich is installed, and in the same form where it is not."""
    peer.responses += [response("complete-jsonl")] * 2

    status, written = in_terminal(peer, "-m", "streaming_llm_client")
    assert status == 0
    assert "\x1b[32m" in written
    assert "complete: end_turn, 12 input and 21 output tokens, " in written

    status, written = in_terminal(peer, "-c", WITHOUT_RICH)
    assert status == 0
    assert written.startswith(OBJECT)
    assert "\x1b" not in written
