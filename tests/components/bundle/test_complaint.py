"""What stops a build is one sentence, whichever of the two tools collects the wheels; both run here, unmodified."""

import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Protocol

import pytest

from tests.components.conftest import CACHE, REPOSITORY
from tests.components.own_code import write_wheel

UV = "uv==0.13.9"
COLLECT = """
import sys
from pathlib import Path
from components.bundle import BundleError, Target
from components.bundle.wheels import Wheels

cache, lock, own = map(Path, sys.argv[1:])
wheels = Wheels(Target.host(), cache, lock, own if own.exists() else None, lambda _: None)
try:
    print(*sorted(path.name for path in wheels.collect().iterdir() if path.suffix == ".py"))
except BundleError as error:
    print(error)
"""
TAG = "py3-none-any"
UNHASHED = (
    " has no hash in {own}, where other packages have one. Give every package its exact version and its hashes, "
    "also those that the others need, or remove all hashes."
)


@pytest.fixture(scope="module")
def uv() -> Path:
    """A folder with the program uv, which pip has installed apart from everything else."""
    folder = CACHE.parent / UV
    if not (folder / "bin" / "uv").exists():
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--only-binary=:all:", f"--target={folder}", UV]
        subprocess.run(command, check=True)
    return folder / "bin"


@dataclass
class Published:
    """Wheels in a folder, and a lock of one of them."""

    wheels: Path
    lock: Path

    def hash_of(self, name: str) -> str:
        """Return the hash of a package's wheel as an option in a pip file."""
        return f"--hash=sha256:{sha256((self.wheels / f'{name}-1.0-{TAG}.whl').read_bytes()).hexdigest()}"


def publish(folder: Path) -> Published:
    """Write the wheels and the lock."""
    published = Published(folder / "wheels", folder / "function.lock")
    for name, *needs in [("locked",), ("spare",), ("wants_newer", "locked>=2"), ("wants_any", "locked")]:
        write_wheel(published.wheels, name, TAG, {f"{name}.py": "X = 1\n"}, needs)
    write_wheel(published.wheels, "elsewhere", "cp311-cp311-win_amd64", {})
    found = f"--no-index\n--find-links {published.wheels}\n--only-binary :all:\n"
    published.lock.write_text(f"{found}locked==1.0 \\\n    {published.hash_of('locked')}\n")
    return published


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Published:
    """What the tests share: they change none of it."""
    return publish(tmp_path_factory.mktemp("published"))


PipFile = Callable[..., Path]


class Collect(Protocol):
    """Collects what a lock has, beside what the user's pip file has if there is one."""

    def __call__(self, lock: Path = ...) -> str:
        """Return the names of the modules, or the sentence that says why there are none."""


@dataclass
class Tool:
    """Collects wheels with pip or uv. The cache is the tool's own: what is locked is collected once by each."""

    cache: Path
    options: list[str]
    path: str

    def collect(self, folder: Path, lock: Path) -> str:
        """Return the names of the modules, or the sentence that says why there are none.

        The folder is the one of the user's pip file, if there is one.
        """
        command = [sys.executable, *self.options, "-c", COLLECT, str(self.cache), str(lock), str(folder / "own.txt")]
        variables = {"PATH": self.path, "HOME": str(self.cache)}
        done = subprocess.run(command, cwd=REPOSITORY, env=variables, capture_output=True, text=True, check=True)
        return done.stdout.strip()


@pytest.fixture(scope="module", params=["pip", "uv"])
def tool(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, uv: Path) -> Tool:
    """One of the two; uv collects where Python has no pip."""
    hide_pip, path = ([], "/usr/bin:/bin") if request.param == "pip" else (["-S"], f"{uv}:/usr/bin:/bin")
    return Tool(tmp_path_factory.mktemp(request.param), hide_pip, path)


@pytest.fixture
def collect(tool: Tool, published: Published, tmp_path: Path) -> Collect:
    """Collect with the user's pip file that ``own`` writes."""

    def run(lock: Path = published.lock) -> str:
        return tool.collect(tmp_path, lock)

    return run


@pytest.fixture
def own(tmp_path: Path, published: Published) -> PipFile:
    """Write the user's pip file; return its path."""

    def write(*lines: str) -> Path:
        path = tmp_path / "own.txt"
        path.write_text("\n".join(["--no-index", f"--find-links {published.wheels}", *lines, ""]))
        return path

    return write


def test_the_users_packages_lie_beside_the_locked_ones(collect: Collect, own: PipFile) -> None:
    """A file without hashes needs none, and what it needs of the locked packages is there already."""
    own("wants-any", "spare==1.0")

    assert collect() == "locked.py spare.py wants_any.py"


def test_a_file_with_the_hashes_of_all_its_packages_is_accepted(
    collect: Collect, own: PipFile, published: Published
) -> None:
    own(f"spare==1.0 {published.hash_of('spare')}", f"locked==1.0 {published.hash_of('locked')}")

    assert collect() == "locked.py spare.py"


def test_another_wheel_than_the_locked_one_stops_the_build(tmp_path: Path, collect: Collect) -> None:
    """The same name and version, and other content."""
    changed = publish(tmp_path)
    write_wheel(changed.wheels, "locked", TAG, {"locked.py": "X = 'changed'\n"})

    assert collect(changed.lock) == (
        f"requirements: the downloaded file of locked==1.0 is not one of those whose hashes are in "
        f"{changed.lock}. Nothing was built: find out who changed the file, or "
        "which package index you use."
    )


def test_a_locked_package_without_a_hash_stops_the_build(
    tmp_path: Path, collect: Collect, published: Published
) -> None:
    lock = tmp_path / "function.lock"
    lock.write_text(f"{published.lock.read_text()}spare==1.0\n")

    assert collect(lock) == f"requirements: spare==1.0{UNHASHED.format(own=lock)}"


def test_a_hash_in_the_users_file_counts(collect: Collect, own: PipFile) -> None:
    path = own(f"spare==1.0 --hash=sha256:{'0' * 64}")

    assert collect().startswith(
        f"requirements: the downloaded file of spare==1.0 is not one of those whose hashes are in {path}."
    )


@pytest.mark.parametrize(("line", "named"), [("wants-any==1.0", "locked"), ("spare==1.0", "wants-any==1.0")])
def test_one_hash_demands_one_of_every_package(
    collect: Collect, own: PipFile, published: Published, line: str, named: str
) -> None:
    """Also of those that the named ones need."""
    others = [] if named == "locked" else ["wants-any==1.0"]
    path = own(f"{line} {published.hash_of(line.partition('==')[0].replace('-', '_'))}", *others)

    assert collect() == f"requirements: {named}{UNHASHED.format(own=path)}"


@pytest.mark.parametrize(
    ("line", "both"),
    [
        ("locked>=2", ("locked>=2", "locked==1.0")),
        ("locked==2.0", ("locked==2.0", "locked==1.0")),
        ("wants-newer==1.0", ("wants-newer.* depends? on locked>=2", "locked==1.0")),
    ],
)
def test_a_conflict_with_the_lock_is_one_sentence_that_names_both(
    collect: Collect, own: PipFile, line: str, both: tuple[str, str]
) -> None:
    path = own(line)
    first, last = both
    end = (
        f"Choose packages in {path} that agree with each other and with the versions of the function's own packages, "
        "which are locked."
    )
    sentence = collect()

    assert re.fullmatch(rf"requirements: [^\n]*{first}[^\n]*{re.escape(last)}[^\n]*\. {re.escape(end)}", sentence), (
        sentence
    )


@pytest.mark.parametrize("line", ["thief==1.0", "locked @ file://{folder}/locked-1.0-{tag}.whl"])
def test_a_users_package_replaces_no_file_of_a_locked_one(
    tmp_path: Path, collect: Collect, own: PipFile, tool: Tool, line: str
) -> None:
    """The file that is there stays with pip; uv would write over it. No build ever finds the changed one."""
    changed = {"locked.py": "X = 'changed'\n"}
    for name in ("thief", "locked"):
        write_wheel(tmp_path / name, name, TAG, changed)
    path = own(f"--find-links {tmp_path / 'thief'}", line.format(folder=tmp_path / "locked", tag=TAG))
    answer = collect()

    kept = {file.read_text() for file in tool.cache.glob("wheels-*/locked.py")}
    sentence = (
        f"requirements: a package of {path} replaces locked.py, which belongs to the function's own packages. "
        "These are locked: remove that package, or choose another version of it."
    )
    assert answer in {"locked.py", sentence}
    assert kept == {"X = 1\n"}


@pytest.mark.parametrize("name", ["elsewhere", "nowhere"])
def test_a_package_without_a_wheel_is_named(collect: Collect, own: PipFile, name: str) -> None:
    own(f"{name}==1.0")

    assert re.match(rf"requirements: {name}(==1\.0)? has no wheel for Python [\d.]+ on this machine\. ", collect())


def test_a_changed_lock_is_collected_anew(tmp_path: Path, collect: Collect, published: Published) -> None:
    """The wheels are cached by the lock's content."""
    lock = tmp_path / "function.lock"
    lock.write_text(published.lock.read_text())
    before = collect(lock)
    lock.write_text(f"{lock.read_text()}spare==1.0 {published.hash_of('spare')}\n")

    assert (before, collect(lock)) == ("locked.py", "locked.py spare.py")


def test_what_is_not_understood_is_passed_on(collect: Collect, own: PipFile) -> None:
    """The last lines of the tool."""
    own("--nonsense")

    assert re.match(
        r"requirements: (pip|uv) could not collect the wheels for Python \S+ on this machine:\n.+", collect()
    )
