"""The lines of the log: their forms, what is left out of them, and where they go."""

import json
import logging
import sys
import time
import traceback
from collections.abc import Mapping
from io import TextIOWrapper
from types import TracebackType

from ..stream.errors import causes

ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


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
        return "\n".join(places(ei[1]))


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
            members["stackTrace"] = places(record.exc_info[1])
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


def places(error: BaseException | None) -> list[str]:
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
