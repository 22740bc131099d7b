"""Random types for the properties of partials, each with documents that it takes and documents that it refuses.

A refused document comes with its deadline: the places in it whose close decides that it is wrong.

What is put together is drawn by functions: strategies that are made anew for each example take more time than the test.
"""

# Types are made at run time here, which type checkers and some rules of the linter cannot follow.
# mypy: disable-error-code="name-defined, valid-type, arg-type, misc, call-overload, no-any-return"
# ruff: noqa: FBT003, UP007, UP045 - see above

import dataclasses
import enum
import functools
import itertools
import json
import uuid
from collections.abc import Callable, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Annotated, Any, Generic, Literal, NotRequired, Optional, TypeVar, Union, get_args, get_origin

from hypothesis import reject
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
Make = Callable[[Draw], Any]
"""Draws a value."""
Path = tuple[str | int, ...]
T = TypeVar("T")
Poison = Callable[[Draw], tuple[Any, "Deadline"]]
"""Draws a value that is wrong, and when it must be known to be."""


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


DEPTH = 2
"""How many containers may be around a value."""


@functools.cache
def up_to(most: int) -> st.SearchStrategy[int]:
    """Return the strategy of whole numbers from 0 on."""
    return st.integers(0, most)


def flip(draw: Draw) -> bool:
    """Draw yes or no."""
    return bool(draw(up_to(1)))


def pick(draw: Draw, options: Sequence[T]) -> T:
    """Draw one of some values. The first one is the simplest."""
    return options[draw(up_to(len(options) - 1))]


def several(draw: Draw, make: Callable[[Draw], T], most: int, least: int = 0) -> list[T]:
    """Draw a list."""
    return [make(draw) for _ in range(least + draw(up_to(most - least)))]


def drawn(strategy: st.SearchStrategy[Any]) -> Make:
    """Return the function that draws from a strategy."""
    return lambda draw: draw(strategy)


def one_of(makes: Sequence[Callable[[Draw], T]]) -> Callable[[Draw], T]:
    """Return a function that draws as one of some functions does."""
    return lambda draw: pick(draw, makes)(draw)


@dataclasses.dataclass(frozen=True)
class Spec:
    """A type; how values that it takes are drawn; how values that it refuses are, with their deadlines (or None)."""

    type: Any
    taken: Make
    refused: Poison | None
    hashable: bool = True

    def until(self, deadline: Deadline) -> "Spec":
        """The same with a fixed deadline: nothing inside is judged earlier."""
        refused = self.refused
        if refused is None:
            return self
        return dataclasses.replace(self, refused=lambda draw: (refused(draw)[0], deadline))


def leaf(type_: Any, taken: st.SearchStrategy[Any], *refused: Any, deadline: Deadline = AT_CLOSE) -> Spec:
    return Spec(type_, drawn(taken), (lambda draw: (pick(draw, refused), deadline)) if refused else None)


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
SCALARS = st.none() | st.booleans() | SMALL | st.floats(allow_nan=False, allow_infinity=False) | TEXT


def any_json(draw: Draw, depth: int = DEPTH) -> Any:
    """Draw any value, with ``depth`` levels of containers at most."""
    kind = draw(up_to(6)) if depth else 0
    if kind < 5:
        return draw(SCALARS)
    values = several(draw, lambda draw: any_json(draw, depth - 1), 3)
    return values if kind == 5 else {draw(TEXT): value for value in values}


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
    Spec(Any, any_json, None, hashable=False),
    Spec(object, any_json, None, hashable=False),
]
HASHABLE_LEAVES = [each for each in LEAVES if each.hashable]
NAMES = ["a", "b", "class_", "naïve", "x1"]
KEY = TEXT | st.sampled_from(NAMES)
SOME_NAMES = st.lists(st.sampled_from(NAMES), min_size=1, max_size=3, unique=True)
Inner = Callable[[Draw], Spec]
"""Draws the type of what is in a container."""


def any_wrong(draw: Draw) -> tuple[Any, Deadline]:
    """For containers: scalars, which no container takes."""
    return pick(draw, ["nope", 17, False, None]), AT_CLOSE


def constant(value: Any, deadline: Deadline) -> Poison:
    return lambda _: (value, deadline)


def _count_of(item: Spec) -> Deadline:
    """When the number of such items is judged: with them, if a validator of theirs may look around."""
    return AT_OBJECT if "with-info" in repr(TypeAdapter(item.type).core_schema) else AT_CLOSE


def lists(draw: Draw, inner: Inner) -> Spec:
    item = inner(draw)
    low, high = pick(draw, [(0, 4), (1, 3)])
    refused = [constant("nope", AT_CLOSE), constant({}, AT_CLOSE)]
    type_: Any = list[item.type]
    if (low, high) != (0, 4):
        type_ = Annotated[type_, Field(min_length=low, max_length=high)]
        refused.append(lambda _: ([], _count_of(item)))
    if item.refused is not None:
        refused.append(_one_wrong_item(item, item.refused))
    return Spec(type_, lambda draw: several(draw, item.taken, high, low), one_of(refused), hashable=False)


def _one_wrong_item(item: Spec, refused: Poison) -> Poison:
    def poison(draw: Draw) -> tuple[list[Any], Deadline]:
        before = several(draw, item.taken, 1)
        wrong, deadline = refused(draw)
        return [*before, wrong, *several(draw, item.taken, 1)], deadline.under(len(before))

    return poison


def sets(draw: Draw, inner: Inner) -> Spec:
    item = inner(draw)
    if not item.hashable:
        item = pick(draw, HASHABLE_LEAVES)
    type_: Any = pick(draw, [set[item.type], frozenset[item.type]])
    refused = [constant("nope", AT_CLOSE)]
    if item.refused is not None:
        refused.append(_one_wrong_item(item, item.refused))
    if flip(draw):
        type_ = Annotated[type_, Field(max_length=3)]
    return Spec(type_, lambda draw: several(draw, item.taken, 3), one_of(refused), hashable=False)


def tuples(draw: Draw, inner: Inner) -> Spec:
    items = several(draw, inner, 3, 1)
    if flip(draw):
        item = items[0]
        refused = _one_wrong_item(item, item.refused) if item.refused is not None else constant(3, AT_CLOSE)
        return Spec(tuple[item.type, ...], lambda draw: several(draw, item.taken, 3), refused, hashable=False)

    def taken(draw: Draw) -> list[Any]:
        return [item.taken(draw) for item in items]

    def count() -> Deadline:
        return max((_count_of(item) for item in items), key=lambda deadline: deadline.up)

    counts: list[Poison] = [lambda draw: (taken(draw)[:-1], count()), lambda draw: ([*taken(draw), 1], count())]
    return Spec(tuple[tuple(item.type for item in items)], taken, one_of(counts), hashable=False)


KEYS: list[tuple[Any, Make, str | None]] = [
    (str, drawn(TEXT), None),
    (int, drawn(SMALL.map(str)), "x"),
    (Annotated[str, Field(max_length=3)], drawn(st.text(max_size=3)), "long~/key"),
    (Colour, lambda _: "red", "blue"),
]
"""The type of keys, how they are drawn, and a wrong one."""


def dicts(draw: Draw, inner: Inner) -> Spec:
    value = inner(draw)
    keys, key, wrong_key = pick(draw, KEYS)

    def taken(draw: Draw) -> dict[str, Any]:
        return dict(several(draw, lambda draw: (key(draw), value.taken(draw)), 3))

    refused = [constant([], AT_CLOSE)]
    if wrong_key is not None:
        # A wrong key is known before its value; the value's close is the latest it can be seen in this measure.
        refused.append(lambda draw: ({**taken(draw), wrong_key: None}, AT_CLOSE.under(wrong_key)))
    if (wrong_value := value.refused) is not None:

        def poison(draw: Draw) -> tuple[Any, Deadline]:
            name = key(draw)
            wrong, deadline = wrong_value(draw)
            return {**{k: v for k, v in taken(draw).items() if k != name}, name: wrong}, deadline.under(name)

        refused.append(poison)
    return Spec(dict[keys, value.type], taken, one_of(refused), hashable=False)


def optionals(draw: Draw, inner: Inner) -> Spec:
    spec = inner(draw)
    wrong = spec.refused

    def refused(draw: Draw) -> tuple[Any, Deadline]:
        assert wrong is not None
        for _ in range(3):
            poisoned = wrong(draw)
            if poisoned[0] is not None:
                return poisoned
        return reject()

    taken = one_of([lambda _: None, spec.taken])
    return Spec(Optional[spec.type], taken, refused if wrong is not None else None, spec.hashable)


def unions(draw: Draw, inner: Inner) -> Spec:
    """Any union; what it refuses has no deadline that could be told without the implementation."""
    specs = several(draw, inner, 3, 2)
    type_: Any = Union[tuple(spec.type for spec in specs)]
    if get_origin(type_) is Union and type(None) not in get_args(type_) and flip(draw):
        type_ = Annotated[type_, Field(union_mode="left_to_right")]
    return Spec(type_, one_of([spec.taken for spec in specs]), None, all(spec.hashable for spec in specs))


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


def _member(draw: Draw, name: str, spec: Spec, default: Any) -> Member:
    plain = Field(default)
    factory = Field(default_factory=lambda: "made")
    alias = f"{name}~/alias"
    choices = Field(validation_alias=AliasChoices(alias, f"{name}-2"))
    return pick(
        draw,
        [
            Member(name, spec, name, Field()),
            Member(name, spec, name, plain, needed=False),
            Member(name, spec, name, factory, needed=False),
            Member(name, spec, alias, Field(alias=alias)),
            Member(name, spec, alias, choices),
            Member(name, spec, f"{name}-2", choices, waits=True),
            Member(name, spec, f"{name}-p", Field(validation_alias=AliasPath(f"{name}-p", 0)), waits=True, nested=True),
        ],
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


EXTRAS: tuple[Literal["ignore", "forbid", "allow"], ...] = ("ignore", "forbid", "allow")
VALIDATORS: list[tuple[dict[str, Any], Deadline | None, bool]] = [
    ({}, None, False),
    ({}, None, False),
    ({"check": model_validator(mode="after")(_refuse_marked)}, None, True),
    ({"check": model_validator(mode="after")(_refuse_marked_with_info)}, AT_OBJECT, True),
    ({"check": model_validator(mode="before")(classmethod(_untouched))}, AT_CLOSE, False),
    ({"check": model_validator(mode="wrap")(classmethod(_wrapped))}, AT_CLOSE, False),
]


def models(draw: Draw, inner: Inner) -> Spec:
    members = [_member(draw, name, inner(draw), "left alone") for name in draw(SOME_NAMES)]
    validators, floor, marked = pick(draw, VALIDATORS)
    extra = pick(draw, EXTRAS)
    config = ConfigDict(extra=extra, populate_by_name=flip(draw))
    fields = {member.name: (member.spec.type, member.info) for member in members}
    if marked:
        fields["flag"] = (str, "good")
    type_ = create_model("Model", __config__=config, __validators__=validators, **fields)
    spec = _record(type_, members, forbids=extra == "forbid", marked=marked)
    return spec if floor is None else spec.until(floor)


def dataclasses_(draw: Draw, inner: Inner) -> Spec:
    members = [Member(name, inner(draw), name, None) for name in draw(SOME_NAMES)]
    type_ = dataclasses.make_dataclass("Data", [(member.name, member.spec.type) for member in members])
    return _record(type_, members)


def typed_dicts(draw: Draw, inner: Inner) -> Spec:
    members = [Member(name, inner(draw), name, None, needed=flip(draw)) for name in draw(SOME_NAMES)]
    keys = {m.name: m.spec.type if m.needed else NotRequired[m.spec.type] for m in members}
    type_ = TypedDict("Keys", keys)
    return _record(type_, members)


def _record(type_: Any, members: list[Member], *, forbids: bool = False, marked: bool = False) -> Spec:
    def taken(draw: Draw) -> dict[str, Any]:
        present = [member for member in members if member.needed or flip(draw)]
        if flip(draw):
            present.reverse()
        return {member.key: member.written(member.spec.taken(draw)) for member in present}

    refused: list[Poison] = [any_wrong]
    for member in members:
        if member.spec.refused is not None:
            refused.append(_replace(member, member.spec.refused, taken))
        if member.needed:
            refused.append(_leave_out(member, taken))
    if forbids:
        refused.append(lambda draw: ({"other": 1, **taken(draw)}, Deadline((("other",),))))
    if marked:
        refused.append(lambda draw: ({"flag": "bad", **taken(draw)}, AT_CLOSE))
    return Spec(type_, taken, one_of(refused), hashable=False)


def _replace(member: Member, refused: Poison, taken: Make) -> Poison:
    def poison(draw: Draw) -> tuple[Any, Deadline]:
        wrong, deadline = refused(draw)
        return {**taken(draw), member.key: member.written(wrong)}, member.deadline(deadline)

    return poison


def _leave_out(member: Member, taken: Make) -> Poison:
    return lambda draw: ({key: value for key, value in taken(draw).items() if key != member.key}, AT_CLOSE)


def tagged(draw: Draw, inner: Inner) -> Spec:
    """A discriminated union, by field or by callable, its tag anywhere in the object."""
    specs = [inner(draw), inner(draw)]
    types = [
        create_model(f"Tagged{tag}", kind=(Literal[tag], ...), value=(spec.type, ...))
        for tag, spec in zip("ab", specs, strict=True)
    ]
    by_field = flip(draw)
    if by_field:
        type_: Any = Annotated[Union[tuple(types)], Field(discriminator="kind")]
    else:
        choices = tuple(Annotated[type_, Tag(tag)] for type_, tag in zip(types, "ab", strict=True))
        type_ = Annotated[Union[choices], Discriminator(_kind_of)]
    taken = one_of([_tagged_document(tag, spec.taken) for tag, spec in zip("ab", specs, strict=True)])
    refused = [
        lambda draw: ({**taken(draw), "kind": "c"}, Deadline((("kind",),))),
        lambda draw: ({"value": taken(draw)["value"]}, AT_CLOSE),
        any_wrong,
    ]
    for tag, spec in zip("ab", specs, strict=True):
        if spec.refused is not None:
            refused.append(_tagged_poison(tag, spec.refused))
    spec = Spec(type_, taken, one_of(refused), hashable=False)
    return spec if by_field else spec.until(AT_CLOSE)


def _kind_of(value: Any) -> Any:
    return value.get("kind") if isinstance(value, dict) else getattr(value, "kind", None)


def _tagged_document(tag: str, make: Make) -> Make:
    def write(draw: Draw) -> dict[str, Any]:
        value = make(draw)
        return {"kind": tag, "value": value} if flip(draw) else {"value": value, "kind": tag}

    return write


def _tagged_poison(tag: str, refused: Poison) -> Poison:
    def poison(draw: Draw) -> tuple[Any, Deadline]:
        wrong, deadline = refused(draw)
        inner = AT_CLOSE if deadline.up else deadline.under("value")
        document = _tagged_document(tag, lambda _: wrong)(draw)
        return document, dataclasses.replace(inner, paths=(*inner.paths, ("kind",)))

    return poison


class Box(BaseModel, Generic[T]):
    content: T


def boxes(draw: Draw, inner: Inner) -> Spec:
    spec = inner(draw)
    return _record(Box[spec.type], [Member("content", spec, "content", None)])


def roots(draw: Draw, inner: Inner) -> Spec:
    spec = inner(draw)
    return dataclasses.replace(spec, type=RootModel[spec.type], hashable=False)


class Node(BaseModel):
    """A recursive model, through a list, a dict and itself."""

    size: int
    next: "Node | None" = None
    children: "list[Node] | dict[str, Node]" = []


def _node(draw: Draw, depth: int = DEPTH) -> dict[str, Any]:
    size = draw(SMALL)
    if depth == 0 or draw(up_to(2)) == 0:
        return {"size": size}

    def inner(draw: Draw) -> dict[str, Any]:
        return _node(draw, depth - 1)

    children = several(draw, inner, 2)
    return {
        "next": inner(draw) if flip(draw) else None,
        "children": children if flip(draw) else {draw(TEXT): child for child in children},
        "size": size,
    }


NODE = Spec(
    Node,
    _node,
    lambda draw: (
        {"size": 1, "next": (good := _node(draw)), "children": [good, {"size": "x"}]},
        Deadline((("children", 1),)),
    ),
    hashable=False,
)

CONTAINERS = (
    *(models, models, models, dataclasses_, typed_dicts),
    *(lists, sets, tuples, dicts, optionals, unions, unions, tagged, tagged, boxes, roots),
)


class Growth:
    """Draws a type, with about five leaves."""

    def __init__(self) -> None:
        self._leaves = 5

    def draw(self, draw: Draw, depth: int = DEPTH) -> Spec:
        """Draw a container with ``depth`` levels at most, or now and then a leaf."""
        if depth == 0 or self._leaves <= 1 or draw(up_to(15)) == 0:
            self._leaves -= 1
            return NODE if draw(up_to(3)) == 1 else pick(draw, LEAVES)
        return pick(draw, CONTAINERS)(draw, lambda draw: self.draw(draw, depth - 1))


def specs(draw: Draw) -> Spec:
    """Draw any type."""
    return Growth().draw(draw)


def mutated(draw: Draw, value: Any) -> Any:
    """Return the value with one part, somewhere, replaced by any JSON, left out or added."""
    if isinstance(value, dict) and value and draw(up_to(3)):
        key = pick(draw, sorted(value))
        rest = {k: v for k, v in value.items() if k != key}
        return rest if draw(up_to(4)) == 0 else {**rest, key: mutated(draw, value[key])}
    if isinstance(value, dict) and flip(draw):
        return {**value, draw(KEY): any_json(draw)}
    if isinstance(value, list) and value and draw(up_to(3)):
        index = draw(up_to(len(value) - 1))
        return [*value[:index], mutated(draw, value[index]), *value[index + 1 :]]
    return any_json(draw)


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


def cut(draw: Draw, text: str) -> list[str]:
    """Return the text in fragments."""
    if flip(draw):
        return list(text)
    places = several(draw, drawn(up_to(len(text))), 12)
    return [text[start:end] for start, end in itertools.pairwise([0, *sorted(places), len(text)])]
