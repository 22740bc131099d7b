"""The receiving end of partial answers: changes applied in order rebuild the growing object (docs/wire.md).

It shares no code with the function's side (``function/partials/changes.py``), and tests compare the two.
"""

import re
from collections.abc import Iterable, Mapping
from copy import deepcopy
from typing import Any, Final

INDEX: Final = re.compile(r"0|[1-9][0-9]*")
"""A position in an array (RFC 6901 §4)."""
UNKNOWN_ESCAPE: Final = re.compile("~(?![01])")


class MisplacedChange(ValueError):
    """A change does not fit the object that the changes before it have built."""


def tokens(pointer: str) -> list[str]:
    """Return the unescaped keys and positions of a JSON pointer (RFC 6901), from the root inwards.

    Raises:
        MisplacedChange: it is not a JSON pointer.
    """
    root, *escaped = pointer.split("/")
    if root or UNKNOWN_ESCAPE.search(pointer):
        raise MisplacedChange(f"{pointer!r} is not a JSON pointer")
    return [token.replace("~1", "/").replace("~0", "~") for token in escaped]


def rebuild(changes: Iterable[Mapping[str, Any]]) -> tuple[object, bool]:
    """Apply the changes of an answer in order; return the object, and whether it is closed.

    A change is an object as the typed formats send it: ``path`` and at most one of ``append`` and ``value``, and
    ``closed`` if the value is final. Before the first change there is no object (None).

    Raises:
        MisplacedChange: a change does not fit; the message shows it.
    """
    holder: list[Any] = []
    is_closed = False
    for change in changes:
        try:
            _apply(holder, change)
            is_closed = is_closed or (change["path"] == "" and change.get("closed") is True)
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise MisplacedChange(f"a change does not fit: {dict(change)}") from error
    return (holder[0] if holder else None), is_closed


def _apply(holder: list[Any], change: Mapping[str, Any]) -> None:
    """Apply a change to the root, which is the only item of ``holder``."""
    parent: Any = holder
    key: int | str = 0
    for token in tokens(change["path"]):
        parent = parent[key]
        key = _index(token) if isinstance(parent, list) else token
    if "value" in change:
        _put(parent, key, deepcopy(change["value"]))  # later changes must not reach into the caller's own
        return
    before = parent[key]  # what grows or closes must be there
    if "append" in change:
        parent[key] = _text(before) + _text(change["append"])


def _put(parent: object, key: int | str, value: object) -> None:
    if isinstance(parent, dict):
        parent[key] = value
    elif not isinstance(parent, list) or not isinstance(key, int):
        raise MisplacedChange("only objects and arrays have members")
    elif key == len(parent):
        parent.append(value)
    else:
        parent[key] = value


def _index(token: str) -> int:
    if not INDEX.fullmatch(token):
        raise MisplacedChange(f"{token!r} is not a position in an array")
    return int(token)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise MisplacedChange(f"only a string can grow; this is {value!r}")
    return value
