"""The event loop of async own code: one for the sandbox, in a thread of its own, which starts with the first use.

Clients of the user's that are made once keep their connections from one request to the next. What else a request leaves
on the loop is cancelled when its stages are done. This file is imported only where a setting names an async function.
"""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Any, Final

from .stream.errors import Internal
from .stream.interruption import PATIENCE, end_process, without_signals

BLOCKED: Final = 1.5
"""How many times as long a loop has that has not even noticed."""

AsyncFunction = Callable[..., Awaitable[object]]


class Running:
    """One call of an async function. It is waited for and cancelled from another thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop, what: str, call: Callable[[], Awaitable[object]]) -> None:
        """Begin the call."""
        self._loop = loop
        self._ended = threading.Event()
        self._task: asyncio.Task[None] | None = None
        self._result: object = None
        self._error: BaseException | None = None
        loop.call_soon_threadsafe(self._begin, what, call)

    def wait(self, seconds: float) -> bool:
        """Wait for the end of the call; return whether it came in time."""
        return self._ended.wait(seconds)

    def result(self) -> object:
        """Wait for the end of the call, and return its result, once.

        Raises:
            Exception: what the call raised.
            Internal: it raised something that is not an ``Exception``, such as SystemExit, or was cancelled.
        """
        self._ended.wait()
        result, error = self._result, self._error
        self._result = self._error = None
        try:
            if isinstance(error, Exception):
                raise error
            if error is not None:
                raise Internal from error
        finally:
            del error  # its traceback holds this frame
        return result

    def cancel(self) -> None:
        """Ask the call to end; it can take its time."""
        with suppress(RuntimeError):  # own code has closed the loop
            self._loop.call_soon_threadsafe(self._cancel)

    def _begin(self, what: str, call: Callable[[], Awaitable[object]]) -> None:
        self._task = asyncio.create_task(self._run(call), name=what)
        self._task.add_done_callback(self._end)

    def _end(self, task: "asyncio.Task[None]") -> None:
        if task.cancelled():  # before its first step
            self._error = asyncio.CancelledError()
        self._ended.set()

    async def _run(self, call: Callable[[], Awaitable[object]]) -> None:
        try:
            self._result = await call()
        except BaseException as error:  # noqa: BLE001 - whatever it is, it is raised again in the thread that waits
            self._error = error

    def _cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()


class EventLoop:
    """The loop, and what runs on it."""

    def __init__(self) -> None:
        """Begin without a thread."""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread()
        self._latest = ""

    def start(self, what: str, function: AsyncFunction, *arguments: object) -> Running:
        """Call an async function on the loop; ``what`` names it for the log."""
        self._latest = what
        return Running(self._serving(), what, partial(function, *arguments))

    def end(self, request_id: str, seconds: float) -> None:
        """Cancel what a request has left behind, and end the process if some of it does not end.

        ``seconds`` are left of the sandbox's time: half of them can be spent here.
        """
        if self._loop is None or self._loop.is_closed():
            return
        latest, patience = self._latest, max(0.1, min(PATIENCE, seconds / 2 / BLOCKED))
        settling = self.start("", _settle, patience)
        left = settling.result() if settling.wait(patience * BLOCKED) else [latest]
        if isinstance(left, list) and left:
            end_process(" and ".join(sorted(left)), request_id)

    def _serving(self) -> asyncio.AbstractEventLoop:
        """Return the loop. Own code can close it: then there is a new one."""
        if self._loop is None or self._loop.is_closed() or not self._thread.is_alive():
            self._loop = asyncio.new_event_loop()
            self._thread = threading.Thread(target=_serve, args=(self._loop,), name="event-loop", daemon=True)
            with without_signals():
                self._thread.start()
        return self._loop


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    while not loop.is_closed():
        with suppress(KeyboardInterrupt, SystemExit):  # from a task that own code has made
            loop.run_forever()


async def _settle(patience: float) -> list[str]:
    """Cancel every other task; return the names of those that still run after ``patience`` seconds."""
    loop = asyncio.get_running_loop()
    ends = loop.time() + patience
    while left := asyncio.all_tasks() - {asyncio.current_task()}:
        for task in left:
            if not task.cancelling():
                task.cancel()
        if loop.time() >= ends:
            return [_name(task) for task in left]
        await asyncio.wait(left, timeout=ends - loop.time())
    return []


def _name(task: "asyncio.Task[Any]") -> str:
    """Return what the log calls a task: what the function has named it, or the function that own code made it of."""
    name = task.get_name()
    return f"task {getattr(task.get_coro(), '__qualname__', 'of own code')}" if name.startswith("Task-") else name
