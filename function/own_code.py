"""The functions of the user's that are named in the settings, and the end of what they leave behind.

``asyncio`` takes a while to load: only a sandbox with an async function has an event loop.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from .own_stages import own_stages
from .prepare import AsyncPrepare, Prepare, SyncPrepare
from .stream.record import Record
from .stream.stages import Stage
from .user_code import is_async, load_prepare, load_stage

if TYPE_CHECKING:
    from .event_loop import EventLoop


class OwnCode:
    """Made once per sandbox."""

    def __init__(self) -> None:
        """Begin without any function."""
        self._loop: EventLoop | None = None
        self._sync: list[SyncPrepare] = []
        self._seconds_of_stages = 0.0

    def prepare(self, reference: str) -> Prepare:
        """Return what makes prompts.

        Raises:
            SettingsError: the reference does not name such a function.
        """
        function = load_prepare(reference)
        if is_async(function):
            return AsyncPrepare(reference, function, self._event_loop())
        self._sync.append(SyncPrepare(reference, function))
        return self._sync[-1]

    def stages(self, references: Sequence[str], seconds: float) -> Stage:
        """Return the stage that runs own stages, in order; all together have ``seconds``.

        Raises:
            SettingsError: a reference does not name such a function.
        """
        self._seconds_of_stages = seconds
        stages = {reference: load_stage(reference) for reference in references}
        loop = self._event_loop() if any(is_async(stage) for stage in stages.values()) else None
        return own_stages(stages, seconds, loop)

    def end(self, record: Record) -> None:
        """Cancel what a request has left on the loop; end the process if own code still runs. The last stage."""
        if self._loop is not None:
            self._loop.end(record.request_id, record._start.seconds_left() + self._seconds_of_stages)
        for prepare in self._sync:
            prepare.end(record)

    def _event_loop(self) -> "EventLoop":
        if self._loop is None:
            from .event_loop import EventLoop  # noqa: PLC0415 - it loads asyncio

            self._loop = EventLoop()
        return self._loop
