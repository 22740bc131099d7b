"""The platform's side of the Runtime API: one accepted connection at a time, and a real child process.

The order in which connections come in is the order in which things happened: the function's test bodies report what
they do (``report``) on the same port, and wait until the test lets them go on.
"""

import base64
import json
import signal
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path
from textwrap import dedent, indent

ROOT = Path(__file__).parents[3]
BOOTSTRAP = ROOT / "function" / "bootstrap"
PATIENCE = 30.0
"""Seconds after which a test gives up; no assertion depends on it."""
CANARY = "canary-7f3a"

PRELUDE = b'{"statusCode":200,"headers":{"Content-Type":"text/plain","X-Content-Type-Options":"nosniff"}}' + bytes(8)
LAST_CHUNK = b"0\r\n\r\n"

MODULE = """
    import logging, os, socket, time
    from function.aws.gateway import Response
    from function.stream.errors import ModelFailed
    from function.stream.events import END_OF_BODY, Cut

    HEADERS = {"Content-Type": "text/plain", "X-Content-Type-Options": "nosniff"}

    def report(word):
        host, port = os.environ["AWS_LAMBDA_RUNTIME_API"].split(":")
        with socket.create_connection((host, int(port)), timeout=30) as peer:
            peer.sendall(f"{word}\\r\\n\\r\\n".encode())
            return peer.recv(100)

    def handle(event, context):
        return Response(200, HEADERS, body(event, context))
"""


def chunk(data: bytes) -> bytes:
    """Return ``data`` as it must be on the wire."""
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


class Call:
    """One connection of the function to the platform, as raw bytes."""

    def __init__(self, connection: socket.socket) -> None:
        """Read the head of the request (or the word that was reported)."""
        self._connection = connection
        self._read_ahead = b""
        self.next()

    def next(self) -> None:
        """Read the head of the next request on the same connection."""
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
        """Respond in HTTP, and see the function close the connection."""
        self.answer(status, body, **fields)
        assert self.rest() == b""
        self._connection.close()

    def answer(self, status: str, body: bytes, **fields: str) -> None:
        """Respond in HTTP."""
        lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in fields.items()]
        self._connection.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + body)

    def go_on(self) -> None:
        """Let the function go on after a word."""
        self._connection.sendall(b"go on")
        self._connection.close()

    def reset(self) -> None:
        """Break the connection off, as the platform does when it resets an invoke."""
        self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._connection.close()

    def close(self) -> None:
        """Close the connection without a response."""
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
        self._kept: Call | None = None
        """The connection that brought the function an event: what it sends of that comes on the same one."""
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, body: str, *, module: str = MODULE, start: str = "", **environment: str) -> None:
        """Write a handler whose ``body(event, context)`` is given, and start it as Lambda does with an exec wrapper."""
        source = f"{dedent(module)}\ndef body(event, context):\n{indent(dedent(body), '    ')}"
        (self.folder / "users.py").write_text(source)
        command = [str(BOOTSTRAP), sys.executable, "/var/runtime/bootstrap.py"]
        with (self.folder / "stdout").open("wb") as stdout, (self.folder / "stderr").open("wb") as stderr:
            self._process = subprocess.Popen(
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
        """Take the next call, which must be this one."""
        if line.startswith("POST") and self._kept is not None:
            call, self._kept = self._kept, None
            call.next()
        else:
            connection, _ = self._listener.accept()
            connection.settimeout(PATIENCE)
            call = Call(connection)
            self._calls.append(call)
        assert call.line == line
        return call

    def invoke(self, event: object = None, seconds: float = 60, **fields: str) -> None:
        """Give the function, which is asking for one, an event."""
        fields = {
            "Lambda_Runtime_Aws_Request_Id": "req-1",
            "Lambda_Runtime_Deadline_Ms": str(int((time.time() + seconds) * 1000)),
            "Lambda_Runtime_Invoked_Function_Arn": "arn:aws:lambda:eu-west-1:123456789012:function:streaming",
        } | fields
        self._kept = self.accept("GET /2018-06-01/runtime/invocation/next")
        self._kept.answer("200 OK", event if isinstance(event, bytes) else json.dumps(event).encode(), **fields)

    def hang_up(self) -> None:
        """Close the connection that brought the event, and see the function's next call on another one."""
        assert self._kept
        self._kept.close()
        self._kept = None

    def response(self, request_id: str = "req-1") -> Call:
        """Take the streamed response up to its prelude, which is a chunk of its own."""
        call = self.accept(f"POST /2018-06-01/runtime/invocation/{request_id}/response")
        call.exactly(chunk(PRELUDE))
        return call

    def reported(self, word: str) -> Call:
        """Take the connection on which the function reports ``word``; it waits for ``go_on``."""
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
        """End what still runs."""
        self._listener.close()
        for call in self._calls:
            call.close()
        if self._process:
            self._process.kill()
            self._process.wait()


def trailers(error_type: str, code: str, title: str) -> bytes:
    """Return the end of a response that was cut."""
    document = json.dumps({"errorMessage": title, "errorType": code, "stackTrace": []}).encode()
    return (
        b"0\r\n"
        b"Lambda-Runtime-Function-Error-Type: " + error_type.encode() + b"\r\n"
        b"Lambda-Runtime-Function-Error-Body: " + base64.b64encode(document) + b"\r\n"
        b"\r\n"
    )


MODEL_FAILED = trailers("Function.model_failed", "model_failed", "The model failed to finish its answer.")
INTERNAL = trailers("Function.internal", "internal", "The endpoint failed.")
