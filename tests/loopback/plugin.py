"""Guards the test process and gives it a guarded interpreter to start children with; pytest loads this first.

An attempt to reach another machine fails where it is made. Code that expects a network to fail could swallow that:
so the whole run fails as well, and names each attempt.
"""

import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Final

import pytest

from tests.loopback import guard
from tests.loopback.environment import guarded_interpreter

IS_GUARDED: Final = "loopback_guard" in sys.modules
"""This process is a worker of pytest-xdist, which a guarded process has started."""
PLACE: Final = Path(sys.prefix) if IS_GUARDED else Path(tempfile.mkdtemp(prefix="loopback-"))
REACHED: Final = PLACE / "reached"

os.environ["AWS_EC2_METADATA_DISABLED"] = "true"  # where boto3 looks for credentials when it finds none
if not IS_GUARDED:
    sys.executable = str(guarded_interpreter(PLACE))
    os.environ["PATH"] = f"{PLACE / 'bin'}{os.pathsep}{os.environ['PATH']}"  # make and other programs look up python3
    guard.install(str(REACHED))


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail the run if anything tried to reach another machine."""
    if not IS_GUARDED and REACHED.exists():
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name each attempt."""
    if REACHED.exists():
        terminalreporter.section("Tests must reach only this machine's loopback interface", red=True)
        terminalreporter.write(REACHED.read_text())


def pytest_unconfigure() -> None:
    """Remove the guarded environment."""
    if not IS_GUARDED:
        shutil.rmtree(PLACE)
