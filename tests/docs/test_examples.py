"""The examples of the documentation do what the page says.

A page's pieces of Python run one after the other, as one program in a folder of its own. A piece that begins with the
path of a file is written to that file first. Each ``print(…)  # text`` prints that text, in the order of the page.
"""

import os
import re
import subprocess
import sys
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path
from urllib.request import Request, urlopen
from uuid import uuid4

import boto3
import pytest

from local.bedrock.server import Bedrock
from local.lambda_.deployment import Deployment
from local.twin import Twin, task_root
from tests.aws.stages.emulated import emulated_aws, point_at
from tests.media_files import PDF

ROOT = Path(__file__).resolve().parents[2]
SERVED_AT = "http://127.0.0.1:8000/v1/stream"
RUNNABLE = ["getting-started", "endings", "partials", "schemas", "local-stack"]
PYTHON = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
CURL = re.compile(r"^curl .*$", re.MULTILINE)
FILE = re.compile(r"# ([\w/-]+\.py)\n")
ANNOUNCED = re.compile(r"^ *print\(.*\)  # (.*)$", re.MULTILINE)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """An endpoint whose model answers every prompt."""
    with Bedrock() as bedrock, Twin(bedrock) as twin:
        yield twin.url


def program(page: str, folder: Path) -> str:
    """Return a page's program; its files are written into ``folder``."""
    pieces = PYTHON.findall((ROOT / "docs" / f"{page}.md").read_text())
    for piece in pieces:
        if found := FILE.match(piece):
            file = folder / found[1]
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(piece)
    return "\n".join(piece for piece in pieces if not FILE.match(piece))


def run(*command: str, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run a command of the documentation; the project's modules and those of ``folder`` can be imported."""
    paths = [str(ROOT), *([str(folder)] if folder else [])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_the_tests_that_the_page_on_testing_shows_pass(tmp_path: Path) -> None:
    """The one of a Pulumi program runs in tests/components, where the bundle's packages are at hand."""
    program("testing", tmp_path)
    tests = ["test_invoices.py", "test_questions.py", "test_stream.py"]
    with task_root(tmp_path) as root:
        done = run(sys.executable, "-m", "pytest", "--quiet", "-p", "no:cacheprovider", *tests, folder=root)

    assert "9 passed" in done.stdout


@pytest.mark.parametrize("page", RUNNABLE)
def test_the_python_of_a_page_runs_and_prints_what_it_says(page: str, url: str, tmp_path: Path) -> None:
    text = program(page, tmp_path)
    done = run(sys.executable, "-c", text.replace(SERVED_AT, url), folder=tmp_path)
    announced = ANNOUNCED.findall(text)

    assert done.stderr == ""
    assert announced
    assert [line for line in done.stdout.splitlines() if line in announced] == announced


def test_an_upload_reaches_the_model_as_the_page_on_prepare_has_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program("prepare", tmp_path)
    upload, unknown, large = (str(uuid4()) for _ in range(3))
    settings = {
        "LLM_REQUEST": "uploads:Question",
        "LLM_PREPARE": "uploads:prepare",
        "LLM_SERVICES": "s3",
        "UPLOADS": "uploads",
    }
    with emulated_aws() as aws, Bedrock() as bedrock, task_root(tmp_path / "code") as root:
        point_at(aws, monkeypatch)
        s3 = boto3.client("s3")
        s3.create_bucket(Bucket="uploads", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        for name, data in {upload: PDF, large: PDF + bytes(4_500_000)}.items():
            what = {"Bucket": "uploads", "Key": f"None/{name}", "ContentType": "application/pdf"}
            url = s3.generate_presigned_url("put_object", Params=what, ExpiresIn=300)
            put = Request(url, data, {"Content-Type": "application/pdf"}, method="PUT")  # noqa: S310 - of the emulator
            urlopen(put).close()  # noqa: S310 - same
        with Twin(bedrock, Deployment(root, {**settings, "AWS_ENDPOINT_URL_S3": aws})) as twin:
            answers = []
            for each in (upload, unknown, large):
                with twin.post({"question": "Is it paid?", "uploads": [each]}, "application/json") as reply:
                    answers.append(reply.json())
    assert [answer.get("code") for answer in answers] == [None, "upload_unknown", "upload_too_large"]
    [call] = bedrock.calls
    text, document = call.body["messages"][0]["content"]
    assert text == {"text": "Is it paid?"}
    assert b64decode(document["document"]["source"]["bytes"]) == PDF


def ask(command: str, url: str) -> str:
    """Return what a curl command of a page prints, with the test's endpoint in place of the page's."""
    done = run("sh", "-c", f"{command.replace(SERVED_AT, url)} --silent")

    assert done.returncode == 0
    return done.stdout


@pytest.mark.usefixtures("curl")
@pytest.mark.parametrize("page", ["getting-started"])
def test_the_commands_of_a_page_are_answered_by_the_endpoint(page: str, url: str) -> None:
    commands = CURL.findall((ROOT / "docs" / f"{page}.md").read_text())

    assert len(commands) > 1
    assert all('"summary"' in ask(command, url) for command in commands)


@pytest.mark.usefixtures("curl")
def test_the_page_of_errors_shows_the_problem_that_answers_its_command(url: str) -> None:
    page = (ROOT / "docs" / "errors.md").read_text()
    [command] = CURL.findall(page)
    [shown] = re.findall(r"^```json\n(.*)\n```", page, re.MULTILINE)
    head, _, body = ask(command, url).partition("\n\n")

    assert head.startswith("HTTP/1.1 422 ")
    assert re.sub('([iI]d)":"[^"]+"', r'\1":"…"', body) == shown
