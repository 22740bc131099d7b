from pathlib import Path

import pytest

from local.lambda_.function import Function
from local.lambda_.invocation import Ending, Invocation
from tests.local.toys import PRELUDE, echoing


def test_the_response_is_kept_as_bytes_chunks_and_trailers(tmp_path: Path) -> None:
    """Each chunk as the function framed it; only announced trailers count."""
    program = """
        answer(id, b"one", b"two", trailers=b"Lambda-Runtime-Function-Error-Type: x.y\\r\\nOther: z\\r\\n")
    """
    with Function(echoing(tmp_path, program)) as function:
        invocation = function.invoke(b"{}")

        assert invocation.read() == PRELUDE + b"onetwo"

    assert invocation.chunks == [PRELUDE, b"one", b"two"]
    assert invocation.trailers == {"lambda-runtime-function-error-type": "x.y"}
    assert invocation.ending is Ending.CUT
    assert invocation.raw.startswith(b"POST /2018-06-01/runtime/invocation/")
    assert invocation.raw.endswith(
        b"\r\n3\r\none\r\n3\r\ntwo\r\n0\r\nLambda-Runtime-Function-Error-Type: x.y\r\nOther: z\r\n\r\n"
    )


def test_trailers_that_were_not_announced_vanish(tmp_path: Path) -> None:
    """As on the platform: the response then counts as complete."""
    program = """
        response = Response(id, trailer=None)
        response.chunk(PRELUDE)
        response.end(b"Lambda-Runtime-Function-Error-Type: x.y\\r\\n")
    """
    with Function(echoing(tmp_path, program)) as function:
        invocation = function.invoke(b"{}")
        invocation.read()

    assert (invocation.trailers, invocation.ending) == ({}, Ending.COMPLETE)


def test_a_response_is_accepted_only_after_it_was_passed_on(tmp_path: Path) -> None:
    """The 202 waits for whoever forwards the bytes."""
    with Function(echoing(tmp_path, "write(answer(id, b'x')[0])")) as function:
        invocation = function.invoke(b"{}")
        while invocation.take() is not None:
            pass
        assert "accepted" not in [moment.what for moment in function.journal.moments()]

        invocation.forwarded()
        function.wait_until_idle()

    assert list(function.output) == ["202"]


def test_a_reset_makes_the_next_write_fail_and_leaves_the_sandbox_alive(tmp_path: Path) -> None:
    """The function sees a broken connection, and may ask for its next event."""
    program = """
        response = Response(id)
        response.chunk(PRELUDE)
        try:
            while True:
                response.chunk(b"x" * 1000)
        except OSError as error:
            write(type(error).__name__)
    """
    with Function(echoing(tmp_path, program)) as function:
        invocation = function.invoke(b"{}")
        assert invocation.take() == PRELUDE

        invocation.reset()
        invocation.read()
        function.wait_until_idle()

        assert invocation.ending is Ending.RESET
        assert function.output[0] in {"ConnectionResetError", "BrokenPipeError"}
        assert len(function.processes) == 1


@pytest.mark.parametrize("ending", [Ending.CUT, Ending.COMPLETE])
def test_a_reset_can_look_like_another_ending(tmp_path: Path, ending: Ending) -> None:
    """The function sees a broken connection; whoever takes the response sees what was asked for."""
    program = """
        response = Response(id)
        response.chunk(PRELUDE)
        response.chunk(b"x")
        try:
            while True:
                response.chunk(b"y")
        except OSError:
            write("broken")
    """
    with Function(echoing(tmp_path, program)) as function:
        invocation = function.invoke(b"{}")
        invocation.wait_for_chunks(2, 10)

        invocation.reset(ending)
        assert invocation.read().startswith(PRELUDE + b"x")
        function.wait_until_idle()

        assert (invocation.ending, list(function.output)) == (ending, ["broken"])


def test_one_can_wait_for_chunks_until_the_response_has_ended(tmp_path: Path) -> None:
    with Function(echoing(tmp_path, "answer(id, b'x')")) as function:
        invocation = function.invoke(b"{}")
        invocation.wait_for_chunks(100, 10)

        assert invocation.ending is Ending.COMPLETE
        with pytest.raises(TimeoutError):
            Invocation(b"", "", function.journal).wait_for_chunks(1, 0)
        invocation.read()


def test_a_reset_reaches_a_function_that_waits_for_its_202(tmp_path: Path) -> None:
    """Everything is written, and nothing has been taken yet."""
    program = """
        try:
            answer(id, b"x")
        except (OSError, http.client.HTTPException) as error:
            write("no answer")
    """
    with Function(echoing(tmp_path, program)) as function:
        invocation = function.invoke(b"{}")
        while invocation.take() is not None:
            pass

        invocation.reset()
        function.wait_until_idle()

    assert list(function.output) == ["no answer"]


def test_a_stalled_platform_blocks_the_write(tmp_path: Path) -> None:
    """The function has to bear it, or time out; nothing is lost when the platform reads on."""
    program = """
        response = Response(id)
        response.chunk(PRELUDE)
        response.connection.sock.settimeout(0.2)
        try:
            while True:
                response.chunk(b"x" * 100_000)
        except TimeoutError:
            write("blocked")
            sys.exit()
    """
    with Function(echoing(tmp_path, program)) as function:
        invocation = function.invoke(b"{}")
        invocation.stall()

        function.journal.wait("output")
        assert function.output[0] == "blocked"
        invocation.resume()
        invocation.read()


def test_a_reader_that_is_slow_slows_the_function_and_gets_everything(tmp_path: Path) -> None:
    """Only so many chunks wait in between."""
    with Function(echoing(tmp_path, "answer(id, *[b'%d,' % n for n in range(1000)])")) as function:
        invocation = function.invoke(b"{}")
        function.journal.wait("chunk", 64)

        assert len(invocation.chunks) <= 65
        assert invocation.read() == PRELUDE + b"".join(b"%d," % n for n in range(1000))
