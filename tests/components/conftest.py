"""What is built once for all tests of the component."""

import fcntl
import os
import shutil
import zipfile
from pathlib import Path

import pytest

from components.bundle import Bundle, Target
from components.bundle.target import running_python
from tests.components.own_code import OwnCode, write_own_code
from tests.loopback.guard import PACKAGE_INDEX

REPOSITORY = Path(__file__).resolve().parent.parent.parent
CACHE = REPOSITORY / ".cache" / "bundle"
"""As `make bundle` and a program in this repository have it: by content, so that a second run is fast."""
SHIPPED = Target(running_python(), "arm64")
"""What Lambda gets by default."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let every test here build bundles: to declare an endpoint is to build one, and its wheels are downloaded once."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(PACKAGE_INDEX)


@pytest.fixture(scope="session", autouse=True)
def bundles() -> None:
    """Build what nearly all tests here need: of several workers, one does it, and the others wait for it."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        CACHE.mkdir(parents=True, exist_ok=True)
        with CACHE.with_name("bundle.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            for target in (Target.host(), SHIPPED):
                Bundle(target, CACHE).build()


@pytest.fixture(scope="session")
def cache() -> Path:
    """The cache that builds in this repository share."""
    return CACHE


@pytest.fixture(scope="session")
def host_zip(cache: Path) -> Path:
    """The zip for this machine."""
    return Bundle(Target.host(), cache).build()


@pytest.fixture(scope="session")
def shipped_zip(cache: Path) -> Path:
    """The zip that Lambda gets by default."""
    return Bundle(SHIPPED, cache).build()


@pytest.fixture(scope="session")
def task_root(host_zip: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The zip for this machine, unpacked as Lambda does: with the modes of its files."""
    root = tmp_path_factory.mktemp("task")
    unpack(host_zip, root)
    return root


def unpack(archive: Path, root: Path) -> None:
    """Unpack with modes, which ``zipfile`` alone leaves out."""
    with zipfile.ZipFile(archive) as opened:
        for entry in opened.infolist():
            Path(opened.extract(entry, root)).chmod(entry.external_attr >> 16 & 0o777)


@pytest.fixture(scope="session")
def own_code(cache: Path) -> OwnCode:
    """Modules of a user's with a package of their own; at the same place in each run, so that it is collected once."""
    place = cache.parent / "own-code"
    shutil.rmtree(place, ignore_errors=True)
    return write_own_code(place)
