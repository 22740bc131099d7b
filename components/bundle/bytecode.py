"""Bytecode beside the sources, so that a cold start does not compile."""

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

_COMPILE: Final = """
import pathlib, py_compile, sys
root, task_root, strict = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3] == "strict"
for source in sorted(root.rglob("*.py")):
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
"""Run by the target's Python. A ``*.py`` of a wheel can be a template that is not valid Python: it is skipped."""


def compile_sources(target: Target, tree: Path, *, strict: bool) -> None:
    """Write bytecode beside the sources. A fresh process with a fixed hash seed writes the same bytes each time."""
    python = interpreter(target.python)
    if python is None:
        return
    done = subprocess.run(  # noqa: S603 our own program
        [python, "-s", "-S", "-c", _COMPILE, str(tree), TASK_ROOT, "strict" if strict else "lenient"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"},
    )
    if done.returncode:
        raise BundleError(f"code: {done.stderr.strip()}")


@functools.cache
def interpreter(python: str) -> str | None:
    """Return the path of a Python of that version, the running one if it fits; None if none is installed."""
    if python == running_python():
        return sys.executable
    named = shutil.which(f"python{python}")
    return named if named and _ask(named, "import sys; print('%d.%d' % sys.version_info[:2])") == python else None


@functools.cache
def magic(python: str) -> str | None:
    """Return the version and the magic number of that Python's bytecode."""
    return _ask(python, "import importlib.util, sys; print(sys.version, importlib.util.MAGIC_NUMBER)")


def _ask(python: str, program: str) -> str | None:
    done = subprocess.run([python, "-I", "-c", program], capture_output=True, text=True, check=False)  # noqa: S603 ours
    return done.stdout.strip() if done.returncode == 0 else None
