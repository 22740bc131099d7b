"""No test, and nothing that a test starts, reaches another machine: seen from inside each kind of process."""

import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from local.bedrock.server import Bedrock
from local.lambda_.deployment import Deployment
from local.twin import Twin, task_root
from tests.loopback.environment import empty_environment
from tests.loopback.guard import INSTALLER_ALLOWED, RESERVED, BeyondLoopbackError, is_loopback

ROOT = Path(__file__).resolve().parent.parent
TRY = f"""
import socket
try:
    socket.getaddrinfo({RESERVED!r}, 80, flags=socket.AI_NUMERICHOST)
    outcome = "reached"
except Exception as error:
    outcome = type(error).__name__
"""
"""Asks for an address without a packet: a number needs no name server."""
OF_OTHERS = {"node_modules", "venv", "dist"}
"""Folders that installers and builds fill."""
UNGUARDED = {
    "components/bundle/bytecode.py": "compiles the files of a bundle",
    "components/trial/trial.py": "starts the function for a preview, in a bundle that has all that it imports",
    "tests/local/test_resources.py": "starts processes that do nothing",
    "tests/components/bundle/test_archive.py": "imports what is in a bundle, and that alone",
    "tests/components/bundle/test_complaint.py": "collects wheels where Python has no pip",
    "tests/components/trial/test_inspection.py": "starts the trial run's own program",
    "tests/components/trial/test_slow_types.py": "starts the trial run's own program",
}
"""Files that start a Python with ``-S``, which leaves the guard out, and what they do with it."""


@pytest.mark.parametrize(
    "act",
    [
        lambda _: socket.create_connection((RESERVED, 80)),
        lambda _: socket.getaddrinfo(RESERVED, 80),
        lambda _: socket.gethostbyname(RESERVED),
        lambda udp: udp.connect((RESERVED, 80)),
        lambda udp: udp.connect_ex((RESERVED, 80)),
        lambda udp: udp.bind((RESERVED, 0)),
        lambda udp: udp.sendto(b"x", (RESERVED, 80)),
        lambda udp: udp.sendmsg([b"x"], [], 0, (RESERVED, 80)),
    ],
)
def test_this_process_is_guarded(act: Callable[[socket.socket], object]) -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as udp, pytest.raises(Exception, match="tests use only this machine's"):
        act(udp)


def test_a_name_that_cannot_exist_does_not_exist() -> None:
    """No name server is asked for it."""
    with pytest.raises(socket.gaierror):
        socket.create_connection(("nowhere.invalid", 80))


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.1.2.3", True),
        ("::1", True),
        ("localhost", True),
        ("", True),
        ("0.0.0.0", False),  # noqa: S104 - every interface
        ("128.0.0.1", False),
        ("fe80::1", False),
        ("localhost.example.com", False),
    ],
)
def test_only_loopback_is_loopback(host: str, *, expected: bool) -> None:
    assert is_loopback(host) is expected


@pytest.mark.parametrize("flags", [[], ["-I"], ["-E"], ["-P", "-s"]])
def test_a_child_is_guarded_whatever_its_variables_are(flags: list[str]) -> None:
    assert _outcome(*flags, "-c", f"{TRY}\nprint(outcome)", environment={}) == BeyondLoopbackError.__name__


def test_pip_is_let_through_where_the_fixture_allows_it_and_nothing_else_is(tmp_path: Path) -> None:
    """A module of the name of pip, in place of pip itself."""
    (tmp_path / "pip.py").write_text(f"{TRY}\nprint(outcome)")
    allowed = {INSTALLER_ALLOWED: "1", "PYTHONPATH": str(tmp_path)}

    assert _outcome("-m", "pip", environment=allowed) == "reached"
    assert _outcome("-c", "import pip", environment=allowed) == BeyondLoopbackError.__name__
    assert _outcome("-m", "pip", environment={"PYTHONPATH": str(tmp_path)}) == BeyondLoopbackError.__name__


@pytest.mark.package_index
def test_a_test_with_the_marker_allows_it() -> None:
    """The next one has no marker, and runs in the same process."""
    assert INSTALLER_ALLOWED in os.environ


def test_a_test_without_the_marker_allows_nothing() -> None:
    assert INSTALLER_ALLOWED not in os.environ


def test_the_python_that_other_programs_look_up_is_guarded() -> None:
    """make, for example, starts the first ``python3`` of the path."""
    assert shutil.which("python3") == str(Path(sys.executable).with_name("python3"))


def test_an_environment_without_packages_is_guarded(tmp_path: Path) -> None:
    python = empty_environment(tmp_path / "venv", tmp_path / "reached")
    done = subprocess.run([python, "-c", f"{TRY}\nprint(outcome)"], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == BeyondLoopbackError.__name__


def _outcome(*arguments: str, environment: dict[str, str]) -> str:
    done = subprocess.run([sys.executable, *arguments], env=environment, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_a_sandbox_of_the_local_stack_is_guarded(bedrock: Bedrock, tmp_path: Path) -> None:
    """It has Lambda's variables and nothing of this process; the attempt is made where the schema is imported."""
    (tmp_path / "reaching.py").write_text(f"{TRY}\nprint('outcome:', outcome)\nAnswer = str")
    with task_root(tmp_path) as root:
        deployment = Deployment(root, {"LLM_SCHEMA": "reaching:Answer"})
        with Twin(bedrock, deployment) as twin, twin.post(b"") as reply:
            reply.body()
            output = list(twin.function.output)

    assert f"outcome: {BeyondLoopbackError.__name__}" in output


def test_the_plugin_host_is_guarded(tmp_path: Path) -> None:
    """Pulumi's own Python part of it; gRPC, which is compiled code, is not guarded."""
    (tmp_path / "sitecustomize.py").write_text(f"{TRY}\nopen({str(tmp_path / 'outcome')!r}, 'w').write(outcome)")
    command = [sys.executable, str(ROOT / "components"), "127.0.0.1:9"]
    variables = {**os.environ, "PYTHONPATH": str(tmp_path)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT, env=variables, text=True) as host:
        assert host.stdout is not None
        assert int(host.stdout.readline()) > 0
        host.terminate()

    assert (tmp_path / "outcome").read_text() == BeyondLoopbackError.__name__


def test_what_starts_a_python_without_the_guard_is_named() -> None:
    """``-I`` keeps the guard; ``-S`` is the only flag that does not, alone or among others."""
    assert _files_with(r'"-[a-zA-Z]*S[a-zA-Z]*"') == set(UNGUARDED)


def test_every_environment_that_is_made_is_guarded() -> None:
    """``scripts/install.py`` makes those of the users."""
    assert _files_with(r'\bvenv\.\w+\(|EnvBuilder|"-m", "venv"') == {
        "scripts/install.py",
        "tests/loopback/environment.py",
    }


def _files_with(pattern: str) -> set[str]:
    """Return the project's files in Python that have what the pattern matches, without this file."""
    return {str(path.relative_to(ROOT)) for path in _files() if re.search(pattern, path.read_text(encoding="utf-8"))}


def _files() -> Iterator[Path]:
    for folder, inner, names in os.walk(ROOT):
        inner[:] = [name for name in inner if not name.startswith(".") and name not in OF_OTHERS]
        files = [Path(folder, name) for name in names if name.endswith(".py")]
        yield from (file for file in files if file != Path(__file__))
