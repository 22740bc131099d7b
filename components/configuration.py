"""From a stack's configuration to the component's arguments: each key is the camelCase of an argument."""

from collections.abc import Mapping
from typing import get_origin

import pulumi
from pulumi.runtime import config as runtime_config

from .arguments import StreamingLlmApiArgs
from .contract import camel, from_text
from .keys import with_names
from .values import without_output


def arguments_from(config: pulumi.Config) -> StreamingLlmApiArgs:
    """Return the arguments in the stack's configuration.

    A text that cannot be converted to the type of its argument stays a text: the check reports it.

    Raises:
        InvalidArgument: a key in the configuration's namespace, or in one of its objects, is not that of an argument.
    """
    hints = {camel(name): hint for name, hint in StreamingLlmApiArgs.__annotations__.items()}
    given = {key: _value(hints.get(key), config.require(key)) for key in _keys(config.name)}
    if "environment" in given and runtime_config.is_config_secret(config.full_key("environment")):
        given["environment"] = _as_secrets(given["environment"])
    return with_names(given, camel)


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
    kind = get_origin(kind) or kind
    return from_text(kind if isinstance(kind, type) else object, text)
