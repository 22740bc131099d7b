import json
from typing import Any

import pytest

from local.bedrock.rules import Refused, check_length, check_request, check_schema, forced_tool, schema_of

MODEL = "global.anthropic.claude-haiku-4-5-20251001-v1:0"
HELLO = {"role": "user", "content": [{"text": "hello"}]}
TEXT = {"type": "string"}


def an_object(**properties: object) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def native(schema: object) -> dict[str, Any]:
    return {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": {"name": "a", "schema": schema}}}}


TOOL = {"toolSpec": {"name": "answer", "inputSchema": {"json": an_object(a=TEXT)}}}
FORCED = {"tools": [TOOL], "toolChoice": {"tool": {"name": "answer"}}}


BETA = {"anthropic_beta": ["fine-grained-tool-streaming-2025-05-14"]}


def tool_with(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a configuration with one tool, whose input has this schema."""
    return {"tools": [{"toolSpec": {"name": "answer", "inputSchema": {"json": schema}}}]}


@pytest.mark.parametrize(
    "body",
    [
        {"messages": [HELLO]},
        {"messages": [HELLO], "inferenceConfig": {"maxTokens": 1, "temperature": 0.7}},
        {"messages": [HELLO], "outputConfig": native(json.dumps(an_object(a=TEXT)))},
        {"messages": [HELLO], "toolConfig": FORCED},
        {"messages": [HELLO], "system": [{"text": "Explain."}]},
        {"messages": [HELLO], "guardrailConfig": {"guardrailIdentifier": "g1", "guardrailVersion": "3"}},
        {"messages": [HELLO, {"role": "assistant", "content": [{"text": "{"}]}]},
    ],
)
def test_what_the_service_takes_passes(body: dict[str, Any]) -> None:
    """No token limit, a temperature, a native schema, a forced tool, a prefill: fine for this model."""
    check_request(MODEL, body, refuses_output_config=False)


@pytest.mark.parametrize(
    ("model", "body", "words"),
    [
        (MODEL, {}, "messages"),
        (MODEL, {"messages": []}, "messages"),
        (MODEL, {"messages": [{"role": "user", "content": []}]}, "empty"),
        (MODEL, {"messages": [{"role": "user", "content": [{"text": " "}]}]}, "blank"),
        (MODEL, {"messages": [{"role": "assistant", "content": [{"text": "x"}]}]}, "start with a user message"),
        (MODEL, {"messages": [HELLO], "inferenceConfig": {"maxTokens": 0}}, "maxTokens"),
        (MODEL, {"messages": [HELLO], "inferenceConfig": {"temperature": 1.1}}, "temperature"),
        (MODEL, {"messages": [HELLO], "inferenceConfig": {"topP": -0.1}}, "topP"),
        (MODEL, {"messages": [HELLO], "inferenceConfig": {"temperature": 1, "topP": 1}}, "cannot both"),
        ("us.anthropic.claude-opus-4-7", {"messages": [HELLO], "inferenceConfig": {"temperature": 0}}, "temperature"),
        ("global.anthropic.claude-haiku-5-5", {"messages": [HELLO], "inferenceConfig": {"topP": 1}}, "top_p"),
        ("eu.anthropic.claude-sonnet-5-5", {"messages": [HELLO], "toolConfig": FORCED}, "tool_choice"),
        (
            "anthropic.claude-sonnet-4-6",
            {"messages": [HELLO, {"role": "assistant", "content": [{"text": "{"}]}]},
            "prefill",
        ),
        (MODEL, {"messages": [HELLO], "toolConfig": {"tools": []}}, "tools"),
        (MODEL, {"messages": [HELLO], "toolConfig": tool_with({"$ref": "#/$defs/A"})}, "type: Field required"),
        (MODEL, {"messages": [HELLO], "toolConfig": tool_with({"type": "array"})}, "should be 'object'"),
        (MODEL, {"messages": [HELLO], "toolConfig": tool_with({"type": "object", "oneOf": []})}, "at the top level"),
        ("amazon.nova-pro-v1:0", {"messages": [HELLO], "additionalModelRequestFields": BETA}, "anthropic_beta"),
        (
            "us.anthropic.claude-opus-5",
            {"messages": [HELLO], "additionalModelRequestFields": {"top_k": 5}},
            "`top_k` is deprecated",
        ),
        ("anthropic.claude-fable-5", {"messages": [HELLO], "outputConfig": native("{}")}, "Extra inputs"),
        (MODEL, {"messages": [HELLO], "toolConfig": {**FORCED, "toolChoice": {"tool": {"name": "x"}}}}, "tool x"),
        (MODEL, {"messages": [HELLO], "outputConfig": native({"type": "object"})}, "must be a string"),
        (MODEL, {"messages": [HELLO], "outputConfig": native("{")}, "not a JSON object"),
        (MODEL, {"messages": [HELLO], "outputConfig": {"textFormat": {"type": "text"}}}, "type"),
    ],
)
def test_what_the_service_refuses_is_refused(model: str, body: dict[str, Any], words: str) -> None:
    """The message says what is wrong."""
    with pytest.raises(Refused, match=words):
        check_request(model, body, refuses_output_config=False)


def test_a_model_without_native_schemas_says_so_by_the_name_of_the_field() -> None:
    """A caller can tell that it is the output configuration."""
    with pytest.raises(Refused, match="outputConfig"):
        check_request(MODEL, {"messages": [HELLO], "outputConfig": native("{}")}, refuses_output_config=True)


@pytest.mark.parametrize(
    "schema",
    [
        an_object(text=TEXT, count={"type": "integer"}, day={"type": "string", "format": "date"}),
        an_object(
            kind={"enum": ["a", 1, None]}, fixed={"const": 3}, items={"type": "array", "items": TEXT, "minItems": 1}
        ),
        an_object(either={"anyOf": [TEXT, {"type": "null"}]}, text={"type": "string", "minLength": 1, "maxLength": 9}),
        {**an_object(a={"$ref": "#/$defs/A"}, b={"$ref": "#/$defs/A"}), "$defs": {"A": an_object(minimum=TEXT)}},
        an_object(code={"type": "string", "pattern": "^[A-Z]{2}[0-9]+$"}),
    ],
)
def test_a_schema_inside_the_subset_compiles(schema: dict[str, Any]) -> None:
    """Also where a field has the name of a keyword, and where a definition is used twice."""
    check_schema(schema)


@pytest.mark.parametrize(
    "part",
    [
        {"type": "integer", "minimum": 0},
        {"type": "number", "exclusiveMaximum": 1},
        {"type": "number", "multipleOf": 0.5},
        {"type": "array", "items": TEXT, "maxItems": 3},
        {"type": "array", "items": TEXT, "minItems": 2},
        {"type": "array", "prefixItems": [TEXT]},
        {"type": "array", "items": TEXT, "uniqueItems": True},
        {"oneOf": [TEXT, {"type": "null"}]},
        {"type": "string", "format": "color"},
        {"type": "string", "pattern": "(?=a)"},
        {"type": "object", "properties": {"a": TEXT}},
        {"type": "object", "additionalProperties": TEXT},
        {"enum": [{"a": 1}]},
        {},
        {"$ref": "https://example.com/schema"},
        {"$ref": "#/$defs/Self"},
        {"type": "array", "items": {"type": "integer", "maximum": 5}},
    ],
)
def test_a_schema_outside_the_subset_is_refused_wherever_it_is(part: dict[str, Any]) -> None:
    """Keywords, formats, patterns, open objects, recursion: each is refused, and the message names the output."""
    schema = {**an_object(field=part), "$defs": {"Self": an_object(again={"$ref": "#/$defs/Self"})}}

    with pytest.raises(Refused, match="output_config"):
        check_schema(schema)


def test_too_many_optional_or_union_fields_are_refused() -> None:
    """24 optional fields and 16 unions compile, one more of either does not."""
    union = {"anyOf": [TEXT, {"type": "null"}]}
    check_schema({**an_object(**{f"f{n}": TEXT for n in range(24)}), "required": []})
    check_schema(an_object(**{f"f{n}": union for n in range(16)}))

    with pytest.raises(Refused, match="too complex"):
        check_schema({**an_object(**{f"f{n}": TEXT for n in range(25)}), "required": []})
    with pytest.raises(Refused, match="too complex"):
        check_schema(an_object(**{f"f{n}": union for n in range(17)}))


def test_a_request_that_is_longer_than_the_limit_is_refused() -> None:
    body = {"messages": [HELLO], "system": [{"text": "x" * 1000}]}
    check_length(body, 2000)

    with pytest.raises(Refused, match="too long"):
        check_length(body, 1000)


def test_the_schema_is_found_wherever_the_request_states_it() -> None:
    """Natively, in the forced tool, in plain words, or nowhere."""
    schema = an_object(a=TEXT)
    words = f"Use {{braces}} well. Match this: {json.dumps(schema)} and nothing else."

    assert schema_of({"outputConfig": native(json.dumps(schema))}) == schema
    assert schema_of({"toolConfig": FORCED}) == schema
    assert schema_of({"system": [{"text": words}]}) == schema
    assert schema_of({"system": [{"text": "Be kind."}]}) is None


def test_only_a_named_tool_is_a_forced_one() -> None:
    """``auto`` and ``any`` leave the choice to the model."""
    assert forced_tool({"toolConfig": FORCED}) == "answer"
    assert forced_tool({"toolConfig": {"tools": [TOOL], "toolChoice": {"auto": {}}}}) is None
    assert forced_tool({}) is None


GUARDRAIL = {"guardrailIdentifier": "g1", "guardrailVersion": "3"}


@pytest.mark.parametrize(
    "body",
    [
        {"system": [{"text": " \n"}]},
        {"system": [{"text": "Explain."}, {"text": "\u3000"}]},
        {"guardrailConfig": {"guardrailIdentifier": "g1"}},
        {"guardrailConfig": {"guardrailVersion": "3"}},
        {"guardrailConfig": {**GUARDRAIL, "trace": "on"}},
        {"guardrailConfig": {**GUARDRAIL, "streamProcessingMode": "later"}},
    ],
)
def test_blank_instructions_and_half_a_guardrail_are_refused(body: dict[str, Any]) -> None:
    with pytest.raises(Refused, match=r"blank|guardrailConfig"):
        check_request(MODEL, {"messages": [HELLO], **body}, refuses_output_config=False)
