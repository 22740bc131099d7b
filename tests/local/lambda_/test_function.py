import os
import signal
import threading
from pathlib import Path

import pytest

from local.lambda_.function import Function, StartFailed
from local.lambda_.invocation import Ending
from tests.local.toys import PRELUDE, deployed, echoing


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

        assert [invocation.read() for invocation in busy] == [PRELUDE + b"x"] * 2
        assert (third.read(), third.ending) == (b"", Ending.THROTTLED)
        assert len(function.processes) == 2
        assert "A request was refused with 500: the local function answers at most 2 requests at once." in (
            function.output
        )


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


def test_a_bundle_whose_bootstrap_cannot_be_started_fails_to_start(tmp_path: Path) -> None:
    """A missing executable bit is such a case."""
    deployment = deployed(tmp_path, "")
    deployment.bootstrap.chmod(0o644)
    with Function(deployment) as function:
        invocation = function.invoke(b"{}")

    assert invocation.ending is Ending.INIT_FAILED
    assert "did not start" in function.output[0]


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


@pytest.mark.parametrize(("end", "status"), [("sys.exit(3)", "3"), ("os.kill(os.getpid(), 9)", "-9")])
def test_the_end_of_a_sandbox_is_noted(tmp_path: Path, end: str, status: str) -> None:
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


def test_a_sandbox_can_be_started_ahead_of_the_first_request(tmp_path: Path) -> None:
    """It is the one that serves it."""
    with Function(echoing(tmp_path, "answer(id, str(os.getpid()).encode())")) as function:
        function.start()
        [started] = function.processes

        assert function.invoke(b"{}").read() == PRELUDE + str(started).encode()
        assert function.sandboxes_started == 1


@pytest.mark.parametrize(
    ("program", "kind", "message"),
    [
        (
            """
                call("POST", "/init/error", b'{"errorType": "Function.Wrong", "errorMessage": "x must be y."}')
                sys.exit(1)
            """,
            "Function.Wrong",
            "x must be y.",
        ),
        ("print('the last words')\nsys.exit(1)", "", "the last words"),
        ("sys.exit(3)", "", "its process ended with status 3"),
    ],
)
def test_a_sandbox_that_does_not_start_reports_why(tmp_path: Path, program: str, kind: str, message: str) -> None:
    """What the function reported, else its last line, else its exit status."""
    with Function(deployed(tmp_path, program)) as function, pytest.raises(StartFailed) as failure:
        function.start()

    assert (failure.value.kind, str(failure.value)) == (kind, message)
    assert not function.processes


def test_a_bootstrap_that_cannot_be_run_is_named(tmp_path: Path) -> None:
    deployment = deployed(tmp_path, "")
    deployment.bootstrap.chmod(0o644)

    with Function(deployment) as function, pytest.raises(StartFailed, match=str(deployment.bootstrap)):
        function.start()
