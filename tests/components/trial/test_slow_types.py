"""The preview warns of types whose validation a short input can keep busy for minutes, and of no others."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
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
UNIONS = {
    "union": (f"{ADD_MUL}Expr = Union[int, Add, Mul]\nAnswer = Expr", ["Add", "Mul"]),
    "discriminator": (f"{ADD_MUL}Expr = Annotated[Union[Add, Mul], Field(discriminator='op')]\nAnswer = Add", []),
    "object-or-list": ("class Answer(BaseModel):\n    a: Union['Answer', list['Answer'], None]", []),
    "two-lists": ("class Answer(BaseModel):\n    a: Union[list['Answer'], set['Answer']]", ["Answer"]),
    "optional": ("class Answer(BaseModel):\n    next: 'Answer | None'", []),
    "leaf": (LEAF, []),
}
"""Text of a module with the class ``Answer``, and the definitions of which the preview warns, by the name of a row."""


def _matching(pattern: str, config: str = "", field: str = "text") -> str:
    """Return a module whose class ``Answer`` has a field with this pattern."""
    return f"class Answer(BaseModel):\n    {config}\n    {field}: str = Field(pattern={pattern})\n"


BY_PYTHON = "model_config = ConfigDict(regex_engine='python-re')"
NESTED = {
    "plus-in-plus": ("r'^(a+)+$'", 1),
    "two-in-star": ("r'(?:x*y?)*'", 1),
    "counted": ("r'((ab){1,3}c){2,}'", 1),
    "lazy": ("r'(?:(a|b+))*?'", 1),
    "separated": ("r'^[a-z]+(,[a-z])*$'", 0),
    "fixed-number": ("r'(a{2})+'", 0),
    "atomic": ("r'(?>a+)+'", 0),
    "at-most-once": ("r'(a+)?'", 0),
    "escaped": ("r'\\(a+\\)+'", 0),
    "characters": ("r'[(a+)+]+'", 0),
}
"""Patterns that Python matches, and how many of them are warned of."""
INNER = _matching("'(a+)+'").replace("Answer", "Inner")
PATTERNS = {
    **{name: (_matching(pattern, BY_PYTHON), warnings) for name, (pattern, warnings) in NESTED.items()},
    "pydantics-own-engine": (_matching("'(a+)+'"), 0),
    "compiled": (_matching("re.compile('(a+)+')"), 1),
    "verbose-comment": (_matching("re.compile('a+ # :(', re.VERBOSE)"), 0),
    "verbose-newline": (_matching("re.compile('( a+ # :(\\n )+', re.VERBOSE)"), 1),
    "class-in-a-class": (f"{INNER}class Answer(BaseModel):\n    {BY_PYTHON}\n    a: Inner", 0),
}
"""Text of a module with the class ``Answer``, and how many of its patterns are warned of."""
REQUEST = "request"


@pytest.fixture(scope="module")
def warned(cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, list[str]]:
    """What a trial warns of by the name of a row: each row is a route with a module of its own."""
    folder = tmp_path_factory.mktemp("trial")
    bundle = Bundle(Target.host(), cache)
    bundle.stage(folder / "bundle")
    texts = {name: text for name, (text, _) in (UNIONS | PATTERNS).items()}
    texts[REQUEST] = _matching("'(a+)+'", BY_PYTHON, "prompt")
    routes = {}
    for number, (name, text) in enumerate(texts.items()):
        (folder / "bundle" / f"own{number}.py").write_text(IMPORTS + text)
        routes[name] = {"request" if name == REQUEST else "schema": f"own{number}:Answer"}
    (folder / "routes.json").write_text(json.dumps(routes))
    return _by_route(_warnings(bundle, folder), routes)


def _warnings(bundle: Bundle, folder: Path) -> list[str]:
    report = folder / "report"
    done = subprocess.run(
        [sys.executable, "-P", "-s", "-S", PROGRAM, folder / "error", report],
        env={
            "PYTHONPATH": f"{folder / 'bundle'}{os.pathsep}{bundle.wheels.collect()}",
            "AWS_DEFAULT_REGION": "us-east-1",
            "LLM_STRUCTURED_OUTPUT": "prompt",
            "LLM_ROUTES": str(folder / "routes.json"),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, ""), (folder / "error").read_text()
    return list(json.loads(report.read_text())["warnings"])


def _by_route(warnings: list[str], routes: Mapping[str, object]) -> dict[str, list[str]]:
    """Return the warnings of each route, without its name before them."""
    found: dict[str, list[str]] = {name: [] for name in routes}
    for warning in warnings:
        name, _, text = warning.removeprefix("Route ").partition(": ")
        found[name].append(text)
    return found


@pytest.mark.parametrize("row", UNIONS)
def test_a_recursive_union_that_cannot_be_told_apart_is_warned_of(warned: Mapping[str, list[str]], row: str) -> None:
    _, names = UNIONS[row]
    assert [line.split()[1] for line in warned[row]] == names
    assert all(line.endswith("Give the union a discriminator, or one list in place of two.") for line in warned[row])


@pytest.mark.parametrize("row", PATTERNS)
def test_nested_quantifiers_are_warned_of_where_python_matches(warned: Mapping[str, list[str]], row: str) -> None:
    """What Pydantic's own engine matches is not; in a verbose pattern, a parenthesis can be part of a comment."""
    _, warnings = PATTERNS[row]
    assert ["repeats what repeats" in line for line in warned[row]] == [True] * warnings


def test_the_request_class_is_looked_at_too(warned: Mapping[str, list[str]]) -> None:
    [line] = warned[REQUEST]
    assert line.startswith("LLM_REQUEST: the pattern '(a+)+' ")
