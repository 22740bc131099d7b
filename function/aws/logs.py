"""The lines of the log: their formats, what is left out of them, and where they go.

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

ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


class RequestId(logging.Filter):
    """Puts the id of the running invocation on every log record."""

    current = ""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record pass."""
        record.aws_request_id = self.current
        return True


request_id: Final = RequestId()
"""A host sets ``request_id.current`` when an invocation begins."""


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
        return json.dumps(members)


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
        if not isinstance(handler.formatter, TextFormat):
            handler.addFilter(redact)
    if not root.handlers:
        root.addHandler(_stderr_handler(environ))
        level = environ.get("AWS_LAMBDA_LOG_LEVEL", "").upper().replace("TRACE", "DEBUG")
        if level in logging.getLevelNamesMapping():
            root.setLevel(level)


def _stderr_handler(environ: Mapping[str, str]) -> logging.Handler:
    handler = logging.StreamHandler(output.stderr())
    handler.addFilter(request_id)
    handler.setFormatter(JsonFormat() if environ.get("AWS_LAMBDA_LOG_FORMAT", "").upper() == "JSON" else TextFormat())
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
