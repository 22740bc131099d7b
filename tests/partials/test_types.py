"""Every part of Pydantic that is covered: what is taken, and the very character at which what is wrong is reported."""

import datetime as dt
import decimal
import enum
import json
import uuid
from dataclasses import dataclass
from typing import Annotated, Any, Generic, Literal, TypeVar

import pytest
from pydantic import (
    AfterValidator,
    AliasChoices,
    AliasPath,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    GetCoreSchemaHandler,
    HttpUrl,
    PlainValidator,
    RootModel,
    SecretStr,
    Tag,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
    WrapValidator,
    computed_field,
    field_validator,
    model_validator,
)
from pydantic_core import CoreSchema, core_schema
from typing_extensions import TypedDict

from function.partials import Invalid, NotJson, Partials, applied

T = TypeVar("T")


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Level(enum.IntEnum):
    LOW = 1


class Rights(enum.IntFlag):
    READ = 1
    WRITE = 2


class Loose(enum.Enum):
    NONE = "none"

    @classmethod
    def _missing_(cls, value: object) -> "Loose | None":
        return None if value == "some" else cls.NONE


class Inner(BaseModel):
    n: int


class Outer(BaseModel):
    inner: Inner
    inners: list[Inner] = []
    by_name: dict[str, Inner] = {}


class Cat(BaseModel):
    kind: Literal["cat"]
    lives: int


class Dog(BaseModel):
    kind: Literal["dog"]
    name: str


class Pet(BaseModel):
    pet: Annotated[Cat | Dog, Field(discriminator="kind")]


class CallableTag(BaseModel):
    pet: Annotated[
        Annotated[Cat, Tag("cat")] | Annotated[Dog, Tag("dog")],
        Discriminator(lambda value: value.get("kind") if isinstance(value, dict) else value.kind),
    ]


class Forbids(BaseModel):
    model_config = ConfigDict(extra="forbid")
    n: int


class Allows(BaseModel):
    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, int] = Field(init=False)
    n: int


class Strict(BaseModel):
    model_config = ConfigDict(strict=True)
    n: int
    day: dt.date


class Aliased(BaseModel):
    n: int = Field(alias="N")
    m: int = Field(validation_alias=AliasChoices("M", "mm"))


class ByName(BaseModel):
    model_config = ConfigDict(populate_by_name=True)
    n: int = Field(alias="N")


class FromPath(BaseModel):
    n: int = Field(validation_alias=AliasPath("outer", 0))


class Checked(BaseModel):
    low: int
    high: int
    note: str = "none"

    @field_validator("low")
    @classmethod
    def _even(cls, value: int) -> int:
        if value % 2:
            raise ValueError("odd")
        return value

    @model_validator(mode="after")
    def _ordered(self) -> "Checked":
        if self.low > self.high:
            raise ValueError("order")
        return self

    @computed_field
    def width(self) -> int:
        return self.high - self.low


class Siblings(BaseModel):
    low: int
    high: int

    @field_validator("high")
    @classmethod
    def _above(cls, value: int, info: ValidationInfo) -> int:
        if value < info.data.get("low", 0):
            raise ValueError("below")
        return value


class Before(BaseModel):
    n: int

    @model_validator(mode="before")
    @classmethod
    def _rename(cls, data: Any) -> Any:
        return {"n": data["m"]} if isinstance(data, dict) and "m" in data else data


class Point(BaseModel, Generic[T]):
    x: T


class Node(BaseModel):
    v: int
    kids: list["Node"] = Field(default_factory=list)


class Ints(RootModel[list[int]]):
    pass


@dataclass
class Plain:
    n: int


class Typed(TypedDict):
    n: int


class Celsius:
    def __init__(self, degrees: float) -> None:
        self.degrees = degrees

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Celsius) and other.degrees == self.degrees

    def __hash__(self) -> int:
        return hash(self.degrees)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(cls, core_schema.float_schema(ge=-273.15))


def _odd_refused(value: Any) -> Any:
    if isinstance(value, int) and value % 2:
        raise ValueError("odd")
    return value


ListOf = Annotated[list[int], Field(min_length=1, max_length=2)]
Case = tuple[Any, str, str, str, str]

CASES: list[Case] = [
    # type, a valid document, an invalid one up to the character at which it is known, path, rule
    (Outer, '{"inner": {"n": 1}, "inners": [{"n": 2}]}', '{"inner": {"n": "x"', "/inner/n", "int_parsing"),
    (Outer, '{"inner": {"n": 1}}', '{"inner": {"n": 1}, "inners": [{"n": 2}, {}', "/inners/1/n", "missing"),
    (Outer, '{"inner": {"n": 1}}', '{"inner": [', "/inner", "model_type"),
    (
        Outer,
        '{"inner": {"n": 1}, "by_name": {"a/b": {"n": 1}}}',
        '{"by_name": {"a/b": {"n": [',
        "/by_name/a~1b/n",
        "int_type",
    ),
    (list[int], "[1, 2]", "[1, {", "/1", "int_type"),
    (ListOf, "[1]", "[]", "", "too_short"),
    (ListOf, "[1, 2]", "[1, 2, 3]", "", "too_long"),
    (dict[str, int], '{"a": 1}', '{"a": "b"', "/a", "int_parsing"),
    (dict[int, str], '{"1": "a"}', '{"a"', "/a", "int_parsing"),
    (tuple[int, str], '[1, "a"]', "[1, 2", "/1", "string_type"),
    (tuple[int, ...], "[1, 2]", '[1, "b"', "/1", "int_parsing"),
    (set[int], "[1, 1, 2]", '[1, "b"', "/1", "int_parsing"),
    (frozenset[str], '["a"]', "[t", "/0", "string_type"),
    (int | None, "null", '"x"', "", "int_parsing"),
    (int | str, '"x"', "[", "", "int_type"),
    (Annotated[int | str, Field(union_mode="left_to_right")], '"1"', "{", "", "int_type"),
    (list[Inner | Colour], '[{"n": 1}, "red"]', '[{"n": 1}, "g', "/1", "model_type"),
    (Pet, '{"pet": {"lives": 9, "kind": "cat"}}', '{"pet": {"kind": "co', "/pet", "union_tag_invalid"),
    (
        Pet,
        '{"pet": {"kind": "dog", "name": "Rex"}}',
        '{"pet": {"lives": "x", "kind": "cat"',
        "/pet/lives",
        "int_parsing",
    ),
    (Pet, '{"pet": {"kind": "cat", "lives": 1}}', '{"pet": {"lives": 1}', "/pet", "union_tag_not_found"),
    (CallableTag, '{"pet": {"kind": "cat", "lives": 1}}', '{"pet": {"kind": "cow"}', "/pet", "union_tag_invalid"),
    (Colour, '"red"', '"g', "", "enum"),
    (list[Level], '[1, "1", true]', "[2,", "/0", "enum"),
    (list[Rights], "[3]", "[[", "/0", "enum"),
    (list[Loose], '["none", "any", 1, null, [2], {"a": "b"}]', '["some"', "/0", "enum"),
    (Literal[1, 2], "1", '"', "", "literal_error"),
    (Literal[Level.LOW], "1", '"1"', "", "literal_error"),
    (Literal["a", 1], '"a"', '"b', "", "literal_error"),
    (Literal["a"], '"a"', "[", "", "literal_error"),
    (Annotated[str, Field(min_length=2)], '"ab"', '"a"', "", "string_too_short"),
    (Annotated[str, Field(max_length=1)], '"a"', '"ab"', "", "string_too_long"),
    (Annotated[str, Field(pattern="^a+$")], '"aa"', '"ab"', "", "string_pattern_mismatch"),
    (list[Annotated[int, Field(ge=10)]], "[12]", "[1]", "/0", "greater_than_equal"),
    (list[Annotated[decimal.Decimal, Field(max_digits=3)]], "[1.25]", "[1.255]", "/0", "decimal_max_digits"),
    (Strict, '{"n": 1, "day": "2026-01-02"}', '{"n": "', "/n", "int_type"),
    (dt.date, '"2026-01-02"', '"2026-13-02"', "", "date_from_datetime_parsing"),
    (dt.datetime, '"2026-01-02T03:04:05Z"', '"soon"', "", "datetime_from_date_parsing"),
    (dt.time, '"03:04"', '"x"', "", "time_parsing"),
    (dt.timedelta, '"PT3S"', '"x"', "", "time_delta_parsing"),
    (decimal.Decimal, '"1.5"', '"x"', "", "decimal_parsing"),
    (uuid.UUID, '"12345678-1234-5678-1234-567812345678"', '"1234"', "", "uuid_parsing"),
    (HttpUrl, '"https://example.org/"', '"ftp://example.org/"', "", "url_scheme"),
    (SecretStr, '"a"', "[", "", "string_type"),
    (bytes, '"a"', "{", "", "bytes_type"),
    (Aliased, '{"N": 1, "mm": 2}', '{"N": "x"', "/N", "int_parsing"),
    (Aliased, '{"N": 1, "M": 2}', '{"n": 1, "M": 2}', "/N", "missing"),
    (ByName, '{"n": 1}', '{"N": "x"', "/N", "int_parsing"),
    (FromPath, '{"outer": [1]}', '{"outer": ["x"]}', "/outer/0", "int_parsing"),
    (Forbids, '{"n": 1}', '{"m"', "/m", "extra_forbidden"),
    (Allows, '{"n": 1, "m": 2}', '{"n": 1, "m": "x"', "/m", "int_parsing"),
    (Inner, '{"n": 1, "m": "ignored"}', '{"m": 1}', "/n", "missing"),
    (Checked, '{"low": 2, "high": 3}', '{"low": 1,', "/low", "value_error"),
    (list[Checked], '[{"low": 2, "high": 3}]', '[{"low": 4, "high": 3}', "/0", "value_error"),
    (list[Siblings], '[{"low": 2, "high": 3}]', '[{"low": 4, "high": 3}', "/0/high", "value_error"),
    (list[Before], '[{"m": 1}, {"n": 2}]', '[{"m": "x"}', "/0", "int_parsing"),
    (Point[int], '{"x": 1}', '{"x": "a"', "/x", "int_parsing"),
    (Node, '{"v": 1, "kids": [{"v": 2, "kids": []}]}', '{"v": 1, "kids": [{"v": "x"', "/kids/0/v", "int_parsing"),
    (Ints, "[1, 2]", '[1, "x"', "/1", "int_parsing"),
    (list[Plain], '[{"n": 1}]', '[{"n": "x"', "/0/n", "int_parsing"),
    (list[Typed], '[{"n": 1}]', '[{"n": "x"', "/0/n", "int_parsing"),
    (dict[str, Any], '{"a": [1, {"b": null}]}', "[", "", "dict_type"),
    (list[Celsius], "[20.5]", "[-300,", "/0", "greater_than_equal"),
    (list[Annotated[int, AfterValidator(_odd_refused)]], "[2]", "[3,", "/0", "value_error"),
    (list[Annotated[int, BeforeValidator(_odd_refused)]], "[2]", "[3,", "/0", "value_error"),
    (list[Annotated[int, PlainValidator(_odd_refused)]], "[2]", "[3,", "/0", "value_error"),
    (list[Annotated[int, WrapValidator(lambda v, h: _odd_refused(h(v)))]], "[2]", "[3,", "/0", "value_error"),
]


@pytest.mark.parametrize(("type_", "text", "wrong", "path", "rule"), CASES)
def test_a_valid_document_is_taken_without_an_alarm(type_: Any, text: str, wrong: str, path: str, rule: str) -> None:
    """Character by character; the end is what model_validate_json gives, the changes rebuild the document."""
    del wrong, path, rule
    partials: Partials[Any] = Partials(type_)

    changes = [change for character in text for change in partials.feed(character)]

    assert partials.finish() == TypeAdapter(type_).validate_json(text)
    assert partials.snapshot == json.loads(text)
    if text[-1] in '"]}':
        assert applied(changes) == json.loads(text)


@pytest.mark.parametrize(("type_", "text", "wrong", "path", "rule"), CASES)
def test_a_mistake_is_reported_with_the_character_that_makes_it_one(
    type_: Any, text: str, wrong: str, path: str, rule: str
) -> None:
    """Not before and not after; the same place and rule in one fragment, and for good."""
    del text
    partials: Partials[Any] = Partials(type_)
    for character in wrong[:-1]:
        partials.feed(character)

    with pytest.raises(Invalid) as slow:
        partials.feed(wrong[-1])
    with pytest.raises(Invalid) as fast:
        Partials(type_).feed(wrong)
    with pytest.raises(Invalid) as again:
        partials.finish()

    assert [(caught.value.path, caught.value.rule) for caught in (slow, fast, again)] == [(path, rule)] * 3


@pytest.mark.parametrize(
    ("type_", "text"),
    [
        (Inner, 'Here it is: {"n": 1}'),
        (Inner, '```json\n{"n": 1}\n```'),
        (Inner, '{"n": 1} I hope this helps.'),
        (Inner, '{"n": 1}{"n": 1}'),
        (Inner, '{"n": 1, "n": 1}'),
        (Inner, '{"n": 1'),
        (Inner, ""),
        (list[float], "[NaN]"),
        (list[float], "[-Infinity]"),
        (Any, "[" * 100_000),
        (Node, '{"v": 1, "kids": [' * 50_000),
    ],
)
def test_what_is_not_one_document_is_not_json(type_: Any, text: str) -> None:
    """Text around, a fence, two documents, duplicate keys, NaN, endless nesting: a typed error."""
    partials: Partials[Any] = Partials(type_)

    with pytest.raises(NotJson):  # noqa: PT012 - it may come at any fragment
        for start in range(0, len(text), 7):
            partials.feed(text[start : start + 7])
        partials.finish()


def test_a_mistake_before_what_is_not_json_comes_first() -> None:
    """As it does where the text was cut between them."""
    for pieces in (['{"n": "x" ]'], ['{"n": "x"', " ]"]):
        partials = Partials(Inner)
        with pytest.raises(Invalid) as caught:  # noqa: PT012 - it comes at any fragment
            for piece in pieces:
                partials.feed(piece)
        assert (caught.value.path, caught.value.rule) == ("/n", "int_parsing")


def test_a_snapshot_stays_as_it_was_taken() -> None:
    """At every character it is the live tree, and what comes later does not reach it."""
    text = '{"inner": {"n": 1}, "inners": [{"n": 20}, {"n": 3}], "by_name": {"a": {"n": 4}}}'
    partials: Partials[Any] = Partials(Outer)
    taken = []

    for character in text:
        partials.feed(character)
        assert partials.snapshot == partials.live
        taken.append((partials.snapshot, json.dumps(partials.live)))

    assert [json.dumps(snapshot) for snapshot, _ in taken] == [was for _, was in taken]
    assert taken[text.index("{", 1)][1] == '{"inner": {}}'
    assert taken[text.index("20")][1] == '{"inner": {"n": 1}, "inners": [{}]}'


def test_after_a_mistake_nothing_goes_on() -> None:
    """Every call raises the first mistake again, and what was shown stays."""
    partials = Partials(Inner)
    partials.feed('{"m": "text')
    with pytest.raises(Invalid):
        partials.feed('", "n": "x"')

    for again in (lambda: partials.feed(', "n": 1}'), lambda: partials.feed(""), partials.finish):
        with pytest.raises(Invalid) as caught:
            again()
        assert (caught.value.path, caught.value.rule) == ("/n", "int_parsing")
    assert partials.snapshot == {"m": "text"}


def test_defaults_are_not_invented_on_the_way() -> None:
    """A snapshot holds what the document says; the end adds the defaults and coerces."""
    partials = Partials(Checked)
    partials.feed('{"low": "2", "high": 3')

    assert partials.snapshot == {"low": "2"}
    partials.feed("}")
    assert partials.snapshot == {"low": "2", "high": 3}
    assert partials.finish() == Checked(low=2, high=3, note="none")


def test_an_error_says_path_and_rule_and_never_the_value() -> None:
    """Answers may be private."""
    with pytest.raises(Invalid) as caught:
        Partials(Inner).feed('{"n": "a secret"')

    assert "secret" not in str(caught.value) + repr(caught.value)
    assert (caught.value.path, caught.value.rule) == ("/n", "int_parsing")


def test_deep_recursive_documents_need_no_recursion() -> None:
    """As deep as the parser goes."""
    depth = 90
    text = '{"v":1,"kids":[' * depth + "]}" * depth
    partials = Partials(Node)
    for character in text:
        partials.feed(character)

    try:
        expected = Node.model_validate_json(text)
    except ValidationError as error:
        raise AssertionError from error
    assert partials.finish() == expected
