"""A stream of the client, and a peer on a socket that sends the vectors."""

import asyncio
import socket
from copy import deepcopy
from typing import Any, assert_type

import pytest
from pydantic import BaseModel

from function.stream.errors import ModelBusy
from streaming_llm_client import (
    AsyncClient,
    Client,
    NotConnected,
    Partial,
    SchemaMismatch,
    Stream,
    StreamCut,
    StreamError,
    Timeout,
)
from tests.clients.python.conftest import VECTORS, Peer, response
from tests.clients.vectors.encoded import Writer
from tests.coroutines import run as run_coroutine
from tests.unserved import unserved_port

ANSWER = {"summary": "Pay per use.", "keywords": ["cost"]}


class Answer(BaseModel):
    summary: str
    keywords: list[str]


class Number(BaseModel):
    number: int


def outcome(stream: Stream[Any], error: StreamError | None, seen: list[Any]) -> dict[str, Any]:
    """Return what was seen of a stream as a vector has it."""
    if error is None:
        usage = stream.usage and stream.usage.model_dump(by_alias=True, exclude_none=True)
        members = {"value": stream.raw, "stopReason": stream.stop_reason, "usage": usage}
        return {"outcome": "complete", "partials": seen, "requestId": stream.request_id, **members}
    kind = "cut" if isinstance(error, StreamCut) else "failed"
    members = {"code": error.code, "status": error.status, "requestId": error.request_id}
    return {"outcome": kind, "partials": seen, **members}


def as_expected(name: str) -> dict[str, Any]:
    expected = VECTORS[name].expected
    names = ["outcome", "partials", "requestId"]
    names += ["value", "stopReason", "usage"] if expected["outcome"] == "complete" else ["code", "status"]
    return {each: expected.get(each) for each in names}


def test_every_vector_through_a_socket(peer: Peer) -> None:
    """With the framing of HTTP, and each way in which a connection ends."""
    with Client(peer.url, retries=0) as client:
        for name, vector in VECTORS.items():
            peer.responses.append(vector.response)
            seen: list[Any] = []
            error: StreamError | None = None
            with client.stream(prompt="Why?") as stream:
                try:
                    seen.extend(deepcopy(partial.value) for partial in stream)
                except StreamError as raised:
                    error = raised

                assert outcome(stream, error, seen) == as_expected(name), name


def test_every_vector_without_blocking(peer: Peer) -> None:
    async def main() -> None:
        async with AsyncClient(peer.url, retries=0) as client:
            for name, vector in VECTORS.items():
                peer.responses.append(vector.response)
                seen: list[Any] = []
                error: StreamError | None = None
                async with client.stream(prompt="Why?") as stream:
                    try:
                        async for partial in stream:
                            seen += [deepcopy(partial.value)]
                    except StreamError as raised:
                        error = raised

                    assert outcome(stream, error, seen) == as_expected(name), name  # type: ignore[arg-type]

    run_coroutine(main())


def test_partials_then_an_answer_of_the_class(peer: Peer) -> None:
    peer.responses.append(response("complete-jsonl"))
    with Client(peer.url) as client, client.stream(Answer, prompt="Why?") as stream:
        shown = [(now.get("/summary"), now.is_closed("/summary"), now.get("/keywords/0", "none")) for now in stream]
        answer = stream.final()

    assert_type(stream, Stream[Answer])
    assert_type(answer, Answer)
    assert shown == [("Pay per", False, "none"), ("Pay per use.", True, "cost"), ("Pay per use.", True, "cost")]
    assert answer == Answer(summary="Pay per use.", keywords=["cost"])
    assert stream.final() is answer
    assert stream.raw == ANSWER
    assert stream.usage is not None
    assert (stream.usage.input_tokens, stream.usage.output_tokens) == (12, 21)
    assert (stream.stop_reason, stream.request_id, stream.model) == ("end_turn", "c6af9ac6-7b61", "anthropic.claude")


def test_final_alone_reads_the_stream(peer: Peer) -> None:
    """Also where the loop has ended early, and without a class or a ``with``."""
    peer.responses += [response("complete-jsonl")] * 2
    with Client(peer.url) as client:
        begun = client.stream(Answer, prompt="Why?")
        first = next(iter(begun))

        assert first.value == {"summary": "Pay per"}
        assert begun.final() == Answer(**ANSWER)
        assert client.stream(prompt="Why?").final() == ANSWER


def test_without_blocking_final_alone_reads_the_stream(peer: Peer) -> None:
    async def main() -> Answer:
        async with AsyncClient(peer.url) as client, client.stream(Answer, prompt="Why?") as stream:
            async for partial in stream:
                assert isinstance(partial, Partial)
                break
            return await stream.final()

    peer.responses.append(response("complete-jsonl"))

    assert run_coroutine(main()) == Answer(**ANSWER)


def test_without_blocking_several_tasks_can_wait_for_the_answer(peer: Peer) -> None:
    """Also beside a loop; each gets the answer, or the failure."""

    async def asked(name: str) -> list[Any]:
        peer.responses.append(response(name))
        async with AsyncClient(peer.url) as client, client.stream(Answer, prompt="Why?") as stream:

            async def read() -> Answer:
                async for _ in stream:
                    pass
                return await stream.final()

            return list(await asyncio.gather(read(), stream.final(), stream.final(), return_exceptions=True))

    assert run_coroutine(asked("complete-jsonl")) == [Answer(**ANSWER)] * 3
    assert [error.code for error in run_coroutine(asked("error-answer_invalid"))] == ["answer_invalid"] * 3


def test_a_failure_is_raised_by_the_loop_and_by_every_final(peer: Peer) -> None:
    peer.responses.append(response("error-answer_invalid"))
    with Client(peer.url) as client, client.stream(Answer, prompt="Why?") as stream:
        with pytest.raises(StreamError) as raised:
            list(stream)
        for _ in range(2):
            with pytest.raises(StreamError) as again:
                stream.final()
            assert again.value is raised.value

    assert raised.value.partial == {"summary": "Pay per use.", "keywords": ["cost"]}
    assert raised.value.problem is not None
    assert raised.value.problem["path"] == "/keywords/3"
    assert str(raised.value) == "The model's answer breaks its schema. (answer_invalid)"


def test_a_stream_is_iterated_once(peer: Peer) -> None:
    peer.responses.append(response("complete-jsonl"))
    with Client(peer.url) as client, client.stream(prompt="Why?") as stream:
        list(stream)

        with pytest.raises(RuntimeError, match="only once"):
            iter(stream)


def test_an_answer_that_the_class_does_not_accept(peer: Peer) -> None:
    peer.responses.append(response("complete-jsonl"))
    with Client(peer.url) as client, client.stream(Number, prompt="Why?") as stream:
        with pytest.raises(SchemaMismatch) as raised:
            stream.final()

        assert (raised.value.code, raised.value.request_id) == ("schema_mismatch", "c6af9ac6-7b61")
        assert raised.value.issues == [("/number", "missing")]
        assert "Pay per use" not in str(raised.value)
        assert stream.raw == ANSWER


def test_leaving_the_block_closes_the_connection(peer: Peer) -> None:
    peer.hangs_after = 2
    peer.responses.append(response("complete-jsonl"))
    with Client(peer.url) as client:
        with client.stream(prompt="Why?") as stream:
            assert next(iter(stream)).value == {"summary": "Pay per"}
        peer.left.acquire()

        with pytest.raises(RuntimeError, match="closed before its answer was complete"):
            stream.final()


def test_the_connection_of_a_complete_answer_serves_the_next_request(peer: Peer) -> None:
    """The client reads the body to its end: whoever sends it sees no client that breaks off."""

    async def main() -> None:
        async with AsyncClient(peer.url) as client:
            for _ in range(2):
                await client.stream(prompt="Why?").final()

    peer.responses += [response("complete-jsonl")] * 4
    with Client(peer.url) as client:
        for _ in range(2):
            client.stream(prompt="Why?").final()
    run_coroutine(main())

    connections = [request.connection for request in peer.received]
    assert connections == [connections[0]] * 2 + [connections[2]] * 2


def test_a_task_that_is_cancelled_closes_the_connection(peer: Peer) -> None:
    """It is cancelled, and nothing else: no error of the client."""

    async def main() -> None:
        async with AsyncClient(peer.url) as client:
            stream = client.stream(prompt="Why?")
            begun = asyncio.Event()

            async def read() -> None:
                async for _ in stream:
                    begun.set()

            task = asyncio.create_task(read())
            await begun.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await asyncio.to_thread(peer.left.acquire)

    peer.hangs_after = 2
    peer.responses.append(response("complete-jsonl"))
    run_coroutine(main())


def test_a_url_that_is_none_is_one_sentence() -> None:
    with Client("example.com/v1/stream") as client, pytest.raises(NotConnected, match=r"'https://' protocol\.$"):
        client.stream(prompt="Why?").final()


def test_silence_in_a_response_is_a_cut(peer: Peer) -> None:
    """Heartbeats are none; before the response begins, the client is more patient."""
    peer.hangs_after = 2
    peer.responses.append(response("complete-jsonl"))
    impatient = Client(peer.url, timeout=Timeout(silence=0.05))
    with impatient as client, client.stream(prompt="Why?") as stream, pytest.raises(StreamCut) as raised:
        stream.final()

    assert (raised.value.code, raised.value.partial) == ("cut", {"summary": "Pay per"})
    assert "ReadTimeout" in repr(raised.value.__cause__)


def test_no_response_in_time_is_reported_as_such() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        with Client(url, timeout=Timeout(start=0.05)) as client, pytest.raises(NotConnected, match="no response"):
            client.stream(prompt="Why?").final()


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds between attempts, in place of the waits."""
    noted: list[float] = []

    async def sleep(seconds: float) -> None:
        noted.append(seconds)

    monkeypatch.setattr("streaming_llm_client.stream.time.sleep", noted.append)
    monkeypatch.setattr("streaming_llm_client.stream.asyncio.sleep", sleep)
    return noted


@pytest.mark.parametrize("name", ["problem-model_busy", "problem-model_unavailable", "gateway-THROTTLED"])
def test_what_reached_no_model_is_sent_again(peer: Peer, waits: list[float], name: str) -> None:
    peer.responses += [response(name), response(name), response("complete-jsonl")]
    with Client(peer.url) as client:
        assert client.stream(Answer, prompt="Why?").final() == Answer(**ANSWER)

    assert len(peer.received) == 3
    assert len(waits) == 2


def test_a_failure_before_anything_was_shown_is_sent_again_too(peer: Peer, waits: list[float]) -> None:
    """The response has begun, because the model was silent for long."""
    peer.responses += [Writer("application/jsonl").idle().fail(ModelBusy()).sent(), response("complete-jsonl")]
    with Client(peer.url) as client:
        assert client.stream(prompt="Why?").final() == ANSWER

    assert len(waits) == 1


def test_without_blocking_it_is_sent_again_too(peer: Peer, waits: list[float]) -> None:
    async def main() -> Any:
        async with AsyncClient(peer.url) as client:
            return await client.stream(prompt="Why?").final()

    peer.responses += [response("problem-model_busy"), response("complete-jsonl")]

    assert run_coroutine(main()) == ANSWER
    assert len(waits) == 1


def test_it_is_sent_three_times_at_most(peer: Peer, waits: list[float]) -> None:
    peer.responses += [response("problem-model_busy")] * 4
    with Client(peer.url) as client, pytest.raises(StreamError, match="model_busy"):
        client.stream(prompt="Why?").final()
    with Client(peer.url, retries=0) as client, pytest.raises(StreamError, match="model_busy"):
        client.stream(prompt="Why?").final()

    assert len(peer.received) == 4
    assert len(waits) == 2


@pytest.mark.parametrize(
    "name",
    [
        "problem-quota_exhausted",
        "problem-model_failed",
        "problem-model_timeout",
        "http-502-page",
        "http-503-retry-after",
        "gateway-INTEGRATION_TIMEOUT",
        "network",
        "ends-cut-after-start-jsonl",
        "error-model_busy",
    ],
)
def test_what_may_have_reached_a_model_is_not_sent_again(peer: Peer, waits: list[float], name: str) -> None:
    """Each request is a model call that is paid; of an answer that was shown, nothing can be taken back."""
    peer.responses.append(VECTORS[name].response)
    with Client(peer.url) as client, pytest.raises(StreamError) as raised:
        client.stream(prompt="Why?").final()

    assert raised.value.code == VECTORS[name].expected["code"]
    assert len(peer.received) == 1
    assert waits == []


def test_a_connection_that_was_never_made_is_tried_again(waits: list[float]) -> None:
    with unserved_port() as port, Client(f"http://127.0.0.1:{port}/") as client, pytest.raises(NotConnected) as raised:
        client.stream(prompt="Why?").final()

    assert raised.value.code == "network"
    assert len(waits) == 2
