"""``python -m local.demo`` as a process, with a server of the test's in place of a model."""

import json
import re
import signal
import subprocess
from pathlib import Path

import pytest

from local.demo import main
from tests.local.commands import Command, assert_one_line, assert_refused, environment, ran
from tests.local.models.openai import ANSWER, OpenAi, delta

NO_REGION = {"AWS_CONFIG_FILE": "/dev/null", "AWS_EC2_METADATA_DISABLED": "true"}
HOSTILE = '{"summary": "\x9b31m\u202e\x7f", "keywords": []}'


def demo(openai: OpenAi, *options: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return ran("-m", "local.demo", "--model-url", openai.url, *options, variables=environment(**variables))


def test_the_demo_shows_the_answer_the_stages_and_what_to_try_next(openai: OpenAi) -> None:
    """In this order, and it succeeds."""
    done = demo(openai, "--prompt", "What does $5 buy?")

    head, answer, stages, following = done.stdout.split("\n\n")[-4:]
    assert (done.returncode, done.stderr) == (0, "")
    assert f"first at {openai.url} answers." in done.stdout
    assert json.dumps({"prompt": "What does $5 buy?"}) in head
    assert answer.splitlines() == ['/summary "Grüße"', '/keywords/0 "a"', ANSWER]
    assert [line.split()[0] for line in stages.splitlines()] == ["function", "log", "publish"]
    assert f"Next: make serve MODEL_URL={openai.url}, and" in following
    assert "curl --no-buffer http://127.0.0.1:8000/v1/stream" in following


def test_the_demo_asks_for_an_object_of_the_users_own(openai: OpenAi, tmp_path: Path) -> None:
    """A module in a folder; the schema reaches the model."""
    (tmp_path / "mine.py").write_text("from pydantic import BaseModel\nclass Place(BaseModel):\n    city: str\n")
    openai.say(delta('{"city": "Bonn"}'), delta(None, "stop"))

    done = demo(openai, "--schema", "mine:Place", "--code", str(tmp_path))

    assert done.returncode == 0
    assert '{"city": "Bonn"}' in done.stdout
    schema = openai.requests[-1][1]["response_format"]["json_schema"]["schema"]
    assert schema["properties"]["city"]["type"] == "string"


def test_the_demo_takes_a_stacks_configuration(openai: OpenAi, tmp_path: Path) -> None:
    """Settings, modules and their variables; what is on the command line or in the shell wins."""
    (tmp_path / "modules").mkdir()
    (tmp_path / "modules" / "mine.py").write_text(
        "import os\nfrom pydantic import BaseModel\n\n"
        "class Place(BaseModel):\n    city: str\n\nWORDS = os.environ['WORDS']\n"
    )
    config = tmp_path / "Pulumi.dev.yaml"
    config.write_text(
        "config:\n  p:code: modules\n  p:schema: mine:Place\n  p:instructions: mine:WORDS\n  p:maxTokens: '99'\n"
        "  p:temperature: 0.25\n  p:environment: {WORDS: Answer in one word.}\n  p:logRetention: 3\n"
    )
    openai.say(delta('{"city": "Bonn"}'), delta(None, "stop"))

    done = demo(openai, "--config", str(config), LLM_TEMPERATURE="0.5")

    sent = openai.requests[-1][1]
    assert (done.returncode, done.stderr) == (0, "")
    assert '{"city": "Bonn"}' in done.stdout
    assert sent["messages"][0]["content"].startswith("Answer in one word.\n\n")
    assert (sent["max_tokens"], sent["temperature"]) == (99, 0.5)
    assert done.stdout.startswith("Pulumi.dev.yaml: logRetention has no effect on this machine.\n")
    assert f"Next: make serve CONFIG={config} MODEL_URL={openai.url}, and" in done.stdout


def test_the_demo_sends_the_example_of_the_request_class(openai: OpenAi, tmp_path: Path) -> None:
    """A prompt or a file is sent instead; what to try next is what was sent."""
    (tmp_path / "mine.py").write_text(
        "from pydantic import BaseModel, ConfigDict\nclass Question(BaseModel):\n"
        "    model_config = ConfigDict(json_schema_extra={'examples': [{'topic': 'tides'}]})\n    topic: str\n"
        "    @property\n    def prompt(self) -> str:\n        return f'Explain {self.topic}.'\n"
    )
    file = tmp_path / "request.json"
    file.write_text('{"topic": "ice"}\n')
    options = ["--code", str(tmp_path)]

    done = demo(openai, *options, LLM_REQUEST="mine:Question")
    of_file = demo(openai, *options, "--body", str(file), LLM_REQUEST="mine:Question")
    of_prompt = demo(openai, *options, "--prompt", "Why?", LLM_REQUEST="mine:Question")

    asked = [request["messages"][-1]["content"] for _, request in openai.requests if request]
    assert asked == ["Explain tides.", "Explain ice."]
    assert """/v1/stream {"topic": "tides"}\n""" in done.stdout
    assert """-d '{"topic": "tides"}'\n""" in done.stdout
    assert """/v1/stream {"topic": "ice"}\n""" in of_file.stdout
    assert f"-d @{file}\n" in of_file.stdout
    assert "The body is not a valid request. (body_invalid) · /topic: missing" in of_prompt.stdout


def test_of_a_long_request_the_beginning_is_shown(openai: OpenAi, tmp_path: Path) -> None:
    file = tmp_path / "request.json"
    file.write_text(json.dumps({"prompt": "long " * 200}))

    assert "… (1,014 bytes)\n" in demo(openai, "--body", str(file)).stdout


def test_the_demo_asks_each_route_in_turn(openai: OpenAi, tmp_path: Path) -> None:
    """With the example of its request class, and its log lines below its answer; what to try next is the first."""
    (tmp_path / "mine.py").write_text(
        "from pydantic import BaseModel, ConfigDict\nclass Question(BaseModel):\n"
        "    model_config = ConfigDict(json_schema_extra={'examples': [{'prompt': 'Tides?'}]})\n    prompt: str\n"
    )
    config = tmp_path / "stack.yaml"
    config.write_text("code: .\nroutes: {triage: {maxTokens: 5}, invoice: {maxTokens: 7, request: 'mine:Question'}}\n")

    done = demo(openai, "--config", str(config))

    assert (done.returncode, done.stderr) == (0, "")
    asked = re.findall(r"POST http://127\.0\.0\.1:\d+(\S+) (.*)", done.stdout)
    assert asked == [
        ("/v1/triage", '{"prompt": "What is serverless computing?"}'), ("/v1/invoice", '{"prompt": "Tides?"}'),
    ]  # fmt: skip
    assert [sent["max_tokens"] for _, sent in openai.requests[-2:]] == [5, 7]
    assert done.stdout.count("request completed") == 2
    assert "curl --no-buffer http://127.0.0.1:8000/v1/triage" in done.stdout


def test_the_demo_reports_an_incomplete_answer(openai: OpenAi) -> None:
    """And fails."""
    openai.say(delta(ANSWER[:20]), delta(None, "length"))

    done = demo(openai)

    assert done.returncode == 1
    assert "before it was complete. (answer_truncated) · request " in done.stdout


def test_variables_of_the_shell_are_no_options(openai: OpenAi) -> None:
    """What another program left there changes nothing."""
    done = demo(openai, PROMPT="of the shell", SCHEMA="no:Such", CODE="/nowhere", MODEL="none", BEDROCK="x", PORT="x")

    assert done.returncode == 0
    assert "What is serverless computing?" in done.stdout


def test_an_answer_cannot_drive_the_terminal(openai: OpenAi) -> None:
    """Control characters and bidi marks are shown as escapes, in the answer, the request and the model's name."""
    openai.models = ["first\x1b[2J\u202e"]
    openai.say(delta(HOSTILE), delta(None, "stop"))

    done = demo(openai, "--prompt", "\x1b[2J")

    assert "\\u009b31m\\u202e\\u007f" in done.stdout
    assert "first\\x1b[2J\\u202e at " in done.stdout
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", done.stdout)


def test_the_reader_may_stop_reading(openai: OpenAi) -> None:
    """As ``head`` does: no traceback, no other noise, no process left."""
    with Command("-m", "local.demo", "--model-url", openai.url) as command:
        command.lines.close()
        command.process.wait()
        assert command.process.stderr is not None
        assert command.process.stderr.read() == ""


@pytest.mark.parametrize(
    "variables", [{"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "C"}, {"LC_ALL": "C", "PYTHONUTF8": "0"}]
)
def test_any_encoding_of_the_terminal_will_do(openai: OpenAi, variables: dict[str, str]) -> None:
    """What it lacks is shown as an escape."""
    done = demo(openai, "--prompt", "Grüße", **variables)

    assert (done.returncode, done.stderr) == (0, "")
    assert ANSWER in done.stdout or ANSWER.replace("ü", "\\xfc").replace("ß", "\\xdf") in done.stdout


@pytest.mark.parametrize(
    ("options", "variables", "words"),
    [
        (["--model-url", "http://127.0.0.1:9/v1"], {}, ["no server answers at http://127.0.0.1:9/v1"]),
        (["--schema", "nonsense"], {}, ["LLM_SCHEMA must be", "nonsense", "--schema"]),
        (["--schema", "no_such_module:Class"], {}, ["no_such_module", "--schema", "--code"]),
        (["--schema", "function.schema:NoSuchClass"], {}, ["NoSuchClass", "--schema"]),
        ([], {"LLM_MAX_TOKENS": "many"}, ["LLM_MAX_TOKENS must be", "many"]),
        (["--config", "no-such.yaml"], {}, ["--config no-such.yaml: ", "No such file"]),
        (["--bedrock", "aws"], NO_REGION, ["requires a region", "AWS_REGION"]),
        (["--nonsense"], {}, ["--nonsense", "--help"]),
    ],
)
def test_a_wrong_option_is_one_line(options: list[str], variables: dict[str, str], words: list[str]) -> None:
    """Before any model is loaded or downloaded: what is wrong, and what to do."""
    assert_one_line(ran("-m", "local.demo", *options, variables=environment(**variables)), *words)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--code", "/nowhere"], ["--code", "must be a folder", "/nowhere"]),
        (["--bedrock", "azure"], ["--bedrock", "azure", "aws"]),
        (["--model", "m"], ["--model requires --model-url"]),
        (["--model-url", "localhost:11434"], ["--model-url must be the base URL", "http://localhost:11434/v1"]),
        (["--body", "/nowhere"], ["--body", "must be a file", "/nowhere"]),
        (["--body", "Makefile", "--prompt", "Why?"], ["not allowed with", "--prompt", "--body"]),
    ],
)
def test_options_that_cannot_be_read_are_one_line(
    capsys: pytest.CaptureFixture[str], options: list[str], words: list[str]
) -> None:
    """Before anything is started: such a command line needs no process of its own."""
    assert_refused(capsys, main, options, *words)


def test_a_module_of_the_user_that_is_wrong_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("from nowhere import nothing\n")

    done = ran("-m", "local.demo", "--schema", "mine:Place", "--code", str(tmp_path))

    assert_one_line(done, "nowhere", "--schema")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("maxTokens: many\n", ["maxTokens must be a whole number", "many"]),
        ("tiemout: 5\n", ["tiemout", "Did you mean timeout?"]),
        ("schema: mine:Place\n", ["mine", "LLM_SCHEMA", "set code in this file"]),
        ("schema: mine:Place\ncode: .\n", ["mine", "LLM_SCHEMA", "its module was looked up in"]),
        ("routes: {invoice: {schema: 'mine:Place'}}\n", ["Route invoice", "mine", "set code in this file"]),
        (
            "modelId: anthropic.claude-opus-5-5\nstructuredOutput: tool\n",
            ["LLM_STRUCTURED_OUTPUT", "sets LLM_STRUCTURED_OUTPUT.\n"],
        ),
    ],
)
def test_a_wrong_configuration_is_one_line(tmp_path: Path, text: str, words: list[str]) -> None:
    file = tmp_path / "stack.yaml"
    file.write_text(text)

    assert_one_line(ran("-m", "local.demo", "--config", str(file), variables=environment()), f"--config {file}", *words)


CALLING = """
import boto3
from pydantic import BaseModel
search = boto3.client("bedrock-agent-runtime")
class Place(BaseModel):
    city: str
"""


def test_a_client_of_a_service_that_the_bundle_would_not_describe_is_one_line(openai: OpenAi, tmp_path: Path) -> None:
    """It names the argument, with which the service is added: in a stack's configuration, or as a variable."""
    (tmp_path / "mine.py").write_text(CALLING)
    openai.say(delta('{"city": "Bonn"}'), delta(None, "stop"))
    mine = ("--schema", "mine:Place", "--code", str(tmp_path))

    refused = demo(openai, *mine)
    (tmp_path / "stack.yaml").write_text("code: .\nschema: mine:Place\nservices: [s3, bedrock-agent-runtime]\n")
    answers = [
        demo(openai, *mine, LLM_SERVICES="bedrock-agent-runtime"),
        demo(openai, "--config", str(tmp_path / "stack.yaml")),
    ]

    assert_one_line(refused, "the bundle does not describe the AWS service 'bedrock-agent-runtime'", "services")
    assert [(answered.returncode, answered.stderr) for answered in answers] == [(0, ""), (0, "")]


def test_help_lists_the_options(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["--help"])

    shown = capsys.readouterr().out
    assert end.value.code == 0
    for option in ("--prompt", "--body", "--schema", "--code", "--config", "--model-url", "--model", "--bedrock"):
        assert option in shown


def test_ctrl_c_in_the_middle_of_an_answer_ends_everything_in_silence(openai: OpenAi) -> None:
    openai.say(delta(ANSWER[:20]))
    openai.hangs = True
    with Command("-m", "local.demo", "--model-url", openai.url) as command:
        openai.reached.wait()

        done = command.finish(signal.SIGINT)

    assert (done.returncode, done.stderr) == (130, "")
