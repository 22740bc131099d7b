"""The endpoint that the checks are run against."""

from collections.abc import Iterator

import pytest

from local.bedrock.server import Bedrock
from local.twin import Twin
from tests.verify.shared import ORIGIN, QUICK


@pytest.fixture(scope="session")
def shared_endpoint() -> Iterator[Twin]:
    """The local stack with one allowed origin; its sandbox is started once."""
    with Bedrock() as bedrock, Twin(bedrock) as twin:
        twin.deploy({"LLM_ALLOWED_ORIGINS": ORIGIN})
        yield twin
        assert not bedrock.mistakes
        assert not twin.gateway.mistakes


@pytest.fixture
def endpoint(shared_endpoint: Twin) -> Iterator[Twin]:
    """The local stack with a quick answer; what a test changes is undone."""
    assert shared_endpoint.bedrock
    shared_endpoint.bedrock.play(QUICK)
    yield shared_endpoint
    shared_endpoint.gateway.hold_back = 0
    if shared_endpoint.function.deployment.environment.get("LLM_START_PADDING"):
        shared_endpoint.deploy({"LLM_START_PADDING": None})
