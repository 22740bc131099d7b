"""The program that starts the function says what is wrong, and blames the user's modules only for what they did."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from components.bundle import Bundle, Target
from components.trial.trial import PROGRAM


@pytest.fixture
def bundle(cache: Path, tmp_path: Path) -> Path:
    """The function's sources as the trial stages them, apart from the packages."""
    Bundle(Target.host(), cache).stage(tmp_path / "bundle")
    return tmp_path / "bundle"


def _error_of(bundle: Path, cache: Path, **environment: str) -> str | None:
    file = bundle.parent / "error.txt"
    done = subprocess.run(
        [sys.executable, "-P", "-s", "-S", PROGRAM, file, bundle.parent / "report"],
        env={
            "PYTHONPATH": f"{bundle}{os.pathsep}{Bundle(Target.host(), cache).wheels.collect()}",
            "AWS_EC2_METADATA_DISABLED": "true",
            **environment,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (int(file.exists()), "")
    return file.read_text() if file.exists() else None


def test_a_function_that_starts_leaves_no_message(bundle: Path, cache: Path) -> None:
    assert _error_of(bundle, cache, AWS_DEFAULT_REGION="us-east-1") is None


def test_a_missing_region_is_not_blamed_on_the_schema(bundle: Path, cache: Path) -> None:
    assert _error_of(bundle, cache) == "The function does not start: NoRegionError: You must specify a region."


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "import own_helper\n",
            (
                "LLM_SCHEMA, LLM_REQUEST, LLM_PREPARE, LLM_INSTRUCTIONS or LLM_STAGES: own_helper.py:2: "
                "ZeroDivisionError: division by zero"
            ),
        ),
        (
            "raise OSError('first\\nsecond')\n",
            "LLM_SCHEMA, LLM_REQUEST, LLM_PREPARE, LLM_INSTRUCTIONS or LLM_STAGES: own.py:1: OSError: first",
        ),
        (
            "import sys\nsys.exit()\n",
            "LLM_SCHEMA, LLM_REQUEST, LLM_PREPARE, LLM_INSTRUCTIONS or LLM_STAGES: own.py:2: SystemExit",
        ),
    ],
)
def test_an_error_in_a_users_module_is_named_with_its_place(bundle: Path, cache: Path, text: str, message: str) -> None:
    (bundle / "own.py").write_text(text)
    (bundle / "own_helper.py").write_text("zero = 0\n1 / zero\n")

    assert _error_of(bundle, cache, AWS_DEFAULT_REGION="us-east-1", LLM_SCHEMA="own:Answer") == message


RECURSIVE = (
    "from pydantic import BaseModel\n\nclass Node(BaseModel):\n    children: list['Node']\n\nNodes = list[Node]\n"
)


@pytest.mark.parametrize(
    ("schema", "model", "alternatives"),
    [
        ("own:Node", "anthropic.claude-opus-5", "prompt or tool"),
        ("own:Nodes", "anthropic.claude-opus-5", "prompt"),
        ("own:Node", "anthropic.claude-opus-5-5", "prompt"),
    ],
)
def test_only_a_mechanism_that_bedrock_accepts_is_advised(
    bundle: Path, cache: Path, schema: str, model: str, alternatives: str
) -> None:
    """A list is no input of a tool, and some models cannot be forced to call one."""
    (bundle / "own.py").write_text(RECURSIVE)
    found = _error_of(bundle, cache, AWS_DEFAULT_REGION="us-east-1", LLM_SCHEMA=schema, LLM_MODEL_ID=model)

    assert found is not None
    assert found.endswith(f"Change it, or set LLM_STRUCTURED_OUTPUT to {alternatives}.")
