import json
from collections.abc import Sequence

import pytest

from local.bedrock.script import Hold
from local.client import Transport
from local.http11.server import Exchange, Server
from local.twin import Twin
from tests.verify.shared import CHECK, QUICK, bedrock_of, play, slowly
from tests.verify.spoilt import Passing, cut, proxy
from verify.arrivals import Arrival
from verify.checks.pace import describe_pace
from verify.checks.run import LONG_REQUEST, Failed, Run, Skipped, Undecided
from verify.endpoint import RemoteEndpoint, Request


def test_an_answer_that_is_sent_quickly_is_not_judged() -> None:
    with pytest.raises(Undecided, match="too quickly to see a delay"):
        describe_pace([Arrival(0, 50, 10), Arrival(199, 50, 10)])


def test_a_buffered_start_is_found_and_the_recommended_padding_prevents_it(endpoint: Twin) -> None:
    """With that padding the client has the first words before the model writes more."""
    play(endpoint, slowly(1.2))
    endpoint.gateway.hold_back = 1000
    run = Run(RemoteEndpoint(endpoint.url))
    with pytest.raises(Failed, match=r"Set startPadding to (\d+): ") as failed:
        CHECK["streams without delay"](run)
    padding_size = int(str(failed.value).partition("set startPadding ")[2].split(",")[0])
    assert padding_size >= 1000
    assert len(failed.value.timeline) > 3

    endpoint.deploy({"LLM_START_PADDING": str(padding_size)})
    play(endpoint, [*QUICK[:1], Hold("until the client has it"), *QUICK[1:]])
    padding, events = (
        RemoteEndpoint(endpoint.url)
        .send(Request(LONG_REQUEST, {"Accept": "application/jsonl"}), disconnect_after=2)
        .pieces
    )
    bedrock_of(endpoint).release("until the client has it")
    assert padding.data == b"\n" * padding_size
    assert events.data.startswith(b'{"type":"start"')


def check_pace(*received: Sequence[float], padding: int = 0, apart: Sequence[int] = (300, 300)) -> str:
    """Check answers whose events, sent so many ms apart, arrive at these seconds of a scripted clock."""
    distances = iter(apart)

    def respond(exchange: Exchange) -> None:
        exchange.read_body(1000)
        exchange.start(200, [("Content-Type", "application/jsonl")])
        distance = next(distances)
        for number in range(len(received[0])):
            event = json.dumps({"type": "delta", "at": distance * number}).ljust(99) + "\n"
            exchange.chunk((b"" if number else b"\n" * padding) + event.encode())
        exchange.end()

    times = (moment for answer in received for moment in (0.0, *answer))
    with Server(respond) as server:
        return CHECK["streams without delay"](
            Run(RemoteEndpoint(server.url, transport=Transport(clock=lambda: next(times))))
        )


UNDELAYED = [0.1 + 0.3 * number for number in range(8)]


BUFFERED = [UNDELAYED[3]] * 3 + UNDELAYED[3:]


BLOCKS = [0.7, 0.7, 0.7, 1.6, 1.6, 1.6, 2.2, 2.2]


def test_a_delayed_answer_is_requested_again() -> None:
    """One answer is delayed, the next is not: a coincidence, not the account."""
    assert check_pace(BUFFERED, UNDELAYED).endswith(
        "none more than 0 ms late; an earlier answer was delayed, this one was not"
    )


def test_a_second_answer_that_is_sent_too_quickly_does_not_count() -> None:
    with pytest.raises(Failed, match="the first 4 events were buffered"):
        check_pace(BUFFERED, UNDELAYED, apart=(300, 0))


def test_a_response_that_was_cut_has_no_pace(endpoint: Twin) -> None:
    """It fails where its format is checked, and not a second time."""
    with proxy(endpoint, cut) as server, pytest.raises(Skipped, match="the response was cut"):
        CHECK["streams without delay"](Run(RemoteEndpoint(server.url + "/v1/stream")))


def test_the_recommended_padding_includes_the_one_that_is_set() -> None:
    """It is the whole value for startPadding, not what must be added."""
    with pytest.raises(Failed, match=r"the first 4 events were buffered for up to 900 ms .* set startPadding 900, "):
        check_pace(BUFFERED, BUFFERED, padding=500)


def test_padding_is_not_recommended_if_the_whole_stream_is_buffered_in_blocks() -> None:
    with pytest.raises(Failed, match=r"in 3 blocks of up to 300 bytes, up to 600 ms late\. .* does not help"):
        check_pace(BLOCKS, BLOCKS)


def gathered(passing: Passing) -> None:
    """Send the whole body at once."""
    passing.chunks = [b"".join(passing.chunks)]


def test_a_server_that_buffers_whole_responses_is_found(endpoint: Twin) -> None:
    play(endpoint, slowly(0.3))
    with (
        proxy(endpoint, gathered) as server,
        pytest.raises(Failed, match="something on the way buffers the whole response"),
    ):
        CHECK["streams without delay"](Run(RemoteEndpoint(server.url + "/v1/stream")))
