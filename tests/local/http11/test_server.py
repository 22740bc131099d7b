"""The server side of HTTP/1.1: a malformed request is the client's mistake and is refused with a status."""

import socket
from collections.abc import Iterator

import pytest

from local.http11.server import LINE_LIMIT, Exchange, Server, Truncated

TIMEOUT = 30.0
"""Seconds after which a test gives up; no assertion depends on it."""


@pytest.fixture
def server() -> Iterator[Server]:
    """It answers with the body's length, or with 422 where the body was none."""

    def respond(exchange: Exchange) -> None:
        try:
            body = exchange.read_body(1000)
        except Truncated:
            exchange.send(422, [], b"")
            exchange.cut()
            return
        exchange.send(200, [], str(len(body)).encode())

    with Server(respond) as it:
        yield it
        assert it.mistakes == []


def status_of(server: Server, request: bytes) -> int:
    with socket.create_connection(("127.0.0.1", server.port), TIMEOUT) as client:
        client.sendall(request)
        answer = client.makefile("rb").readline()
    return int(answer.split()[1])


def post(fields: str, body: str = "hello") -> bytes:
    return f"POST / HTTP/1.1\r\n{fields}\r\n\r\n{body}".encode()


@pytest.mark.parametrize("length", ["abc", "-5", "+5", "5_0", "5, 6", "", " "])
def test_a_malformed_length_is_refused(server: Server, length: str) -> None:
    """RFC 9112 §6.3: where the next request begins is not defined."""
    assert status_of(server, post(f"Content-Length: {length}")) == 400


def test_two_lengths_are_refused(server: Server) -> None:
    assert status_of(server, post("Content-Length: 5\r\nContent-Length: 6")) == 400


@pytest.mark.parametrize("coding", ["gzip, chunked", "gzip", "identity"])
def test_an_unsupported_coding_is_refused(server: Server, coding: str) -> None:
    """RFC 9112 §6.1."""
    assert status_of(server, post(f"Transfer-Encoding: {coding}", "5\r\nhello\r\n0\r\n\r\n")) == 501


@pytest.mark.parametrize(
    "body", ["zz\r\nhello\r\n0\r\n\r\n", "-5\r\nhello\r\n0\r\n\r\n", "\r\nhello\r\n0\r\n\r\n", "5\r\nhelloXX0\r\n\r\n"]
)
def test_a_malformed_chunk_ends_the_body(server: Server, body: str) -> None:
    assert status_of(server, post("Transfer-Encoding: chunked", body)) == 422


@pytest.mark.parametrize("fields", ["Content-Length: 5", "X: y"])
def test_a_proper_request_is_served(server: Server, fields: str) -> None:
    assert status_of(server, post(fields)) == 200


@pytest.mark.parametrize(
    "body", ["5\r\nhello\r\n0\r\n\r\n", "5;a=b\r\nhello\r\n0\r\nX: y\r\n\r\n", "A\r\n0123456789\r\n0\r\n\r\n"]
)
def test_a_chunked_request_is_served(server: Server, body: str) -> None:
    assert status_of(server, post("Transfer-Encoding: Chunked", body)) == 200


def test_a_request_line_without_end_is_refused(server: Server) -> None:
    """Not cut in two, its rest taken for header fields."""
    assert status_of(server, b"GET /" + b"x" * LINE_LIMIT + b" HTTP/1.1\r\n\r\n") == 414
