"""The loop that speaks the Lambda Runtime API and streams a generator. It goes the day AWS streams Python itself.

Dialect: AWS Lambda Developer Guide, "Building a custom runtime"; docs/wire.md has the bytes, and what is done
when the platform or a signal breaks in.
"""

import base64
import gc
import importlib
import json
import logging
import os
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPMessage
from io import TextIOWrapper
from types import TracebackType
from typing import Any, Final

from ..contract import margin
from ..stream.errors import Internal, StreamError, causes
from ..stream.events import END_OF_BODY, Cut
from .gateway import LambdaContext, Response, prelude

Body = Generator[bytes | Cut, None, None]
Handler = Callable[[object, LambdaContext], Response]
ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]

API: Final = "/2018-06-01/runtime"
MEDIA_TYPE: Final = "application/vnd.awslambda.http-integration-response"
ERROR_TYPE: Final = "Lambda-Runtime-Function-Error-Type"
ERROR_BODY: Final = "Lambda-Runtime-Function-Error-Body"
INVOCATION_ID: Final = "Lambda-Runtime-Invocation-Id"
SHORT_CALL: Final = 5.0
"""Seconds for a connection to open, and for calls that carry no answer."""
LONGEST_INVOCATION: Final = 900.0
"""Seconds, where the platform names no deadline."""

_log = logging.getLogger("function.aws.runtime")


class RuntimeApiGone(Exception):
    """The Runtime API does not answer as it must; Lambda starts another sandbox."""


class NotTaken(Exception):
    """The platform did not take the answer: it went away, stalls or refuses."""


class Terminated(BaseException):
    """The process was asked to end."""


class InitFailed(Exception):
    """The function cannot start; ``kind`` is the Runtime API's ``category.reason``."""

    def __init__(self, kind: str, message: str) -> None:
        """Take the kind, and a sentence for whoever deploys."""
        super().__init__(message)
        self.kind = kind


@dataclass(frozen=True, slots=True)
class Identity:
    """Who called, where Amazon Cognito knows."""

    cognito_identity_id: str | None
    cognito_identity_pool_id: str | None


@dataclass(frozen=True, slots=True)
class ClientContext:
    """What a mobile SDK sent along."""

    custom: Mapping[str, object] | None
    env: Mapping[str, object] | None
    client: Mapping[str, object] | None


@dataclass(frozen=True, slots=True)
class Context:
    """The Lambda context of one invocation, with the attributes of AWS's own runtime."""

    function_name: str
    function_version: str
    memory_limit_in_mb: str
    log_group_name: str
    log_stream_name: str
    aws_request_id: str
    invoked_function_arn: str
    identity: Identity
    client_context: ClientContext | None
    tenant_id: str | None
    killed_at: float
    """Seconds since the epoch."""

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds until the sandbox is killed."""
        return max(0, int((self.killed_at - time.time()) * 1000))

    def log(self, message: object) -> None:
        """Write a line to the log as it is."""
        sys.stdout.write(f"{message}\n")


@dataclass(frozen=True, slots=True)
class Invocation:
    """What ``/next`` gave. Times are seconds since the epoch; the answer's is the earlier: the stages want theirs."""

    id: str
    event: bytes
    headers: HTTPMessage
    answer_by: float
    killed_at: float

    def seconds_to_write(self) -> float:
        """Return how long a write may block now; once the answer's time is over, a quarter of what is left."""
        now = time.time()
        return max(self.answer_by - now, (self.killed_at - now) / 4, 0.01)

    def context(self) -> Context:
        """Return the context for the handler."""
        identity = self._object("Lambda-Runtime-Cognito-Identity")
        client = self._object("Lambda-Runtime-Client-Context")
        return Context(
            function_name=os.environ.get("AWS_LAMBDA_FUNCTION_NAME", ""),
            function_version=os.environ.get("AWS_LAMBDA_FUNCTION_VERSION", ""),
            memory_limit_in_mb=os.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", ""),
            log_group_name=os.environ.get("AWS_LAMBDA_LOG_GROUP_NAME", ""),
            log_stream_name=os.environ.get("AWS_LAMBDA_LOG_STREAM_NAME", ""),
            aws_request_id=self.id,
            invoked_function_arn=self.headers.get("Lambda-Runtime-Invoked-Function-Arn", ""),
            identity=Identity(identity.get("cognitoIdentityId"), identity.get("cognitoIdentityPoolId")),
            client_context=ClientContext(*map(client.get, ("custom", "env", "client"))) if client else None,
            tenant_id=self.headers.get("Lambda-Runtime-Aws-Tenant-Id"),
            killed_at=self.killed_at,
        )

    def _object(self, name: str) -> dict[str, Any]:
        """Return a header field that is a JSON object, in UTF-8 though ``http.client`` reads Latin-1; empty without."""
        document: dict[str, Any] = json.loads((self.headers.get(name) or "{}").encode("latin-1"))
        return document

    def echo(self) -> Mapping[str, str]:
        """Return the header fields that every report on this invocation repeats."""
        return {INVOCATION_ID: self.headers[INVOCATION_ID]} if INVOCATION_ID in self.headers else {}


class RuntimeApi:
    """The platform's side. Each call has a connection of its own: none goes stale while the sandbox is frozen."""

    def __init__(self, address: str) -> None:
        """Take the ``host:port`` of ``AWS_LAMBDA_RUNTIME_API``."""
        self._address = address

    def next(self) -> Invocation:
        """Wait for the next invocation, for as long as it takes.

        Raises:
            RuntimeApiGone: there will be none.
        """
        try:
            with closing(self._connect(SHORT_CALL)) as connection:
                connection.sock.settimeout(None)  # the sandbox may be frozen for hours
                connection.request("GET", f"{API}/invocation/next")
                response = connection.getresponse()
                event = response.read()
        except (OSError, HTTPException) as error:
            raise RuntimeApiGone(repr(error)) from error
        if response.status != HTTPStatus.OK:
            raise RuntimeApiGone(_refusal(response.status, event))
        request_id = response.headers.get("Lambda-Runtime-Aws-Request-Id")
        deadline = response.headers.get("Lambda-Runtime-Deadline-Ms")
        if not request_id or not (deadline or "0").isdecimal():
            raise RuntimeApiGone(f"an event without an id, or with a deadline that is none: {deadline!r}")
        now = time.time()
        killed_at = int(deadline) / 1000 if deadline else now + LONGEST_INVOCATION
        return Invocation(
            id=request_id,
            event=event,
            headers=response.headers,
            answer_by=killed_at - margin(killed_at - now),
            killed_at=killed_at,
        )

    def answer(self, invocation: Invocation, head: bytes) -> "Answer":
        """Begin the streamed answer: ``head``, the prelude, is a chunk of its own.

        Raises:
            NotTaken: the platform went away or stalls.
        """
        with _taken(), ExitStack() as unless_begun:
            connection = unless_begun.enter_context(closing(self._connect(invocation.seconds_to_write())))
            connection.putrequest("POST", f"{API}/invocation/{invocation.id}/response", skip_accept_encoding=True)
            connection.putheader("Content-Type", MEDIA_TYPE)
            connection.putheader("Lambda-Runtime-Function-Response-Mode", "streaming")
            connection.putheader("Transfer-Encoding", "chunked")
            connection.putheader("Trailer", f"{ERROR_TYPE}, {ERROR_BODY}")
            for name, value in invocation.echo().items():
                connection.putheader(name, value)
            connection.endheaders()
            connection.send(_frame(head))
            unless_begun.pop_all()
        return Answer(connection, invocation.seconds_to_write)

    def fail(self, invocation: Invocation, error: Exception) -> None:
        """Report that the handler failed before it answered."""
        kind = type(error).__qualname__
        document = _error_document(kind, "The function failed; its log says where.", _places(error))
        self._report(f"/invocation/{invocation.id}/error", f"Function.{kind}", document, invocation.echo())

    def fail_to_start(self, kind: str, error: Exception) -> None:
        """Report that there is nothing to invoke. What ``error`` says is shown: no request has been seen yet."""
        self._report("/init/error", kind, _error_document(kind, str(error), _places(error)), {})

    def _connect(self, seconds: float) -> HTTPConnection:
        connection = HTTPConnection(self._address, timeout=seconds)
        connection.connect()  # http.client sets TCP_NODELAY
        return connection

    def _report(self, path: str, kind: str, document: bytes, headers: Mapping[str, str]) -> None:
        """Send an error; whether it arrives changes nothing for us."""
        fields = {"Content-Type": "application/json", ERROR_TYPE: _ascii(kind), **headers}
        try:
            with closing(self._connect(SHORT_CALL)) as connection:
                connection.request("POST", API + path, document, fields)
                response = connection.getresponse()
                said = response.read()
        except (OSError, HTTPException) as error:
            _log.warning("the platform did not take an error report: %r", error)
        else:
            if response.status != HTTPStatus.ACCEPTED:
                _log.warning("the platform refused an error report: %s", _refusal(response.status, said))


class Answer:
    """A streamed answer that has begun. Each chunk leaves in one write, which may take what is left of the time."""

    def __init__(self, connection: HTTPConnection, seconds: Callable[[], float]) -> None:
        """Take the connection, and how long the next write may block."""
        self._connection = connection
        self._seconds = seconds
        self._has_body = False

    def write(self, chunk: bytes) -> None:
        """Send a chunk of the body.

        Raises:
            NotTaken: the platform went away or stalls.
        """
        self._send(_frame(chunk))
        self._has_body = True

    def end(self, error: StreamError | None) -> None:
        """Send the last chunk, with trailers where ``error`` cut the body, and read the platform's receipt.

        A body without a byte is given one: accounts were seen that never deliver an empty answer.

        Raises:
            NotTaken: the platform went away, stalls, or refuses the answer.
            RuntimeApiGone: it says that it is broken.
        """
        if not self._has_body:
            self.write(b"\n")
        self._send(b"0\r\n" + (_trailers(error) if error else b"") + b"\r\n")
        with _taken():
            self._connection.sock.settimeout(self._seconds())
            response = self._connection.getresponse()
            said = response.read()
        if response.status == HTTPStatus.INTERNAL_SERVER_ERROR:  # "non-recoverable", in the API's own words
            raise RuntimeApiGone(_refusal(response.status, said))
        if response.status != HTTPStatus.ACCEPTED:
            raise NotTaken(_refusal(response.status, said))

    def close(self) -> None:
        """Close the connection: before the last chunk, the platform sees a truncated answer."""
        self._connection.close()

    def cut(self) -> None:
        """End the connection under whatever is being written or read."""
        if self._connection.sock is not None:
            with suppress(OSError):  # it has ended already
                self._connection.sock.shutdown(socket.SHUT_RDWR)

    def _send(self, data: bytes) -> None:
        with _taken():
            self._connection.sock.settimeout(self._seconds())
            self._connection.send(data)


class Termination:
    """SIGTERM and SIGINT: what runs is broken off by ``Terminated``, once; what is sheltered ends first."""

    def __init__(self) -> None:
        """Begin unasked."""
        self._asked = False
        self._sheltered = False
        self._answer: Answer | None = None

    def install(self) -> None:
        """Take the signals from now on."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda _number, _frame: self.ask())

    def ask(self) -> None:
        """Break off, unless that was done before or has to wait.

        What is broken off runs its stages before anyone else can act: the client is cut off first.
        """
        before, self._asked = self._asked, True
        if not (before or self._sheltered):
            if self._answer is not None:
                self._answer.cut()
            raise Terminated

    @contextmanager
    def cuts(self, answer: Answer) -> Iterator[None]:
        """Cut ``answer`` off if what is inside is broken off."""
        self._answer = answer
        try:
            yield
        finally:
            self._answer = None

    @contextmanager
    def shelter(self) -> Iterator[None]:
        """Let what is inside run to its end."""
        self._sheltered = True
        try:
            yield
        finally:
            self._sheltered = False
        if self._asked:
            raise Terminated


class RequestId(logging.Filter):
    """Puts the id of the running invocation on every record."""

    current = ""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record pass."""
        record.aws_request_id = self.current
        return True


class TextFormat(logging.Formatter):
    """The line of AWS's own runtime. Line ends become carriage returns, so that one record stays one event."""

    converter = staticmethod(time.gmtime)

    def __init__(self) -> None:
        """Set the form of the line."""
        super().__init__(
            "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s", "%Y-%m-%dT%H:%M:%S"
        )

    def format(self, record: logging.LogRecord) -> str:
        """Return one line."""
        return super().format(record).replace("\n", "\r")

    def formatException(self, ei: ExcInfo) -> str:  # noqa: N802 - logging's own name
        """Say what failed and where."""
        return "\n".join(_places(ei[1]))


class JsonFormat(TextFormat):
    """The object of AWS's own runtime, for the log format ``JSON``."""

    def format(self, record: logging.LogRecord) -> str:
        """Return one line."""
        members: dict[str, object] = {
            "timestamp": f"{self.formatTime(record, self.datefmt)}.{int(record.msecs):03d}Z",
            "level": record.levelname,
            "message": record.getMessage(),
            "logger": record.name,
            "requestId": getattr(record, "aws_request_id", ""),
        }
        if record.exc_info and record.exc_info[1]:
            members["errorType"] = type(record.exc_info[1]).__qualname__
            members["stackTrace"] = _places(record.exc_info[1])
        return json.dumps(members)


def install_log(environ: Mapping[str, str]) -> RequestId:
    """Give the root logger its handler, on stderr: metrics have stdout's lines for themselves.

    This comes before the handler's module is imported: Powertools keeps its lines off the root handlers that exist
    when a ``Logger`` is made.
    """
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)  # nothing may lie in a buffer when the sandbox is frozen
    request_id = RequestId()
    handler = logging.StreamHandler()
    handler.addFilter(request_id)
    handler.setFormatter(JsonFormat() if environ.get("AWS_LAMBDA_LOG_FORMAT", "").upper() == "JSON" else TextFormat())
    root = logging.getLogger()
    root.addHandler(handler)
    level = environ.get("AWS_LAMBDA_LOG_LEVEL", "").upper().replace("TRACE", "DEBUG")
    if level in logging.getLevelNamesMapping():
        root.setLevel(level)
    return request_id


def load(environ: Mapping[str, str]) -> Handler:
    """Import ``_HANDLER``.

    Raises:
        InitFailed: it is not there, or this loop cannot serve the way the function is set up.
        Exception: what its module raised.
    """
    if "AWS_LAMBDA_MAX_CONCURRENCY" in environ:
        raise InitFailed("Runtime.Unsupported", "Lambda Managed Instances are not supported: one request at a time.")
    if environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") == "snap-start":
        raise InitFailed("Runtime.Unsupported", "SnapStart is not supported: switch it off for this function.")
    name = environ.get("_HANDLER", "")
    module_name, _, attribute = name.rpartition(".")
    if not module_name:
        raise InitFailed("Runtime.MalformedHandlerName", f"_HANDLER is {name!r}; it must be module.function.")
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        raise InitFailed("Runtime.ImportModuleError", f"Unable to import {module_name}: {error}") from error
    except SyntaxError as error:
        raise InitFailed("Runtime.UserCodeSyntaxError", f"Syntax error in {module_name}: {error}") from error
    handler: Handler | None = getattr(module, attribute, None)
    if handler is None:
        raise InitFailed("Runtime.HandlerNotFound", f"There is no {attribute} in {module_name}.")
    return handler


def serve(api: RuntimeApi, handle: Handler, invocation: Invocation, termination: Termination) -> None:
    """Answer one invocation, then let the body finish: its stages run when the client has everything."""
    try:
        head, body = _opened(handle, invocation)
    except Exception as error:  # noqa: BLE001 - whatever it is, the platform is told and the loop goes on
        _log.exception("the handler failed")
        api.fail(invocation, error)
        return
    delivered = False
    try:
        with closing(api.answer(invocation, head)) as answer, termination.cuts(answer):
            _deliver(body, answer)
        delivered = True
    except NotTaken as failure:
        _log.warning("the platform did not take the answer: %s", failure)
    finally:
        with termination.shelter():
            _finish(body, delivered=delivered)


def main() -> int:
    """Serve until the platform or a signal ends it; return the exit status."""
    request_id = install_log(os.environ)
    api = RuntimeApi(os.environ["AWS_LAMBDA_RUNTIME_API"])
    termination = Termination()
    termination.install()
    try:
        try:
            handle = load(os.environ)
        except Exception as error:  # noqa: BLE001 - whatever it is, the platform is told
            _log.critical("the function cannot start: %s", error, exc_info=error)
            api.fail_to_start(
                error.kind if isinstance(error, InitFailed) else f"Function.{type(error).__name__}", error
            )
            return 1
        while True:
            invocation = api.next()
            request_id.current = invocation.id
            _set_trace(invocation.headers.get("Lambda-Runtime-Trace-Id"))
            serve(api, handle, invocation, termination)
    except RuntimeApiGone as error:
        _log.critical("the Runtime API is gone: %s", error)
        return 1
    except Terminated:
        return 0


def _opened(handle: Handler, invocation: Invocation) -> tuple[bytes, Body]:
    response = handle(json.loads(invocation.event), invocation.context())
    try:
        return prelude(response), response.body
    except Exception:
        response.body.close()
        raise


def _deliver(body: Body, answer: Answer) -> None:
    try:
        error = _relay(body, answer)
    except NotTaken:
        raise
    except Exception:  # noqa: BLE001 - whatever it is, the client is told and the loop goes on
        _log.exception("the body failed")
        error = Internal()
    answer.end(error)


def _relay(body: Body, answer: Answer) -> StreamError | None:
    """Write the chunks up to the ending; return what cut them off."""
    for item in body:
        if isinstance(item, Cut):
            return item.error
        if item == END_OF_BODY:
            return None
        answer.write(item)
    return None


def _finish(body: Body, *, delivered: bool) -> None:
    try:
        with closing(body):
            if delivered:
                for _ in body:
                    pass
    except Exception:  # noqa: BLE001 - the client has its answer, and the loop goes on
        _log.exception("the body failed to finish")


def _set_trace(trace: str | None) -> None:
    """Tell botocore and Powertools the trace of this event, and no other's."""
    os.environ.pop("_X_AMZN_TRACE_ID", None)
    if trace:
        os.environ["_X_AMZN_TRACE_ID"] = trace


@contextmanager
def _taken() -> Iterator[None]:
    try:
        yield
    except (OSError, HTTPException) as error:
        raise NotTaken(repr(error)) from error


def _frame(data: bytes) -> bytes:
    """Return ``data`` as a chunk (RFC 9112 §7.1)."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def _trailers(error: StreamError) -> bytes:
    """Return the trailer section (RFC 9112 §7.1.2) that tells the platform, in safe words, what cut the answer."""
    body = base64.b64encode(_error_document(error.code, error.title, []))
    return f"{ERROR_TYPE}: Function.{error.code}\r\n{ERROR_BODY}: ".encode() + body + b"\r\n"


def _error_document(kind: str, message: str, places: list[str]) -> bytes:
    return json.dumps({"errorMessage": message, "errorType": kind, "stackTrace": places}).encode()


def _places(error: BaseException | None) -> list[str]:
    """Return the types of ``error`` and of what caused it, each with its frames: words and values may hold content."""
    lines: list[str] = []
    for each in causes(error):
        lines.append(("caused by " if lines else "") + type(each).__qualname__)
        frames = traceback.extract_tb(each.__traceback__)
        lines += [
            f'  File "{it.filename}", line {it.lineno}, in {it.name}'
            for it in frames
            if not it.filename.startswith("<frozen importlib")
        ]
    return lines


def _refusal(status: int, body: bytes) -> str:
    """Describe an answer of the Runtime API, whose bodies name an ``errorType``."""
    return f"{status} {body[:200].decode('utf-8', 'replace')}"


def _ascii(text: str) -> str:
    """Return ``text`` as a header field can carry it."""
    return text.encode("ascii", "backslashreplace").decode()


if __name__ == "__main__":
    exit_status = main()
    gc.freeze()  # nothing is worth collecting any more, and the platform waits for the process to end
    sys.exit(exit_status)
