"""The user's code: validators, request classes and serializers cannot keep a request from its ending.

A timer breaks into code that still runs at the end of the answer's time, and again until it gives way. A signal to end
the process breaks into it too. Both are remembered if the code swallows them. Python runs the handler of a signal
between two instructions of the main thread, and inside ``time.sleep`` and ``re``; a loop inside pydantic-core it cannot
break into. For that case ``faulthandler`` writes to stderr where the process hangs, before something else kills it.

A process has one timer of this kind, so there is one object here for all of it.
"""

import faulthandler
import logging
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final, NoReturn, TypeVar, TypeVarTuple

from .errors import DeadlineReached, Internal

Arguments = TypeVarTuple("Arguments")
Result = TypeVar("Result")

AGAIN: Final = 0.2
"""Seconds after which code that has swallowed the interruption is interrupted again."""
PATIENCE: Final = 1.0
"""Seconds that the user's code has to end once it was broken off, before the process ends."""
STDERR: Final = 2
_NO_CALL: Final = -1
MASKED: Final = frozenset({signal.SIGTERM, signal.SIGINT, signal.SIGALRM})
"""Signals that only the main thread may take: in another one they would not break into what it waits for."""


_log = logging.getLogger(__name__)


class Interruption(BaseException):
    """Breaks off what runs. No handler of ``Exception`` takes it for a failure."""


class _TimeIsUp(Interruption):
    """The answer's time is over. It never leaves this file: what the user's code was called for ends with it."""


@contextmanager
def without_signals() -> Iterator[None]:
    """Start threads inside: none of them takes a signal, for which the main thread would then not wake up."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, MASKED)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class UserCode:
    """Calls the user's code, and breaks into it."""

    def __init__(self) -> None:
        """Begin with no time limit."""
        self._is_running = False
        self._calls = 0
        self._calls_at_last_tick: int | None = None
        self._interruption: Interruption | None = None

    def call(self, function: Callable[[*Arguments], Result], *arguments: *Arguments) -> Result:
        """Call a function that runs the user's code; return what it returns or raise what it raises.

        Raises:
            DeadlineReached: the answer's time came meanwhile, even if the code has swallowed that.
            Interruption: the process was asked to end meanwhile, even if the code has swallowed that.
            Internal: the code raised something that is not an ``Exception``, such as SystemExit.
        """
        self._calls += 1
        try:
            self._is_running = True
            return function(*arguments)
        except Exception:
            raise
        except BaseException as error:
            if error is self._interruption:
                raise
            raise Internal from error
        finally:
            self._is_running = False
            if self._interruption is not None:
                raise self._ending() from None

    def _ending(self) -> BaseException:
        interruption, self._interruption = self._interruption, None
        return DeadlineReached() if isinstance(interruption, _TimeIsUp) else interruption or Internal()

    def limit(self, seconds: float, report: float, *, is_final: bool = False) -> None:
        """Break into the user's code after ``seconds``; after ``report`` seconds write where the process hangs.

        With ``is_final`` the process then ends, with the exit status 1: nothing else can end what hangs there.
        Signals belong to the main thread. Where the handler runs in another one, nothing breaks into the code.
        """
        self.release()
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGALRM, self._tick)  # each time: the user's code may have set a handler of its own
            signal.setitimer(signal.ITIMER_REAL, max(seconds, 0.001), AGAIN)  # zero would mean never
            faulthandler.dump_traceback_later(max(report, 0.001), file=STDERR, exit=is_final)

    def release(self) -> None:
        """End the time limit: what comes now runs to its end."""
        self._is_running = False
        self._calls_at_last_tick = None
        self._interruption = None
        if threading.current_thread() is threading.main_thread():
            signal.setitimer(signal.ITIMER_REAL, 0)
            faulthandler.cancel_dump_traceback_later()

    def remember(self, interruption: Interruption) -> Interruption:
        """Return the exception, which is about to be raised; raise it again should the user's code swallow it."""
        if self._is_running:
            self._interruption = interruption
            self._calls_at_last_tick = _NO_CALL  # the next tick must not break into what is done before the exception
        return interruption

    def _tick(self, _number: int, frame: FrameType | None) -> None:
        """Break into a call that ran when the time was up, or that has run since the tick before.

        A call that began later has until the next tick: after its end in good time, an answer is still validated.
        """
        is_first = self._calls_at_last_tick is None
        is_late = is_first or self._calls_at_last_tick == self._calls
        self._calls_at_last_tick = self._calls
        is_in_call = frame is None or frame.f_code is UserCode.call.__code__
        if self._is_running and is_late and not is_in_call:
            if self._interruption is None:
                self._interruption = _TimeIsUp()
            raise self._interruption


def end_process(what: str, request_id: str) -> NoReturn:
    """End the process because the user's code still runs when its request is over. The next request gets a new one.

    Wait for nothing: the code may hang where no exception reaches it. One line of the log names it.
    """
    _log.critical("%s of request %s still runs; the process ends", what, request_id)
    os._exit(1)


user_code: Final = UserCode()
"""The one of this process."""
