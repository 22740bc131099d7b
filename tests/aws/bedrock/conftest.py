"""The way to the stand-in for Bedrock."""

from collections.abc import Iterator

import pytest
from botocore.retries.standard import ExponentialBackoff

from local.bedrock.server import Bedrock
from tests.aws.bedrock.models import close_models


@pytest.fixture(autouse=True)
def environment(bedrock: Bedrock, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What Lambda sets, and the way to the stand-in. The SDK makes no random pause before it repeats a call."""
    monkeypatch.setattr(ExponentialBackoff, "delay_amount", lambda *_: 0)
    monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", bedrock.url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.delenv("AWS_BEARER_TOKEN_BEDROCK", raising=False)
    yield
    close_models()
