"""Reads the values of arguments. A wrong one fails the preview with a message that names its key.

Values can come from programs in other languages: a whole number can be a float, and an enumeration a plain string.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any, NoReturn, TypeGuard, Union, get_args, get_origin

import pulumi

from .contract import Names, camel, either


class InvalidArgument(pulumi.RunError):
    """A value that the component cannot work with; Pulumi shows the message without a traceback."""


@dataclass(frozen=True)
class Argument:
    """How one argument is read. It stands in the annotation of the dataclass field that receives the value."""

    read: Callable[[str, object], object]
    """Returns the value of a key, or raises InvalidArgument."""
    default: object = None
    """The value if the argument is not given."""
    required: bool = False
    """Whether the argument must be given."""


def wrong(key: str, expected: str, value: object) -> NoReturn:
    """Raise for a value that is not as expected.

    Raises:
        InvalidArgument: always.
    """
    got = "a value that is only known after the deployment" if isinstance(value, pulumi.Output) else repr(value)
    raise InvalidArgument(f"{key} must be {expected}; got {got}.")


def arguments_of(kind: type) -> dict[str, Argument]:
    """Return the arguments in the annotations of a dataclass, by the names of the fields."""
    found = {field.name: getattr(field.type, "__metadata__", (None,))[0] for field in fields(kind)}
    return {name: argument for name, argument in found.items() if isinstance(argument, Argument)}


def values_of(kind: type, given: Mapping[str, object], place: str = "") -> dict[str, Any]:
    """Return the value of every argument of ``kind``, or its default; messages put ``place`` before the keys.

    Raises:
        InvalidArgument: a value is wrong or missing.
    """
    values: dict[str, Any] = {}
    for name, argument in arguments_of(kind).items():
        key, value = f"{place}{camel(name)}", given.get(name)
        if argument.required and value in (None, "", []):
            raise InvalidArgument(f"{key} is required.")
        values[name] = argument.default if value is None else argument.read(key, value)
    return values


def without_output(hint: object) -> object:
    """Return the plain type of an annotation: ``str`` for ``pulumi.Input[str]``."""
    return get_args(hint)[0] if get_origin(hint) is Union else hint


def known_text(expected: str, pattern: str = ".+", default: str | None = None, *, required: bool = False) -> Argument:
    """Read a text that must be known at preview."""

    def read(key: str, value: object) -> str:
        if not isinstance(value, str) or not re.fullmatch(pattern, value):
            wrong(key, expected, value)
        return value

    return Argument(read, default, required)


def text(expected: str, pattern: str, default: str | None = None, *, required: bool = False) -> Argument:
    """Read a text, which can be an output of another resource."""

    def read(key: str, value: object) -> object:
        return value if isinstance(value, pulumi.Output) else known_text(expected, pattern).read(key, value)

    return Argument(read, default, required)


def arn_pattern(service: str, resource: str = "") -> str:
    """Return the pattern of an ARN of a service; ``resource`` is the pattern of what stands behind the service."""
    return rf"arn:[\w-]+:{service}:{resource}.+"


def arn(service: str, what: str, *, required: bool = False) -> Argument:
    """Read the ARN of a resource."""
    return text(f"the ARN of {what}", arn_pattern(service), required=required)


def key_arn() -> Argument:
    """Read the ARN of a KMS key, which is checked once it is known. A policy does not take that of an alias.

    docs.aws.amazon.com/kms/latest/developerguide/cmks-in-iam-policies.html
    """
    known = known_text("the ARN of a KMS key, not of an alias", arn_pattern("kms", r"[\w-]+:\d+:key/"))

    def read(key: str, value: object) -> object:
        if isinstance(value, pulumi.Output):
            return value.apply(lambda found: known.read(key, found))
        return known.read(key, value)

    return Argument(read)


def texts(expected: str, pattern: str, *, required: bool = False) -> Argument:
    """Read a list of texts, each of which can be an output of another resource."""
    item_argument = text(f"a list of {expected}", pattern)

    def read(key: str, value: object) -> tuple[object, ...]:
        if isinstance(value, str) or not isinstance(value, Sequence):
            wrong(key, f"a list of {expected}", value)
        return tuple(item_argument.read(key, item) for item in value)

    return Argument(read, (), required)


def known_texts(expected: str, pattern: str, *, required: bool = False) -> Argument:
    """Read a list of texts that must be known at preview."""
    list_argument = texts(expected, pattern)

    def read(key: str, value: object) -> object:
        for item in value if isinstance(value, list | tuple) else ():
            if isinstance(item, pulumi.Output):
                wrong(key, f"a list of {expected}", item)
        return list_argument.read(key, value)

    return Argument(read, (), required)


def word(words: type[StrEnum], default: StrEnum | None = None, *, required: bool = False) -> Argument:
    """Read one of the words of an enumeration."""

    def read(key: str, value: object) -> StrEnum:
        if not isinstance(value, str) or value not in list(words):
            wrong(key, either(words), value)
        return words(value)

    return Argument(read, default, required)


def number(least: float, most: float, default: float | None = None, *, required: bool = False) -> Argument:
    """Read a number."""

    def read(key: str, value: object) -> float:
        if not is_number(value) or not least <= value <= most:
            wrong(key, f"a number from {least} to {most}", value)
        return value

    return Argument(read, default, required)


def whole_number(least: int, most: int, default: int | None = None, *, required: bool = False) -> Argument:
    """Read a whole number."""

    def read(key: str, value: object) -> int:
        if not is_number(value) or not least <= value <= most or value != int(value):
            wrong(key, f"a whole number from {least} to {most}", value)
        return int(value)

    return Argument(read, default, required)


def one_of(choices: Sequence[int], default: int) -> Argument:
    """Read one of a few whole numbers."""

    def read(key: str, value: object) -> int:
        if not is_number(value) or value not in choices:
            wrong(key, either(choices), value)
        return int(value)

    return Argument(read, default)


def flag(*, default: bool = False) -> Argument:
    """Read true or false."""

    def read(key: str, value: object) -> bool:
        if not isinstance(value, bool):
            wrong(key, "true or false", value)
        return value

    return Argument(read, default)


def group(kind: type, default: object = None) -> Argument:
    """Read an object whose keys are the arguments of the dataclass ``kind``."""

    def read(key: str, value: object) -> object:
        names = arguments_of(kind)
        if not isinstance(value, Mapping):
            wrong(key, f"an object with {either(map(camel, names), 'and')}", value)
        return kind(**values_of(kind, value, f"{key}."))

    return Argument(read, default)


def groups_by_name(kind: type) -> Argument:
    """Read an object of objects by any names, whose keys are the arguments of the dataclass ``kind``."""
    item_argument = group(kind)

    def read(key: str, value: object) -> object:
        if not isinstance(value, Mapping):
            wrong(key, f"an object of objects with {either(map(camel, arguments_of(kind)), 'and')}", value)
        return {name: item_argument.read(f"{key}.{name}", inner) for name, inner in value.items()}

    return Argument(read, {})


def groups(kind: type) -> Argument:
    """Read a list of objects whose keys are the arguments of the dataclass ``kind``."""
    item_argument = group(kind)

    def read(key: str, value: object) -> tuple[object, ...]:
        if isinstance(value, str) or not isinstance(value, Sequence):
            wrong(key, f"a list of objects with {either(map(camel, arguments_of(kind)), 'and')}", value)
        return tuple(item_argument.read(f"{key}[{number}]", item) for number, item in enumerate(value))

    return Argument(read, ())


def conditions() -> Argument:
    """Read the conditions of an IAM statement: operators with keys, each with a text or a list of texts."""

    def are_texts(value: object) -> bool:
        return all(isinstance(text, str | pulumi.Output) for text in (value if isinstance(value, list) else [value]))

    def read(key: str, value: object) -> object:
        operators = list(value.values()) if isinstance(value, Mapping) else [value]
        if not all(isinstance(keys, Mapping) and all(map(are_texts, keys.values())) for keys in operators):
            wrong(key, "an object such as {StringEquals: {aws:PrincipalTag/team: llm}}", value)
        return value

    return Argument(read, {})


def object_of_texts(names: Names | None = None) -> Argument:
    """Read an object whose values are texts or outputs of other resources, with any keys or with these names."""

    def read(key: str, value: object) -> object:
        if not isinstance(value, Mapping) or not all(isinstance(text, str | pulumi.Output) for text in value.values()):
            wrong(key, "an object whose values are texts", value)
        for name in value if names else ():
            if names and not re.fullmatch(names.pattern, name):
                wrong(f"a name in {key}", names.expected, name)
        return value

    return Argument(read, {})


def object_of_objects(names: Names, known: Iterable[str]) -> Argument:
    """Read an object of objects by these names, at least one, whose keys can be ``known``; they stay as given."""

    def read(key: str, value: object) -> object:
        if not isinstance(value, Mapping) or not value:
            wrong(key, "an object with at least one name and its arguments", value)
        for name, inner in value.items():
            if not re.fullmatch(names.pattern, name):
                wrong(f"a name in {key}", names.expected, name)
            if not isinstance(inner, Mapping):
                wrong(f"{key}.{name}", f"an object with any of {either(map(camel, known), 'and')}", inner)
        return value

    return Argument(read, {})


def is_number(value: object) -> TypeGuard[float]:
    """Return whether a value is a number. In Python, true and false are numbers too; here they are not."""
    return isinstance(value, int | float) and not isinstance(value, bool)
