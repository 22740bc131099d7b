"""The local stack's commands as processes."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from typing import Self

import pytest

from local.twin import CHECKOUT

FOREIGN = ("AWS_", "LLM_", "PYTHON", "LC_", "LANG")
"""How the names of variables begin that the user of a test run can have set, and that change what a command does."""


def environment(**more: str) -> dict[str, str]:
    """Return the test run's variables, without those that could change what a command does, and ``more``."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    return {**kept, "PYTHONDONTWRITEBYTECODE": "1", **more}


class Command:
    """A running program. Its output is UTF-8; bytes that are not are replaced."""

    def __init__(self, *arguments: str, variables: dict[str, str] | None = None) -> None:
        """Start the interpreter with ``arguments``."""
        self.process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=CHECKOUT,
            env=environment() if variables is None else variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
        )
        assert self.process.stdout is not None
        self.lines = self.process.stdout

    def descendants(self) -> list[int]:
        """Return the ids of all processes below this one."""
        listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True)
        parents = {int(pid): int(parent) for pid, parent in map(str.split, listed.stdout.splitlines())}
        found = [self.process.pid]
        for pid in found:
            found += [child for child, parent in parents.items() if parent == pid]
        return found[1:]

    def finish(self, how: signal.Signals | None = None) -> subprocess.CompletedProcess[str]:
        """Send a signal, if there is one; wait for the end. No process below this one may outlive it."""
        below = self.descendants()
        if how is not None:
            self.process.send_signal(how)
        out, err = self.process.communicate()
        assert not [pid for pid in below if is_alive(pid)]
        return subprocess.CompletedProcess(self.process.args, self.process.returncode, out, err)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()


def is_alive(pid: int) -> bool:
    """Return whether a process with this id runs. One that has ended and waits for its parent does not."""
    listed = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return bool(listed.stdout.strip()) and not listed.stdout.strip().startswith("Z")


def ran(*arguments: str, variables: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run the interpreter with ``arguments`` to its end."""
    with Command(*arguments, variables=variables) as command:
        return command.finish()


def assert_one_line(done: subprocess.CompletedProcess[str], *words: str) -> None:
    """Assert that the command refused to start, with one line on standard error and nothing else."""
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1, done.stderr
    for word in words:
        assert word in done.stderr
    assert done.returncode in {1, 2}


def assert_refused(
    capsys: pytest.CaptureFixture[str], main: Callable[[Sequence[str]], None], options: Sequence[str], *words: str
) -> None:
    """Assert the same in this process, for a command line that is refused before anything is started."""
    with pytest.raises(SystemExit) as end:
        main(options)
    shown = capsys.readouterr()
    assert_one_line(subprocess.CompletedProcess(options, int(str(end.value.code)), shown.out, shown.err), *words)
