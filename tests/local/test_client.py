import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from local.client import End, NotHttp, Reply, Transport
from local.http11.server import NO_LINGER, Exchange, Server, Truncated
from tests.certificates import self_signed
from tests.unserved import unserved_port

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def read_request(connection: socket.socket) -> bytes:
    """Read one request, whose body has an announced length."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += connection.recv(65_536)
    head, _, body = data.partition(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
    while len(body) < length:
        body += connection.recv(65_536)
    return head + b"\r\n\r\n" + body


@contextmanager
def scripted(serve: Callable[[socket.socket], None], tls: ssl.SSLContext | None = None) -> Iterator[str]:
    """A server that lets ``serve`` handle its first connection; its address."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept() -> None:
            connection = listener.accept()[0]
            with tls.wrap_socket(connection, server_side=True) if tls else connection as accepted:
                serve(accepted)

        thread = threading.Thread(target=accept)
        thread.start()
        yield f"{'https' if tls else 'http'}://127.0.0.1:{listener.getsockname()[1]}"
        thread.join()


def sending(*parts: bytes) -> Callable[[socket.socket], None]:
    """Read a request, send these bytes, and close the connection."""

    def serve(connection: socket.socket) -> None:
        read_request(connection)
        for part in parts:
            connection.sendall(part)

    return serve


@pytest.mark.parametrize(
    ("path", "headers", "expected"),
    [
        (
            "/a?b=c",
            {"X-One": "1"},
            b"PUT /a?b=c HTTP/1.1\r\nHost: {}\r\nContent-Length: 2\r\nAccept-Encoding: identity",
        ),
        ("", {"X-One": "1"}, b"PUT / HTTP/1.1\r\nHost: {}\r\nContent-Length: 2\r\nAccept-Encoding: identity"),
    ],
)
def test_the_request_has_what_http_needs_and_the_fields_that_were_given(
    path: str, headers: dict[str, str], expected: bytes
) -> None:
    seen = []

    def serve(connection: socket.socket) -> None:
        seen.append(read_request(connection))
        connection.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")

    with scripted(serve) as url, Reply(url + path, b"hi", headers, "PUT") as reply:
        assert reply.body() == b""

    host = url.removeprefix("http://").encode()
    assert seen == [expected.replace(b"{}", host) + b"\r\nX-One: 1\r\n\r\nhi"]


def test_an_ipv6_address_is_in_brackets_in_the_host_field() -> None:
    try:
        listener = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError:
        pytest.skip("this machine has no IPv6")
    with listener, Reply(f"http://[::1]:{listener.getsockname()[1]}/"):
        connection, address = listener.accept()
        with connection:
            assert f"\r\nHost: [::1]:{listener.getsockname()[1]}\r\n".encode() in read_request(connection)
        assert address[0] == "::1"


def test_given_fields_replace_those_of_http() -> None:
    """Case does not matter: a signature covers a host field that was written in another way."""
    seen = []

    def serve(connection: socket.socket) -> None:
        seen.append(read_request(connection))
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    fields = {"host": "llm.example", "ACCEPT-ENCODING": "br"}
    with scripted(serve) as url, Reply(url, b"", fields, "GET") as reply:
        assert reply.body() == b""

    assert seen == [b"GET / HTTP/1.1\r\nContent-Length: 0\r\nhost: llm.example\r\nACCEPT-ENCODING: br\r\n\r\n"]


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/", "127.0.0.1:80", "http:///path", "/path", ""])
def test_a_url_that_is_not_of_http_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="the URL must begin with http:// or https:// and a host"):
        Reply(url)


def test_a_line_break_cannot_smuggle_in_another_field() -> None:
    with pytest.raises(ValueError, match="must not contain a line break"):
        Reply("http://127.0.0.1:1", b"", {"X": "a\r\nY: b"})


@pytest.mark.parametrize(
    ("response", "chunks", "end"),
    [
        ([CHUNKED, b"3\r\none\r\n", b"3;x=y\r\ntwo\r\n0\r\n\r\n"], [b"one", b"two"], End.CLEAN),
        ([CHUNKED, b"3\r\no", b"ne\r\n0\r\n\r\n"], [b"one"], End.CLEAN),
        ([CHUNKED, b"3\r\none\r\n"], [b"one"], End.CUT),
        ([CHUNKED, b"8\r\none"], [], End.CUT),
        ([CHUNKED, b"3\r\none, and more\r\n0\r\n\r\n"], [b"one"], End.CUT),
        ([CHUNKED, b"-3\r\none\r\n0\r\n\r\n"], [], End.CUT),
        ([CHUNKED, b"3" * 100_000], [], End.CUT),
        ([b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\none"], [b"one"], End.CLEAN),
        ([b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n", b"one"], [], End.CUT),
        ([b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\none"], [], End.CUT),
        ([b"HTTP/1.1 200 OK\r\nContent-Length: 3, 3\r\n\r\none"], [], End.CUT),
        ([b"HTTP/1.0 200 OK\r\n\r\none", b"two"], [b"onetwo"], End.CLEAN),
        ([b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"], [], End.CLEAN),
        ([b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n"], [], End.CLEAN),
        ([b"HTTP/1.1 200\nContent-Length: 3\n\none"], [b"one"], End.CLEAN),
        ([b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n", CHUNKED, b"0\r\n\r\n"], [], End.CLEAN),
    ],
)
def test_the_body_and_its_end_are_what_the_framing_says(response: list[bytes], chunks: list[bytes], end: End) -> None:
    """RFC 9112 §6.3 and §7.1; an incomplete chunk does not count."""
    with scripted(sending(*response)) as url, Reply(url) as reply:
        assert (list(reply.chunks()), reply.end) == (chunks, end)
        assert (reply.taken, reply.received) == (chunks, b"".join(chunks))
        assert reply.status in {200, 304}
        assert b"".join(response).startswith(reply.raw)


def test_a_head_request_has_no_body() -> None:
    with scripted(sending(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n")) as url, Reply(url, method="HEAD") as reply:
        assert (reply.body(), reply.end) == (b"", End.CLEAN)


def test_fields_are_found_in_lower_case_and_repeated_ones_are_joined() -> None:
    head = b"HTTP/1.1 200 OK\r\nX-Twice: a\r\nx-twice:b \r\nTransfer-Encoding: chunked\r\n\r\n"
    with scripted(sending(head, b"0\r\nX-Sum: 5\r\nX-Other: 6\r\n\r\n")) as url, Reply(url) as reply:
        assert reply.body() == b""

    assert reply.head == head.removesuffix(b"\r\n\r\n")
    assert reply.headers == {"x-twice": "a, b", "transfer-encoding": "chunked"}
    assert reply.trailers == b"X-Sum: 5\r\nX-Other: 6\r\n"


def reset(connection: socket.socket) -> None:
    read_request(connection)
    connection.sendall(CHUNKED + b"3\r\none\r\n")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)


def test_a_reset_is_told_apart_from_a_cut() -> None:
    with scripted(reset) as url, Reply(url) as reply, suppress(ConnectionResetError):
        reply.body()
        assert reply.end is End.RESET


@pytest.mark.parametrize(
    "response",
    [
        b"SSH-2.0-x\r\n",
        b"\x15\x03\x01\x00\x02\x02\x50",
        b"HTTP/2 200\r\n\r\n",
        b"HTTP/1.1 OK\r\n\r\n",
        b"HTTP/1.1 200 " + b"x" * 70_000,
        b"HTTP/1.1 200 OK\r\n" + b"X: " + b"x" * 60_000 + b"\r\n" + (b"Y: " + b"y" * 60_000 + b"\r\n") * 5,
    ],
    ids=["ssh", "tls", "http2", "no status", "long line", "long head"],
)
def test_another_protocol_is_recognised(response: bytes) -> None:
    def serve(connection: socket.socket) -> None:
        read_request(connection)
        with suppress(ConnectionError):
            connection.sendall(response)
            connection.recv(1)  # it does not hang up by itself

    with scripted(serve) as url, Reply(url) as reply, pytest.raises(NotHttp):
        reply.wait()


@pytest.mark.parametrize("response", [b"", b"HTT", b"HTTP/1.1 200 OK\r\nX: y\r\n"])
def test_a_connection_that_ends_before_the_head_does_is_an_error(response: bytes) -> None:
    with scripted(sending(response)) as url, Reply(url) as reply, pytest.raises(ConnectionAbortedError):
        reply.wait()


def test_a_silent_server_is_an_error_and_what_arrived_is_kept() -> None:
    def serve(connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(CHUNKED + b"3\r\none\r\n")
        connection.recv(1)

    with scripted(serve) as url, Reply(url, transport=Transport(timeout=0.2)) as reply:
        with pytest.raises(TimeoutError):
            reply.body()
        assert (reply.received, reply.end) == (b"one", None)


def test_each_piece_has_the_time_at_which_it_arrived() -> None:
    """Parts of one chunk too. The times are those of the given clock, since the request was sent."""
    moments = iter([10.0, 10.5, 12.0, 13.0])
    client_has_it = threading.Event()

    def serve(connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(CHUNKED + b"8\r\nhalf")
        assert client_has_it.wait(60)
        connection.sendall(b"full\r\n3\r\nend\r\n0\r\n\r\n")

    with scripted(serve) as url, Reply(url, transport=Transport(clock=lambda: next(moments))) as reply:
        pieces = reply.pieces()
        first = next(pieces)
        client_has_it.set()
        rest = list(pieces)

    assert [(piece.received_ms, piece.data) for piece in [first, *rest]] == [
        (500, b"half"),
        (2000, b"full"),
        (3000, b"end"),
    ]
    assert reply.end is End.CLEAN


def test_reading_goes_on_where_it_was_left() -> None:
    with scripted(sending(CHUNKED, b"3\r\none\r\n3\r\ntwo\r\n5\r\nthree\r\n0\r\n\r\n")) as url, Reply(url) as reply:
        assert next(reply.chunks()) == b"one"
        assert next(reply.pieces()).data == b"two"
        assert (reply.body(), reply.end) == (b"three", End.CLEAN)


def test_a_line_is_there_as_soon_as_it_is_complete() -> None:
    """However it was cut into chunks."""
    client_has_it = threading.Event()

    def serve(connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(CHUNKED + b"2\r\non\r\n6\r\ne\r\ntwo\r\n")
        assert client_has_it.wait(60)
        connection.sendall(b"6\r\n\n\nlast\r\n0\r\n\r\n")

    with scripted(serve) as url, Reply(url) as reply:
        lines = reply.lines()
        first = next(lines)
        client_has_it.set()
        assert [first, *lines] == [b"one", b"two", b"", b"last"]


def test_lines_that_were_cut_off_are_an_error_after_the_last_complete_one() -> None:
    seen: list[bytes] = []
    with scripted(sending(CHUNKED, b"7\r\none\ntwo\r\n")) as url, Reply(url) as reply:
        with pytest.raises(Truncated, match="cut off"):
            seen.extend(reply.lines())
        assert (seen, reply.end) == ([b"one"], End.CUT)


def test_an_error_status_has_its_body() -> None:
    def respond(exchange: Exchange) -> None:
        exchange.send(404, [("Content-Type", "application/json")], exchange.read_body(100))

    question = json.dumps({"model": "none"}).encode()
    with Server(respond) as server, Reply(server.url, question, {"Content-Type": "application/json"}) as reply:
        assert (reply.wait().status, reply.json()) == (404, {"model": "none"})


def test_disconnecting_early_is_seen_by_the_server() -> None:
    seen = []

    def serve(connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(CHUNKED + b"3\r\none\r\n")
        seen.append(connection.recv(1))

    with scripted(serve) as url, Reply(url) as reply:
        assert next(reply.chunks()) == b"one"
        reply.close()

    assert (seen, reply.end) == ([b""], None)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and a certificate for 127.0.0.1 that it signed itself."""
    return self_signed(tmp_path_factory.mktemp("tls"))


def server_side(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def test_https_is_spoken_with_a_server_whose_certificate_is_trusted(certificate: Path) -> None:
    response = sending(CHUNKED, b"3\r\none\r\n0\r\n\r\n")
    trusted = Transport(tls=ssl.create_default_context(cafile=certificate))
    with scripted(response, server_side(certificate)) as url, Reply(url, b"{}", transport=trusted) as reply:
        assert (reply.body(), reply.end) == (b"one", End.CLEAN)


def test_a_request_never_goes_to_a_server_that_cannot_prove_its_name(certificate: Path) -> None:
    def serve(_: socket.socket) -> None:
        pytest.fail("the certificate is trusted")

    with socket.create_server(("127.0.0.1", 0)) as listener:

        def shake_hands() -> None:
            with (
                suppress(OSError),
                server_side(certificate).wrap_socket(listener.accept()[0], server_side=True) as accepted,
            ):
                serve(accepted)

        thread = threading.Thread(target=shake_hands)
        thread.start()
        with pytest.raises(ssl.SSLCertVerificationError):
            Reply(f"https://127.0.0.1:{listener.getsockname()[1]}")
        thread.join()


def test_a_server_without_tls_is_an_error_of_tls() -> None:
    def serve(connection: socket.socket) -> None:
        connection.recv(1)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with scripted(serve) as url, pytest.raises(ssl.SSLError):
        Reply(url.replace("http:", "https:"))


def test_nothing_that_listens_is_an_error() -> None:
    with unserved_port() as port, pytest.raises(ConnectionRefusedError):
        Reply(f"http://127.0.0.1:{port}")


@pytest.mark.parametrize("host", ["a..b", "x" * 64 + ".invalid"])
def test_a_host_that_cannot_be_a_name_is_an_error(host: str) -> None:
    with pytest.raises(UnicodeError):
        Reply(f"http://{host}/")
