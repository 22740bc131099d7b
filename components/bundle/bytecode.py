"""Compiles the sources in the bundle, so that no cold start has to."""

import functools
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from .target import BundleError, Target, running_python

TASK_ROOT: Final = "/var/task"
"""The folder into which Lambda unpacks the zip: the path in the bytecode."""

_OPTIONS: Final = ("-s", "-S", "-X", "no_debug_ranges")
"""Python's options for the compiler. The last one leaves out the columns of the source, which would be a tenth of the
zip: a trace shows them as ``^^^^`` under its lines."""

_COMPILER: Final = """
import importlib.util, pathlib, py_compile, sys
root, task_root, strict = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3] == "strict"
for source in sorted(root.rglob("*.py")):
    if pathlib.Path(importlib.util.cache_from_source(str(source))).exists():
        continue
    try:
        py_compile.compile(
            str(source),
            dfile=f"{task_root}/{source.relative_to(root).as_posix()}",
            doraise=True,
            invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
        )
    except py_compile.PyCompileError as error:
        if strict:
            sys.exit(f"{source.relative_to(root)}: {error.exc_value}")
"""
"""A program for the target's Python. It compiles what is not compiled yet.

It skips templates in wheels, which are named ``*.py`` and are not Python.
"""


def compile_sources(target: Target, tree: Path, *, strict: bool) -> None:
    """Write bytecode beside the sources. A fresh process with a fixed hash seed writes the same bytes each time."""
    python = interpreter(target.python)
    if python is None:
        return
    done = subprocess.run(  # noqa: S603 - the program above
        [python, *_OPTIONS, "-c", _COMPILER, str(tree), TASK_ROOT, "strict" if strict else "lenient"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"},
    )
    if done.returncode:
        raise BundleError(f"code: {done.stderr.strip()}")


@functools.cache
def interpreter(python: str) -> str | None:
    """Return the path of a Python of that version, the running one if it has it; None if none is installed."""
    if python == running_python():
        return sys.executable
    named = shutil.which(f"python{python}")
    version_program = "import sys; print('%d.%d' % sys.version_info[:2])"
    return named if named and _output_of(named, version_program) == python else None


def compiler_of(python: str) -> str:
    """Return what the bytecode for a Python of that version depends on, or ``None`` if none is installed, as text."""
    path = interpreter(python)
    return str(path and _bytecode_version(path))


@functools.cache
def _bytecode_version(python: str) -> str | None:
    """Return the version of the Python at this path, with the magic number of its bytecode; None if it fails."""
    return _output_of(python, "import importlib.util, sys; print(sys.version, importlib.util.MAGIC_NUMBER)")


def _output_of(python: str, program: str) -> str | None:
    done = subprocess.run(  # noqa: S603 - the programs above
        [python, "-I", "-c", program], capture_output=True, text=True, check=False
    )
    return done.stdout.strip() if done.returncode == 0 else None
