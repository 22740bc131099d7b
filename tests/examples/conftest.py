"""A server of the OpenAI protocol, in place of a model."""

from collections.abc import Iterator

import pytest

from tests.local.models.openai import OpenAi


@pytest.fixture
def openai() -> Iterator[OpenAi]:
    made = OpenAi()
    with made.server:
        yield made
    assert not made.server.mistakes
