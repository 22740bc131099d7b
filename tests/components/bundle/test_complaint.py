"""What stops a build is one sentence, whichever of the two tools collects the wheels; both run here, unmodified."""

import re
import subprocess
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from tests.components.conftest import CACHE, REPOSITORY
from tests.components.own_code import write_wheel

UV = "uv==0.13.9"
COLLECT = """
import sys
from pathlib import Path
from components.bundle import BundleError, Target
from components.bundle.wheels import Wheels

folder = Path(sys.argv[1])
own = folder / "own.txt"
own = own if own.exists() else None
wheels = Wheels(Target.host(), folder / "cache", folder / "function.lock", own, lambda _: None)
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


@pytest.fixture(params=["pip", "uv"])
def collect(request: pytest.FixtureRequest, tmp_path: Path, uv: Path) -> Callable[[], str]:
    """Collect the wheels with pip or uv; return their modules, or the sentence that says why there are none."""
    hide_pip, path = ([], "/usr/bin:/bin") if request.param == "pip" else (["-S"], f"{uv}:/usr/bin:/bin")

    def run() -> str:
        command = [sys.executable, *hide_pip, "-c", COLLECT, str(tmp_path)]
        variables = {"PATH": path, "HOME": str(tmp_path)}
        done = subprocess.run(command, cwd=REPOSITORY, env=variables, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    return run


@pytest.fixture(autouse=True)
def published(tmp_path: Path) -> Callable[[str], str]:
    """Publish wheels in a folder, and lock one of them; return a function that gives the hash of a package's wheel."""
    folder = tmp_path / "wheels"
    for name, *needs in [("locked",), ("spare",), ("wants_newer", "locked>=2"), ("wants_any", "locked")]:
        write_wheel(folder, name, TAG, {f"{name}.py": "X = 1\n"}, needs)
    write_wheel(folder, "elsewhere", "cp311-cp311-win_amd64", {})

    def hash_of(name: str) -> str:
        return f"--hash=sha256:{sha256((folder / f'{name}-1.0-{TAG}.whl').read_bytes()).hexdigest()}"

    lock = tmp_path / "function.lock"
    lock.write_text(
        f"--no-index\n--find-links {folder}\n--only-binary :all:\nlocked==1.0 \\\n    {hash_of('locked')}\n"
    )
    return hash_of


def own(tmp_path: Path, *lines: str) -> Path:
    """Write the user's pip file."""
    path = tmp_path / "own.txt"
    path.write_text("\n".join(["--no-index", f"--find-links {tmp_path / 'wheels'}", *lines, ""]))
    return path


def test_the_users_packages_lie_beside_the_locked_ones(tmp_path: Path, collect: Callable[[], str]) -> None:
    """A file without hashes needs none, and what it needs of the locked packages is there already."""
    own(tmp_path, "wants-any", "spare==1.0")

    assert collect() == "locked.py spare.py wants_any.py"


def test_a_file_with_the_hashes_of_all_its_packages_is_accepted(
    tmp_path: Path, collect: Callable[[], str], published: Callable[[str], str]
) -> None:
    own(tmp_path, f"spare==1.0 {published('spare')}", f"locked==1.0 {published('locked')}")

    assert collect() == "locked.py spare.py"


def test_another_wheel_than_the_locked_one_stops_the_build(tmp_path: Path, collect: Callable[[], str]) -> None:
    """The same name and version, and other content."""
    write_wheel(tmp_path / "wheels", "locked", TAG, {"locked.py": "X = 'changed'\n"})

    assert collect() == (
        f"requirements: the downloaded file of locked==1.0 is not one of those whose hashes are in "
        f"{tmp_path / 'function.lock'}. Nothing was built: find out who changed the file, or "
        "which package index you use."
    )


def test_a_locked_package_without_a_hash_stops_the_build(tmp_path: Path, collect: Callable[[], str]) -> None:
    lock = tmp_path / "function.lock"
    lock.write_text(f"{lock.read_text()}spare==1.0\n")

    assert collect() == f"requirements: spare==1.0{UNHASHED.format(own=lock)}"


def test_a_hash_in_the_users_file_counts(tmp_path: Path, collect: Callable[[], str]) -> None:
    path = own(tmp_path, f"spare==1.0 --hash=sha256:{'0' * 64}")

    assert collect().startswith(
        f"requirements: the downloaded file of spare==1.0 is not one of those whose hashes are in {path}."
    )


@pytest.mark.parametrize(("line", "named"), [("wants-any==1.0", "locked"), ("spare==1.0", "wants-any==1.0")])
def test_one_hash_demands_one_of_every_package(
    tmp_path: Path, collect: Callable[[], str], published: Callable[[str], str], line: str, named: str
) -> None:
    """Also of those that the named ones need."""
    others = [] if named == "locked" else ["wants-any==1.0"]
    path = own(tmp_path, f"{line} {published(line.partition('==')[0].replace('-', '_'))}", *others)

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
    tmp_path: Path, collect: Callable[[], str], line: str, both: tuple[str, str]
) -> None:
    path = own(tmp_path, line)
    first, last = both
    end = (
        f"Choose packages in {path} that agree with each other and with the versions of the function's own packages, "
        "which are locked."
    )
    sentence = collect()

    assert re.fullmatch(rf"requirements: [^\n]*{first}[^\n]*{re.escape(last)}[^\n]*\. {re.escape(end)}", sentence), (
        sentence
    )


@pytest.mark.parametrize("line", ["thief==1.0", "locked @ file://{folder}/other/locked-1.0-{tag}.whl"])
def test_a_users_package_replaces_no_file_of_a_locked_one(
    tmp_path: Path, collect: Callable[[], str], line: str
) -> None:
    """The file that is there stays with pip; uv would write over it. No build ever finds the changed one."""
    changed = {"locked.py": "X = 'changed'\n"}
    write_wheel(tmp_path / "wheels", "thief", TAG, changed)
    write_wheel(tmp_path / "other", "locked", TAG, changed)
    path = own(tmp_path, line.format(folder=tmp_path, tag=TAG))
    answer = collect()

    kept = {file.read_text() for file in (tmp_path / "cache").glob("wheels-*/locked.py")}
    sentence = (
        f"requirements: a package of {path} replaces locked.py, which belongs to the function's own packages. "
        "These are locked: remove that package, or choose another version of it."
    )
    assert answer in {"locked.py", sentence}
    assert kept == {"X = 1\n"}


@pytest.mark.parametrize("name", ["elsewhere", "nowhere"])
def test_a_package_without_a_wheel_is_named(tmp_path: Path, collect: Callable[[], str], name: str) -> None:
    own(tmp_path, f"{name}==1.0")

    assert re.match(rf"requirements: {name}(==1\.0)? has no wheel for Python [\d.]+ on this machine\. ", collect())


def test_a_changed_lock_is_collected_anew(
    tmp_path: Path, collect: Callable[[], str], published: Callable[[str], str]
) -> None:
    """The wheels are cached by the lock's content."""
    before = collect()
    lock = tmp_path / "function.lock"
    lock.write_text(f"{lock.read_text()}spare==1.0 {published('spare')}\n")

    assert (before, collect()) == ("locked.py", "locked.py spare.py")


def test_what_is_not_understood_is_passed_on(tmp_path: Path, collect: Callable[[], str]) -> None:
    """The last lines of the tool."""
    own(tmp_path, "--nonsense")

    assert re.match(
        r"requirements: (pip|uv) could not collect the wheels for Python \S+ on this machine:\n.+", collect()
    )
