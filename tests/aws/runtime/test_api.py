"""The calls of the Runtime API, as bytes on its socket."""

import socket
import time
from collections.abc import Callable
from http.client import HTTPMessage
from textwrap import dedent

import pytest

from function.aws.runtime.api import Invocation, RuntimeApi
from function.aws.runtime.errors import ResponseNotAccepted
from tests.aws.runtime.platform import LAST_CHUNK, MODULE, PATIENCE, Call, Platform, chunk


def test_the_next_invocation_is_waited_for_without_a_limit(platform: Platform) -> None:
    """A sandbox may be frozen for hours while it asks."""
    listening = """
        import sys
        from http.client import HTTPConnection

        def listen(name, args):
            if name == "http.client.send" and isinstance(args[0], HTTPConnection) and args[1].startswith(b"GET"):
                print("next:", args[0].sock.gettimeout(), flush=True)

        sys.addaudithook(listen)
    """
    platform.start("yield b'1'", module=dedent(MODULE) + dedent(listening))
    platform.idle()
    assert platform.stdout == "next: None\n"


@pytest.mark.parametrize(
    "leave",
    [
        Call.close,
        Call.reset,
        lambda call: call.reply("403 Forbidden", b"{}"),
        lambda call: call.reply("500 No", b"{}"),
        lambda call: call.reply("200 OK", b"{}"),
        lambda call: call.reply("200 OK", b"{}", Lambda_Runtime_Aws_Request_Id="1", Lambda_Runtime_Deadline_Ms="soon"),
    ],
    ids=["closed", "reset", "403", "500", "without an id", "without a time"],
)
def test_without_a_next_invocation_the_process_ends(platform: Platform, leave: Callable[[Call], None]) -> None:
    platform.start("yield b'1'")
    leave(platform.accept("GET /2018-06-01/runtime/invocation/next"))
    assert platform.status() == 1
    assert "the Runtime API failed" in platform.log


@pytest.mark.parametrize(
    "fields",
    [
        {"Lambda_Runtime_Aws_Request_Id": "../other"},
        {"Lambda_Runtime_Aws_Request_Id": "é"},
        {"Lambda_Runtime_Aws_Request_Id": "a b"},
        {"Lambda_Runtime_Deadline_Ms": 5000 * "9"},
        {"Lambda_Runtime_Deadline_Ms": "-1"},
        {"Lambda_Runtime_Deadline_Ms": "1e400"},
        {"Lambda_Runtime_Invocation_Id": "é"},
        {"Lambda_Runtime_Trace_Id": "a\0b"},
        {"Lambda_Runtime_Client_Context": "[]"},
        {"Lambda_Runtime_Client_Context": "canary"},
        {"Lambda_Runtime_Client_Context": "null"},
        {"Lambda_Runtime_Cognito_Identity": 5000 * "["},
        {"Lambda_Runtime_Cognito_Identity": '"canary"'},
    ],
    ids=lambda fields: str(fields)[:60],
)
def test_an_invocation_of_an_odd_form_ends_the_process_with_one_line(
    platform: Platform, fields: dict[str, str]
) -> None:
    """Whatever the runtime did with it would be wrong; the line names the field and quotes nothing."""
    platform.start("yield b'1'")
    platform.invoke(None, 60, **fields)
    assert platform.status() == 1
    [line] = platform.log.splitlines()
    [name] = fields
    assert "the Runtime API failed" in line
    assert name.replace("_", "-") in line
    assert "canary" not in line


def test_a_connection_that_takes_no_prelude_is_closed_at_once() -> None:
    """Not only when the exception is collected, which can be much later."""
    now = time.time()
    invocation = Invocation("i", b"{}", HTTPMessage(), respond_by=now, killed_at=now)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        api = RuntimeApi(f"127.0.0.1:{listener.getsockname()[1]}")
        with pytest.raises(ResponseNotAccepted) as caught:
            api.respond(invocation, b"x" * 100_000_000)
        peer, _ = listener.accept()
        with peer:
            peer.settimeout(PATIENCE)
            while peer.recv(1_000_000):
                pass
    assert isinstance(caught.value.__cause__, TimeoutError)


def test_a_response_finds_its_way_though_the_platform_has_closed_the_connection_of_its_event(
    platform: Platform,
) -> None:
    """A model can think for minutes. While the connection lives, the response takes it: ``platform`` sees to that."""
    waiting = """
        def handle(event, context):
            report("waits")
            return Response(200, HEADERS, body(event, context))
    """
    platform.start("yield b'1'", module=dedent(MODULE) + dedent(waiting))
    platform.invoke()
    word = platform.reported("waits")
    platform.hang_up()
    word.go_on()
    response = platform.response()
    response.exactly(chunk(b"1") + LAST_CHUNK)
    response.reply()
    platform.idle()


def test_the_invocation_id_comes_back_with_the_response(platform: Platform) -> None:
    platform.start("yield b'1'")
    platform.invoke(Lambda_Runtime_Invocation_Id="inv-1")
    response = platform.response()
    assert response.fields["Lambda-Runtime-Invocation-Id"] == "inv-1"
    response.exactly(chunk(b"1") + LAST_CHUNK)
    response.reply()
    platform.idle()


def test_an_error_of_any_name_fits_into_a_header_field(platform: Platform) -> None:
    handle = """
        class Überlauf漢(Exception): pass
        def handle(event, context): raise Überlauf漢
    """
    platform.start("yield b'1'", module=dedent(MODULE) + dedent(handle))
    platform.invoke()
    report = platform.accept("POST /2018-06-01/runtime/invocation/req-1/error")
    assert report.fields["Lambda-Runtime-Function-Error-Type"] == r"Function.\xdcberlauf\u6f22"
    assert report.document()["errorType"] == "Überlauf漢"
    report.reply()
    platform.idle()


def test_a_refused_error_report_stops_nothing(platform: Platform) -> None:
    platform.start("yield b'1'", module=f"{dedent(MODULE)}\ndef handle(event, context): raise ValueError\n")
    platform.invoke()
    report = platform.accept("POST /2018-06-01/runtime/invocation/req-1/error")
    report.document()
    report.reply("403 Forbidden", b"InvalidStateTransition")
    platform.invoke()
    platform.accept("POST /2018-06-01/runtime/invocation/req-1/error").reset()
    platform.idle()
    assert "Lambda refused an error report: 403 InvalidStateTransition" in platform.log
    assert "an error report could not be sent to Lambda" in platform.log
