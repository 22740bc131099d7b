"""The runtime as a real child process against a Runtime API that is this test, one accepted connection at a time.

The order in which connections come in is the order in which things happened: the function's test bodies report what
they do (``tell``) on the same port, and wait for the answer.
"""

import base64
import json
import logging
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from http.client import HTTPMessage
from pathlib import Path
from textwrap import dedent, indent

import pytest

from function.aws.logs import TextFormat
from function.aws.runtime.api import Invocation, RuntimeApi
from function.aws.runtime.errors import NotTaken

ROOT = Path(__file__).parents[3]
BOOTSTRAP = ROOT / "function" / "bootstrap"
PATIENCE = 30.0
"""Seconds after which a test gives up; no assertion depends on it."""
CANARY = "canary-7f3a"

PRELUDE = b'{"statusCode":200,"headers":{"Content-Type":"text/plain","X-Content-Type-Options":"nosniff"}}' + bytes(8)
LAST_CHUNK = b"0\r\n\r\n"

PRELUDE_OF_THE_MODULE = """
    import logging, os, socket, time
    from function.aws.gateway import Response
    from function.stream.errors import ModelFailed
    from function.stream.events import END_OF_BODY, Cut

    def tell(word):
        host, port = os.environ["AWS_LAMBDA_RUNTIME_API"].split(":")
        with socket.create_connection((host, int(port)), timeout=30) as peer:
            peer.sendall(f"{word}\\r\\n\\r\\n".encode())
            return peer.recv(100)

    def handle(event, context):
        return Response(200, {"Content-Type": "text/plain"}, body(event, context))
"""


def chunk(data: bytes) -> bytes:
    """Return ``data`` as it must be on the wire."""
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


class Call:
    """One connection of the function to the platform, as raw bytes."""

    def __init__(self, connection: socket.socket) -> None:
        """Read the head of the request (or the word that was told)."""
        self._connection = connection
        self._read_ahead = b""
        self.head = self.until(b"\r\n\r\n")

    @property
    def line(self) -> str:
        """The request line without its version, or the word."""
        return self.head.split(b"\r\n")[0].decode().removesuffix(" HTTP/1.1")

    @property
    def fields(self) -> dict[str, str]:
        """The header fields."""
        return dict(line.split(": ", 1) for line in self.head.decode().strip().split("\r\n")[1:])

    def until(self, end: bytes) -> bytes:
        """Return the bytes up to ``end``, which must come."""
        while end not in self._read_ahead:
            more = self._connection.recv(65536)
            assert more, f"the connection ended after {self._read_ahead!r}"
            self._read_ahead += more
        found, _, self._read_ahead = self._read_ahead.partition(end)
        return found + end

    def exactly(self, expected: bytes) -> None:
        """Expect these bytes next."""
        while len(self._read_ahead) < len(expected):
            more = self._connection.recv(65536)
            assert more, f"the connection ended after {self._read_ahead!r}"
            self._read_ahead += more
        assert self._read_ahead[: len(expected)] == expected
        self._read_ahead = self._read_ahead[len(expected) :]

    def rest(self) -> bytes:
        """Return all bytes until the function closes the connection."""
        rest = self._read_ahead
        while more := self._connection.recv(65536):
            rest += more
        self._read_ahead = b""
        return rest

    def document(self) -> dict[str, object]:
        """Return the JSON body of a report."""
        length = int(self.fields["Content-Length"])
        while len(self._read_ahead) < length:
            self._read_ahead += self._connection.recv(65536)
        document: dict[str, object] = json.loads(self._read_ahead[:length])
        self._read_ahead = self._read_ahead[length:]
        return document

    def reply(self, status: str = "202 Accepted", body: bytes = b'{"status":"OK"}', **fields: str) -> None:
        """Answer in HTTP, and see the function close the connection."""
        lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in fields.items()]
        self._connection.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        assert self.rest() == b""
        self._connection.close()

    def go_on(self) -> None:
        """Answer a word that was told."""
        self._connection.sendall(b"go on")
        self._connection.close()

    def reset(self) -> None:
        """Break the connection off, as the platform does when it resets an invoke."""
        self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._connection.close()

    def close(self) -> None:
        """Close the connection without a word."""
        self._connection.close()


class Platform:
    """A Runtime API, and the sandbox that it started."""

    def __init__(self, folder: Path) -> None:
        """Listen on a free port; ``folder`` takes the user's code and the logs."""
        self.folder = folder
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(PATIENCE)
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self._calls: list[Call] = []
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, body: str, *, module: str = PRELUDE_OF_THE_MODULE, start: str = "", **environment: str) -> None:
        """Write a handler whose ``body(event, context)`` is given, and start it as Lambda does with an exec wrapper."""
        source = f"{dedent(module)}\ndef body(event, context):\n{indent(dedent(body), '    ')}"
        (self.folder / "users.py").write_text(source)
        command = [str(BOOTSTRAP), sys.executable, "/var/runtime/bootstrap.py"]
        with (self.folder / "stdout").open("wb") as stdout, (self.folder / "stderr").open("wb") as stderr:
            self._process = subprocess.Popen(  # noqa: S603 - our own bootstrap
                ["/bin/sh", "-c", start, *command] if start else command,
                cwd=self.folder,
                env={
                    "PATH": "/usr/bin:/bin",
                    "AWS_LAMBDA_RUNTIME_API": self.address,
                    "LAMBDA_TASK_ROOT": str(ROOT),
                    "PYTHONPATH": str(self.folder),
                    "_HANDLER": "users.handle",
                    "AWS_LAMBDA_FUNCTION_NAME": "streaming",
                    "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
                    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1024",
                    "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/streaming",
                    "AWS_LAMBDA_LOG_STREAM_NAME": "stream-1",
                }
                | environment,
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
            )

    def accept(self, line: str) -> Call:
        """Take the next connection, which must be this call."""
        connection, _ = self._listener.accept()
        connection.settimeout(PATIENCE)
        call = Call(connection)
        self._calls.append(call)
        assert call.line == line
        return call

    def invoke(self, event: object = None, seconds: float = 60, **fields: str) -> None:
        """Give the function, which asks for it, an event."""
        fields = {
            "Lambda_Runtime_Aws_Request_Id": "req-1",
            "Lambda_Runtime_Deadline_Ms": str(int((time.time() + seconds) * 1000)),
            "Lambda_Runtime_Invoked_Function_Arn": "arn:aws:lambda:eu-west-1:123456789012:function:streaming",
        } | fields
        self.accept("GET /2018-06-01/runtime/invocation/next").reply("200 OK", json.dumps(event).encode(), **fields)

    def answer(self, request_id: str = "req-1") -> Call:
        """Take the streamed answer up to its prelude, which is a chunk of its own."""
        call = self.accept(f"POST /2018-06-01/runtime/invocation/{request_id}/response")
        call.exactly(chunk(PRELUDE))
        return call

    def told(self, word: str) -> Call:
        """Take the connection by which the function tells ``word``; it waits for ``go_on``."""
        return self.accept(word)

    def idle(self) -> None:
        """Expect the function to ask for the next event; end it there."""
        self.accept("GET /2018-06-01/runtime/invocation/next")
        assert self._process
        self._process.terminate()
        assert self._process.wait(PATIENCE) == 0

    def terminate(self) -> None:
        """Send SIGTERM."""
        assert self._process
        self._process.send_signal(signal.SIGTERM)

    def status(self) -> int:
        """Return the exit status."""
        assert self._process
        return self._process.wait(PATIENCE)

    def vanish(self) -> None:
        """Stop listening."""
        self._listener.close()

    @property
    def stdout(self) -> str:
        """What the function printed."""
        return (self.folder / "stdout").read_bytes().decode()

    @property
    def log(self) -> str:
        """What the runtime logged."""
        return (self.folder / "stderr").read_bytes().decode()

    def stop(self) -> None:
        """End what is left."""
        self._listener.close()
        for call in self._calls:
            call.close()
        if self._process:
            self._process.kill()
            self._process.wait()


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[Platform]:
    """A Runtime API for one sandbox."""
    platform = Platform(tmp_path)
    yield platform
    platform.stop()


def trailers(error_type: str, code: str, title: str) -> bytes:
    """Return the end of an answer that was cut."""
    document = json.dumps({"errorMessage": title, "errorType": code, "stackTrace": []}).encode()
    return (
        b"0\r\n"
        b"Lambda-Runtime-Function-Error-Type: " + error_type.encode() + b"\r\n"
        b"Lambda-Runtime-Function-Error-Body: " + base64.b64encode(document) + b"\r\n"
        b"\r\n"
    )


MODEL_FAILED = trailers("Function.model_failed", "model_failed", "The model failed to finish its answer.")
INTERNAL = trailers("Function.internal", "internal", "The endpoint failed.")


def test_the_wire_of_a_streamed_answer(platform: Platform) -> None:
    """Every byte that the platform gets, from the request line to the last chunk."""
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


def test_nothing_waits_for_what_comes_after_it(platform: Platform) -> None:
    """The prelude is out before the first chunk exists, and each chunk before the next one does."""
    platform.start("""
        tell("first")
        yield b"1"
        tell("second")
        yield b"2"
        tell("end")
        yield END_OF_BODY
    """)
    platform.invoke()
    answer = platform.answer()
    platform.told("first").go_on()
    answer.exactly(chunk(b"1"))
    platform.told("second").go_on()
    answer.exactly(chunk(b"2"))
    platform.told("end").go_on()
    answer.exactly(LAST_CHUNK)
    answer.reply()
    platform.idle()


def test_a_chunk_is_one_write_and_leaves_at_once(platform: Platform) -> None:
    """The prelude is never glued to the body; Nagle's algorithm holds nothing back. Heard by the child's audit hook."""
    listening = """
        import sys
        from http.client import HTTPConnection

        writes = []

        def listen(name, args):
            if name == "http.client.send" and isinstance(args[0], HTTPConnection):
                nagle_is_off = args[0].sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0
                writes.append((bytes(args[1]), nagle_is_off))

        sys.addaudithook(listen)
    """
    platform.start(
        """
        yield b"1"
        yield b"22"
        yield END_OF_BODY
        for data, nagle_is_off in writes[-4:]:
            print(data, nagle_is_off)
        """,
        module=dedent(PRELUDE_OF_THE_MODULE) + dedent(listening),
    )
    platform.invoke()
    answer = platform.answer()
    answer.exactly(chunk(b"1") + chunk(b"22") + LAST_CHUNK)
    answer.reply()
    platform.idle()
    assert platform.stdout.splitlines() == [
        f"{write!r} True" for write in (chunk(PRELUDE), chunk(b"1"), chunk(b"22"), LAST_CHUNK)
    ]


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
    platform.start("yield b'1'", module=dedent(PRELUDE_OF_THE_MODULE) + dedent(listening))
    platform.idle()
    assert platform.stdout == "next: None\n"


def test_the_stages_run_after_the_answer_and_before_the_next_invocation(platform: Platform) -> None:
    """The platform has the last chunk and sees the connection closed, then come the stages, then ``/next``."""
    platform.start("""
        try:
            yield b"1"
            yield END_OF_BODY
        finally:
            tell("log")
            tell("store")
    """)
    platform.invoke()
    answer = platform.answer()
    answer.exactly(chunk(b"1") + LAST_CHUNK)
    answer.reply()
    platform.told("log").go_on()
    platform.told("store").go_on()
    platform.idle()


@pytest.mark.parametrize("body", ["yield END_OF_BODY", "yield from ()"])
def test_an_answer_without_a_body_has_one_byte(platform: Platform, body: str) -> None:
    platform.start(body)
    platform.invoke()
    answer = platform.answer()
    answer.exactly(chunk(b"\n") + LAST_CHUNK)
    answer.reply()
    platform.idle()


def test_a_plain_generator_ends_cleanly(platform: Platform) -> None:
    platform.start("yield b'1'")
    platform.invoke()
    answer = platform.answer()
    answer.exactly(chunk(b"1") + LAST_CHUNK)
    answer.reply()
    platform.idle()


def test_a_cut_ends_with_error_trailers_before_the_stages(platform: Platform) -> None:
    """The trailers name the code and its sentence, never a cause."""
    platform.start(f"""
        yield b"1"
        error = ModelFailed()
        error.__cause__ = ValueError("{CANARY}")
        yield Cut(error)
        tell("stages")
    """)
    platform.invoke()
    answer = platform.answer()
    answer.exactly(chunk(b"1") + MODEL_FAILED)
    answer.reply()
    platform.told("stages").go_on()
    platform.idle()
    assert CANARY not in platform.log


def test_a_bug_in_the_body_is_a_cut_that_says_nothing_of_it(platform: Platform) -> None:
    """The log names the type, the place and the cause, on one line; the words may hold content and stay out."""
    platform.start(f"""
        yield b"1"
        try:
            raise KeyError("{CANARY}")
        except KeyError as cause:
            raise ValueError("{CANARY}") from cause
    """)
    platform.invoke()
    answer = platform.answer()
    answer.exactly(chunk(b"1") + INTERNAL)
    answer.reply()
    platform.idle()
    line, end = platform.log.split("\n")
    assert end == ""
    assert line.startswith("[ERROR]\t")
    assert "Z\treq-1\tthe body failed\rValueError\r" in line
    assert "\rcaused by KeyError\r" in line
    assert re.search(rf'\r  File "{platform.folder}/users.py", line \d+, in body\r', line)
    assert CANARY not in line


def test_a_bug_in_the_stages_leaves_the_answer_and_the_loop_alone(platform: Platform) -> None:
    platform.start("""
        yield b"1"
        yield END_OF_BODY
        raise ValueError
    """)
    for _ in range(2):
        platform.invoke()
        answer = platform.answer()
        answer.exactly(chunk(b"1") + LAST_CHUNK)
        answer.reply()
    platform.idle()
    assert platform.log.count("the body failed to finish\rValueError") == 2


FAILING_HANDLERS = {
    "the handler": "def handle(event, context): raise ValueError(event)",
    "the prelude": 'def handle(event, context): return Response(200, {"X-Long": "x" * 16000}, body(event, context))',
}


@pytest.mark.parametrize("handle", FAILING_HANDLERS.values(), ids=FAILING_HANDLERS.keys())
def test_a_bug_before_the_prelude_is_reported_and_the_loop_goes_on(platform: Platform, handle: str) -> None:
    platform.start("yield b'1'", module=f"{dedent(PRELUDE_OF_THE_MODULE)}\n{handle}\n")
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
            tell("stages")
        """,
        module=dedent(PRELUDE_OF_THE_MODULE) + dedent(handle),
    )
    platform.invoke()
    platform.told("stages").go_on()
    report = platform.accept("POST /2018-06-01/runtime/invocation/req-1/error")
    report.document()
    report.reply()
    platform.idle()


def test_an_error_of_any_name_fits_into_a_header_field(platform: Platform) -> None:
    handle = """
        class Überlauf漢(Exception): pass
        def handle(event, context): raise Überlauf漢
    """
    platform.start("yield b'1'", module=dedent(PRELUDE_OF_THE_MODULE) + dedent(handle))
    platform.invoke()
    report = platform.accept("POST /2018-06-01/runtime/invocation/req-1/error")
    assert report.fields["Lambda-Runtime-Function-Error-Type"] == r"Function.\xdcberlauf\u6f22"
    assert report.document()["errorType"] == "Überlauf漢"
    report.reply()
    platform.idle()


def test_an_event_that_is_not_json_is_reported(platform: Platform) -> None:
    platform.start("yield b'1'")
    platform.accept("GET /2018-06-01/runtime/invocation/next").reply(
        "200 OK", b"{", Lambda_Runtime_Aws_Request_Id="req-1"
    )
    report = platform.accept("POST /2018-06-01/runtime/invocation/req-1/error")
    assert report.fields["Lambda-Runtime-Function-Error-Type"] == "Function.JSONDecodeError"
    assert report.document()["errorType"] == "JSONDecodeError"
    report.reply()
    platform.idle()


def test_a_refused_error_report_stops_nothing(platform: Platform) -> None:
    platform.start("yield b'1'", module=f"{dedent(PRELUDE_OF_THE_MODULE)}\n{FAILING_HANDLERS['the handler']}\n")
    platform.invoke()
    report = platform.accept("POST /2018-06-01/runtime/invocation/req-1/error")
    report.document()
    report.reply("403 Forbidden", b"InvalidStateTransition")
    platform.invoke()
    platform.accept("POST /2018-06-01/runtime/invocation/req-1/error").reset()
    platform.idle()
    assert "refused an error report: 403 InvalidStateTransition" in platform.log
    assert "did not take an error report" in platform.log


UNTIL_CLOSED = """
    try:
        yield b"1"
        tell("first is out")
        while True:
            yield b"x" * 65536
    except GeneratorExit:
        tell("closed")
        raise
"""


def test_a_reset_invoke_closes_the_body(platform: Platform) -> None:
    """A write that fails is how the function learns of it; the loop goes on."""
    platform.start(UNTIL_CLOSED)
    platform.invoke()
    answer = platform.answer()
    answer.exactly(chunk(b"1"))
    first = platform.told("first is out")
    answer.reset()
    first.go_on()
    platform.told("closed").go_on()
    platform.idle()
    assert "[WARNING]" in platform.log
    assert "the platform did not take the answer" in platform.log


def test_a_platform_that_stalls_is_given_up_in_time_for_the_stages(platform: Platform) -> None:
    """Nobody reads: the write ends with the answer's time, while the sandbox still lives."""
    platform.start(UNTIL_CLOSED)
    platform.invoke(seconds=1)
    answer = platform.answer()
    answer.exactly(chunk(b"1"))
    platform.told("first is out").go_on()
    platform.told("closed").go_on()
    platform.idle()
    answer.close()
    assert "TimeoutError" in platform.log


def test_a_connection_that_takes_no_prelude_is_closed_at_once() -> None:
    """Not only when the last trace of the failure is gone, which may be long after."""
    now = time.time()
    invocation = Invocation("i", b"{}", HTTPMessage(), answer_by=now, killed_at=now)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        api = RuntimeApi(f"127.0.0.1:{listener.getsockname()[1]}")
        with pytest.raises(NotTaken) as caught:
            api.answer(invocation, b"x" * 100_000_000)
        peer, _ = listener.accept()
        with peer:
            peer.settimeout(PATIENCE)
            while peer.recv(1_000_000):
                pass
    assert isinstance(caught.value.__cause__, TimeoutError)


def silence(_: Call) -> None:
    """Say nothing."""


REFUSALS: dict[str, Callable[[Call], None]] = {
    "truncated": lambda answer: answer.reply("400 Bad Request", b'{"errorType":"TruncatedHTTPRequest"}'),
    "too large": lambda answer: answer.reply("413 Content Too Large", b'{"errorType":"RequestEntityTooLarge"}'),
    "wrong state": lambda answer: answer.reply("403 Forbidden", b'{"errorType":"InvalidStateTransition"}'),
    "reset": Call.reset,
    "closed": Call.close,
    "silent": silence,
}


@pytest.mark.parametrize("refuse", REFUSALS.values(), ids=REFUSALS.keys())
def test_an_answer_without_its_receipt_closes_the_body(platform: Platform, refuse: Callable[[Call], None]) -> None:
    """All bytes are out, but the platform does not say that it has them."""
    platform.start("""
        yield b"1"
        try:
            yield END_OF_BODY
        except GeneratorExit:
            tell("closed")
            raise
        tell("complete")
    """)
    platform.invoke(seconds=1 if refuse is silence else 60)
    answer = platform.answer()
    answer.exactly(chunk(b"1") + LAST_CHUNK)
    refuse(answer)
    platform.told("closed").go_on()
    platform.idle()
    assert platform.log.count("\n") == platform.log.count("[WARNING]") == 1


def test_a_platform_in_a_broken_state_ends_the_process_after_the_stages(platform: Platform) -> None:
    platform.start("""
        try:
            yield END_OF_BODY
        finally:
            tell("stages")
    """)
    platform.invoke()
    answer = platform.answer()
    answer.exactly(chunk(b"\n") + LAST_CHUNK)
    answer.reply("500 Internal Server Error", b"{}")
    platform.told("stages").go_on()
    assert platform.status() == 1
    assert "[CRITICAL]" in platform.log


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
    assert "the Runtime API is gone" in platform.log


def test_a_runtime_api_that_goes_away_in_mid_stream_ends_the_process_after_the_stages(platform: Platform) -> None:
    platform.start("""
        try:
            yield b"1"
            tell("first is out")
            while True:
                yield b"x" * 65536
        finally:
            print("stages", flush=True)
    """)
    platform.invoke()
    answer = platform.answer()
    first = platform.told("first is out")
    platform.vanish()
    answer.reset()
    first.go_on()
    assert platform.status() == 1
    assert platform.stdout == "stages\n"


START_FAILURES = {
    "no such module": ("Runtime.ImportModuleError", "nowhere", "", {"_HANDLER": "nowhere.handle"}),
    "a module without a dependency": ("Runtime.ImportModuleError", "absent", "import absent", {}),
    "a syntax error": ("Runtime.UserCodeSyntaxError", "users", "def", {}),
    "no such function": ("Runtime.HandlerNotFound", "nothing", "", {"_HANDLER": "users.nothing"}),
    "a name without a module": ("Runtime.MalformedHandlerName", "handle", "", {"_HANDLER": "handle"}),
    "wrong settings": (
        "Function.SettingsError",
        "LLM_TEMPERATURE",
        "class SettingsError(Exception): pass\nraise SettingsError('LLM_TEMPERATURE is hot')",
        {},
    ),
    "SnapStart": ("Runtime.Unsupported", "SnapStart", "", {"AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start"}),
    "managed instances": ("Runtime.Unsupported", "Managed Instances", "", {"AWS_LAMBDA_MAX_CONCURRENCY": "10"}),
}


@pytest.mark.parametrize(("kind", "words", "module", "environment"), START_FAILURES.values(), ids=START_FAILURES.keys())
def test_what_cannot_start_says_why_and_ends(
    platform: Platform, kind: str, words: str, module: str, environment: dict[str, str]
) -> None:
    """The platform is told, nothing is invoked, and the log has one line that names the cause."""
    platform.start("yield b'1'", module=module, **environment)
    report = platform.accept("POST /2018-06-01/runtime/init/error")
    assert report.fields["Lambda-Runtime-Function-Error-Type"] == kind
    assert words in str(report.document()["errorMessage"])
    report.reply()
    assert platform.status() == 1
    assert words in platform.log
    assert platform.log.count("\n") == 1


def test_two_invocations_share_nothing(platform: Platform) -> None:
    """Request id, trace id and context are those of the one that runs, on the log's lines too."""
    platform.start("""
        logging.warning("event %s", event)
        yield f"{context.aws_request_id} {os.environ.get('_X_AMZN_TRACE_ID')} {context.tenant_id}".encode()
    """)
    platform.invoke(1, Lambda_Runtime_Trace_Id="Root=1-a", Lambda_Runtime_Aws_Tenant_Id="blue")
    answer = platform.answer()
    answer.exactly(chunk(b"req-1 Root=1-a blue") + LAST_CHUNK)
    answer.reply()
    platform.invoke(2, Lambda_Runtime_Aws_Request_Id="req-2")
    answer = platform.answer("req-2")
    answer.exactly(chunk(b"req-2 None None") + LAST_CHUNK)
    answer.reply()
    platform.idle()
    first, second = platform.log.splitlines()
    assert first.endswith("\treq-1\tevent 1")
    assert second.endswith("\treq-2\tevent 2")


def test_the_context_is_that_of_aws_own_runtime(platform: Platform) -> None:
    platform.start("""
        context.log("a line")
        yield repr([
            context.function_name, context.function_version, context.memory_limit_in_mb, context.log_group_name,
            context.log_stream_name, context.aws_request_id, context.invoked_function_arn,
            context.identity.cognito_identity_id, context.identity.cognito_identity_pool_id,
            context.client_context.custom, context.client_context.env,
            0 < context.get_remaining_time_in_millis() <= 60_000,
        ]).encode()
    """)
    platform.invoke(
        Lambda_Runtime_Client_Context='{"custom": {"a": "b"}, "env": {"city": "Köln"}}',
        Lambda_Runtime_Cognito_Identity='{"cognitoIdentityId": "id", "cognitoIdentityPoolId": "pool"}',
    )
    answer = platform.answer()
    expected = ["streaming", "$LATEST", "1024", "/aws/lambda/streaming", "stream-1", "req-1"]
    expected += ["arn:aws:lambda:eu-west-1:123456789012:function:streaming", "id", "pool"]
    answer.exactly(chunk(repr([*expected, {"a": "b"}, {"city": "Köln"}, True]).encode()) + LAST_CHUNK)
    answer.reply()
    platform.idle()


def test_what_is_printed_is_out_before_the_sandbox_is_frozen(platform: Platform) -> None:
    """No line waits in a buffer for the next invocation."""
    platform.start("""
        context.log("a line")
        print("another")
        yield b"1"
    """)
    platform.invoke()
    answer = platform.answer()
    answer.exactly(chunk(b"1") + LAST_CHUNK)
    answer.reply()
    platform.accept("GET /2018-06-01/runtime/invocation/next")
    assert platform.stdout == "a line\nanother\n"


def test_the_invocation_id_comes_back_with_the_answer(platform: Platform) -> None:
    platform.start("yield b'1'")
    platform.invoke(Lambda_Runtime_Invocation_Id="inv-1")
    answer = platform.answer()
    assert answer.fields["Lambda-Runtime-Invocation-Id"] == "inv-1"
    answer.exactly(chunk(b"1") + LAST_CHUNK)
    answer.reply()
    platform.idle()


def test_a_powertools_line_and_a_metric_are_alone_on_their_lines(platform: Platform) -> None:
    """The root handler is there before the handler's module: Powertools then keeps its lines off it."""
    module = f"{dedent(PRELUDE_OF_THE_MODULE)}\nfrom aws_lambda_powertools import Logger\nlogger = Logger('s')\n"
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
    answer = platform.answer()
    answer.exactly(chunk(b"1") + LAST_CHUNK)
    answer.reply()
    platform.idle()
    line, metric = platform.stdout.splitlines()
    assert json.loads(line)["message"] == "from powertools"
    assert metric == '{"_aws": {}}'
    assert platform.log.endswith("\treq-1\tfrom logging\n")
    assert platform.log.count("\n") == 1


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
    answer = platform.answer()
    answer.exactly(chunk(b"1") + INTERNAL)
    answer.reply()
    platform.idle()
    fine, bug = map(json.loads, platform.log.splitlines())
    assert (fine["level"], fine["message"], fine["logger"], fine["requestId"]) == ("DEBUG", "fine", "root", "req-1")
    assert fine["timestamp"].endswith("Z")
    assert (bug["level"], bug["errorType"]) == ("ERROR", "ValueError")
    assert bug["stackTrace"][0] == "ValueError"


def logged(error: Exception) -> list[str]:
    """Return the parts of the line that the text format makes of ``error``."""
    record = logging.LogRecord("n", logging.ERROR, "p", 1, "bug", None, (type(error), error, None))
    record.aws_request_id = "req-1"
    return TextFormat().format(record).split("\r")[1:]


def test_the_log_names_the_whole_chain_of_causes() -> None:
    """As Python would: a cause, or what was being handled unless it was put aside; a chain that bites its tail ends."""
    inner, middle, outer = KeyError(CANARY), OSError(CANARY), ValueError(CANARY)
    outer.__cause__, middle.__context__, inner.__context__ = middle, inner, outer
    assert logged(outer) == ["ValueError", "caused by OSError", "caused by KeyError"]
    middle.__suppress_context__ = True
    assert logged(outer) == ["ValueError", "caused by OSError"]


NO_LOG = {
    "full": 'exec "$0" "$@" >/dev/full 2>/dev/full',
    "closed": 'exec "$0" "$@" >&- 2>&-',
    "nobody reads": '"$0" "$@" 2>&1 | :',
}


@pytest.mark.parametrize("shell", NO_LOG.values(), ids=NO_LOG.keys())
def test_a_log_that_takes_nothing_does_not_touch_the_answers(platform: Platform, shell: str) -> None:
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
        answer = platform.answer()
        answer.exactly(chunk(b"1") + LAST_CHUNK)
        answer.reply()
    platform.accept("GET /2018-06-01/runtime/invocation/next")


def test_a_signal_ends_an_idle_sandbox(platform: Platform) -> None:
    platform.start("yield b'1'")
    call = platform.accept("GET /2018-06-01/runtime/invocation/next")
    platform.terminate()
    assert platform.status() == 0
    assert call.rest() == b""
    assert platform.log == ""


def test_a_signal_in_mid_stream_breaks_the_body_off_and_lets_its_stages_run(platform: Platform) -> None:
    """Even where the body waits for the model; the answer is left without its last chunk."""
    platform.start("""
        try:
            yield b"1"
            tell("waiting")
        finally:
            tell("log")
            tell("store")
    """)
    platform.invoke()
    answer = platform.answer()
    platform.told("waiting")
    platform.terminate()
    log = platform.told("log")
    platform.terminate()  # once is enough: the stages are not broken off as well
    log.go_on()
    platform.told("store").go_on()
    assert platform.status() == 0
    assert answer.rest() == chunk(b"1")


def test_a_signal_in_mid_stream_cuts_the_client_off_before_the_stages(platform: Platform) -> None:
    """A client has all that it will get before any stage runs, at this end as at every other."""
    platform.start("""
        try:
            yield b"1"
            tell("waiting")
        finally:
            tell("stages")
    """)
    platform.invoke()
    answer = platform.answer()
    platform.told("waiting")
    platform.terminate()
    stages = platform.told("stages")
    assert answer.rest() == chunk(b"1")
    stages.go_on()
    assert platform.status() == 0


def test_a_signal_while_the_platform_stalls_breaks_the_write_off(platform: Platform) -> None:
    platform.start("""
        try:
            tell("begun")
            yield b"x" * 100_000_000
        finally:
            tell("stages")
    """)
    platform.invoke()
    answer = platform.answer()
    platform.told("begun").go_on()
    answer.exactly(b"5f5e100\r\n")
    platform.terminate()
    platform.told("stages").go_on()
    assert platform.status() == 0


def test_a_signal_during_the_stages_waits_for_them(platform: Platform) -> None:
    platform.start("""
        yield b"1"
        yield END_OF_BODY
        tell("log")
        tell("store")
    """)
    platform.invoke()
    answer = platform.answer()
    answer.exactly(chunk(b"1") + LAST_CHUNK)
    answer.reply()
    log = platform.told("log")
    platform.terminate()
    log.go_on()
    platform.told("store").go_on()
    assert platform.status() == 0


def test_only_the_task_root_and_the_python_path_count(platform: Platform) -> None:
    """Lambda's working folder is the task root, a debugger's is not: what lies there is never imported."""
    (platform.folder / "elsewhere").mkdir()
    (platform.folder / "elsewhere" / "function.py").write_text("raise RuntimeError")
    platform.start("yield b'1'", start='cd elsewhere && exec "$0" "$@"')
    platform.invoke()
    answer = platform.answer()
    answer.exactly(chunk(b"1") + LAST_CHUNK)
    answer.reply()
    platform.idle()


def test_the_bootstrap_is_executable() -> None:
    assert os.access(BOOTSTRAP, os.X_OK)
