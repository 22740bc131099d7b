import json
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from local.client import End, Reply
from local.gateway.server import Gateway
from local.lambda_.function import Function
from local.lambda_.invocation import Ending
from tests.local.toys import deployed, echoing

OPTIONS = "OPTIONS"


@contextmanager
def serving(folder: Path, program: str, **fields: object) -> Iterator[Gateway]:
    """A gateway in front of a toy function that runs ``program`` with each event."""
    function = Function(echoing(folder, program, **fields))
    with Gateway(function) as gateway:
        try:
            yield gateway
        finally:
            gateway.function.close()
    assert not gateway.mistakes


def ask(gateway: Gateway, body: bytes = b"{}", headers: Mapping[str, str] | None = None, method: str = "POST") -> Reply:
    """Send a request and read the complete response."""
    with Reply(gateway.url, body, headers, method) as reply:
        reply.body()
        return reply


def allowing(*origins: str) -> dict[str, str]:
    return {"LLM_ALLOWED_ORIGINS": ",".join(origins)}


def connected(gateway: Gateway) -> socket.socket:
    return socket.create_connection(("127.0.0.1", gateway.port))


def test_an_answer_passes_as_it_is_chunked(tmp_path: Path) -> None:
    """Status and fields of the prelude, the gateway's own beside them, and one chunk for each."""
    program = """
        response = Response(id)
        head = {"statusCode": 202, "headers": {"Content-Type": "text/plain", "X-Own": "1"}}
        response.chunk(json.dumps(head).encode() + bytes(8))
        response.chunk("grün".encode())
        response.chunk(b"2")
        response.end()
    """
    with serving(tmp_path, program) as gateway, Reply(gateway.url, b"{}") as reply:
        chunks = list(reply.chunks())

    assert (reply.status, chunks, reply.end) == (202, ["grün".encode(), b"2"], End.CLEAN)
    assert reply.headers["x-own"] == "1"
    assert {"date", "x-amzn-requestid", "x-amz-apigw-id", "x-amzn-trace-id"} <= reply.headers.keys()
    assert reply.headers["transfer-encoding"] == "chunked"


def test_a_chunk_reaches_the_client_before_the_next_one_is_made(tmp_path: Path) -> None:
    """The function waits for the client's word between its two chunks."""
    word = tmp_path / "word"
    program = f"""
        os.mkfifo({str(word)!r})
        response = Response(id)
        response.chunk(PRELUDE)
        response.chunk(b"first")
        open({str(word)!r}).read()
        response.chunk(b"second")
        response.end()
    """
    with serving(tmp_path, program) as gateway, Reply(gateway.url, b"{}") as reply:
        chunks = reply.chunks()
        assert next(chunks) == b"first"
        word.write_text("go on")
        assert list(chunks) == [b"second"]


def test_prelude_and_body_may_come_in_any_pieces(tmp_path: Path) -> None:
    """Chunk borders mean nothing: neither inside the JSON, nor inside the NULs, nor behind them."""
    program = """
        response = Response(id)
        for piece in (b'{"status', b'Code":201}' + bytes(3), bytes(5) + b"bo", b"dy"):
            response.chunk(piece)
        response.end()
    """
    with serving(tmp_path, program) as gateway:
        reply = ask(gateway)

    assert (reply.status, reply.received) == (201, b"body")


@pytest.mark.parametrize(
    ("program", "status", "code"),
    [
        ("answer(id)", 200, None),
        ("r = Response(id); r.chunk(b'no prelude'); r.end()", 500, "DEFAULT_5XX"),
        ("r = Response(id); r.end()", 500, "DEFAULT_5XX"),
        ("r = Response(id); r.chunk(b'nonsense' + bytes(8)); r.end()", 500, "DEFAULT_5XX"),
        ("r = Response(id); r.chunk(b'{}' + b' ' * 16000 + bytes(8)); r.end()", 500, "DEFAULT_5XX"),
        ("r = Response(id); r.chunk(b'{}' + b' ' * 15990 + bytes(8)); r.end()", 200, None),
        ("r = Response(id); r.chunk(b'{}' + b' ' * 15991 + bytes(8)); r.end()", 500, "DEFAULT_5XX"),
        ("r = Response(id, content_type='application/json'); r.chunk(PRELUDE); r.end()", 500, "DEFAULT_5XX"),
        ("call('POST', f'/invocation/{id}/response', b'{}')", 500, "DEFAULT_5XX"),
        ("call('POST', f'/invocation/{id}/error', b'{}')", 502, "DEFAULT_5XX"),
        ("sys.exit(1)", 502, "DEFAULT_5XX"),
    ],
)
def test_a_function_that_does_not_keep_to_the_format_is_the_gateways_error(
    tmp_path: Path, program: str, status: int, code: str | None
) -> None:
    """500 for a wrong format, 502 for a function that failed; the delimiter lies within the first 16,000 bytes."""
    with serving(tmp_path, program) as gateway:
        reply = ask(gateway)

    assert reply.status == status
    if code:
        assert json.loads(reply.received)["code"] == code


def test_a_function_that_does_not_start_is_a_502(tmp_path: Path) -> None:
    """As one that crashes."""
    with Function(deployed(tmp_path, "sys.exit(1)")) as function, Gateway(function) as gateway:
        assert ask(gateway).status == 502


def test_a_throttled_function_is_a_5xx(tmp_path: Path) -> None:
    """The limit of concurrent sandboxes is reached."""
    program = "answer(id, b'x'); time.sleep(1000)"
    with serving(tmp_path, program, concurrency=1) as gateway:
        assert ask(gateway).status == 200

        throttled = ask(gateway)

    assert (throttled.status, json.loads(throttled.received)["code"]) == (500, "DEFAULT_5XX")


CUTTING = 'answer(id, b"half", trailers=b"Lambda-Runtime-Function-Error-Type: x\\r\\n")'


@pytest.mark.parametrize(("clean", "end"), [(False, End.CUT), (True, End.CLEAN)])
def test_error_trailers_cut_the_client_off_or_end_it_cleanly(tmp_path: Path, clean: bool, end: End) -> None:  # noqa: FBT001 - a table
    """Nobody knows which API Gateway does: the twin plays both. The trailers themselves never pass."""
    with serving(tmp_path, CUTTING) as gateway:
        gateway.clean_cut = clean
        reply = ask(gateway)

    assert (reply.status, reply.received, reply.end, reply.trailers) == (200, b"half", end, b"")
    assert reply.raw.endswith(b"4\r\nhalf\r\n0\r\n\r\n" if clean else b"4\r\nhalf\r\n")


@pytest.mark.parametrize(
    "last",
    ["sys.exit(1)", "response.connection.close(); next_event()", "time.sleep(1000)"],
    ids=["crash", "close", "hang"],
)
def test_a_function_that_breaks_off_cuts_the_client_off(tmp_path: Path, last: str) -> None:
    """Also when a clean end was asked for: only error trailers can be ended cleanly."""
    program = f"response = Response(id); response.chunk(PRELUDE); response.chunk(b'half'); {last}"
    with serving(tmp_path, program, timeout=1) as gateway:
        gateway.clean_cut = True
        reply = ask(gateway)

    assert (reply.received, reply.end) == (b"half", End.CUT)


def test_the_function_hears_of_its_success_after_the_client_has_the_last_byte(tmp_path: Path) -> None:
    """Then it may work on, and only then ask for the next event."""
    with serving(tmp_path, "answer(id, b'x'); write('after')") as gateway:
        ask(gateway)
        gateway.function.wait_until_idle()

        order = gateway.function.journal.order("client end", "accepted", "output", "next")

    assert order == ["next", "client end", "accepted", "output", "next"]


def test_the_first_bytes_can_be_held_back(tmp_path: Path) -> None:
    """Nothing comes, not even the head, until there is enough; then everything."""
    word = tmp_path / "word"
    program = f"""
        os.mkfifo({str(word)!r})
        response = Response(id)
        response.chunk(PRELUDE)
        response.chunk(b"1234")
        response.chunk(b"5678")
        open({str(word)!r}).read()
        response.chunk(b"9")
        response.end()
    """
    with serving(tmp_path, program) as gateway:
        gateway.hold_back = 8
        with Reply(gateway.url, b"{}") as reply:
            chunks = reply.chunks()
            assert next(chunks) == b"12345678"
            word.write_text("go on")
            assert list(chunks) == [b"9"]


def test_what_is_held_back_comes_at_the_end_at_the_latest(tmp_path: Path) -> None:
    """A short answer is not lost."""
    with serving(tmp_path, "answer(id, b'short')") as gateway:
        gateway.hold_back = 1000
        reply = ask(gateway)

    assert (reply.status, reply.received, reply.end) == (200, b"short", End.CLEAN)


@pytest.mark.parametrize("limit", ["idle_limit", "integration_timeout"])
def test_a_function_that_says_nothing_is_a_504(tmp_path: Path, limit: str) -> None:
    """The function is silent for too long, or its time is over, before there is a head."""
    with serving(tmp_path, "time.sleep(1)") as gateway:
        setattr(gateway, limit, 0.05)
        reply = ask(gateway)
        gateway.function.close()

    assert (reply.status, json.loads(reply.received)["code"]) == (504, "INTEGRATION_TIMEOUT")


@pytest.mark.parametrize("limit", ["idle_limit", "integration_timeout"])
def test_a_function_that_falls_silent_is_cut_off(tmp_path: Path, limit: str) -> None:
    """After the head only a cut can report it. The function does not notice."""
    word = tmp_path / "word"
    program = f"""
        if event["body"] == "warm up":
            answer(id)
            continue
        os.mkfifo({str(word)!r})
        response = Response(id)
        response.chunk(PRELUDE)
        response.chunk(b"half")
        open({str(word)!r}).read()
        write(response.end()[0])
    """
    with serving(tmp_path, program) as gateway:
        ask(gateway, b"warm up")
        gateway.function.wait_until_idle()
        setattr(gateway, limit, 0.5)
        reply = ask(gateway)
        word.write_text("go on")
        gateway.function.journal.wait("output")

        assert (reply.received, reply.end) == (b"half", End.CUT)
        assert gateway.function.output[0] == "202"


def test_a_client_that_leaves_does_not_stop_the_function(tmp_path: Path) -> None:
    """As on AWS: it does not notice, runs to its end, and its response is accepted."""
    word = tmp_path / "word"
    program = f"""
        os.mkfifo({str(word)!r})
        response = Response(id)
        response.chunk(PRELUDE)
        response.chunk(b"first")
        open({str(word)!r}).read()
        for _ in range(1000):
            response.chunk(b"more" * 100)
        write(response.end()[0])
    """
    with serving(tmp_path, program) as gateway:
        with Reply(gateway.url, b"{}") as reply:
            assert next(reply.chunks()) == b"first"
        word.write_text("go on")
        gateway.function.wait_until_idle()

        assert gateway.function.output[0] == "202"
        assert gateway.function.invocations[0].ending is Ending.COMPLETE
        assert len(gateway.function.invocations[0].chunks) == 1002


def test_a_client_that_does_not_read_does_not_delay_others(tmp_path: Path) -> None:
    """Its function blocks; another request is served meanwhile."""
    program = """
        response = Response(id)
        response.chunk(PRELUDE)
        for _ in range(200 if event["body"] == "much" else 1):
            response.chunk(b"x" * 100_000)
        response.end()
    """
    with serving(tmp_path, program) as gateway, Reply(gateway.url, b"much") as lazy:
        gateway.function.invoked()
        gateway.function.journal.wait("chunk", 10)

        assert len(ask(gateway, b"little").received) == 100_000
        assert len(lazy.body()) == 20_000_000


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/v1/stream"), ("PUT", "/v1/stream"), ("POST", "/stream"), ("POST", "/v1/stream/"), ("BREW", "/")],
)
def test_a_wrong_path_or_method_is_refused_as_an_unsigned_request_is(tmp_path: Path, method: str, path: str) -> None:
    """403 in the gateway's own words; the function is not invoked."""
    with serving(tmp_path, "answer(id)") as gateway:
        with Reply(gateway.url.removesuffix("/v1/stream") + path, b"", None, method) as reply:
            problem = reply.wait().json()

        assert not gateway.function.invocations
    assert reply.status == 403
    assert reply.headers["content-type"] == "application/problem+json"
    assert problem == {
        "type": "urn:streaming-llm:problem:MISSING_AUTHENTICATION_TOKEN",
        "title": "The gateway did not pass the request on.",
        "code": "MISSING_AUTHENTICATION_TOKEN",
        "detail": "Missing Authentication Token",
        "requestId": reply.headers["x-amzn-requestid"],
    }


@pytest.mark.parametrize("size", [10 * 1024 * 1024 + 1, 6 * 1024 * 1024 + 1])
def test_a_body_that_is_too_large_is_refused_in_fixed_words(tmp_path: Path, size: int) -> None:
    """Neither a problem document nor fields for browsers."""
    with serving(tmp_path, "answer(id)", environment=allowing("https://a.example")) as gateway:
        reply = ask(gateway, b"x" * size)

    assert (reply.status, json.loads(reply.received)) == (413, {"message": "Request Too Long"})
    assert "access-control-allow-origin" not in reply.headers


def test_a_connection_serves_one_request_after_the_other(tmp_path: Path) -> None:
    """Also after a refused one and after a preflight."""
    with serving(tmp_path, "answer(id, event['body'].encode())") as gateway, connected(gateway) as connection:
        stream = connection.makefile("rb")
        for line in (b"GET / HTTP/1.1", b"OPTIONS /v1/stream HTTP/1.1", b"POST /v1/stream HTTP/1.1"):
            connection.sendall(line + b"\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi")
            assert stream.readline() in {
                b"HTTP/1.1 403 Forbidden\r\n",
                b"HTTP/1.1 204 No Content\r\n",
                b"HTTP/1.1 200 OK\r\n",
            }
            length = 0
            while (field := stream.readline()) != b"\r\n":
                if field.lower().startswith(b"content-length"):
                    length = int(field.split(b":")[1])
            stream.read(length)
        assert stream.read(12) == b"2\r\nhi\r\n0\r\n\r\n"
        stream.close()


def test_a_client_of_the_old_protocol_gets_a_body_that_ends_with_the_connection(tmp_path: Path) -> None:
    """HTTP/1.0 knows no chunks."""
    with serving(tmp_path, "answer(id, b'a', b'b')") as gateway, connected(gateway) as connection:
        connection.sendall(b"POST /v1/stream HTTP/1.0\r\nContent-Length: 2\r\n\r\n{}")
        with connection.makefile("rb") as stream:
            answer = stream.read()

    assert answer.endswith(b"\r\n\r\nab")
    assert b"Transfer-Encoding" not in answer


def test_a_request_body_may_be_chunked(tmp_path: Path) -> None:
    """The function receives it complete."""
    with serving(tmp_path, "answer(id, event['body'].encode())") as gateway, connected(gateway) as connection:
        connection.sendall(
            b"POST /v1/stream HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"2\r\nab\r\n1\r\nc\r\n0\r\n\r\n"
        )
        with connection.makefile("rb") as stream:
            assert stream.read().endswith(b"\r\n\r\n3\r\nabc\r\n0\r\n\r\n")


ONE, TWO = ("https://a.example",), ("https://a.example", "https://b.example")


@pytest.mark.parametrize(
    ("allowed", "origin", "expected"),
    [
        ((), "https://a.example", None),
        (ONE, "https://a.example", "https://a.example"),
        (ONE, "https://evil.example", "https://a.example"),
        (("*",), "https://a.example", "*"),
        (TWO, "https://b.example", "https://b.example"),
        (TWO, "https://evil.example", None),
        (TWO, "https://b.example.evil", None),
        (TWO, None, None),
    ],
)
def test_a_preflight_is_answered_by_the_gateway(
    tmp_path: Path, allowed: tuple[str, ...], origin: str | None, expected: str | None
) -> None:
    """One origin is a literal; of several exactly the caller's; none without any. The function is not invoked."""
    with serving(tmp_path, "answer(id)", environment=allowing(*allowed)) as gateway:
        reply = ask(gateway, b"", {"Origin": origin} if origin else None, OPTIONS)

        assert not gateway.function.invocations
    assert reply.status == 204
    assert reply.headers.get("access-control-allow-origin") == expected
    assert reply.headers.get("access-control-allow-methods") == ("POST" if allowed else None)
    assert reply.headers.get("vary") == ("Origin" if len(allowed) > 1 else None)


@pytest.mark.parametrize(("allowed", "expected"), [((), None), (ONE, "https://a.example"), (TWO, "*")])
def test_the_gateways_own_errors_may_be_read_by_browsers(
    tmp_path: Path, allowed: tuple[str, ...], expected: str | None
) -> None:
    """They cannot know the caller's origin, and carry no content."""
    with serving(tmp_path, "answer(id)", environment=allowing(*allowed)) as gateway:
        reply = ask(gateway, b"", {"Origin": "https://b.example"}, "GET")

    assert reply.headers.get("access-control-allow-origin") == expected


def test_many_requests_at_once_are_kept_apart(tmp_path: Path) -> None:
    """Each client gets the answer to its own request."""
    answers: dict[int, bytes] = {}
    with serving(tmp_path, "answer(id, event['body'].encode())", concurrency=8) as gateway:

        def client(number: int) -> None:
            answers[number] = ask(gateway, b"%d" % number).received

        threads = [threading.Thread(target=client, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert answers == {number: b"%d" % number for number in range(8)}
