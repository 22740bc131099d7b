"""The changes by which an object grows, and the names of the places in it: JSON pointers (RFC 6901).

The words of this file:

- *tree*: dicts, lists, strings, numbers, booleans and None, as ``json.loads`` gives them. *Node*: a dict or list in it.
- *pointer*, *path*: a string such as ``/items/0`` that leads from the root of a tree to a place in it.
- *step*: what stands between two slashes of a pointer: a key, escaped, or an index.
- *open*, *closed*: a value that still grows; one that is final and valid.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

Json = Any
"""A tree."""


class Change(NamedTuple):
    """One change of a growing object: ``append`` grows the open string at ``path``, ``value`` sets what is there.

    ``path`` is a JSON pointer. ``closed`` means that the value is final and valid, with all that is inside.
    Exactly one of ``append`` and ``value`` counts: if ``append`` is None, it is ``value``. If ``append`` is empty,
    nothing is left to do but to note ``closed``: objects and arrays end like this, after their members.
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

    A receiver rebuilds the object like this: all changes of a document, applied to None, give its last snapshot.
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
