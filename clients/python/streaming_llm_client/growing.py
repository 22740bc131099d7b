"""The growing object: changes, applied in order, build it (docs/wire.md). A change costs what it contains.

An open string is a list of pieces, which are joined when somebody reads it: to append to a long text again and again
would copy all of it each time.
"""

import re
from collections.abc import Mapping
from copy import deepcopy
from typing import Any, Final

POSITION: Final = re.compile("0|[1-9][0-9]*")
"""A position in a list (RFC 6901 §4)."""
HIGH_SURROGATES: Final = ("\ud800", "\udbff")
LOW_SURROGATES: Final = ("\udc00", "\udfff")


def escaped_key(key: str) -> str:
    """Return a key as a step of a JSON Pointer (RFC 6901 §3)."""
    return key.replace("~", "~0").replace("/", "~1")


def key_of(step: str) -> str:
    """Return the key that a step of a JSON Pointer is (RFC 6901 §4)."""
    return step.replace("~1", "/").replace("~0", "~") if "~" in step else step


class Misplaced(ValueError):
    """A change does not fit the object that the changes before it have built; the message shows its path."""


class _Text:
    """A string that grows, in its place."""

    def __init__(self, parent: Any, key: Any) -> None:  # noqa: ANN401 - a list or a dict, and a key of it
        self._parent = parent
        self._key = key
        self._pieces: list[str] = [parent[key]]

    def append(self, piece: str) -> None:
        """Append; the two halves of a surrogate pair, which JSON can part, become one character."""
        last = self._pieces[-1]
        if _is_between(last[-1:], HIGH_SURROGATES) and _is_between(piece[:1], LOW_SURROGATES):
            pair = (last[-1] + piece[0]).encode("utf-16", "surrogatepass").decode("utf-16")
            self._pieces[-1], piece = last[:-1], pair + piece[1:]
        if piece:
            self._pieces.append(piece)

    def join(self) -> None:
        """Put the text so far in its place."""
        if len(self._pieces) > 1:
            self._pieces = ["".join(self._pieces)]
            self._parent[self._key] = self._pieces[0]


class Growing:
    """An object that grows. ``value`` is the same object until the model starts again."""

    def __init__(self) -> None:
        self._root: list[Any] = []
        self._texts: dict[tuple[int, Any], _Text] = {}
        self._closed: set[str] = set()

    @property
    def has_begun(self) -> bool:
        """Whether there is an object."""
        return bool(self._root)

    @property
    def value(self) -> Any:  # noqa: ANN401 - any JSON value
        """The object so far, as JSON values; None before it has begun."""
        for text in self._texts.values():
            text.join()
        return self._root[0] if self._root else None

    def get(self, pointer: str, default: Any = None) -> Any:  # noqa: ANN401 - any JSON value
        """Return the value at a JSON Pointer, or ``default`` if there is none.

        Raises:
            ValueError: it is not a JSON Pointer.
        """
        if pointer and not pointer.startswith("/"):
            raise ValueError(f"a JSON Pointer must be empty or begin with a slash; got {pointer!r}")
        try:
            parent, key = self._place(pointer)
            found = parent[key]
        except (LookupError, TypeError, Misplaced):
            return default
        if isinstance(found, str):
            if text := self._texts.get((id(parent), key)):
                text.join()
        elif isinstance(found, dict | list):
            self.value  # noqa: B018 - joins the texts in it
        return parent[key]

    def is_closed(self, pointer: str) -> bool:
        """Return whether the value at a JSON Pointer is valid and final, by itself or with what contains it."""
        while pointer not in self._closed:
            if not pointer:
                return False
            pointer = pointer.rpartition("/")[0]
        return True

    def set(self, value: Any) -> None:  # noqa: ANN401 - any JSON value
        """Replace the object, as a snapshot does."""
        self._texts.clear()
        self._root = [value]

    def apply(self, change: Mapping[str, Any]) -> None:
        """Apply a change, as an event has it.

        Raises:
            Misplaced: it does not fit.
        """
        path: Any = change.get("path")
        try:
            parent, key = self._place(path)
            if "value" in change:
                self._put(parent, key, change["value"])
            elif "append" in change:
                self._append(parent, key, change["append"])
        except (LookupError, TypeError, AttributeError, Misplaced) as error:
            raise Misplaced(f"a change of {path!r} does not fit the object") from error
        if change.get("closed") is True:
            self._closed.add(path)
            if text := self._texts.pop((id(parent), key), None):
                text.join()

    def _place(self, path: Any) -> tuple[Any, Any]:  # noqa: ANN401 - whatever an event has
        """Return the list or dict in which the value at a path is, and its key there."""
        parent: Any = self._root
        key: Any = 0
        beginning, *steps = path.split("/")
        if beginning:
            raise Misplaced
        for step in steps:
            parent = parent[key]
            key = _key(parent, step)
        return parent, key

    def _put(self, parent: Any, key: Any, value: Any) -> None:  # noqa: ANN401 - any JSON value
        self._texts.pop((id(parent), key), None)
        if isinstance(value, dict | list):
            value = deepcopy(value) if value else value.copy()  # what grows is not the event's own
        if isinstance(parent, list) and key == len(parent):
            parent.append(value)
        else:
            parent[key] = value

    def _append(self, parent: Any, key: Any, piece: Any) -> None:  # noqa: ANN401 - whatever an event has
        text = self._texts.get((id(parent), key))
        if text is None:
            if not isinstance(parent[key], str):
                raise Misplaced
            text = self._texts[id(parent), key] = _Text(parent, key)
        if not isinstance(piece, str):
            raise Misplaced
        text.append(piece)


def _key(parent: Any, step: str) -> Any:  # noqa: ANN401 - whatever the object has
    if isinstance(parent, dict):
        return key_of(step)
    if isinstance(parent, list) and POSITION.fullmatch(step):
        return int(step)
    raise Misplaced


def _is_between(character: str, ends: tuple[str, str]) -> bool:
    return ends[0] <= character <= ends[1]
