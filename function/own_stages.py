"""The user's own stages: they receive the record after log, store and publish, each alone and bounded in time."""

import logging
import time
from collections.abc import Callable, Mapping
from typing import Final

from .stream.errors import DeadlineReached, Internal
from .stream.interruption import user_code
from .stream.record import Record
from .stream.stages import Stage

OwnStage = Callable[[Record], object]
"""What the user's module holds; what it returns is ignored."""

SHARE: Final = 0.1
"""The part of the time of all own stages that each of them has, whatever the ones before it do. At most 8 have it."""
PATIENCE: Final = 1.0
"""Seconds after that time at which the process ends if a stage that cannot be broken off still runs."""

_log = logging.getLogger(__name__)


def own_stages(stages: Mapping[str, OwnStage], seconds: float) -> Stage:
    """Return the stage that runs ``stages``, by their references, in order; all together have ``seconds``."""

    def run(record: Record) -> None:
        began = time.monotonic()
        ends = began + min(seconds, record._start.seconds_left() + seconds)
        for following, (reference, stage) in zip(reversed(range(len(stages))), stages.items(), strict=True):
            now = time.monotonic()
            share = SHARE * seconds
            user_code.limit(max(ends - now - following * share, share), ends - now + PATIENCE, is_final=True)
            try:
                user_code.call(stage, record)
            except Exception as error:  # noqa: BLE001 - the stages after it run whatever it is
                spent = round((time.monotonic() - now) * 1000)
                ended = f"{_kind(error)} after {spent} ms"
                _log.error("stage %s of request %s failed: %s", reference, record.request_id, ended)
            finally:
                user_code.release()

    return run


def _kind(error: Exception) -> str:
    """Return the type of what a stage raised, or ``late``; never its words."""
    if isinstance(error, DeadlineReached):
        return "late"
    raised = error.__cause__ if isinstance(error, Internal) and error.__cause__ else error
    return type(raised).__qualname__
