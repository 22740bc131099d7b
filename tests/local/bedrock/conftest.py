"""Unmodified boto3 as a client of the local Bedrock."""

from collections.abc import Iterator

import pytest

from local.bedrock.server import Bedrock
from tests.local.bedrock.asking import Ask, asking


@pytest.fixture
def ask(bedrock: Bedrock) -> Iterator[Ask]:
    """Converse through a client that tries once; the streams are closed at the end."""
    with asking(bedrock) as converse:
        yield converse
