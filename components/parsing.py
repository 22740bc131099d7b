"""Reads the arguments and the settings. A wrong one fails the preview with a message that names its key."""

import sys
from collections.abc import Iterator, Mapping
from dataclasses import fields, replace
from typing import Any, NamedTuple

import pulumi

from .arguments import Authorization, Endpoint, Runtime, StreamingLlmApiArgs
from .bundle.target import PYTHONS, running_python
from .contract import (
    FIRST_EVENT_TIMEOUTS,
    ROUTES_FILE,
    SETTINGS,
    ArgumentError,
    Thinking,
    as_text,
    camel,
    default_timeout,
    either,
    expected,
    parsed,
    setting_text,
)
from .iam.model import model
from .keys import with_names
from .options import Options, Route, Throttle
from .rules import refuse_contradictions
from .values import InvalidArgument, arguments_of, values_of, without_output, wrong


def checked(args: StreamingLlmApiArgs) -> Options:
    """Return the arguments with their defaults.

    Raises:
        InvalidArgument: a key or a value is wrong, or two values contradict each other.
    """
    named = with_names(args, str)
    given: dict[str, object] = {name: value for name, value in named.items() if value is not None}
    options = _options(given)
    if "timeout" not in given:
        options = _with_timeout(options, max(endpoint.timeout for endpoint in options.endpoints.values()))
    refuse_contradictions(options)
    return options


def _with_timeout(options: Options, timeout: int) -> Options:
    """Return the arguments with the function's timeout, which is that of every route."""
    routes = {
        name: replace(route, options=replace(route.options, timeout=timeout)) for name, route in options.routes.items()
    }
    return replace(options, timeout=timeout, routes=routes)


def _options(given: Mapping[str, object], place: str = "") -> Options:
    """Return the arguments with their defaults; messages put ``place`` before the keys."""
    values = values_of(Options, given, place)
    values["runtime"] = values["runtime"] or default_runtime(running_python())
    values["routes"] = {name: _route(name, own, given) for name, own in sorted(values["routes"].items())}
    settings = {name: _setting(name, given.get(name), place) for name in settings_with_an_argument()}
    texts = {name: setting.text for name, setting in settings.items() if setting.text is not None}
    names = {field.name for field in fields(Options)}
    used: dict[str, Any] = {name: setting.value for name, setting in settings.items() if name in names}
    values["throttle"] = values["throttle"] or default_throttle(used["authorization"])
    several = {"routes": ROUTES_FILE} if values["routes"] else {}
    options = Options(settings={**texts, **_times(values["endpoint"]), **several}, **used, **values)
    return options if "timeout" in given else replace(options, timeout=_default_timeout(options))


def _default_timeout(options: Options) -> int:
    """Return the timeout that the models of these arguments need."""
    return max(default_timeout(each, options.thinking or Thinking.DEFAULT) for each in options.models)


def _route(name: str, own: Mapping[str, object], given: Mapping[str, object]) -> Route:
    """Return a route: its ``own`` arguments, and for all else those ``given`` to the component."""
    own = {name: value for name, value in own.items() if value is not None}
    inherited = {name: value for name, value in given.items() if name != "routes"}
    if own.get("fallback_models") == []:
        inherited.pop("fallback_after", None)
    if "model_id" in own:  # what is said of another model
        inherited.pop("profile_model", None)
        fallbacks = own.get("fallback_models", inherited.get("fallback_models"))
        models = [own["model_id"], *(fallbacks if isinstance(fallbacks, list) else ())]
        if all(isinstance(each, str) and not model(each).has_unknown_regions for each in models):
            inherited.pop("model_regions", None)
    options = _options({**inherited, **own}, f"routes.{name}.")
    given_settings = own.keys() & set(settings_with_an_argument())  # of a default, too, in place of the component's
    return Route(options, {name: options.settings.get(name, SETTINGS[name].default) for name in sorted(given_settings)})


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


def _setting(name: str, given: object, place: str) -> _Setting:
    """Return a setting, checked with the parser with which the function reads its variable."""
    hint, setting = StreamingLlmApiArgs.__annotations__[name], SETTINGS[name]
    if given is None and not setting.stated:
        return _Setting(None, None)
    kind, key = without_output(hint), f"{place}{camel(name)}"
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
