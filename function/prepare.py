"""The user's ``prepare``: makes the prompt in the thread that waits for the model's first event, beside the heartbeats.

A function that waits in C cannot be stopped. At the end of its request it is abandoned: what it returns or raises is
dropped, and the model is not called. If it still runs when the stages are done, the process ends, so that nothing of it
reaches another request.
"""

import threading
from collections.abc import Callable, Iterator
from typing import Any

from pydantic import BaseModel

from .conversation import Conversation
from .endpoint import Call, Refused
from .request import checked_prompt, refused
from .stream.errors import AnswerError, Internal
from .stream.events import ModelEvent, Prepared
from .stream.interruption import end_process
from .stream.pacing import Source
from .stream.record import Record

AskModel = Callable[[str | Conversation, AnswerError | None, float], Source]
"""Makes a call of the model from a prompt, from what was wrong with an earlier answer, and from a time limit."""


class Prepare:
    """The user's function, which makes the prompt of one request at a time."""

    def __init__(self, reference: str, function: Callable[[Any, Any], object]) -> None:
        """Take the function and what it is called in the settings."""
        self._reference = reference
        self._function = function
        self._is_running = False

    def prompt(self, request: BaseModel, call: Call) -> str | Conversation:
        """Return the prompt that the function makes of a request.

        Raises:
            PromptInvalid: the model cannot be given what it has made.
            RequestRefused: the function refuses the request.
            Internal: the function raised something that is no ``Exception``, such as SystemExit.
            Exception: what else the function raised.
        """
        self._is_running = True
        try:
            return checked_prompt(self._function(request, call), request)
        except Refused as refusal:
            raise refused(refusal) from None
        except Exception:
            raise
        except BaseException as error:
            raise Internal from error
        finally:
            self._is_running = False

    def end(self, record: Record) -> None:
        """End the process if the function still runs; the last stage."""
        if self._is_running:
            end_process(f"prepare {self._reference}", record.request_id)


class Preparation:
    """The prompt of one request: made with the first call of the model, and kept for the others."""

    def __init__(self, make: Callable[[], str | Conversation], ask: AskModel) -> None:
        self._make = make
        self._ask = ask
        self._prompt: str | Conversation | None = None

    @property
    def prompt(self) -> str | Conversation:
        """The prompt, once it has been made."""
        if self._prompt is None:
            raise Internal
        return self._prompt

    def call(self, previous: AnswerError | None, read_timeout: float) -> Source:
        """Return a call of the model, which makes the prompt first if it has not been made."""
        if self._prompt is None:
            return _PreparedCall(self._made, lambda prompt: self._ask(prompt, previous, read_timeout))
        return self._ask(self._prompt, previous, read_timeout)

    def _made(self) -> str | Conversation:
        self._prompt = self._make()
        return self._prompt


class _PreparedCall:
    """A call of the model that waits for its prompt: a ``pacing.Source``."""

    def __init__(self, make: Callable[[], str | Conversation], ask: Callable[[str | Conversation], Source]) -> None:
        self._make = make
        self._ask = ask
        self._lock = threading.Lock()
        self._source: Source | None = None
        self._is_cancelled = False

    def __iter__(self) -> Iterator[ModelEvent | Prepared]:
        prompt = self._make()
        with self._lock:
            if self._is_cancelled:
                return
            self._source = source = self._ask(prompt)
        yield Prepared()
        yield from source

    def cancel(self) -> bool:
        with self._lock:
            self._is_cancelled = True
            return self._source is not None and self._source.cancel()
