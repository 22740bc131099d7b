"""The streamed response, as bytes on the socket of the Runtime API."""

from collections.abc import Callable
from textwrap import dedent

import pytest

from tests.aws.runtime.platform import CANARY, LAST_CHUNK, MODEL_FAILED, MODULE, PRELUDE, Call, Platform, chunk


def test_the_wire_of_a_streamed_response(platform: Platform) -> None:
    """Every byte that Lambda receives, from the request line to the last chunk."""
    platform.start(r"""
        yield b'{"a'
        yield b'": "\xc3\xbc"}'
        yield END_OF_BODY
    """)
    platform.invoke()
    call = platform.accept("POST /2018-06-01/runtime/invocation/req-1/response")
    assert call.head + call.until(LAST_CHUNK) == (
        b"POST /2018-06-01/runtime/invocation/req-1/response HTTP/1.1\r\n"
        b"Host: " + platform.address.encode() + b"\r\n"
        b"Content-Type: application/vnd.awslambda.http-integration-response\r\n"
        b"Lambda-Runtime-Function-Response-Mode: streaming\r\n"
        b"Transfer-Encoding: chunked\r\n"
        b"Trailer: Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body\r\n"
        b"\r\n"
        b"65\r\n"
        b'{"statusCode":200,"headers":{"Content-Type":"text/plain","X-Content-Type-Options":"nosniff"}}'
        b"\0\0\0\0\0\0\0\0\r\n"
        b'3\r\n{"a\r\n'
        b'8\r\n": "\xc3\xbc"}\r\n'
        b"0\r\n\r\n"
    )
    call.reply()
    platform.idle()
    assert platform.log == ""


def test_a_chunk_is_one_write_and_leaves_at_once(platform: Platform) -> None:
    """The prelude is never joined to the body, and nothing waits. The child reports each write to a socket."""
    listening = """
        writes = []

        def noted(write):
            def note(self, data, *flags):
                writes.append((bytes(data), self.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0))
                return write(self, data, *flags)

            return note

        socket.socket.send, socket.socket.sendall = noted(socket.socket.send), noted(socket.socket.sendall)
    """
    platform.start(
        """
        yield b"1"
        yield b"22"
        yield END_OF_BODY
        for data, nagle_is_off in writes[-4:]:
            print(data, nagle_is_off)
        """,
        module=dedent(MODULE) + dedent(listening),
    )
    platform.invoke()
    response = platform.response()
    response.exactly(chunk(b"1") + chunk(b"22") + LAST_CHUNK)
    response.reply()
    platform.idle()
    assert platform.stdout.splitlines() == [
        f"{write!r} True" for write in (chunk(PRELUDE), chunk(b"1"), chunk(b"22"), LAST_CHUNK)
    ]


def test_a_chunk_for_which_the_connection_has_no_room_arrives_complete(platform: Platform) -> None:
    """Room comes when the platform reads on."""
    platform.start("yield b'1' * 8_000_000\nyield b'2'")
    platform.invoke()
    response = platform.response()
    response.exactly(chunk(b"1" * 8_000_000) + chunk(b"2") + LAST_CHUNK)
    response.reply()
    platform.idle()


@pytest.mark.parametrize("body", ["yield END_OF_BODY", "yield from ()"])
def test_a_response_without_a_body_has_one_byte(platform: Platform, body: str) -> None:
    platform.start(body)
    platform.invoke()
    response = platform.response()
    response.exactly(chunk(b"\n") + LAST_CHUNK)
    response.reply()
    platform.idle()


def test_a_plain_generator_ends_cleanly(platform: Platform) -> None:
    platform.start("yield b'1'")
    platform.invoke()
    response = platform.response()
    response.exactly(chunk(b"1") + LAST_CHUNK)
    response.reply()
    platform.idle()


def test_a_cut_ends_with_error_trailers_before_the_stages(platform: Platform) -> None:
    """The trailers name the code and its sentence, never a cause."""
    platform.start(f"""
        yield b"1"
        error = ModelFailed()
        error.__cause__ = ValueError("{CANARY}")
        yield Cut(error)
        report("stages")
    """)
    platform.invoke()
    response = platform.response()
    response.exactly(chunk(b"1") + MODEL_FAILED)
    response.reply()
    platform.reported("stages").go_on()
    platform.idle()
    assert CANARY not in platform.log


def silence(_: Call) -> None:
    """Send nothing."""


REFUSALS: dict[str, Callable[[Call], None]] = {
    "truncated": lambda response: response.reply("400 Bad Request", b'{"errorType":"TruncatedHTTPRequest"}'),
    "too large": lambda response: response.reply("413 Content Too Large", b'{"errorType":"RequestEntityTooLarge"}'),
    "wrong state": lambda response: response.reply("403 Forbidden", b'{"errorType":"InvalidStateTransition"}'),
    "reset": Call.reset,
    "closed": Call.close,
    "silent": silence,
}


@pytest.mark.parametrize("refuse", REFUSALS.values(), ids=REFUSALS.keys())
def test_a_response_that_is_not_acknowledged_closes_the_body(
    platform: Platform, refuse: Callable[[Call], None]
) -> None:
    """All bytes are sent, but Lambda does not acknowledge them."""
    platform.start("""
        yield b"1"
        try:
            yield END_OF_BODY
        except GeneratorExit:
            report("closed")
            raise
        report("complete")
    """)
    platform.invoke(seconds=1 if refuse is silence else 60)
    response = platform.response()
    response.exactly(chunk(b"1") + LAST_CHUNK)
    refuse(response)
    platform.reported("closed").go_on()
    platform.idle()
    assert platform.log.count("\n") == platform.log.count("[WARNING]") == 1
