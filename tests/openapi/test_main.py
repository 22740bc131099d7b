"""``python -m openapi`` with the options of a user."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local.cli import WrongOption
from local.resources import Resources
from openapi.__main__ import described, written
from tests.local.commands import Command, environment, ran

MODULE = """
from pydantic import BaseModel
from streaming_llm_api.endpoint import Message

print("A module can print.")


class Ask(BaseModel):
    prompt: str
    conversation: list[Message] = []


class Reply(BaseModel):
    text: str
"""


@pytest.fixture
def code(tmp_path: Path) -> Path:
    """A folder with a module, which is called like one of this program."""
    folder = tmp_path / "code"
    folder.mkdir()
    (folder / "document.py").write_text(MODULE)
    return folder


@pytest.fixture
def resources() -> Iterator[Resources]:
    """What the command holds while it runs."""
    with Resources() as held:
        yield held


def test_the_documents_are_written(tmp_path: Path, code: Path) -> None:
    done = ran("-m", "openapi", "--schema=document:Reply", f"--code={code}", f"--to={tmp_path / 'new'}")

    assert (done.returncode, done.stderr) == (0, "")
    written = {file.name: json.loads(file.read_text()) for file in (tmp_path / "new").iterdir()}
    assert {name: it["openapi"] for name, it in written.items()} == {
        "openapi-3.2.json": "3.2.0",
        "openapi-3.1.json": "3.1.1",
    }
    assert "Reply" in written["openapi-3.2.json"]["components"]["schemas"]
    assert done.stdout.count("Wrote ") == 2


def test_a_stacks_configuration_names_classes_and_routes(tmp_path: Path, code: Path, resources: Resources) -> None:
    """Relative to the file; variables of the shell replace what it says."""
    routes = {"ask": {"schema": "document:Reply"}, "explain": {"request": "function.schema:Request"}}
    config = tmp_path / "stack.json"
    config.write_text(json.dumps({"code": code.name, "request": "document:Ask", "routes": routes}))

    found = described(None, None, config, {}, resources)["3.2.0"]

    assert found["paths"].keys() == {"/v1/ask", "/v1/explain"}
    assert [requested(found, route) for route in routes] == ["Ask", "Request"]
    config.write_text(json.dumps({"code": code.name, "request": "document:Reply"}))
    assert (
        requested(described(None, None, config, {"LLM_REQUEST": "document:Ask"}, resources)["3.2.0"], "stream") == "Ask"
    )


def requested(document: dict[str, Any], route: str) -> str:
    """Return the name of the component that describes a request."""
    content = document["paths"][f"/v1/{route}"]["post"]["requestBody"]["content"]
    return str(content["application/json"]["schema"]["$ref"]).rpartition("/")[2]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (MODULE, "LLM_SCHEMA must name a Pydantic class or another type that Pydantic knows; got 'document:Wrong'"),
        ("raise SystemExit(3)", "The classes cannot be loaded: SystemExit: 3"),
        ("import os\nos._exit(3)", "The classes cannot be loaded: the process has ended"),
        ("from collections.abc import Callable as Wrong", "LLM_SCHEMA must name a Pydantic class"),
    ],
)
def test_what_cannot_be_described_is_an_error_with_the_reason(
    code: Path, text: str, message: str, resources: Resources
) -> None:
    (code / "document.py").write_text(text)

    with pytest.raises(WrongOption) as caught:
        described("document:Wrong", code, None, {}, resources)

    assert message in str(caught.value)


@pytest.mark.parametrize("folder", ["/proc/nowhere", __file__])
def test_a_folder_that_cannot_be_written_is_a_wrong_option(folder: str) -> None:
    with pytest.raises(WrongOption, match="--to must be a folder in which you can write; got '") as caught:
        written({"3.2.0": {}}, Path(folder))

    assert folder in str(caught.value)


def test_a_signal_ends_the_process_that_imports_the_users_modules(tmp_path: Path, code: Path) -> None:
    """It comes while a module is imported, and no temporary folder is left."""
    importing = tmp_path / "importing"
    os.mkfifo(importing)
    (code / "document.py").write_text(f"open({str(importing)!r}, 'w').close()\nimport time\ntime.sleep(999)\n")
    (tmp_path / "temporary").mkdir()
    variables = environment(TMPDIR=str(tmp_path / "temporary"))
    with Command("-m", "openapi", "--schema=document:Reply", f"--code={code}", variables=variables) as command:
        importing.read_text()

        done = command.finish(signal.SIGTERM)

    assert (done.returncode, done.stderr) == (128 + signal.SIGTERM, "")
    assert not list((tmp_path / "temporary").iterdir())
