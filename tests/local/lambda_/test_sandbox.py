import json
import os
from pathlib import Path

import pytest

from local.lambda_.function import Function
from local.lambda_.invocation import Ending
from tests.local.toys import PRELUDE, deployed, echoing


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
    """Each way to fail has its own ending."""
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


@pytest.mark.parametrize(
    ("program", "statuses"),
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
def test_calls_that_do_not_fit_the_state_are_refused(tmp_path: Path, program: str, statuses: str) -> None:
    """Wrong id, wrong order, wrong place, wrong mode, too large: the statuses of the Runtime API."""
    with Function(deployed(tmp_path, f"id, headers, event = next_event()\n{program}\n")) as function:
        function.invoke(b"{}").read()
        function.journal.wait("output")

    assert list(function.output) == [statuses]


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
