"""Fixtures for every room: the scripted stand-in for Bedrock, and the whole chain with real processes."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from local.bedrock.server import Bedrock
from local.twin import Twin
from tests.loopback.guard import INSTALLER_ALLOWED

TESTS: Final = Path(__file__).parent
SLOW: Final = (
    "components",  # to declare an endpoint is to build its bundle
    "docs/test_examples.py",
    "local/test_demo.py",
    "local/test_resources.py",
    "local/test_serve.py",
    "partials/test_promises.py",
    "scripts",
    "test_makefile.py",
    "test_stack.py",
    "verify/checks",
    "verify/test_cli.py",
    "verify/test_report.py",
    "wire/test_endings.py",
    "wire/test_promises.py",
    "wire/test_sandboxes.py",
    "wire/test_sinks.py",
)
"""What ``make test-fast`` leaves out, beside tests that are marked ``slow`` where they stand: minutes altogether."""


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker; a name in ``SLOW`` that is nowhere is an error: its tests have moved."""
    config.addinivalue_line("markers", "slow: takes more than a second or two; make test-fast leaves it out")
    missing = [name for name in SLOW if not (TESTS / name).exists()]
    if missing:
        raise pytest.UsageError(f"tests/conftest.py: SLOW names files that are not there: {', '.join(missing)}.")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what ``SLOW`` names."""
    places = tuple(TESTS / name for name in SLOW)
    for item in items:
        if any(place in (item.path, *item.path.parents) for place in places):
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def package_index() -> Iterator[None]:
    """Let pip reach the package index: nothing else that the tests start may leave this machine."""
    os.environ[INSTALLER_ALLOWED] = "1"
    yield
    del os.environ[INSTALLER_ALLOWED]


@pytest.fixture
def bedrock() -> Iterator[Bedrock]:
    """A stand-in for Bedrock: tell it what to say with ``play``, hold it with ``Hold`` and ``release``."""
    with Bedrock() as stand_in:
        yield stand_in
    assert not stand_in.mistakes


@pytest.fixture
def twin(bedrock: Bedrock) -> Iterator[Twin]:
    """The endpoint on this machine, with ``bedrock`` behind it. Sandboxes start with the first request."""
    with Twin(bedrock) as whole:
        yield whole
    assert not whole.gateway.mistakes
    assert not whole.function.processes
