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

SHOWN_EVERY: Final = 1.0
"""Seconds between two lines on a terminal, where a line replaces the one before."""
PRINTED_EVERY: Final = 15.0
"""The same elsewhere."""
MEGABYTE: Final = 1_000_000
INTERRUPTED: Final = 128 + signal.SIGINT


def main(arguments: Sequence[str] | None = None) -> int:
    """Install; return 0, or 1 if a package cannot be installed."""
    options = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with tempfile.TemporaryDirectory(prefix="install-") as downloads:
            return _install(options, Work(options.environment, Path(downloads)))
    except KeyboardInterrupt:
        sys.stdout.write("\n")
        return INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m scripts.install", description=__doc__)
    parser.add_argument("environment", type=Path, help="the folder of the environment; it is made if it is not there")
    parser.add_argument("-r", "--requirements", metavar="FILE", action="append", default=[], help="what to install")
    parser.add_argument("--optional", metavar="FILE", help="what to install if this machine can have it")
    return parser


def _install(options: argparse.Namespace, work: "Work") -> int:
    work.show(f"Installing packages into {options.environment}")
    if not work.python.with_name("pip").exists():  # which comes last: an environment without it is half made
        work.run([sys.executable, "-m", "venv", str(options.environment)])
    pip = [str(work.python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    failure = work.run([*pip, *(f"--requirement={file}" for file in options.requirements)])
    if failure:
        work.end(f"{failure}\nThe packages could not be installed. What pip reports stands above.")
        return 1
    if options.optional and work.run([*pip, f"--requirement={options.optional}"]):
        work.end(f"The packages of {options.optional} are not available for this Python and machine; going on without.")
        return 0
    work.end(f"Installed packages into {options.environment} in {work.seconds} s.")
    return 0


class Work:
    """Runs one command after the other, and shows that time passes and bytes arrive."""

    def __init__(self, environment: Path, downloads: Path) -> None:
        """Start the clock; ``downloads`` is a folder for pip's temporary files."""
        self.python = environment / "bin" / "python"
        """The interpreter of the environment."""
        self._folders = (environment, downloads)
        self._downloads = downloads
        self._began = time.monotonic()
        self._is_terminal = sys.stdout.isatty()
        self._every = SHOWN_EVERY if self._is_terminal else PRINTED_EVERY
        self._megabytes = 0
        self._text = ""

    @property
    def seconds(self) -> int:
        """Return the time since the start."""
        return int(time.monotonic() - self._began)

    def show(self, text: str) -> None:
        """Say what is being done."""
        self._text = text
        self._write(f"{text} …")

    def end(self, text: str) -> None:
        """Write a line that stays."""
        self._write(f"{text}\n" if self._is_terminal else text)

    def run(self, command: Sequence[str]) -> str:
        """Run a command to its end; return what it wrote if it failed, and otherwise nothing.

        It has a session of its own: Ctrl-C reaches this process alone, which then ends the other.
        """
        variables = {**os.environ, "TMPDIR": str(self._downloads)}
        with tempfile.TemporaryFile("w+") as output:
            process = subprocess.Popen(  # noqa: S603 - our own commands
                command, env=variables, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
            )
            try:
                self._follow(process)
            except BaseException:
                _end(process)
                raise
            return _read(output) if process.returncode else ""

    def _follow(self, process: "subprocess.Popen[bytes]") -> None:
        while process.poll() is None:
            with suppress(subprocess.TimeoutExpired):
                process.wait(self._every)
                return
            self._megabytes = max(self._megabytes, sum(map(_size, self._folders)) // MEGABYTE)
            self._write(f"{self._text}: {self.seconds} s, {self._megabytes} MB …")

    def _write(self, text: str) -> None:
        sys.stdout.write(f"\r\x1b[K{text}" if self._is_terminal else f"{text}\n")
        sys.stdout.flush()


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End a command and whatever it started."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


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
