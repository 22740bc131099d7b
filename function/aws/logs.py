"""The lines of the log: their formats, what is left out of them, and where they go.

Lines of own code, from ``logging.getLogger(__name__)``, are JSON with the id of the request and the caller's fields.

An exception is logged as its type, its causes and their frames. Its message is left out, since it may hold some of a
prompt or an answer. That has to be true whichever program hosts the handler: the handler's module calls ``install``
itself, and a host calls it earlier if what it logs before that should have the same format.
"""

import json
import logging
import sys
import time
import traceback
from collections.abc import Mapping
from io import TextIOWrapper
from types import TracebackType
from typing import Final

from ..stream.errors import causes
from ..version import SERVICE_VERSION
from . import output

PACKAGE: Final = __name__.partition(".")[0]
"""The function's loggers are those of its modules."""

ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


class RunningRequest(logging.Filter):
    """Puts what is known of the running request on every log record, whichever thread writes it.

    A sandbox serves one request at a time: what a thread of the user's logs belongs to the request that runs then.
    """

    def __init__(self) -> None:
        """Begin without a request."""
        super().__init__()
        self._id = ""
        self._fields: Mapping[str, str] = {}

    def begins(self, request_id: str, fields: Mapping[str, str] | None = None) -> None:
        """Note the id of the invocation that begins, and what own code's lines say of it beside that."""
        self._id, self._fields = request_id, fields or {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record pass."""
        record.aws_request_id, record.request_fields = self._id, self._fields
        return True


running: Final = RunningRequest()
"""The host and the handler say when an invocation begins; the handler knows more of it."""


class TextFormat(logging.Formatter):
    """A line as AWS's own runtime writes it, and the build before the message.

    Line ends become carriage returns, so that CloudWatch stores one record as one event.
    """

    converter = staticmethod(time.gmtime)

    def __init__(self) -> None:
        """Set the format of the line."""
        super().__init__(
            f"[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t{SERVICE_VERSION}\t%(message)s",
            "%Y-%m-%dT%H:%M:%S",
        )

    def format(self, record: logging.LogRecord) -> str:
        """Return one line."""
        return super().format(record).replace("\n", "\r")

    def formatException(self, ei: ExcInfo) -> str:  # noqa: N802 - logging's own name
        """Return the stack trace without messages."""
        return "\n".join(redacted_trace(ei[1]))


class JsonFormat(TextFormat):
    """A JSON object as AWS's own runtime writes it for the log format ``JSON``, and the build."""

    def format(self, record: logging.LogRecord) -> str:
        """Return one line."""
        return json.dumps(self._members(record))

    def _members(self, record: logging.LogRecord) -> dict[str, object]:
        members: dict[str, object] = {
            "timestamp": f"{self.formatTime(record, self.datefmt)}.{int(record.msecs):03d}Z",
            "level": record.levelname,
            "message": record.getMessage(),
            "logger": record.name,
            "requestId": getattr(record, "aws_request_id", ""),
            "service.version": SERVICE_VERSION,
        }
        if record.exc_info and record.exc_info[1]:
            members["errorType"] = type(record.exc_info[1]).__qualname__
            members["stackTrace"] = redacted_trace(record.exc_info[1])
        return members


class OwnCodeFormat(JsonFormat):
    """A JSON object as of ``JsonFormat``, and what is known of the request, named as in the request's own log line."""

    def _members(self, record: logging.LogRecord) -> dict[str, object]:
        request_id = getattr(record, "aws_request_id", "")
        known = {"request_id": request_id, **getattr(record, "request_fields", {})} if request_id else {}
        return super()._members(record) | known


class FormatByOrigin(logging.Formatter):
    """Gives the lines of the function the format that it was set to; those of any other code are JSON."""

    def __init__(self, of_function: logging.Formatter) -> None:
        """Take the format for lines of the function."""
        super().__init__()
        self._of_function = of_function
        self._of_others = OwnCodeFormat()

    def format(self, record: logging.LogRecord) -> str:
        """Return one line."""
        is_of_function = record.name.startswith(f"{PACKAGE}.")
        return (self._of_function if is_of_function else self._of_others).format(record)


def redact(record: logging.LogRecord) -> bool:
    """Replace an exception by its trace without messages: a filter for handlers that have a format of their own."""
    if record.exc_info and record.exc_info[1]:
        record.exc_text = "\n".join(redacted_trace(record.exc_info[1]))
        record.exc_info = None
    return True


def install(environ: Mapping[str, str]) -> None:
    """Make the root logger write redacted lines, once; a second call changes nothing.

    A root logger without a handler gets one that writes to stderr: stdout is for the lines of the stages and for
    metrics. Where a host has installed handlers, they keep their formats, and exceptions reach them redacted.

    This must come before the first Powertools ``Logger`` is made, which keeps its own lines away from the handlers
    that the root logger has at that moment.
    """
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)  # nothing may lie in a buffer when the sandbox is frozen
    root = logging.getLogger()
    for handler in root.handlers:
        if not isinstance(handler.formatter, FormatByOrigin):
            handler.addFilter(redact)
    if not root.handlers:
        root.addHandler(_stderr_handler(environ))
        level = environ.get("AWS_LAMBDA_LOG_LEVEL", "").upper().replace("TRACE", "DEBUG")
        if level in logging.getLevelNamesMapping():
            root.setLevel(level)


def _stderr_handler(environ: Mapping[str, str]) -> logging.Handler:
    handler = logging.StreamHandler(output.stderr())
    handler.addFilter(running)
    is_json = environ.get("AWS_LAMBDA_LOG_FORMAT", "").upper() == "JSON"
    handler.setFormatter(FormatByOrigin(JsonFormat() if is_json else TextFormat()))
    return handler


def redacted_trace(error: BaseException | None) -> list[str]:
    """Return the types of ``error`` and of its causes, each followed by its frames, without their messages."""
    lines: list[str] = []
    for cause in causes(error):
        lines.append(("caused by " if lines else "") + type(cause).__qualname__)
        lines += [
            f'  File "{frame.filename}", line {frame.lineno}, in {frame.name}'
            for frame in traceback.extract_tb(cause.__traceback__)
            if not frame.filename.startswith("<frozen importlib")
        ]
    return lines
