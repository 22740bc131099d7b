import json

from local.bedrock.call import Call
from local.bedrock.script import Fragment, Step, Stop
from local.models.scripted import scripted


def text_of(steps: list[Step]) -> str:
    return "".join(step.text for step in steps if isinstance(step, Fragment))


def a_call(schema: object) -> Call:
    text_format = {"type": "json_schema", "structure": {"jsonSchema": {"schema": json.dumps(schema)}}}
    return Call("m", {"messages": [], "outputConfig": {"textFormat": text_format}})


def test_without_a_model_the_default_schema_has_a_script_of_its_own() -> None:
    """A readable answer."""
    steps = list(scripted(a_call({"properties": {"summary": {}, "keywords": {}}})))

    assert "Serverless computing" in json.loads(text_of(steps))["summary"]
    assert Stop("end_turn") in steps


def test_without_a_model_any_other_schema_gets_a_sample() -> None:
    """So that the user's own schema is seen to work."""
    schema = {"type": "object", "properties": {"city": {"type": "string"}}}

    assert json.loads(text_of(list(scripted(a_call(schema))))) == {"city": "Example city"}
