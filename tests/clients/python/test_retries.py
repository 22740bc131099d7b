import random

import httpx
import pytest

from streaming_llm_client.errors import NotConnected, Unavailable
from streaming_llm_client.retries import retry_delay


def test_the_wait_is_of_chance_and_doubles(monkeypatch: pytest.MonkeyPatch) -> None:
    """Callers that were refused together do not come back together."""
    busy = Unavailable("model_busy", "")
    assert 0 <= (retry_delay(busy, 0) or 0) < 5
    monkeypatch.setattr(random, "random", lambda: 0.5)

    assert [retry_delay(busy, attempt) for attempt in range(3)] == [2.5, 5.0, 10.0]


def test_the_servers_seconds_come_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(random, "random", lambda: 0.5)

    assert retry_delay(Unavailable("model_busy", "", retry_after=20), 0) == 22.5
    assert retry_delay(Unavailable("model_busy", "", retry_after=28), 0) is None


@pytest.mark.parametrize("code", ["quota_exhausted", "QUOTA_EXCEEDED", "model_failed", "http_502", "cut", "network"])
def test_other_failures_are_not_repeated(code: str) -> None:
    assert retry_delay(Unavailable(code, "", retry_after=1), 0) is None


def test_only_a_connection_that_was_never_made_is_repeated() -> None:
    for cause, is_repeated in (
        (httpx.ConnectError("refused"), True),
        (httpx.ConnectTimeout("slow"), True),
        (httpx.ReadTimeout("silent"), False),
        (httpx.RemoteProtocolError("gone"), False),
        (httpx.WriteError("broken"), False),
    ):
        error = NotConnected("network", "")
        error.__cause__ = cause
        assert (retry_delay(error, 0) is not None) is is_repeated
