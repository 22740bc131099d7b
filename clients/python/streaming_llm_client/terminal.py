"""A growing object on a screen. Nothing here needs more than the standard library.

On a terminal the object is written as indented JSON, as far as it has come: a JSON document grows at its end, so that
nothing that was written has to be changed. Elsewhere, each value is a line when it is final.

Whatever the model writes is shown as text: characters that can drive a terminal are written as JSON's escapes.
"""

import json
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, Final, Protocol

from .growing import escaped_key, key_of

Json = Any

INDENT: Final = "  "
CONTROLS: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff\ufff9-\ufffb]"
)
"""What can drive a terminal, turn the direction of its text, hide in it, or cannot be written at all."""
AGAIN: Final = "The model starts again."


class Step(Protocol):
    """A change, as ``Partial.changes`` has it."""

    @property
    def path(self) -> str:
        """The place that it changes."""

    @property
    def value(self) -> Json:
        """What is set there, if ``model_fields_set`` names it."""

    @property
    def append(self) -> str | None:
        """What is appended there."""

    @property
    def closed(self) -> bool | None:
        """Whether what is there is final."""

    @property
    def model_fields_set(self) -> AbstractSet[str]:
        """The members that the change has."""


class Shown(Protocol):
    """A partial."""

    @property
    def changes(self) -> Sequence[Step]:
        """What has changed since the one before."""

    @property
    def value(self) -> Json:
        """The object so far."""

    def get(self, pointer: str) -> Json:
        """Return the value at a JSON Pointer."""


def escaped(text: str) -> str:
    """Return JSON without the characters that can drive a terminal: their escapes are JSON too."""
    return CONTROLS.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def printable(text: str) -> str:
    """Return text that is not JSON without these characters; line ends stay."""
    return "\n".join(map(escaped, text.split("\n")))


def indented(value: Json) -> str:
    """Return a value as indented JSON."""
    return printable(json.dumps(value, ensure_ascii=False, indent=len(INDENT)))


def one_line(value: Json) -> str:
    """Return a value as one line of JSON."""
    return escaped(json.dumps(value, ensure_ascii=False))


class View(ABC):
    """Shows one answer while it grows."""

    def __init__(self, write: Callable[[str], object]) -> None:
        """Take what writes text on the screen."""
        self._write = write

    @abstractmethod
    def show(self, partial: Shown) -> None:
        """Show what has changed."""

    @abstractmethod
    def finish(self, value: Json) -> None:
        """Show the complete answer."""

    @abstractmethod
    def stop(self) -> None:
        """End the view of an answer that is not complete: what follows begins on a line of its own."""


class Lines(View):
    """One line for each value that is final, and the complete answer as the last line."""

    def show(self, partial: Shown) -> None:
        """Write a line for each text, number or literal that has closed, and for each empty object or list."""
        for change in partial.changes:
            if change.closed:
                value = partial.get(change.path)
                if not isinstance(value, dict | list) or not value:
                    self._write(f"{escaped(change.path)} {one_line(value)}\n")

    def finish(self, value: Json) -> None:
        """Write the answer."""
        self._write(f"{one_line(value)}\n")

    def stop(self) -> None:
        """Do nothing: every line is complete."""


class _Level:
    """An object or a list that has been opened on the screen."""

    def __init__(self, path: str, *, is_list: bool) -> None:
        self.path = path
        self.is_list = is_list
        self.steps: set[str] = set()

    @property
    def size(self) -> int:
        return len(self.steps)

    def add(self, step: str) -> None:
        """Note a member, which must be a new one."""
        if step in self.steps or (self.is_list and step != str(self.size)):
            raise _OutOfOrder
        self.steps.add(step)

    def end(self, depth: int) -> str:
        bracket = "]" if self.is_list else "}"
        return f"\n{INDENT * depth}{bracket}" if self.size else bracket


class _OutOfOrder(Exception):
    """A change is not at the end of the document."""


class Indented(View):
    """The object as indented JSON, which grows at its end."""

    def __init__(self, write: Callable[[str], object]) -> None:
        """Take what writes text on the screen."""
        super().__init__(write)
        self._levels: list[_Level] = []
        self._text: str | None = None
        """The path of the text that is being written."""
        self._has_begun = False
        self._is_lost = False
        """Whether something else than the end of the document has changed: then only the answer is shown."""
        self._last: Shown | None = None

    def show(self, partial: Shown) -> None:
        """Write what has been added."""
        self._last = partial
        try:
            for change in partial.changes:
                self._apply(change)
        except _OutOfOrder:
            self._is_lost = True

    def finish(self, value: Json) -> None:
        """Write the answer, if it is another one than was shown: a class can add values, and change them."""
        is_shown = not self._is_lost and self._last is not None and self._last.value == value
        if is_shown:
            self._end_text()
            self._write(self._ends(None))
        self.stop()
        if not is_shown:
            heading = "\nThe validated answer:\n" if self._has_begun else ""
            self._write(f"{heading}{indented(value)}\n")

    def stop(self) -> None:
        """End the line."""
        if self._has_begun:
            self._write("\n")

    def _apply(self, change: Step) -> None:
        if change.path == "" and "value" in change.model_fields_set:
            self._begin()
        if self._is_lost:
            return
        if "value" in change.model_fields_set:
            self._put(change.path, change.value, is_open=not change.closed)
        elif change.append and change.path == self._text:
            self._write(escaped(json.dumps(change.append, ensure_ascii=False)[1:-1]))
        elif change.append:
            raise _OutOfOrder
        if change.closed:
            self._close(change.path)

    def _begin(self) -> None:
        if self._has_begun:
            self._write(f"\n{AGAIN}\n")
        self._has_begun, self._is_lost = True, False
        self._levels, self._text = [], None

    def _put(self, path: str, value: Json, *, is_open: bool) -> None:
        """Write a value; one that is open without its end."""
        self._end_text()
        self._write(self._before(path))
        if isinstance(value, dict | list):
            is_list = isinstance(value, list)
            self._write("[" if is_list else "{")
            self._levels.append(_Level(path, is_list=is_list))
            members = enumerate(value) if is_list else ((escaped_key(key), value[key]) for key in value)
            for step, member in members:
                self._put(f"{path}/{step}", member, is_open=False)
            if not is_open:
                self._close(path)
        elif isinstance(value, str) and is_open:
            self._write(one_line(value)[:-1])
            self._text = path
        else:
            self._write(one_line(value))

    def _before(self, path: str) -> str:
        """Return what stands before a value: the ends of what has ended, a comma, a new line, its key."""
        parent, _, step = path.rpartition("/")
        if path == "":
            return ""
        ended = self._ends(parent)
        if not self._levels:
            raise _OutOfOrder
        level = self._levels[-1]
        comma = "," if level.size else ""
        key = "" if level.is_list else f"{one_line(key_of(step))}: "
        level.add(step)
        return f"{ended}{comma}\n{INDENT * len(self._levels)}{key}"

    def _ends(self, path: str | None) -> str:
        """Close everything inside the object or list at a path, or everything; return what to write for it."""
        text = ""
        while self._levels and self._levels[-1].path != path:
            text += self._levels.pop().end(len(self._levels))
        return text

    def _close(self, path: str) -> None:
        if path == self._text:
            self._end_text()
        elif any(level.path == path for level in self._levels):
            self._write(self._ends(path) + self._levels.pop().end(len(self._levels)))

    def _end_text(self) -> None:
        if self._text is not None:
            self._write('"')
            self._text = None
