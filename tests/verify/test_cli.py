import os
import re
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from local.bedrock.call import Answerer, Call
from local.bedrock.script import Hold, Step
from local.bedrock.server import Bedrock
from local.http11.server import Exchange
from local.lambda_.deployment import Deployment
from local.twin import CHECKOUT, Twin, task_root
from tests.unserved import unserved_port
from tests.verify.shared import DOCUMENT, ORIGIN, QUICK, bedrock_of, play, slowly
from tests.verify.spoilt import KEY, SECRET, proxy, signature
from verify.checks.catalog import MODEL_CALLS
from verify.checks.run import LONG_REQUEST
from verify.cli import main


def command(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the program in an environment that has nothing of the caller's own but PATH and HOME."""
    environment = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME"}}
    return subprocess.run(
        [sys.executable, "-m", "verify", *arguments],
        cwd=CHECKOUT,
        env={**environment, **variables},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def long_ones(steps: Sequence[Step]) -> Answerer:
    """Take time only for the long answer, so that a whole run is short."""
    return lambda call: steps if call.prompt in LONG_REQUEST.decode() else QUICK


def test_the_command_fails_at_a_buffering_gateway_and_passes_with_the_recommended_padding(endpoint: Twin) -> None:
    """As a user goes: from the first run's advice to the second run's verdict."""
    bedrock_of(endpoint).answer = long_ones(slowly(2.0, len(DOCUMENT) // 4))
    endpoint.gateway.hold_back = 400
    buffered = command(endpoint.url)
    assert buffered.returncode == 1
    assert "FAILED after" in buffered.stdout

    advice = re.search(r"pulumi config set startPadding (\d+)", buffered.stdout)
    assert advice, buffered.stdout
    endpoint.deploy({"LLM_START_PADDING": advice[1]})
    padded = command(endpoint.url)
    assert padded.returncode == 0, padded.stdout
    assert "ok    streams without delay" in padded.stdout


def with_key(exchange: Exchange, body: bytes) -> str | None:  # noqa: ARG001 - a Gatekeeper
    return None if exchange.headers.get("x-api-key") == "right" else "INVALID_API_KEY"


def with_signature(exchange: Exchange, body: bytes) -> str | None:
    if "Authorization" not in exchange.headers:
        return "MISSING_AUTHENTICATION_TOKEN"
    credential, expected = signature(exchange, body, "eu-west-3")
    authorization = exchange.headers["Authorization"]
    right = f"Credential={credential}," in authorization and authorization.endswith(f"Signature={expected}")
    return None if right else "INVALID_SIGNATURE"


def test_a_protected_endpoint_is_checked_with_the_api_key(endpoint: Twin) -> None:
    """Every request carries it, but for the one of the check without credentials."""
    with proxy(endpoint, refusal=with_key) as server:
        done = command(server.url + "/v1/stream", API_KEY="right")

    assert done.returncode == 0, done.stdout
    assert "ok    refuses missing credentials: 403 INVALID_API_KEY" in done.stdout


def test_a_protected_endpoint_is_checked_with_signatures(endpoint: Twin) -> None:
    """The other side computes each signature itself. An API key in the environment is then not used."""
    keys = {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_DEFAULT_REGION": "eu-west-3"}
    files = {"AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null"}
    with proxy(endpoint, refusal=with_signature) as server:
        done = command(server.url + "/v1/stream", "--sigv4", API_KEY="unused", **keys, **files)
        wrong = command(server.url + "/v1/stream", "--sigv4", **{**keys, "AWS_SECRET_ACCESS_KEY": "wrong"}, **files)

    assert done.returncode == 0, done.stdout
    assert "ok    refuses missing credentials: 403 MISSING_AUTHENTICATION_TOKEN" in done.stdout
    assert wrong.returncode == 1
    assert "INVALID_SIGNATURE Forbidden. Check the AWS credentials" in wrong.stdout


def test_the_command_checks_what_its_options_say_and_exits_with_the_result(endpoint: Twin, tmp_path: Path) -> None:
    (tmp_path / "request.json").write_text('{"prompt": "Why?"}')
    calls: list[Call] = []

    def answer(call: Call) -> Sequence[Step]:
        calls.append(call)
        return QUICK

    bedrock_of(endpoint).answer = answer
    done = command(endpoint.url + "/", "--origin", ORIGIN, "--body", str(tmp_path / "request.json"), "--warm")

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"Checking {endpoint.url}\n")
    assert "ok    warm-up: ready after 1 attempt\n" in done.stdout
    assert "ok    CORS: preflight: " in done.stdout
    assert {call.prompt for call in calls} == {"Why?"}


REQUESTS = """
from pydantic import BaseModel, ConfigDict
class Question(BaseModel):
    topic: str
    @property
    def prompt(self) -> str:
        return f"Explain {self.topic}."
class WithExample(Question):
    model_config = ConfigDict(json_schema_extra={"examples": [{"topic": "tides"}]})
"""


def test_the_example_of_the_endpoints_request_class_is_sent(tmp_path: Path) -> None:
    """By the warm-up too."""
    (tmp_path / "mine.py").write_text(REQUESTS)
    request = {"LLM_REQUEST": "mine:WithExample"}
    with task_root(tmp_path) as root, Bedrock() as bedrock, Twin(bedrock, Deployment(root, request)) as twin:
        bedrock.play(QUICK)
        done = command(twin.url, "--code", str(tmp_path), "--warm", **request)
        prompts = {call.prompt for call in bedrock.calls}
        (tmp_path / "config.yaml").write_text(f"code: {tmp_path}\nrequest: mine:Question\n")
        refused = command(twin.url, "--config", str(tmp_path / "config.yaml"))
        without = command(twin.url)

    assert (done.returncode, done.stderr) == (0, "")
    assert prompts == {"Explain tides."}
    assert refused.stderr.startswith("mine:Question has no example of a request")
    assert without.returncode == 1
    assert "name it with --config (make: CONFIG=), or with LLM_REQUEST" in without.stdout


def test_a_class_without_a_prompt_and_without_an_example_ends_the_run(endpoint: Twin, tmp_path: Path) -> None:
    """Before anything is sent."""
    (tmp_path / "mine.py").write_text(REQUESTS)
    done = command(endpoint.url, "--code", str(tmp_path), LLM_REQUEST="mine:Question")

    assert (done.returncode, done.stdout.strip()) == (1, "")
    assert done.stderr.startswith("mine:Question has no example of a request, so nobody knows what to send. ")
    assert len(done.stderr.splitlines()) == 1


ENDPOINT = "https://llm.example/v1/stream"


@pytest.mark.parametrize(
    ("arguments", "variables", "words"),
    [
        ([], {}, "the following arguments are required: URL"),
        (["http://[::1/v1/stream"], {}, "URL must be an address such as https://example.com/v1/stream"),
        (["http://h:port/v1/stream"], {}, "got 'http://h:port/v1/stream'"),
        (["http://h:0/v1/stream"], {}, "must be an address such as"),
        (["https://bü.example/v1/stream"], {}, "must be an address such as"),
        (["example.com"], {}, "got 'example.com'"),
        ([ENDPOINT], {"API_KEY": "a\nb"}, "API_KEY contains characters that an HTTP header cannot carry"),
        ([ENDPOINT, "--origin", "https://a b"], {}, "--origin must be a web origin such as"),
        ([ENDPOINT, "--origin", "https://a.example/"], {}, "--origin must be a web origin such as"),
        ([ENDPOINT, "--origin", "a.example"], {}, "--origin must be a web origin such as"),
        ([ENDPOINT, "--body", '{"prompt": "Why?"}'], {}, '--body must be a file; got \'{"prompt": "Why?"}\''),
        ([ENDPOINT, "--code", "/nowhere"], {}, "--code must be a folder; got '/nowhere'"),
        ([ENDPOINT, "--key", "secret"], {}, "unrecognized arguments: --key secret"),
    ],
)
def test_a_wrong_command_line_is_reported_in_one_line(
    capsys: pytest.CaptureFixture[str], arguments: list[str], variables: dict[str, str], words: str
) -> None:
    """Before anything is sent: such a command line needs no process of its own."""
    with pytest.raises(SystemExit) as end:
        main(arguments, variables)

    shown = capsys.readouterr()
    assert (end.value.code, shown.out) == (2, "")
    _check_line(shown.err, words)


def _check_line(errors: str, words: str) -> None:
    assert words in errors
    assert errors.endswith(" (--help lists the options)\n")
    assert len(errors.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "variables", "words"),
    [
        (
            [ENDPOINT, "--sigv4"],
            {"HOME": "/nonexistent", "AWS_EC2_METADATA_DISABLED": "true"},
            "--sigv4: There are no AWS credentials. Set AWS_PROFILE, or log in",
        ),
        (
            [ENDPOINT, "--sigv4"],
            {"HOME": "/nonexistent", "AWS_PROFILE": "missing"},
            "--sigv4: The AWS credentials cannot be used: The config profile (missing) could not be found",
        ),
    ],
)
def test_credentials_that_cannot_be_used_are_reported_in_one_line(
    arguments: list[str], variables: dict[str, str], words: str
) -> None:
    done = command(*arguments, **variables)

    assert (done.returncode, done.stdout) == (2, "")
    _check_line(done.stderr, words)


def help_of(capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as end:
        main(["--help"], {})
    shown = capsys.readouterr()
    assert (end.value.code, shown.err) == (0, "")
    return shown.out


def test_the_help_names_every_option_and_the_price(capsys: pytest.CaptureFixture[str]) -> None:
    shown = help_of(capsys)

    assert MODEL_CALLS == 6
    options = ("URL", "--sigv4", "--origin", "--warm", "--code", "--config", "--body", "API_KEY", "LLM_REQUEST")
    for words in (f"{MODEL_CALLS} billed model calls", *options, "example:"):
        assert words in shown
    assert "--api-key" not in shown


def test_the_documents_name_every_option(capsys: pytest.CaptureFixture[str]) -> None:
    """The table of deploy.md, the Makefile and the program have the same ones."""
    rows, rules = ((CHECKOUT / name).read_text() for name in ("docs/deploy.md", "Makefile"))
    listed = re.findall(r"^  --([a-z0-9]+)", help_of(capsys), re.MULTILINE)
    options = {"URL", "API_KEY", *(name.upper() for name in listed)}
    help_line = next(line for line in rules.splitlines() if line.startswith("verify:"))

    assert options == set(re.findall(r"^\| `(\w+)=", rows, re.MULTILINE))
    assert options == set(re.findall(r"(\w+)=", help_line))


def test_an_endpoint_that_is_not_there_ends_the_run() -> None:
    with unserved_port() as port:
        done = command(f"http://127.0.0.1:{port}/v1/stream")

    assert (done.returncode, done.stderr) == (1, "")
    assert (
        f"FAIL  endpoint responds: no response: nothing listens at 127.0.0.1:{port}. Check host and port" in done.stdout
    )
    assert done.stdout.endswith("FAILED: the other checks were not run.\n")


def started(url: str) -> subprocess.Popen[str]:
    """Start the program under test, and read what it writes."""
    return subprocess.Popen(
        [sys.executable, "-m", "verify", url],
        cwd=CHECKOUT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_an_interrupted_run_ends_without_a_traceback(endpoint: Twin) -> None:
    play(endpoint, [Hold("until the end of the test")])
    process = started(endpoint.url)
    assert process.stdout
    while "model calls, each is billed" not in process.stdout.readline():
        pass
    bedrock_of(endpoint).reached("until the end of the test")
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    bedrock_of(endpoint).release("until the end of the test")

    assert (process.returncode, errors) == (130, "")


def test_a_reader_that_has_read_enough_ends_the_run_without_a_traceback(endpoint: Twin) -> None:
    """Such as ``head``: the next line that is written meets a closed pipe."""
    play(endpoint, [Hold("until the reader has left"), *QUICK])
    process = started(endpoint.url)
    assert process.stdout
    assert process.stderr
    process.stdout.readline()
    process.stdout.close()
    bedrock_of(endpoint).release("until the reader has left")

    with process.stderr as errors:
        assert errors.read() == ""
    process.wait(timeout=60)
