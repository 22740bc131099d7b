import json
from pathlib import Path

import pytest

from local.client import End, Reply
from local.gateway.server import Gateway
from local.lambda_.function import Function
from local.lambda_.invocation import Ending
from tests.local.gateway.serving import ask, serving
from tests.local.toys import deployed


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
def test_error_trailers_cut_the_client_off_or_end_it_cleanly(tmp_path: Path, clean: bool, end: End) -> None:
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


def test_the_response_is_accepted_after_the_client_has_the_last_byte(tmp_path: Path) -> None:
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
        gateway.function.wait_for_invocation()
        gateway.function.journal.wait("chunk", 10)

        assert len(ask(gateway, b"little").received) == 100_000
        assert len(lazy.body()) == 20_000_000
