"""The user's own stages: they receive the record after log, store and publish, each alone and bounded in time."""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from .stream.errors import DeadlineReached, Internal
from .stream.interruption import PATIENCE, end_process, user_code, without_signals
from .stream.record import Record
from .stream.stages import Stage
from .user_code import is_async

if TYPE_CHECKING:
    from .event_loop import EventLoop, Running

OwnStage = Callable[[Record], Any]
"""What the user's module holds, sync or async; what it returns is ignored."""

SHARE: Final = 0.1
"""The part of the time of all own stages that each of them has, whatever the ones before it do.

``STAGES_LIMIT`` such parts are less than all of it.
"""

_log = logging.getLogger(__name__)


def own_stages(stages: Mapping[str, OwnStage], seconds: float, loop: "EventLoop | None" = None) -> Stage:
    """Return the stage that runs ``stages``, by their references, in order; all together have ``seconds``.

    Async stages run on ``loop``, while this thread waits for each of them.
    """
    is_on_loop = {reference: loop is not None and is_async(stage) for reference, stage in stages.items()}

    def run(record: Record) -> None:
        began = time.monotonic()
        ends = began + min(seconds, record._start.seconds_left() + seconds)
        for following, (reference, stage) in zip(reversed(range(len(stages))), stages.items(), strict=True):
            now = time.monotonic()
            share = SHARE * seconds
            within = max(ends - now - following * share, share)
            try:
                if loop is not None and is_on_loop[reference]:
                    _await(loop.start(f"stage {reference}", stage, record), within)
                else:
                    with _ending_what_hangs(f"stage {reference}", record.request_id, ends - now + PATIENCE):
                        _call(stage, record, within, ends - now + PATIENCE + PATIENCE)
            except Exception as error:  # noqa: BLE001 - the stages after it run whatever it is
                spent = round((time.monotonic() - now) * 1000)
                ended = f"{_kind(error)} after {spent} ms"
                _log.error("stage %s of request %s failed: %s", reference, record.request_id, ended)

    return run


def _call(stage: OwnStage, record: Record, within: float, report: float) -> None:
    """Call a stage and break it off in time.

    One that waits in C is ended by ``_ending_what_hangs``. One that keeps the interpreter to itself stops that too: the
    last resort writes where the process hangs, and ends it.
    """
    user_code.limit(within, report, is_final=True)
    try:
        user_code.call(stage, record)
    finally:
        user_code.release()


def _await(running: "Running", within: float) -> None:
    """Wait for an async stage.

    Raises:
        DeadlineReached: it is late, and cancelled; the event loop finds one that does not end.
    """
    if not running.wait(within):
        running.cancel()
        raise DeadlineReached
    running.result()


@contextmanager
def _ending_what_hangs(what: str, request_id: str, seconds: float) -> Iterator[None]:
    """End the process if the code inside still runs after ``seconds``."""
    timer = threading.Timer(seconds, end_process, (what, request_id))
    timer.daemon = True
    with without_signals():
        timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()


def _kind(error: Exception) -> str:
    """Return the type of what a stage raised, or ``late``; never its words."""
    if isinstance(error, DeadlineReached):
        return "late"
    raised = error.__cause__ if isinstance(error, Internal) and error.__cause__ else error
    return type(raised).__qualname__
