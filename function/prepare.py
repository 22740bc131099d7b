"""The user's ``prepare``: makes the prompt in the thread that waits for the model's first event, beside the heartbeats.

A function that waits in C cannot be stopped. At the end of its request it is abandoned: what it returns or raises is
dropped, and the model is not called. If it still runs when the stages are done, the process ends, so that nothing of it
reaches another request. An async function runs on the event loop, and is cancelled.
"""

import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from pydantic import BaseModel

from .conversation import Conversation
from .endpoint import Call, Refused
from .request import checked_prompt, refused
from .stream.errors import AnswerError, Internal
from .stream.events import ModelEvent, Prepared
from .stream.interruption import end_process
from .stream.pacing import Reading, Source
from .stream.record import Record

if TYPE_CHECKING:
    from .event_loop import AsyncFunction, EventLoop, Running

AskModel = Callable[[str | Conversation, AnswerError | None], Source]
"""Makes a call of the model from a prompt, from what was wrong with an earlier answer, and from a time limit."""


class Prepare(Protocol):
    """The user's function. It makes the prompt of one request at a time."""

    def begin(self, request: BaseModel, call: Call) -> Callable[[], object]:
        """Begin to make a prompt; return what waits for it, returns it, or raises what the function raised."""

    def cancel(self) -> None:
        """Ask the function to end, because nobody waits for its prompt any more."""


class SyncPrepare:
    """A function that runs in the thread that waits for it."""

    def __init__(self, reference: str, function: Callable[[Any, Any], object]) -> None:
        """Take the function and what it is called in the settings."""
        self._reference = reference
        self._function = function
        self._is_running = False

    def begin(self, request: BaseModel, call: Call) -> Callable[[], object]:
        """Count the function as running from now on."""
        self._is_running = True

        def made() -> object:
            try:
                return self._function(request, call)
            finally:
                self._is_running = False

        return made

    def cancel(self) -> None:
        """Leave it alone: no other thread can stop it."""

    def end(self, record: Record) -> None:
        """End the process if the function still runs."""
        if self._is_running:
            end_process(f"prepare {self._reference}", record.request_id)


class AsyncPrepare:
    """A function that runs on the event loop, which ends what is left of a request."""

    def __init__(self, reference: str, function: "AsyncFunction", loop: "EventLoop") -> None:
        """Take the function and what it is called in the settings."""
        self._reference = reference
        self._function = function
        self._loop = loop
        self._running: Running | None = None

    def begin(self, request: BaseModel, call: Call) -> Callable[[], object]:
        """Call the function on the loop."""
        self._running = self._loop.start(f"prepare {self._reference}", self._function, request, call)
        return self._running.result

    def cancel(self) -> None:
        """Cancel it; a function that does not end is found at the end of the request."""
        if self._running is not None:
            self._running.cancel()


class Making(NamedTuple):
    """How the prompt of one request is made."""

    prepare: Prepare
    request: BaseModel
    call: Call

    def prompt(self, made: Callable[[], object]) -> str | Conversation:
        """Return the prompt, once the function has ended.

        Raises:
            PromptInvalid: the model cannot be given what it has made.
            RequestRefused: the function refuses the request.
            Internal: the function raised something that is no ``Exception``, such as SystemExit.
            Exception: what else the function raised.
        """
        try:
            return checked_prompt(made(), self.request)
        except Refused as refusal:
            raise refused(refusal) from None
        except Exception:
            raise
        except BaseException as error:
            raise Internal from error


class Preparation:
    """The prompt of one request: made with the first call of the model, and kept for the others."""

    def __init__(self, making: Making, ask: AskModel) -> None:
        self._making = making
        self._ask = ask
        self._prompt: str | Conversation | None = None

    @property
    def prompt(self) -> str | Conversation:
        """The prompt, once it has been made."""
        if self._prompt is None:
            raise Internal
        return self._prompt

    def call(self, previous: AnswerError | None) -> Source:
        """Return a call of the model, which makes the prompt first if it has not been made."""
        if self._prompt is None:
            return _PreparedCall(self._making, self._ask_first)
        return self._ask(self._prompt, previous)

    def _ask_first(self, prompt: str | Conversation) -> Source:
        self._prompt = prompt
        return self._ask(prompt, None)


class _PreparedCall:
    """A call of the model that waits for its prompt: a ``pacing.Source``."""

    def __init__(self, making: Making, ask: Callable[[str | Conversation], Source]) -> None:
        self._making = making
        self._ask = ask
        self._lock = threading.Lock()
        self._source: Source | None = None
        self._is_cancelled = False

    def __iter__(self) -> Iterator[ModelEvent | Prepared]:
        """Make the prompt, unless the request has ended before; call the model, unless it has ended meanwhile."""
        making = self._making
        with self._lock:
            if self._is_cancelled:
                return
            made = making.prepare.begin(making.request, making.call)
        prompt = making.prompt(made)
        with self._lock:
            if self._is_cancelled:
                return
            self._source = source = self._ask(prompt)
        yield Prepared()
        yield from source

    @property
    def is_waiting(self) -> bool:
        """While the prompt is made, no model is waited for."""
        return self._source is not None and self._source.is_waiting

    @property
    def reading(self) -> Reading | None:
        return None if self._source is None else self._source.reading

    def cancel(self) -> bool:
        with self._lock:
            self._is_cancelled = True
            if self._source is not None:
                return self._source.cancel()
            self._making.prepare.cancel()
            return False
