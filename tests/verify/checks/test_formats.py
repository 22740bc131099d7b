from contextlib import nullcontext

import pytest

from function.contract import DEFAULT_MODEL
from local.client import Transport
from local.http11.server import Exchange, Server
from local.twin import Twin
from tests.verify.shared import CHECK
from verify.checks.run import Failed, Run
from verify.endpoint import RemoteEndpoint


@pytest.mark.parametrize(("first_event_ms", "is_buffered"), [(None, False), (900.0, False), (100.0, True)])
def test_raw_text_that_arrives_at_once_is_compared_with_typed_answers(
    first_event_ms: float | None, *, is_buffered: bool
) -> None:
    """It has no times of its own: if typed answers begin long before it arrives, it was buffered."""

    def respond(exchange: Exchange) -> None:
        exchange.read_body(1000)
        fields = [("Content-Type", "text/plain; charset=utf-8"), ("Cache-Control", "no-transform")]
        exchange.start(200, fields)
        exchange.chunk(b"{}")
        exchange.end()

    times = iter([0.0, 1.0])
    with Server(respond) as server:
        run = Run(
            RemoteEndpoint(server.url, transport=Transport(clock=lambda: next(times))), first_event_ms=first_event_ms
        )
        with pytest.raises(Failed, match="2 bytes arrived at once after 1000 ms") if is_buffered else nullcontext():
            CHECK["raw text"](run)


def test_the_model_that_answered_is_named(endpoint: Twin) -> None:
    assert f", complete by {DEFAULT_MODEL}, " in str(CHECK["JSON Lines"](Run(RemoteEndpoint(endpoint.url))))
