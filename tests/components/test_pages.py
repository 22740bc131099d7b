"""The examples in the pages about the component do what the pages say."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pulumi
import pytest

from tests.components.recording import Recorded, declare

REPOSITORY = Path(__file__).resolve().parents[2]


def pieces(page: str) -> list[str]:
    """Return the pieces of Python of a page; the component has another name in the checkout than in the wheel."""
    text = (REPOSITORY / "docs" / f"{page}.md").read_text()
    found = re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return [re.sub(r"\bstreaming_llm_api\b", "components", piece) for piece in found]


def test_the_first_example_declares_an_endpoint_and_exports_its_address() -> None:
    declared = declare(lambda: exec(pieces("component")[0], {}))  # noqa: S102 - our own page

    assert declared.one("Method", "-post").inputs["authorization"] == "AWS_IAM"
    assert declared.exported["ApiUrl"].endswith("/v1/stream")


def test_the_transform_of_the_example_reaches_the_engine_and_changes_one_child_alone() -> None:
    """The engine calls it for every resource; under mocks it is only handed over, so it is called here."""
    scope: dict[str, Any] = {}
    declared = declare(lambda: exec("\n".join([*_imports(), pieces("component")[1]]), scope))  # noqa: S102 - same
    assert len(declared.one("StreamingLlmApi").request.transforms) == 1

    results = {resource.name: _transformed(scope["more_disk_space"], resource) for resource in declared.resources}
    [(name, changed)] = [(name, props) for name, props in results.items() if props is not None]
    assert name == "llm-function"
    assert changed == {**declared.one("Function").inputs, "ephemeralStorage": {"size": 1024}}


def _imports() -> list[str]:
    return [line for line in pieces("component")[0].splitlines() if "import" in line]


def _transformed(transform: Callable[[pulumi.ResourceTransformArgs], Any], resource: Recorded) -> Any:
    custom = bool(resource.request.custom)
    result = transform(
        pulumi.ResourceTransformArgs(
            custom, resource.type, resource.name, dict(resource.inputs), pulumi.ResourceOptions()
        )
    )
    return result and result.props


@pytest.mark.usefixtures("shipped_zip", "host_zip")
def test_the_test_of_a_program_that_the_page_on_testing_shows_passes(cache: Path, tmp_path: Path) -> None:
    (tmp_path / ".cache").symlink_to(cache.parent)
    for piece in pieces("testing"):
        file = tmp_path / piece.partition("\n")[0].removeprefix("# ")
        file.parent.mkdir(exist_ok=True)
        file.write_text(piece)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--quiet", "-p", "no:cacheprovider", "test_program.py"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert "1 passed" in done.stdout
