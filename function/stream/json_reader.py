"""Incremental JSON (RFC 8259): text arrives in fragments cut anywhere, what happened goes out as events.

Every character is looked at once and in bulk: compiled patterns take whole tokens and whole runs of a string.
"""

import json
import math
import re
from collections.abc import Callable
from typing import Any, Final, Literal

MAX_BYTES: Final = 16 * 1024 * 1024
"""A document of more bytes (UTF-8) is an error, however it goes on."""
MAX_DEPTH: Final = 201
"""Brackets open at once; as deep as Pydantic's own parser goes."""
MAX_DIGITS: Final = 4300
"""Digits of a number before its point; as many as Pydantic's own parser takes."""

What = Literal["opened", "key", "grew", "closed", "value"]
Kind = Literal["object", "array", "string", "number", "boolean", "null"]
Event = tuple[What, Kind, str, Any, int, int]
"""``(what, kind, path, value, start, end)``; ``path`` is an RFC 6901 pointer, ``start`` and ``end`` are offsets in
``Reader.text`` of the value (or key) as it was written, quotes and brackets included; ``end`` is -1 while it is open.

========  =========================  ==========================================================================
what      of kind                    value
========  =========================  ==========================================================================
opened    object, array              None
opened    string                     its text so far; the fragment ended inside the string
opened    number, boolean, null      None; the fragment ended inside (or right behind) the token
key       of the value that follows  the key; ``kind`` says "string", the path is already the value's
grew      string                     more text of a string that was opened before
closed    string                     the last text of a string that was opened before
closed    object, array              None
value     all but object and array   the whole value, in one go (for a number or literal also after "opened")
========  =========================  ==========================================================================
"""

_WS = rb"[ \t\n\r]*+"
_PLAIN = rb'"([^"\\\x00-\x1f]*+)"'
_INTEGER = rb"-?+(?:0|[1-9][0-9]*+)"
_FLOAT = _INTEGER + rb"(?:\.[0-9]++)?+(?:[eE][-+]?+[0-9]++)?+"
_SCALAR = rb"(?:(" + _INTEGER + rb")|(" + _FLOAT + rb")|(true|false|null))(?=[ \t\n\r,\]}]|\Z)"
_TOKEN_WHOLE = re.compile(_SCALAR)
_VALUE = re.compile(_WS + rb"(?:" + _SCALAR.replace(rb"|\Z", rb"") + rb"|" + _PLAIN + rb"|([{\[])|(\]))")
_IS_INTEGER, _, _IS_LITERAL, _IS_STRING, _IS_BRACKET, _IS_END = range(1, 7)
_KEY = re.compile(_WS + _PLAIN + _WS + rb":")
_COLON = re.compile(_WS + rb":")
_AFTER_ITEM = re.compile(_WS + rb"(?:,|(\]))")
_AFTER_MEMBER = re.compile(_WS + rb"(?:(})|,(?:" + _WS + _PLAIN + _WS + rb":)?+)")
_SPACE = re.compile(_WS)
_ESCAPE = (
    rb'\\(?:["\\/bfnrt]|u(?:[0-9a-cefA-CEF][0-9a-fA-F]{3}|[dD](?:[0-7][0-9a-fA-F]{2}'
    rb"|[89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})))"
)
_RUN = re.compile(rb'[^"\\\x00-\x1f]*+(?:' + _ESCAPE + rb'[^"\\\x00-\x1f]*+)*+')
_WITHIN = re.compile(r'[^"\\\x00-\x1f\ud800-\udfff]++')
_ESCAPE_BEGUN = re.compile(
    rb"\\(?:u(?:[0-9a-cefA-CEF][0-9a-fA-F]{0,2}|[dD](?:[0-7][0-9a-fA-F]?"
    rb"|[89abAB](?:[0-9a-fA-F](?:[0-9a-fA-F](?:\\(?:u(?:[dD](?:[c-fC-F][0-9a-fA-F]?)?)?)?)?)?)?)?)?)?"
)
_TOKEN = re.compile(rb"[-+.0-9a-zA-Z]*+")
_NUMBER_BEGUN = re.compile(
    rb"-?+(?:(?:0|[1-9][0-9]*+)(?:\.(?:[0-9]++(?:[eE](?:[-+]?+[0-9]*+))?+)?+|[eE](?:[-+]?+[0-9]*+))?+)?+"
)
_LONG = re.compile(rb"-?[0-9]{%d}" % (MAX_DIGITS + 1))
_LITERALS: Final[dict[bytes, tuple[Kind, object]]] = {
    b"true": ("boolean", True),
    b"false": ("boolean", False),
    b"null": ("null", None),
}
_STARTS: Final[dict[int, Kind]] = {
    **dict.fromkeys(b"-0123456789", "number"),
    ord("t"): "boolean",
    ord("f"): "boolean",
    ord("n"): "null",
}
_TOO_LONG: Final = f"The document is longer than {MAX_BYTES} bytes."
_QUOTE, _BACKSLASH, _OPEN_OBJECT, _CLOSE_OBJECT, _CLOSE_ARRAY = b'"\\{}]'


_Step = Callable[["Reader", "list[Event]"], bool]


class NotJson(ValueError):
    """The text is not one JSON document; ``before`` are the events of the last fragment up to the mistake."""

    def __init__(self, detail: str) -> None:
        """Take a sentence that quotes nothing of the text."""
        super().__init__(detail)
        self.before: list[Event] = []


class _Open:
    """An open object or array: its path, where it began, the keys seen (None: an array) and the items begun."""

    __slots__ = ("index", "keys", "path", "start")

    def __init__(self, path: str, start: int, keys: set[str] | None) -> None:
        self.path = path
        self.start = start
        self.keys = keys
        self.index = 0


class Reader:
    """Reads one JSON document from fragments.

    ``feed`` costs time proportional to the fragment. Errors are ``NotJson`` and final. All that
    RFC 8259 refuses is one; so are a byte order mark, a lone surrogate, a second value, a duplicate key, NaN, an
    infinity or a number beyond a double, and what exceeds the caps above.
    """

    def __init__(self) -> None:
        self.text = bytearray()
        """The document so far in UTF-8."""
        self._at = 0
        self._start = 0
        self._path = ""
        self._told = False
        self._half = ""
        self._stack: list[_Open] = []
        self._step: _Step = Reader._value
        self._after: _Step = Reader._end

    @property
    def whole(self) -> bool:
        """The root value is closed: only white space may follow."""
        return self._step is Reader._end

    @property
    def between_tokens(self) -> bool:
        """White space may be put in here without changing a value."""
        return not self._half and self._step not in _INSIDE

    def feed(self, text: str) -> list[Event]:
        """Read on and return what happened, in the order of the text.

        Raises:
            NotJson: the document can no longer become JSON; its ``before`` holds what happened up to there.
        """
        events: list[Event] = []
        try:
            self.text += text.encode() if text.isascii() and not self._half else self._encoded(text)
            if len(self.text) > MAX_BYTES:
                raise NotJson(_TOO_LONG)  # noqa: TRY301 a call more for each fragment
            while self._step(self, events):
                pass
        except NotJson as error:
            error.before = events
            raise
        return events

    def grow(self, text: str) -> str | None:
        """Take a fragment that lies inside a string and return the string's path; else leave it and return None.

        Most fragments of prose are such: the quick way, where ``feed`` would tell of no more than one "grew".

        Raises:
            NotJson: the document is too long.
        """
        if self._step is not _STRING or self._half or self._at != len(self.text) or not _WITHIN.fullmatch(text):
            return None
        self.text += text.encode()
        self._at = len(self.text)
        if self._at > MAX_BYTES:
            raise NotJson(_TOO_LONG)
        return self._path

    def finish(self) -> list[Event]:
        """Say that no more text comes; return what that closed: at most a number or literal at the root.

        Raises:
            NotJson: the document is not whole.
        """
        if self._half:
            raise NotJson("A lone surrogate is no character.")
        events: list[Event] = []
        if self._step is Reader._scalar and not self._stack:
            self._close_scalar(len(self.text), events)
        if not self.whole:
            raise NotJson("The document ends too early." if self.text.strip() else "The document is empty.")
        return events

    def _encoded(self, text: str) -> bytes:
        if not self._half:
            try:
                return text.encode()
            except UnicodeEncodeError:
                pass
        text = self._half + text
        self._half = text[-1:] if "\ud800" <= text[-1:] <= "\udbff" else ""
        try:
            pairs = text[: len(text) - len(self._half)].encode("utf-16-le", "surrogatepass")
            return pairs.decode("utf-16-le").encode()
        except UnicodeDecodeError:
            raise NotJson("A lone surrogate is no character.") from None

    def _wait_or(self, detail: str) -> bool:
        """Skip white space; wait for more text if nothing else is left, else it is a mistake."""
        found = _SPACE.match(self.text, self._at)
        self._at = found.end() if found else self._at
        if self._at < len(self.text):
            raise NotJson(f"{detail} (byte {self._at})")
        return False

    def _value(self, events: list[Event]) -> bool:
        """Read the value that must come here."""
        found = _VALUE.match(self.text, self._at)
        if found is None or found.lastindex == _IS_END:
            return self._begin(events)
        self._close_token(found, events)
        return True

    def _close_token(self, found: re.Match[bytes], events: list[Event]) -> None:
        """Take a plain value that is in sight as a whole, or the opening of a container."""
        group = found.lastindex or 0
        start, end = found.span(group)
        if group == _IS_STRING:
            self._at = end = end + 1
            events.append(("value", "string", self._path, found[group].decode(), start - 1, end))
        elif group == _IS_BRACKET:
            self._at = end
            self._open(start, events)
            return
        else:
            self._at = end
            kind, value = _LITERALS[found[group]] if group == _IS_LITERAL else ("number", _number(found[group], group))
            events.append(("value", kind, self._path, value, start, end))
        self._step = self._after

    def _begin(self, events: list[Event]) -> bool:
        """Begin a value that is not a plain token in sight."""
        found = _SPACE.match(self.text, self._at)
        self._at = self._start = found.end() if found else self._at
        if self._at == len(self.text):
            return False
        first = self.text[self._at]
        self._told = False
        if first == _QUOTE:
            self._at += 1
            self._step = Reader._string
            return self._string(events)
        if first in _STARTS:
            self._step = Reader._scalar
            return self._scalar(events)
        raise NotJson(f"A value was expected. (byte {self._at})")

    def _first_item(self, events: list[Event]) -> bool:
        """Read the first value of an array, or its end."""
        found = _VALUE.match(self.text, self._at)
        if found is None:
            return self._begin(events)
        if found.lastindex == _IS_END:
            self._at = found.end()
            self._close("array", events)
        else:
            self._close_token(found, events)
        return True

    def _open(self, start: int, events: list[Event]) -> None:
        if len(self._stack) == MAX_DEPTH:
            raise NotJson(f"The document is nested deeper than {MAX_DEPTH} levels.")
        path = self._path
        if self.text[start] == _OPEN_OBJECT:
            self._stack.append(_Open(path, start, set()))
            events.append(("opened", "object", path, None, start, -1))
            self._step = Reader._first_key
            self._after = Reader._after_member
        else:
            self._stack.append(_Open(path, start, None))
            events.append(("opened", "array", path, None, start, -1))
            self._path = path + "/0"
            self._step = Reader._first_item
            self._after = Reader._after_item

    def _close(self, kind: Kind, events: list[Event]) -> None:
        closed = self._stack.pop()
        events.append(("closed", kind, closed.path, None, closed.start, self._at))
        if not self._stack:
            self._after = Reader._end
        else:
            self._after = Reader._after_item if self._stack[-1].keys is None else Reader._after_member
        self._step = self._after

    def _after_item(self, events: list[Event]) -> bool:
        found = _AFTER_ITEM.match(self.text, self._at)
        if found is None:
            return self._wait_or("A comma or the end of the array was expected.")
        self._at = found.end()
        if found.lastindex:
            self._close("array", events)
            return True
        top = self._stack[-1]
        top.index += 1
        self._path = f"{top.path}/{top.index}"
        self._step = Reader._value
        return self._value(events)

    def _after_member(self, events: list[Event]) -> bool:
        found = _AFTER_MEMBER.match(self.text, self._at)
        if found is None:
            return self._wait_or("A comma or the end of the object was expected.")
        self._at = found.end()
        if found.lastindex == 1:
            self._close("object", events)
            return True
        if found.lastindex is None:  # the comma alone
            self._step = Reader._key
            return self._key(events)
        self._name(found[2].decode(), found.start(2) - 1, found.end(2) + 1, events)
        self._step = Reader._value
        return self._value(events)

    def _first_key(self, events: list[Event]) -> bool:
        """Read the first key of an object, or its end."""
        found = _SPACE.match(self.text, self._at)
        self._at = found.end() if found else self._at
        if self._at < len(self.text) and self.text[self._at] == _CLOSE_OBJECT:
            self._at += 1
            self._close("object", events)
            return True
        return self._key(events)

    def _key(self, events: list[Event]) -> bool:
        found = _KEY.match(self.text, self._at)
        if found is not None:
            start, end = found.span(1)
            self._name(found[1].decode(), start - 1, end + 1, events)
            self._at = found.end()
            self._step = Reader._value
            return self._value(events)
        space = _SPACE.match(self.text, self._at)
        self._at = self._start = space.end() if space else self._at
        if self._at == len(self.text):
            return False
        if self.text[self._at] != _QUOTE:
            raise NotJson(f"A key was expected. (byte {self._at})")
        self._at += 1
        self._step = Reader._long_key
        return self._long_key(events)

    def _long_key(self, events: list[Event]) -> bool:
        """Read a key that was cut or has escapes."""
        if not self._run():
            return False
        self._at += 1
        self._name(_decoded(self.text[self._start + 1 : self._at - 1]), self._start, self._at, events)
        self._step = Reader._colon
        return True

    def _name(self, key: str, start: int, end: int, events: list[Event]) -> None:
        top = self._stack[-1]
        keys = top.keys
        if keys is None or key in keys:
            raise NotJson(f"A key occurs twice in one object. (byte {start})")
        keys.add(key)
        if "~" in key or "/" in key:
            self._path = f"{top.path}/{key.replace('~', '~0').replace('/', '~1')}"
        else:
            self._path = f"{top.path}/{key}"
        events.append(("key", "string", self._path, key, start, end))

    def _colon(self, events: list[Event]) -> bool:  # noqa: ARG002 one signature for all steps
        found = _COLON.match(self.text, self._at)
        if found is None:
            return self._wait_or("A colon was expected.")
        self._at = found.end()
        self._step = Reader._value
        return True

    def _run(self) -> bool:
        """Move on in a string to its closing quote (True), or as far as its text is certain (False)."""
        found = _RUN.match(self.text, self._at)
        self._at = end = found.end() if found else self._at
        if end == len(self.text):
            return False
        if self.text[end] == _QUOTE:
            return True
        if self.text[end] != _BACKSLASH:
            raise NotJson(f"A control character stands in a string. (byte {end})")
        if not _ESCAPE_BEGUN.fullmatch(self.text, end):
            raise NotJson(f"An escape in a string is wrong. (byte {end})")
        return False

    def _string(self, events: list[Event]) -> bool:
        start = self._at
        closed = self._run()
        piece = _decoded(self.text[start : self._at])
        if closed:
            self._at += 1
            what: What = "closed" if self._told else "value"
            events.append((what, "string", self._path, piece, self._start, self._at))
            self._step = self._after
            return True
        if not self._told:
            self._told = True
            events.append(("opened", "string", self._path, piece, self._start, -1))
        elif piece:
            events.append(("grew", "string", self._path, piece, self._start, -1))
        return False

    def _scalar(self, events: list[Event]) -> bool:
        """Read a number or literal whose end is not in sight yet."""
        found = _TOKEN.match(self.text, self._at)
        self._at = end = found.end() if found else self._at
        if end < len(self.text):
            if self.text[end] not in b" \t\n\r,]}":
                raise NotJson(f"A number or literal is malformed. (byte {self._start})")
            self._close_scalar(end, events)
            return True
        if not self._may_become_scalar(end):
            raise NotJson(f"A number or literal is malformed. (byte {self._start})")
        if not self._told:
            self._told = True
            events.append(("opened", _STARTS[self.text[self._start]], self._path, None, self._start, -1))
        return False

    def _may_become_scalar(self, end: int) -> bool:
        if end - self._start > MAX_DIGITS:
            return True  # judged at its end, so that an endless number costs linear time
        token = bytes(self.text[self._start : end])
        if token[0] in b"tfn":
            return any(literal.startswith(token) for literal in _LITERALS)
        return _NUMBER_BEGUN.fullmatch(token) is not None

    def _close_scalar(self, end: int, events: list[Event]) -> None:
        found = _TOKEN_WHOLE.match(self.text, self._start)
        if found is None or found.end() != end:
            raise NotJson(f"A number or literal is malformed. (byte {self._start})")
        self._close_token(found, events)

    def _end(self, events: list[Event]) -> bool:  # noqa: ARG002 one signature for all steps
        return self._wait_or("Text follows the document.")


_STRING: Final = Reader._string  # noqa: SLF001 the step inside a string
_INSIDE: Final = (_STRING, Reader._long_key, Reader._scalar)  # noqa: SLF001 the steps inside a token


def _number(token: bytes, group: int) -> int | float:
    if len(token) > MAX_DIGITS and _LONG.match(token):
        raise NotJson("A number is out of range.")
    if group == _IS_INTEGER:
        return int(token)
    value = float(token)
    if math.isinf(value):
        raise NotJson("A number is out of range.")
    return value


def _decoded(run: bytearray) -> str:
    """Return the text of a run of whole characters and escapes."""
    text = run.decode()
    if "\\" not in text:
        return text
    decoded: str = json.loads(f'"{text}"')
    return decoded
