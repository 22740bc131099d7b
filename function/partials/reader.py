"""Incremental JSON (RFC 8259): text arrives in fragments cut anywhere, what happened goes out as events.

Characters are looked at in bulk: compiled patterns take whole members, tokens, and runs of a string. Nothing is read
again but the few bytes of a short token that was cut.
"""

import json
import math
import re
from collections.abc import Callable
from typing import Any, Final, Literal

from .changes import escape

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
_SCALAR = rb"(?:(" + _INTEGER + rb")|(" + _FLOAT + rb")|(true|false|null))(?=[ \t\n\r,\]}])"
_SCALAR_BEGUN = (
    rb"-?+(?:(?:0|[1-9][0-9]*+)(?:\.(?:[0-9]++(?:[eE](?:[-+]?+[0-9]*+))?+)?+|[eE](?:[-+]?+[0-9]*+))?+)?+"
    rb"|t(?:r(?:ue?)?)?|f(?:a(?:l(?:se?)?)?)?|n(?:u(?:ll?)?)?"
)
_BEGUN = rb'"([^"\\\x00-\x1f]*+)\Z|((?!\Z)(?:' + _SCALAR_BEGUN + rb"))\Z"
_VALUE = rb"(?:" + _SCALAR + rb"|" + _PLAIN + rb"|([{\[])|" + _BEGUN + rb")"
_MEMBER = _PLAIN + _WS + rb"(?::" + _WS + _VALUE + rb"?+|(\Z))"
_SHORT: Final = 60
"""A key, number or literal that was cut is looked at again as a whole while it has no more bytes."""
_KEY_BEGUN = rb'"[^"\\\x00-\x1f]{0,%d}+' % _SHORT
# What may come next. All have the same groups, and as much of a member or item as is in sight: the last group tells.
(_IS_KEY, _IS_INTEGER, _IS_FLOAT, _IS_LITERAL, _IS_STRING, _IS_BRACKET) = range(1, 7)
(_IS_STRING_BEGUN, _IS_SCALAR_BEGUN, _IS_KEY_ALONE, _IS_END, _IS_KEY_BEGUN) = range(7, 12)
_THE_VALUE: Final = re.compile(_WS + rb"()" + _VALUE).match
_COLON_VALUE: Final = re.compile(_WS + rb":()" + _WS + _VALUE + rb"?+").match
_FIRST_ITEM: Final = re.compile(_WS + rb"()(?:" + _VALUE + rb"|((?!))|(\]))").match
_NEXT_ITEM: Final = re.compile(_WS + rb"(?:,()" + _WS + _VALUE + rb"?+|((?!))|(\]))").match
_FIRST_MEMBER: Final = re.compile(_WS + rb"(?:" + _MEMBER + rb"|(})|(" + _KEY_BEGUN + rb")\Z)").match
_NEXT_MEMBER: Final = re.compile(
    _WS + rb"(?:," + _WS + _MEMBER + rb"|(})|," + _WS + rb"((?:" + _KEY_BEGUN + rb")?+)\Z)"
).match
_THE_MEMBER: Final = re.compile(_WS + rb"(?:" + _MEMBER + rb"|((?!))|((?:" + _KEY_BEGUN + rb")?+)\Z)").match
_NOTHING: Final = re.compile(rb"(?!)").match
_Match = Callable[[bytearray, int], re.Match[bytes] | None]

_SCALAR_WHOLE = re.compile(rb"()" + _SCALAR).match
_SCALAR_LAST = re.compile(rb"()" + _SCALAR.replace(rb"(?=[ \t\n\r,\]}])", rb"\Z")).match
_SEPARATORS: Final = {
    _NEXT_ITEM: "A comma or the end of the array was expected.",
    _NEXT_MEMBER: "A comma or the end of the object was expected.",
    _COLON_VALUE: "A colon was expected.",
    _NOTHING: "Text follows the document.",
}
_COMMA = re.compile(_WS + rb",")
_STRING_ENDED = re.compile(rb'([^"\\\x00-\x1f]*+)"')
_SPACE = re.compile(_WS)
_ESCAPE = (
    rb'\\(?:["\\/bfnrt]|u(?:[0-9a-cefA-CEF][0-9a-fA-F]{3}|[dD](?:[0-7][0-9a-fA-F]{2}'
    rb"|[89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})))"
)
_RUN = re.compile(rb'[^"\\\x00-\x1f]*+(?:' + _ESCAPE + rb'[^"\\\x00-\x1f]*+)*+')
_ESCAPE_BEGUN = re.compile(
    rb"\\(?:u(?:[0-9a-cefA-CEF][0-9a-fA-F]{0,2}|[dD](?:[0-7][0-9a-fA-F]?"
    rb"|[89abAB](?:[0-9a-fA-F](?:[0-9a-fA-F](?:\\(?:u(?:[dD](?:[c-fC-F][0-9a-fA-F]?)?)?)?)?)?)?)?)?)?"
)
_TOKEN = re.compile(rb"[-+.0-9a-zA-Z]*+")
_SCALAR_GOES_ON: Final = re.compile(_SCALAR_BEGUN).fullmatch
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
_HELD: Final = 4096
"""Characters that ``grow`` takes at once, so that whoever collects them collects no more."""
_TOO_LONG: Final = f"The document is longer than {MAX_BYTES} bytes."
_QUOTE, _BACKSLASH, _OPEN_OBJECT = b'"\\{'


_Step = Callable[["Reader", "list[Event]"], bool]


class NotJson(ValueError):
    """The text is not one JSON document (RFC 8259)."""

    closed_before = 0
    """Values that closed in the fragment of the mistake, before it."""

    def __init__(self, detail: str) -> None:
        """Take a sentence that quotes nothing of the text."""
        super().__init__(detail)
        self.detail = detail
        self.events_before: list[Event] = []
        """Events of the last fragment up to the mistake."""


class _Open:
    """An open object or array, or the root around the document."""

    __slots__ = ("index", "keys", "next", "path", "prefix", "start")

    def __init__(self, path: str, start: int, keys: set[str] | None, then: _Match) -> None:
        self.path = path
        self.prefix = path + "/"
        self.start = start
        """Where it began."""
        self.keys = keys
        """The keys seen; None: it is an array."""
        self.next = then
        """What may follow a value in it."""
        self.index = 0
        """Items begun."""


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
        self._start = -1
        self._path = ""
        self._told = False
        self._half = ""
        self._stack = [_Open("", 0, None, _NOTHING)]
        self._step: _Step = Reader._tokens
        self._match: _Match = _THE_VALUE

    @property
    def whole(self) -> bool:
        """The root value is closed: only white space may follow."""
        return self._match is _NOTHING

    @property
    def between_tokens(self) -> bool:
        """White space may be put in here without changing a value."""
        return not self._half and self._step not in _INSIDE and self._at == len(self.text)

    def feed(self, text: str) -> list[Event]:
        """Read on and return what happened, in the order of the text.

        Raises:
            NotJson: the document can no longer become JSON; its ``events_before`` holds what happened up to there.
        """
        events: list[Event] = []
        try:
            self.text += text.encode() if text.isascii() and not self._half else self._encoded(text)
            if len(self.text) > MAX_BYTES:
                raise NotJson(_TOO_LONG)  # noqa: TRY301 a call more for each fragment
            while self._step(self, events):
                pass
        except NotJson as error:
            error.events_before = events
            raise
        return events

    @property
    def room(self) -> int:
        """As many printable characters but quotes and backslashes may be read now by ``grow``; 0 outside a string."""
        if self._step is not _STRING or self._half or self._at != len(self.text):
            return 0
        return min(_HELD, (MAX_BYTES - self._at) // 4)

    def grow(self, text: str) -> None:
        """Read on inside a string, within the ``room``: what ``feed`` would do, without telling that it "grew"."""
        self.text += text.encode()
        self._at = len(self.text)

    def finish(self) -> list[Event]:
        """Say that no more text comes; return what that closed: at most a number or literal at the root.

        Raises:
            NotJson: the document is not whole.
        """
        if self._half:
            raise NotJson("A lone surrogate is no character.")
        events: list[Event] = []
        if len(self._stack) == 1 and self._step is not _STRING and not self.between_tokens:
            self._close_scalar(_SCALAR_LAST, len(self.text), events)
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

    def _tokens(self, events: list[Event]) -> bool:  # noqa: C901, PLR0912, PLR0915 no call for what is usual: hot
        """Read on while whole tokens are in sight."""
        text, stack = self.text, self._stack
        at, path, match = self._at, self._path, self._match
        length = len(text)
        while at < length:
            found = match(text, at)
            if found is None:
                self._at, self._path, self._match = at, path, match
                return self._unusual()
            at = found.end()
            group = found.lastindex or 0
            start = found.start(group)
            top = stack[-1]
            if group == _IS_END:
                del stack[-1]
                events.append(("closed", "array" if top.keys is None else "object", top.path, None, top.start, at))
                match = stack[-1].next
                continue
            if group == _IS_KEY_BEGUN:  # at most as long as is _SHORT, so it is looked at once more when there is more
                at, match = start, _THE_MEMBER
                break
            if match is _THE_VALUE or match is _COLON_VALUE:
                pass  # its path is known
            elif top.keys is None:
                path = top.prefix + str(top.index)
                top.index += 1
            else:
                path = self._name(found[_IS_KEY].decode(), found.start(_IS_KEY), found.end(_IS_KEY), events)
            match = top.next
            if group == _IS_STRING:
                events.append(("value", "string", path, found[_IS_STRING].decode(), start - 1, at))
            elif group == _IS_INTEGER and at - start <= MAX_DIGITS:
                events.append(("value", "number", path, int(found[_IS_INTEGER]), start, at))
            elif group == _IS_BRACKET:
                match = self._open(path, start, events)
            elif group == _IS_KEY:
                match = _THE_VALUE
            elif group == _IS_KEY_ALONE:
                match = _COLON_VALUE
            elif group == _IS_STRING_BEGUN:
                match = _THE_VALUE
                self._step = _STRING
                self._start = start - 1
                self._told = True
                events.append(("opened", "string", path, found[_IS_STRING_BEGUN].decode(), start - 1, -1))
            elif group == _IS_SCALAR_BEGUN:
                match = _THE_VALUE
                if self._start != start:
                    self._start = start
                    events.append(("opened", _STARTS[text[start]], path, None, start, -1))
                if length - start > _SHORT:
                    self._step = Reader._scalar
                else:
                    at = start  # looked at once more when there is more of it
                break
            else:
                kind, value = _scalar(found[group], group)
                events.append(("value", kind, path, value, start, at))
        self._at, self._path, self._match = at, path, match
        return False

    def _open(self, path: str, start: int, events: list[Event]) -> _Match:
        """Open an object or array; return what may come first in it."""
        if len(self._stack) > MAX_DEPTH:
            raise NotJson(f"The document is nested deeper than {MAX_DEPTH} levels.")
        if self.text[start] == _OPEN_OBJECT:
            self._stack.append(_Open(path, start, set(), _NEXT_MEMBER))
            events.append(("opened", "object", path, None, start, -1))
            return _FIRST_MEMBER
        self._stack.append(_Open(path, start, None, _NEXT_ITEM))
        events.append(("opened", "array", path, None, start, -1))
        return _FIRST_ITEM

    def _unusual(self) -> bool:
        """Begin a token that has escapes or is long, unless none may begin here."""
        match = self._match
        comma = _COMMA.match(self.text, self._at) if match is _NEXT_MEMBER else None
        if comma is not None:
            self._at = comma.end()
        elif match in _SEPARATORS:
            return self._wait_or(_SEPARATORS[match])
        space = _SPACE.match(self.text, self._at)
        self._at = space.end() if space else self._at
        if self._at == len(self.text):
            return False
        if match is _FIRST_ITEM:
            top = self._stack[-1]
            top.index = 1
            self._path = top.prefix + "0"
        is_value = match is _THE_VALUE or match is _FIRST_ITEM
        self._start = self._at
        first = self.text[self._at]
        if first != _QUOTE:
            what = "A number or literal is malformed." if first in _STARTS else "A value was expected."
            raise NotJson(f"{what if is_value else 'A key was expected.'} (byte {self._at})")
        self._at += 1
        self._told = False
        self._step = _STRING if is_value else Reader._long_key
        return True

    def _ended(self) -> None:
        """Go on behind a value."""
        self._step = Reader._tokens
        self._match = self._stack[-1].next

    def _long_key(self, events: list[Event]) -> bool:
        """Read a key that is long or has escapes."""
        if not self._run():
            return False
        self._at += 1
        key = _decoded(self.text[self._start + 1 : self._at - 1])
        self._path = self._name(key, self._start + 1, self._at - 1, events)
        self._step = Reader._tokens
        self._match = _COLON_VALUE
        return True

    def _name(self, key: str, start: int, end: int, events: list[Event]) -> str:
        """Take a key, without its quotes from ``start`` to ``end``; return the path of its value."""
        top = self._stack[-1]
        keys = top.keys
        if keys is None or key in keys:
            raise NotJson(f"A key occurs twice in one object. (byte {start - 1})")
        keys.add(key)
        path = top.prefix + (key if "~" not in key and "/" not in key else escape(key))
        events.append(("key", "string", path, key, start - 1, end + 1))
        return path

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
        found = _STRING_ENDED.match(self.text, self._at)
        if found is not None:  # the quick way
            closed = True
            piece = found[1].decode()
            self._at = found.end(1)
        else:
            start = self._at
            closed = self._run()
            piece = _decoded(self.text[start : self._at])
        if closed:
            self._at += 1
            what: What = "closed" if self._told else "value"
            events.append((what, "string", self._path, piece, self._start, self._at))
            self._ended()
            return True
        if not self._told:
            self._told = True
            events.append(("opened", "string", self._path, piece, self._start, -1))
        elif piece:
            events.append(("grew", "string", self._path, piece, self._start, -1))
        return False

    def _scalar(self, events: list[Event]) -> bool:
        """Read on in a number that was cut and is long."""
        found = _TOKEN.match(self.text, self._at)
        self._at = end = found.end() if found else self._at
        if end < len(self.text):
            self._close_scalar(_SCALAR_WHOLE, end, events)
            return True
        # A long one is judged at its end, so that an endless number costs linear time.
        if end - self._start <= MAX_DIGITS and not _SCALAR_GOES_ON(self.text, self._start):
            raise NotJson(f"A number or literal is malformed. (byte {self._start})")
        return False

    def _close_scalar(self, match: _Match, end: int, events: list[Event]) -> None:
        found = match(self.text, self._start)
        if found is None or found.end() != end:
            raise NotJson(f"A number or literal is malformed. (byte {self._start})")
        group = found.lastindex or 0
        kind, value = _scalar(found[group], group)
        events.append(("value", kind, self._path, value, self._start, end))
        self._ended()


_STRING: Final = Reader._string  # noqa: SLF001 the step inside a string
_INSIDE: Final = (_STRING, Reader._long_key, Reader._scalar)  # noqa: SLF001 the steps inside a token


def _scalar(token: bytes, group: int) -> tuple[Kind, object]:
    """Return kind and value of a number or literal."""
    if group == _IS_LITERAL:
        return _LITERALS[token]
    if len(token) > MAX_DIGITS and _LONG.match(token):
        raise NotJson("A number is out of range.")
    if group == _IS_INTEGER:
        return "number", int(token)
    value = float(token)
    if math.isinf(value):
        raise NotJson("A number is out of range.")
    return "number", value


def _decoded(run: bytearray) -> str:
    """Return the text of a run of whole characters and escapes."""
    text = run.decode()
    if "\\" not in text:
        return text
    decoded: str = json.loads(f'"{text}"')
    return decoded
