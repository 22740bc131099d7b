"""Whose turn it is, and what is remembered of models that failed."""

from dataclasses import dataclass

import pytest

from function.stream.errors import Internal, ModelBusy, ModelFailed, ModelUnavailable, PromptTooLong, QuotaExhausted
from function.stream.fallback import Failures, ModelTurns
from function.stream.record import Calls
from tests.stream.test_pacing import TestClock


@dataclass
class Named:
    model_id: str


class Stack:
    """The models of a sandbox."""

    def __init__(self, *names: str) -> None:
        self.clock = TestClock()
        self.failures = Failures(self.clock)
        self._models = [Named(name) for name in names]

    def turns(self, calls: Calls | None = None) -> ModelTurns[Named]:
        """Return the turns of a new request."""
        return ModelTurns(self._models, self.failures, calls or Calls(), 5)


def test_each_model_has_one_turn() -> None:
    turns = Stack("a", "b", "c").turns()
    asked = [turns.model.model_id]
    for _ in range(2):
        turns.after(ModelBusy(), has_answered=False)
        asked.append(turns.model.model_id)
    with pytest.raises(ModelBusy):
        turns.after(ModelFailed(), has_answered=False)
    assert asked == ["a", "b", "c"]


def test_a_model_that_failed_is_asked_last_for_half_a_minute() -> None:
    """Whatever request it failed in, also after its answer had begun; the others keep their order."""
    stack = Stack("a", "b", "c")
    with pytest.raises(ModelFailed):
        stack.turns().after(ModelFailed(), has_answered=True)

    stack.clock.time = 29.9
    turns = stack.turns()
    assert turns.model.model_id == "b"
    turns.after(ModelUnavailable(), has_answered=False)
    turns.after(ModelUnavailable(), has_answered=False)
    assert turns.model.model_id == "a"

    stack.clock.time = 30
    assert stack.turns().model.model_id == "a"


def test_the_error_is_that_of_the_model_that_the_settings_put_first() -> None:
    stack = Stack("a", "b")
    stack.failures.add("a")
    turns = stack.turns()
    assert turns.model.model_id == "b"
    turns.after(ModelUnavailable(), has_answered=False)
    with pytest.raises(ModelBusy):
        turns.after(ModelBusy(), has_answered=False)


@pytest.mark.parametrize("error", [PromptTooLong(), QuotaExhausted(), Internal()], ids=lambda error: error.code)
def test_what_no_other_model_can_mend_ends_the_request(error: Exception) -> None:
    stack = Stack("a", "b")
    with pytest.raises(type(error)):
        stack.turns().after(error, has_answered=False)
    assert stack.turns().model.model_id == "a"


def test_only_a_model_that_others_follow_can_be_given_up() -> None:
    turns = Stack("a", "b").turns()
    assert turns.patience == 5
    turns.after(ModelBusy(), has_answered=False)
    assert turns.patience == float("inf")


def test_the_failures_of_a_request_are_known_where_others_can_answer() -> None:
    calls, alone = Calls(), Calls()
    Stack("a", "b").turns(calls).after(ModelBusy(), has_answered=False)
    assert [(failure.model_id, failure.error.code) for failure in calls.failures] == [("a", "model_busy")]
    with pytest.raises(ModelBusy):
        Stack("a").turns(alone).after(ModelBusy(), has_answered=False)
    assert alone.failures == []
