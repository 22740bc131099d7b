"""The models of the events are those that the encoders write."""

import json
from typing import Any

import jsonschema
import pytest
from pydantic import TypeAdapter

from streaming_llm_client.events import Event, Problem
from tests.clients.vectors.reading import WHITE_SPACE
from tests.clients.vectors.vector import Vector, vectors

EVENT: TypeAdapter[Any] = TypeAdapter(Event)
SCHEMA = EVENT.json_schema()
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
NAMED = TypeAdapter(list[Event]).json_schema()["$defs"]
WRITTEN = [vector for vector in vectors() if vector.made == "encoder" and vector.response]
STREAMED = [vector for vector in WRITTEN if vector.response and vector.response.status == 200]


def events(vector: Vector) -> list[Any]:
    assert vector.response is not None
    lines = vector.response.body.decode().split("\n")
    texts = [line.removeprefix("data: ") for line in lines if line.strip(WHITE_SPACE)]
    return [json.loads(text) for text in texts if text.startswith("{")]


def test_every_event_of_the_encoders_is_one_of_the_models() -> None:
    """With all of its members, and no other; for Pydantic and for a validator of JSON Schema."""
    for vector in STREAMED:
        assert events(vector), vector.name
        for event in events(vector):
            VALIDATOR.validate(event)
            assert EVENT.validate_python(event).model_dump(by_alias=True, exclude_unset=True) == event


def test_every_problem_is_one_of_the_model() -> None:
    for vector in WRITTEN:
        if vector.response and vector.response.status != 200:
            problem = json.loads(vector.response.body)

            assert Problem.model_validate(problem).model_dump(by_alias=True, exclude_unset=True) == problem
            assert problem.keys() <= Problem.model_json_schema()["properties"].keys(), vector.name


def test_each_event_has_a_name_in_the_schema() -> None:
    """The OpenAPI document and the types that are generated from it are made of these."""
    names = {"Start", "Delta", "Snapshot", "Thinking", "Restart", "Complete", "Error"}

    assert {f"{name}Event" for name in names} | {"Event", "Change", "Usage", "Problem", "Json"} <= NAMED.keys()
    assert set(NAMED["Event"]["discriminator"]["mapping"]) == {name.lower() for name in names}


def test_what_may_be_absent_is_not_null() -> None:
    """A null that no encoder writes would be one more case in every generated type."""
    definitions = SCHEMA["$defs"]

    assert definitions["Usage"]["properties"]["thinkingTokens"] == {"title": "Thinkingtokens", "type": "integer"}
    assert definitions["StartEvent"]["required"] == ["at", "type", "id"]
    assert definitions["Change"]["properties"]["closed"]["const"] is True
    assert {"$ref": "#/$defs/Usage"} in definitions["CompleteEvent"]["properties"]["usage"]["anyOf"]
    assert {"type": "null"} in definitions["CompleteEvent"]["properties"]["usage"]["anyOf"]


@pytest.mark.parametrize(
    "event",
    [
        {"type": "complete", "at": 1, "value": 1, "usage": None},
        {"type": "complete", "at": 1, "value": 1, "usage": {"inputTokens": 1}, "stopReason": "end_turn"},
        {"type": "error", "at": 1, "problem": {"type": "t", "title": "t", "code": ""}},
        {"type": "delta", "at": 1, "changes": [{"value": 1}]},
        {"type": "start", "at": 1},
        {"type": "cost", "at": 1},
        {"at": 1},
    ],
)
def test_another_event_is_refused(event: Any) -> None:
    with pytest.raises(ValueError, match="validation error"):
        EVENT.validate_python(event)
    with pytest.raises(jsonschema.ValidationError):
        VALIDATOR.validate(event)
