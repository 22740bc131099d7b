"""The call of the model that waits for its prompt. tests/wire/test_prepare.py shows it in the whole chain."""

import threading
from collections.abc import Iterator

import pytest
from pydantic import BaseModel

from function.conversation import Conversation
from function.endpoint import Call, Prompt
from function.prepare import Preparation, Prepare
from function.stream.errors import AnswerError, AnswerNotJson, Internal, PromptInvalid
from function.stream.events import Delta, ModelEvent, Prepared

CALL = Call(request_id="req-1")


class Request(BaseModel):
    question: str = "Why?"


class Model:
    """A source that knows what it was asked, and whether it was cancelled."""

    def __init__(self) -> None:
        self.asked: list[tuple[object, AnswerError | None, float]] = []
        self.is_cancelled = False

    def ask(self, prompt: str | Conversation, previous: AnswerError | None, read_timeout: float) -> "Model":
        self.asked.append((prompt, previous, read_timeout))
        return self

    def __iter__(self) -> Iterator[ModelEvent]:
        yield Delta("{}")

    def cancel(self) -> bool:
        self.is_cancelled = True
        return True


def test_the_prompt_is_made_once_and_later_attempts_share_it() -> None:
    made: list[str] = []
    model = Model()

    def make() -> str:
        made.append("Why?")
        return made[-1]

    preparation = Preparation(make, model.ask)
    error = AnswerNotJson()
    assert list(preparation.call(None, 5)) == [Prepared(), Delta("{}")]
    assert list(preparation.call(error, 4)) == [Delta("{}")]
    assert made == ["Why?"]
    assert model.asked == [("Why?", None, 5), ("Why?", error, 4)]


def test_a_request_that_ends_meanwhile_calls_no_model() -> None:
    begun, may_end = threading.Event(), threading.Event()
    model = Model()

    def make() -> str:
        begun.set()
        may_end.wait()
        return "Why?"

    call = Preparation(make, model.ask).call(None, 5)
    events: list[object] = []
    thread = threading.Thread(target=lambda: events.extend(call))
    thread.start()
    begun.wait()
    assert not call.cancel()
    may_end.set()
    thread.join()
    assert (events, model.asked) == ([], [])


def test_a_call_that_has_begun_is_cancelled_at_the_model() -> None:
    model = Model()
    call = Preparation(lambda: "Why?", model.ask).call(None, 5)
    assert next(iter(call)) == Prepared()
    assert call.cancel()
    assert model.is_cancelled


def test_what_prepare_makes_is_checked() -> None:
    made = Prepare("own:prepare", lambda request, _: Prompt(request.question)).prompt(Request(), CALL)
    assert isinstance(made, Conversation)
    assert made.prompt == "Why?"
    with pytest.raises(PromptInvalid) as caught:
        Prepare("own:prepare", lambda _, __: "\u200b").prompt(Request(), CALL)
    assert (caught.value.rule, caught.value.path) == ("blank_text", "")


def test_what_is_no_exception_is_an_internal_error() -> None:
    def leave(_: object, __: Call) -> str:
        raise SystemExit(1)

    with pytest.raises(Internal):
        Prepare("own:prepare", leave).prompt(Request(), CALL)
