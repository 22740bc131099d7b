"""The stages: what takes the record of a request when its stream is over."""

import logging
from collections.abc import Callable, Sequence

from .errors import drop_frames
from .record import Record

Stage = Callable[[Record], None]
"""A callable that takes the finished record. Stages stand in a visible list and run in its order."""

_log = logging.getLogger(__name__)


class StageFailed(Exception):
    """A stage could not do its work, told in words that hold no content."""


def finalise(stages: Sequence[Stage], record: Record) -> None:
    """Run every stage once; a failing one is logged, and the others still run. Then the error lets its frames go."""
    record.total_ms = record.elapsed()
    for stage in stages:
        try:
            stage(record)
        except Exception as error:  # noqa: BLE001 - a stage's failure is its own
            _log.error(
                "stage %s of request %s failed: %s",
                getattr(stage, "__qualname__", type(stage).__qualname__),
                record.id,
                _told(error),
            )
    drop_frames(record.error)


def _told(error: Exception) -> str:
    """Return the error's type, and its words only where they are ours: others' may hold content."""
    words = str(error) if isinstance(error, StageFailed) else ""
    return f"{type(error).__qualname__}: {words}" if words else type(error).__qualname__
