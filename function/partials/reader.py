"""Incremental JSON (RFC 8259): text arrives in fragments cut anywhere, and leaves as events.

The reader looks at characters in bulk: compiled patterns take whole members, tokens, and runs of a string. It reads
nothing again but the few bytes of a short token that was cut.

The words of this file:

- *document*: the one JSON value, with white space around it, that all fragments together are.
- *container*: an object or array. An object has *members* (a key and its value), an array has *items*.
- *scalar*: a number or one of the literals ``true``, ``false`` and ``null``. What follows it shows where it ends.
- *token*: a string, key, scalar, bracket, comma or colon. It is *cut* while only its beginning has arrived.
- *run*: the part of a string that is certain: whole characters and whole escapes.
- *ended*: a value whose last token has arrived. Whether it is valid is not the reader's question.
- *kind*: which of JSON's six types a value has.
"""

import json
import re
import sys
from collections.abc import Callable, Iterator
from enum import Enum
from itertools import count
from math import isinf
from typing import Any, Final, Literal, NoReturn, cast

from .changes import escape

MAX_BYTES: Final = 16 * 1024 * 1024
"""A document of more bytes (UTF-8) is an error, however it continues."""
MAX_DEPTH: Final = 201
"""Containers open at once; the same as in Pydantic's own parser."""
MAX_DIGITS: Final = 4300
"""Digits of a number before its decimal point; the same as in Pydantic's own parser."""

EventName = Literal["opened", "key", "grew", "ended", "value"]
Kind = Literal["object", "array", "string", "number", "boolean", "null"]
JsonEvent = tuple[EventName, Kind, str, Any, int, int, str | None]
"""``(name, kind, path, value, start, end, key)``: ``path`` is a JSON pointer, ``start`` and ``end`` are offsets in
``Reader.text`` of the value (or key) as it was written, quotes and brackets included; ``end`` is -1 while it is open.
``key`` is that of a member whose key and the beginning of its value were read together: no event "key" came before.

========  =========================  ==========================================================================
name      kind                       value
========  =========================  ==========================================================================
opened    object, array              None
opened    string                     its text so far; the fragment ended inside the string
opened    number, boolean, null      None; the fragment ended inside the scalar or right behind it
key       string                     the key; the path is already that of the key's value
grew      string                     more text of a string that was opened before
ended     string                     the last text of a string that was opened before
ended     object, array              None
value     all but object and array   the complete value (of a scalar also after "opened")
========  =========================  ==========================================================================
"""

_SPACE = rb"[ \t\n\r]*+"
_CHARACTERS = rb'[^"\\\x00-\x1f]*+'
_INTEGER = rb"-?+(?:0|[1-9]\d*+)"
_FRACTION = rb"(?:\.\d++(?:[eE][-+]?+\d++)?+|[eE][-+]?+\d++)"
_CUT_FRACTION = rb"(?:\.(?:\d++(?:[eE][-+]?+\d*+)?+)?+|[eE][-+]?+\d*+)?+"
_CUT_WORD = rb"-|true|tru|tr|t|false|fals|fal|fa|f|null|nul|nu|n"
_AFTER_SCALAR = rb"(?=[ \t\n\r,\]}])"
_VALUE = (
    rb'"(?P<string>' + _CHARACTERS + rb')(?:"|(?P<cut_string>\Z))|(?P<bracket>[{\[])'
    rb"|(?P<integer>" + _INTEGER + rb")(?:" + _AFTER_SCALAR +
    rb"|(?P<fraction>" + _FRACTION + rb")" + _AFTER_SCALAR + rb"|(?P<cut_number>" + _CUT_FRACTION + rb")\Z)"
    rb"|(?P<literal>true|false|null)" + _AFTER_SCALAR + rb"|(?P<cut_word>" + _CUT_WORD + rb")\Z"
)  # fmt: skip
_VALUE_IF_ANY = rb"(?:" + _VALUE + rb"|)"
_MEMBER = rb'"(?P<key>' + _CHARACTERS + rb')"' + _SPACE + rb"(?::" + _SPACE + _VALUE_IF_ANY + rb"|(?P<key_only>\Z))"
_RESCAN_LIMIT: Final = 60
"""A key or scalar that was cut is matched again from its start while it has no more bytes."""
_CUT_KEY = rb'"[^"\\\x00-\x1f]{0,%d}+' % _RESCAN_LIMIT
# What may come next. Each pattern takes as much of a member or item as has arrived. All have the same twelve groups,
# compared by number because names make the reading of records 3 % slower; a group that a pattern does not need is empty
# or never matches. The last group that matched says what was found:
#
#    1  key                        a key and its colon, or a comma: with nothing behind it yet
#    2  string
#    3  cut_string                 a string that is cut: group 2 is its text so far
#    4  bracket                    a container opens
#    5  integer
#    6  fraction                   the rest, behind group 5, of a number with a point or an exponent
#    7  cut_number                 the rest, behind group 5, of a number that is cut
#    8  literal                    2, 5, 6 and 8: a complete value
#    9  cut_word                   a literal that is cut, or a minus sign
#   10  key_only                   a key without its colon, with nothing behind it yet
#   11  end                        the container closes
#   12  cut_key                    a key that is cut, or in an object nothing, perhaps behind a comma
(_IS_KEY, _IS_STRING, _IS_CUT_STRING, _IS_BRACKET, _IS_INTEGER, _IS_FRACTION) = range(1, 7)
(_IS_CUT_NUMBER, _IS_LITERAL, _IS_CUT_WORD, _IS_KEY_ONLY, _IS_END, _IS_CUT_KEY) = range(7, 13)
_NO_KEY = rb"(?P<key>)"
_NO_KEY_ONLY = rb"(?P<key_only>(?!))"
_CUT_KEY_IF_ANY = rb"(?P<cut_key>(?:" + _CUT_KEY + rb")?+)\Z"
# A pattern takes half a millisecond to compile, which each new process waits for. So two pairs of places share one,
# which takes the end of the container in both: the loop refuses it where it is a mistake. Each access of ``match``
# makes a new object, so ``is`` can tell one place from the other.
_a_value = re.compile(_SPACE + _NO_KEY + rb"(?:" + _VALUE + rb"|" + _NO_KEY_ONLY + rb"|(?P<end>\]))")
_ITS_VALUE: Final = _a_value.match
_FIRST_ITEM: Final = _a_value.match
_NEXT_ITEM: Final = re.compile(
    _SPACE + rb"(?:," + _NO_KEY + _SPACE + _VALUE_IF_ANY + rb"|" + _NO_KEY_ONLY + rb"|(?P<end>\]))"
).match
_a_member = re.compile(_SPACE + rb"(?:" + _MEMBER + rb"|(?P<end>})|" + _CUT_KEY_IF_ANY + rb")")
_FIRST_MEMBER: Final = _a_member.match
_MEMBER_AFTER_COMMA: Final = _a_member.match
_NEXT_MEMBER: Final = re.compile(
    _SPACE + rb"(?:," + _SPACE + _MEMBER + rb"|(?P<end>})|," + _SPACE + _CUT_KEY_IF_ANY + rb")"
).match
_COLON: Final = re.compile(_SPACE + rb":").match
_NOTHING: Final = re.compile(rb"(?!)").match
_Match = Callable[[bytearray, int], re.Match[bytes] | None]
_SEPARATORS: Final = {
    _NEXT_ITEM: "A comma or the end of the array was expected.",
    _NEXT_MEMBER: "A comma or the end of the object was expected.",
    _COLON: "A colon was expected.",
    _NOTHING: "Text follows the document.",
}

_MATCH_CUT_SCALAR: Final = re.compile(_INTEGER + _CUT_FRACTION + rb"|" + _CUT_WORD).fullmatch
_SCALAR_CHARACTERS = re.compile(rb"[-+.0-9a-zA-Z]*+")
_COMMA = re.compile(_SPACE + rb",")
_SKIP_SPACE = re.compile(_SPACE)
_STRING_END = re.compile(rb"(" + _CHARACTERS + rb')"')
_ESCAPE = (
    rb'\\(?:["\\/bfnrt]|u(?:[0-9a-cefA-CEF][0-9a-fA-F]{3}|[dD](?:[0-7][0-9a-fA-F]{2}'
    rb"|[89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})))"
)
_RUN = re.compile(_CHARACTERS + rb"(?:" + _ESCAPE + _CHARACTERS + rb")*+")
_ESCAPES = b"\\n", b"\\u0000", b"\\ud800\\udc00"
"""One escape of each form. If the rest of none of them completes a cut escape, nothing does."""
_LITERALS: Final[dict[bytes, tuple[Kind, object]]] = {
    b"true": ("boolean", True),
    b"false": ("boolean", False),
    b"null": ("null", None),
}
_KIND_OF_FIRST_BYTE: Final[dict[int, Kind]] = {
    **dict.fromkeys(b"-0123456789", "number"),
    ord("t"): "boolean",
    ord("f"): "boolean",
    ord("n"): "null",
}
_MAX_ROOM: Final = 4096
"""Characters that ``append_text`` takes between two calls of ``feed``, so that its caller collects no more of them."""
_MAX_KNOWN_KEYS: Final = 500
"""Keys without escapes that a reader remembers, so that a document of ever new keys does not take twice the memory."""
_LONE_SURROGATE: Final = "A surrogate is not one half of a pair."
_QUOTE, _BACKSLASH, _OPEN_OBJECT, _CLOSE_OBJECT, _CLOSE_ARRAY = b'"\\{}]'


class NotJson(ValueError):
    """The text is not one JSON document (RFC 8259). ``detail`` is a sentence that quotes nothing of the text."""

    closed_before = 0
    """Values that closed in the same fragment before the mistake."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail
        self.events_before: list[JsonEvent] = []
        """Events of the same fragment before the mistake."""


class _State(Enum):
    """What the reader is inside of, when it wants more text."""

    BETWEEN_TOKENS = "nothing, or a short token that it will match again from its start"
    STRING = "a string"
    LONG_KEY = "a key that is long or has escapes"
    LONG_SCALAR = "a scalar that is long and was cut"


_BETWEEN, _IN_STRING, _IN_KEY, _IN_SCALAR = _State  # a member of an enumeration is slow to look up


_OpenBracket = tuple[str, str, int, set[str] | None, Iterator[int], _Match]
"""An open object or array, or the root around the document: ``(path, prefix, start, keys, indexes, next_value)``.

``prefix`` is what the paths inside begin with, ``start`` the offset of the opening bracket. ``keys`` are the keys of an
object so far, ``indexes`` the next indexes of an array. ``next_value`` is what may follow a value. (To make an object
of a class would take three times as long as a tuple.)
"""


class Reader:
    """Reads one JSON document from fragments.

    ``feed`` costs time proportional to the fragment. The first ``NotJson`` is final: there is no reading on. It is
    raised for all that RFC 8259 refuses, and for a byte order mark, a lone surrogate, a second value, a duplicate key,
    NaN, an infinity or a number beyond a double, and for what exceeds the limits above.
    """

    def __init__(self, path_limit: int = sys.maxsize) -> None:
        """Take the number of characters after which a path is cut before it leads on to what is inside."""
        self._path_limit = path_limit
        self.text = bytearray()
        """The document so far in UTF-8, always the same object."""
        self._at = 0
        """Everything before this offset is read."""
        self._state = _BETWEEN
        self._match: _Match = _ITS_VALUE
        """What may come next."""
        self._innermost: _OpenBracket = ("", "/", 0, None, count(), _NOTHING)
        self._known_keys: dict[bytes, tuple[str, str]] = {}
        """Keys as they were written: the text of each, and its step of a path. Records repeat their keys."""
        self._around: list[_OpenBracket] = []
        """The open brackets around the innermost one."""
        self._path = ""
        """The path of the value that is cut, or that comes next."""
        self._start = -1
        """The offset of the token that is cut."""
        self._is_opened = False
        """The string that is cut was reported as opened."""
        self._half_pair = ""
        """The first half of a surrogate pair that was cut."""

    @property
    def is_complete(self) -> bool:
        """The document's last token has arrived: only white space may follow."""
        return self._match is _NOTHING

    @property
    def between_tokens(self) -> bool:
        """White space may be inserted here without changing a value."""
        return not self._half_pair and self._state is _BETWEEN and self._at == len(self.text)

    def feed(self, text: str) -> list[JsonEvent]:
        """Read on and return what happened, in the order of the text.

        Raises:
            NotJson: no JSON document begins like this; its ``events_before`` are the events up to the mistake.
        """
        events: list[JsonEvent] = []
        try:
            self.text += text.encode() if text.isascii() and not self._half_pair else self._encode(text)
            if len(self.text) > MAX_BYTES:
                self._fail_for_length()
            while True:
                if self._state is _BETWEEN:
                    if not self._read_tokens(events):
                        return events
                elif self._state is _IN_STRING:
                    if not self._read_string(events):
                        return events
                elif not self._read_long_token(events):
                    return events
        except NotJson as error:
            error.events_before = events
            raise

    @property
    def room(self) -> int:
        """The number of characters that ``append_text`` may take now; 0 unless the text ends inside a string."""
        if self._state is not _IN_STRING or self._half_pair or self._at != len(self.text):
            return 0
        return min(_MAX_ROOM, (MAX_BYTES - self._at) // 4)

    def key_before(self, start: int) -> tuple[int, int]:
        """Return where the key lies, quotes included, that was read together with the value from ``start`` on.

        Such a key has no escapes, so no quotes either.
        """
        end = self.text.rindex(_QUOTE, 0, start)
        return self.text.rindex(_QUOTE, 0, end), end + 1

    def append_text(self, text: str) -> None:
        """Read on inside a string, faster than ``feed`` and without its "grew" events.

        ``text`` must be printable, without quotes and backslashes, and no longer than ``room``.
        """
        self.text += text.encode()
        self._at = len(self.text)

    def finish(self) -> list[JsonEvent]:
        """End the text; return what that ends: at most a scalar that is the whole document.

        Raises:
            NotJson: the document is incomplete.
        """
        if self._half_pair:
            raise NotJson(_LONE_SURROGATE)
        events: list[JsonEvent] = []
        if not self._around and self._state is not _IN_STRING and not self.between_tokens:
            self._end_scalar(self.text[self._start :] + b" ", events)
        if not self.is_complete:
            raise NotJson("The document ends too early." if self.text.strip() else "The document is empty.")
        return events

    def _encode(self, text: str) -> bytes:
        if not self._half_pair:
            try:
                return text.encode()
            except UnicodeEncodeError:
                pass
        text = self._half_pair + text
        self._half_pair = text[-1:] if "\ud800" <= text[-1:] <= "\udbff" else ""
        try:
            pairs = text[: len(text) - len(self._half_pair)].encode("utf-16-le", "surrogatepass")
            return pairs.decode("utf-16-le").encode()
        except UnicodeDecodeError:
            raise NotJson(_LONE_SURROGATE) from None

    def _fail_for_length(self) -> NoReturn:
        raise NotJson(f"The document is longer than {MAX_BYTES} bytes.")

    def _fail_unless_at_end(self, detail: str) -> bool:
        """Skip white space; wait if the text ends there, or else fail."""
        found = _SKIP_SPACE.match(self.text, self._at)
        self._at = found.end() if found else self._at
        if self._at < len(self.text):
            raise NotJson(f"{detail} (byte {self._at})")
        return False

    def _read_tokens(self, events: list[JsonEvent]) -> bool:  # noqa: C901, PLR0912, PLR0915 - hot: a call costs more
        """Read on, token by token, as long as a pattern matches what has arrived."""
        text, known_keys, around, innermost = self.text, self._known_keys, self._around, self._innermost
        at, path, match = self._at, self._path, self._match
        _, prefix, _, keys, indexes, next_value = innermost
        path_is_known = match is _ITS_VALUE or match is _COLON
        length = len(text)
        while True:
            if at >= length:
                self._at, self._path, self._match, self._innermost = at, path, match, innermost
                return False
            found = match(text, at)
            if found is None:
                self._at, self._path, self._match, self._innermost = at, path, match, innermost
                return self._begin_long_token()
            at = found.end()
            what = found.lastindex or 0
            if what == _IS_END:
                if match is _ITS_VALUE or match is _MEMBER_AFTER_COMMA:
                    self._fail_for_missing("value" if match is _ITS_VALUE else "key", at - 1)
                while True:  # brackets often close in a row: no pattern is needed to see that
                    kind: Kind = "array" if keys is None else "object"
                    events.append(("ended", kind, innermost[0], None, innermost[2], at, None))
                    innermost = around.pop()
                    _, prefix, _, keys, indexes, next_value = innermost
                    if at < length and text[at] == (_CLOSE_OBJECT if keys is not None else _CLOSE_ARRAY) and around:
                        at += 1
                    else:
                        break
                match = next_value
                continue
            if what == _IS_CUT_KEY:  # short, so it is matched again when there is more of it
                at = length = found.start(what)
                if match is _NEXT_MEMBER:
                    match = _MEMBER_AFTER_COMMA
                continue
            key = None
            if path_is_known:
                if match is _COLON:
                    match = _ITS_VALUE
                    continue
                path_is_known = False  # what is read of the next value makes known where that is
            elif keys is None:
                path = prefix + str(next(indexes))
            else:
                raw_key = found[_IS_KEY]
                known = known_keys.get(raw_key)
                key, step = self._new_key(raw_key) if known is None else known
                if key in keys:
                    self._fail_for_key(found.start(_IS_KEY) - 1)
                keys.add(key)
                path = prefix + step
            match = next_value
            if what == _IS_STRING:
                token = found[_IS_STRING]
                events.append(("value", "string", path, token.decode(), at - len(token) - 2, at, key))
            elif what == _IS_INTEGER and len(token := found[_IS_INTEGER]) <= MAX_DIGITS:
                events.append(("value", "number", path, int(token), at - len(token), at, key))
            elif what == _IS_BRACKET:
                start = at - 1
                while True:
                    around.append(innermost)
                    if len(around) > MAX_DEPTH:
                        self._fail_for_depth()
                    prefix = (path if len(path) <= self._path_limit else path[: self._path_limit]) + "/"
                    if text[start] == _OPEN_OBJECT:
                        keys, next_value, match = set(), _NEXT_MEMBER, _FIRST_MEMBER
                        innermost = path, prefix, start, keys, indexes, next_value
                        events.append(("opened", "object", path, None, start, -1, key))
                        break
                    keys, indexes, next_value, match = None, count(), _NEXT_ITEM, _FIRST_ITEM
                    innermost = path, prefix, start, keys, indexes, next_value
                    events.append(("opened", "array", path, None, start, -1, key))
                    if at == length or text[at] != _OPEN_OBJECT:
                        break
                    # The first item is often an object: no pattern is needed to see that.
                    path, key, start = prefix + str(next(indexes)), None, at
                    at += 1
            elif what == _IS_KEY or what == _IS_KEY_ONLY:  # noqa: SIM109, PLR1714 - a tuple is slower
                match = _ITS_VALUE if what == _IS_KEY else _COLON
                if key is not None:
                    start, end = found.span(_IS_KEY)
                    events.append(("key", "string", path, key, start - 1, end + 1, key))
            elif what == _IS_CUT_STRING:
                match = _ITS_VALUE
                self._state = _IN_STRING
                self._start = start = found.start(_IS_STRING) - 1
                self._is_opened = True
                events.append(("opened", "string", path, found[_IS_STRING].decode(), start, -1, key))
            elif what == _IS_CUT_NUMBER or what == _IS_CUT_WORD:  # noqa: SIM109, PLR1714 - a tuple is slower
                start = found.start(_IS_INTEGER if what == _IS_CUT_NUMBER else what)
                match = _ITS_VALUE
                if self._start != start:
                    self._start = start
                    events.append(("opened", _KIND_OF_FIRST_BYTE[text[start]], path, None, start, -1, key))
                if length - start > _RESCAN_LIMIT:
                    self._state = _IN_SCALAR
                else:
                    at = length = start  # matched again when there is more of it
            elif what == _IS_LITERAL:
                token = found[_IS_LITERAL]
                kind, value = _LITERALS[token]
                events.append(("value", kind, path, value, at - len(token), at, key))
            else:
                events.append(("value", "number", path, _number(found), found.start(_IS_INTEGER), at, key))

    def _new_key(self, raw_key: bytes) -> tuple[str, str]:
        key = raw_key.decode()
        known = key, escape(key)
        if len(self._known_keys) < _MAX_KNOWN_KEYS:
            self._known_keys[raw_key] = known
        return known

    def _fail_for_key(self, start: int) -> NoReturn:
        raise NotJson(f"A key occurs twice in one object. (byte {start})")

    def _fail_for_scalar(self, start: int) -> NoReturn:
        raise NotJson(f"A number or literal is malformed. (byte {start})")

    def _fail_for_missing(self, what: str, start: int) -> NoReturn:
        raise NotJson(f"A {what} was expected. (byte {start})")

    def _fail_for_depth(self) -> NoReturn:
        raise NotJson(f"The document is nested deeper than {MAX_DEPTH} levels.")

    def _begin_long_token(self) -> bool:
        """Begin a string or key that is long or has escapes, or fail if none may begin here."""
        match = self._match
        comma = _COMMA.match(self.text, self._at) if match is _NEXT_MEMBER else None
        if comma is not None:
            self._at = comma.end()
        elif match in _SEPARATORS:
            return self._fail_unless_at_end(_SEPARATORS[match])
        space = _SKIP_SPACE.match(self.text, self._at)
        self._at = space.end() if space else self._at
        if self._at == len(self.text):
            return False
        if match is _FIRST_ITEM:
            _, prefix, _, _, indexes, _ = self._innermost
            self._path = prefix + str(next(indexes))
        is_value = match is _ITS_VALUE or match is _FIRST_ITEM
        self._start = self._at
        first = self.text[self._at]
        if first != _QUOTE:
            if is_value and first in _KIND_OF_FIRST_BYTE:
                self._fail_for_scalar(self._at)
            self._fail_for_missing("value" if is_value else "key", self._at)
        self._at += 1
        self._is_opened = False
        self._state = _IN_STRING if is_value else _IN_KEY
        return True

    def _continue_after_value(self) -> None:
        self._state = _BETWEEN
        self._match = self._innermost[-1]

    def _read_long_token(self, events: list[JsonEvent]) -> bool:
        return self._read_long_key(events) if self._state is _IN_KEY else self._read_long_scalar(events)

    def _read_long_key(self, events: list[JsonEvent]) -> bool:
        if not self._read_run():
            return False
        self._at += 1
        key = _decode_run(self.text[self._start + 1 : self._at - 1])
        _, prefix, _, keys, _, _ = self._innermost
        keys = cast(set[str], keys)
        if key in keys:
            self._fail_for_key(self._start)
        keys.add(key)
        self._path = prefix + escape(key)
        events.append(("key", "string", self._path, key, self._start, self._at, key))
        self._state = _BETWEEN
        self._match = _COLON
        return True

    def _read_run(self) -> bool:
        """Move on in a string to its closing quote (True), or as far as its text is certain (False)."""
        found = _RUN.match(self.text, self._at)
        self._at = end = found.end() if found else self._at
        if end == len(self.text):
            return False
        if self.text[end] == _QUOTE:
            return True
        if self.text[end] != _BACKSLASH:
            raise NotJson(f"A string contains a control character that is not escaped. (byte {end})")
        cut = self.text[end:]
        if not any(_RUN.fullmatch(cut + escape[len(cut) :]) for escape in _ESCAPES if len(cut) < len(escape)):
            raise NotJson(f"An escape in a string is malformed. (byte {end})")
        return False

    def _read_string(self, events: list[JsonEvent]) -> bool:
        found = _STRING_END.match(self.text, self._at)
        if found is not None:  # the usual case: no escape before the end
            has_ended = True
            piece = found[1].decode()
            self._at = found.end(1)
        else:
            start = self._at
            has_ended = self._read_run()
            piece = _decode_run(self.text[start : self._at])
        if has_ended:
            self._at += 1
            name: EventName = "ended" if self._is_opened else "value"
            events.append((name, "string", self._path, piece, self._start, self._at, None))
            self._continue_after_value()
            return True
        if not self._is_opened:
            self._is_opened = True
            events.append(("opened", "string", self._path, piece, self._start, -1, None))
        elif piece:
            events.append(("grew", "string", self._path, piece, self._start, -1, None))
        return False

    def _read_long_scalar(self, events: list[JsonEvent]) -> bool:
        found = _SCALAR_CHARACTERS.match(self.text, self._at)
        self._at = end = found.end() if found else self._at
        if end < len(self.text):
            self._end_scalar(self.text[self._start : end + 1], events)
            return True
        # One of more digits than are allowed is matched at its end alone, so that an endless number costs linear time.
        if end - self._start <= MAX_DIGITS and not _MATCH_CUT_SCALAR(self.text, self._start):
            self._fail_for_scalar(self._start)
        return False

    def _end_scalar(self, text: bytearray, events: list[JsonEvent]) -> None:
        """End a scalar that was cut: ``text`` is all of it and the character behind it."""
        found = _ITS_VALUE(text, 0)
        if found is None or found.end() != len(text) - 1:
            self._fail_for_scalar(self._start)
        is_literal = found.lastindex == _IS_LITERAL
        kind, value = _LITERALS[found[_IS_LITERAL]] if is_literal else ("number", _number(found))
        events.append(("value", kind, self._path, value, self._start, self._start + found.end(), None))
        self._continue_after_value()


def _number(found: re.Match[bytes]) -> float:
    integer = found[_IS_INTEGER]
    if len(integer) > MAX_DIGITS and len(integer.lstrip(b"-")) > MAX_DIGITS:
        raise NotJson("A number is out of range.")
    if found.lastindex == _IS_INTEGER:
        return int(integer)
    value = float(integer + found[_IS_FRACTION])
    if isinf(value):
        raise NotJson("A number is out of range.")
    return value


def _decode_run(run: bytearray) -> str:
    text = run.decode()
    if "\\" not in text:
        return text
    decoded: str = json.loads(f'"{text}"')
    return decoded
