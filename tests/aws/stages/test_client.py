import logging
import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Thread
from typing import TYPE_CHECKING

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ReadTimeoutError

from function.aws.stages.client import NoTimeLeft, TimedClient
from function.aws.stages.publish import publish_stage
from function.aws.stages.store import store_stage
from function.contract import Destination
from function.stream.stages import finalise
from local.http11.server import Exchange, Server
from tests.aws.stages.records import Written, record

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

JSON = [("Content-Type", "application/x-amz-json-1.0")]


class Made:
    """The configurations that clients were made with."""

    def __init__(self) -> None:
        self.timeout: list[float] = []
        self.client = TimedClient(self._make)

    def _make(self, session: boto3.Session, config: Config) -> "DynamoDBClient":
        self.timeout.append(round(config.connect_timeout + config.read_timeout, 3))  # type: ignore[attr-defined]
        return session.client("dynamodb", config=config)

    def begin(self, seconds_left: float) -> None:
        with self.client.call(record(time_limit=seconds_left, elapsed=lambda: 0)):
            pass


@pytest.mark.parametrize(
    ("seconds_left", "timeout"), [(100.0, []), (6.0, []), (5.9, [2.95]), (2.0, [1.0]), (0.2, [0.1])]
)
@pytest.mark.usefixtures("aws")
def test_a_call_takes_at_most_half_of_what_is_left(seconds_left: float, timeout: list[float]) -> None:
    """The one client of the sandbox serves while there is time enough."""
    made = Made()
    made.begin(seconds_left)

    assert made.timeout == [3.0, *timeout]


@pytest.mark.usefixtures("aws")
def test_no_call_is_begun_just_before_the_kill() -> None:
    with pytest.raises(NoTimeLeft):
        Made().begin(0.19)


class Silent:
    """A scripted clock, and a peer that hangs: each call takes as long as its timeout lets it, and nothing is sent."""

    def __init__(self) -> None:
        self.spent = 0.0
        self.calls: list[float] = []

    def make(self, session: boto3.Session, config: Config) -> "DynamoDBClient":
        client = session.client("dynamodb", config=config)
        timeout: float = config.connect_timeout + config.read_timeout  # type: ignore[attr-defined]

        def hang(**_: object) -> None:
            self.calls.append(timeout)
            self.spent += timeout
            raise ReadTimeoutError(endpoint_url="scripted")

        client.meta.events.register("before-call.dynamodb", hang)
        return client


@pytest.mark.usefixtures("aws")
def test_stages_that_hang_one_after_the_other_end_before_the_kill() -> None:
    """The margin of a function of ten seconds: two."""
    peer = Silent()
    made = record(time_limit=2.0, elapsed=lambda: round(peer.spent * 1000))
    for _ in range(2):
        with pytest.raises(ReadTimeoutError), TimedClient(peer.make).call(made) as client:
            client.list_tables()

    assert peer.calls == pytest.approx([1.0, 0.5])
    assert peer.spent < 2


@pytest.mark.usefixtures("aws")
def test_the_timeouts_end_calls_that_hang(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """The kernel accepts the connections, and nobody answers; the wait for the end is a bound, not a measurement."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{silent.getsockname()[1]}")
        stages = [
            store_stage(Destination("dynamodb", "records"), Written().logger),
            publish_stage(Destination("eventbridge", "bus"), frozenset({"completed"}), Written().logger),
        ]
        made = record(time_limit=2.0, elapsed=lambda: 1000)
        hanging = Thread(target=finalise, args=(stages, made), daemon=True)
        with caplog.at_level(logging.ERROR):
            hanging.start()
            hanging.join(60)

    assert not hanging.is_alive()
    assert len(caplog.messages) == len(stages)
    assert all(message.endswith("failed: ReadTimeoutError") for message in caplog.messages)


@contextmanager
def forgetful() -> Iterator[str]:
    """Yield the URL of a peer that answers the first request of a connection, and resets it at the second.

    So does a network that forgot the connection while the sandbox was frozen.
    """
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = Thread(target=_serve, args=(server,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)
        thread.join()


def _serve(server: socket.socket) -> None:
    while True:
        try:
            connection, _ = server.accept()
        except OSError:
            return
        with connection:
            connection.recv(65_536)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
            if connection.recv(65_536):
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


@pytest.mark.usefixtures("aws")
def test_a_connection_that_died_in_a_frozen_sandbox_loses_no_record(monkeypatch: pytest.MonkeyPatch) -> None:
    with forgetful() as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", url)
        stage = store_stage(Destination("dynamodb", "records"), Written().logger)
        for _ in range(3):
            stage(record())


@pytest.mark.usefixtures("aws")
def test_a_refusal_is_logged_by_its_code_without_its_words(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The service's words may quote the item."""

    def refuse(exchange: Exchange) -> None:
        exchange.read_body(1_000_000)
        exchange.send(400, JSON, b'{"__type": "AccessDeniedException", "message": "canary"}')

    def refuse_entry(exchange: Exchange) -> None:
        exchange.read_body(1_000_000)
        exchange.send(
            200, JSON, b'{"FailedEntryCount": 1, "Entries": [{"ErrorCode": "Full", "ErrorMessage": "canary"}]}'
        )

    with Server(refuse) as store, Server(refuse_entry) as bus, caplog.at_level(logging.ERROR):
        monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", store.url)
        monkeypatch.setenv("AWS_ENDPOINT_URL_EVENTBRIDGE", bus.url)
        outcomes = frozenset({"completed"})
        stages: list[Callable[..., None]] = [
            store_stage(Destination("dynamodb", "records"), Written().logger),
            publish_stage(Destination("eventbridge", "bus"), outcomes, Written().logger),
        ]
        finalise(stages, record())

    assert "failed: CallRefused: AccessDeniedException" in caplog.text
    assert "failed: PublishFailed: Full" in caplog.text
    assert "canary" not in caplog.text
