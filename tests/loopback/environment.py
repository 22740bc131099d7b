"""Environments whose interpreter is guarded: whoever starts it starts a process that reaches loopback only."""

import shutil
import site
import sys
import sysconfig
import venv
from pathlib import Path

from tests.loopback import guard


def guarded_interpreter(place: Path) -> Path:
    """Make an environment in ``place`` that has what this one has, and a guard; return its interpreter.

    The attempts of its processes to reach another machine are written to the file ``reached`` in ``place``.
    """
    venv.EnvBuilder(symlinks=True, with_pip=False).create(place)
    add_guard(place, place / "reached", [path for path in site.getsitepackages() if Path(path).is_dir()])
    return place / "bin" / Path(sys.executable).name


def add_guard(environment: Path, reached: Path, site_packages: list[str] | None = None) -> None:
    """Guard the interpreter of a virtual environment, and give it the packages of other folders."""
    folder = Path(sysconfig.get_path("purelib", "venv", {"base": str(environment)}))
    shutil.copy(guard.__file__, folder / "loopback_guard.py")
    lines = [f"import loopback_guard; loopback_guard.install({str(reached)!r})"]
    lines += [f"import site; site.addsitedir({path!r})" for path in site_packages or []]
    (folder / "loopback_guard.pth").write_text("\n".join([*lines, ""]))
