from collections.abc import Iterator
from pathlib import Path

import pytest

from local.cli import WrongOption
from local.example import example_of
from local.resources import Resources

MODULE = """
import os
from pydantic import BaseModel, ConfigDict
from streaming_llm_api.endpoint import Document
class Invoice(BaseModel):
    model_config = ConfigDict(json_schema_extra={"examples": [{"file": "data:text/plain;base64,w7w=", "by": "ü"}]})
    file: Document
    by: str
"""


@pytest.fixture
def code(tmp_path: Path) -> Path:
    """A folder of modules, as they lie in a bundle."""
    (tmp_path / "mine.py").write_text(MODULE + "    @property\n    def prompt(self) -> str: ...\n")
    return tmp_path


@pytest.fixture
def resources() -> Iterator[Resources]:
    """What a command holds while it runs."""
    with Resources() as held:
        yield held


def test_the_example_of_the_request_class_is_a_body(code: Path, resources: Resources) -> None:
    found = example_of(
        code, None, {"LLM_REQUEST": "mine:Invoice", "OTHER": "not for the function"}, "stream", resources
    )

    assert found == '{"file": "data:text/plain;base64,w7w=", "by": "ü"}'


def test_a_stacks_configuration_names_folder_and_class(code: Path, resources: Resources) -> None:
    """The shell's variables win."""
    config = code / "config.yaml"
    config.write_text("code: .\nrequest: mine:Invoice\n")

    assert example_of(None, config, {}, "stream", resources) is not None
    with pytest.raises(WrongOption, match="mine:Missing"):
        example_of(None, config, {"LLM_REQUEST": "mine:Missing"}, "stream", resources)


def test_each_route_has_the_example_of_its_own_request_class(code: Path, resources: Resources) -> None:
    config = code / "config.yaml"
    config.write_text("code: .\nroutes: {invoice: {request: 'mine:Invoice'}, triage: {}}\n")

    assert example_of(None, config, {}, "invoice", resources) is not None
    assert example_of(None, config, {}, "triage", resources) is None
    with pytest.raises(WrongOption, match=r"There is no route 'other'; the routes are invoice, triage\."):
        example_of(None, config, {}, "other", resources)


def test_the_default_request_is_asked_with_a_prompt(resources: Resources) -> None:
    """So it is not looked at; it says the same itself."""
    assert example_of(None, None, {}, "any", resources) is None
    assert example_of(None, None, {"LLM_REQUEST": "function.schema:Request"}, "any", resources) is None


def test_what_is_wrong_is_a_wrong_option(code: Path, resources: Resources) -> None:
    with pytest.raises(WrongOption, match="LLM_REQUEST must name a Pydantic class"):
        example_of(code, None, {"LLM_REQUEST": "mine:Missing"}, "stream", resources)


def test_a_process_that_does_not_end_as_it_should_is_reported(code: Path, resources: Resources) -> None:
    (code / "ends.py").write_text("import os, sys\nprint('here', file=sys.stderr, flush=True)\nos._exit(3)\n")
    with pytest.raises(WrongOption, match="The request class cannot be loaded: here"):
        example_of(code, None, {"LLM_REQUEST": "ends:Any"}, "stream", resources)
