"""The examples of the documentation do what the page says.

A page's pieces of Python run one after the other, as one program in a folder of its own. A piece that begins with the
path of a file is written to that file first. Each ``print(…)  # text`` prints that text, in the order of the page.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.bedrock.server import Bedrock
from local.twin import Twin

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
    tests = ["test_invoices.py", "test_stream.py"]
    done = run(sys.executable, "-m", "pytest", "--quiet", "-p", "no:cacheprovider", *tests, folder=tmp_path)

    assert "7 passed" in done.stdout


@pytest.mark.parametrize("page", RUNNABLE)
def test_the_python_of_a_page_runs_and_prints_what_it_says(page: str, url: str, tmp_path: Path) -> None:
    text = program(page, tmp_path)
    done = run(sys.executable, "-c", text.replace(SERVED_AT, url), folder=tmp_path)
    announced = ANNOUNCED.findall(text)

    assert done.stderr == ""
    assert announced
    assert [line for line in done.stdout.splitlines() if line in announced] == announced


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
