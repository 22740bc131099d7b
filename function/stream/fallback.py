"""Which model is asked: the first one, and another one where it fails before its answer begins."""

from collections.abc import Sequence
from math import inf
from typing import Final, Generic, Protocol, TypeVar

from .errors import ModelError, clear_frames
from .pacing import Clock
from .record import Calls, ModelFailure

FAILED_FOR: Final = 30.0
"""Seconds for which a model that has failed is asked after the others."""


class Model(Protocol):
    """A model that can be asked."""

    @property
    def model_id(self) -> str:
        """The name of the model, by which its failures are remembered."""


M = TypeVar("M", bound=Model)


class Failures:
    """When each model failed last. All requests of one process share it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._times: dict[str, float] = {}

    def add(self, model_id: str) -> None:
        """Remember that a model failed now."""
        self._times[model_id] = self._clock.now()

    def is_recent(self, model_id: str) -> bool:
        """Return whether a model failed a short time ago."""
        failed_at = self._times.get(model_id)
        return failed_at is not None and self._clock.now() - failed_at < FAILED_FOR


class ModelTurns(Generic[M]):
    """Whose turn it is among the models that can answer one request: the ``Turns`` of ``pacing``."""

    def __init__(self, models: Sequence[M], failures: Failures, calls: Calls, patience: float | None) -> None:
        """Take the models in the order of the settings, and the seconds that each has for its first frame."""
        self._models = models
        self._failures = failures
        self._calls = calls
        self._patience = inf if patience is None else patience
        self.begin()

    def begin(self) -> None:
        """Begin a new answer: models that failed a short time ago come last."""
        self.model, *self._others = sorted(self._models, key=lambda model: self._failures.is_recent(model.model_id))
        self._errors: dict[str, ModelError] = {}

    @property
    def patience(self) -> float:
        """The seconds that the model has for its first frame; infinite if no other follows."""
        return self._patience if self._others else inf

    def after(self, error: Exception, *, has_answered: bool) -> None:
        """Turn to the next model, because this one failed.

        Raises:
            ModelError: no other model may answer. It is the error of the one that comes first in the settings.
            Exception: the error itself, if it is not that of a model, or if the answer had begun.
        """
        if not isinstance(error, ModelError):
            raise error
        if error.another_may_answer:
            self._failures.add(self.model.model_id)
        if has_answered:
            raise error
        self._note(error)
        if not (error.another_may_answer and self._others):
            raise next(self._errors[model.model_id] for model in self._models if model.model_id in self._errors)
        self.model, *self._others = self._others

    def _note(self, error: ModelError) -> None:
        self._errors[self.model.model_id] = error
        if len(self._models) > 1:
            clear_frames(error)
            self._calls.failures.append(ModelFailure(self.model.model_id, error))
