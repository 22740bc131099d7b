"""Random types for the properties of partials, each with documents that it takes and documents that it refuses.

A refused document comes with its deadline: the places in it whose close decides that it is wrong.
"""

# Types are made at run time here, which type checkers and some rules of the linter cannot follow.
# mypy: disable-error-code="name-defined, valid-type, arg-type, misc, call-overload, no-any-return"
# ruff: noqa: FBT003, UP007, UP045 - see above

import dataclasses
import enum
import itertools
import json
import uuid
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Annotated, Any, Generic, Literal, NotRequired, Optional, TypeVar, Union, get_args, get_origin

from hypothesis import strategies as st
from pydantic import (
    AfterValidator,
    AliasChoices,
    AliasPath,
    AnyUrl,
    Base64Bytes,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Json,
    PlainValidator,
    RootModel,
    SecretStr,
    StrictBool,
    StrictFloat,
    StrictInt,
    StrictStr,
    StringConstraints,
    Tag,
    TypeAdapter,
    ValidationInfo,
    WrapValidator,
    create_model,
    model_validator,
)
from pydantic_core import core_schema
from typing_extensions import TypedDict

Draw = Callable[[st.SearchStrategy[Any]], Any]
Path = tuple[str | int, ...]
T = TypeVar("T")
Poisoned = st.SearchStrategy[tuple[Any, "Deadline"]]


@dataclasses.dataclass(frozen=True)
class Deadline:
    """The places (relative to a value) that must have closed before the value is known to be wrong.

    ``up``: the enclosing object must have closed, since a validator may look at it.
    """

    paths: tuple[Path, ...] = ((),)
    up: bool = False

    def under(self, key: str | int) -> "Deadline":
        return dataclasses.replace(self, paths=tuple((key, *path) for path in self.paths))


AT_CLOSE = Deadline()
AT_OBJECT = Deadline(up=True)


@dataclasses.dataclass(frozen=True)
class Spec:
    """A type; a strategy of values that it takes; one of values that it refuses with their deadlines (or None)."""

    type: Any
    taken: st.SearchStrategy[Any]
    refused: Poisoned | None
    hashable: bool = True

    def until(self, deadline: Deadline) -> "Spec":
        """The same with a fixed deadline: nothing inside is judged earlier."""
        if self.refused is None:
            return self
        return dataclasses.replace(self, refused=self.refused.map(lambda poisoned: (poisoned[0], deadline)))


def leaf(type_: Any, taken: st.SearchStrategy[Any], *refused: Any, deadline: Deadline = AT_CLOSE) -> Spec:
    return Spec(type_, taken, st.sampled_from([(value, deadline) for value in refused]) if refused else None)


class Colour(enum.StrEnum):
    RED = "red"
    GREEN = "gr\u00fcn"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Mixed(enum.Enum):
    WORD = "word"
    NUMBER = 7


class Loose(enum.Enum):
    LOW = "low"
    NONE = "none"

    @classmethod
    def _missing_(cls, value: object) -> "Loose | None":
        return cls.LOW if value == "lower" else None


class Celsius:
    """A custom type with a core schema of its own."""

    def __init__(self, degrees: float) -> None:
        self.degrees = degrees

    def __repr__(self) -> str:
        return f"{self.degrees} °C"

    @classmethod
    def __get_pydantic_core_schema__(cls, *_: object) -> core_schema.CoreSchema:
        return core_schema.no_info_after_validator_function(cls, core_schema.float_schema(ge=-273.15))


def _even(value: int) -> int:
    if value % 2:
        raise ValueError("odd")
    return value


def _even_with_info(value: int, info: ValidationInfo) -> int:
    if info.data is None:
        raise ValueError("no siblings in sight")  # so it must not be asked without its object
    return _even(value)


def _digits(value: Any) -> Any:
    return value.removeprefix("#") if isinstance(value, str) else value


def _no_hash(value: str) -> str:
    if "#" in value:
        raise ValueError("a hash")
    return value


def _forgiving(value: Any, handler: Callable[[Any], Any]) -> Any:
    try:
        return handler(value)
    except ValueError:
        if value == "whatever":
            return 0
        raise


def _plain(value: Any) -> Any:
    if value != "plain":
        raise ValueError("fancy")
    return value


TEXT = st.text(max_size=8)
SMALL = st.integers(-100, 100)
JSON = st.recursive(
    st.none() | st.booleans() | SMALL | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)
LEAVES = [
    leaf(str, TEXT, 1, True, None, [], {}),
    leaf(Annotated[str, Field(min_length=2, max_length=5)], st.text(min_size=2, max_size=5), "a", "abcdef", 3),
    leaf(Annotated[str, Field(pattern="^[a-c]+$")], st.text("abc", min_size=1, max_size=9), "d", "", "abcd"),
    leaf(Annotated[str, StringConstraints(strip_whitespace=True, to_upper=True, min_length=1)], st.just(" a "), "  "),
    leaf(StrictStr, TEXT, 1),
    leaf(int, SMALL | SMALL.map(str) | SMALL.map(float) | st.booleans(), "x", 1.5, None, [], {}),
    leaf(int, st.integers(-(10**40), 10**40), "", "1.5"),
    leaf(Annotated[int, Field(ge=10, multiple_of=5)], st.integers(2, 99).map(lambda n: n * 5), 1, 9, 12, "7"),
    leaf(StrictInt, SMALL, "1", 1.0, True),
    leaf(float, SMALL | st.floats(allow_nan=False, allow_infinity=False) | st.just("2.5"), "x", None, []),
    leaf(Annotated[float, Field(gt=0, lt=1)], st.just(0.5), 0, 1.0, 2, "3"),
    leaf(StrictFloat, SMALL | st.just(0.25), "1", True),
    leaf(bool, st.booleans() | st.sampled_from(["yes", "off", 0, 1]), 2, "x", None, []),
    leaf(StrictBool, st.booleans(), 1, "true"),
    leaf(None, st.none(), 0, "", []),
    leaf(Annotated[Decimal, Field(max_digits=4, decimal_places=2)], st.sampled_from(["1.25", 2, 0.5]), "1.234", 12345),
    leaf(date, st.dates().map(str) | st.just(86400), "2020-02-30", True, 1.5),
    leaf(datetime, st.datetimes().map(datetime.isoformat), "yesterday", None),
    leaf(time, st.times().map(time.isoformat), "25:00", []),
    leaf(timedelta, st.sampled_from(["P1DT2H", 30]), "P", []),  # not False: below a before validator it is 0
    leaf(uuid.UUID, st.uuids().map(str), "1234", 7),
    leaf(AnyUrl, st.just("https://example.org/a?b=c"), "example", 1),
    leaf(SecretStr, TEXT, 1),
    leaf(bytes, TEXT, 1, []),
    leaf(Base64Bytes, st.just("aGVsbG8="), "a", 1),
    leaf(Colour, st.sampled_from(["red", "gr\u00fcn"]), "blue", 1, None, {}),
    leaf(Level, st.sampled_from([1, 2]), 3, "x", []),
    leaf(Mixed, st.sampled_from(["word", 7]), "words", 8, {}),
    leaf(Loose, st.sampled_from(["low", "lower", "none"]), "lo", "high", 1),
    leaf(Literal["low", "lower", "high"], st.sampled_from(["low", "lower", "high"]), "lo", "highs", "", 1, None),
    leaf(Literal["low", "12"] | int, st.sampled_from(["low", "12", "13", 5]), "lo", "1x", []),
    leaf(Annotated[Literal["low", "high"], BeforeValidator(_digits)], st.sampled_from(["#low", "high"]), "lo", 1),
    leaf(Annotated[Literal["low", "#x"], AfterValidator(_no_hash)], st.just("low"), "#x", "lo", "no"),
    leaf(Literal["a", 1] | None, st.sampled_from(["a", 1, None]), "b", 2, []),
    leaf(Json[int], st.just(" 12 "), "{", '"x"', 5),
    leaf(Celsius, st.floats(-200, 1000), -300, "x"),
    leaf(Annotated[int, AfterValidator(_even)], SMALL.map(lambda n: n * 2), 3, "5", "x"),
    leaf(Annotated[int, BeforeValidator(_digits)], SMALL.map(lambda n: f"#{n}"), "#x", [], {}),
    leaf(Annotated[int, WrapValidator(_forgiving)], SMALL | st.just("whatever"), "other", [1], {"a": 1}),
    leaf(Annotated[str, PlainValidator(_plain)], st.just("plain"), "x", [], 3),
    leaf(Annotated[int, AfterValidator(_even_with_info)], SMALL.map(lambda n: n * 2), 3, "5", deadline=AT_OBJECT),
    Spec(Any, JSON, None, hashable=False),
    Spec(object, JSON, None, hashable=False),
]
leaves = st.sampled_from(LEAVES)
NAMES = ["a", "b", "class_", "naïve", "x1"]
ANY_WRONG = st.sampled_from(["nope", 17, False, None])
"""For containers: scalars, which no container takes."""


def _count_of(item: Spec) -> Deadline:
    """When the number of such items is judged: with them, if a validator of theirs may look around."""
    return AT_OBJECT if "with-info" in repr(TypeAdapter(item.type).core_schema) else AT_CLOSE


@st.composite
def lists(draw: Draw, inner: st.SearchStrategy[Spec]) -> Spec:
    item = draw(inner)
    low, high = draw(st.sampled_from([(0, 4), (1, 3)]))
    refused = [st.just(("nope", AT_CLOSE)), st.just(({}, AT_CLOSE))]
    type_: Any = list[item.type]
    if (low, high) != (0, 4):
        type_ = Annotated[type_, Field(min_length=low, max_length=high)]
        refused.append(st.just(([], _count_of(item))))
    if item.refused is not None:
        refused.append(_one_wrong_item(item))
    return Spec(type_, st.lists(item.taken, min_size=low, max_size=high), st.one_of(refused), hashable=False)


@st.composite
def _one_wrong_item(draw: Draw, item: Spec) -> tuple[list[Any], Deadline]:
    before = draw(st.lists(item.taken, max_size=1))
    wrong, deadline = draw(item.refused)
    after = draw(st.lists(item.taken, max_size=1))
    return [*before, wrong, *after], deadline.under(len(before))


@st.composite
def sets(draw: Draw, inner: st.SearchStrategy[Spec]) -> Spec:
    item = draw(inner.filter(lambda spec: spec.hashable))
    type_: Any = draw(st.sampled_from([set[item.type], frozenset[item.type]]))
    refused: Poisoned = st.just(("nope", AT_CLOSE))
    if item.refused is not None:
        refused |= _one_wrong_item(item)
    if draw(st.booleans()):
        type_ = Annotated[type_, Field(max_length=3)]
    return Spec(type_, st.lists(item.taken, max_size=3), refused, hashable=False)


@st.composite
def tuples(draw: Draw, inner: st.SearchStrategy[Spec]) -> Spec:
    items = draw(st.lists(inner, min_size=1, max_size=3))
    if draw(st.booleans()):
        item = items[0]
        refused = _one_wrong_item(item) if item.refused is not None else st.just((3, AT_CLOSE))
        return Spec(tuple[item.type, ...], st.lists(item.taken, max_size=3), refused, hashable=False)
    taken = st.tuples(*(item.taken for item in items)).map(list)
    count = max((_count_of(item) for item in items), key=lambda deadline: deadline.up)
    short = taken.map(lambda values: (values[:-1], count))
    long = taken.map(lambda values: ([*values, 1], count))
    return Spec(tuple[tuple(item.type for item in items)], taken, short | long, hashable=False)


@st.composite
def dicts(draw: Draw, inner: st.SearchStrategy[Spec]) -> Spec:
    value = draw(inner)
    keys, key, wrong_key = draw(
        st.sampled_from(
            [
                (str, TEXT, None),
                (int, SMALL.map(str), "x"),
                (Annotated[str, Field(max_length=3)], st.text(max_size=3), "long~/key"),
                (Colour, st.just("red"), "blue"),
            ]
        )
    )
    taken = st.dictionaries(key, value.taken, max_size=3)
    refused: Poisoned = st.just(([], AT_CLOSE))
    if wrong_key is not None:
        # A wrong key is known before its value; the value's close is the latest it can be seen in this measure.
        refused |= taken.map(lambda good: ({**good, wrong_key: None}, AT_CLOSE.under(wrong_key)))
    if value.refused is not None:
        refused |= st.tuples(taken, key, value.refused).map(
            lambda drawn: (
                {**{k: v for k, v in drawn[0].items() if k != drawn[1]}, drawn[1]: drawn[2][0]},
                drawn[2][1].under(drawn[1]),
            )
        )
    return Spec(dict[keys, value.type], taken, refused, hashable=False)


@st.composite
def optionals(draw: Draw, inner: st.SearchStrategy[Spec]) -> Spec:
    spec = draw(inner)
    refused = None
    if spec.refused is not None:
        refused = spec.refused.filter(lambda poisoned: poisoned[0] is not None)
    return Spec(Optional[spec.type], st.none() | spec.taken, refused, spec.hashable)


@st.composite
def unions(draw: Draw, inner: st.SearchStrategy[Spec]) -> Spec:
    """Any union; what it refuses has no deadline that could be told without the implementation."""
    specs = draw(st.lists(inner, min_size=2, max_size=3))
    type_: Any = Union[tuple(spec.type for spec in specs)]
    if get_origin(type_) is Union and type(None) not in get_args(type_) and draw(st.booleans()):
        type_ = Annotated[type_, Field(union_mode="left_to_right")]
    return Spec(type_, st.one_of([spec.taken for spec in specs]), None, all(spec.hashable for spec in specs))


@dataclasses.dataclass(frozen=True)
class Member:
    """A field of a record: its definition, the key it is written under, and what becomes of deadlines inside."""

    name: str
    spec: Spec
    key: str
    info: Any
    needed: bool = True
    waits: bool = False
    nested: bool = False

    def written(self, value: Any) -> Any:
        return [value] if self.nested else value

    def deadline(self, inner: Deadline) -> Deadline:
        return AT_CLOSE if self.waits or inner.up else inner.under(self.key)


def _members(name: str, spec: Spec, default: Any) -> st.SearchStrategy[Member]:
    plain = Field(default)
    factory = Field(default_factory=lambda: "made")
    alias = f"{name}~/alias"
    choices = Field(validation_alias=AliasChoices(alias, f"{name}-2"))
    return st.sampled_from(
        [
            Member(name, spec, name, Field()),
            Member(name, spec, name, plain, needed=False),
            Member(name, spec, name, factory, needed=False),
            Member(name, spec, alias, Field(alias=alias)),
            Member(name, spec, alias, choices),
            Member(name, spec, f"{name}-2", choices, waits=True),
            Member(name, spec, f"{name}-p", Field(validation_alias=AliasPath(f"{name}-p", 0)), waits=True, nested=True),
        ]
    )


def _refuse_marked(self: Any) -> Any:
    if self.flag == "bad":
        raise ValueError("marked")
    return self


def _refuse_marked_with_info(self: Any, info: ValidationInfo) -> Any:
    del info
    return _refuse_marked(self)


def _untouched(cls: type, data: Any) -> Any:
    del cls
    return data


def _wrapped(cls: type, data: Any, handler: Callable[[Any], Any]) -> Any:
    del cls
    return handler(data)


VALIDATORS: list[tuple[dict[str, Any], Deadline | None, bool]] = [
    ({}, None, False),
    ({}, None, False),
    ({"check": model_validator(mode="after")(_refuse_marked)}, None, True),
    ({"check": model_validator(mode="after")(_refuse_marked_with_info)}, AT_OBJECT, True),
    ({"check": model_validator(mode="before")(classmethod(_untouched))}, AT_CLOSE, False),
    ({"check": model_validator(mode="wrap")(classmethod(_wrapped))}, AT_CLOSE, False),
]


@st.composite
def models(draw: Draw, inner: st.SearchStrategy[Spec]) -> Spec:
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=3, unique=True))
    members = [draw(_members(name, draw(inner), "left alone")) for name in names]
    validators, floor, marked = draw(st.sampled_from(VALIDATORS))
    extra = draw(st.sampled_from(["ignore", "forbid", "allow"]))
    by_name = draw(st.booleans())
    config = ConfigDict(extra=extra, populate_by_name=by_name)
    fields = {member.name: (member.spec.type, member.info) for member in members}
    if marked:
        fields["flag"] = (str, "good")
    type_ = create_model("Model", __config__=config, __validators__=validators, **fields)
    spec = _record(type_, members, forbids=extra == "forbid", marked=marked)
    return spec if floor is None else spec.until(floor)


@st.composite
def dataclasses_(draw: Draw, inner: st.SearchStrategy[Spec]) -> Spec:
    members = [Member(name, draw(inner), name, None) for name in draw(_some_names)]
    type_ = dataclasses.make_dataclass("Data", [(member.name, member.spec.type) for member in members])
    return _record(type_, members)


@st.composite
def typed_dicts(draw: Draw, inner: st.SearchStrategy[Spec]) -> Spec:
    members = [Member(name, draw(inner), name, None, needed=draw(st.booleans())) for name in draw(_some_names)]
    keys = {m.name: m.spec.type if m.needed else NotRequired[m.spec.type] for m in members}
    type_ = TypedDict("Keys", keys)
    return _record(type_, members)


_some_names = st.lists(st.sampled_from(NAMES), min_size=1, max_size=3, unique=True)


def _record(type_: Any, members: list[Member], *, forbids: bool = False, marked: bool = False) -> Spec:
    taken = _documents(members)
    refused: list[Poisoned] = [ANY_WRONG.map(lambda value: (value, AT_CLOSE))]
    for member in members:
        if member.spec.refused is not None:
            refused.append(st.tuples(taken, member.spec.refused).map(_replace(member)))
        if member.needed:
            refused.append(taken.map(_leave_out(member)))
    if forbids:
        refused.append(taken.map(lambda good: ({"other": 1, **good}, Deadline((("other",),)))))
    if marked:
        refused.append(taken.map(lambda good: ({"flag": "bad", **good}, AT_CLOSE)))
    return Spec(type_, taken, st.one_of(refused), hashable=False)


@st.composite
def _documents(draw: Draw, members: list[Member]) -> dict[str, Any]:
    present = [member for member in members if member.needed or draw(st.booleans())]
    if draw(st.booleans()):
        present.reverse()
    return {member.key: member.written(draw(member.spec.taken)) for member in present}


def _replace(member: Member) -> Callable[[Any], tuple[Any, Deadline]]:
    def poison(drawn: Any) -> tuple[Any, Deadline]:
        good, (wrong, deadline) = drawn
        return {**good, member.key: member.written(wrong)}, member.deadline(deadline)

    return poison


def _leave_out(member: Member) -> Callable[[Any], tuple[Any, Deadline]]:
    return lambda good: ({key: value for key, value in good.items() if key != member.key}, AT_CLOSE)


@st.composite
def tagged(draw: Draw, inner: st.SearchStrategy[Spec]) -> Spec:
    """A discriminated union, by field or by callable, its tag anywhere in the object."""
    specs = [draw(inner), draw(inner)]
    types = [
        create_model(f"Tagged{tag}", kind=(Literal[tag], ...), value=(spec.type, ...))
        for tag, spec in zip("ab", specs, strict=True)
    ]
    by_field = draw(st.booleans())
    if by_field:
        type_: Any = Annotated[Union[tuple(types)], Field(discriminator="kind")]
    else:
        choices = tuple(Annotated[type_, Tag(tag)] for type_, tag in zip(types, "ab", strict=True))
        type_ = Annotated[Union[choices], Discriminator(_kind_of)]
    first, second = (
        st.tuples(spec.taken, st.booleans()).map(_tagged_document(tag)) for tag, spec in zip("ab", specs, strict=True)
    )
    refused = [
        (first | second).map(lambda good: ({**good, "kind": "c"}, Deadline((("kind",),)))),
        (first | second).map(lambda good: ({"value": good["value"]}, AT_CLOSE)),
        ANY_WRONG.map(lambda value: (value, AT_CLOSE)),
    ]
    for tag, spec in zip("ab", specs, strict=True):
        if spec.refused is not None:
            refused.append(st.tuples(spec.refused, st.booleans()).map(_tagged_poison(tag)))
    spec = Spec(type_, first | second, st.one_of(refused), hashable=False)
    return spec if by_field else spec.until(AT_CLOSE)


def _kind_of(value: Any) -> Any:
    return value.get("kind") if isinstance(value, dict) else getattr(value, "kind", None)


def _tagged_document(tag: str) -> Callable[[Any], Any]:
    def write(drawn: Any) -> Any:
        value, tag_first = drawn
        return {"kind": tag, "value": value} if tag_first else {"value": value, "kind": tag}

    return write


def _tagged_poison(tag: str) -> Callable[[Any], tuple[Any, Deadline]]:
    def poison(drawn: Any) -> tuple[Any, Deadline]:
        (wrong, deadline), tag_first = drawn
        inner = AT_CLOSE if deadline.up else deadline.under("value")
        return _tagged_document(tag)((wrong, tag_first)), dataclasses.replace(inner, paths=(*inner.paths, ("kind",)))

    return poison


class Box(BaseModel, Generic[T]):
    content: T


@st.composite
def boxes(draw: Draw, inner: st.SearchStrategy[Spec]) -> Spec:
    spec = draw(inner)
    return _record(Box[spec.type], [Member("content", spec, "content", None)])


@st.composite
def roots(draw: Draw, inner: st.SearchStrategy[Spec]) -> Spec:
    spec = draw(inner)
    return dataclasses.replace(spec, type=RootModel[spec.type], hashable=False)


class Node(BaseModel):
    """A recursive model, through a list, a dict and itself."""

    size: int
    next: "Node | None" = None
    children: "list[Node] | dict[str, Node]" = []


_nodes = st.recursive(
    st.builds(lambda size: {"size": size}, SMALL),
    lambda inner: st.builds(
        lambda size, after, children: {"next": after, "children": children, "size": size},
        SMALL,
        st.none() | inner,
        st.lists(inner, max_size=2) | st.dictionaries(TEXT, inner, max_size=2),
    ),
    max_leaves=4,
)
NODE = Spec(
    Node,
    _nodes,
    _nodes.map(
        lambda good: ({"size": 1, "next": good, "children": [good, {"size": "x"}]}, Deadline((("children", 1),)))
    ),
    hashable=False,
)

specs: st.SearchStrategy[Spec] = st.recursive(
    leaves | st.just(NODE),
    lambda inner: st.one_of(
        *(
            build(inner)
            for build in (lists, sets, tuples, dicts, optionals, unions, unions, tagged, tagged, boxes, roots)
        ),
        *(build(inner) for build in (models, models, models, dataclasses_, typed_dicts)),
    ),
    max_leaves=4,
)


@st.composite
def mutated(draw: Draw, value: Any) -> Any:
    """The value with one part, somewhere, replaced by any JSON, left out or added."""
    if isinstance(value, dict) and value and draw(st.integers(0, 3)):
        key = draw(st.sampled_from(sorted(value)))
        rest = {k: v for k, v in value.items() if k != key}
        return rest if draw(st.integers(0, 4)) == 0 else {**rest, key: draw(mutated(value[key]))}
    if isinstance(value, dict) and draw(st.booleans()):
        return {**value, draw(TEXT | st.sampled_from(NAMES)): draw(JSON)}
    if isinstance(value, list) and value and draw(st.integers(0, 3)):
        index = draw(st.integers(0, len(value) - 1))
        return [*value[:index], draw(mutated(value[index])), *value[index + 1 :]]
    return draw(JSON)


def written(value: Any, *, spaced: bool = False, ascii_only: bool = False) -> tuple[str, dict[Path, int]]:
    """Write JSON; return it with the number of characters after which each place in it has closed."""
    pieces: list[str] = []
    ends: dict[Path, int] = {}
    colon, comma = (": ", ", ") if spaced else (":", ",")

    def put(part: Any, path: Path) -> None:
        if isinstance(part, dict):
            members = [(json.dumps(key, ensure_ascii=ascii_only) + colon, key, inner) for key, inner in part.items()]
            put_all("{}", members, path)
        elif isinstance(part, list):
            put_all("[]", [("", index, inner) for index, inner in enumerate(part)], path)
        else:
            pieces.append(json.dumps(part, ensure_ascii=ascii_only))
        delimiter = 0 if isinstance(part, (dict, list, str)) else 1
        ends[path] = sum(map(len, pieces)) + delimiter

    def put_all(brackets: str, members: list[tuple[str, str | int, Any]], path: Path) -> None:
        pieces.append(brackets[0])
        for number, (name, key, inner) in enumerate(members):
            pieces.append((comma if number else "") + name)
            put(inner, (*path, key))
        pieces.append(brackets[1])

    put(value, ())
    return "".join(pieces), ends


@st.composite
def cut(draw: Draw, text: str) -> list[str]:
    """The text in fragments."""
    places = draw(st.lists(st.integers(0, len(text)), max_size=12) | st.just(list(range(len(text)))))
    marks = [0, *sorted(places), len(text)]
    return [text[start:end] for start, end in itertools.pairwise(marks)]
