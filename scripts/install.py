"""Makes a virtual environment and installs packages into it: ``python -m scripts.install .venv -r requirements.txt``.

make runs it with the user's Python, before any package is installed: it needs the standard library alone. While it
works, it shows the seconds and the size of the environment. Ctrl-C stops pip and prints no traceback.
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
    description = "Make a virtual environment, if it does not exist, and install packages into it."
    parser = argparse.ArgumentParser(prog="python -m scripts.install", description=description)
    parser.add_argument("environment", type=Path, help="the folder of the environment")
    required = "a pip file of packages to install; repeat it for several, which are installed one after the other"
    parser.add_argument("-r", "--requirements", metavar="FILE", action="append", default=[], help=required)
    optional = (
        "a pip file of packages that this Python or machine may lack; it does not matter if they cannot be installed"
    )
    parser.add_argument("--optional", metavar="FILE", help=optional)
    return parser


def _install(options: argparse.Namespace, installer: "Installer", terminal: Terminal) -> int:
    began = time.monotonic()
    with terminal.waiting(f"Installing packages into {options.environment}", installer.size):
        failure = installer.make_environment() or next(filter(None, map(installer.install, options.requirements)), "")
        has_all = not failure and not (options.optional and installer.install(options.optional))
    if failure:
        terminal.line(f"{failure}\nThe packages could not be installed; see pip's messages above.")
        return 1
    if not has_all:
        terminal.line(
            f"The packages in {options.optional} are not available for this Python or machine; continuing without them."
        )
    terminal.line(f"Installed packages into {options.environment} in {time.monotonic() - began:.0f} s.")
    return 0


class Installer:
    """Makes one environment. Its commands run in sessions of their own: Ctrl-C reaches this process, which ends them.

    Methods that run a command return an empty string if it succeeds, else what it wrote.
    """

    def __init__(self, environment: Path, downloads: Path) -> None:
        """Work on the folder ``environment``; pip writes its temporary files into ``downloads``."""
        self._environment = environment
        self._downloads = downloads
        self._python = environment / "bin" / "python"
        self._largest = 0

    def make_environment(self) -> str:
        """Make the environment, unless it is there. One without pip is incomplete: venv adds pip last."""
        if self._python.with_name("pip").exists():
            return ""
        return self._run([sys.executable, "-m", "venv", str(self._environment)])

    def install(self, file: str) -> str:
        """Install the packages that the pip file names. A hash in it counts for this file alone.

        Python compiles the modules that it imports, a small part of all; pip would take half a minute for the rest.
        """
        options = ["--quiet", "--no-compile", "--disable-pip-version-check", "--no-warn-conflicts"]
        return self._run([str(self._python), "-m", "pip", "install", *options, f"--requirement={file}"])

    def size(self) -> str:
        """Return the size so far, for people. It never shrinks, although pip removes its temporary files."""
        self._largest = max(self._largest, _size(self._environment) + _size(self._downloads))
        return f"{self._largest // MEGABYTE} MB"

    def _run(self, command: Sequence[str]) -> str:
        variables = {**os.environ, "TMPDIR": str(self._downloads)}
        with tempfile.TemporaryFile("w+") as output:
            process = subprocess.Popen(  # noqa: S603 - the commands are fixed above
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
    return output.read().strip() or "The command failed and wrote no message."


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
