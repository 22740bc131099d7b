"""The whole chain in real processes: started once, warm for every test."""

from collections.abc import Iterator

import pytest

from tests.wire.chain import Chain


@pytest.fixture(scope="session")
def warm_chain() -> Iterator[Chain]:
    chain = Chain()
    yield chain
    chain.close()


@pytest.fixture
def chain(warm_chain: Chain) -> Iterator[Chain]:
    """The chain as it is by default: what a test changes of it is undone."""
    gateway = warm_chain.twin.gateway
    kept = dict(vars(gateway))
    yield warm_chain
    vars(gateway).update(kept | {"function": gateway.function, "integration_timeout": gateway.integration_timeout})
    warm_chain.bedrock.refuses_output_config = ()
    warm_chain.deploy()
