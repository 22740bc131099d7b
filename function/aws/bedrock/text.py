"""Repairs of the model's text before it is read as JSON: complete characters, and no Markdown around the answer."""

import re
from collections.abc import Callable, Iterator
from typing import Final

from ...stream.events import Delta, ModelEvent, Stop, Thinking

JSON_SPACE: Final = " \t\r\n"
"""White space of JSON (RFC 8259 §2)."""
HELD_LIMIT: Final = 16 * 1024 * 1024
"""How many characters are held back at most: a document with more is refused in any case."""
INFO_LIMIT: Final = 100
"""How many characters after the opening fence are searched for an info word and its end."""


def complete_characters(events: Iterator[ModelEvent]) -> Iterator[ModelEvent]:
    """Hold half of a surrogate pair back until its other half comes; one that stays alone becomes U+FFFD."""
    half = ""
    thoughts = _Thoughts()
    for event in events:
        if not isinstance(event, Delta):
            if half and isinstance(event, Stop):
                yield Delta("\N{REPLACEMENT CHARACTER}")
            yield Thinking(thoughts.feed(event.text)) if isinstance(event, Thinking) and event.text else event
            continue
        if not half and not "\ud800" <= event.text[-1] <= "\udbff":  # nearly always
            yield event
            continue
        text = _paired(half + event.text) if half else event.text
        half = text[-1] if "\ud800" <= text[-1] <= "\udbff" else ""
        if text := text.removesuffix(half):
            yield Delta(text)


class _Thoughts:
    """Makes text of thinking such that UTF-8 can carry it: nothing else checks it."""

    def __init__(self) -> None:
        self._half = ""

    def feed(self, text: str) -> str:
        """Take a piece; return it with what was held back, as far as its last character is complete."""
        text = self._half + text
        self._half = text[-1] if "\ud800" <= text[-1] <= "\udbff" else ""
        complete = text.removesuffix(self._half)
        return (
            complete if complete.isascii() else complete.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        )


def _paired(text: str) -> str:
    """Return ``text`` with the two halves of each surrogate pair made one character."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")


def without_fence(events: Iterator[ModelEvent]) -> Iterator[ModelEvent]:
    """Remove a Markdown fence around the answer. Only text that could be the fence is held back.

    A fence (spec.commonmark.org, "Fenced code blocks") is three or more backticks or tildes. After the opening one an
    info word such as ``json`` is dropped, and nothing else; the closing one is as long or longer, and ends the answer.
    """
    fence = _Fence()
    for event in events:
        if isinstance(event, Delta):
            if text := fence.feed(event.text):
                yield Delta(text)
            continue
        if isinstance(event, Stop) and (text := fence.rest()):
            yield Delta(text)
        yield event


_LITERALS: Final = frozenset({"true", "false", "null"})
_INFO: Final = re.compile(r"""[ \t]*(?P<word>[^\W\d_][^\s{}\[\]"`~]*)?[ \t\r]*\n?""")


class _Fence:
    """The fence around one answer: takes the text in pieces, and returns what belongs to the answer.

    It looks at each piece once, however much text it holds back.
    """

    def __init__(self) -> None:
        self._held: list[str] = []
        self._held_length = 0
        self._mark = ""
        """The character that the opening fence is made of."""
        self._length = 0
        """How many of them the opening fence has."""
        self._read: Callable[[_Fence, str], str] = _Fence._read_opening

    def feed(self, text: str) -> str:
        """Take a piece, and return what can be passed on."""
        return self._read(self, text)

    def rest(self) -> str:
        """The answer has ended: return what was held back, unless it is the closing fence."""
        held = self._release()
        closing = held.strip(JSON_SPACE) if self._read is _Fence._read_inside else ""
        is_fence = len(closing) >= self._length and not closing.strip(self._mark)
        return "" if closing and is_fence else held

    def _read_opening(self, text: str) -> str:
        """Look for the opening fence, after white space."""
        self._hold(text)
        begun = text if self._mark else text.lstrip(JSON_SPACE)
        if not begun:
            return self._unless_too_long()
        self._mark = self._mark or begun[0]
        rest = begun.lstrip(self._mark) if self._mark in "`~" else begun
        self._length += len(begun) - len(rest)
        if not rest:
            return self._unless_too_long()
        if self._length < 3:  # noqa: PLR2004 - CommonMark
            return self._give_up()
        self._release()
        self._read = _Fence._read_info
        return self._read_info(rest)

    def _read_info(self, text: str) -> str:
        """Look for the info word. A literal of JSON does not count as one: it can be the answer."""
        self._hold(text)
        line = self._release()
        found = _INFO.match(line)
        end = found.end() if found else 0
        is_open = end == len(line) and not line.endswith("\n")
        if is_open and len(line) <= INFO_LIMIT:
            self._hold(line)
            return ""
        self._read = _Fence._read_inside
        is_info = found is not None and not is_open and found["word"] not in _LITERALS
        return self._read_inside(line[end:] if is_info else line)

    def _read_inside(self, text: str) -> str:
        """Hold back what may be the closing fence until something else follows."""
        end = len(text.rstrip(JSON_SPACE + self._mark))
        passed = self._release() + text[:end] if end else ""
        self._hold(text[end:])
        return passed or self._unless_too_long()

    def _hold(self, text: str) -> None:
        self._held.append(text)
        self._held_length += len(text)

    def _release(self) -> str:
        held = "".join(self._held)
        self._held, self._held_length = [], 0
        return held

    def _unless_too_long(self) -> str:
        return self._give_up() if self._held_length > HELD_LIMIT else ""

    def _give_up(self) -> str:
        """Return what was held back: it is not a fence. From now on nothing is held back."""
        self._read = _unchanged
        return self._release()


def _unchanged(_fence: _Fence, text: str) -> str:
    return text
