"""Exceptions that nobody catches, and warnings: Python would print their words, which may hold some of an answer.

Each of Python's own printers is replaced by a line of the log with types and frames. That is for a process of our own:
a program that hosts the handler for other ends, such as a test runner, has set these hooks for itself.
"""

import logging
import sys
import threading
import warnings
from types import TracebackType
from typing import TYPE_CHECKING, Final, TextIO

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

NO_WORDS: Final = "asyncio reports an error or a slow callback"

_log = logging.getLogger("function.aws.uncaught")


def install() -> None:
    """Keep the words of exceptions and warnings out of what this process writes from now on.

    What logging cannot write, a wrong argument of a line for example, is left out: logging would print the arguments.
    """
    sys.excepthook = _in_main_thread
    threading.excepthook = _in_thread
    sys.unraisablehook = _unraisable
    warnings.showwarning = _warning
    logging.raiseExceptions = False
    logging.getLogger("asyncio").addFilter(_without_words)


def _in_main_thread(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    _log.critical("an exception ends the process", exc_info=(kind, error, trace))


def _in_thread(args: threading.ExceptHookArgs) -> None:
    if args.exc_value is not None and not isinstance(args.exc_value, SystemExit):  # which ends a thread as it should
        _log.error("an exception ended a thread", exc_info=(args.exc_type, args.exc_value, args.exc_traceback))


def _unraisable(args: "UnraisableHookArgs") -> None:
    """Log without ``args.object``: how it describes itself may be content too."""
    if args.exc_value is not None:
        error = (args.exc_type, args.exc_value, args.exc_traceback)
        _log.error("an exception in a finalizer or a callback was ignored", exc_info=error)


def _warning(  # noqa: PLR0913, PLR0917 - the parameters are Python's
    message: Warning | str,  # noqa: ARG001 - Pydantic's quote the value
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,  # noqa: ARG001 - as above
    line: str | None = None,  # noqa: ARG001 - as above
) -> None:
    _log.warning("%s at %s:%s", category.__qualname__, filename, lineno)


def _without_words(record: logging.LogRecord) -> bool:
    """Replace the words of asyncio's handler of exceptions, which describe tasks with their arguments and results."""
    if record.levelno >= logging.WARNING:
        record.msg, record.args = NO_WORDS, None
    return True
