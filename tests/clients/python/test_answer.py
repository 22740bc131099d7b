"""The answer as an object of the class, for every way in which a class and its dump can differ."""

import json
from datetime import date
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID, uuid4

import pytest
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    RootModel,
    Secret,
    SecretStr,
    TypeAdapter,
    computed_field,
    field_serializer,
    field_validator,
    model_serializer,
)
from pydantic.dataclasses import dataclass

from function.partials import Partials
from function.stream.encoders import written_change
from streaming_llm_client.answer import Reader
from streaming_llm_client.errors import NotRoundTrip, SchemaMismatch
from streaming_llm_client.growing import Growing


class Plain(BaseModel):
    day: date
    pair: tuple[int, Decimal] = (1, Decimal(2))


class Aliased(BaseModel):
    name: str = Field(validation_alias="Name", serialization_alias="NAME")


class Computed(BaseModel):
    model_config = ConfigDict(extra="forbid")
    items: list[int]

    @computed_field(alias="howMany")  # type: ignore[prop-decorator]
    @property
    def count(self) -> int:
        return len(self.items)


class Excluded(BaseModel):
    shown: str
    hidden: str = Field(exclude=True)


class ExcludedDefault(BaseModel):
    shown: str
    hidden: str = Field(default="x", exclude=True)


class OneWay(BaseModel):
    price: Decimal

    @field_serializer("price")
    def shown(self, price: Decimal) -> str:
        return f"{price} EUR"


class Twice(BaseModel):
    name: str

    @field_serializer("name")
    def shown(self, name: str) -> str:
        return f"Dr. {name}"


class Lowered(BaseModel):
    word: str

    @field_validator("word", mode="before")
    @classmethod
    def lower(cls, word: str) -> str:
        return word.lower()


class Locked(BaseModel):
    user: str
    password: SecretStr


class Maybe(BaseModel):
    user: str
    pin: Secret[int] | None = None


class Outer(BaseModel):
    inner: list[Excluded]


class Whole(BaseModel):
    a: int

    @model_serializer
    def shown(self) -> str:
        return f"a is {self.a}"


class Root(RootModel[list[int]]):
    pass


@dataclass
class Data:
    number: Annotated[int, PlainSerializer(hex)]


def streamed(type_: Any, document: object) -> tuple[Growing, Any]:
    """Return what the endpoint sends of a document: the object that its changes build, and the dump of its class."""
    partials: Partials[Any] = Partials(type_, hide=True)
    growing = Growing()
    for change in partials.feed(json.dumps(document)):
        growing.apply(json.loads(written_change(change)))
    return growing, TypeAdapter(type_).dump_python(partials.finish(), mode="json", by_alias=True)


@pytest.mark.parametrize(
    ("type_", "document"),
    [
        (Plain, {"day": "2026-11-30"}),
        (Plain, {"day": "2026-11-30", "pair": [3, "4.50"], "more": 1}),
        (Aliased, {"Name": "x"}),
        (Computed, {"items": [1, 2]}),
        (ExcludedDefault, {"shown": "a"}),
        (OneWay, {"price": "1.50"}),
        (Twice, {"name": "x"}),
        (Lowered, {"word": "ABC"}),
        (Whole, {"a": 1}),
        (Root, [1, 2]),
        (Data, {"number": 255}),
        (Maybe, {"user": "u"}),
        (list[Computed], [{"items": []}]),
        (dict[str, OneWay], {"a/b": {"price": 2}}),
    ],
)
def test_an_answer_is_made_from_the_document_that_was_streamed(type_: Any, document: object) -> None:
    """Whatever its dump looks like."""
    growing, value = streamed(type_, document)

    assert Reader(type_).read(growing, value) == TypeAdapter(type_).validate_json(json.dumps(document))


@pytest.mark.parametrize(
    ("type_", "document"),
    [
        (Plain, {"day": "2026-11-30"}),
        (ExcludedDefault, {"shown": "a"}),
        (Lowered, {"word": "ABC"}),
        (Root, [1]),
        (int, 7),
        (Maybe, {"user": "u"}),
    ],
)
def test_without_deltas_it_is_made_from_the_dump(type_: Any, document: object) -> None:
    _, value = streamed(type_, document)

    assert Reader(type_).read(Growing(), value) == TypeAdapter(type_).validate_python(document)


@pytest.mark.parametrize(
    ("type_", "document", "path"),
    [
        (Aliased, {"Name": "x"}, "/Name"),
        (Computed, {"items": [1]}, "/howMany"),
        (Excluded, {"shown": "a", "hidden": "b"}, "/hidden"),
        (OneWay, {"price": "1.50"}, "/price"),
        (Twice, {"name": "x"}, "/name"),
        (Locked, {"user": "u", "password": "p"}, "/password"),
        (Maybe, {"user": "u", "pin": 1}, "/pin"),
        (Outer, {"inner": [{"shown": "a", "hidden": "b"}]}, "/inner/0/hidden"),
        (Whole, {"a": 1}, ""),
        (Data, {"number": 255}, "/number"),
        (dict[str, OneWay], {"a/b": {"price": 2}}, "/a~1b/price"),
    ],
)
def test_a_dump_that_is_not_the_input_of_its_class_is_named(type_: Any, document: object, path: str) -> None:
    """No other answer is made up in its place."""
    _, value = streamed(type_, document)

    with pytest.raises(NotRoundTrip, match="The JSON values are in Stream") as raised:
        Reader(type_).read(Growing(), value)

    assert raised.value.issues == [(path, "not_round_trip")]
    assert (path or "the document") in str(raised.value)


@pytest.mark.parametrize(
    ("type_", "document", "path"),
    [
        (Excluded, {"shown": "a", "hidden": "b"}, "/hidden"),
        (Outer, {"inner": [{"shown": "a", "hidden": "b"}]}, "/inner/0/hidden"),
        (Locked, {"user": "u", "password": "p"}, "/password"),
        (Maybe, {"user": "u", "pin": 1}, "/pin"),
    ],
)
def test_what_the_deltas_hid_is_not_replaced_by_its_mask_or_default(type_: Any, document: object, path: str) -> None:
    growing, value = streamed(type_, document)

    with pytest.raises(NotRoundTrip) as raised:
        Reader(type_).read(growing, value)

    assert raised.value.issues == [(path, "not_round_trip")]


class Stamped(BaseModel):
    name: str
    id: UUID = Field(default_factory=uuid4)


def test_a_default_that_is_made_anew_is_the_endpoints_only_in_the_dump() -> None:
    """The document that the model wrote has none."""
    growing, value = streamed(Stamped, {"name": "x"})

    assert str(Reader(Stamped).read(growing, value).id) != value["id"]
    assert str(Reader(Stamped).read(Growing(), value).id) == value["id"]


class Narrow(BaseModel):
    model_config = ConfigDict(title="Narrow")
    day: int
    other: str


@pytest.mark.parametrize("has_deltas", [True, False])
def test_a_class_that_is_another_one_is_a_mismatch(has_deltas: bool) -> None:
    """Path and rule are named, and no value."""
    growing, value = streamed(Plain, {"day": "2026-11-30"})

    with pytest.raises(SchemaMismatch, match="Narrow does not accept it") as raised:
        Reader(Narrow).read(growing if has_deltas else Growing(), value)

    assert not isinstance(raised.value, NotRoundTrip)
    assert raised.value.issues == [("/day", "int_parsing"), ("/other", "missing")]
    assert "2026" not in str(raised.value)


def test_a_smaller_class_reads_its_part() -> None:
    class Part(BaseModel):
        day: str

    growing, value = streamed(Plain, {"day": "2026-11-30"})

    assert Reader(Part).read(growing, value) == Reader(Part).read(Growing(), value) == Part(day="2026-11-30")
