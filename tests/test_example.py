"""What a request looks like: the class's first example, for everyone who sends one."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict, field_validator

from function.contract import SettingsError
from function.example import example_of

ROOT = Path(__file__).resolve().parent.parent


def of(*examples: Any) -> ConfigDict:
    return ConfigDict(json_schema_extra={"examples": list(examples)})


class Plain(BaseModel):
    topic: str


class Question(Plain):
    model_config = of({"topic": "Übersicht"}, {"topic": "other"})


class Inherits(Question):
    words: int


class Raises(Question):
    @field_validator("topic")
    @classmethod
    def raise_it(cls, value: str) -> str:
        raise LookupError(f"{value}\nmore")


class Exits(Plain):
    model_config = of({"topic": "tides"})

    @field_validator("topic")
    @classmethod
    def leave(cls, _: str) -> str:
        raise SystemExit("no")


class NoJson(Plain):
    model_config = of({"topic": b"bytes"})


class Schema(Plain):
    model_config = ConfigDict(json_schema_extra={"title": "without examples"})


class None_(Plain):  # noqa: N801 - a list without an example
    model_config = of()


def test_the_first_example_is_what_a_request_looks_like() -> None:
    text = example_of("mine:Question", Question)

    assert text is not None
    assert json.loads(text) == {"topic": "Übersicht"}


@pytest.mark.parametrize("kind", [Plain, Schema, None_])
def test_a_class_need_not_have_one(kind: type[BaseModel]) -> None:
    assert example_of("mine:Class", kind) is None


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        (Inherits, "/words: Field required"),
        (Raises, "LookupError: Übersicht"),
        (Exits, "SystemExit: no"),
        (NoJson, "TypeError: Object of type bytes is not JSON serializable"),
    ],
)
def test_an_example_that_is_no_request_is_one_sentence(kind: type[BaseModel], reason: str) -> None:
    with pytest.raises(SettingsError) as error:
        example_of("mine:Class", kind)

    expected = f"LLM_REQUEST: the first example of mine:Class is not a valid request: {reason}. "
    assert str(error.value) == f"{expected}Correct it in json_schema_extra."


MODULE = """
from pydantic import BaseModel, ConfigDict
print("while it is imported")
class Plain(BaseModel):
    topic: str
    @property
    def prompt(self) -> str:
        raise AssertionError
class Question(Plain):
    model_config = ConfigDict(json_schema_extra={"examples": [{"topic": "tides"}]})
class Wrong(Plain):
    model_config = ConfigDict(json_schema_extra={"examples": [{}]})
class WithPrompt(BaseModel):
    prompt: str
"""


def written(folder: Path, reference: str) -> Any:
    """Return what the program writes of a class in the module."""
    (folder / "mine.py").write_text(MODULE)
    (folder / "exits.py").write_text("raise SystemExit('no')")
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{folder}", "LLM_REQUEST": reference}
    program = [sys.executable, "-P", "-m", "function.example", str(folder / "found.json"), "stream"]
    subprocess.run(program, env=environment, cwd=folder, check=True)
    return json.loads((folder / "found.json").read_text())


@pytest.mark.parametrize(
    ("reference", "request_"),
    [("mine:Question", '{"topic": "tides"}'), ("mine:WithPrompt", None), ("function.schema:Request", None)],
)
def test_a_program_that_sends_requests_reads_it_from_a_file(
    tmp_path: Path, reference: str, request_: str | None
) -> None:
    """What the module prints, or what a property would do, has no part in it."""
    assert written(tmp_path, reference) == {"request": request_}


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        ("mine:Plain", "mine:Plain has no example of a request, so nobody knows what to send. Give the class one: "),
        ("mine:Wrong", "LLM_REQUEST: the first example of mine:Wrong is not a valid request: /topic: Field required."),
        ("mine:Missing", "LLM_REQUEST must name a Pydantic class"),
        ("exits:Any", "The request class cannot be loaded: SystemExit: no"),
    ],
)
def test_where_nobody_can_know_what_to_send_it_is_one_sentence(tmp_path: Path, reference: str, words: str) -> None:
    assert written(tmp_path, reference)["error"].startswith(words)
