"""The document is valid, and describes what the endpoint receives and sends."""

import json
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator, OpenAPIV32SpecValidator
from pydantic import BaseModel, PydanticUserError

from function.answer_type import AnswerType
from function.schema import Answer, Request
from function.stream.negotiation import OFFERS
from openapi.document import VERSIONS, Route, document
from tests.clients.vectors.vector import vectors
from tests.openapi import own
from tests.wire.endings_table import BY_CODE

MISTAKES = json.loads((Path(__file__).parent / "mistakes.json").read_text())
DEFAULT = Route(Request, AnswerType("function.schema:Answer"))
OWN = Route(own.Problem, AnswerType("tests.openapi.own:Change"))
BY_VERSION = {version: document({"stream": DEFAULT}, version) for version in VERSIONS}
[NEWEST, OLDER] = BY_VERSION.values()


def is_valid(described: dict[str, Any]) -> bool:
    is_newest = described["openapi"] == VERSIONS[0]
    return (OpenAPIV32SpecValidator if is_newest else OpenAPIV31SpecValidator)(described).is_valid()


def of_component(name: str, described: dict[str, Any]) -> jsonschema.Draft202012Validator:
    """Return a validator for a component of a document."""
    return jsonschema.Draft202012Validator({**described, "$ref": f"#/components/schemas/{name}"})


def answered(described: dict[str, Any], route: str = "stream") -> dict[str, Any]:
    """Return the content of the response with an answer, by media type."""
    content: dict[str, Any] = described["paths"][f"/v1/{route}"]["post"]["responses"]["200"]["content"]
    return content


def found(target: str, described: dict[str, Any]) -> Any:
    """Return the part of a document that a reference names."""
    part: Any = described
    for step in target.removeprefix("#/").split("/"):
        part = part[step]
    return part


def references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        yield from (value for key, value in part.items() if key == "$ref")
        yield from (target for value in part.values() for target in references(value))
    if isinstance(part, list):
        yield from (target for value in part for target in references(value))


@pytest.mark.parametrize("version", VERSIONS)
def test_the_document_is_valid(version: str) -> None:
    for described in (BY_VERSION[version], document({"first": DEFAULT, "second": OWN}, version)):
        assert is_valid(described)
        for target in references(described):
            assert found(target, described) is not None


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake["what"])
def test_a_document_with_a_mistake_is_not_valid(mistake: dict[str, Any], version: str) -> None:
    described = place = deepcopy(BY_VERSION[version])
    *above, last = mistake["at"]
    for step in above:
        place = place[step]
    place[last] = mistake["value"]

    assert not is_valid(described)


@pytest.mark.parametrize("version", VERSIONS)
def test_every_event_of_the_endpoint_is_the_one_that_is_described(version: str) -> None:
    """As an event of JSON Lines, and as the data of a message of Server-Sent Events."""
    event, message = of_component("Event", BY_VERSION[version]), of_component("ServerSentEvent", BY_VERSION[version])
    seen: set[tuple[str, bool]] = set()
    for vector in vectors():
        if vector.made != "encoder" or vector.response is None or vector.response.status != 200:
            continue
        for block in vector.response.body.decode().replace("\r\n", "\n").split("\n\n"):
            for line in block.split("\n"):
                if line.startswith(("{", "data: {")):
                    value = json.loads(line.removeprefix("data: "))
                    event.validate(value)
                    seen.add((value["type"], line.startswith("data")))
            fields = dict(line.split(": ", 1) for line in block.split("\n") if not line.startswith((":", "{")) and line)
            if fields:
                message.validate(fields)

    types = answered(NEWEST)
    assert types["application/jsonl"] == {"itemSchema": {"$ref": "#/components/schemas/Event"}}
    assert types["text/event-stream"] == {"itemSchema": {"$ref": "#/components/schemas/ServerSentEvent"}}
    assert len(seen) == 2 * len(NEWEST["components"]["schemas"]["Event"]["oneOf"])


def test_another_event_is_not() -> None:
    event = of_component("Event", NEWEST)

    assert not event.is_valid({"type": "start", "at": 1})
    assert not event.is_valid({"type": "delta", "at": 1, "changes": [{"value": 1}]})
    assert not event.is_valid({"type": "delta", "at": 1, "changes": [{"path": "", "closed": False}]})
    assert not event.is_valid({"type": "complete", "at": 1, "value": 1, "usage": None})


def test_every_format_and_every_code_is_described() -> None:
    operation = NEWEST["paths"]["/v1/stream"]["post"]
    responses = NEWEST["components"]["responses"]

    assert list(answered(NEWEST)) == [
        f"{each.media_type}; view={each.view}" if each.view else each.media_type for each in OFFERS
    ]
    assert answered(OLDER).keys() == answered(NEWEST).keys()
    for code, error in BY_CODE.items():
        assert f"`{code}`: {error.title}" in responses[f"Problem{error.status}"]["description"]
        assert str(error.status) in operation["responses"]
    retried = {f"Problem{error.status}" for error in BY_CODE.values() if error.retry_after}
    assert {name for name, it in responses.items() if "Retry-After" in it["headers"]} == retried


def test_a_body_of_events_is_a_text_before_version_3_2() -> None:
    """Its content is an array of the same events."""
    described = answered(OLDER)["application/jsonl"]["schema"]

    assert described["type"] == "string"
    assert described["contentMediaType"] == "application/jsonl"
    assert described["contentSchema"] == {"type": "array", "items": {"$ref": "#/components/schemas/Event"}}


def test_requests_and_answers_are_those_of_the_classes() -> None:
    request, answer = of_component("Request", NEWEST), of_component("Answer", NEWEST)

    request.validate({"prompt": "Why?"})
    request.validate({"messages": [{"role": "user", "content": "Why?"}]})
    assert not request.is_valid({"question": "Why?"})
    answer.validate(Answer(summary="So.", keywords=[]).model_dump(mode="json"))
    assert not answer.is_valid({"summary": "So."})


def test_classes_can_be_called_like_an_event() -> None:
    """The component of an event keeps its name; then all names of the user's classes begin with another word."""
    described = document({"stream": OWN}, VERSIONS[0])
    schemas = described["components"]["schemas"]
    operation = described["paths"]["/v1/stream"]["post"]

    events = {name: it for name, it in NEWEST["components"]["schemas"].items() if name not in {"Request", "Answer"}}
    assert {name: schemas[name] for name in events} == events
    assert operation["requestBody"]["content"]["application/json"]["schema"] == {
        "$ref": "#/components/schemas/OwnProblem"
    }
    of_component("OwnProblem", described).validate({"prompt": "Why?", "usage": {"minutes": 3}})


def test_the_answer_is_described_as_it_is_sent() -> None:
    """By its aliases, and without hidden fields; with them, raw text is not offered."""
    described = document({"stream": OWN}, VERSIONS[0])

    assert list(described["components"]["schemas"]["OwnChange"]["properties"]) == ["howMuch", "usage"]
    assert "text/plain" not in answered(described)


def test_each_route_has_its_own_classes() -> None:
    described = document({"first": DEFAULT, "second": OWN}, VERSIONS[0])

    assert described["paths"].keys() == {"/v1/first", "/v1/second"}
    assert answered(described, "first")["application/json"] != answered(described, "second")["application/json"]
    assert "text/plain" in answered(described, "first")


def test_the_names_of_the_users_classes_are_free() -> None:
    class OwnUsage(BaseModel):
        prompt: str
        usage: own.Usage

    names = document({"stream": Route(OwnUsage, OWN.answer)}, VERSIONS[0])["components"]["schemas"].keys()

    assert {"Usage", "OwnUsage", "OwnOwnUsage"} <= names


def test_a_class_without_a_json_schema_is_an_error() -> None:
    with pytest.raises(PydanticUserError, match="CallableSchema"):
        document({"stream": Route(own.Calls, DEFAULT.answer)}, VERSIONS[0])
