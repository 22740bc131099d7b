"""The user's own classes and texts, each named by a setting as ``module:Name``. They are imported once, at start."""

import inspect
from collections.abc import Callable
from importlib import import_module
from typing import Any, Final

from pydantic import BaseModel

from .contract import SettingsError, variable

REQUEST_AND_CALL: Final = 2
"""Positional parameters of ``prepare``."""
_BY_NAME: Final = frozenset({inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.VAR_KEYWORD})


def load(setting: str, reference: str, expected: str) -> Any:  # noqa: ANN401 - whatever the user's module holds
    """Return what ``reference``, the value of ``setting``, names; ``expected`` describes it for the error message.

    Raises:
        SettingsError: there is no such module, or it has no such name.
    """
    module, name = reference.split(":")
    try:
        return getattr(import_module(module), name)
    except (ImportError, AttributeError, SyntaxError) as error:
        raise wrong_reference(setting, reference, expected, f" ({error})") from error


def wrong_reference(setting: str, reference: str, expected: str, cause: str = "") -> SettingsError:
    """Return the error for a setting that does not name ``expected``."""
    return SettingsError(f"{variable(setting)} must name {expected}; got {reference!r}{cause}.")


def load_request_class(reference: str, *, with_prompt: bool = True) -> type[BaseModel]:
    """Return the class that a request's body is checked with; ``with_prompt`` says whether it makes the prompt.

    Raises:
        SettingsError: there is no such class, or it has no prompt.
    """
    expected = "a Pydantic class with a field or a property `prompt`" if with_prompt else "a Pydantic class"
    request_class = load("request", reference, expected)
    if not (isinstance(request_class, type) and issubclass(request_class, BaseModel)):
        raise wrong_reference("request", reference, expected)
    if with_prompt and not ("prompt" in request_class.model_fields or hasattr(request_class, "prompt")):
        raise wrong_reference("request", reference, expected)
    return request_class


def is_async(function: Callable[..., object]) -> bool:
    """Return whether a call of ``function`` has to be awaited; it can be an object with an async ``__call__``."""
    called = getattr(type(function), "__call__", None)  # noqa: B004 - not whether it can be called, but how
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(called)


def load_prepare(reference: str) -> Callable[[Any, Any], Any]:
    """Return what makes the prompt of a request.

    Raises:
        SettingsError: there is no such function, or it does not take a request and a call.
    """
    expected = "a function with two positional parameters"
    prepare = load("prepare", reference, expected)
    if not callable(prepare):
        raise wrong_reference("prepare", reference, expected)
    try:
        signature = inspect.signature(prepare)
        signature.bind(None, None)
    except (TypeError, ValueError) as error:
        raise wrong_reference("prepare", reference, expected, f" ({error})") from error
    kinds = [parameter.kind for parameter in signature.parameters.values()]
    if len([kind for kind in kinds if kind not in _BY_NAME]) > REQUEST_AND_CALL:
        raise wrong_reference("prepare", reference, expected)
    function: Callable[[Any, Any], Any] = prepare
    return function


def load_stage(reference: str) -> Callable[[Any], object]:
    """Return an own stage.

    Raises:
        SettingsError: there is no such function, or it cannot be called with a record alone.
    """
    expected = "a function with one parameter"
    stage = load("stages", reference, expected)
    if not callable(stage):
        raise wrong_reference("stages", reference, expected)
    try:
        inspect.signature(stage).bind(None)
    except (TypeError, ValueError) as error:
        raise wrong_reference("stages", reference, expected, f" ({error})") from error
    function: Callable[[Any], object] = stage
    return function


def load_instructions(reference: str) -> str:
    """Return the instructions for the model.

    Raises:
        SettingsError: there is no such name, or it is not a string.
    """
    expected = "a string"
    instructions = load("instructions", reference, expected)
    if not isinstance(instructions, str):
        raise wrong_reference("instructions", reference, expected)
    return instructions
