"""The documents, and what the code says of files, point at what is there."""

import ast
import json
import re
from pathlib import Path

import pytest

from local.client import Piece
from verify.events import read_json_lines, rebuild_object

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = [*sorted(ROOT.glob("*.md")), *sorted(ROOT.glob("docs/*.md")), *sorted(ROOT.glob("examples/*/README.md"))]
ROOMS = ("function", "components", "local", "verify", "openapi", "tests", "docs", "scripts", "bench", "examples")
SOURCES = [
    *(path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py")) if "venv" not in path.parts),
    *(path for path in DOCUMENTS if path.name != "CHANGELOG.md"),  # it names files of the past
    *(ROOT / name for name in ("Makefile", "pyproject.toml", "Pulumi.yaml")),
]
FILE = re.compile(rf"(?<![\w./-])(?:{'|'.join(ROOMS)}|stream|aws|partials)/[\w/.-]+\.(?:py|md|svg|mjs|lock|json)\b")
"""The name of a file as docstrings, comments and pages write it: from the root, or inside ``function``."""


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_link_to_a_file_leads_to_one(document: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)", document.read_text())
    missing = [link for link in links if "://" not in link and not (document.parent / link).exists()]

    assert missing == []


def headings(document: Path) -> set[str]:
    """Return the anchors that GitHub gives to the headings of a document."""
    titles = re.findall(r"^#+ (.+)$", document.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title).lower().replace(" ", "-") for title in titles}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_link_to_a_heading_leads_to_one(document: Path) -> None:
    links = re.findall(r"\]\(([^)#\s:]*)#([^)\s]+)\)", document.read_text())
    missing = [anchor for file, anchor in links if anchor not in headings(document.parent / file if file else document)]

    assert missing == []


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_file_that_is_named_is_there(source: Path) -> None:
    """Recipes write ``NAME`` in the place of a name that the reader chooses."""
    named = {name for name in FILE.findall(source.read_text()) if "NAME" not in name}
    places = (ROOT, ROOT / "function", source.parent)

    assert [name for name in named if not any((place / name).exists() for place in places)] == []


def test_the_readmes_stream_is_one_that_a_client_can_apply() -> None:
    """Its changes, applied in order, are the value of its last event."""
    [stream] = re.findall(
        r'^```json\n(\{"type":"start".*?)^```', (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL
    )
    events = read_json_lines([Piece(0.0, stream.encode())])

    assert rebuild_object(events) == (json.loads(stream.splitlines()[-1])["value"], True)


def test_the_readmes_four_formats_carry_one_answer() -> None:
    blocks = re.findall(r"^```\w*\n(.*?)^```", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    [raw] = [block for block in blocks if "│" in block]
    [lines] = [block.splitlines() for block in blocks if block.startswith('{"type":"start"')]
    [message] = [block.splitlines() for block in blocks if block.startswith("id: ")]
    [document] = [block for block in blocks if block.startswith('{"summary":"')]
    value = json.loads(lines[-1])["value"]

    assert json.loads(raw.replace("│", "")) == json.loads(document) == value
    number, kind, data = (line.partition(": ")[2] for line in message)
    assert data == lines[int(number) - 1]
    assert json.loads(data)["type"] == kind


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_verb_of_make_that_is_named_is_one(document: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"(?:^|`)make ([a-z-]+)", document.read_text(), re.MULTILINE))

    assert named <= targets


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_piece_of_python_is_python(document: Path) -> None:
    for piece in re.findall(r"^```python\n(.*?)^```", document.read_text(), re.MULTILINE | re.DOTALL):
        ast.parse(piece)
