"""Fixtures for all tests: the scripted stand-in for Bedrock, and the whole chain with real processes."""

import gc
import os
import re
import shutil
import signal
from collections import Counter
from collections.abc import Generator, Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest
from botocore.loaders import JSONFileLoader, Loader
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

from local.bedrock.server import Bedrock
from local.twin import Twin
from tests.local.models.openai import ANSWER, OpenAi, delta
from tests.loopback.guard import INSTALLER_ALLOWED, PACKAGE_INDEX

TESTS: Final = Path(__file__).parent
SLOW: Final = (
    "aws/runtime/test_api.py",
    "aws/runtime/test_loading.py",
    "aws/runtime/test_loop.py",
    "aws/test_logs.py",
    "aws/test_second_host.py",
    "aws/test_uncaught.py",
    "clients/python/test_mutants.py",
    "clients/python/test_package.py",
    "components",  # to declare an endpoint is to build its bundle
    "docs/test_clients.py",
    "docs/test_examples.py",
    "examples",
    "local/models/test_download.py",
    "local/test_agreement.py",
    "local/test_demo.py",
    "local/test_launch.py",
    "local/test_resources.py",
    "local/test_serve.py",
    "openapi/test_main.py",
    "partials/test_promises.py",
    "scripts",
    "test_makefile.py",
    "test_stack.py",
    "verify/checks",
    "verify/test_cli.py",
    "verify/test_report.py",
    "wire/test_callers.py",
    "wire/test_conversations.py",
    "wire/test_endings.py",
    "wire/test_fallback.py",
    "wire/test_misbehaviour.py",
    "wire/test_own_code.py",
    "wire/test_own_log_lines.py",
    "wire/test_own_stages.py",
    "wire/test_prepare.py",
    "wire/test_promises.py",
    "wire/test_python_client.py",
    "wire/test_recorded.py",
    "wire/test_routes.py",
    "wire/test_sandboxes.py",
    "wire/test_sinks.py",
    "wire/test_thinking.py",
    "wire/test_user_code.py",
)
"""What ``make test-fast`` leaves out, beside tests that are marked ``slow`` where they stand: minutes altogether.

Nearly all of them start processes.
"""
SLOW_PLACES: Final = frozenset(TESTS / name for name in SLOW)

NOBODY: Final = -1
"""The file descriptor that Python writes to when a signal comes, if no program has set one."""

PARTED: Final = "tests/partials/test_promises.py"
"""The file whose tests share nothing, and take so long that one worker alone would be busy after the others."""


class Scheduling(LoadFileScheduling):  # type: ignore[misc]  # xdist has no types
    """Gives each file to one worker, in the order of the collection."""

    def __init__(self, config: pytest.Config, log: Producer) -> None:
        config.option.loadscopereorder = False
        super().__init__(config, log)

    def _split_scope(self, nodeid: str) -> str:
        file: str = super()._split_scope(nodeid)
        return nodeid if file == PARTED else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Scheduling:
    """Distribute the tests so that no worker is left with a long file at the end."""
    return Scheduling(config, log)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Use one worker more than there are processors, because each worker waits for a sixth of its time."""
    return len(os.sched_getaffinity(0)) + 1


_load_file: Final = JSONFileLoader.load_file
_list_services: Final = Loader.list_available_services


@cache
def _parsed(path: str) -> Any:
    return _load_file(JSONFileLoader(), path)


def _load_once(_: JSONFileLoader, path: str) -> Any:
    """Load a file of botocore's data once: the tests make hundreds of sessions, and each would parse it anew."""
    return _parsed(path)


@cache
def _services(folders: tuple[str, ...], type_name: str) -> list[str]:
    return _list_services(Loader(extra_search_paths=folders, include_default_search_paths=False), type_name)


def _list_once(self: Loader, type_name: str) -> list[str]:
    """Look into the folders of all services once."""
    return _services(tuple(self.search_paths), type_name)


# Nothing else is shared by all sessions.
JSONFileLoader.load_file = _load_once  # type: ignore[assignment]
Loader.list_available_services = _list_once  # type: ignore[method-assign]


def pytest_configure(config: pytest.Config) -> None:
    """Declare the markers; a name in ``SLOW`` that is nowhere is an error: its tests have moved."""
    config.addinivalue_line("markers", "slow: takes more than a second or two; make test-fast leaves it out")
    config.addinivalue_line("markers", f"{PACKAGE_INDEX}: installs packages; pip can reach the package index")
    missing = sorted(str(place) for place in SLOW_PLACES if not place.exists())
    if missing:
        raise pytest.UsageError(f"tests/conftest.py: SLOW names files that are not there: {', '.join(missing)}.")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Collect no garbage while the tests are collected, and never go through them later: nothing of them is freed."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Do not import the files in ``SLOW`` if none of their tests will run: each worker would import all of them."""
    return True if config.option.markexpr == "not slow" and _is_slow(collection_path) else None


def _is_slow(file: Path) -> bool:
    return not SLOW_PLACES.isdisjoint((file, *file.parents))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what ``SLOW`` names and run it first, then the files with most tests, so that short ones come last."""
    tests = Counter(item.path for item in items)
    slow = {path for path in tests if _is_slow(path)}
    for item in items:
        if item.path in slow:
            item.add_marker(pytest.mark.slow)
    items.sort(key=lambda item: (item.path not in slow, -tests[item.path], item.path))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Let pip reach the package index during a test with the marker, and while its fixtures are made."""
    with pytest.MonkeyPatch.context() as patch:
        if item.get_closest_marker(PACKAGE_INDEX):
            patch.setenv(INSTALLER_ALLOWED, "1")
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, object, object]:
    """Fail a test that leaves a program's handlers of signals behind: a later test's signal would end this process."""
    done = yield
    if signal.set_wakeup_fd(-1) != NOBODY:
        pytest.fail(f"{item.nodeid} has run a program's handlers of signals in this process: give it one of its own.")
    return done


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the figures that tests have recorded, such as the size of a package."""
    for report in terminalreporter.getreports("passed"):
        for name, value in report.user_properties:
            terminalreporter.write_line(f"{name}: {value}")


@pytest.fixture(scope="session")
def curl() -> str:
    """The program of the commands in the documentation."""
    return _installed("curl")


@pytest.fixture(scope="session")
def wget() -> str:
    """A program of which the documentation says what it does by itself."""
    return _installed("wget")


def _installed(name: str) -> str:
    """Return the path of a program. Without it the test is skipped, but fails where a change is judged (``CI``)."""
    path = shutil.which(name)
    if path is None:
        missing = f"{name} is not installed, and this test needs it. On Debian and Ubuntu: apt install {name}"
        if "CI" in os.environ:
            pytest.fail(missing)
        pytest.skip(missing)
    return path


@pytest.fixture
def bedrock() -> Iterator[Bedrock]:
    """A stand-in for Bedrock: tell it what to say with ``play``, hold it with ``Hold`` and ``release``."""
    with Bedrock() as stand_in:
        yield stand_in
    assert not stand_in.mistakes


@pytest.fixture
def openai() -> Iterator[OpenAi]:
    """A server of the OpenAI protocol, in place of a model: it streams ``ANSWER`` until ``say`` tells it another."""
    made = OpenAi()
    made.say(*map(delta, re.findall("....?", ANSWER)), delta(None, "stop"))
    with made.server:
        yield made
    assert not made.server.mistakes


@pytest.fixture
def twin(bedrock: Bedrock) -> Iterator[Twin]:
    """The endpoint on this machine, with ``bedrock`` behind it. Sandboxes start with the first request."""
    with Twin(bedrock) as whole:
        yield whole
    assert not whole.gateway.mistakes
    assert not whole.function.processes
