"""The whole chain in real processes: started once, warm for every test."""

from collections.abc import Iterator

import pytest

from tests.wire.chain import Chain
from tests.wire.endings_table import CANARY, PROMPT

CONTENT = (CANARY, PROMPT, "Grüße", "Gr\\u00fc\\u00dfe")
"""Words of prompts and answers."""


@pytest.fixture(scope="session")
def warm_chain() -> Iterator[Chain]:
    chain = Chain()
    yield chain
    chain.close()


@pytest.fixture
def chain(warm_chain: Chain) -> Iterator[Chain]:
    """The chain as it is by default: what a test changes of it is undone, and content is nowhere unless captured."""
    kept = [(twin.gateway, dict(vars(twin.gateway))) for twin in warm_chain.twins]
    before = len(warm_chain.journal.moments())
    yield warm_chain
    if not warm_chain.captures_content:
        moments = warm_chain.journal.moments()[before:]
        written = [moment.about for moment in moments if moment.what == "output"]
        assert not [line for line in written if any(word in line for word in CONTENT)]
    for gateway, state in kept:
        vars(gateway).update(state | {"function": gateway.function, "integration_timeout": gateway.integration_timeout})
    warm_chain.bedrock.refuses_output_config = ()
    warm_chain.reset()
