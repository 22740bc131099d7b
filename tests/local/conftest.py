"""A server of the test's own in place of a model, for the commands of the local stack."""

import re
from collections.abc import Iterator

import pytest

from tests.local.models.openai import ANSWER, OpenAi, delta


@pytest.fixture
def openai() -> Iterator[OpenAi]:
    """A server that streams ``ANSWER`` in small pieces until the test makes it say something else."""
    made = OpenAi()
    made.say(*map(delta, re.findall("....?", ANSWER)), delta(None, "stop"))
    with made.server:
        yield made
