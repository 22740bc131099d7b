from typing import Any

import pytest
from pydantic import TypeAdapter

from local.models.sample import sample

SCHEMAS: list[dict[str, Any]] = [
    {"type": "object", "properties": {"a": {"type": "string"}, "n": {"type": "integer"}}, "required": ["a"]},
    {"type": "array", "items": {"type": "number", "exclusiveMinimum": 5}, "minItems": 3},
    {"anyOf": [{"type": "null"}, {"type": "string"}]},
    {"enum": ["x", "y"]},
    {"const": False},
    {"type": "boolean"},
    {"type": "string", "format": "uuid"},
    {"type": "string", "minLength": 40},
    {"type": "string", "maxLength": 3},
    {"type": "array", "prefixItems": [{"type": "string"}, {"type": "integer", "maximum": -4}]},
    {},
]


def test_a_sample_has_a_value_for_each_field() -> None:
    """Readable, and of the right type."""
    assert sample(SCHEMAS[0]) == {"a": "Example a", "n": 1}


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        (SCHEMAS[1], [6, 6, 6]),
        (SCHEMAS[2], None),
        (SCHEMAS[3], "x"),
        (SCHEMAS[4], False),
        (SCHEMAS[5], True),
        (SCHEMAS[8], "Exa"),
        (SCHEMAS[9], ["Example", -4]),
        (SCHEMAS[10], "Example"),
    ],
)
def test_a_sample_keeps_to_types_choices_and_limits(schema: dict[str, Any], value: object) -> None:
    """As far as an example can."""
    assert sample(schema) == value


def test_a_sample_of_a_recursive_schema_ends() -> None:
    """Optional parts are left out once it is deep."""
    tree = {
        "$defs": {
            "Tree": {"type": "object", "properties": {"below": {"type": "array", "items": {"$ref": "#/$defs/Tree"}}}}
        },
        "$ref": "#/$defs/Tree",
    }

    assert isinstance(sample(tree), dict)


ADAPTERS: list[TypeAdapter[Any]] = [
    TypeAdapter(list[int]),
    TypeAdapter(dict[str, list[str]]),
    TypeAdapter(tuple[int, str | None]),
]


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_a_sample_satisfies_pydantic(adapter: TypeAdapter[Any]) -> None:
    """The schemas that Pydantic writes."""
    adapter.validate_python(sample(adapter.json_schema()))
