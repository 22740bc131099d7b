"""Every page of the documentation is short enough to read, and can be found."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGES = sorted(DOCS.glob("*.md"))
WORDS, WORDS_OF_A_PARAGRAPH = 1500, 80
GENERATED = re.compile(r"^<!-- generated: .*?^<!-- end -->$", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
NOT_PROSE = re.compile(r"^(\||#|<!--|!\[)")
ITEM = re.compile(r"^ *([-*]|\d+\.) ")


def paragraphs(text: str) -> Iterator[str]:
    """Yield the paragraphs and list items of a page, without code, tables and headings."""
    for block in re.split(r"\n\s*\n", CODE.sub("", GENERATED.sub("", text))):
        lines: list[str] = []
        for line in block.splitlines():
            if NOT_PROSE.match(line) or ITEM.match(line):
                yield " ".join(lines)
                lines = []
            if not NOT_PROSE.match(line):
                lines.append(line)
        yield " ".join(lines)


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.stem)
def test_a_page_has_at_most_1500_words_beside_its_generated_tables(page: Path) -> None:
    assert len(GENERATED.sub("", page.read_text()).split()) <= WORDS


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.stem)
def test_a_paragraph_has_at_most_80_words(page: Path) -> None:
    long = [text for text in paragraphs(page.read_text()) if len(text.split()) > WORDS_OF_A_PARAGRAPH]

    assert long == []


def test_paragraphs_are_found_between_everything_else() -> None:
    page = "# Title\n\nOne\ntwo.\n\n- first\n  goes on\n- second\n\n| a |\n| --- |\n\n```sh\ncode\n```\n\nLast.\n"

    assert [text for text in paragraphs(page) if text] == ["One two.", "- first   goes on", "- second", "Last."]


def test_the_index_leads_to_every_page() -> None:
    linked = set(re.findall(r"\]\(([\w-]+)\.md\)", (DOCS / "index.md").read_text()))

    assert linked | {"index"} == {page.stem for page in PAGES}


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.stem)
def test_a_page_begins_with_its_only_title(page: Path) -> None:
    text = CODE.sub("", page.read_text())

    assert text.startswith("# ")
    assert len(re.findall(r"^# ", text, re.MULTILINE)) == 1


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.stem)
def test_a_page_says_what_it_is_for_then_shows_an_example_then_has_the_reference(page: Path) -> None:
    title, *sections = re.split(r"^## (?=.)", CODE.sub("", page.read_text()), flags=re.MULTILINE)
    kinds = [section.partition("\n")[0].partition(":")[0] for section in sections]

    assert any(paragraphs(title.partition("\n")[2]))
    assert kinds[0] == "Example"
    assert "Reference" in kinds
    assert set(kinds[kinds.index("Reference") :]) == {"Reference"}


def test_the_files_and_folders_of_the_architecture_exist() -> None:
    text = (DOCS / "architecture.md").read_text().partition("## Reference: files and folders")[2].partition("\n## ")[0]
    named = [name for row in re.findall(r"^\| (`.*?) \|", text, re.MULTILINE) for name in re.findall(r"`([^`]+)`", row)]

    assert len(named) > 10
    assert [name for name in named if not (DOCS.parent / name).exists()] == []
