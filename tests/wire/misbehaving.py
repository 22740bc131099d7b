"""Own code that misbehaves in every place where the function calls it: ``PLACE: HABIT`` in a text says where and how.

The text is the prompt for every place but ``answer``, which reads what the model wrote.
"""

import asyncio
import json
import os
import signal
import sys
import threading
from asyncio import CancelledError
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BaseModel, model_validator

from function.aws.output import WholeLines
from function.endpoint import Call
from function.stream.record import Record
from tests.wire import stubborn
from tests.wire.stubborn import AGES

SECRET: Final = "words of own code"
VARIABLE: Final = "LEFT_BEHIND"
"""What own code sets in the environment."""
MUCH: Final = 30_000_000
"""Characters: more than a model call may have."""
_over: Final = threading.Event()
"""Ends what own code has left behind."""
_tasks: Final[list[asyncio.Task[None]]] = []


class Own(Exception):
    """What own code raises."""


def raise_exception(_: object) -> object:
    raise Own(SECRET)


def raise_system_exit(_: object) -> object:
    raise SystemExit(SECRET)


def raise_keyboard_interrupt(_: object) -> object:
    raise KeyboardInterrupt(SECRET)


def raise_cancelled_error(_: object) -> object:
    raise CancelledError(SECRET)


def wait(_: object) -> object:
    stubborn.sleep()
    return SECRET


def work(_: object) -> object:
    stubborn.work()
    return SECRET


def swallow(given: object) -> object:
    """Go on after what broke off the code, and end by itself."""
    stubborn.swallow()
    return given


def return_none(_: object) -> object:
    return None


def return_number(_: object) -> object:
    return 7


def return_generator(_: object) -> object:
    return (text for text in [SECRET])


def return_much(_: object) -> object:
    return MUCH * "x"


def leave_thread(given: object) -> object:
    _over.clear()
    threading.Thread(target=_over.wait, daemon=True).start()
    return given


def change_given(given: Any) -> object:
    if isinstance(given, list):
        given.append("added")
    else:
        setattr(given, "prompt" if isinstance(given, Record) else "words", "changed")
    return given


def print_much(given: object) -> object:
    for _ in range(10):
        sys.stdout.write(1_000_000 * "x" + "\n")
    return given


def close_stdout(given: object) -> object:
    sys.stdout.close()
    return given


def set_signal_handler(given: object) -> object:
    """Take the signal of the timer that breaks off own code."""
    signal.signal(signal.SIGALRM, signal.SIG_IGN)
    return given


def change_environment(given: object) -> object:
    """Set a variable, and one that the function has read at its start."""
    os.environ[VARIABLE] = os.environ["LLM_MODEL_ID"] = "changed"
    return given


def tell(given: object) -> object:
    """Write what earlier requests have left behind, and clean that up."""
    left = {
        "threads": any(thread.name.endswith("(wait)") for thread in threading.enumerate()),
        "tasks": any(not task.done() for task in _tasks),
        "stdout is closed": sys.stdout.closed,
        "signal is ignored": signal.getsignal(signal.SIGALRM) is signal.SIG_IGN,
        "variable": os.environ.pop(VARIABLE, None),
    }
    _over.set()
    if sys.stdout.closed:
        sys.stdout = WholeLines(1)
    sys.stdout.write(json.dumps({"left": {what: value for what, value in left.items() if value}}) + "\n")
    return given


HABITS: Final[Mapping[str, Callable[[Any], object]]] = {
    habit.__name__: habit
    for habit in (
        raise_exception,
        raise_system_exit,
        raise_keyboard_interrupt,
        raise_cancelled_error,
        wait,
        work,
        swallow,
        return_none,
        return_number,
        return_generator,
        return_much,
        leave_thread,
        change_given,
        print_much,
        close_stdout,
        set_signal_handler,
        change_environment,
        tell,
    )
}


def act(place: str, text: str | None, given: object) -> Any:
    """Do in ``place`` what ``text`` says, and return what is returned there; ``given`` if it says nothing."""
    wanted, _, habit = (text or "").partition(": ")
    return HABITS[habit](given) if wanted == place else given


async def act_async(place: str, text: str | None, given: object) -> Any:
    """Do the same in async code, which waits and leaves behind in its own way."""
    if text == f"{place}: wait":
        await asyncio.sleep(AGES)
    if text == f"{place}: swallow":
        with suppress(BaseException):
            await asyncio.sleep(AGES)
        return given
    if text == f"{place}: leave_thread":
        _tasks.append(asyncio.create_task(asyncio.sleep(AGES)))
    return act(place, text, given)


class Request(BaseModel):
    """What the client sends."""

    words: str

    @model_validator(mode="after")
    def check(self) -> Any:
        return act("request", self.words, self)

    @property
    def prompt(self) -> Any:
        return _text(act("prompt", self.words, self))


class Answer(BaseModel):
    """What the model answers: its first keyword says what the validator of them does."""

    keywords: Annotated[list[str], AfterValidator(lambda words: act("answer", words[0], words))]


def prepare(request: Request, _: Call) -> Any:
    return _text(act("prepare", request.words, request))


def _text(made: Any) -> Any:
    return made.words if isinstance(made, Request) else made


def stage(record: Record) -> Any:
    return act("stage", record.prompt, record)


async def prepare_async(request: Request, _: Call) -> Any:
    return _text(await act_async("prepare_async", request.words, request))


async def stage_async(record: Record) -> Any:
    return await act_async("stage_async", record.prompt, record)


def last(_: Record) -> None:
    """Show that the stages after another one run, and can print."""
    os.write(2, b"last\n")
