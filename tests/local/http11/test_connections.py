import socket
import threading

import pytest

from local.http11.server import Exchange, Server


def test_closing_ends_every_connection_and_thread() -> None:
    """An idle one, and one whose request is being served."""
    threads, serving = threading.active_count(), threading.Event()

    def respond(exchange: Exchange) -> None:
        serving.set()
        exchange.wait(None)

    with Server(respond) as server:
        idle, busy = (socket.create_connection(("127.0.0.1", server.port)) for _ in range(2))
        busy.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        serving.wait()

    with idle, busy:
        assert (idle.recv(1), busy.recv(1)) == (b"", b"")
    assert threading.active_count() == threads


def test_a_socket_that_listens_already_is_taken_over() -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]

    with Server(lambda exchange: exchange.send(200, [], b"hi"), listener) as server:
        assert server.url == f"http://127.0.0.1:{port}"

    assert listener.fileno() == -1


@pytest.mark.filterwarnings("ignore")
def test_an_exception_of_the_program_is_kept(capsys: pytest.CaptureFixture[str]) -> None:
    """One of the connection is none of the program's."""

    def respond(exchange: Exchange) -> None:
        raise ConnectionResetError if exchange.path == "/reset" else ValueError("wrong")

    with Server(respond) as server:
        for path in (b"/reset", b"/wrong"):
            with socket.create_connection(("127.0.0.1", server.port)) as client:
                client.sendall(b"GET " + path + b" HTTP/1.1\r\nHost: x\r\n\r\n")
                assert client.recv(1) == b""

    assert [str(error) for error in server.mistakes] == ["wrong"]
    assert "ValueError: wrong" in capsys.readouterr().err
