"""Runs the tests of the JavaScript client, and those in a browser: ``python -m scripts.browser``.

What they need and the machine lacks is installed first: Node.js and the tests' packages from npm, and Chromium on
Debian, where the user may install packages.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

ROOT: Final = Path(__file__).resolve().parent.parent
CACHE: Final = ROOT / ".cache" / "browser"
TESTS: Final = ROOT / "tests" / "browser"
CLIENT: Final = ROOT / "clients" / "js"
BROWSERS: Final = {"CHROMIUM": "chromium-headless-shell", "CHROMIUM_WITH_CACHE": "chromium"}
"""Debian's packages, each named as the program in it, by the variable that names it to the tests.

The small one has no cache for back and forward. All other tests run in it.
"""
OLDEST_NODE: Final = 20
"""The oldest version of Node.js on which the client must run."""
NODE: Final = 22
"""The version of Node.js that runs everything else, or a newer one."""
LIMIT: Final = "--test-timeout=600000"
"""Milliseconds after which a file of tests has failed, so that one which hangs is named."""
AT_A_TIME: Final = 2
"""Files of tests in a browser that run at the same time: most of their time is waiting."""


class Missing(Exception):
    """Something that the tests need cannot be installed here; the message says how the user can."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Install and test; return 0, or 1 if something is missing or a test fails."""
    description = "Run the tests of the JavaScript client, and those in a browser; first install what they need."
    argparse.ArgumentParser(prog="python -m scripts.browser", description=description).parse_args(arguments)
    try:
        with _timed("Installed what the browser tests need"):
            npm, browsers = _npm(), find_browsers()
            oldest, newer = (node(version, npm) for version in (OLDEST_NODE, NODE))
            for folder in (CLIENT, TESTS):
                install(folder, npm)
    except Missing as missing:
        sys.stderr.write(f"{missing}\n")
        return 1
    with _timed("Ran the tests of the JavaScript client and of the browser"):
        variables = {**browsers, "PYTHON": sys.executable}
        results = [_run([npm, "test"], CLIENT, newer.parent, variables)]
        with ThreadPoolExecutor() as pool, tempfile.TemporaryFile("w+") as output:
            files = _test_files(CLIENT / "test")
            on_oldest = pool.submit(
                _run, [str(oldest), "--test", LIMIT, *files], CLIENT, oldest.parent, variables, output
            )
            command = [str(newer), "--test", LIMIT, f"--test-concurrency={AT_A_TIME}", *_test_files(TESTS)]
            results += [_run(command, TESTS, newer.parent, variables), on_oldest.result()]
            output.seek(0)
            shutil.copyfileobj(output, sys.stdout)
    return int(any(results))


def _test_files(folder: Path) -> list[str]:
    return [str(path) for path in sorted(folder.glob("*.test.js"))]


def find_browsers() -> Mapping[str, str]:
    """Return the paths of the browsers, which are installed on Debian if they are missing.

    If the user's variable ``CHROMIUM`` names a browser, it is all of them.

    Raises:
        Missing: one is not there, and this user cannot install it.
    """
    if named := os.environ.get("CHROMIUM"):
        if program := shutil.which(named):
            return dict.fromkeys(BROWSERS, program)
        raise Missing(f"CHROMIUM must name the program of Chrome or Chromium; got {named!r}.")
    missing = [name for name in BROWSERS.values() if not shutil.which(name)]
    if missing and shutil.which("apt-get") and os.geteuid() == 0:
        subprocess.run(["apt-get", "update", "--quiet"], check=False)  # noqa: S607 - Debian's
        command = ["apt-get", "install", "--quiet", "--yes", "--no-install-recommends", *missing]
        subprocess.run(command, check=False)  # noqa: S603 - fixed above
    found = {variable: path for variable, name in BROWSERS.items() if (path := shutil.which(name))}
    if len(found) < len(BROWSERS):
        raise Missing(
            f"The browser tests need Chromium. On Debian: apt install {' '.join(BROWSERS.values())}. "
            "Elsewhere, install Chrome or Chromium, and name it: CHROMIUM=/path/to/chrome make test-browser."
        )
    return found


def node(version: int, npm: str) -> Path:
    """Return the path of Node.js: the machine's, if it serves for ``version``, else that of npm's package ``node``.

    Of the oldest version, only this very one serves; of the other one, every newer one too.

    Raises:
        Missing: the package cannot be installed.
    """
    program = shutil.which("node")
    own = _version(program) if program else 0
    if program and (own == version or own >= version > OLDEST_NODE):
        return Path(program)
    folder = CACHE / f"node-{version}"
    found = folder / "node_modules" / "node" / "bin" / "node"
    if not found.exists():
        folder.mkdir(parents=True, exist_ok=True)
        _npm_install([npm, "install", "--no-save", "--prefix", str(folder), f"node@{version}"], folder)
    return found


def install(folder: Path, npm: str) -> None:
    """Install the packages that a folder's lock file names, unless they are there.

    Raises:
        Missing: a package cannot be installed.
    """
    lock, installed = folder / "package-lock.json", folder / "node_modules" / ".package-lock.json"
    if not installed.exists() or installed.stat().st_mtime < lock.stat().st_mtime:
        _npm_install([npm, "ci"], folder)


def _npm() -> str:
    if found := shutil.which("npm"):
        return found
    raise Missing(f"The browser tests need Node.js {OLDEST_NODE} or newer, with npm: see https://nodejs.org/.")


def _npm_install(command: Sequence[str], folder: Path) -> None:
    done = subprocess.run(  # noqa: S603 - the commands are fixed above
        [*command, "--no-audit", "--no-fund", "--loglevel=error"], cwd=folder, check=False
    )
    if done.returncode:
        raise Missing(f"The packages of {folder} could not be installed; see npm's messages above.")


def _version(program: str) -> int:
    """Return the major version of a Node.js."""
    done = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)  # noqa: S603 - found
    found = re.match(r"v([0-9]+)\.", done.stdout)
    return int(found[1]) if found else 0


def _run(
    command: Sequence[str], folder: Path, path: Path, variables: Mapping[str, str], output: IO[str] | None = None
) -> int:
    """Run a command with the programs of the folder ``path`` before all others; return its exit status.

    It writes into ``output``; by default to where this program writes.
    """
    environment = {**os.environ, "PATH": f"{path}{os.pathsep}{os.environ['PATH']}", **variables}
    done = subprocess.run(  # noqa: S603 - fixed above
        command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output, check=False
    )
    return done.returncode


@contextmanager
def _timed(what: str) -> Iterator[None]:
    began = time.monotonic()
    yield
    print(f"{what} in {time.monotonic() - began:.0f} s.", flush=True)  # noqa: T201 - a program


if __name__ == "__main__":
    sys.exit(main())
