import json
import os
import signal
import threading
from pathlib import Path

import pytest

from local.lambda_.function import Function
from local.lambda_.invocation import Ending
from tests.local.toys import PRELUDE, deployed, echoing


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


def test_a_function_is_started_as_a_managed_runtime_starts_its_wrapper(tmp_path: Path) -> None:
    """Arguments, working folder, and an environment of Lambda's variables and its own, nothing else."""
    program = "answer(id, json.dumps([sys.argv, os.getcwd(), dict(os.environ)]).encode())"
    deployment = echoing(tmp_path, program, environment={"LLM_MODEL_ID": "m"}, name="fn", memory=512)
    with Function(deployment) as function:
        arguments, folder, environment = json.loads(function.invoke(b"{}").read().split(bytes(8))[1])

    assert arguments == [str(tmp_path / "bootstrap"), deployment.python, "/var/runtime/bootstrap.py"]
    assert folder == environment["LAMBDA_TASK_ROOT"] == str(tmp_path)
    assert environment["_HANDLER"] == "function.handler.handle"
    assert environment["LLM_MODEL_ID"] == "m"
    assert environment["AWS_LAMBDA_FUNCTION_NAME"] == "fn"
    assert environment["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] == "512"
    assert environment["AWS_LAMBDA_EXEC_WRAPPER"] == str(tmp_path / "bootstrap")
    assert environment.keys() - {"LC_CTYPE"} == deployment.environ("").keys()


def test_none_removes_a_variable_of_the_platform(tmp_path: Path) -> None:
    """A profile in the user's configuration would lose against the platform's keys."""
    deployment = deployed(tmp_path, "", environment={"AWS_ACCESS_KEY_ID": None})

    assert "AWS_ACCESS_KEY_ID" not in deployment.environ("")


def test_an_event_comes_with_the_headers_that_a_runtime_reads(tmp_path: Path) -> None:
    """Id, deadline, ARN, trace; the event is the body."""
    program = "answer(id, json.dumps([dict(headers), event, time.time()]).encode())"
    with Function(echoing(tmp_path, program, timeout=60)) as function:
        invocation = function.invoke(b'{"a": 1}', "Root=1-x")
        headers, event, now = json.loads(invocation.read().split(bytes(8))[1])

    assert event == {"a": 1}
    assert headers["Lambda-Runtime-Aws-Request-Id"] == invocation.id
    assert headers["Lambda-Runtime-Trace-Id"] == "Root=1-x"
    assert headers["Lambda-Runtime-Invoked-Function-Arn"].endswith(":function:streaming-llm")
    assert 0 < int(headers["Lambda-Runtime-Deadline-Ms"]) / 1000 - now <= 60


def test_a_warm_sandbox_is_used_again(tmp_path: Path) -> None:
    """One process serves one request after the other."""
    with Function(echoing(tmp_path, "answer(id, str(os.getpid()).encode())")) as function:
        first = function.invoke(b"{}").read()
        function.wait_until_idle()
        second = function.invoke(b"{}").read()

    assert first == second
    assert function.sandboxes_started == 1


def test_concurrent_requests_get_further_sandboxes_up_to_the_limit(tmp_path: Path) -> None:
    """One request at a time per sandbox; beyond the limit the invocation is throttled."""
    program = """
        answer(id, b"x")
        time.sleep(1000)
    """
    with Function(echoing(tmp_path, program, concurrency=2)) as function:
        busy = [function.invoke(b"{}") for _ in range(2)]
        third = function.invoke(b"{}")

        assert [it.read() for it in busy] == [PRELUDE + b"x"] * 2
        assert (third.read(), third.ending) == (b"", Ending.THROTTLED)
        assert len(function.processes) == 2


def test_a_sandbox_that_still_works_after_its_answer_is_busy(tmp_path: Path) -> None:
    """It takes the next event only when it asks for it."""
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    program = f"""
        answer(id, b"x")
        open({str(gate)!r}).read()
    """
    with Function(echoing(tmp_path, program, concurrency=1)) as function:
        function.invoke(b"{}").read()
        assert function.invoke(b"{}").ending is Ending.THROTTLED

        gate.write_text("go on")
        function.wait_until_idle()
        second = function.invoke(b"{}")
        assert second.read() == PRELUDE + b"x"
        gate.write_text("go on")
        function.wait_until_idle()


def test_nothing_is_left_after_close(tmp_path: Path) -> None:
    """Neither a process nor a thread, whatever the function is doing."""
    threads = threading.active_count()
    program = """
        response = Response(id)
        response.chunk(PRELUDE)
        time.sleep(1000)
    """
    with Function(echoing(tmp_path, program)) as function:
        invocation = function.invoke(b"{}")
        assert invocation.take() == PRELUDE
        [process] = function.processes

    assert threading.active_count() == threads
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)


def test_the_function_is_told_that_its_response_was_accepted_only_after_it_was_passed_on(tmp_path: Path) -> None:
    """The 202 waits for whoever forwards the bytes."""
    with Function(echoing(tmp_path, "write(answer(id, b'x')[0])")) as function:
        invocation = function.invoke(b"{}")
        while invocation.take() is not None:
            pass
        assert "accepted" not in [moment.what for moment in function.journal.moments()]

        invocation.forwarded()
        function.wait_until_idle()

    assert list(function.output) == ["202"]


def test_what_the_function_wrote_before_it_asked_stands_before_it_in_the_journal(tmp_path: Path) -> None:
    """So a test can say what came before the next event was asked for."""
    program = """
        answer(id, b"x")
        for number in range(100):
            write(number)
    """
    with Function(echoing(tmp_path, program)) as function:
        function.invoke(b"{}").read()
        function.wait_until_idle()

        order = function.journal.order("next", "event", "response end", "accepted", "output")

    assert order == ["next", "event", "response end", "accepted", *["output"] * 100, "next"]


def test_output_is_heard_line_by_line_with_a_last_line_that_does_not_end(tmp_path: Path) -> None:
    """Both streams, in order."""
    program = """
        print("to stdout", flush=True)
        print("to stderr", file=sys.stderr, flush=True)
        print("no end", end="", flush=True)
        next_event()
        sys.exit()
    """
    heard: list[str] = []
    with Function(deployed(tmp_path, program), on_output=heard.append) as function:
        function.invoke(b"{}").read()

    assert heard == ["to stdout", "to stderr", "no end"]


@pytest.mark.parametrize(
    ("program", "ending"),
    [
        ("sys.exit(1)", Ending.INIT_FAILED),
        ("call('POST', '/init/error', b'{\"errorType\": \"E\"}'); sys.exit(1)", Ending.INIT_FAILED),
        ("next_event(); sys.exit(1)", Ending.CRASHED),
        ("id, *_ = next_event(); r = Response(id); r.chunk(PRELUDE); sys.exit(1)", Ending.TRUNCATED),
        ("id, *_ = next_event(); call('POST', f'/invocation/{id}/error', b'{}'); next_event()", Ending.ERROR),
    ],
)
def test_a_function_that_fails_ends_its_invocation(tmp_path: Path, program: str, ending: Ending) -> None:
    """Each way to fail is told apart."""
    with Function(deployed(tmp_path, program)) as function:
        invocation = function.invoke(b"{}")
        invocation.read()

    assert invocation.ending is ending


def test_the_error_of_a_failed_start_is_kept(tmp_path: Path) -> None:
    """As the function reported it."""
    program = "call('POST', '/init/error', b'{\"errorType\": \"E\"}'); sys.exit(1)"
    with Function(deployed(tmp_path, program)) as function:
        invocation = function.invoke(b"{}")
        invocation.read()

    assert invocation.error == {"errorType": "E"}


def test_a_bundle_whose_bootstrap_cannot_be_started_fails_to_start(tmp_path: Path) -> None:
    """A missing executable bit is such a case."""
    deployment = deployed(tmp_path, "")
    deployment.bootstrap.chmod(0o644)
    with Function(deployment) as function:
        invocation = function.invoke(b"{}")

    assert invocation.ending is Ending.INIT_FAILED
    assert "does not start" in function.output[0]


def test_after_a_crash_the_next_request_gets_a_new_sandbox(tmp_path: Path) -> None:
    """The platform starts over."""
    program = """
        if event["crash"]:
            sys.exit(1)
        answer(id, b"alive")
    """
    with Function(echoing(tmp_path, program)) as function:
        function.invoke(b'{"crash": true}').read()

        assert function.invoke(b'{"crash": false}').read().endswith(b"alive")


def test_a_function_that_outlives_its_timeout_is_killed(tmp_path: Path) -> None:
    """The invocation ends with what had come."""
    program = """
        response = Response(id)
        response.chunk(PRELUDE)
        time.sleep(1000)
    """
    with Function(echoing(tmp_path, program, timeout=0.3)) as function:
        invocation = function.invoke(b"{}")

        assert invocation.read() == PRELUDE
        assert invocation.ending is Ending.TIMED_OUT


def test_a_function_that_outlives_its_timeout_after_its_answer_is_killed_too(tmp_path: Path) -> None:
    """Work after the answer counts against the timeout."""
    program = """
        answer(id, b"x")
        time.sleep(1000)
    """
    with Function(echoing(tmp_path, program, timeout=0.3)) as function:
        invocation = function.invoke(b"{}")
        assert invocation.read() == PRELUDE + b"x"
        function.wait_until_idle()  # no sandbox is left to wait for

        assert (invocation.ending, function.processes) == (Ending.COMPLETE, [])


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


def test_a_reset_reaches_a_function_that_waits_for_its_202(tmp_path: Path) -> None:
    """All was written, nobody has taken it yet."""
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


@pytest.mark.parametrize(
    ("program", "told"),
    [
        ("write(call('POST', '/invocation/nobody/response', b'')[0])", "400"),
        ("answer(id, b'x'); write(call('POST', f'/invocation/{id}/error', b'{}')[0])", "403"),
        ("write(call('POST', '/init/error', b'{}')[0])", "403"),
        ("write(call('GET', '/invocation/next')[0])", "403"),
        ("write(call('GET', '/elsewhere')[0])", "404"),
        ("write(call('POST', f'/invocation/{id}/error', b'{')[0])", "202"),
        ("r = Response(id, mode='buffered'); write(r.accepted()[0])", "400"),
        ("write(call('POST', f'/invocation/{id}/response', b'x' * (6 * 1024 * 1024 + 101))[0])", "413"),
        ("write(call('POST', f'/invocation/{id}/response', b'buffered')[0])", "202"),
    ],
)
def test_calls_that_do_not_fit_the_state_are_refused(tmp_path: Path, program: str, told: str) -> None:
    """Wrong id, wrong order, wrong place, wrong mode, too large: the statuses of the Runtime API."""
    with Function(deployed(tmp_path, f"id, headers, event = next_event()\n{program}\n")) as function:
        function.invoke(b"{}").read()
        function.journal.wait("output")

    assert list(function.output) == [told]


def test_a_second_answer_to_one_event_is_refused(tmp_path: Path) -> None:
    """While the first one is under way, an error comes too late."""
    door = tmp_path / "door"
    os.mkfifo(door)
    program = f"""
        response = Response(id)
        response.chunk(PRELUDE)
        open({str(door)!r}).read()
        write(call("POST", f"/invocation/{{id}}/error", b"{{}}")[0])
        response.end()
    """
    with Function(echoing(tmp_path, program)) as function:
        invocation = function.invoke(b"{}")
        function.journal.wait("response")
        door.write_text("the response is under way")
        invocation.read()
        function.wait_until_idle()

    assert (list(function.output), invocation.ending) == (["403"], Ending.COMPLETE)


def test_a_runtime_api_that_goes_away_is_a_broken_connection_for_the_function(tmp_path: Path) -> None:
    """The process is left to notice it, and to end."""
    program = """
        response = Response(id)
        response.chunk(PRELUDE)
        try:
            while True:
                response.chunk(b"x" * 1000)
        except OSError as error:
            write("gone")
            sys.exit(1)
    """
    with Function(echoing(tmp_path, program)) as function:
        invocation = function.invoke(b"{}")
        assert invocation.take() == PRELUDE

        function.hang_up()
        invocation.read()
        function.journal.wait("output")

        assert invocation.ending is Ending.RESET
        assert function.output[0] == "gone"


def test_a_function_that_gives_a_blocked_write_up_is_refused_the_next_event(tmp_path: Path) -> None:
    """As by AWS's emulator: the answer counts as under way while its copy to the caller is stuck."""
    program = """
        response = Response(id)
        response.connection.sock.settimeout(0.2)
        try:
            while True:
                response.chunk(b"x" * 100_000)
        except TimeoutError:
            response.connection.close()
        write(call("GET", "/invocation/next")[0])
        sys.exit(1)
    """
    with Function(echoing(tmp_path, program)) as function:
        invocation = function.invoke(b"{}")
        invocation.stall()
        invocation.read()
        function.wait_until_idle()

        assert list(function.output) == ["403"]
        assert invocation.ending is Ending.CRASHED


def test_a_sandbox_without_its_runtime_api_gets_no_event(tmp_path: Path) -> None:
    """Even if the process has not noticed yet: the next request has a new sandbox."""
    program = """
        write("begins")
        try:
            id, headers, event = next_event()
        except OSError:
            time.sleep(1000)
        answer(id, b"x")
        next_event()
    """
    with Function(deployed(tmp_path, program)) as function:
        function.invoke(b"{}").read()
        function.wait_until_idle()
        function.hang_up()

        assert function.invoke(b"{}").read() == PRELUDE + b"x"
        assert function.sandboxes_started == 2


@pytest.mark.parametrize(("end", "status"), [("sys.exit(3)", "3"), ("os.kill(os.getpid(), 9)", "-9")])
def test_the_end_of_a_sandbox_is_told(tmp_path: Path, end: str, status: str) -> None:
    with Function(echoing(tmp_path, end)) as function:
        function.invoke(b"{}").read()
        function.journal.wait("gone")

        assert [moment.about for moment in function.journal.moments() if moment.what == "gone"] == [status]


def test_no_event_waits_for_a_sandbox_that_has_just_ended(tmp_path: Path) -> None:
    """Killed while it was idle: a request either ends with it or has a new one, whatever was seen first."""
    with Function(echoing(tmp_path, 'answer(id, b"x")')) as function:
        for _ in range(10):
            function.invoke(b"{}").read()
            function.wait_until_idle()
            for process in function.processes:
                os.kill(process, signal.SIGKILL)

            following = [function.invoke(b"{}") for _ in range(3)]
            for invocation in following:
                invocation.read()
                assert invocation.ending in {Ending.COMPLETE, Ending.CRASHED}
