"""Fixtures for every room: the scripted stand-in for Bedrock, and the whole chain with real processes."""

from collections.abc import Iterator

import pytest

from local.bedrock.server import Bedrock
from local.twin import Twin


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
