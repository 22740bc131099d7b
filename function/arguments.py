"""The arguments of a stack as plain data: a check of their keys at every depth, and the variables that they become.

Standard library only. The component reads this file at preview, and the local stack when it is given a stack's
configuration; the function itself does not import it.
"""

import difflib
import json
import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from types import UnionType
from typing import Any, Final, Union, cast, get_args, get_origin

from .contract import ROUTE_NAME, ROUTE_NAME_LIMIT, SETTINGS, Settings, as_text, parsed

Shape = Mapping[str, Any] | list[Any] | None
"""What an argument consists of: the names of an object, each with its own shape (``ANY_KEY``: every key has this
shape); a list of one shape, which all items have; or None for a value without names."""

ANY_KEY: Final = "*"

_RESERVED: Final = ("LLM_", "AWS_", "LAMBDA_", "_", "PYTHON", "LD_", "POWERTOOLS_")
"""The beginnings of variables that belong to the function, to Lambda, or to the process itself."""


class ArgumentError(ValueError):
    """An argument cannot be used. The message names its key, and says what was expected and what to do."""


def camel(name: str) -> str:
    """Return the config key of an argument's name."""
    return re.sub(r"_(\w)", lambda found: found[1].upper(), name)


def either(words: Iterable[object], last: str = "or") -> str:
    """Return the words as a phrase: ``a, b or c``."""
    *front, end = map(str, words)
    return f"{', '.join(front)} {last} {end}" if front else end


@dataclass(frozen=True)
class Names:
    """The names that the keys of an object can have: in the words of an error message, and as a pattern."""

    expected: str
    pattern: str


OWN_VARIABLE: Final = Names(
    f"letters, digits and underscores after a letter, and must begin with none of {either(_RESERVED, 'and')}",
    rf"(?!{'|'.join(_RESERVED)})[A-Za-z][A-Za-z0-9_]*",
)
"""The names that a variable of the user's modules can have."""

ROUTES: Final = Names(
    f"lower-case letters, digits and hyphens after a letter, at most {ROUTE_NAME_LIMIT} characters such as invoice",
    ROUTE_NAME,
)
"""The names that a route can have."""


def named(shape: Shape, value: object, spell: Callable[[str], str], path: str = "") -> object:
    """Return ``value`` with the names of the arguments in place of its keys, at every depth.

    ``spell`` returns the key for a name, as the caller has to write it. A value that does not have its shape, such as a
    number in place of an object, is returned as it is: whoever reads it reports that.

    Raises:
        ArgumentError: an object has a key that it cannot have; the message contains the path of the key.
    """
    if isinstance(shape, list) and isinstance(value, list | tuple):
        return [named(shape[0], item, spell, f"{path}[{number}]") for number, item in enumerate(value)]
    if not isinstance(shape, Mapping) or not isinstance(value, Mapping):
        return value
    if ANY_KEY in shape:
        return {key: named(shape[ANY_KEY], inner, spell, _joined(path, key)) for key, inner in value.items()}
    names = {spell(name): name for name in shape}
    for key in value:
        if key not in names:
            raise ArgumentError(_unknown(key, list(names), path))
    return {
        names[cast("str", key)]: named(shape[names[key]], inner, spell, _joined(path, key))
        for key, inner in value.items()
    }


def _joined(path: str, key: object) -> str:
    return f"{path}.{key}" if path else str(key)


def _unknown(key: object, keys: list[str], path: str) -> str:
    near = difflib.get_close_matches(str(key), keys, 1)
    question = f" Did you mean {_joined(path, near[0])}?" if near else ""
    expected = f"{path} has {either(keys, 'and')}." if path else "docs/settings.md lists the arguments."
    return f"{_joined(path, key)}: there is no such argument.{question} {expected}"


def _kind(hint: object) -> type:
    """Return the type of the argument for a setting whose field has this annotation."""
    value = get_args(hint)[0]  # of Annotated
    first = get_args(value)[0] if get_origin(value) in (Union, UnionType) else value
    if get_origin(first) in (tuple, frozenset):
        return list
    return first if first in (bool, int, float) else str


KINDS: Final[Mapping[str, type]] = {name: _kind(hint) for name, hint in Settings.__annotations__.items()}
"""The type of the argument for each setting: bool, int, float, list (of texts) or str."""


def from_text(kind: type, text: str) -> object:
    """Return the value of a text in a stack's configuration, which has texts alone; an object or a list is JSON in it.

    A text that is not of this type stays a text: whoever reads it reports that.
    """
    with suppress(ValueError, KeyError):
        if kind is bool:
            return {"true": True, "false": False}[text]
        if kind in (int, float):
            return kind(text)
        if not issubclass(kind, str):
            return json.loads(text)
    return text


def expected(name: str) -> str:
    """Return what is expected of the argument for a setting, for an error message.

    A stack has no text ``none``: it passes an empty list, or leaves the argument out.
    """
    words = SETTINGS[name].expected
    if KINDS[name] is list:
        return f"a list: {re.sub('^none(, or| or|,) ', '', words)}"
    return words.removeprefix("none or ")


def setting_text(name: str, value: object, key: str) -> str:
    """Return the text of the variable for an argument that is a setting, as the function will read it.

    Args:
        name: the setting, which has the name of the argument.
        value: what was given for the argument: true or false, a number, a text or a list of texts.
        key: the argument in the words of an error message.

    Raises:
        ArgumentError: the value is of another type, or the function would not accept it.
    """
    try:
        text = _text(KINDS[name], value)
        parsed(name, text)
    except ValueError:
        raise ArgumentError(f"{key} must be {expected(name)}; got {value!r}.") from None
    return text


def _text(kind: type, value: object) -> str:
    """Return the text of a variable. Programs in other languages send a whole number as a float.

    Raises:
        ValueError: the value is not of this type.
    """
    if kind is bool and isinstance(value, bool):
        return as_text(value)
    if kind in (int, float) and isinstance(value, int | float) and not isinstance(value, bool):
        return as_text(int(value) if value % 1 == 0 else value)
    if kind is float and isinstance(value, str) and value.isalpha():
        return value  # a word that the setting takes in place of a number
    if kind is list and isinstance(value, list | tuple) and all(isinstance(item, str) for item in value):
        return as_text(value)
    if kind is str and isinstance(value, str) and value:
        return as_text(value)
    raise ValueError(value)
