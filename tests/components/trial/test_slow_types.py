"""The preview warns of types whose validation a short input can keep busy for minutes, and of no others."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from components.bundle import Bundle, Target
from components.trial.trial import PROGRAM

IMPORTS = """
import re
from dataclasses import dataclass
from typing import Annotated, Literal, Union
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter
"""


@pytest.fixture
def warned(cache: Path, tmp_path: Path) -> "Warned":
    Bundle(Target.host(), cache).stage(tmp_path / "bundle")
    return Warned(tmp_path, cache)


class Warned:
    """What a trial warns of; the user's module is ``own``."""

    def __init__(self, folder: Path, cache: Path) -> None:
        self._folder = folder
        self._path = f"{folder / 'bundle'}{os.pathsep}{Bundle(Target.host(), cache).wheels.collect()}"

    def __call__(self, text: str, **variables: str) -> list[str]:
        (self._folder / "bundle" / "own.py").write_text(IMPORTS + text)
        report = self._folder / "report"
        done = subprocess.run(
            [sys.executable, "-P", "-s", "-S", PROGRAM, self._folder / "error", report],
            env={
                "PYTHONPATH": self._path,
                "AWS_DEFAULT_REGION": "us-east-1",
                "LLM_STRUCTURED_OUTPUT": "prompt",
                **variables,
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "")
        return list(json.loads(report.read_text())["warnings"])


ADD_MUL = """
class Add(BaseModel):
    op: Literal["add"]
    a: "Expr"
class Mul(BaseModel):
    op: Literal["mul"]
    a: "Expr"
"""
LEAF = """
class Leaf(BaseModel):
    name: str
class Answer(BaseModel):
    parts: list[Union["Answer", Leaf]]
"""


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (ADD_MUL + "Expr = Union[int, Add, Mul]\nAnswer = Expr", ["Add", "Mul"]),
        (ADD_MUL + "Expr = Annotated[Union[Add, Mul], Field(discriminator='op')]\nAnswer = Add", []),
        ("class Answer(BaseModel):\n    a: Union['Answer', list['Answer'], None]", []),
        ("class Answer(BaseModel):\n    a: Union[list['Answer'], set['Answer']]", ["Answer"]),
        ("class Answer(BaseModel):\n    next: 'Answer | None'", []),
        (LEAF, []),
    ],
)
def test_a_recursive_union_that_cannot_be_told_apart_is_warned_of(warned: Warned, text: str, names: list[str]) -> None:
    found = warned(text, LLM_SCHEMA="own:Answer")
    assert [line.split()[1] for line in found] == names
    assert all(line.endswith("Give the union a discriminator, or one list in place of two.") for line in found)


PATTERN = "class Answer(BaseModel):\n    {config}\n    text: str = Field(pattern={pattern})\n"
BY_PYTHON = "model_config = ConfigDict(regex_engine='python-re')"


@pytest.mark.parametrize(
    ("pattern", "warnings"),
    [
        ("r'^(a+)+$'", 1),
        ("r'(?:x*y?)*'", 1),
        ("r'((ab){1,3}c){2,}'", 1),
        ("r'(?:(a|b+))*?'", 1),
        ("r'^[a-z]+(,[a-z])*$'", 0),
        ("r'(a{2})+'", 0),
        ("r'(?>a+)+'", 0),
        ("r'(a+)?'", 0),
        ("r'\\(a+\\)+'", 0),
        ("r'[(a+)+]+'", 0),
    ],
)
def test_nested_quantifiers_are_warned_of_where_python_matches(warned: Warned, pattern: str, warnings: int) -> None:
    found = warned(PATTERN.format(config=BY_PYTHON, pattern=pattern), LLM_SCHEMA="own:Answer")
    assert ["repeats what repeats" in line for line in found] == [True] * warnings


def test_pydantics_own_engine_is_not_warned_of(warned: Warned) -> None:
    assert warned(PATTERN.format(config="", pattern="'(a+)+'"), LLM_SCHEMA="own:Answer") == []


def test_a_compiled_pattern_is_pythons_in_any_configuration(warned: Warned) -> None:
    assert len(warned(PATTERN.format(config="", pattern="re.compile('(a+)+')"), LLM_SCHEMA="own:Answer")) == 1


@pytest.mark.parametrize(("pattern", "warnings"), [("'a+ # :('", 0), ("'( a+ # :(\\n )+'", 1)])
def test_the_flags_of_a_compiled_pattern_count(warned: Warned, pattern: str, warnings: int) -> None:
    """In a verbose pattern the parenthesis is part of a comment."""
    found = warned(PATTERN.format(config="", pattern=f"re.compile({pattern}, re.VERBOSE)"), LLM_SCHEMA="own:Answer")
    assert len(found) == warnings


def test_a_class_inside_another_has_its_own_engine(warned: Warned) -> None:
    inner = PATTERN.format(config="", pattern="'(a+)+'").replace("Answer", "Inner")
    assert warned(f"{inner}class Answer(BaseModel):\n    {BY_PYTHON}\n    a: Inner", LLM_SCHEMA="own:Answer") == []


def test_the_request_class_is_looked_at_too(warned: Warned) -> None:
    text = PATTERN.format(config=BY_PYTHON, pattern="'(a+)+'").replace("text", "prompt")
    [line] = warned(text, LLM_REQUEST="own:Answer")
    assert line.startswith("LLM_REQUEST: the pattern '(a+)+' ")
