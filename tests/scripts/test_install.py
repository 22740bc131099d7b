"""Environments are made with a line that counts; what goes wrong is said, and Ctrl-C leaves nothing behind."""

import os
import pty
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from scripts.install import INTERRUPTED
from tests.components.own_code import write_wheel
from tests.loopback.environment import empty_environment
from tests.loopback.plugin import REACHED

ROOT = Path(__file__).resolve().parents[2]


def requirements(folder: Path, name: str) -> str:
    path = folder / f"{name}.txt"
    path.write_text(f"--no-index\n--find-links {folder / 'wheels'}\n{name}\n")
    return str(path)


def install(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "scripts.install", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a wheel of one package."""
    place = tmp_path_factory.mktemp("install")
    write_wheel(place / "wheels", "small_for_the_test", "py3-none-any", {"small_for_the_test.py": "SIZE = 1\n"})
    return place


@pytest.fixture(scope="module")
def installed(folder: Path) -> subprocess.CompletedProcess[str]:
    """The first installation, into an environment as Ctrl-C leaves it: with an interpreter and without pip."""
    empty_environment(folder / ".venv", REACHED)
    return install(str(folder / ".venv"), "-r", requirements(folder, "small-for-the-test"))


@pytest.fixture
def environment(folder: Path, installed: subprocess.CompletedProcess[str]) -> Path:
    """An environment that is there already."""
    assert installed.returncode == 0
    return folder / ".venv"


def test_an_environment_is_made_whole_and_filled(
    folder: Path, installed: subprocess.CompletedProcess[str], environment: Path
) -> None:
    first, *_, last = installed.stdout.splitlines()

    assert installed.stderr == ""
    assert first == f"Installing packages into {environment} …"
    assert re.fullmatch(rf"Installed packages into {re.escape(str(environment))} in \d+ s\.", last)
    subprocess.run([folder / ".venv" / "bin" / "python", "-c", "import small_for_the_test"], check=True)


def test_a_package_that_is_missing_is_named_in_pips_words(folder: Path, environment: Path) -> None:
    done = install(str(environment), "-r", requirements(folder, "missing-for-the-test"))

    assert done.returncode == 1
    assert "No matching distribution found for missing-for-the-test" in done.stdout
    assert done.stdout.splitlines()[-1] == "The packages could not be installed; see pip's messages above."
    assert "Traceback" not in done.stdout + done.stderr


def test_a_screen_without_dots_is_enough(folder: Path, environment: Path) -> None:
    """An encoding that lacks the ellipsis."""
    command = [
        sys.executable,
        "-m",
        "scripts.install",
        str(environment),
        "-r",
        requirements(folder, "small-for-the-test"),
    ]
    variables = {**os.environ, "PYTHONIOENCODING": "ascii", "LC_ALL": "C"}
    done = subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")


def test_an_optional_package_may_be_missing(folder: Path, environment: Path) -> None:
    needed, optional = (requirements(folder, name) for name in ("small-for-the-test", "missing-for-the-test"))
    done = install(str(environment), "-r", needed, "--optional", optional)

    assert done.returncode == 0
    assert done.stdout.splitlines()[-2].startswith(f"The packages in {optional} are not available for this Python")


@pytest.fixture
def silent_index() -> Iterator[socket.socket]:
    """A package index that never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def test_seconds_and_bytes_count_up_and_ctrl_c_ends_everything(
    tmp_path: Path, environment: Path, silent_index: socket.socket
) -> None:
    """On a terminal, where one line is written again and again."""
    (tmp_path / "all.txt").write_text(f"--index-url http://127.0.0.1:{silent_index.getsockname()[1]}/\nanything\n")
    command = [sys.executable, "-m", "scripts.install", str(environment), "-r", str(tmp_path / "all.txt")]
    screen, terminal = pty.openpty()
    wide = {**os.environ, "COLUMNS": "200"}
    with subprocess.Popen(command, cwd=ROOT, env=wide, stdout=terminal, stderr=terminal) as process:
        os.close(terminal)
        text = ""
        while not re.search(r": [3-9] s, \d+ MB", text):
            text += os.read(screen, 65_536).decode()
        pip, _ = silent_index.accept()
        process.send_signal(signal.SIGINT)
        with suppress(OSError):  # how a terminal says that its last writer has gone
            while data := os.read(screen, 65_536):
                text += data.decode()
        assert process.wait() == INTERRUPTED
    os.close(screen)
    counted = [(int(seconds), int(bytes_)) for seconds, bytes_ in re.findall(r": (\d+) s, (\d+) MB", text)]

    assert counted == sorted(counted)
    assert len(counted) >= 2
    assert "Traceback" not in text
    with pip:  # its process has ended, and with it the connection
        while pip.recv(65_536):
            pass
