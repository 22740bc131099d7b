"""The call of the model that waits for its prompt. tests/wire/test_prepare.py shows it in the whole chain."""

import asyncio
import sys
import threading
from collections.abc import Iterator

import pytest
from pydantic import BaseModel

from function.conversation import Conversation
from function.endpoint import Call, Prompt
from function.event_loop import EventLoop
from function.prepare import AsyncPrepare, Making, Preparation, Prepare, SyncPrepare
from function.stream.errors import AnswerError, AnswerNotJson, Internal, PromptInvalid
from function.stream.events import Delta, ModelEvent, Prepared

CALL = Call(request_id="req-1")


class Request(BaseModel):
    question: str = "Why?"


class Model:
    """A source that knows what it was asked, and whether it was cancelled."""

    reading = None

    def __init__(self) -> None:
        self.asked: list[tuple[object, AnswerError | None]] = []
        self.is_cancelled = False

    def ask(self, prompt: str | Conversation, previous: AnswerError | None) -> "Model":
        self.asked.append((prompt, previous))
        return self

    def __iter__(self) -> Iterator[ModelEvent]:
        yield Delta("{}")

    @property
    def is_waiting(self) -> bool:
        return True

    def cancel(self) -> bool:
        self.is_cancelled = True
        return True


def making(prepare: Prepare) -> Making:
    return Making(prepare, Request(), CALL)


def test_the_prompt_is_made_once_and_later_attempts_share_it() -> None:
    made: list[str] = []
    model = Model()

    def make(request: Request, call: Call) -> str:
        made.append(f"{request.question} {call.request_id}")
        return made[-1]

    preparation = Preparation(making(SyncPrepare("own:make", make)), model.ask)
    error = AnswerNotJson()
    assert list(preparation.call(None)) == [Prepared(), Delta("{}")]
    assert list(preparation.call(error)) == [Delta("{}")]
    assert made == ["Why? req-1"]
    assert model.asked == [(made[0], None), (made[0], error)]


def test_a_request_that_ends_meanwhile_calls_no_model() -> None:
    begun, may_end = threading.Event(), threading.Event()
    model = Model()

    def make(_: Request, __: Call) -> str:
        begun.set()
        may_end.wait()
        return "Why?"

    call = Preparation(making(SyncPrepare("own:make", make)), model.ask).call(None)
    events: list[object] = []
    thread = threading.Thread(target=lambda: events.extend(call))
    thread.start()
    begun.wait()
    assert not call.cancel()
    may_end.set()
    thread.join()
    assert (events, model.asked) == ([], [])


async def wait(_: Request, __: Call) -> str:
    await asyncio.sleep(3_600)
    return "Why?"


def test_an_async_function_is_cancelled_with_its_request() -> None:
    model = Model()
    call = Preparation(making(AsyncPrepare("own:wait", wait, EventLoop())), model.ask).call(None)
    raised: list[BaseException] = []

    def read() -> None:
        try:
            list(call)
        except Internal as error:
            raised.append(error)

    thread = threading.Thread(target=read)
    thread.start()
    while thread.is_alive():
        call.cancel()
        thread.join(0.01)
    assert model.asked == []
    assert not raised or isinstance(raised[0].__cause__, Internal | asyncio.CancelledError)


def test_a_request_that_has_ended_before_calls_nothing() -> None:
    begun: list[str] = []
    call = Preparation(making(SyncPrepare("own:make", lambda _, __: begun.append("begun"))), Model().ask).call(None)
    call.cancel()
    assert (list(call), begun) == ([], [])


def test_a_call_that_has_begun_is_cancelled_at_the_model() -> None:
    model = Model()
    call = Preparation(making(SyncPrepare("own:make", lambda _, __: "Why?")), model.ask).call(None)
    assert next(iter(call)) == Prepared()
    assert call.cancel()
    assert model.is_cancelled


def test_what_prepare_makes_is_checked() -> None:
    made = making(SyncPrepare("own:make", lambda _, __: None)).prompt(lambda: Prompt("Why?"))
    assert isinstance(made, Conversation)
    assert made.prompt == "Why?"
    with pytest.raises(PromptInvalid) as caught:
        making(SyncPrepare("own:make", lambda _, __: None)).prompt(lambda: "\u200b")
    assert (caught.value.rule, caught.value.path) == ("blank_text", "")


def test_what_is_no_exception_is_an_internal_error() -> None:
    with pytest.raises(Internal):
        making(SyncPrepare("own:make", lambda _, __: None)).prompt(sys.exit)
