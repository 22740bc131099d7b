"""What make passes on: exactly what its command line says, and no variable that the shell has for another program."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PROGRAM = """#!/bin/sh
exec {python} -c 'import json, os, sys; print(json.dumps([sys.argv[1:], dict(os.environ)]))' "$@"
"""
"""In place of an environment's Python: it says how it was started."""
ODD = 'it\'s "$5", $(HOME) `id` \\ %s\n--and ü'


@dataclass
class Started:
    """How make started a program."""

    arguments: list[str]
    variables: dict[str, str]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder in which everything is installed already."""
    (tmp_path / "Makefile").write_text((ROOT / "Makefile").read_text())
    for folder in ("function", "local", "tests"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "requirements.txt").touch()
    (tmp_path / "examples" / "tracing").mkdir(parents=True)
    (tmp_path / "examples" / "tracing" / "code-requirements.txt").touch()
    (tmp_path / "requirements.txt").touch()
    (tmp_path / "tests" / "pip.txt").touch()
    (tmp_path / "local" / "configuration.txt").touch()
    (tmp_path / "function" / "requirements.lock").touch()
    python = tmp_path / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(PROGRAM.format(python=sys.executable))
    python.chmod(0o755)
    for stamp in (".demo", ".test"):
        (tmp_path / ".venv" / stamp).touch()
    return tmp_path


def make(folder: Path, *words: str, environment: Mapping[str, str] | None = None) -> str:
    variables = {"PATH": os.environ["PATH"], **(environment or {})}
    command = ["make", "--no-print-directory", *words]
    done = subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, check=True)
    return done.stdout


def started(folder: Path, *words: str, environment: Mapping[str, str] | None = None) -> Started:
    [line] = make(folder, *words, environment=environment).splitlines()
    arguments, variables = json.loads(line)
    return Started(arguments, variables)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["demo"], ["-m", "local.demo"]),
        (["demo", "PROMPT=Why?"], ["-m", "local.demo", "--prompt=Why?"]),
        (["demo", "BODY=request.json"], ["-m", "local.demo", "--body=request.json"]),
        (["demo", "SCHEMA=mine:A", "CODE=here"], ["-m", "local.demo", "--schema=mine:A", "--code=here"]),
        (["demo", "CONFIG=a.yaml", "CODE=here"], ["-m", "local.demo", "--code=here", "--config=a.yaml"]),
        (["demo", "MODEL_URL=http://a", "MODEL=b"], ["-m", "local.demo", "--model-url=http://a", "--model=b"]),
        (["serve", "PORT=8080", "BEDROCK=aws"], ["-m", "local", "--bedrock=aws", "--port=8080"]),
        (["serve", "PORT="], ["-m", "local"]),
        (["verify", "URL=https://a/v1/stream"], ["-m", "verify", "--", "https://a/v1/stream"]),
        (["verify", "URL=u", "SIGV4=1", "WARM=1"], ["-m", "verify", "--sigv4", "--warm", "--", "u"]),
        (["verify", "URL=u", "SIGV4=0", "WARM=0"], ["-m", "verify", "--", "u"]),
        (["verify", "URL=u", "SIGV4=no", "WARM="], ["-m", "verify", "--", "u"]),
        (["verify", "URL=u", "SIGV4=No", "WARM=FALSE"], ["-m", "verify", "--", "u"]),
        (["verify", "URL=u", "SIGV4=OFF", "WARM=Yes"], ["-m", "verify", "--warm", "--", "u"]),
        (["verify", "URL=u", "ORIGIN=o", "BODY=b"], ["-m", "verify", "--origin=o", "--body=b", "--", "u"]),
        (["verify", "URL=u", "CODE=c", "CONFIG=d"], ["-m", "verify", "--code=c", "--config=d", "--", "u"]),
        (["openapi", "SCHEMA=mine:A", "CODE=c"], ["-m", "openapi", "--schema=mine:A", "--code=c"]),
        (["openapi", "CONFIG=a.yaml"], ["-m", "openapi", "--config=a.yaml"]),
        (["release", "TAG=v1.0.0"], ["-m", "scripts.release", "--", "v1.0.0"]),
        (["docs"], ["-m", "docs.generate"]),
        (["bundle"], ["-m", "components.bundle"]),
        (["bundle", "HOST=1"], ["-m", "components.bundle", "--host"]),
    ],
)
def test_an_option_of_the_command_line_is_an_argument(folder: Path, words: list[str], expected: list[str]) -> None:
    assert started(folder, *words).arguments == expected


@pytest.mark.parametrize(
    ("verb", "option", "flag"),
    [
        ("demo", "PROMPT", "--prompt="),
        ("demo", "SCHEMA", "--schema="),
        ("demo", "CODE", "--code="),
        ("serve", "CONFIG", "--config="),
        ("serve", "MODEL_URL", "--model-url="),
        ("serve", "MODEL", "--model="),
        ("serve", "BEDROCK", "--bedrock="),
        ("serve", "PORT", "--port="),
        ("verify", "URL", ""),
        ("verify", "ORIGIN", "--origin="),
        ("verify", "BODY", "--body="),
        ("verify", "CODE", "--code="),
        ("demo", "BODY", "--body="),
    ],
)
def test_every_character_of_a_value_survives(folder: Path, verb: str, option: str, flag: str) -> None:
    """Quotes, dollars, backticks, line ends: neither make nor the shell reads them."""
    words = [verb, f"{option}={ODD}", *(["URL=u"] if verb == "verify" and option != "URL" else [])]

    assert f"{flag}{ODD}" in started(folder, *words).arguments


@pytest.mark.parametrize("verb", ["demo", "serve", "bundle"])
def test_what_another_program_left_in_the_shell_changes_nothing(folder: Path, verb: str) -> None:
    names = ("PROMPT", "SCHEMA", "CODE", "CONFIG", "MODEL_URL", "MODEL", "BEDROCK", "PORT", "URL", "SIGV4", "ORIGIN")
    left = dict.fromkeys([*names, "WARM", "BODY", "HOST", "PYTHON"], "left")

    assert started(folder, verb, environment=left).arguments == started(folder, verb).arguments


def test_an_api_key_is_taken_from_either_place_and_never_an_argument(folder: Path) -> None:
    """Arguments are shown to every user of a machine."""
    for key in ("plain", ODD):
        in_environment = started(folder, "verify", "URL=u", environment={"API_KEY": key})
        on_command_line = started(folder, "verify", "URL=u", f"API_KEY={key}")

        for each in (in_environment, on_command_line):
            assert each.arguments == ["-m", "verify", "--", "u"]
            assert each.variables["API_KEY"] == key


def test_variables_of_the_function_and_of_aws_pass(folder: Path) -> None:
    """From the shell and from the command line alike."""
    for name in ("LLM_MAX_TOKENS", "LLM_ALLOWED_ORIGINS", "AWS_PROFILE", "AWS_REGION"):
        assert started(folder, "serve", environment={name: ODD}).variables[name] == ODD
        assert started(folder, "serve", f"{name}={ODD}").variables[name] == ODD


@pytest.mark.parametrize("verb", ["demo", "docs", "bundle"])
def test_what_is_compiled_is_kept_for_the_next_process(folder: Path, verb: str) -> None:
    """Many images of containers set this variable."""
    left = {"PYTHONDONTWRITEBYTECODE": "1"}

    assert not left.keys() & started(folder, verb, environment=left).variables.keys()


def test_every_option_is_explained(folder: Path) -> None:
    """By ``make help``, which ``make`` alone shows; the key's form is shown without a value."""
    text = make(folder)

    for option in ("PROMPT=", "SCHEMA=", "CODE=", "CONFIG=", "MODEL_URL=", "MODEL=", "BEDROCK=", "PORT=", "URL="):
        assert option in text
    for option in ("API_KEY=", "SIGV4=", "ORIGIN=", "WARM=", "BODY=", "HOST=", "SECONDS=", "PYTHON="):
        assert option in text
    assert text == make(folder, "help")


@pytest.mark.parametrize("words", [["verify"], ["verify", "URL="], ["release"]], ids=" ".join)
def test_what_is_missing_is_one_line(folder: Path, words: list[str]) -> None:
    """Whatever the shell has under this name, and before anything is installed."""
    shutil.rmtree(folder / ".venv")
    variables = {"PATH": os.environ["PATH"], "URL": "left", "TAG": "left"}
    done = subprocess.run(["make", *words], cwd=folder, env=variables, capture_output=True, text=True, check=False)

    assert done.returncode == 2
    assert done.stderr.startswith("Set URL to " if words[0] == "verify" else "Set TAG to ")
    assert not done.stdout
    assert not (folder / ".venv").exists()


@pytest.mark.parametrize(
    ("python", "words"),
    [("python99", "python99 is not installed."), ("false", "false is older than 3.11.")],
)
def test_a_python_that_cannot_be_used_is_one_line(folder: Path, python: str, words: str) -> None:
    command = ["make", "demo", f"PYTHON={python}"]
    variables = {"PATH": os.environ["PATH"]}  # make gives its children variables of its own
    done = subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, check=False)

    assert done.returncode == 2
    assert done.stdout.startswith(words)
    assert len(done.stdout.splitlines()) == 1


def test_the_first_line_names_the_python(folder: Path) -> None:
    """For what depends on it."""
    python = shutil.which("python3")
    (folder / ".venv" / "bin" / "python").write_text(f'#!/bin/sh\n[ "$1" != --version ] || exec {python} --version\n')

    assert make(folder, "types").splitlines()[0].startswith("Python 3.")
    assert make(folder, "types").splitlines()[0].endswith(" in .venv")


CHECKS = """#!/bin/sh
case "$*" in
  "-m mypy ."*) echo "mypy: {mypy}"; echo $$ > mypy.pid; {meanwhile}; exit {mypy} ;;
  "-m pytest"*) {tests} ;;
esac
"""
"""An environment whose checks end as a test has it."""


def checks(folder: Path, *, mypy: int = 0, tests: str = "exit 0", meanwhile: str = "true") -> None:
    for name in ("python", "zizmor"):
        program = folder / ".venv" / "bin" / name
        program.write_text(CHECKS.format(mypy=mypy, tests=tests, meanwhile=meanwhile))
        program.chmod(0o755)


@pytest.mark.parametrize(("mypy", "tests", "succeeds"), [(0, 0, True), (1, 0, False), (0, 1, False), (2, 5, False)])
def test_types_and_tests_run_side_by_side_and_both_count(folder: Path, mypy: int, tests: int, succeeds: bool) -> None:
    checks(folder, mypy=mypy, tests=f"echo tests; exit {tests}")
    variables = {"PATH": os.environ["PATH"]}
    done = subprocess.run(["make", "test"], cwd=folder, env=variables, capture_output=True, text=True, check=False)

    assert (done.returncode == 0) is succeeds
    assert done.stdout.splitlines()[1:] == ["tests", f"mypy: {mypy}"]


def test_ctrl_c_ends_the_check_of_the_types_too(folder: Path) -> None:
    """The tests are interrupted when both have started."""
    interrupt = "while [ ! -s mypy.pid ]; do sleep 0.01; done; kill -INT 0"
    checks(folder, tests=interrupt, meanwhile="exec sleep 300")
    variables = {"PATH": os.environ["PATH"]}
    done = subprocess.run(
        ["make", "test"],
        cwd=folder,
        env=variables,
        capture_output=True,
        check=False,
        start_new_session=True,
    )

    assert done.returncode
    with pytest.raises(ProcessLookupError):
        os.kill(int((folder / "mypy.pid").read_text()), 0)


def test_each_python_has_an_environment_of_its_own(folder: Path) -> None:
    python = shutil.which("python3")
    version = subprocess.run([str(python), "--version"], capture_output=True, text=True, check=True).stdout.split()[1]
    short = version.rpartition(".")[0]
    (folder / f".venv-{short}").symlink_to(folder / ".venv")
    text = (folder / ".venv" / "bin" / "python").read_text()
    (folder / ".venv" / "bin" / "python").write_text(text.replace("exec", "echo $0\nexec"))

    assert make(folder, "types", "PYTHON=python3").splitlines()[1] == f".venv-{short}/bin/python"
