"""Which values are called closed, and when; and that a container is not read again if its members make it valid."""

import sys
from types import FrameType
from typing import Annotated, Any, Literal

import pytest
from pydantic import (
    AfterValidator,
    AliasChoices,
    AliasPath,
    Base64Bytes,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Json,
    OnErrorOmit,
    RootModel,
    Tag,
    TypeAdapter,
    ValidationInfo,
    WrapValidator,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticOmit, PydanticUseDefault, core_schema
from typing_extensions import TypeAliasType

from function.partials import Invalid, Partials


def _even(value: Any) -> Any:
    if value % 2:
        raise ValueError("odd")
    return value


def _above_low(value: int, info: ValidationInfo) -> int:
    if value <= info.data["low"]:
        raise ValueError("not above")
    return value


def _short(value: Any) -> Any:
    if len(value) > 2:
        raise ValueError("long")
    return value


def _same(value: Any) -> Any:
    return value


def _even_or_left_out(value: int) -> int:
    if value % 2:
        raise PydanticOmit
    return value


def _given_up(value: Any) -> Any:
    del value
    raise PydanticUseDefault


def _with_info(value: Any, info: ValidationInfo) -> Any:
    del info
    return value


Above = Annotated[int, AfterValidator(_above_low)]
EvenOnly = Annotated[int, AfterValidator(_even_or_left_out)]
GivenUp = Annotated[int, AfterValidator(_given_up)]
EitherShort = Annotated[list[int] | dict[str, int], AfterValidator(_short)]


class _Core:
    """Pydantic's core knows more than its types say."""

    def __init__(self, schema: core_schema.CoreSchema) -> None:
        self.schema = schema

    def __get_pydantic_core_schema__(self, *_: object) -> core_schema.CoreSchema:
        return self.schema


INT, STR = core_schema.int_schema(), core_schema.str_schema()
INTS = core_schema.list_schema(INT)
AtTheEnd = Annotated[Any, _Core(core_schema.tuple_schema([INT, STR], variadic_item_index=1))]
InTheMiddle = Annotated[Any, _Core(core_schema.tuple_schema([INT, STR, INT], variadic_item_index=1))]
OwnError = Annotated[
    Any, _Core(core_schema.union_schema([INTS, INT], custom_error_type="own", custom_error_message="own"))
]
LaxList = Annotated[Any, _Core(core_schema.lax_or_strict_schema(INTS, INT))]
FirstLetter = Annotated[
    Any, _Core(core_schema.chain_schema([STR, core_schema.no_info_plain_validator_function(lambda value: value[0])]))
]


Higher = TypeAliasType("Higher", Above)
Tree = TypeAliasType("Tree", "list[Tree] | int")
Evens = TypeAliasType("Evens", Annotated[list[Annotated[int, AfterValidator(_even)]], AfterValidator(_short)])
Shelf = TypeAliasType("Shelf", Annotated[dict[str, Evens], AfterValidator(_short)])
FirstEven = Annotated[list[int], AfterValidator(lambda value: [_even(value[0]), *value[1:]])]


class N(BaseModel):
    n: int


class M(BaseModel):
    m: int
    n: int | str = 0


class Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)
    n: int


class Ns(BaseModel):
    n: list[int]


class ByX(BaseModel):
    n: int
    x: int = Field(default=0, validation_alias=AliasChoices("X", "x"))


class Texts(BaseModel):
    n: str
    x: int = 0


class Encoded(BaseModel):
    data: Base64Bytes


class GivenUpKeys(BaseModel):
    by: dict[GivenUp, int] = {}


class Shelves(BaseModel):
    """Twice each, so that they are references."""

    low: int = 0
    left: Shelf = {}
    right: Shelf = {}
    more: Evens = []
    high: Higher = 0
    higher: Higher = 0


class ShortText(BaseModel):
    model_config = ConfigDict(str_max_length=2)
    text: str


class High(BaseModel):
    low: int
    high: Above


class Highs(BaseModel):
    low: int
    highs: list[Above] = []
    by_name: dict[str, Above] = {}
    few: Annotated[list[Above], Field(max_length=2)] = []
    either: Above | str = "none"
    short: Annotated[list[int], AfterValidator(_short)] = []
    either_short: EitherShort = []
    maybe_either: Annotated[Above | str, Field(title="either")] | None = None
    keyed: dict[Above, int] = {}
    either_seen: Annotated[list[int] | dict[str, int], AfterValidator(_with_info)] = []


class HighX(BaseModel):
    low: int = 0
    x: list[Above]


class IntsByName(BaseModel):
    x: dict[str, int]


class Opaque(BaseModel):
    o: int

    @model_validator(mode="before")
    @classmethod
    def _as_it_is(cls, data: Any) -> Any:
        return data


class Cat(BaseModel):
    model_config = ConfigDict(extra="forbid")
    kind: Literal["cat"]
    lives: int


class Dog(BaseModel):
    kind: Literal["dog"]
    low: int = 0
    high: Above = 0
    mate: "Cat | Dog | None" = None


class Big(BaseModel):
    kind: Literal["fish"]
    size: Literal["big"]
    teeth: int


class Small(BaseModel):
    kind: Literal["fish"]
    size: Literal["small"]
    fins: int


class Closed(BaseModel):
    kind: Literal["closed"]
    o: int

    @model_validator(mode="before")
    @classmethod
    def _as_it_is(cls, data: Any) -> Any:
        return data


class Wary(BaseModel):
    kind: Annotated[Literal["wary"], AfterValidator(_with_info)]
    n: int


class Shy(BaseModel):
    kind: Literal["shy"]
    n: GivenUp


class Neat(BaseModel):
    kind: Literal["neat"]
    n: int

    @model_validator(mode="after")
    def _checked(self) -> "Neat":
        _even(self.n)
        return self


def _even_teeth(value: Big | Small) -> Big | Small:
    _even(getattr(value, "teeth", 0))
    return value


Fish = Annotated[Big | Small, Field(discriminator="size")]
EvenFish = Annotated[Fish, AfterValidator(_even_teeth)]
FishByName = TypeAliasType("FishByName", Fish)
Pet = Annotated[Cat | Wary | Shy | Neat | EvenFish, Field(discriminator="kind")]


class Tank(BaseModel):
    """Two places of one alias, so that it is a reference."""

    one: Annotated[Cat | FishByName, Field(discriminator="kind")]
    two: FishByName | None = None


Animal = Annotated[Cat | Dog | Fish | Closed, Field(discriminator="kind")]
Named = Annotated[
    Annotated[Cat, Tag("cat")] | Annotated[Dog, Tag("dog")],
    Discriminator(lambda value: value["kind"] if isinstance(value, dict) else value.kind),
]


class Aliased(BaseModel):
    n: int = Field(alias="N")
    m: int = Field(validation_alias=AliasChoices("M", "mm"))


class ByName(BaseModel):
    model_config = ConfigDict(populate_by_name=True)
    n: int = Field(alias="N")


class ByNameOnly(BaseModel):
    model_config = ConfigDict(validate_by_alias=False, validate_by_name=True)
    n: int = Field(alias="N")


class FromPath(BaseModel):
    model_config = ConfigDict(extra="allow")
    n: int = Field(validation_alias=AliasPath("outer", 0))


class Shares(BaseModel):
    """Two fields that are read from one key."""

    a: int = Field(validation_alias="both")
    b: str | int = Field(validation_alias=AliasChoices("both"))


class Checked(BaseModel):
    n: int

    @field_validator("n")
    @classmethod
    def _even(cls, value: int) -> int:
        return _even(value)  # type: ignore[no-any-return]

    @model_validator(mode="after")
    def _small(self) -> "Checked":
        if self.n > 100:
            raise ValueError("large")
        return self


class CheckedWithInfo(BaseModel):
    n: int

    @model_validator(mode="after")
    def _with_info(self, info: ValidationInfo) -> "CheckedWithInfo":
        del info
        return self


class PostInit(BaseModel):
    n: int

    def model_post_init(self, context: object) -> None:
        del context
        if self.n > 100:
            raise ValueError("large")


class Private(BaseModel):
    n: int
    _seen: int = 0


class OwnInit(BaseModel):
    n: int

    def __init__(self, **data: Any) -> None:
        super().__init__(**data)


class WrongDefault(BaseModel):
    model_config = ConfigDict(validate_default=True)
    n: int = "one"  # type: ignore[assignment]


class Defaults(BaseModel):
    model_config = ConfigDict(validate_default=True)
    n: int = 0


CLOSINGS: list[tuple[Any, str, list[str]]] = [
    # type, document, the paths that close, in their order
    (list[N], '[{"n": 1}, {"n": 2}]', ["/0/n", "/0", "/1/n", "/1", ""]),
    (N, '{"x": [1, {}], "n": 1}', ["/x/0", "/x/1", "/x", "/n", ""]),
    (Any, '{"a": [1, "b", null]}', ["/a/0", "/a/1", "/a/2", "/a", ""]),
    (dict[str, list[int]], '{"a": [1]}', ["/a/0", "/a", ""]),
    (dict[int, str], '{"1": "a"}', ["/1", ""]),
    (AtTheEnd, '[1, "a", "b"]', ["/0", "/1", "/2", ""]),
    (InTheMiddle, '[1, "a", 2]', ["/0", ""]),
    (set[str], '["a", "a"]', ["/0", "/1", ""]),
    (set[Any], '["a", 1]', [""]),
    (set[Json[int]], '["1", "2"]', ["/0", "/1", ""]),
    (set[Frozen], '[{"n": 1}]', ["/0/n", "/0", ""]),
    (RootModel[list[N]], '[{"n": 1}]', ["/0/n", "/0", ""]),
    # validators that look at siblings wait for their object
    (High, '{"low": 1, "high": 2}', ["/low", ""]),
    (list[High], '[{"low": 1, "high": 2}]', ["/0/low", "/0", ""]),
    (Highs, '{"low": 1, "highs": [2, 3]}', ["/low", ""]),
    (Highs, '{"low": 1, "by_name": {"a": 2}}', ["/low", ""]),
    (Highs, '{"low": 1, "few": [2, 3]}', ["/low", ""]),
    (Highs, '{"low": 1, "either": 2}', ["/low", ""]),
    (Highs, '{"low": 1, "either": "text"}', ["/low", "/either", ""]),
    (Highs, '{"low": 1, "either_seen": {"a": 1}}', ["/low", "/either_seen/a", ""]),
    (Highs, '{"low": 1, "keyed": {"2": 3}}', ["/low", ""]),
    (Highs, '{"low": 1, "maybe_either": 2}', ["/low", ""]),
    (Encoded, '{"data": "YQ=="}', ["/data", ""]),  # but for those of Pydantic's own
    (list[CheckedWithInfo], '[{"n": 1}]', ["/0/n", ""]),
    # functions around a container run at its end
    (Highs, '{"short": [1], "low": 1}', ["/short/0", "/short", "/low", ""]),
    (Highs, '{"either_short": [1], "low": 1}', ["/either_short/0", "/either_short", "/low", ""]),
    (Highs, '{"either_short": {"a": 1}, "low": 1}', ["/either_short/a", "/either_short", "/low", ""]),
    (list[Checked], '[{"n": 2}]', ["/0/n", "/0", ""]),
    (list[PostInit], '[{"n": 2}]', ["/0/n", "/0", ""]),
    (list[Private], '[{"n": 2}]', ["/0/n", "/0", ""]),
    (list[Defaults], "[{}]", ["/0", ""]),
    (list[Tree], "[[[1]], 2]", ["/0/0/0", "/0/0", "/0", "/1", ""]),
    (Shelves, '{"left": {"a": [2]}, "more": [4]}', ["/left/a/0", "/left/a", "/left", "/more/0", "/more", ""]),
    (Shelves, '{"low": 1, "high": 2}', ["/low", ""]),
    (list[EvenOnly], "[1, 2]", ["/1", ""]),
    (list[list[EvenOnly]], "[[1, 2]]", ["/0/1", ""]),
    (GivenUpKeys, '{"by": {"1": 1}}', ["/by/1", ""]),
    (list[EitherShort | None], "[[1], null]", ["/0", "/1", ""]),
    (list[FirstLetter], '["a"]', ["/0", ""]),
    (list[FirstEven], "[[2]]", ["/0/0", "/0", ""]),
    (list[LaxList], "[[1]]", ["/0/0", "/0", ""]),
    (dict[str, list[OnErrorOmit[int]]], '{"a": [1, "x"]}', [""]),
    # nothing inside is certain
    (list[Opaque], '[{"o": 1}]', ["/0", ""]),
    (list[OwnInit], '[{"n": 1}]', ["/0", ""]),
    (list[Annotated[list[int], BeforeValidator(_same)]], "[[1]]", ["/0", ""]),
    (list[Annotated[int | list[int], BeforeValidator(_same)]], "[[1], 2]", ["/0", "/1", ""]),
    # keys with more than one meaning
    (Aliased, '{"N": 1, "mm": 2}', ["/N", ""]),
    (Aliased, '{"N": 1, "M": 2}', ["/N", "/M", ""]),
    (ByName, '{"n": 1}', [""]),
    (ByName, '{"N": 1}', ["/N", ""]),
    (ByNameOnly, '{"N": "x", "n": 1}', ["/N", "/n", ""]),
    (FromPath, '{"outer": [1], "more": [2]}', ["/more/0", "/more", ""]),
    (Shares, '{"both": 1}', [""]),
    # unions: what all living members take is certain
    (list[N | M], '[{"n": 1, "m": 2}]', ["/0/n", "/0/m", "/0", ""]),
    (list[N | M], '[{"n": "text", "m": 2}]', ["/0/n", "/0/m", "/0", ""]),
    (list[N | Opaque], '[{"n": 1}]', ["/0", ""]),
    (list[Highs | Opaque], '[{"either_short": [1], "o": 1}]', ["/0", ""]),
    (list[ByX | Texts], '[{"n": "text", "x": 1}]', ["/0/n", "/0/x", "/0", ""]),
    (list[HighX | IntsByName], '[{"x": {"a": 1}}]', ["/0/x/a", "/0/x", "/0", ""]),
    (list[Annotated[int, Tag("a")] | Annotated[list[int], Tag("b")]], "[[1], 2]", ["/0/0", "/0", "/1", ""]),
    (list[N | CheckedWithInfo], '[{"n": 1}]', ["/0/n", ""]),
    (list[list[int] | list[str]], '[["a"], [1]]', ["/0/0", "/0", "/1/0", "/1", ""]),
    (list[N | None], '[null, {"n": 1}]', ["/0", "/1/n", "/1", ""]),
    # discriminated unions
    (list[Animal], '[{"kind": "cat", "lives": 9}]', ["/0/kind", "/0/lives", "/0", ""]),
    (list[Animal], '[{"lives": 9, "kind": "cat"}]', ["/0/kind", "/0", ""]),
    (list[Animal], '[{"mate": {"kind": "cat", "lives": 1}, "kind": "dog"}]', ["/0/kind", "/0", ""]),
    (
        list[Animal],
        '[{"kind": "dog", "mate": {"kind": "cat", "lives": 1}}]',
        ["/0/kind", "/0/mate/kind", "/0/mate/lives", "/0/mate", "/0", ""],
    ),
    (list[Animal], '[{"high": 2, "kind": "dog", "low": 1}]', ["/0/kind", "/0/low", "/0", ""]),
    (list[Animal], '[{"kind": "fish", "size": "big", "teeth": 3}]', ["/0/size", "/0/teeth", "/0", ""]),
    (list[Animal], '[{"teeth": 3, "size": "big", "kind": "fish"}]', ["/0/kind", "/0", ""]),
    (list[Animal], '[{"kind": "closed", "o": 1}]', ["/0", ""]),
    (list[Animal | N], '[{"kind": "cat", "lives": 9}]', ["/0/lives", "/0", ""]),
    (list[Animal | N], '[{"lives": 9, "kind": "cat"}]', ["/0", ""]),
    (list[Named], '[{"kind": "cat", "lives": 9}]', ["/0", ""]),
    (list[Pet], '[{"n": 1, "kind": "wary"}]', ["/0", ""]),
    (list[Pet], '[{"kind": "wary", "n": 1}]', ["/0/n", "/0", ""]),
    (list[Pet], '[{"kind": "neat", "n": 2}]', ["/0/kind", "/0/n", "/0", ""]),
    (list[Pet], '[{"kind": "fish", "size": "big", "teeth": 2}]', ["/0", ""]),
    (list[EvenFish], '[{"kind": "fish", "size": "big", "teeth": 2}]', ["/0/size", "/0/teeth", "/0", ""]),
    (Tank, '{"one": {"kind": "fish", "size": "big", "teeth": 3}}', ["/one/size", "/one/teeth", "/one", ""]),
]


@pytest.mark.parametrize(("type_", "text", "closed"), CLOSINGS)
def test_a_value_is_closed_when_it_is_certain(type_: Any, text: str, closed: list[str]) -> None:
    """Not before it is judged, and not where its judgement waits; the same in one fragment and in many."""
    for fragments in ([text], list(text)):
        partials: Partials[Any] = Partials(type_)

        changes = [change for fragment in fragments for change in partials.feed(fragment)]

        assert [change.path for change in changes if change.closed] == closed
        assert repr(partials.finish()) == repr(TypeAdapter(type_).validate_json(text))


MISTAKES: list[tuple[Any, str, str, str]] = [
    # type, the document up to the character at which it is known to be wrong, path, rule
    (list[High], '[{"low": 1, "high": 1}', "/0/high", "value_error"),
    (list[High], '[{"high": 1, "low": "x"', "/0/low", "int_parsing"),
    (Highs, '{"highs": [1, {', "/highs/1", "int_type"),
    (Highs, '{"highs": [1, 0], "low": 0}', "/highs/1", "value_error"),
    (Highs, '{"few": [1, 2, 3], "low": 0}', "/few", "too_long"),
    (Highs, '{"low": 0, "short": [1, 2, 3]', "/short", "value_error"),
    (Highs, '{"low": 0, "either_short": {"a": 1, "b": 2, "c": 3}', "/either_short", "value_error"),
    (Highs, '{"low": 0, "either_short": [1, "x"', "/either_short/1", "int_parsing"),
    (list[Checked], '[{"n": 102}', "/0", "value_error"),
    (list[PostInit], '[{"n": 102}', "/0", "value_error"),
    (list[OwnInit], '[{"n": "x"}', "/0/n", "int_parsing"),
    (list[N | M], '[{"n": [', "/0/n", "int_type"),
    (list[N | M], '[{"n": "text"}', "/0/m", "missing"),
    (list[N | M], '[{"n": "text", "m": "x"', "/0/m", "int_parsing"),
    (list[N | M], '[{"m": "x", "n": "text"', "/0/n", "int_parsing"),
    (list[N | list[int]], '[{"n": 1}, ["x"', "/1/0", "int_parsing"),
    (list[N | list[int]], '["', "/0", "model_type"),
    (list[N | Opaque], '[{"n": "text"}', "/0/o", "missing"),
    (list[N | Ns], '[{"n": "x"', "/0/n", "int_parsing"),
    (list[N | Annotated[N | Ns, Field(title="again")]], '[{"n": "x"', "/0/n", "int_parsing"),
    (list[EitherShort | None], "[[1, 2, 3]", "/0", "value_error"),
    (list[Annotated[list[Tree], AfterValidator(_short)]], "[[1, 2, 3]", "/0", "value_error"),
    (OwnError, '["x"]', "", "own"),
    (ShortText, '{"text": "abc"', "/text", "string_too_long"),
    (list[Animal], '[{"lives": 9, "extra": 1, "kind": "cat"', "/0/extra", "extra_forbidden"),
    (list[Animal], '[{"kind": "cat", "extra"', "/0/extra", "extra_forbidden"),
    (list[Animal], '[{"lives": "x", "extra": 1, "kind": "cat"', "/0/lives", "int_parsing"),
    (list[Animal], '[{"kind": "cat"}', "/0/lives", "missing"),
    (list[Animal], '[{"mate": {"kind": "cat", "lives": "x"}, "kind": "dog"', "/0/mate/lives", "int_parsing"),
    (list[Animal], '[{"high": 1, "kind": "dog", "low": 1}', "/0/high", "value_error"),
    (list[Animal], '[{"teeth": "x", "size": "big", "kind": "fish"', "/0/teeth", "int_parsing"),
    (list[Animal], '[{"size": "medium", "kind": "fish"', "/0", "union_tag_invalid"),
    (list[Animal], '[{"kind": "fish", "size": "m', "/0", "union_tag_invalid"),
    (list[Animal], '[{"kind": "closed", "o": "x"}', "/0/o", "int_parsing"),
    (list[Animal], '[{"kind": ["cat"]', "/0", "union_tag_invalid"),
    (list[Pet], '[{"n": 1, "kind": "shy"}', "/0/n", "missing"),
    (list[Pet], '[{"kind": "fish", "size": "big", "teeth": 3}', "/0", "value_error"),
    (list[EvenFish], '[{"kind": "fish", "size": "big", "teeth": 3}', "/0", "value_error"),
    (list[Animal | N], '[{"kind": "cat", "lives": "x", "n": "y"', "/0/n", "int_parsing"),
    (list[Animal | N], '[{"n": "y", "kind": "co', "/0", "union_tag_invalid"),
    (Shares, '{"both": "x"}', "/both", "int_parsing"),
    (ByName, '{"n": "x"}', "/n", "int_parsing"),
    (Aliased, '{"mm": "x", "N": 1}', "/mm", "int_parsing"),
    (FromPath, '{"outer": 1}', "/outer/0", "missing"),
    (list[FromPath], "[{}", "/0/0", "missing"),
    (list[WrongDefault], "[{}", "/0", "int_parsing"),
    (InTheMiddle, "[1]", "/1", "missing"),
    (InTheMiddle, '[1, "a", "b"]', "/1", "int_parsing"),  # the place that Pydantic names
    (AtTheEnd, "[]", "/0", "missing"),
    (tuple[int, int], "[1]", "/1", "missing"),
    (tuple[int, int], "[1, 2, {}]", "", "too_long"),
    (Annotated[tuple[int, ...], Field(min_length=2)], "[1]", "", "too_short"),
    (Annotated[dict[int, int], Field(min_length=2)], '{"1": 1, "01": 2}', "", "too_short"),
    (Annotated[dict[str, int], Field(min_length=1)], "{}", "", "too_short"),
    (Annotated[dict[int, int], Field(max_length=1)], '{"1": 1, "2": 2}', "", "too_long"),
    (set[Any], '["a", [1]]', "/1", "set_item_not_hashable"),
    (set[Json[list[int]]], '["[1]", "[2]"]', "/0", "set_item_not_hashable"),
    (set[Annotated[int, WrapValidator(lambda value, _: [value])]], "[1]", "/0", "set_item_not_hashable"),
    (Annotated[set[int], Field(min_length=2)], "[1, 1]", "", "too_short"),
    (Annotated[list[int], Field(max_length=1)], '[1, "x"]', "", "too_long"),
]


@pytest.mark.parametrize(("type_", "wrong", "path", "rule"), MISTAKES)
def test_a_mistake_is_known_at_its_character(type_: Any, wrong: str, path: str, rule: str) -> None:
    """Not before, and the same in one fragment; nothing around it was called closed."""
    partials: Partials[Any] = Partials(type_)
    closed = [change.path for character in wrong[:-1] for change in partials.feed(character) if change.closed]

    with pytest.raises(Invalid) as slow:
        partials.feed(wrong[-1])
    with pytest.raises(Invalid) as fast:
        Partials(type_).feed(wrong)

    assert (slow.value.path, slow.value.rule) == (fast.value.path, fast.value.rule) == (path, rule)
    assert not [outer for outer in closed if path == outer or path.startswith(outer + "/")]


VALID_BY_MEMBERS: list[tuple[Any, str]] = [
    (list[N], '[{"n": 1}, {"n": 2, "x": [1]}]'),
    (Highs, '{"low": 1, "either": "text"}'),
    (list[N | M], '[{"n": 1, "m": 2}, {"n": "text", "m": 2}]'),
    (list[Annotated[Cat | Dog, Field(discriminator="kind")]], '[{"kind": "cat", "lives": 9}]'),
    (list[Annotated[Cat | Dog, Field(discriminator="kind")]], '[{"lives": 9, "kind": "cat"}]'),
    (dict[str, tuple[int, str]], '{"a": [1, "b"], "c": [2, "d"]}'),
    (Annotated[list[Annotated[dict[str, int], Field(min_length=1)]], Field(max_length=2)], '[{"a": 1}, {"b": 2}]'),
    (tuple[set[str], ...], '[["a"], [ ]]'),
    (tuple[list[int], dict[str, int], tuple[int, ...]], "[[ ], { }, [ ]]"),
    (list[Private], '[{"n": 1}]'),
    (dict[int, list[str | None]], '{"1": ["a", null]}'),
]


@pytest.mark.parametrize(("type_", "text"), VALID_BY_MEMBERS)
def test_a_container_that_is_valid_by_its_members_is_not_read_again(type_: Any, text: str) -> None:
    """Only scalars go through a validator, and keys that are no plain strings."""
    partials: Partials[Any] = Partials(type_)
    judged: list[bytes] = []

    def note(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code.co_name == "find_error":
            judged.append(bytes(frame.f_locals["text"]))

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        partials.feed(text)
    finally:
        sys.setprofile(before)

    keys = {b'{"1":null}'}
    looked_up = {b"{}", b"[]"}  # samples of types that are no values of the document
    assert not [part for part in judged if part[:1] in (b"{", b"[") and part not in keys | looked_up]
