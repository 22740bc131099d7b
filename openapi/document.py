"""Describes the routes of an endpoint as an OpenAPI document (spec.openapis.org/oas/v3.2.0.html).

``python document.py FILE`` runs with the variables and the modules of the function. It is a program and no module of a
package, so that a module of the user can have any name. FILE gets a JSON object with ``documents``, by their versions
of OpenAPI; or with ``error``, one sentence.
"""

import json
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, PydanticUserError, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

from function.answer_type import AnswerType
from function.contract import (
    REQUEST_ID_HEADER,
    STAGE,
    VERSION,
    SettingsError,
    read_settings,
    resource,
)
from function.routes import in_route, read_routes
from function.stream.encoders import JsonDocument, JsonLines, RawText, ServerSentEvents
from function.stream.errors import StreamError
from function.stream.negotiation import OFFERS
from function.stream.record import Calls, Start
from function.user_code import load_request_class
from streaming_llm_client.events import Event

VERSIONS: Final = ("3.2.0", "3.1.1")
"""The versions of OpenAPI. The first one can describe each event of a stream."""
LOCAL: Final = "http://127.0.0.1:8000"
"""Where ``make serve`` answers."""
SCHEMAS: Final = "#/components/schemas/"
EVENT: Final = {"$ref": f"{SCHEMAS}Event"}
PROBLEM: Final = {"application/problem+json": {"schema": {"$ref": f"{SCHEMAS}Problem"}}}
MESSAGE: Final = "ServerSentEvent"
"""The component that describes a message of Server-Sent Events."""
ADMISSION: Final[Mapping[str, Mapping[str, str]]] = {
    "apiKey": {"type": "apiKey", "in": "header", "name": "X-Api-Key", "description": "A key of API Gateway."},
    "bearer": {"type": "http", "scheme": "bearer", "description": "A token for the endpoint's authorizer."},
    "signature": {
        "type": "apiKey",
        "in": "header",
        "name": "Authorization",
        "description": "A signature of AWS (Signature Version 4) for the service execute-api.",
    },
}
"""How a client can be admitted. The deployment decides which of them it needs, if any."""
DESCRIPTION: Final = """\
The answer is JSON, streamed while a model writes it. The header `Accept` chooses the format.

A stream of events is complete only if its last event is `complete`. Each request is a new model call, which is paid: \
send a request again only if its problem says so with the header `Retry-After`."""
OF_REQUEST: Final = (
    "A JSON string is accepted too: it is the prompt. Without a body, every field has its default, if it has one."
)
OF_OTHERS: Final = (
    "A failure that API Gateway reports, whose `code` is its response type, such as `THROTTLED`, or a refusal by the "
    "endpoint's own code."
)
HEADERS: Final[Mapping[str, Any]] = {
    "RequestId": {"description": "The id of the request.", "required": True, "schema": {"type": "string"}},
    "RetryAfter": {
        "description": "Seconds after which another request makes sense. Without it, none does.",
        "schema": {"type": "integer", "minimum": 0},
    },
}
RETRY_AFTER: Final = {"$ref": "#/components/headers/RetryAfter"}


@dataclass(frozen=True, slots=True)
class Route:
    """What the endpoint receives and sends on one route."""

    request: type[BaseModel]
    answer: AnswerType


class _Schemas(GenerateJsonSchema):
    """Gives titles to classes alone: that of a member would repeat its name."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ANN401 - a schema of Pydantic's core
        """Return whether a member gets a title that is made from its name."""
        del schema
        return False


def document(routes: Mapping[str, Route], version: str) -> dict[str, Any]:
    """Return the document, in a version of OpenAPI, for these routes by their names.

    Raises:
        PydanticUserError: a class of the user has no JSON Schema.
    """
    own, components = _own_schemas(routes)
    paths = {}
    for name, route in routes.items():
        request, answer = own[name, "request"], own[name, "answer"]
        answered = _answered(answer, version, has_raw_text=not route.answer.has_hidden)
        paths[f"/{STAGE}{resource(name)}"] = {"post": _operation(name, request, answered)}
    origin = {"default": LOCAL, "description": "Scheme and host of the endpoint."}
    return {
        "openapi": version,
        "info": {"title": "Streaming LLM endpoint", "version": VERSION, "description": DESCRIPTION},
        "servers": [{"url": "{origin}", "variables": {"origin": origin}}],
        "security": [{}, *({name: []} for name in ADMISSION)],
        "paths": paths,
        "components": {
            "schemas": {**event_schemas(), **components},
            "responses": {_component(status): _failed(errors) for status, errors in _by_status().items()},
            "headers": HEADERS,
            "securitySchemes": ADMISSION,
        },
    }


def event_schemas() -> dict[str, Any]:
    """Return the schemas of the events, of their union and of their parts, by name."""
    made = TypeAdapter(list[Event]).json_schema(ref_template=f"{SCHEMAS}{{model}}", schema_generator=_Schemas)["$defs"]
    message = {
        "description": "A message of Server-Sent Events. Its data is the JSON of one event.",
        "type": "object",
        "properties": {
            "id": {"type": "string", "description": "The number of the message, from 1."},
            "event": {"type": "string", "description": "The type of the event.", "enum": _types(made["Event"])},
            "data": {"type": "string", "contentMediaType": "application/json", "contentSchema": EVENT},
        },
        "required": ["id", "event", "data"],
    }
    return {**made, MESSAGE: message}


def _types(union: Mapping[str, Any]) -> list[str]:
    return list(union["discriminator"]["mapping"])


def _own_schemas(routes: Mapping[str, Route]) -> tuple[dict[tuple[str, str], Any], dict[str, Any]]:
    """Return the schemas of each route's request and answer, and those that they refer to, by name.

    If a class of the user is called like a schema of the events, the names of all of them begin with ``Own``.
    """
    inputs: list[Any] = []
    for name, route in routes.items():
        inputs.append(((name, "request"), "validation", TypeAdapter(route.request)))
        inputs.append(((name, "answer"), "serialization", TypeAdapter(route.answer.type)))
    prefix, taken = "", event_schemas().keys()
    while True:
        template = f"{SCHEMAS}{prefix}{{model}}"
        made, more = TypeAdapter.json_schemas(inputs, ref_template=template, schema_generator=_Schemas)
        components = {f"{prefix}{name}": schema for name, schema in more.get("$defs", {}).items()}
        if taken.isdisjoint(components):
            return {key: schema for (key, _), schema in made.items()}, components
        prefix += "Own"


def _operation(route: str, request: Mapping[str, Any], answered: Mapping[str, Any]) -> dict[str, Any]:
    failed = {str(status): {"$ref": f"#/components/responses/{_component(status)}"} for status in _by_status()}
    others = {"description": OF_OTHERS, "headers": {"Retry-After": RETRY_AFTER}, "content": PROBLEM}
    return {
        "operationId": route,
        "summary": "Ask the model",
        "requestBody": {"description": OF_REQUEST, "content": {"application/json": {"schema": request}}},
        "responses": {"200": answered, **failed, "default": others},
    }


def _answered(answer: Mapping[str, Any], version: str, *, has_raw_text: bool) -> dict[str, Any]:
    """Return the response with an answer in every format that the endpoint offers."""
    content: dict[str, Any] = {}
    for offer in OFFERS:
        media_type = f"{offer.media_type}; view={offer.view}" if offer.view else offer.media_type
        encoder = offer.format.encoder(Start("", "", 0, lambda: 0, 0.0, Calls()))
        match encoder:
            case JsonDocument():
                content[media_type] = {"schema": answer}
            case ServerSentEvents():
                content[media_type] = _stream(offer.media_type, {"$ref": f"{SCHEMAS}{MESSAGE}"}, version)
            case JsonLines():
                content[media_type] = _stream(offer.media_type, EVENT, version)
            case RawText() if has_raw_text:
                content[media_type] = {"schema": {"type": "string", "description": "The JSON text of the answer."}}
    return {
        "description": "The answer, which can still fail: as an event `error`, or as a cut.",
        "headers": _of_function(),
        "content": content,
    }


def _stream(media_type: str, item: Mapping[str, Any], version: str) -> dict[str, Any]:
    """Return a body that consists of items; before OpenAPI 3.2 it is a text whose content is an array of them."""
    if version == VERSIONS[0]:
        return {"itemSchema": item}
    content = {"type": "array", "items": item}
    return {"schema": {"type": "string", "contentMediaType": media_type, "contentSchema": content}}


def _failed(errors: list[type[StreamError]]) -> dict[str, Any]:
    """Return the response for the errors of one status."""
    lines = "\n".join(f"- `{error.code}`: {error.title}" for error in errors)
    can_retry = any(error.retry_after for error in errors)
    headers = {**_of_function(), **({"Retry-After": RETRY_AFTER} if can_retry else {})}
    return {"description": f"A failure before the first event.\n\n{lines}", "headers": headers, "content": PROBLEM}


def _of_function() -> dict[str, Any]:
    return {REQUEST_ID_HEADER: {"$ref": "#/components/headers/RequestId"}}


def _component(status: int) -> str:
    return f"Problem{status}"


def _by_status() -> dict[int, list[type[StreamError]]]:
    """Return the errors that the function reports, by the status of the response."""
    found: dict[int, list[type[StreamError]]] = {}
    for error in _errors(StreamError):
        found.setdefault(error.status, []).append(error)
    return dict(sorted(found.items()))


def _errors(above: type[StreamError]) -> Iterator[type[StreamError]]:
    for error in above.__subclasses__():
        if "code" in vars(error):
            yield error
        yield from _errors(error)


def read() -> dict[str, Route]:
    """Return the routes that the variables of the function describe, by name.

    Raises:
        SettingsError: a variable names something that is not there or cannot be used.
    """
    stack = read_settings(os.environ)
    routes = {}
    for name, settings in read_routes(stack, os.environ).items():
        try:
            request = load_request_class(settings.request, with_prompt=settings.prepare is None)
            routes[name] = Route(request, AnswerType(settings.schema))
        except SettingsError as error:
            raise SettingsError(in_route(name, str(error)) if stack.routes else str(error)) from error
    return routes


def main(file: str) -> None:
    """Write the documents to ``file``."""
    try:
        routes = read()
        found: dict[str, Any] = {"documents": {version: document(routes, version) for version in VERSIONS}}
    except SettingsError as error:
        found = {"error": str(error)}
    except PydanticUserError as error:
        found = {"error": f"A class has no JSON Schema: {error.message}"}
    except BaseException as error:  # noqa: BLE001 - the user's module can raise anything, SystemExit included
        found = {"error": f"The classes cannot be loaded: {type(error).__name__}: {error}"}
    Path(file).write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
