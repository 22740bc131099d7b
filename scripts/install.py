"""Makes a virtual environment and installs packages into it: ``python -m scripts.install .venv -r requirements.txt``.

make runs it with whatever Python there is, so it needs the standard library alone. While it works, a line counts
seconds and bytes. Ctrl-C stops pip and prints no traceback.
"""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Final

from local.terminal import Terminal

MEGABYTE: Final = 1_000_000
INTERRUPTED: Final = 128 + signal.SIGINT


def main(arguments: Sequence[str] | None = None) -> int:
    """Install; return 0, or 1 if a package cannot be installed."""
    options = _parser().parse_args(arguments)
    terminal = Terminal(sys.stdout)
    for number in (signal.SIGINT, signal.SIGTERM):  # SIGINT too: a shell's background jobs start with it ignored
        signal.signal(number, signal.default_int_handler)
    try:
        with tempfile.TemporaryDirectory(prefix="install-") as downloads:
            return _install(options, Installer(options.environment, Path(downloads)), terminal)
    except KeyboardInterrupt:
        terminal.close()
        return INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m scripts.install", description=__doc__)
    parser.add_argument("environment", type=Path, help="the folder of the environment; it is made if it is not there")
    parser.add_argument("-r", "--requirements", metavar="FILE", action="append", default=[], help="what to install")
    parser.add_argument("--optional", metavar="FILE", help="what to install if this machine can have it")
    return parser


def _install(options: argparse.Namespace, installer: "Installer", terminal: Terminal) -> int:
    began = time.monotonic()
    with terminal.waiting(f"Installing packages into {options.environment}", installer.size):
        failure = installer.make_environment() or installer.install(options.requirements)
        has_all = not failure and not (options.optional and installer.install([options.optional]))
    if failure:
        terminal.line(f"{failure}\nThe packages could not be installed. What pip reports stands above.")
        return 1
    if not has_all:
        terminal.line(f"{options.optional}: not available for this Python and machine; continuing without.")
    terminal.line(f"Installed packages into {options.environment} in {time.monotonic() - began:.0f} s.")
    return 0


class Installer:
    """Makes one environment. Its commands run in sessions of their own: Ctrl-C reaches this process, which ends them.

    Each method returns what a command wrote if it failed, and otherwise nothing.
    """

    def __init__(self, environment: Path, downloads: Path) -> None:
        """Take the folder of the environment, and one for pip's temporary files."""
        self._environment = environment
        self._downloads = downloads
        self._python = environment / "bin" / "python"
        self._largest = 0

    def make_environment(self) -> str:
        """Make the environment, unless it is there: pip comes last, so one without it is half made."""
        if self._python.with_name("pip").exists():
            return ""
        return self._run([sys.executable, "-m", "venv", str(self._environment)])

    def install(self, files: Sequence[str]) -> str:
        """Install what requirement files name."""
        named = [f"--requirement={file}" for file in files]
        return self._run([str(self._python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *named])

    def size(self) -> str:
        """Return how much is there; it never shrinks, though pip removes its temporary files."""
        self._largest = max(self._largest, _size(self._environment) + _size(self._downloads))
        return f"{self._largest // MEGABYTE} MB"

    def _run(self, command: Sequence[str]) -> str:
        variables = {**os.environ, "TMPDIR": str(self._downloads)}
        with tempfile.TemporaryFile("w+") as output:
            process = subprocess.Popen(  # noqa: S603 - our own commands
                command, env=variables, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
            )
            try:
                process.wait()
            except BaseException:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                raise
            return _read(output) if process.returncode else ""


def _read(output: IO[str]) -> str:
    output.seek(0)
    return output.read().strip() or "No reason was given."


def _size(folder: Path) -> int:
    """Return the bytes of all files in a folder, while others write and remove them."""
    total = 0
    for path, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                total += os.lstat(os.path.join(path, name)).st_size  # noqa: PTH118 - thousands of them, every second
    return total


if __name__ == "__main__":
    sys.exit(main())
