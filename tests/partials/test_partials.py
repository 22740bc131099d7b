import doctest
import enum
import json
import tracemalloc
from typing import Annotated, Any, Literal

import pytest
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    OnErrorOmit,
    PlainValidator,
    SecretStr,
    StringConstraints,
    TypeAdapter,
    ValidationInfo,
    WrapValidator,
    field_validator,
    model_validator,
)

from function.partials import Change, Invalid, NotJson, Partials, applied, has_hidden, partials, reader
from tests.partials.hidden import CANARY, HIDDEN, MISTAKES


class Recipe(BaseModel):
    title: str
    minutes: int


def test_a_model_grows_and_ends_as_itself() -> None:
    """Open strings show their text so far, numbers wait for their delimiter, and the end is the model."""
    growing = Partials(Recipe)
    seen = [change for piece in ('{"title": "Panca', 'kes", "minutes": 2', "5}") for change in growing.feed(piece)]

    assert seen == [
        Change("", value={}),
        Change("/title", value="Panca"),
        Change("/title", append="kes", closed=True),
        Change("/minutes", value=25, closed=True),
        Change("", append="", closed=True),
    ]
    assert applied(seen) == growing.snapshot == {"title": "Pancakes", "minutes": 25}
    assert growing.is_complete
    assert growing.finish() == Recipe(title="Pancakes", minutes=25)


def test_an_endless_answer_ends_at_the_cap(monkeypatch: pytest.MonkeyPatch) -> None:
    """An endless string is not JSON, and stays so."""
    monkeypatch.setattr(reader, "MAX_BYTES", 1000)
    growing = Partials(str)
    growing.feed('"')

    with pytest.raises(NotJson, match="longer than"):  # noqa: PT012 - it comes at any fragment
        for _ in range(20):
            growing.feed("x" * 100)

    with pytest.raises(NotJson, match="longer than"):
        growing.feed('"')
    with pytest.raises(NotJson, match="longer than"):
        growing.finish()


def test_text_after_a_mistake_at_the_end_raises_it_again() -> None:
    """An end inside a string is final, too."""
    growing = Partials(str)
    growing.feed('"a')

    with pytest.raises(NotJson, match="too early"):
        growing.finish()
    with pytest.raises(NotJson, match="too early"):
        growing.feed("b")


@pytest.mark.parametrize(("rest", "error"), [('"minutes": "ten"}', Invalid), ("oops", NotJson)])
def test_a_mistake_says_what_closed_before_it_in_its_fragment(rest: str, error: type[NotJson | Invalid]) -> None:
    """Its changes are not returned."""
    with pytest.raises(error) as caught:
        Partials(Recipe).feed('{"title": "Pancakes", ' + rest)

    assert isinstance(caught.value, NotJson | Invalid)
    assert caught.value.closed_before == 1


def test_a_string_that_grows_is_shown_at_any_time() -> None:
    """By the live object and by snapshots that stay, whatever its characters, and for longer than is held back."""
    growing = Partials(list[str])
    growing.feed('["')
    text = ""
    shown: list[tuple[object, list[str]]] = []
    for piece in ["plain", "é😀", "\u00a0", "\u200d", "x" * 5000, "", "y" * 4000, "z" * 200]:
        assert growing.feed(piece) == ([Change("/0", append=piece)] if piece else [])
        text += piece
        if len(shown) % 2:
            assert growing.live == [text]
        shown.append((growing.snapshot, [text]))

    assert growing.feed('"]') == [Change("/0", append="", closed=True), Change("", append="", closed=True)]
    assert growing.finish() == [text]
    assert all(snapshot == was for snapshot, was in shown)


def test_a_number_that_was_cut_is_not_shown_below_a_union() -> None:
    """Wherever it stands, it waits for its delimiter."""
    growing: Partials[object] = Partials(list[int] | list[int | str])

    assert growing.feed("[1") == [Change("", value=[])]
    assert growing.snapshot == []
    assert [change.value for change in growing.feed("2,")] == [12]
    assert growing.feed("3") == []
    assert growing.snapshot == [12]


def test_little_is_held_back_of_a_string() -> None:
    """Character by character, a long string takes the memory of its text."""
    growing = Partials(str)
    growing.feed('"')
    tracemalloc.start()
    for _ in range(100_000):
        growing.feed("x")
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert kept < 300_000


def test_the_example_in_the_docstring_runs() -> None:
    """What is shown there is what happens."""
    ran = doctest.testmod(partials, optionflags=doctest.ELLIPSIS)

    assert ran.attempted > 0
    assert ran.failed == 0


class Colour(enum.Enum):
    RED = "red"
    GREEN = "green"


class Level(enum.IntEnum):
    LOW = 1


class Mixed(enum.Enum):
    ONE = 1
    HIGH = "high"


class Loose(enum.Enum):
    A = "a"

    @classmethod
    def _missing_(cls, value: object) -> "Loose":
        del value
        return cls.A


class Cat(BaseModel):
    kind: Literal["cat"]
    name: str = ""


class Dog(BaseModel):
    kind: Literal["dog", "puppy"]


class Texts(BaseModel):
    kind: str


class Stripped(BaseModel):
    model_config = ConfigDict(str_strip_whitespace=True)
    kind: Literal["cat"]


class Checked(BaseModel):
    kind: Literal["cat"]

    @field_validator("kind", mode="before")
    @classmethod
    def _lower(cls, value: Any) -> Any:
        return value.lower() if isinstance(value, str) else value


class Renamed(BaseModel):
    kind: Literal["cat"]

    @model_validator(mode="before")
    @classmethod
    def _as_it_is(cls, data: Any) -> Any:
        return data


def _lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


Kind = Literal["cat", "dog"]
Pet = Annotated[Cat | Dog, Field(discriminator="kind")]


@pytest.mark.parametrize(
    ("type_", "text"),
    [
        (Kind, '"cat"'),
        (Kind | None, '"cat"'),
        (Kind | int, '"cat"'),
        (list[Kind], '["cat"]'),
        (tuple[int, Kind], '[1, "dog"]'),
        (dict[str, Kind], '{"a": "cat"}'),
        (Colour, '"red"'),
        (Mixed, '"high"'),
        (Level, '"1"'),
        (Loose, '"abc"'),
        (Cat, '{"kind": "cat"}'),
        (Cat | Dog, '{"kind": "puppy"}'),
        (Stripped, '{"kind": "cat"}'),
        (Checked, '{"kind": "CAT"}'),
        (Renamed, '{"kind": "cat"}'),
        (Pet, '{"kind": "cat"}'),
        (Annotated[Kind, BeforeValidator(_lower)], '"CAT"'),
        (Annotated[Kind, StringConstraints(strip_whitespace=True)], '"cat"'),
        (list[OnErrorOmit[Kind]], '["cow"]'),
    ],
)
def test_a_string_of_a_closed_set_is_shown_when_it_closes(type_: Any, text: str) -> None:
    """However it is cut, and in one piece."""
    growing: Partials[Any] = Partials(type_)
    shown = [change for character in text for change in growing.feed(character)]
    growing.finish()

    values = [change for change in shown if isinstance(change.value, str) or change.append]
    assert [change.value for change in values] == [text.split('"')[-2]]
    assert applied(shown) == growing.snapshot


@pytest.mark.parametrize(
    ("type_", "text"),
    [
        (Kind | str, '"cat"'),
        (Cat | Texts, '{"kind": "cat"}'),
        (Any, '"cat"'),
        (Annotated[str, Field(pattern="^cat$")], '"cat"'),
    ],
)
def test_a_string_that_may_be_free_text_is_shown_letter_by_letter(type_: Any, text: str) -> None:
    growing: Partials[Any] = Partials(type_)

    shown = [change for character in text for change in growing.feed(character)]

    assert [change.append for change in shown if change.append] == ["c", "a", "t"]


def test_a_member_that_is_ruled_out_counts_no_longer() -> None:
    """The name is a number, so the free string is not possible any more."""

    class Numbered(BaseModel):
        name: int
        kind: Kind

    class Named(BaseModel):
        name: list[int]
        kind: str

    growing: Partials[Any] = Partials(Numbered | Named)
    shown = [change for character in '{"name": 1, "kind": "cat"}' for change in growing.feed(character)]

    assert [change.value for change in shown if change.path == "/kind"] == ["cat"]


@pytest.mark.parametrize(
    ("type_", "wrong", "path", "rule"),
    [
        (Kind, '"co', "", "literal_error"),
        (Kind, '"cats', "", "literal_error"),
        (Kind, '"do\\u0067s', "", "literal_error"),
        (Kind | None, '"co', "", "literal_error"),
        (list[Kind], '["cat", "x', "/1", "literal_error"),
        (Colour, '"rew', "", "enum"),
        (Cat, '{"kind": "d', "/kind", "literal_error"),
        (Cat | Dog, '{"kind": "co', "/kind", "literal_error"),
        (Pet, '{"kind": "pupi', "", "union_tag_invalid"),
        (Pet, '{"name": "x", "kind": "x', "", "union_tag_invalid"),
    ],
)
def test_a_prefix_that_fits_no_member_is_refused_at_its_character(type_: Any, wrong: str, path: str, rule: str) -> None:
    """The same mistake as that of the string in one piece."""
    growing: Partials[Any] = Partials(type_)
    for character in wrong[:-1]:
        growing.feed(character)

    with pytest.raises(Invalid) as early:
        growing.feed(wrong[-1])
    with pytest.raises(Invalid) as at_close:
        Partials(type_).feed(wrong + '"}')

    assert (early.value.path, early.value.rule) == (at_close.value.path, at_close.value.rule) == (path, rule)


@pytest.mark.parametrize(
    ("type_", "text"),
    [
        (Annotated[Kind, BeforeValidator(_lower)], '"CAT"'),
        (Checked, '{"kind": "CAT"}'),
        (Loose, '"zebra"'),
        (Level, '"1"'),
        (Kind | int, '"12"'),
        (list[OnErrorOmit[Kind]], '["cow"]'),
        (Stripped | dict[str, str], '{"kind": "cow"}'),
    ],
)
def test_what_can_still_make_it_valid_is_waited_for(type_: Any, text: str) -> None:
    growing: Partials[Any] = Partials(type_)

    for character in text:
        growing.feed(character)

    growing.finish()


def test_a_long_string_that_has_to_be_waited_for_costs_linear_time() -> None:
    """Its pieces are put together once, at its close."""
    growing: Partials[Any] = Partials(list[Annotated[Kind, BeforeValidator(lambda value: value[:3])]])
    growing.feed('["cat')
    for _ in range(20_000):
        growing.feed("x" * 100)

    assert growing.feed('"')[0].closed


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
@pytest.mark.parametrize(("type_", "document", "shown"), HIDDEN)
def test_what_is_hidden_is_in_no_change_and_no_snapshot(type_: Any, document: Any, shown: Any, size: int) -> None:
    """However the text is cut; what is shown is the rest, and the end is the whole object."""
    text = json.dumps(document)
    growing: Partials[Any] = Partials(type_, hide=True)
    changes: list[Change] = []
    for start in range(0, len(text), size):
        changes += growing.feed(text[start : start + size])
        assert CANARY not in f"{growing.live} {growing.snapshot}"

    assert has_hidden(type_)
    assert CANARY not in repr(changes)
    assert growing.live == growing.snapshot == applied(changes) == shown
    assert growing.finish() == TypeAdapter(type_).validate_json(text)


@pytest.mark.parametrize(("type_", "text", "path"), MISTAKES)
def test_no_path_of_a_mistake_leads_below_something_hidden(type_: Any, text: str, path: str) -> None:
    growing: Partials[Any] = Partials(type_, hide=True)

    with pytest.raises(Invalid) as caught:  # noqa: PT012 - it comes at any fragment
        growing.feed(text)
        growing.finish()

    assert caught.value.path == path
    assert CANARY not in repr(caught.value)


def test_a_value_that_turns_out_to_be_shown_comes_at_its_close() -> None:
    """A string that only a member without secrets can take."""
    growing: Partials[Any] = Partials(
        list[Annotated[SecretStr, Field(max_length=3)] | Annotated[str, Field(min_length=5)]], hide=True
    )

    assert [growing.feed(piece) for piece in ('["sec', 'ret"', ', "ab"]')] == [
        [Change("", value=[])],
        [],
        [Change("", append="", closed=True)],
    ]


def test_without_hidden_fields_nothing_is_left_out() -> None:
    assert not has_hidden(Recipe)
    assert Partials(Recipe, hide=True).feed('{"title": "a"') == Partials(Recipe).feed('{"title": "a"')


def _in_context(value: Any, info: ValidationInfo[set[str]]) -> Any:
    if value not in info.context:
        raise ValueError
    return value


def _wrapped(value: Any, read: Any, info: ValidationInfo[set[str]]) -> Any:
    return _in_context(read(value), info)


Known = Annotated[str, AfterValidator(_in_context)]


class Cited(BaseModel):
    sources: list[Known]
    note: str = ""


class Whole(BaseModel):
    source: str
    note: str = ""

    @model_validator(mode="after")
    def _known(self, info: ValidationInfo[set[str]]) -> "Whole":
        _in_context(self.source, info)
        return self


class Key(BaseModel):
    by_source: dict[Known, int]


@pytest.mark.parametrize(
    ("type_", "document"),
    [
        (Cited, '{"sources": ["known"], "note": ""}'),
        (Whole, '{"source": "known", "note": ""}'),
        (Key, '{"by_source": {"known": 1}}'),
        (list[Whole], '[{"source": "known"}, {"source": "known"}]'),
        (Cited | Key, '{"sources": ["known"]}'),
        (Known, '"known"'),
        (list[Annotated[str, BeforeValidator(_in_context)]], '["known"]'),
        (list[Annotated[str, WrapValidator(_wrapped)]], '["known"]'),
        (list[Annotated[Any, PlainValidator(_in_context)]], '["known"]'),
        (Annotated[list[str], BeforeValidator(lambda value: value), Field(min_length=1)] | Known, '"known"'),
    ],
)
def test_validators_find_the_context_each_time_that_they_run(type_: Any, document: str) -> None:
    """They accept with it what they refuse with another one, before ``finish`` and in it."""
    growing: Partials[Any] = Partials(type_, context={"known"})
    for character in document:
        growing.feed(character)
    assert growing.finish() == TypeAdapter(type_).validate_json(document, context={"known"})

    with pytest.raises(Invalid):
        Partials(type_, context={"other"}).feed(document + " ")


def test_without_a_context_validators_find_none() -> None:
    found: list[object] = []

    class Noted(BaseModel):
        word: Annotated[str, AfterValidator(lambda value, info: found.append(info.context) or value)]

    growing = Partials(Noted)
    growing.feed('{"word": "a"}')
    growing.finish()

    assert set(found) == {None}
