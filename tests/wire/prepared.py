"""A request class without a prompt, and a ``prepare`` that makes one: what the question ends with is what it does."""

import json
import os
import sys
import weakref
from asyncio import CancelledError
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from pydantic import BaseModel, Field

from function.endpoint import Call, Prompt, Refused
from function.stream.record import Record
from tests.wire import stubborn

SECRET: Final = "words of prepare"


class Own(Exception):
    """What the code raises."""


class Request(BaseModel):
    """What the client sends: its prompt is a field of another name here."""

    question: str = Field(validation_alias="prompt")


class Context:
    """What a validator could be given; its life can be watched."""


_contexts: list[weakref.ref[Context]] = []


def ask(request: Request, _: Call) -> object:
    context = Context()
    _contexts.append(weakref.ref(context))
    return Prompt(request.question, metadata={"tenant": "t1"}, validation_context=context)


def tell(request: Request, call: Call) -> object:
    """Write what the call says, and prepare as usual."""
    _write(caller=call.caller.kind, id=call.request_id, route=call.route, left=call.seconds_left())
    return ask(request, call)


def fail(_: Request, __: Call) -> object:
    raise Own(SECRET)


def leave(_: Request, __: Call) -> object:
    sys.exit(SECRET)


def interrupt(_: Request, __: Call) -> object:
    raise KeyboardInterrupt(SECRET)


def cancel(_: Request, __: Call) -> object:
    raise CancelledError(SECRET)


def sleep(_: Request, __: Call) -> object:
    stubborn.sleep()
    return SECRET


def refuse(_: Request, __: Call) -> object:
    raise Refused("tenant_locked", status=423, title="The tenant is locked.", detail="Ask the owner.")


def refuse_for_now(_: Request, __: Call) -> object:
    raise Refused("too_many_questions", status=429, title=f"Later, say the {SECRET}.", detail=SECRET, retry_after=60)


def refuse_late(request: Request, call: Call) -> object:
    """Refuse once the test has opened the other end of the pipe."""
    Path(os.environ["PIPE"]).open().close()
    return refuse(request, call)


HABITS: Final[Mapping[str, Callable[[Request, Call], object]]] = {
    **{
        habit.__name__: habit
        for habit in (tell, fail, leave, interrupt, cancel, sleep, refuse, refuse_for_now, refuse_late)
    },
    "nothing": lambda _, __: None,
    "number": lambda _, __: 7,
    "blank": lambda _, __: " ",
    "generator": lambda _, __: iter([SECRET]),
    "text": lambda request, _: request.question,
}


def prepare(request: Request, call: Call) -> object:
    """Make the prompt of a question."""
    return HABITS.get(request.question.rpartition(": ")[2], ask)(request, call)


def with_one(_: Request) -> str:
    """Is no ``prepare``: it takes one argument."""
    return ""


def with_three(_: Request, __: Call, ___: int = 0) -> str:
    """Is no ``prepare``: a third argument could be positional."""
    return ""


def with_names(_: Request, __: Call, *, more: int = 0) -> str:
    """Could be one: what has a name and a default is the function's own affair."""
    return str(more)


def watch(record: Record) -> None:
    """Is a stage: writes whether the contexts of all prompts are gone."""
    kept = [each for each in _contexts if each() is not None]
    _write(kept=len(kept), made=len(_contexts), phase=record.phase, prepare=record.timings.prepare)


def _write(**members: object) -> None:
    sys.stdout.write(json.dumps(members) + "\n")
