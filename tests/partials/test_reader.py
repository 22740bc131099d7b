import json
import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import from_json

from function.partials import reader as reader_module
from function.partials.reader import MAX_DIGITS, JsonEvent, NotJson, Reader
from tests.partials.json_cases import ACCEPTED, REFUSED

EXCEPTIONS = ('"a":1,"a"', '"b":1,"b"', "NaN", "Infinity", "inf", "1e400", "1e999")
"""Pydantic takes duplicate keys, NaN and infinities; the reader does not, by design."""


def _read(*fragments: str) -> list[JsonEvent]:
    reader = Reader()
    events = [event for fragment in fragments for event in reader.feed(fragment)]
    return events + reader.finish()


def _built(events: list[JsonEvent]) -> Any:
    """Build the value that the events describe."""
    root: list[Any] = [None]
    stack: list[tuple[Any, Any]] = []
    node: Any = root
    key: Any = 0
    for what, kind, _, value, _, _, member_key in events:
        if member_key is not None:
            key = member_key
        if what == "key":
            continue
        if what == "ended" and kind != "string":
            node, key = stack.pop()
            continue
        if (
            isinstance(node, list)
            and node is not root
            and (what == "opened" or (what == "value" and key is not Ellipsis))
        ):
            key = len(node)
            node.append(None)
        if kind in ("object", "array"):
            stack.append((node, key))
            node[key] = {} if kind == "object" else []
            node, key = node[key], None
        elif what in ("grew", "ended"):
            node[key] += value
        elif what == "opened" and kind != "string":
            key = Ellipsis if isinstance(node, list) and node is not root else key
        else:
            place = len(node) - 1 if key is Ellipsis else key
            node[place] = value
            key = None if key is Ellipsis else key
    return root[0]


@pytest.mark.parametrize("text", ACCEPTED)
def test_json_is_read_however_it_is_cut(text: str) -> None:
    """Every place for a cut gives the value that json.loads gives, and the same closings."""
    expected = json.loads(text)
    closings = _closings(_read(text))

    for at in range(0, len(text) + 1, max(1, len(text) // 40)):
        events = _read(text[:at], text[at:])
        assert repr(_built(events)) == repr(expected)
        assert _closings(events) == closings
    assert repr(_built(_read(*text))) == repr(expected)


def _closings(events: list[JsonEvent]) -> list[tuple[str, str, int, int]]:
    return [(kind, path, start, end) for what, kind, path, _, start, end, _ in events if what in ("ended", "value")]


@pytest.mark.parametrize("text", REFUSED)
def test_text_that_is_not_json_is_refused_however_it_is_cut(text: str) -> None:
    """The mistake is found at every cut, with no error but NotJson."""
    for at in range(0, len(text) + 1, max(1, len(text) // 40)):
        with pytest.raises(NotJson):
            _read(text[:at], text[at:])
    with pytest.raises(NotJson):
        _read(*text)


@pytest.mark.parametrize("text", [*ACCEPTED, *REFUSED])
def test_the_reader_agrees_with_pydantic(text: str) -> None:
    """What Pydantic takes or refuses is taken or refused, but for duplicate keys, NaN and infinities."""
    if any(exception in text for exception in EXCEPTIONS):
        return
    try:
        from_json(text, allow_inf_nan=False)
    except (ValueError, TypeError):  # a lone surrogate is no str to it
        with pytest.raises(NotJson):
            _read(text)
    else:
        _read(text)


@given(st.text(alphabet='[]{}",:0123456789.-+eEtruefalsn\\ud8c \n\x00é😀', max_size=30), st.data())
def test_any_text_is_read_or_refused_the_same_at_any_cut(text: str, data: st.DataObject) -> None:
    """Whatever comes, there is a value or NotJson, and a cut changes nothing."""
    at = data.draw(st.integers(0, len(text)))
    outcomes = []
    for fragments in ([text], [text[:at], text[at:]], list(text)):
        try:
            outcomes.append(_closings(_read(*fragments)))
        except NotJson as error:
            outcomes.append([("error", str(error), 0, 0)])

    assert outcomes[0] == outcomes[1] == outcomes[2]


def test_a_surrogate_pair_can_be_cut_between_its_halves() -> None:
    """The two halves in two fragments are one character."""
    assert _built(_read('"\ud83d', '\ude00"')) == "😀"
    assert Reader().feed('"ab\ud83d') == [("opened", "string", "", "ab", 0, -1, None)]  # b does not wait


@pytest.mark.parametrize("opener", ["[", '{"a":', '[{"a":'])
def test_a_hundred_thousand_levels_are_an_error_not_a_recursion(opener: str) -> None:
    """Nesting is capped."""
    with pytest.raises(NotJson, match="nested deeper"):
        _read(opener * 100_000)


@pytest.mark.parametrize("start", ['"', '{"', "1", "[", '{"a": "', "-1.", " "])
def test_an_endless_token_ends_at_the_cap(start: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A string, key, number or white space without an end is an error when the cap is passed, in bounded memory."""
    monkeypatch.setattr(reader_module, "MAX_BYTES", 1_000_000)
    filler = " " * 1000 if start in ("[", " ") else "7" * 1000
    reader = Reader()
    tracemalloc.start()

    with pytest.raises(NotJson, match="longer than"):  # noqa: PT012 - it comes at any fragment
        for fragment in [start, *[filler] * 2000]:
            reader.feed(fragment)

    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8_000_000


def test_an_answer_of_a_hundred_megabytes_is_cut_off_at_the_cap() -> None:
    """No more than the cap is ever read or kept."""
    reader = Reader()
    reader.feed("[")
    fragment = '"' + "x" * 65_000 + '",'
    read = 0

    with pytest.raises(NotJson, match="longer than"):  # noqa: PT012 - how far it came matters
        for _ in range(1600):
            reader.feed(fragment)
            read += len(fragment)

    assert read <= reader_module.MAX_BYTES
    assert len(reader.text) <= reader_module.MAX_BYTES + len(fragment)


@pytest.mark.slow
def test_keys_by_the_million_are_read() -> None:
    """Wide objects cost what their text costs."""
    text = "{" + ",".join(f'"{n}":1' for n in range(1_000_000)) + "}"
    reader = Reader()

    keys = sum(
        event[6] is not None for fragment in (text[:5_000_000], text[5_000_000:]) for event in reader.feed(fragment)
    )

    assert keys == 1_000_000
    assert reader.is_complete


def test_a_number_of_too_many_digits_is_refused_at_its_end() -> None:
    """As Pydantic's parser does."""
    reader = Reader()
    reader.feed("[" + "1" * (MAX_DIGITS + 1))

    with pytest.raises(NotJson, match="out of range"):
        reader.feed(",")


def test_a_mistake_carries_what_came_before_it() -> None:
    """Values that closed in the fragment of the mistake are not lost."""
    with pytest.raises(NotJson) as caught:
        Reader().feed('{"a": 1, "b" x')

    assert [event[:4] for event in caught.value.events_before][-2:] == [
        ("value", "number", "/a", 1),
        ("key", "string", "/b", "b"),
    ]


@pytest.mark.parametrize(
    ("text", "between"),
    [
        ("", True),
        ("[", True),
        ("[1", False),
        ("[1,", True),
        ('["a', False),
        ('["a"', True),
        ('{"a', False),
        ("[tr", False),
        ("[" + "1" * 70, False),
        ('{"' + "k" * 70, False),
        ('{"a"', True),
        ('{"a": ', True),
        ('{"a": 1, ', True),
        ('{"a": 1, "', False),
    ],
)
def test_white_space_can_only_be_inserted_between_tokens(text: str, between: bool) -> None:
    """Heartbeats are white space."""
    reader = Reader()
    reader.feed(text)

    assert reader.between_tokens is between


def test_events_say_what_happened_and_where() -> None:
    """Kind, path, value and the offsets of the value as it was written; -1 as the end of what is still open."""
    reader = Reader()
    first = reader.feed('{"a": "b", "c~/": [1, true, "do')
    second = reader.feed('ne"], "d": nul')
    third = reader.feed('l , "e": {}, "f": 1}')

    assert first == [
        ("opened", "object", "", None, 0, -1, None),
        ("value", "string", "/a", "b", 6, 9, "a"),
        ("opened", "array", "/c~0~1", None, 18, -1, "c~/"),
        ("value", "number", "/c~0~1/0", 1, 19, 20, None),
        ("value", "boolean", "/c~0~1/1", True, 22, 26, None),
        ("opened", "string", "/c~0~1/2", "do", 28, -1, None),
    ]
    assert second == [
        ("ended", "string", "/c~0~1/2", "ne", 28, 34, None),
        ("ended", "array", "/c~0~1", None, 18, 35, None),
        ("opened", "null", "/d", None, 42, -1, "d"),
    ]
    assert third == [
        ("value", "null", "/d", None, 42, 46, None),
        ("opened", "object", "/e", None, 54, -1, "e"),
        ("ended", "object", "/e", None, 54, 56, None),
        ("value", "number", "/f", 1, 63, 64, "f"),
        ("ended", "object", "", None, 0, 65, None),
    ]
    assert reader.is_complete
    assert reader.finish() == []


def test_a_key_is_an_event_of_its_own_where_its_value_has_not_begun() -> None:
    """Or where the key is long or has escapes; its place is known in each case."""
    reader = Reader()

    assert reader.feed('{"a": ')[1:] == [("key", "string", "/a", "a", 1, 4, "a")]
    assert reader.feed('1, "b"') == [
        ("value", "number", "/a", 1, 6, 7, None),
        ("key", "string", "/b", "b", 9, 12, "b"),
    ]
    assert reader.feed(': 2, "\\n": 3, "c": 4') == [
        ("value", "number", "/b", 2, 14, 15, None),
        ("key", "string", "/\n", "\n", 17, 21, "\n"),
        ("value", "number", "/\n", 3, 23, 24, None),
        ("opened", "number", "/c", None, 31, -1, "c"),
    ]
    assert reader.key_before(31) == (26, 29)


@pytest.mark.parametrize(("key", "path"), [("a~b", "/a~0b"), ("a/b", "/a~1b"), ("~/", "/~0~1"), ("a", "/a")])
def test_a_path_is_a_pointer(key: str, path: str) -> None:
    """RFC 6901 has two escapes."""
    assert _read(f'{{"{key}":1}}')[1][2] == path


def test_a_string_with_escapes_is_open_as_any_other() -> None:
    """It begins, grows and has no end yet."""
    reader = Reader()

    assert reader.feed('["\\n')[1:] == [("opened", "string", "/0", "\n", 1, -1, None)]
    assert reader.feed("b") == [("grew", "string", "/0", "b", 1, -1, None)]
    assert reader.feed('"') == [("ended", "string", "/0", "", 1, 6, None)]


def test_a_string_in_one_piece_is_a_value_after_one_that_was_cut() -> None:
    """With escapes, too."""
    events = _read('["a', 'b", "\\n", "c"]')

    assert [(what, value) for what, kind, _, value, *_ in events if kind == "string"] == [
        ("opened", "a"),
        ("ended", "b"),
        ("value", "\n"),
        ("value", "c"),
    ]


@pytest.mark.parametrize("first", ['"\\n"', '"' + "x" * 70 + '"', "1" * 70, "[]", '"a"', " null "])
def test_items_are_counted_whatever_the_first_one_is(first: str) -> None:
    """Long, with escapes, or cut: the next one is the second."""
    text = f"[{first}, 1, 2]"

    for fragments in ([text], [text[:2], text[2:]], list(text)):
        paths = [path for what, _, path, *_ in _read(*fragments) if what in ("ended", "value")]
        assert paths == ["/0", "/1", "/2", ""]


@pytest.mark.parametrize(
    ("fragments", "mistake"),
    [
        (["Here"], "A value was expected. (byte 0)"),
        (["[", " x"], "A value was expected. (byte 2)"),
        (["[1", "2x"], "A number or literal is malformed. (byte 1)"),
        (["[0", "1"], "A number or literal is malformed. (byte 1)"),
        (["[tr", "ee"], "A number or literal is malformed. (byte 1)"),
        (["[1 2"], "A comma or the end of the array was expected. (byte 3)"),
        (['{"a":1 2'], "A comma or the end of the object was expected. (byte 7)"),
        (["{ 1"], "A key was expected. (byte 2)"),
        (['{"a":1, }'], "A key was expected. (byte 8)"),
        (['{"a"', " 1"], "A colon was expected. (byte 5)"),
        (['{"a":1,"b":2,"a"'], "A key occurs twice in one object. (byte 13)"),
        (['{"a":1,"', '\\u0061"'], "A key occurs twice in one object. (byte 7)"),
        (["[" + "1" * 70, "x"], "A number or literal is malformed. (byte 1)"),
        (["[" + "1" * 60, "1", ".", "."], "A number or literal is malformed. (byte 1)"),
        (["[" + " " * 5000, "1" * 61, "1", ".."], "A number or literal is malformed. (byte 5001)"),
        (['{"' + "k" * 60, 'k"', "1"], "A colon was expected. (byte 64)"),
        (['["a', "\n"], "A string contains a control character that is not escaped. (byte 3)"),
        (['["a\\', "x"], "An escape in a string is malformed. (byte 3)"),
        (['["\\ud83d', "x"], "An escape in a string is malformed. (byte 2)"),
        (["[] ", "x"], "Text follows the document. (byte 3)"),
        (['["\ud83d', "x"], "A surrogate is not one half of a pair."),
        (['["\ud83d', "é"], "A surrogate is not one half of a pair."),
        (['["é\ude00'], "A surrogate is not one half of a pair."),
    ],
)
def test_a_mistake_is_reported_at_the_character_that_makes_it_one(fragments: list[str], mistake: str) -> None:
    """When the fragment is read and not at the end, in a sentence that quotes nothing of the text."""
    reader = Reader()
    for fragment in fragments[:-1]:
        reader.feed(fragment)

    with pytest.raises(NotJson) as caught:
        reader.feed(fragments[-1])

    assert str(caught.value) == mistake


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ("", "The document is empty."),
        (" \n", "The document is empty."),
        ("[", "The document ends too early."),
        ('"a', "The document ends too early."),
        ("tru", "A number or literal is malformed. (byte 0)"),
        ("1" * 70 + ".", "A number or literal is malformed. (byte 0)"),
        ("1.", "A number or literal is malformed. (byte 0)"),
        ("[]\ud83d", "A surrogate is not one half of a pair."),
    ],
)
def test_an_incomplete_document_is_reported_at_the_end(text: str, mistake: str) -> None:
    """Not before: more could have come."""
    reader = Reader()
    reader.feed(text)

    with pytest.raises(NotJson) as caught:
        reader.finish()

    assert str(caught.value) == mistake


def test_a_document_can_be_as_long_as_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """And one byte more is too much, in a string too."""
    monkeypatch.setattr(reader_module, "MAX_BYTES", 4)
    reader = Reader()
    reader.feed('"a')

    assert reader.feed('b"')
    with pytest.raises(NotJson, match="longer than"):
        reader.feed(" ")


@pytest.mark.parametrize("before", ["", "[", '"a\\', '"\ud83d', '"a"', '["a",', '{"a', '{"', "1"])
def test_there_is_room_only_inside_a_string(before: str) -> None:
    """Everywhere else, and inside of an escape or a pair, what comes has to be read by feed."""
    reader = Reader()
    reader.feed(before)

    assert reader.room == 0


@pytest.mark.parametrize(("cap", "room"), [(10, 2), (5, 1), (4, 0), (1_000_000, 4096)])
def test_the_room_is_what_fits_for_certain(cap: int, room: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """At four bytes a character, and so much at most that little is held back."""
    monkeypatch.setattr(reader_module, "MAX_BYTES", cap)
    reader = Reader()
    reader.feed('"')

    assert reader.room == room


def test_append_text_reads_what_feed_would_read() -> None:
    """Text in a string, of any printable characters."""
    reader = Reader()
    reader.feed('{"a/b": "')

    reader.append_text("some é 😀")

    assert reader.feed('!"}')[0] == ("ended", "string", "/a~1b", "!", 8, 23, None)
    assert reader.text == '{"a/b": "some é 😀!"}'.encode()
