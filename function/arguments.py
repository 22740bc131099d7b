"""The arguments of a stack as plain data: their names, and a check of their keys at every depth.

Standard library only. The component reads this file at preview, and the local stack when it is given a stack's
configuration; the function itself does not import it.
"""

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, cast

Shape = Mapping[str, Any] | list[Any] | None
"""What an argument consists of: the names of an object, each with its own shape (``ANY_KEY``: every key has this
shape); a list of one shape, which all items have; or None for a value without names."""

ANY_KEY = "*"


class ArgumentError(ValueError):
    """An argument cannot be used. The message names its key, and says what was expected and what to do."""


def camel(name: str) -> str:
    """Return the config key of an argument's name."""
    return re.sub(r"_(\w)", lambda found: found[1].upper(), name)


def either(words: Iterable[object], last: str = "or") -> str:
    """Return the words as a phrase: ``a, b or c``."""
    *front, end = map(str, words)
    return f"{', '.join(front)} {last} {end}" if front else end


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
