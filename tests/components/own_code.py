"""Modules of a user's, and a package that they import, made up for the tests."""

import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from local.bedrock.server import Bedrock
from local.lambda_.deployment import Deployment
from local.twin import Twin

SCHEMAS = '''
from money_for_the_test import Cents
from pydantic import BaseModel, Field

INSTRUCTIONS = "You read invoices."

class Line(BaseModel):
    text: str
    price: Cents

class Invoice(BaseModel):
    """An invoice."""
    number: str = Field(description="As printed.")
    lines: list[Line]

class Question(BaseModel):
    prompt: str
    customer: str = "anybody"
'''
PREPARING = """
from pydantic import BaseModel
from streaming_llm_api.endpoint import Call, Prompt, Refused

class Answer(BaseModel):
    summary: str
    keywords: list[str]

class Question(BaseModel):
    model_config = {"json_schema_extra": {"examples": [{"text": "Why?"}]}}
    text: str

    @property
    def prompt(self) -> Prompt:
        return Prompt(f"As a property: {self.text}")

def prepare(request: Question, call: Call) -> Prompt:
    if request.text == "Whose?":
        raise Refused("not_yours", title="This is not yours.")
    return Prompt(f"Prepared: {request.text}", instructions="Be brief.")
"""
"""A module that gives and raises what it has imported by the one name for own modules."""
ITS_ARGUMENTS: Final = {"schema": "asking:Answer", "request": "asking:Question", "prepare": "asking:prepare"}
MONEY = "from typing import NewType\n\nCents = NewType('Cents', int)\n"


@dataclass
class OwnCode:
    """A folder of modules and the pip file of their packages."""

    folder: Path
    requirements: Path
    reported: list[str] = field(default_factory=list)

    def report(self, line: str) -> None:
        """Keep a progress line."""
        self.reported.append(line)


def write_own_code(place: Path) -> OwnCode:
    """Write the modules, a package for them, and what must not be shipped, into ``place``."""
    write_wheel(place / "wheels", "money_for_the_test", "py3-none-any", {"money_for_the_test.py": MONEY})
    code = place / "code"
    (code / "inner").mkdir(parents=True)
    (code / "schemas.py").write_text(SCHEMAS)
    (code / "inner" / "data.txt").write_text("data")
    (code / ".hidden").write_text("no")
    (code / "venv").mkdir()
    (code / "venv" / "pyvenv.cfg").write_text("home = nowhere")
    requirements = place / "requirements.txt"
    requirements.write_text(f"--find-links {place / 'wheels'}\nmoney-for-the-test==1.0\n")
    return OwnCode(code, requirements)


def write_preparing(folder: Path) -> None:
    """Write the module that ``ITS_ARGUMENTS`` name."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "asking.py").write_text(PREPARING)


def assert_own_classes_are_the_functions(root: Path) -> None:
    """Serve from a task root with ``PREPARING``: the function recognizes what the module gives and raises."""
    variables = {f"LLM_{name.upper()}": text for name, text in ITS_ARGUMENTS.items()}
    with Bedrock() as bedrock:
        with Twin(bedrock, Deployment(root, {**variables, "LLM_PREPARE": ""})) as twin:
            assert "summary" in _answered(twin, "Why?")
            twin.deploy(variables)
            assert "summary" in _answered(twin, "Why?")
            assert _answered(twin, "Whose?")["code"] == "not_yours"
        assert [call.prompt for call in bedrock.calls] == ["As a property: Why?", "Prepared: Why?"]


def _answered(twin: Twin, text: str) -> Any:
    with twin.post({"text": text}, "application/json") as reply:
        return json.loads(reply.body())


def write_wheel(folder: Path, name: str, tag: str, files: dict[str, str], needs: Sequence[str] = ()) -> None:
    """Write a wheel (Binary distribution format, packaging.python.org) of these files, which needs other packages."""
    folder.mkdir(parents=True, exist_ok=True)
    info = f"{name}-1.0.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"
    texts = {
        **files,
        f"{info}/METADATA": metadata + "".join(f"Requires-Dist: {need}\n" for need in needs),
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n",
    }
    with zipfile.ZipFile(folder / f"{name}-1.0-{tag}.whl", "w") as wheel:
        for path, text in texts.items():
            wheel.writestr(path, text)
        wheel.writestr(f"{info}/RECORD", "".join(f"{path},,\n" for path in texts))
