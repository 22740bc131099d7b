"""The generated parts of the documents are those of the code."""

import re
from pathlib import Path

import pytest

from docs import generate


@pytest.mark.parametrize("file", generate.files(), ids=lambda path: path.name)
def test_no_generated_part_is_stale(file: Path) -> None:
    assert generate.generated(file.read_text()) == file.read_text()


def test_every_part_stands_in_a_file() -> None:
    text = "\n".join(file.read_text() for file in generate.files())
    named = set(re.findall(r"^(?:<!--| *#) generated: ([\w-]+)", text, re.MULTILINE))

    assert named == set(generate.PARTS)


def test_what_stood_between_the_comments_is_replaced_and_nothing_else() -> None:
    page = "# Title\n\n<!-- generated: errors -->\nstale\n<!-- end -->\n\nText.\n"
    written = generate.generated(page)

    assert written.startswith("# Title\n\n<!-- generated: errors -->\n\n| code | status |")
    assert written.endswith(" |\n\n<!-- end -->\n\nText.\n")
    assert generate.generated(written) == written
    assert "stale" not in written


def test_a_part_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(KeyError, match="nonsense"):
        generate.generated("<!-- generated: nonsense -->\n<!-- end -->\n")


def test_the_check_names_the_stale_file_and_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """And without the option the same file is written."""
    page = tmp_path / "page.md"
    page.write_text("<!-- generated: errors -->\n<!-- end -->\n")
    monkeypatch.setattr(generate, "ROOT", tmp_path)
    monkeypatch.setattr(generate, "files", lambda: [page])

    assert generate.main(["--check"]) == 1
    assert capsys.readouterr().err == "page.md: a generated part is stale; run make docs.\n"
    assert generate.main([]) == 0
    assert generate.main(["--check"]) == 0
