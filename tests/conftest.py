"""Fixtures for every room: the scripted stand-in for Bedrock, and the whole chain with real processes."""

import os
from collections.abc import Iterator

import pytest

from local.bedrock.server import Bedrock
from local.twin import Twin
from tests.loopback.guard import INSTALLER_ALLOWED


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
