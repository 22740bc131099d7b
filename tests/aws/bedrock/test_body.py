"""What a service sends in any pieces is read as it comes, and what is still missing of it holds nothing up."""

import os
import signal
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext, suppress
from itertools import groupby, pairwise
from math import inf
from pathlib import Path
from typing import Final, TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from urllib3.exceptions import ProtocolError

from function.aws.bedrock.body import LINE_LIMIT, Chunks
from function.aws.bedrock.call import BedrockModel
from function.stream.errors import DeadlineReached, ModelFailed
from function.stream.events import Delta, Idle, PacedEvent, Pause, Stop, Usage, Verdict
from function.stream.interruption import without_signals
from function.stream.pacing import Pace, SystemClock, Thoughts, paced
from local.bedrock.event_stream import event
from tests.aws.bedrock.models import ask, model
from tests.certificates import self_signed
from tests.stream.test_pacing import only_one

T = TypeVar("T")

HEAD: Final = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/vnd.amazon.eventstream\r\nTransfer-Encoding: chunked\r\n\r\n"
)
END: Final = [Stop("end_turn", Verdict.GOOD), Usage(1, 2)]
PATIENCE: Final = 20.0
"""Seconds after which a peer that waits for something has failed."""


def chunk(content: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(content), content)


def delta(text: str) -> bytes:
    """Return a chunk with the frame of a delta."""
    return chunk(event("contentBlockDelta", {"delta": {"text": text}, "contentBlockIndex": 0}))


LAST: Final = (
    chunk(event("messageStop", {"stopReason": "end_turn"}))
    + chunk(event("metadata", {"usage": {"inputTokens": 1, "outputTokens": 2, "totalTokens": 3}}))
    + b"0\r\n\r\n"
)


class Peer:
    """The service's side of one connection, with TLS or without. It decides which bytes travel together."""

    def __init__(self, accepted: socket.socket, tls: ssl.SSLContext | None) -> None:
        accepted.settimeout(PATIENCE)
        self._socket = accepted
        self._from_client, self._to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = tls.wrap_bio(self._from_client, self._to_client, server_side=True) if tls else None
        if self._tls is not None:
            self._with_more(self._tls.do_handshake)

    def wire(self, data: bytes) -> bytes:
        """Return what travels for ``data``: with TLS, one record."""
        if self._tls is None:
            return data
        self._tls.write(data)
        return self._to_client.read()

    def send(self, data: bytes) -> None:
        """Send bytes in one segment."""
        self.send_wire(self.wire(data))

    def send_wire(self, data: bytes) -> None:
        """Send what travels, or a part of it."""
        self._socket.sendall(data)

    def await_request(self) -> None:
        """Read a request to its end."""
        received = b""
        while not received.endswith(b"}") or b"\r\n\r\n" not in received:
            received += self._receive()

    def await_end(self) -> None:
        """Wait until the client closes the connection."""
        with suppress(ConnectionResetError, ssl.SSLError):
            while self._socket.recv(65536):
                pass

    def reset(self) -> None:
        """End the connection as a broken one ends."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._socket.close()

    def _receive(self) -> bytes:
        if self._tls is None:
            return self._socket.recv(65536)
        tls = self._tls
        return self._with_more(lambda: tls.read(65536))

    def _with_more(self, act: Callable[[], T]) -> T:
        """Call ``act`` until it needs no more bytes of the client."""
        while True:
            try:
                done = act()
            except ssl.SSLWantReadError:
                self._socket.sendall(self._to_client.read())
                self._from_client.write(self._socket.recv(65536))
            else:
                self._socket.sendall(self._to_client.read())
                return done


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and a certificate for 127.0.0.1 that it signed itself."""
    return self_signed(tmp_path_factory.mktemp("tls"))


Serve = Callable[[Callable[[Peer], None]], AbstractContextManager[None]]


@pytest.fixture(params=["plain", "TLS"])
def served(request: pytest.FixtureRequest, certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Serve:
    """What plays the service: it accepts a single connection, and serves it in a thread."""
    tls = None
    if request.param == "TLS":
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(certificate)
    monkeypatch.setenv("AWS_CA_BUNDLE", str(certificate))

    @contextmanager
    def serving(serve: Callable[[Peer], None]) -> Iterator[None]:
        with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor() as threads:
            url = f"{'https' if tls else 'http'}://127.0.0.1:{listener.getsockname()[1]}"
            monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", url)

            def accept() -> None:
                with listener.accept()[0] as accepted:
                    serve(Peer(accepted, tls))

            with without_signals():
                served = threads.submit(accept)
            yield
            served.result(PATIENCE)

    return serving


class Jumping(SystemClock):
    """A clock that can be put forward."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def now(self) -> float:
        return super().now() + self.ahead


class Standing(Jumping):
    """A clock on which nothing takes time."""

    def now(self) -> float:
        return self.ahead


def calling(
    asked: BedrockModel | None = None, *, heartbeat: float = 1000, clock: Jumping | None = None
) -> Generator[PacedEvent, None, None]:
    """Return the events of a call. The deadline is 500 seconds away."""
    clock = clock or Jumping()
    call = ask(asked or model())
    pace = Pace(heartbeat, inf, clock.now() + 500)
    return paced(lambda: call, only_one(clock), pace, clock, Thoughts(are_seen=True))


def without_pauses(events: Iterable[PacedEvent]) -> list[PacedEvent]:
    return [event for event in events if event not in (Pause(), Idle())]


def together(events: Iterable[PacedEvent]) -> list[int]:
    """Return how many deltas come without a pause between them, each time."""
    kinds = groupby(type(event) for event in events)
    return [len(list(group)) for kind, group in kinds if kind is Delta]


def no_thread_reads() -> bool:
    """Return whether the thread that has called the model is at its end."""
    for thread in threading.enumerate():
        if thread.name == "model-reader":
            thread.join(PATIENCE)
    return all(thread.name != "model-reader" for thread in threading.enumerate())


def test_what_came_together_is_read_before_anything_is_waited_for(served: Serve) -> None:
    """Eight events and a half come in one segment, or in one TLS record, and then nothing for a while."""
    taken = [threading.Event() for _ in range(3)]
    deltas = [delta(f"{number} ") for number in range(26)]

    def serve(peer: Peer) -> None:
        peer.await_request()
        half = HEAD
        for number, gate in enumerate(taken):
            whole = deltas[number * 9 : number * 9 + 8]
            cut = deltas[number * 9 + 8] if number < 2 else b""
            peer.send(half + b"".join(whole) + cut[:50])
            half = cut[50:]
            assert gate.wait(PATIENCE)
        peer.send(LAST)

    with served(serve):
        seen = list[PacedEvent]()
        for event in calling(clock=Standing()):
            seen.append(event)
            if isinstance(event, Delta) and (count := sum(isinstance(each, Delta) for each in seen)) in {8, 17, 26}:
                taken[(count - 8) // 9].set()

    assert without_pauses(seen) == [*(Delta(f"{number} ") for number in range(26)), *END]
    assert together(seen) == [1, 7, 9, 9]  # the thread that has called reads the first one


def cuts(frame: bytes) -> list[int]:
    """Return where a chunk with a frame is cut: in its size, its frame, and around the end of its line."""
    return [1, 3, 4, 20, len(frame) // 2, len(frame) - 3, len(frame) - 2, len(frame) - 1]


def test_what_is_cut_holds_no_heartbeat_up(served: Serve) -> None:
    """Wherever the service stalls. The rest is read when it comes, and nothing is lost."""
    frame = delta("x")
    idle = threading.Semaphore(0)

    def stall() -> None:
        """Wait for a heartbeat of now: those before it, and one on its way, do not count."""
        while idle.acquire(blocking=False):
            pass
        assert idle.acquire(timeout=PATIENCE)
        assert idle.acquire(timeout=PATIENCE)

    def serve(peer: Peer) -> None:
        peer.await_request()
        peer.send(HEAD + delta("a"))
        for cut in cuts(frame):
            peer.send(frame[:cut])
            stall()
            peer.send(frame[cut:])
        record = peer.wire(frame)
        peer.send_wire(record[: len(record) // 2])
        stall()
        peer.send_wire(record[len(record) // 2 :])
        peer.send(LAST)

    with served(serve):
        seen = list[PacedEvent]()
        for event in calling(heartbeat=0.01):
            if isinstance(event, Idle):
                assert no_thread_reads()
                idle.release()
            seen.append(event)

    assert without_pauses(seen) == [Delta("a"), *[Delta("x")] * (len(cuts(frame)) + 1), *END]


def test_the_deadline_ends_a_call_that_stalls_in_the_middle_of_a_frame(served: Serve) -> None:
    """Its connection is closed too, although a traceback keeps all objects that have read from it."""
    clock = Jumping()

    def serve(peer: Peer) -> None:
        peer.await_request()
        peer.send(HEAD + delta("a") + delta("b")[:40])
        peer.await_end()

    with served(serve):
        events = calling(heartbeat=0.02, clock=clock)
        assert next(event for event in events if event == Delta("a"))
        assert next(event for event in events if event == Idle())
        clock.ahead = 1000
        with pytest.raises(DeadlineReached) as caught:
            list(events)

    assert caught.tb is not None


def test_a_call_that_is_given_up_closes_its_connection(served: Serve) -> None:
    def serve(peer: Peer) -> None:
        peer.await_request()
        peer.send(HEAD + delta("a") + delta("b") + delta("c")[:40])
        peer.await_end()

    with served(serve):
        events = calling()
        assert [next(events) for _ in range(3)] == [Delta("a"), Pause(), Delta("b")]
        events.close()


def test_a_call_that_is_given_up_before_its_headers_closes_its_connection(served: Serve) -> None:
    asked = threading.Event()

    def serve(peer: Peer) -> None:
        peer.await_request()
        asked.set()
        peer.await_end()

    clock = Jumping()
    with served(serve):
        events = calling(heartbeat=0.02, clock=clock)
        assert next(events) == Idle()
        assert asked.wait(PATIENCE)
        clock.ahead = 1000
        with pytest.raises(DeadlineReached):
            list(events)
        assert no_thread_reads()


def test_a_connection_serves_the_next_call_when_the_answer_was_read_to_its_end(served: Serve) -> None:
    """The peer accepts only this one connection."""

    def serve(peer: Peer) -> None:
        for answer in ("a", "b"):
            peer.await_request()
            peer.send(HEAD + delta(answer))
            peer.send(LAST[:-3])
            peer.send(LAST[-3:])

    with served(serve):
        asked = model()
        answers = [without_pauses(calling(asked)) for _ in range(2)]

    assert answers == [[Delta("a"), *END], [Delta("b"), *END]]


def test_a_connection_with_more_than_the_answer_serves_no_other_call(served: Serve) -> None:
    """What came behind the end of an answer is not taken for the beginning of the next one."""

    def serve(peer: Peer) -> None:
        peer.await_request()
        peer.send(HEAD + delta("a"))
        peer.send(LAST + HEAD + delta("b"))
        peer.await_end()

    with served(serve):
        assert without_pauses(calling()) == [Delta("a"), *END]


WITHOUT_CHUNKS: Final = b"HTTP/1.1 200 OK\r\nContent-Type: application/vnd.amazon.eventstream\r\n\r\n"


@pytest.mark.parametrize(
    ("head", "body"),
    [
        (HEAD.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"), delta("a") + LAST),
        (
            WITHOUT_CHUNKS,
            event("contentBlockDelta", {"delta": {"text": "a"}, "contentBlockIndex": 0})
            + event("messageStop", {"stopReason": "end_turn"})
            + event("metadata", {"usage": {"inputTokens": 1, "outputTokens": 2, "totalTokens": 3}}),
        ),
    ],
)
def test_a_response_of_another_kind_is_read_by_its_thread(served: Serve, head: bytes, body: bytes) -> None:
    """The client cannot reach the socket of a connection that closes after its response."""

    def serve(peer: Peer) -> None:
        peer.await_request()
        peer.send(head + body)

    with served(serve):
        assert without_pauses(calling()) == [Delta("a"), *END]


@pytest.mark.parametrize("broken", [Peer.reset, None])
def test_a_connection_that_breaks_is_a_failure_of_the_model(
    served: Serve, broken: Callable[[Peer], None] | None
) -> None:
    """Wherever it breaks, the answer does not end as if it were complete."""
    taken = threading.Event()

    def serve(peer: Peer) -> None:
        peer.await_request()
        peer.send(HEAD + delta("a") + delta("b")[:40])
        assert taken.wait(PATIENCE)
        if broken:
            broken(peer)

    with served(serve):
        events = calling()
        assert next(events) == Delta("a")
        taken.set()
        with pytest.raises(ModelFailed):
            list(events)


class Terminated(BaseException):
    """What a handler of signals raises."""


@pytest.fixture
def terminating() -> Iterator[Callable[[], None]]:
    """Have a handler of signals that only returns, and what replaces it by one that raises."""

    def terminate(_number: int, _frame: object) -> None:
        raise Terminated

    def replace() -> None:
        signal.signal(signal.SIGUSR1, terminate)

    before = signal.signal(signal.SIGUSR1, lambda *_: None)
    yield replace
    signal.signal(signal.SIGUSR1, before)


def test_a_signal_breaks_into_a_read_at_once_or_changes_nothing(served: Serve, terminating: Callable[[], None]) -> None:
    """A handler that raises ends the call, and its connection; after one that returns the read goes on."""

    def serve(peer: Peer) -> None:
        peer.await_request()
        peer.send(HEAD + delta("a"))
        for _ in range(16):
            peer.send(delta("b")[:40])
            os.kill(os.getpid(), signal.SIGUSR1)
            peer.send(delta("b")[40:])
        peer.send(delta("c") + delta("d")[:40])
        assert taken.wait(PATIENCE)
        os.kill(os.getpid(), signal.SIGUSR1)
        peer.await_end()

    taken = threading.Event()
    seen = list[PacedEvent]()

    def read() -> None:
        with closing(calling()) as events:
            for each in events:
                seen.append(each)
                if each == Delta("c"):
                    terminating()
                    taken.set()

    with served(serve), pytest.raises(Terminated):
        read()

    assert without_pauses(seen) == [Delta("a"), *[Delta("b")] * 16, Delta("c")]


@given(
    contents=st.lists(st.binary(min_size=1, max_size=40), max_size=5),
    extra=st.sampled_from([b"", b";name=value", b" "]),
    trailers=st.sampled_from([b"", b"Name: value\r\n"]),
    places=st.lists(st.integers(0, 400), max_size=12),
    behind=st.sampled_from([b"", b"HTTP/1.1"]),
)
def test_chunks_are_read_however_they_are_cut(
    contents: list[bytes], extra: bytes, trailers: bytes, places: list[int], behind: bytes
) -> None:
    written = b"".join(b"%X%b\r\n%b\r\n" % (len(content), extra, content) for content in contents)
    data = written + b"0\r\n" + trailers + b"\r\n" + behind
    ends = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    chunks = Chunks()
    found = b""
    for start, end in pairwise(ends):
        assert chunks.are_complete == (start >= len(data) - len(behind))
        if not chunks.are_complete:
            found += chunks.feed(data[start:end])
            may_follow = end == len(data) - len(behind)

    assert found == b"".join(contents)
    assert chunks.are_complete
    assert chunks.may_follow == may_follow


@pytest.mark.parametrize("data", [b"x\r\n", b"\r\n", b"-1\r\n", b"3\r\nabc\r\nx\r\n", b"1" * (LINE_LIMIT + 1)])
def test_what_is_not_in_chunks_is_no_body(data: bytes) -> None:
    with pytest.raises(ProtocolError):
        Chunks().feed(data)


@pytest.mark.parametrize(
    ("data", "is_complete"), [(b"", False), (b"3\r\nab", False), (b"1\r\na\r\n0", False), (b"0\r\n", True)]
)
def test_a_body_may_lack_its_last_line_and_nothing_else(data: bytes, *, is_complete: bool) -> None:
    chunks = Chunks()
    chunks.feed(data)
    with nullcontext() if is_complete else pytest.raises(ProtocolError):
        chunks.end()
    assert (chunks.are_complete, chunks.may_follow) == (is_complete, False)
