"""Writes the files of a release to ``dist/release``: ``python -m scripts.release v0.1.0``.

They are the wheel, the schema of the Pulumi plugin, and the notes: the changelog's entry of this version.
"""

import argparse
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from pulumi.provider.experimental.component import ComponentProvider

from components import VERSION, StreamingLlmApi

ROOT: Final = Path(__file__).resolve().parent.parent
RELEASE: Final = ROOT / "dist" / "release"
PLACEHOLDER: Final = "github.com/OWNER/"
"""The beginning of the URLs in pyproject.toml until the repository is public."""


class NotReady(Exception):
    """The sources cannot be released as they are; the message says what to do."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the files; return 1 if the sources cannot be released as they are."""
    description = "Write the files of a release to dist/release: the wheel, the plugin's schema and the release notes."
    parser = argparse.ArgumentParser(prog="python -m scripts.release", description=description)
    parser.add_argument("tag", help="the tag of the release: v and the version, such as v0.1.0")
    try:
        notes = check(parser.parse_args(arguments).tag, (ROOT / "CHANGELOG.md").read_text(), ROOT / "pyproject.toml")
    except NotReady as error:
        sys.stderr.write(f"{error}\n")
        return 1
    shutil.rmtree(RELEASE, ignore_errors=True)
    RELEASE.mkdir(parents=True)
    (RELEASE / "notes.md").write_text(f"{notes}\n")
    (RELEASE / "schema.json").write_text(schema())
    wheel = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", f"--wheel-dir={RELEASE}", str(ROOT)]
    return subprocess.run(wheel, check=False).returncode  # noqa: S603 - the arguments are fixed above


def check(tag: str, changelog: str, pyproject: Path) -> str:
    """Return the changelog's entry of the version that ``tag`` names.

    Raises:
        NotReady: the tag names another version, the changelog has no entry, or the URLs are placeholders.
    """
    if tag != f"v{VERSION}":
        raise NotReady(f"The tag must be v{VERSION}, for the version in function/contract.py; got {tag!r}.")
    heading = rf"^## \[{re.escape(VERSION)}\] - \d{{4}}-\d\d-\d\d\n"
    found = re.search(heading + r"(.*?)(?=^## |\Z)", changelog, re.MULTILINE | re.DOTALL)
    if not found or not found[1].strip():
        raise NotReady(f'CHANGELOG.md needs an entry with the heading "## [{VERSION}] - YYYY-MM-DD".')
    urls = tomllib.loads(pyproject.read_text())["project"]["urls"].values()
    if any(PLACEHOLDER in url for url in urls):
        raise NotReady("The URLs in pyproject.toml are placeholders: replace OWNER by the owner of the repository.")
    return found[1].strip()


def schema() -> str:
    """Return the schema of the component as a Pulumi plugin, in JSON."""
    text = ComponentProvider([StreamingLlmApi], "streaming-llm", None, VERSION).schema
    if not text:
        raise NotReady("The component has no schema.")
    return f"{text}\n"


if __name__ == "__main__":
    sys.exit(main())
