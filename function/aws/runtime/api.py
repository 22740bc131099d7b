"""The Lambda Runtime API, one method per call.

Source: AWS Lambda Developer Guide, "Building a custom runtime"; docs/runtime.md has the bytes.
"""

import logging
import re
import select
import socket
import time
from collections.abc import Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPMessage
from typing import Final

from ...contract import margin
from ..logs import redacted_trace
from .errors import ERROR_BODY, ERROR_TYPE, RuntimeApiFailed, describe, error_document
from .response import CHUNK, StreamedResponse, response_not_accepted

API: Final = "/2018-06-01/runtime"
MEDIA_TYPE: Final = "application/vnd.awslambda.http-integration-response"
INVOCATION_ID: Final = "Lambda-Runtime-Invocation-Id"
DEADLINE: Final = "Lambda-Runtime-Deadline-Ms"
SHAPES: Final = {
    "Lambda-Runtime-Aws-Request-Id": re.compile(r"[\w.:~-]{1,200}", re.ASCII),
    DEADLINE: re.compile(r"[0-9]{0,15}"),
    INVOCATION_ID: re.compile(r"[!-~]{0,200}"),
    "Lambda-Runtime-Trace-Id": re.compile(r"[ -~]{0,2000}"),
}
"""The forms of the header fields of an invocation that go into a path, a number, a field or a variable; each but the
first may be missing."""
CALL_TIMEOUT: Final = 5.0
"""Seconds for a connection to open, and for calls that carry no response."""
LONGEST_INVOCATION: Final = 900.0
"""Seconds that an invocation may take if Lambda sends no deadline."""

_log = logging.getLogger("function.aws.runtime")


@dataclass(slots=True, eq=False, repr=False)
class Invocation:
    """What ``/next`` returned. Times are seconds since the epoch."""

    id: str
    event: bytes
    headers: HTTPMessage
    respond_by: float
    """When the response should be at its end, so that the stages have time before the sandbox is killed."""
    killed_at: float

    def take_event(self) -> bytes:
        """Return the event, and let go of it: it can have megabytes, and is read once."""
        event, self.event = self.event, b""
        return event

    def seconds_to_write(self) -> float:
        """Return how long a write may block now; once the response's time is over, a quarter of what is left."""
        now = time.time()
        return max(self.respond_by - now, (self.killed_at - now) / 4, 0.01)

    def echo(self) -> Mapping[str, str]:
        """Return the header fields that every report on this invocation repeats."""
        return {INVOCATION_ID: self.headers[INVOCATION_ID]} if INVOCATION_ID in self.headers else {}


class RuntimeApi:
    """The connection that brought an invocation takes its response or its report, and is closed then.

    No connection would survive while the sandbox is frozen.
    """

    def __init__(self, address: str) -> None:
        """Take the ``host:port`` of ``AWS_LAMBDA_RUNTIME_API``."""
        self._address = address
        self._kept: HTTPConnection | None = None
        """The connection of the invocation that is running."""

    def next(self, own_stages: float = 0.0) -> Invocation:
        """Wait for the next invocation, for as long as it takes; keep ``own_stages`` seconds of it for own stages.

        Raises:
            RuntimeApiFailed: there will be none.
        """
        try:
            with ExitStack() as unless_kept:
                connection = unless_kept.enter_context(closing(self._connect(CALL_TIMEOUT)))
                connection.sock.settimeout(None)  # the sandbox may be frozen for hours
                connection.request("GET", f"{API}/invocation/next")
                response = connection.getresponse()
                event = response.read()
                unless_kept.pop_all()
                self._kept = connection
        except (OSError, HTTPException) as error:
            raise RuntimeApiFailed(repr(error)) from error
        if response.status != HTTPStatus.OK:
            raise RuntimeApiFailed(describe(response.status, event))
        for name, pattern in SHAPES.items():
            if not pattern.fullmatch(response.headers.get(name, "")):
                raise RuntimeApiFailed(f"the header field {name} of the invocation has an unknown form")
        request_id, deadline = response.headers["Lambda-Runtime-Aws-Request-Id"], response.headers.get(DEADLINE)
        now = time.time()
        killed_at = int(deadline) / 1000 if deadline else now + LONGEST_INVOCATION
        return Invocation(
            id=request_id,
            event=event,
            headers=response.headers,
            respond_by=killed_at - margin(killed_at - now, own_stages),
            killed_at=killed_at,
        )

    def respond(self, invocation: Invocation, head: bytes) -> StreamedResponse:
        """Begin the streamed response: ``head``, the prelude, is a chunk of its own.

        Raises:
            ResponseNotAccepted: Lambda closed the connection or stopped reading.
        """
        with response_not_accepted(), ExitStack() as unless_begun:
            connection = unless_begun.enter_context(closing(self._connected(invocation.seconds_to_write())))
            connection.putrequest("POST", f"{API}/invocation/{invocation.id}/response", skip_accept_encoding=True)
            connection.putheader("Content-Type", MEDIA_TYPE)
            connection.putheader("Lambda-Runtime-Function-Response-Mode", "streaming")
            connection.putheader("Transfer-Encoding", "chunked")
            connection.putheader("Trailer", f"{ERROR_TYPE}, {ERROR_BODY}")
            for name, value in invocation.echo().items():
                connection.putheader(name, value)
            connection.endheaders()
            connection.send(CHUNK % (len(head), head))
            unless_begun.pop_all()
        return StreamedResponse(connection, invocation.seconds_to_write)

    def report_invocation_error(self, invocation: Invocation, error: Exception) -> None:
        """Report that the handler failed before it returned a response."""
        kind = type(error).__qualname__
        document = error_document(kind, "The function failed; its log says where.", redacted_trace(error))
        self._report(f"/invocation/{invocation.id}/error", f"Function.{kind}", document, invocation.echo())

    def report_init_error(self, kind: str, error: BaseException) -> None:
        """Report that the function cannot start. The message cannot quote a request: none has arrived yet."""
        self._report("/init/error", kind, error_document(kind, str(error), redacted_trace(error)), {})

    def _connected(self, seconds: float) -> HTTPConnection:
        """Return the connection of the invocation, or another one if the platform has closed that meanwhile."""
        connection, self._kept = self._kept, None
        if connection is None or connection.sock is None:
            return self._connect(seconds)
        if _has_ended(connection.sock):
            connection.close()
            return self._connect(seconds)
        connection.sock.settimeout(seconds)
        return connection

    def _connect(self, seconds: float) -> HTTPConnection:
        connection = HTTPConnection(self._address, timeout=seconds)
        connection.connect()  # http.client sets TCP_NODELAY
        return connection

    def _report(self, path: str, kind: str, document: bytes, headers: Mapping[str, str]) -> None:
        """Send an error report. Whether it arrives changes nothing here, so a failure is only logged."""
        fields = {"Content-Type": "application/json", ERROR_TYPE: _ascii(kind), **headers}
        try:
            with closing(self._connected(CALL_TIMEOUT)) as connection:
                connection.request("POST", API + path, document, fields)
                response = connection.getresponse()
                refusal = response.read()
        except (OSError, HTTPException) as error:
            _log.warning("an error report could not be sent to Lambda: %r", error)
        else:
            if response.status != HTTPStatus.ACCEPTED:
                _log.warning("Lambda refused an error report: %s", describe(response.status, refusal))


def _has_ended(idle: socket.socket) -> bool:
    """Return whether the peer has closed a connection on which it has nothing to send."""
    poll = select.poll()
    poll.register(idle, select.POLLIN)
    return bool(poll.poll(0))


def _ascii(text: str) -> str:
    """Return ``text`` as a header field can carry it."""
    return text.encode("ascii", "backslashreplace").decode()
