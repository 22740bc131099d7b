"""Changes: the steps in which an object grows, and JSON pointers (RFC 6901), the names of the places in it."""

from collections.abc import Iterable
from typing import Any, NamedTuple

Json = Any
"""A tree of dicts, lists, strings, numbers, booleans and None."""


class Change(NamedTuple):
    """One step of a growing object: ``append`` grows the open string at ``path``, ``value`` sets what is there.

    ``path`` is an RFC 6901 pointer. ``closed`` says that the value is final and validated, with all that is inside.
    Exactly one of ``append`` and ``value`` counts: ``value`` does where ``append`` is None. Where ``append`` is empty
    there is nothing to do but note ``closed``: so end objects and arrays, whose members came before.
    """

    path: str
    append: str | None = None
    value: object = None
    closed: bool = False


def escape(key: str) -> str:
    """Return a key as it stands in a JSON pointer (RFC 6901 §3)."""
    return key.replace("~", "~0").replace("/", "~1")


def pointer(keys: Iterable[object]) -> str:
    """Return the JSON pointer to the place that keys and indexes lead to."""
    return "".join(f"/{escape(str(key))}" for key in keys)


def unescape(step: str) -> str:
    """Return the key that stands in a step of a JSON pointer (RFC 6901 §4)."""
    return step.replace("~1", "/").replace("~0", "~")


def applied(changes: Iterable[Change], tree: Json = None) -> Json:
    """Apply changes in their order to a tree of dicts and lists, in place, and return its root.

    This is how a reader at the other end of a wire rebuilds the object: all changes of a document, in order, applied
    to None give its last snapshot.
    """
    root = [tree]
    for change in changes:
        node: Any = root
        key: Any = 0
        for step in change.path.split("/")[1:]:
            node = node[key]
            key = int(step) if isinstance(node, list) else unescape(step)
        if change.append is None:
            value: Any = change.value
            _put(node, key, value.copy() if isinstance(value, (dict, list)) else value)
        elif change.append:
            node[key] += change.append
    return root[0]


def _put(node: Json, key: Json, value: object) -> None:
    if isinstance(node, list) and key == len(node):
        node.append(value)
    else:
        node[key] = value
