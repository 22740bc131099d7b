"""The routes of a stack, each with settings of its own in place of some of the stack's.

What a route decides is in a file, so that many routes fit beside the variables of a function; what the deployment alone
knows, such as the ARN of a profile that is created with the stack, is in variables.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .contract import (
    ROUTE,
    ROUTE_NAME,
    ROUTE_SETTINGS,
    ROUTE_VARIABLES,
    Settings,
    SettingsError,
    read_settings,
    route_variable,
    variable,
)


def read_routes(stack: Settings, environment: Mapping[str, str]) -> dict[str, Settings]:
    """Return the settings of each route by its name; where the stack has one route, they are the stack's.

    The stack's settings name a file: an absolute path, or a name in the folder of the function. Its JSON is an object
    of routes by name, each an object of texts by the names of settings: ``{"invoice": {"schema": "desk:Invoice"}}``.
    What a route does not have of its own is the stack's, from the variables in ``environment``.

    Raises:
        SettingsError: the file or a variable cannot be read, or a setting in it cannot be used.
    """
    if stack.routes is None:
        return {ROUTE: stack}
    known = {name: _by_route(route_variable(name), environment) for name in ROUTE_VARIABLES}
    routes = {}
    for route, given in _read(stack.routes).items():
        own = {**given, **{name: texts[route] for name, texts in known.items() if route in texts}}
        if "model_id" in own:
            own.setdefault("profile_model", "none")  # the stack's is the model behind the stack's profile
        try:
            routes[route] = read_settings(environment, own)
        except SettingsError as error:
            raise SettingsError(in_route(route, str(error))) from error
    return routes


def models_of(routes: Mapping[str, Settings]) -> set[str]:
    """Return every model that one of the routes can call."""
    return {model_id for settings in routes.values() for model_id in (settings.model_id, *settings.fallback_models)}


def in_route(route: str, message: str) -> str:
    """Return a message about one of several routes so that it names the route."""
    return f"Route {route}: {message}"


def _read(file: str) -> Mapping[str, Mapping[str, str]]:
    try:
        routes: Any = json.loads((Path(__file__).parent / file).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise _wrong_file(file, f" ({error})") from error
    if not isinstance(routes, dict) or not routes or not all(map(_is_route, routes, routes.values())):
        raise _wrong_file(file)
    return routes


def _is_route(name: str, own: object) -> bool:
    if not re.fullmatch(ROUTE_NAME, name) or not isinstance(own, dict):
        return False
    return own.keys() <= ROUTE_SETTINGS and all(isinstance(text, str) for text in own.values())


def _wrong_file(file: str, cause: str = "") -> SettingsError:
    expected = "a JSON file with at least one route, each an object of texts by the names of settings"
    return SettingsError(f"{variable('routes')} must name {expected}; got {file!r}{cause}.")


def _by_route(name: str, environment: Mapping[str, str]) -> dict[str, str]:
    """Return the texts in a variable, by the names of their routes."""
    text = environment.get(name, "")
    pairs = [pair.partition("=") for pair in text.split(",") if pair]
    if not all(route and value for route, _, value in pairs):
        raise SettingsError(f"{name} must be pairs of a route and its value, as in invoice=ID,triage=ID; got {text!r}.")
    return {route: value for route, _, value in pairs}
