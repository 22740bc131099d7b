"""What is known of a schema before a value of it closes."""

import enum
from typing import Annotated, Any, Literal, get_args

import pytest
from pydantic import BaseModel, Field, TypeAdapter, ValidationError, model_validator
from pydantic_core import CoreSchema

from function.partials.plans import Tag, plans_of
from function.partials.reader import Kind

KINDS: tuple[Kind, ...] = get_args(Kind)


class _Core:
    """A type with a core schema of its own."""

    def __init__(self, schema: CoreSchema) -> None:
        self.schema = schema

    def __get_pydantic_core_schema__(self, *_: object) -> CoreSchema:
        return self.schema


SCALARS: dict[str, tuple[str, str, str]] = {
    # core schema: the kinds of which a value may be valid, the same in strict mode, and the rule that all others break
    "str": ("string", "string", "string_type"),
    "int": ("string number boolean", "number", "int_type"),
    "float": ("string number boolean", "number", "float_type"),
    "bool": ("string number boolean", "boolean", "bool_type"),
    "none": ("null", "null", "none_required"),
    "bytes": ("string", "string", "bytes_type"),
    "date": ("string number", "string", "date_type"),
    "time": ("string number", "string", "time_type"),
    "datetime": ("string number", "string", "datetime_type"),
    "timedelta": ("string number", "string", "time_delta_type"),
    "decimal": ("string number", "string number", "decimal_type"),
    "uuid": ("string", "string", "uuid_type"),
    "url": ("string", "string", "url_type"),
    "multi-host-url": ("string", "string", "url_type"),
    "complex": ("string number", "string number", "complex_type"),
    "json": ("string", "string", "json_type"),
}


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("type_", SCALARS)
def test_a_value_of_a_wrong_kind_is_known_by_its_first_character(type_: str, strict: bool) -> None:
    """Whether Pydantic renames an error or takes a new kind of value: this table must know."""
    kinds = SCALARS[type_][1 if strict else 0].split()
    schema: Any = {"type": type_} if type_ in ("none", "json") else {"type": type_, "strict": strict}
    plan = plans_of(Annotated[Any, _Core(schema)]).root_plan

    rules = {kind: plan.alternatives_for(kind)[1] for kind in KINDS}

    assert rules == {kind: None if kind in kinds else SCALARS[type_][2] for kind in KINDS}


class Colour(enum.StrEnum):
    RED = "red"


class Numbered(BaseModel):
    kind: Literal[1]


class Coloured(BaseModel):
    kind: Literal[Colour.RED]


class Watched(BaseModel):
    kind: Literal["watched"]

    @model_validator(mode="before")
    @classmethod
    def _must_not_run(cls, data: object) -> object:
        raise AssertionError(data)


TAGGED = Annotated[Numbered | Coloured | Watched, Field(discriminator="kind")]


def _tag() -> Tag:
    tag = plans_of(TAGGED).root_plan.tag
    assert tag is not None
    return tag


@pytest.mark.parametrize("tag", ["1", "true", "1.0", '"red"'])
def test_a_tag_chooses_as_pydantic_does(tag: str) -> None:
    """It decides which tags are equal: true and 1.0 are 1, and a text is the member of an enum of texts."""
    document = f'{{"kind": {tag}}}'
    expected = type(TypeAdapter(TAGGED).validate_json(document))

    chosen = _tag().choose(bytearray(tag.encode()))

    assert not isinstance(chosen, ValidationError)
    assert chosen.is_valid(document.encode())
    assert chosen.is_valid(b'{"kind": 1}') is (expected is Numbered)


def test_no_validator_sees_an_object_of_which_the_tag_alone_is_known() -> None:
    """Its class may have one that wants more."""
    chosen = _tag().choose(bytearray(b'"watched"'))

    assert not isinstance(chosen, ValidationError)
    assert chosen.judged_at_close


@pytest.mark.parametrize("tag", ['"blue"', "2", '"1"', "[1]", "null"])
def test_a_tag_that_is_none_has_the_error_that_pydantic_gives_the_object(tag: str) -> None:
    with pytest.raises(ValidationError) as expected:
        TypeAdapter(TAGGED).validate_json(f'{{"kind": {tag}}}')

    error = _tag().choose(bytearray(tag.encode()))

    assert isinstance(error, ValidationError)
    assert [each["type"] for each in error.errors()] == [each["type"] for each in expected.value.errors()]


def test_the_plans_of_a_type_are_made_once() -> None:
    """Equal types have plans of their own: ``int | str`` and ``str | int`` are equal and report different errors."""
    first, second = int | str, str | int

    assert plans_of(first) is plans_of(first)
    assert first == second
    assert plans_of(first) is not plans_of(second)


def test_an_error_that_was_found_holds_no_frames() -> None:
    """They lead back to the request, which would stay in memory until the garbage collector comes by."""
    plan = plans_of(int).root_plan
    error = plan.find_error(b'"x"')
    assert isinstance(error, ValidationError)
    assert error.__traceback__ is None
