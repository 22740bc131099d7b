"""A stack's configuration on this machine (``CONFIG=file``): what the local function can have of it.

This file knows the function's settings, as the component does. No other file of ``local`` does: a stand-in cannot agree
with the function by accident.
"""

import json
import re
from argparse import ArgumentTypeError
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, cast

from function.arguments import (
    KINDS,
    OWN_VARIABLE,
    ROUTES,
    ArgumentError,
    camel,
    either,
    from_text,
    named,
    setting_text,
)
from function.claude import default_timeout
from function.contract import (
    DEFAULT_TIMEOUT,
    FIRST_EVENT_TIMEOUTS,
    LONGEST_TIMEOUT,
    ROUTE_SETTINGS,
    SETTINGS,
    SHORTEST_TIMEOUT,
    Thinking,
    as_text,
    variable,
)

from .arguments import ARGUMENTS
from .cli import WrongOption, modules_folder

PROJECT_FILES: Final = ("Pulumi.yaml", "Pulumi.yml")
OTHER_NAMESPACES: Final = frozenset({"aws", "pulumi"})
"""Namespaces of a stack's configuration that are never the project's."""
ELSEWHERE: Final = {"sink": "log", "store": "none"}
"""The settings whose other values are resources in AWS, with the values that have an effect on this machine."""
OTHER_KINDS: Final[Mapping[str, type]] = {
    "code": str,
    "endpoint": str,
    "timeout": int,
    "environment": dict,
    "routes": dict,
}
"""The types of the arguments that are not settings but have an effect on this machine."""


@dataclass(frozen=True, slots=True)
class Configuration:
    """What the local stack takes of a stack's configuration."""

    variables: Mapping[str, str] = field(default_factory=dict)
    """The variables of the function: its settings, and those of the user's modules."""
    routes: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """The texts of each route's own settings, by the setting's name; empty if there is one route."""
    code: Path | None = None
    """The folder with the user's modules."""
    timeout: int = DEFAULT_TIMEOUT
    """The function's timeout in seconds."""
    remarks: tuple[str, ...] = ()
    """Sentences for the user: what has no effect here."""


def read_configuration(file: Path) -> Configuration:
    """Return the configuration in a YAML or JSON file: ``Pulumi.<stack>.yaml``, or its keys without the project's name.

    Raises:
        WrongOption: the file cannot be read, or a key or value in it cannot be used.
    """
    try:
        return _configuration(file, _values(file))
    except ArgumentError as error:
        raise WrongOption(f"--config {file}: {error}") from None


def _values(file: Path) -> dict[str, object]:
    """Return the values in a file by their keys, without the name of the project before each."""
    document = _document(file)
    block = document.get("config", document)
    if not isinstance(block, Mapping):
        raise ArgumentError(f"config must be an object of keys and values; got {block!r}.")
    values: dict[str, object] = {}
    project = _project(file, {key.partition(":")[0] for key in map(str, block) if ":" in key})
    for key, value in block.items():
        namespace, _, name = str(key).rpartition(":")
        if namespace in {"", project}:
            values[name] = value
    return values


def _project(file: Path, namespaces: set[str]) -> str | None:
    """Return the name of the project whose configuration this is; None if no key has such a name before it."""
    for beside in map(file.with_name, PROJECT_FILES):
        if namespaces and beside.is_file():
            return str(_document(beside).get("name"))
    possible = sorted(namespaces - OTHER_NAMESPACES)
    if len(possible) > 1:
        raise ArgumentError(f"it has keys of {either(possible, 'and')}; keep those of one project.")
    return possible[0] if possible else None


def _document(file: Path) -> Mapping[str, Any]:
    from ruamel.yaml import YAML  # noqa: PLC0415 - who has no such file does not wait for it
    from ruamel.yaml.error import MarkedYAMLError, YAMLError  # noqa: PLC0415 - as above

    try:
        text = file.read_text(encoding="utf-8")
        document = json.loads(text) if file.suffix == ".json" else YAML(typ="safe", pure=True).load(text)
    except OSError as error:
        raise ArgumentError(f"the file cannot be read: {error.strerror}.") from None
    except MarkedYAMLError as error:
        line = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        raise ArgumentError(f"{file.name} must be YAML; {line}{error.problem}.") from None
    except (YAMLError, ValueError) as error:
        raise ArgumentError(f"{file.name} must be {'JSON' if file.suffix == '.json' else 'YAML'}: {error}.") from None
    if document is None:
        return {}
    if not isinstance(document, Mapping):
        raise ArgumentError(f"{file.name} must contain an object of keys and values; got {type(document).__name__}.")
    return document


def _configuration(file: Path, given: Mapping[str, object]) -> Configuration:
    secure: list[str] = []
    plain = cast("Mapping[str, object]", _without_secure(given, "", secure))
    kinds = {camel(name): kind for name, kind in {**KINDS, **OTHER_KINDS}.items()}
    read = {key: from_text(kinds.get(key, dict), _as_the_engine_passes(value)) for key, value in plain.items()}
    arguments = cast("Mapping[str, object]", named(ARGUMENTS, read, camel))
    taken = {name: value for name, value in arguments.items() if _has_effect(name, value)}
    variables = {
        variable(name): setting_text(name, value, camel(name))
        for name, value in taken.items()
        if name not in OTHER_KINDS
    }
    if "endpoint" in taken:
        variables[variable("first_event_timeout")] = _first_event_timeout(taken["endpoint"])
    routes = _routes(taken["routes"]) if "routes" in taken else {}
    without_effect = [camel(name) for name in arguments if name not in taken]
    without_effect += [
        f"routes.{route}.{camel(name)}" for route, own in routes.items() for name in own if name not in ROUTE_SETTINGS
    ]
    own = {route: _texts(route, arguments) for route, arguments in routes.items()}
    return Configuration(
        variables={**variables, **_own_variables(taken.get("environment", {}))},
        routes=own,
        code=_folder(file, taken["code"]) if "code" in taken else None,
        timeout=_timeout(taken["timeout"]) if "timeout" in taken else _default_timeout(variables, own),
        remarks=tuple(_remarks(file, without_effect, secure)),
    )


def _without_secure(value: object, path: str, found: list[str]) -> object:
    """Return a value without the parts of it that only Pulumi can decrypt; add their paths to ``found``."""
    if isinstance(value, list):
        return [_without_secure(item, f"{path}[{number}]", found) for number, item in enumerate(value)]
    if not isinstance(value, Mapping):
        return value
    kept = {}
    for key, inner in value.items():
        place = f"{path}.{key}" if path else str(key)
        if isinstance(inner, Mapping) and list(inner) == ["secure"]:
            found.append(place)
        else:
            kept[key] = _without_secure(inner, place, found)
    return kept


def _as_the_engine_passes(value: object) -> str:
    """Return the text that Pulumi's engine passes to a program for a value of a stack's file."""
    return value if isinstance(value, str) else json.dumps(value, default=str)


def _has_effect(name: str, value: object) -> bool:
    if name in ELSEWHERE:
        return value == ELSEWHERE[name]
    return name in KINDS or name in OTHER_KINDS


def _first_event_timeout(endpoint: object) -> str:
    if endpoint not in FIRST_EVENT_TIMEOUTS:
        raise ArgumentError(f"endpoint must be {either(FIRST_EVENT_TIMEOUTS)}; got {endpoint!r}.")
    return as_text(FIRST_EVENT_TIMEOUTS[str(endpoint)])


def _own_variables(given: object) -> Mapping[str, str]:
    if not isinstance(given, Mapping) or not all(isinstance(text, str) for text in given.values()):
        raise ArgumentError(f"environment must be an object whose values are texts; got {given!r}.")
    for name in given:
        if not re.fullmatch(OWN_VARIABLE.pattern, name):
            raise ArgumentError(f"a name in environment must be {OWN_VARIABLE.expected}; got {name!r}.")
    return given


def _routes(given: object) -> Mapping[str, Mapping[str, object]]:
    if not isinstance(given, Mapping) or not given:
        raise ArgumentError(f"routes must be an object with at least one name and its arguments; got {given!r}.")
    for route, own in given.items():
        if not re.fullmatch(ROUTES.pattern, route):
            raise ArgumentError(f"a name in routes must be {ROUTES.expected}; got {route!r}.")
        if not isinstance(own, Mapping):
            raise ArgumentError(f"routes.{route} must be an object of arguments; got {own!r}.")
    return given


def _texts(route: str, own: Mapping[str, object]) -> dict[str, str]:
    """Return the texts of a route's own settings."""
    return {
        name: setting_text(name, value, f"routes.{route}.{camel(name)}")
        for name, value in own.items()
        if name in ROUTE_SETTINGS
    }


def _folder(file: Path, given: object) -> Path:
    """Return a folder, which is relative to the file, as it is to the Pulumi project."""
    try:
        return modules_folder(str(file.parent / str(given)))
    except ArgumentTypeError as error:
        raise ArgumentError(f"code {error}.") from None


def _timeout(given: object) -> int:
    if not isinstance(given, int) or isinstance(given, bool) or not SHORTEST_TIMEOUT <= given <= LONGEST_TIMEOUT:
        limits = f"from {SHORTEST_TIMEOUT} to {LONGEST_TIMEOUT}"
        raise ArgumentError(f"timeout must be a whole number {limits}; got {given!r}.")
    return given


def _default_timeout(variables: Mapping[str, str], routes: Mapping[str, Mapping[str, str]]) -> int:
    """Return the timeout that the models of the routes need, as the component decides."""

    def of(route: Mapping[str, str]) -> int:
        own = {"profile_model": "none", **route} if "model_id" in route else route
        texts = {
            name: own.get(name) or variables.get(variable(name), SETTINGS[name].default)
            for name in ("profile_model", "model_id", "fallback_models", "thinking")
        }
        model = texts["model_id"] if texts["profile_model"] == "none" else texts["profile_model"]
        models = [model, *texts["fallback_models"].split(",")]
        return max(default_timeout(each, Thinking(texts["thinking"])) for each in models)

    return max(of(route) for route in routes.values() or ({},))


def _remarks(file: Path, without_effect: Sequence[str], secure: Sequence[str]) -> Iterator[str]:
    if without_effect:
        verb = "has" if len(without_effect) == 1 else "have"
        yield f"{file.name}: {either(without_effect, 'and')} {verb} no effect on this machine."
    if secure:
        verb, pronoun = ("is", "it is") if len(secure) == 1 else ("are", "they are")
        yield (
            f"{file.name}: {either(secure, 'and')} {verb} secure, which only Pulumi can decrypt; {pronoun} left out. "
            "To set such a value here, write it in plain text into a copy of the file."
        )
