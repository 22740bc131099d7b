"""From a stack's configuration to the component's arguments: each key is the camelCase of an argument."""

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from enum import Enum
from typing import Any, Final, cast, is_typeddict

import pulumi
from pulumi.runtime import config as runtime_config

from .arguments import StreamingLlmApiArgs
from .values import camel, refuse_unknown, without_output

_READ: Final[dict[type, Callable[[str], Any]]] = {
    bool: {"true": True, "false": False}.__getitem__,
    int: int,
    float: float,
    str: str,
}


def arguments_from(config: pulumi.Config) -> StreamingLlmApiArgs:
    """Return the arguments in the stack's configuration.

    A text that cannot be converted to the type of its argument stays a text: the check reports it.

    Raises:
        InvalidArgument: a key in the configuration's namespace is not the key of an argument.
    """
    snake = {camel(name): name for name in StreamingLlmApiArgs.__annotations__}
    refuse_unknown(_keys(config.name), snake)
    texts = {name: config.get(key) for key, name in snake.items()}
    given = {
        name: _value(StreamingLlmApiArgs.__annotations__[name], text)
        for name, text in texts.items()
        if text is not None
    }
    if "environment" in given and runtime_config.is_config_secret(config.full_key("environment")):
        given["environment"] = _as_secrets(given["environment"])
    return cast("StreamingLlmApiArgs", given)


def _as_secrets(values: object) -> object:
    """Mark all values as secrets: Pulumi reports of a whole key that something in it is secret, but not what."""
    if not isinstance(values, Mapping):
        return pulumi.Output.secret(values)
    return {name: pulumi.Output.secret(value) if isinstance(value, str) else value for name, value in values.items()}


def _keys(namespace: str) -> list[str]:
    known = {**runtime_config.get_config_env(), **runtime_config.CONFIG.get()}
    return [key.removeprefix(f"{namespace}:") for key in known if key.startswith(f"{namespace}:")]


def _value(hint: object, text: str) -> object:
    kind = without_output(hint)
    with suppress(ValueError, KeyError):
        if isinstance(kind, type) and issubclass(kind, Enum):
            return text
        if kind in _READ:
            return _READ[kind](text)
        return _snake(kind, json.loads(text))
    return text


def _snake(kind: object, value: object) -> object:
    """Turn the keys of a group into the names of its TypedDict. An unknown key stays: the check reports it by name."""
    if not is_typeddict(kind) or not isinstance(value, Mapping):
        return value
    names = {camel(name): name for name in kind.__annotations__}
    return {names.get(key, key): inner for key, inner in value.items()}
