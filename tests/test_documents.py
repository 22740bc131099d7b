"""The tables of the documents are those of the code."""

from pathlib import Path

import pytest

from function.stream.errors import Outcome
from tests.wire.endings_table import BY_CODE, ENDINGS, Ending

DOCS = Path(__file__).resolve().parent.parent / "docs"


def rows(document: str) -> list[list[str]]:
    """Return the cells of every row of the document's tables, headings aside."""
    lines = [line for line in (DOCS / document).read_text().splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_every_code_is_documented_as_it_is() -> None:
    expected = [
        [
            f"`{code}`",
            str(error.status),
            f"`{error.outcome}`",
            f"yes, after {error.retry_after} s" if error.retry_after else "no",
            error.title,
        ]
        for code, error in BY_CODE.items()
    ]

    assert rows("errors.md") == expected


def test_every_ending_is_documented() -> None:
    """A row of the matrix is a row of the table, in its order."""
    assert [row[0] for row in rows("endings.md")] == [ending.what for ending in ENDINGS]


@pytest.mark.parametrize("ending", ENDINGS, ids=lambda it: it.what)
def test_an_ending_is_documented_as_the_matrix_has_it(ending: Ending) -> None:
    [row] = [row for row in rows("endings.md") if row[0] == ending.what]
    _, before, after, told, not_completed, stored, published = row

    assert told == f"`{ending.outcome}`, {ending.level}"
    assert not_completed == str(ending.not_completed)
    assert stored == ("no" if ending.outcome is Outcome.REJECTED else "yes")
    assert published.startswith("by default") is (ending.outcome is Outcome.COMPLETED)
    if ending.error is not None:
        assert before == str(ending.error.status)
        assert ending.code is None or not after.strip("\u2013") or f"`{ending.code}`" in after
