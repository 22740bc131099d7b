"""A Pydantic schema in the subset that Bedrock compiles, or the reason why not."""

from datetime import date
from enum import StrEnum
from typing import Any, Literal

import pytest
from pydantic import BaseModel, Field, TypeAdapter, create_model

from function.aws.bedrock.output_schema import InexpressibleError, TooComplexError, complexity, output_schema, rewrite
from function.schema import Answer
from local.bedrock.rules import Refused, check_schema


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class Cat(BaseModel):
    kind: Literal["cat"]
    lives: int = Field(ge=1, le=9)


class Dog(BaseModel):
    kind: Literal["dog"]


class Owner(BaseModel):
    """Somebody."""

    name: str = Field(min_length=1, max_length=80, description="As on the passport.")
    born: date | None = None
    colours: list[Colour] = Field(min_length=1, max_length=3)
    pet: Cat | Dog = Field(discriminator="kind")


class Node(BaseModel):
    children: list["Node"]


class Fallback(BaseModel):
    """Its field has the name of a keyword of JSON Schema."""

    default: "Fallback | None" = None


class Free(BaseModel):
    values: dict[str, int]


class Pair(BaseModel):
    pair: tuple[int, str]


class Anything(BaseModel):
    value: Any


def test_the_default_answer_is_sent_as_it_is() -> None:
    assert output_schema(Answer.model_json_schema()) == {
        "description": "An explanation of one topic.",
        "type": "object",
        "properties": {
            "summary": {"description": "A summary of the topic in a few sentences.", "type": "string"},
            "keywords": {
                "description": "The most important terms of the topic.",
                "type": "array",
                "items": {"type": "string"},
            },
        },
        "required": ["summary", "keywords"],
        "additionalProperties": False,
    }


def test_what_the_service_refuses_moves_into_the_description() -> None:
    """Discriminated unions become ``anyOf``, limits become words, everything is closed."""
    schema = output_schema(Owner.model_json_schema())

    assert schema["properties"]["name"] == {
        "description": "As on the passport. (minLength: 1, maxLength: 80)",
        "type": "string",
    }
    assert schema["properties"]["born"]["anyOf"] == [{"type": "string", "format": "date"}, {"type": "null"}]
    assert schema["properties"]["colours"] == {
        "type": "array",
        "items": {"$ref": "#/$defs/Colour"},
        "minItems": 1,
        "description": "(maxItems: 3)",
    }
    assert schema["properties"]["pet"] == {"anyOf": [{"$ref": "#/$defs/Cat"}, {"$ref": "#/$defs/Dog"}]}
    assert schema["$defs"]["Cat"]["properties"]["lives"]["description"] == "(minimum: 1, maximum: 9)"
    assert schema["$defs"]["Dog"]["additionalProperties"] is False


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (Node, "Node contains itself"),
        (Fallback, "Fallback contains itself"),
        (Free, "/properties/values is a dictionary with free keys"),
        (Pair, "/properties/pair is a tuple"),
        (Anything, "/properties/value accepts any value"),
    ],
)
def test_what_cannot_be_expressed_is_named(model: type[BaseModel], reason: str) -> None:
    with pytest.raises(InexpressibleError, match=reason):
        output_schema(model.model_json_schema())


def test_the_schema_that_was_given_stays_as_it_was() -> None:
    schema = Owner.model_json_schema()
    output_schema(schema)

    assert schema == Owner.model_json_schema()


class Part(BaseModel):
    """A definition with two optional fields, one of them a union."""

    name: str = ""
    size: int | None = None


def fields(number: int, kind: Any, *default: object) -> type[BaseModel]:
    """Return a class with this many fields of a kind."""
    members: dict[str, Any] = {f"f{each}": (kind, *(default or [...])) for each in range(number)}
    return create_model("Many", **members)


COUNTED: list[tuple[Any, tuple[int, int]]] = [
    (fields(17, str), (0, 0)),
    (fields(16, int | str), (0, 16)),
    (fields(17, int | str), (0, 17)),
    (fields(17, list[int | str]), (0, 17)),
    (fields(17, list[list[int | str]]), (0, 17)),
    (fields(16, str | None, None), (16, 16)),
    (fields(24, str, ""), (24, 0)),
    (fields(25, str, ""), (25, 0)),
    (fields(20, Part), (2, 1)),
    (fields(23, Part, Part()), (25, 1)),
    (list[int | str], (0, 1)),
    (Cat | Dog, (0, 1)),
    (list[fields(17, Cat | Dog)], (0, 17)),  # type: ignore[misc]
    (create_model("Keywords", anyOf=(str, ...), items=(int, 0), type=(list[str], ...)), (1, 0)),
]
"""Types, with how many fields are optional and how many places are unions."""


@pytest.mark.parametrize(("kind", "counted"), COUNTED)
def test_every_place_counts_and_bedrock_counts_the_same(kind: Any, counted: tuple[int, int]) -> None:
    """Fields, items, definitions and the root: what the service would refuse is refused here."""
    schema = TypeAdapter(kind).json_schema()
    rewritten = rewrite(schema)

    assert complexity(rewritten) == counted
    if counted[0] > 24 or counted[1] > 16:
        with pytest.raises(TooComplexError, match=f"it has ({counted[0]} optional fields|{counted[1]} unions), and"):
            output_schema(schema)
        with pytest.raises(Refused, match="too complex"):
            check_schema(rewritten)
    else:
        assert output_schema(schema) == rewritten
        check_schema(rewritten)
