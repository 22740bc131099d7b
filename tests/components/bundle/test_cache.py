"""The names of what the build keeps: another build never finds what this one wrote."""

import importlib.util
import shutil
from pathlib import Path
from types import ModuleType

import pytest

import components.bundle
from components.bundle.cache import digest, filling, replacing

PACKAGE = Path(components.bundle.__file__).parent
FILES = sorted(path.name for path in PACKAGE.iterdir() if path.is_file())


def loaded(folder: Path) -> ModuleType:
    """Return the cache module of a copy of the package."""
    spec = importlib.util.spec_from_file_location("copied_cache", folder / "cache.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", FILES)
def test_a_change_in_any_file_of_the_build_gives_another_digest(tmp_path: Path, name: str) -> None:
    shutil.copytree(PACKAGE, tmp_path / "bundle", ignore=shutil.ignore_patterns("__pycache__"))
    copied = loaded(tmp_path / "bundle")
    before = copied.digest({"wheels": "one"})
    with (tmp_path / "bundle" / name).open("a", encoding="utf-8") as file:
        file.write("\n# another line\n")

    assert before == digest({"wheels": "one"})
    assert copied.digest({"wheels": "one"}) != before


def test_a_part_keeps_its_name_and_its_length() -> None:
    assert len({digest({"a": "b", "c": "d"}), digest({"a": "d", "c": "b"}), digest({"a": "bc", "": "d"})}) == 3


def fill_the_disk(zip_file: Path) -> None:
    with replacing(zip_file) as staged:
        staged.write_text("ha")
        raise OSError("disk full")


def test_a_build_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    zip_file = tmp_path / "cache" / "function.zip"
    with replacing(zip_file) as staged:
        staged.write_text("whole")
    with pytest.raises(OSError, match="disk full"):
        fill_the_disk(zip_file)

    assert [path.name for path in zip_file.parent.iterdir()] == ["function.zip"]
    assert zip_file.read_text() == "whole"


def fill(folder: Path, text: str, *, meanwhile: str = "", fails: bool = False) -> None:
    """Make a folder with one file; another process makes the folder in the meantime, if it has a text for that."""
    with filling(folder) as made:
        made.mkdir()
        (made / "file.txt").write_text(text)
        if meanwhile:
            folder.mkdir()
            (folder / "file.txt").write_text(meanwhile)
        if fails:
            raise OSError("disk full")


@pytest.mark.parametrize(("meanwhile", "kept"), [("", "mine"), ("the other one", "the other one")])
def test_a_folder_appears_when_it_is_whole_and_the_first_one_stays(tmp_path: Path, meanwhile: str, kept: str) -> None:
    fill(tmp_path / "cache" / "folder", "mine", meanwhile=meanwhile)

    assert (tmp_path / "cache" / "folder" / "file.txt").read_text() == kept
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["folder"]


def test_a_folder_that_is_not_filled_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="disk full"):
        fill(tmp_path / "folder", "half", fails=True)

    assert list(tmp_path.iterdir()) == []
