"""Reads the arguments and the settings. A wrong one fails the preview with a message that names its key."""

import sys
from collections.abc import Iterator
from dataclasses import fields
from typing import Any, NamedTuple

import pulumi

from .arguments import Authorization, Endpoint, Runtime, StreamingLlmApiArgs
from .bundle.target import PYTHONS, running_python
from .contract import (
    FIRST_EVENT_TIMEOUTS,
    SETTINGS,
    ArgumentError,
    as_text,
    camel,
    either,
    expected,
    parsed,
    setting_text,
)
from .keys import with_names
from .options import Options, Throttle
from .rules import refuse_contradictions
from .values import InvalidArgument, arguments_of, values_of, without_output, wrong


def checked(args: StreamingLlmApiArgs) -> Options:
    """Return the arguments with their defaults.

    Raises:
        InvalidArgument: a key or a value is wrong, or two values contradict each other.
    """
    named = with_names(args, str)
    given: dict[str, object] = {name: value for name, value in named.items() if value is not None}
    values = values_of(Options, given)
    values["runtime"] = values["runtime"] or default_runtime(running_python())
    settings = {name: _setting(name, given.get(name)) for name in settings_with_an_argument()}
    texts = {name: setting.text for name, setting in settings.items() if setting.text is not None}
    names = {field.name for field in fields(Options)}
    used: dict[str, Any] = {name: setting.value for name, setting in settings.items() if name in names}
    values["throttle"] = values["throttle"] or default_throttle(used["authorization"])
    options = Options(settings={**texts, **_times(values["endpoint"])}, **used, **values)
    refuse_contradictions(options)
    return options


def default_runtime(building: str) -> Runtime:
    """Return the runtime of ``building``, the Python that builds: the function then runs on the Python that tried it.

    Raises:
        InvalidArgument: Lambda does not have this version.
    """
    if building not in PYTHONS:
        raise InvalidArgument(
            f"runtime: this program runs on Python {building} ({sys.executable}), which Lambda does not have. "
            f"Run it on one of {', '.join(PYTHONS)}, or set runtime to {either(Runtime)}.",
        )
    return Runtime(f"python{building}")


def default_throttle(authorization: Authorization) -> Throttle:
    """Return the throttle for a stack that sets none: a lower one if anyone can call the endpoint."""
    return Throttle(rate=1, burst=5) if authorization is Authorization.NONE else Throttle(rate=10, burst=20)


def settings_with_an_argument() -> Iterator[str]:
    """Yield the names of the arguments that are settings of the function, unless ``Options`` reads them itself."""
    read_by_options = arguments_of(Options)
    yield from (
        name for name in StreamingLlmApiArgs.__annotations__ if name in SETTINGS and name not in read_by_options
    )


class _Setting(NamedTuple):
    """A setting of the function: its value, and the text of its variable. None: the function's default applies."""

    value: object
    text: pulumi.Input[str] | None


def _setting(name: str, given: object) -> _Setting:
    """Return a setting, checked with the parser with which the function reads its variable."""
    hint, setting = StreamingLlmApiArgs.__annotations__[name], SETTINGS[name]
    if given is None and not setting.stated:
        return _Setting(None, None)
    kind, key = without_output(hint), camel(name)
    if isinstance(given, pulumi.Output):
        return _Setting(given, given) if kind is not hint else wrong(key, expected(name), given)
    try:
        text = setting.default if given is None else setting_text(name, given, key)
    except ArgumentError as error:
        raise InvalidArgument(str(error)) from None
    value = parsed(name, text)
    if value is None and text == setting.default:
        return _Setting(None, None)
    return _Setting(text if kind is str else value, text)


def _times(endpoint: Endpoint) -> dict[str, str]:
    """Return the times that are not arguments: one follows from the type of endpoint, the other is a constant."""
    return {
        "first_event_timeout": as_text(FIRST_EVENT_TIMEOUTS[endpoint]),
        "heartbeat": SETTINGS["heartbeat"].default,
    }
