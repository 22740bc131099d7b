"""The loop, with a real child process: what it does in which order, whatever interrupts it."""

import json
import os
import re
from textwrap import dedent

import pytest

from function.version import SERVICE_VERSION
from tests.aws.runtime.platform import (
    BOOTSTRAP,
    CANARY,
    INTERNAL,
    LAST_CHUNK,
    MODULE,
    Platform,
    chunk,
)


def test_nothing_waits_for_what_comes_after_it(platform: Platform) -> None:
    """The prelude is out before the first chunk exists, and each chunk before the next one does."""
    platform.start("""
        report("first")
        yield b"1"
        report("second")
        yield b"2"
        report("end")
        yield END_OF_BODY
    """)
    platform.invoke()
    response = platform.response()
    platform.reported("first").go_on()
    response.exactly(chunk(b"1"))
    platform.reported("second").go_on()
    response.exactly(chunk(b"2"))
    platform.reported("end").go_on()
    response.exactly(LAST_CHUNK)
    response.reply()
    platform.idle()


def test_the_stages_run_after_the_response_and_before_the_next_invocation(platform: Platform) -> None:
    """The platform has the last chunk and sees the connection closed, then come the stages, then ``/next``."""
    platform.start("""
        try:
            yield b"1"
            yield END_OF_BODY
        finally:
            report("log")
            report("store")
    """)
    platform.invoke()
    response = platform.response()
    response.exactly(chunk(b"1") + LAST_CHUNK)
    response.reply()
    platform.reported("log").go_on()
    platform.reported("store").go_on()
    platform.idle()


def test_a_bug_in_the_body_is_a_cut_that_does_not_describe_it(platform: Platform) -> None:
    """The log names the type, the place and the cause, on one line; messages can hold content and are left out."""
    platform.start(f"""
        yield b"1"
        try:
            raise KeyError("{CANARY}")
        except KeyError as cause:
            raise ValueError("{CANARY}") from cause
    """)
    platform.invoke()
    response = platform.response()
    response.exactly(chunk(b"1") + INTERNAL)
    response.reply()
    platform.idle()
    line, end = platform.log.split("\n")
    assert end == ""
    assert line.startswith("[ERROR]\t")
    assert f"Z\treq-1\t{SERVICE_VERSION}\tthe response body failed\rValueError\r" in line
    assert "\rcaused by KeyError\r" in line
    assert re.search(rf'\r  File "{platform.folder}/users.py", line \d+, in body\r', line)
    assert CANARY not in line


def test_a_bug_in_the_stages_leaves_the_response_and_the_loop_alone(platform: Platform) -> None:
    platform.start("""
        yield b"1"
        yield END_OF_BODY
        raise ValueError
    """)
    for _ in range(2):
        platform.invoke()
        response = platform.response()
        response.exactly(chunk(b"1") + LAST_CHUNK)
        response.reply()
    platform.idle()
    assert platform.log.count("the response body failed after its last chunk\rValueError") == 2


FAILING_HANDLERS = {
    "the handler": "def handle(event, context): raise ValueError(event)",
    "the prelude": 'def handle(event, context): return Response(200, {"X-Long": "x" * 16000}, body(event, context))',
}


@pytest.mark.parametrize("handle", FAILING_HANDLERS.values(), ids=FAILING_HANDLERS.keys())
def test_a_bug_before_the_prelude_is_reported_and_the_loop_goes_on(platform: Platform, handle: str) -> None:
    platform.start("yield b'1'", module=f"{dedent(MODULE)}\n{handle}\n")
    for _ in range(2):
        platform.invoke(CANARY, Lambda_Runtime_Invocation_Id="inv-1")
        report = platform.accept("POST /2018-06-01/runtime/invocation/req-1/error")
        assert report.fields["Lambda-Runtime-Function-Error-Type"] == "Function.ValueError"
        assert report.fields["Lambda-Runtime-Invocation-Id"] == "inv-1"
        document = report.document()
        assert document["errorType"] == "ValueError"
        assert document["errorMessage"] == "The function failed; its log says where."
        assert CANARY not in json.dumps(document)
        report.reply()
    platform.idle()
    assert CANARY not in platform.log
    assert platform.log.count("\n") == 2


def test_a_body_whose_prelude_cannot_be_sent_is_closed_before_the_report(platform: Platform) -> None:
    handle = """
        def handle(event, context):
            output = body(event, context)
            next(output)
            return Response(200, {"X-Long": "x" * 16000}, output)
    """
    platform.start(
        """
        try:
            yield b"the head"
        finally:
            report("stages")
        """,
        module=dedent(MODULE) + dedent(handle),
    )
    platform.invoke()
    platform.reported("stages").go_on()
    report = platform.accept("POST /2018-06-01/runtime/invocation/req-1/error")
    report.document()
    report.reply()
    platform.idle()


def test_an_event_that_is_not_json_is_reported(platform: Platform) -> None:
    platform.start("yield b'1'")
    platform.invoke(b"{")
    report = platform.accept("POST /2018-06-01/runtime/invocation/req-1/error")
    assert report.fields["Lambda-Runtime-Function-Error-Type"] == "Function.JSONDecodeError"
    assert report.document()["errorType"] == "JSONDecodeError"
    report.reply()
    platform.idle()


UNTIL_CLOSED = """
    try:
        yield b"1"
        report("first is out")
        while True:
            yield b"x" * 65536
    except GeneratorExit:
        report("closed")
        raise
"""


def test_a_reset_invoke_closes_the_body(platform: Platform) -> None:
    """The function notices by a write that fails; the loop goes on."""
    platform.start(UNTIL_CLOSED)
    platform.invoke()
    response = platform.response()
    response.exactly(chunk(b"1"))
    first = platform.reported("first is out")
    response.reset()
    first.go_on()
    platform.reported("closed").go_on()
    platform.idle()
    assert "[WARNING]" in platform.log
    assert "Lambda stopped accepting the response" in platform.log


def test_a_platform_that_stalls_is_given_up_in_time_for_the_stages(platform: Platform) -> None:
    """Nobody reads: the write ends with the response's time, while the sandbox still lives."""
    platform.start(UNTIL_CLOSED)
    platform.invoke(seconds=1)
    response = platform.response()
    response.exactly(chunk(b"1"))
    platform.reported("first is out").go_on()
    platform.reported("closed").go_on()
    platform.idle()
    response.close()
    assert "TimeoutError" in platform.log


def test_a_platform_in_a_broken_state_ends_the_process_after_the_stages(platform: Platform) -> None:
    platform.start("""
        try:
            yield END_OF_BODY
        finally:
            report("stages")
    """)
    platform.invoke()
    response = platform.response()
    response.exactly(chunk(b"\n") + LAST_CHUNK)
    response.reply("500 Internal Server Error", b"{}")
    platform.reported("stages").go_on()
    assert platform.status() == 1
    assert "[CRITICAL]" in platform.log


def test_a_runtime_api_that_goes_away_in_mid_stream_ends_the_process_after_the_stages(platform: Platform) -> None:
    platform.start("""
        try:
            yield b"1"
            report("first is out")
            while True:
                yield b"x" * 65536
        finally:
            print("stages", flush=True)
    """)
    platform.invoke()
    response = platform.response()
    first = platform.reported("first is out")
    platform.vanish()
    response.reset()
    first.go_on()
    assert platform.status() == 1
    assert platform.stdout == "stages\n"


def test_two_invocations_share_nothing(platform: Platform) -> None:
    """Request id, trace id and context are those of the one that runs, on the log's lines too."""
    platform.start("""
        logging.warning("event %s", event)
        yield f"{context.aws_request_id} {os.environ.get('_X_AMZN_TRACE_ID')} {context.tenant_id}".encode()
    """)
    platform.invoke(1, Lambda_Runtime_Trace_Id="Root=1-a", Lambda_Runtime_Aws_Tenant_Id="blue")
    response = platform.response()
    response.exactly(chunk(b"req-1 Root=1-a blue") + LAST_CHUNK)
    response.reply()
    platform.invoke(2, Lambda_Runtime_Aws_Request_Id="req-2")
    response = platform.response("req-2")
    response.exactly(chunk(b"req-2 None None") + LAST_CHUNK)
    response.reply()
    platform.idle()
    lines = [json.loads(line) for line in platform.log.splitlines()]
    assert [(line["request_id"], line["message"]) for line in lines] == [("req-1", "event 1"), ("req-2", "event 2")]


def test_what_is_printed_is_out_before_the_sandbox_is_frozen(platform: Platform) -> None:
    """No line waits in a buffer for the next invocation."""
    platform.start("""
        context.log("a line")
        print("another")
        yield b"1"
    """)
    platform.invoke()
    response = platform.response()
    response.exactly(chunk(b"1") + LAST_CHUNK)
    response.reply()
    platform.accept("GET /2018-06-01/runtime/invocation/next")
    assert platform.stdout == "a line\nanother\n"


def test_a_powertools_line_and_a_metric_are_alone_on_their_lines(platform: Platform) -> None:
    """The root handler is there before the handler's module: Powertools then keeps its lines off it."""
    module = f"{dedent(MODULE)}\nfrom aws_lambda_powertools import Logger\nlogger = Logger('s')\n"
    platform.start(
        """
        yield b"1"
        logger.error("from powertools")
        logging.error("from logging")
        print('{"_aws": {}}')
        """,
        module=module,
    )
    platform.invoke()
    response = platform.response()
    response.exactly(chunk(b"1") + LAST_CHUNK)
    response.reply()
    platform.idle()
    line, metric = platform.stdout.splitlines()
    assert json.loads(line)["message"] == "from powertools"
    assert metric == '{"_aws": {}}'
    [line] = [json.loads(line) for line in platform.log.splitlines()]
    assert (line["request_id"], line["message"]) == ("req-1", "from logging")


def test_the_log_format_json_is_one_object_a_line(platform: Platform) -> None:
    platform.start(
        """
        logging.debug("fine")
        yield b"1"
        raise ValueError
        """,
        AWS_LAMBDA_LOG_FORMAT="JSON",
        AWS_LAMBDA_LOG_LEVEL="TRACE",
    )
    platform.invoke()
    response = platform.response()
    response.exactly(chunk(b"1") + INTERNAL)
    response.reply()
    platform.idle()
    fine, bug = map(json.loads, platform.log.splitlines())
    assert (fine["level"], fine["message"], fine["logger"], fine["requestId"]) == ("DEBUG", "fine", "root", "req-1")
    assert fine["timestamp"].endswith("Z")
    assert (bug["level"], bug["errorType"]) == ("ERROR", "ValueError")
    assert bug["stackTrace"][0] == "ValueError"


NO_LOG = {
    "full": 'exec "$0" "$@" >/dev/full 2>/dev/full',
    "closed": 'exec "$0" "$@" >&- 2>&-',
    "nobody reads": '"$0" "$@" 2>&1 | :',
}


@pytest.mark.parametrize("shell", NO_LOG.values(), ids=NO_LOG.keys())
def test_a_log_that_takes_nothing_does_not_touch_the_responses(platform: Platform, shell: str) -> None:
    """A full disk, or no stdout and stderr at all: far more is logged than any buffer holds."""
    platform.start(
        """
        for _ in range(100):
            logging.error("x" * 1000)
        yield b"1"
        yield END_OF_BODY
        print("x" * 100_000)
        """,
        start=shell,
    )
    for _ in range(3):
        platform.invoke()
        response = platform.response()
        response.exactly(chunk(b"1") + LAST_CHUNK)
        response.reply()
    platform.accept("GET /2018-06-01/runtime/invocation/next")


def test_a_signal_ends_an_idle_sandbox(platform: Platform) -> None:
    platform.start("yield b'1'")
    call = platform.accept("GET /2018-06-01/runtime/invocation/next")
    platform.terminate()
    assert platform.status() == 0
    assert call.rest() == b""
    assert platform.log == ""


def test_a_signal_that_an_import_swallows_ends_the_sandbox(platform: Platform) -> None:
    swallowing = """
        import os, signal
        try:
            os.kill(os.getpid(), signal.SIGTERM)
        except BaseException:
            pass
    """
    platform.start("yield b''", module=f"{dedent(swallowing)}\n{dedent(MODULE)}")
    assert platform.status() == 0


def test_a_signal_in_mid_stream_breaks_the_body_off_and_lets_its_stages_run(platform: Platform) -> None:
    """Even if the body waits for the model; the response is left without its last chunk."""
    platform.start("""
        try:
            yield b"1"
            report("waiting")
        finally:
            report("log")
            report("store")
    """)
    platform.invoke()
    response = platform.response()
    platform.reported("waiting")
    platform.terminate()
    log = platform.reported("log")
    platform.terminate()  # once is enough: the stages are not broken off as well
    log.go_on()
    platform.reported("store").go_on()
    assert platform.status() == 0
    assert response.rest() == chunk(b"1")


def test_a_signal_in_mid_stream_cuts_the_client_off_before_the_stages(platform: Platform) -> None:
    """A client has all that it will get before any stage runs, at this end as at every other."""
    platform.start("""
        try:
            yield b"1"
            report("waiting")
        finally:
            report("stages")
    """)
    platform.invoke()
    response = platform.response()
    platform.reported("waiting")
    platform.terminate()
    stages = platform.reported("stages")
    assert response.rest() == chunk(b"1")
    stages.go_on()
    assert platform.status() == 0


def test_a_signal_while_the_platform_stalls_breaks_the_write_off(platform: Platform) -> None:
    platform.start("""
        try:
            report("begun")
            yield b"x" * 100_000_000
        finally:
            report("stages")
    """)
    platform.invoke()
    response = platform.response()
    platform.reported("begun").go_on()
    response.exactly(b"5f5e100\r\n")
    platform.terminate()
    platform.reported("stages").go_on()
    assert platform.status() == 0


def test_a_signal_during_the_stages_waits_for_them(platform: Platform) -> None:
    platform.start("""
        yield b"1"
        yield END_OF_BODY
        report("log")
        report("store")
    """)
    platform.invoke()
    response = platform.response()
    response.exactly(chunk(b"1") + LAST_CHUNK)
    response.reply()
    log = platform.reported("log")
    platform.terminate()
    log.go_on()
    platform.reported("store").go_on()
    assert platform.status() == 0


def test_only_the_task_root_and_the_python_path_count(platform: Platform) -> None:
    """Lambda's working folder is the task root, a debugger's is not: what lies there is never imported."""
    (platform.folder / "elsewhere").mkdir()
    (platform.folder / "elsewhere" / "function.py").write_text("raise RuntimeError")
    platform.start("yield b'1'", start='cd elsewhere && exec "$0" "$@"')
    platform.invoke()
    response = platform.response()
    response.exactly(chunk(b"1") + LAST_CHUNK)
    response.reply()
    platform.idle()


def test_the_bootstrap_is_executable() -> None:
    assert os.access(BOOTSTRAP, os.X_OK)


def test_no_collection_looks_through_what_init_has_made(platform: Platform) -> None:
    """That takes longer than a short answer. What requests leave behind is collected."""
    platform.start("import gc; yield f'{gc.isenabled()} {gc.get_freeze_count() > 10_000}'.encode()")
    platform.invoke()
    response = platform.response()
    response.exactly(chunk(b"True True") + LAST_CHUNK)
    response.reply()
    platform.idle()
