"""What the AWS provider publishes of its resources: names and types of inputs, read off the generated package."""

import inspect
import sys
from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from functools import cache
from typing import Any, Union, get_args, get_origin

import pulumi_aws as aws
from pulumi import Archive, Asset, _types


@cache
def arguments(kind: str) -> Any:
    """Return the class of a resource's inputs by its type, such as ``aws:sns/topic:Topic``."""
    _, module, name = kind.split(":")
    package = module.partition("/")[0]
    resource = getattr(getattr(aws, {"lambda": "lambda_"}.get(package, package)), name)
    own = sys.modules[resource.__module__]
    return getattr(own, f"{name}InitArgs", None) or getattr(own, f"{name}Args")  # Init where a nested type is Args


@cache
def inputs(kind: Any) -> Mapping[str, Any]:
    """Return names in camelCase and types of the inputs of a class."""
    types: Mapping[str, Any] = _types.input_type_types(kind)
    return types


def required(kind: Any) -> set[str]:
    """Return the names in camelCase of the inputs that have to be there."""
    names = _types.input_type_py_to_pulumi_names(kind)
    parameters = inspect.signature(kind.__init__).parameters
    return {
        names[name]
        for name, parameter in parameters.items()
        if parameter.default is inspect.Parameter.empty and name in names
    }


def retired(kind: Any, name: str) -> bool:
    """Tell whether the provider calls an input deprecated."""
    names = {camel: python for python, camel in _types.input_type_py_to_pulumi_names(kind).items()}
    getter = inspect.getattr_static(kind, names[name]).fget
    return hasattr(getter, "_pulumi_deprecated_callable")


def misfits(kind: Any, values: Mapping[str, Any], place: str = "") -> Iterator[str]:
    """Yield what of ``values`` is not as the class publishes it: unknown, missing, retired or of another type."""
    types = inputs(kind)
    for name in sorted(required(kind) - values.keys()):
        yield f"{place}{name} is missing"
    for name, value in values.items():
        if name not in types:
            yield f"{place}{name} is unknown"
        elif retired(kind, name):
            yield f"{place}{name} is retired"
        else:
            yield from _misfit(types[name], value, f"{place}{name}")


def _misfit(hint: Any, value: Any, place: str) -> Iterator[str]:
    if get_origin(hint) is Union:
        alternatives = [
            list(_misfit(one, value, place)) for one in get_args(hint) if get_origin(one) is None or _is_group(one)
        ]
        if all(alternatives):
            yield from min(alternatives, key=len)
    elif _is_group(hint):
        yield from _misfits_in_group(hint, value, place)
    elif hasattr(hint, "_pulumi_input_type") or _types.is_input_type(hint):
        yield from misfits(hint, value, f"{place}.") if isinstance(value, Mapping) else [f"{place} is no object"]
    elif not _fits(hint, value):
        yield f"{place} is {type(value).__name__}, published as {hint}"


def _is_group(hint: Any) -> bool:
    origin = get_origin(hint)
    return isinstance(origin, type) and issubclass(origin, Sequence | Mapping)


def _misfits_in_group(hint: Any, value: Any, place: str) -> Iterator[str]:
    *_, inner = get_args(hint)
    if not isinstance(value, Mapping if issubclass(get_origin(hint), Mapping) else list):
        yield f"{place} is {type(value).__name__}, published as {hint}"
        return
    for key, item in value.items() if isinstance(value, Mapping) else enumerate(value):
        yield from _misfit(inner, item, f"{place}[{key}]")


def _fits(hint: Any, value: Any) -> bool:  # noqa: PLR0911 - a hint and any value
    """Numbers come back from the wire as floats; what is unknown to this check (``None`` of a union) fits nothing."""
    if hint is bool:
        return isinstance(value, bool)
    if hint is int:
        return isinstance(value, int | float) and not isinstance(value, bool) and value == int(value)
    if hint is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return value in {member.value for member in hint}
    if hint is str:
        return isinstance(value, str)
    if isinstance(hint, type) and issubclass(hint, Archive | Asset):
        return isinstance(value, hint)
    return hint is not type(None) and hint is Any
