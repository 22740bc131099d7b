"""The distribution: built, installed with its dependencies where nothing else is, and used from there."""

import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from function.contract import VERSION
from streaming_llm_client import __all__
from tests.clients.python.conftest import PACKAGE, Peer, response
from tests.loopback.environment import empty_environment
from tests.loopback.plugin import REACHED

PROGRAM = """
import asyncio, sys
from pydantic import BaseModel
from streaming_llm_client import *

class Answer(BaseModel):
    summary: str

async def main() -> None:
    async with AsyncClient(sys.argv[1], auth=ApiKey("k")) as client:
        print(await client.stream(Answer, prompt="Why?").final())

with Client(sys.argv[1]) as client, client.stream(Answer, prompt="Why?") as stream:
    print([partial.get("/summary") for partial in stream], stream.final())
asyncio.run(main())
"""


def _pip(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments], check=True)


@pytest.mark.package_index
def test_the_wheel_is_used_from_a_clean_environment(
    peer: Peer, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """It has the client and its page and nothing else; its size is printed."""
    _pip("wheel", "--no-deps", f"--wheel-dir={tmp_path}", str(PACKAGE))
    [wheel] = tmp_path.glob("streaming_llm_client-*.whl")
    record_property(wheel.name, f"{wheel.stat().st_size:,} bytes")
    with zipfile.ZipFile(wheel) as opened:
        names = set(opened.namelist())
        [metadata] = [opened.read(name).decode() for name in names if name.endswith(".dist-info/METADATA")]
    sources = {f"streaming_llm_client/{path.name}" for path in (PACKAGE / "streaming_llm_client").glob("*.*")}
    assert {name for name in names if ".dist-info/" not in name} == sources
    assert any(name.endswith("/LICENSE") for name in names)
    assert f"\nVersion: {VERSION}\n" in metadata
    assert metadata.endswith((PACKAGE / "README.md").read_text())

    python = empty_environment(tmp_path / "venv", REACHED)
    _pip(f"--python={python}", "install", "--no-compile", str(wheel))
    peer.responses += [response("complete-jsonl")] * 3
    program = subprocess.run(
        [python, "-P", "-c", PROGRAM, peer.url], cwd=tmp_path, env={}, capture_output=True, text=True, check=False
    )
    command = subprocess.run(
        [python, "-P", "-m", "streaming_llm_client", peer.url, "Why?"],
        cwd=tmp_path,
        env={},
        capture_output=True,
        check=False,
    )

    assert program.stderr == ""
    assert program.stdout.splitlines() == [
        "['Pay per', 'Pay per use.', 'Pay per use.'] summary='Pay per use.'", "summary='Pay per use.'",
    ]  # fmt: skip
    assert (command.returncode, command.stdout.splitlines()[0]) == (0, b'/summary "Pay per use."')


def test_every_name_of_the_package_is_there() -> None:
    """They are imported when they are asked for."""
    import streaming_llm_client  # noqa: PLC0415 - the package itself

    assert [name for name in __all__ if getattr(streaming_llm_client, name).__name__ != name] == []
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        streaming_llm_client.nothing  # type: ignore[attr-defined]  # noqa: B018 - looking it up is the test
