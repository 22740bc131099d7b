"""The stages: callables that take the record of a request when its stream is over."""

import logging
from collections.abc import Callable, Sequence

from .errors import drop_frames
from .record import Record

Stage = Callable[[Record], None]
"""A callable that takes the finished record. The handler has a list of them, and they run in that order."""

_log = logging.getLogger(__name__)


class StageFailed(Exception):
    """A stage could not do its work; the message contains no content."""


def finalise(stages: Sequence[Stage], record: Record) -> None:
    """Run every stage once. If one fails, it is logged, and the others still run. Then free what the error holds."""
    for stage in stages:
        try:
            stage(record)
        except Exception as error:  # noqa: BLE001 - the stages after it run whatever it is
            _log.error(
                "stage %s of request %s failed: %s",
                getattr(stage, "__qualname__", type(stage).__qualname__),
                record.request_id,
                _described(error),
            )
    drop_frames(record._error)


def _described(error: Exception) -> str:
    """Return the error's type, and its message only if it is known to hold no content."""
    message = str(error) if isinstance(error, StageFailed) else ""
    return f"{type(error).__qualname__}: {message}" if message else type(error).__qualname__
