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
    lines = [f"import site; site.addsitedir({path!r})" for path in site.getsitepackages() if Path(path).is_dir()]
    return _made(place, place / "reached", lines)


def empty_environment(place: Path, reached: Path) -> Path:
    """Make a guarded environment without packages in ``place``; return its interpreter.

    Attempts are written to the file ``reached``. To make the run of the tests fail, it must be the plugin's.
    """
    return _made(place, reached, [])


def _made(place: Path, reached: Path, lines: list[str]) -> Path:
    venv.EnvBuilder(symlinks=True, with_pip=False).create(place)
    folder = Path(sysconfig.get_path("purelib", "venv", {"base": str(place)}))
    shutil.copy(guard.__file__, folder / "loopback_guard.py")
    installing = f"import loopback_guard; loopback_guard.install({str(reached)!r})"
    (folder / "loopback_guard.pth").write_text("\n".join([installing, *lines, ""]))
    return place / "bin" / Path(sys.executable).name
