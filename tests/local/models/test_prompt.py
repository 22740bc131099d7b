from typing import Any

from local.models.prompt import limited, prompt_for, worked_examples

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"city": {"type": "string", "description": "Where."}, "size": {"type": "integer"}},
    "required": ["city", "size"],
    "additionalProperties": False,
}


def test_the_prompt_ends_where_a_small_model_has_to_go_on() -> None:
    """After the worked examples: the request on one line, the fields with their descriptions, and nothing more."""
    described = {
        **SCHEMA["properties"],
        "date": {"type": "string", "description": "When. (minLength: 3, maxLength: 9)"},
    }

    messages = [{"role": "user", "content": [{"text": "Berlin,\n please"}]}]
    prompt = prompt_for(messages, {"properties": described})

    assert prompt.endswith("\n\nRequest: Berlin, please\nFields: city (Where.), size, date (When.)\nJSON:")


def test_what_was_said_before_looks_like_one_more_worked_example() -> None:
    content = {"user": "Berlin", "assistant": '{"city":"Berlin"}'}
    turns = [{"role": role, "content": [{"text": content[role]}]} for role in ("user", "assistant", "user")]

    prompt = prompt_for(turns, {"properties": {"city": {}}})

    expected = 'Request: Berlin\nFields: city\nJSON: {"city":"Berlin"}\n\nRequest: Berlin\nFields: city\nJSON:'
    assert prompt == worked_examples() + expected


def test_a_small_model_gets_bounds_that_the_schema_lacks() -> None:
    """Texts, lists and numbers end somewhere; limits that are there stay, or become tighter."""
    schema = {
        "type": "object",
        "properties": {
            "text": {"type": "string"},
            "short": {"type": "string", "maxLength": 10},
            "day": {"type": "string", "format": "date"},
            "kind": {"type": "string", "enum": ["a"]},
            "list": {"type": "array", "items": {"type": "integer", "minimum": 1}},
            "share": {"type": "number", "description": "In percent. (minimum: 0, exclusiveMaximum: 100)"},
        },
    }

    assert limited(schema)["properties"] == {
        "text": {"type": "string", "minLength": 1, "maxLength": 300},
        "short": {"type": "string", "minLength": 1, "maxLength": 10},
        "day": {"type": "string", "format": "date"},
        "kind": {"type": "string", "enum": ["a"]},
        "list": {
            "type": "array",
            "items": {"type": "integer", "minimum": 1, "maximum": 999_999},
            "minItems": 1,
            "maxItems": 5,
        },
        "share": {
            "type": "number",
            "description": "In percent. (minimum: 0, exclusiveMaximum: 100)",
            "minimum": 0,
            "exclusiveMaximum": 100,
            "multipleOf": 0.01,
        },
    }


def test_a_list_of_what_it_is_part_of_may_be_empty() -> None:
    """A tree has to end."""
    tree = {"type": "array", "items": {"$ref": "#/$defs/Tree"}}

    assert limited(tree) == {"type": "array", "items": {"$ref": "#/$defs/Tree"}, "minItems": 0, "maxItems": 5}
