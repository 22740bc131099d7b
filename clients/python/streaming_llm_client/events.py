"""The typed events of the endpoint (docs/wire.md), as Pydantic models. The OpenAPI document is made from them.

A client must skip events whose ``type`` it does not know, and members that it does not know: later versions add some.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, GetJsonSchemaHandler
from pydantic.alias_generators import to_camel
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema
from typing_extensions import TypeAliasType

Json = TypeAliasType("Json", "dict[str, Json] | list[Json] | str | int | float | bool | None")
"""Any JSON value (RFC 8259)."""


class _Members(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True)

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler, /) -> JsonSchemaValue:
        """Return a schema in which a member that may be absent is never null: the endpoint writes no such null."""
        made = handler(schema)
        definition = handler.resolve_ref_schema(made)
        for name, member in definition["properties"].items():
            if name not in definition.get("required", ()):
                _without_null(member)
        return made


def _without_null(member: dict[str, Any]) -> None:
    member.pop("default", None)
    others = [choice for choice in member.pop("anyOf", ()) if choice != {"type": "null"}]
    if len(others) == 1:
        member.update(others[0])


class Usage(_Members):
    """Tokens, as the model's service counted them. A member that the service did not report is absent."""

    input_tokens: int
    output_tokens: int
    """With the tokens of thinking."""
    cache_read_tokens: int | None = None
    cache_write_tokens: int | None = None
    thinking_tokens: int | None = None


class BodyError(_Members):
    """What is wrong with one value of a request."""

    path: str
    """A JSON Pointer (RFC 6901) into the request."""
    rule: str
    """The type of Pydantic's error, or a rule of the endpoint."""


class Problem(_Members):
    """A failure, as a problem document (RFC 9457). Members can be added to it."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, Json] = Field(init=False)

    type: str
    title: str
    code: str = Field(min_length=1)
    """The short name of the error, or the gateway's response type."""
    status: int | None = None
    """Absent from a problem of the gateway."""
    detail: str | None = None
    request_id: str | None = None
    gateway_request_id: str | None = None
    extended_request_id: str | None = None
    path: str | None = None
    """The place in the answer, a JSON Pointer; only with ``answer_invalid``."""
    rule: str | None = None
    """The type of Pydantic's error; only with ``answer_invalid``."""
    errors: list[BodyError] | None = None
    """Only with ``body_invalid`` and ``body_too_large``."""


class Change(_Members):
    """One step of the growing object. It has ``value``, or ``append``, or neither."""

    path: str
    """A JSON Pointer (RFC 6901) to a value of the document; ``""`` is the whole document."""
    value: Json = None
    """Set the value at ``path``. Null is a value too: it counts only if the member is there."""
    append: str | None = None
    """Append to the string at ``path``."""
    closed: Literal[True] | None = None
    """Whether the value at ``path`` is valid and final, with everything inside it."""


class _Event(_Members):
    at: int
    """Milliseconds since the function received the request."""


class StartEvent(_Event):
    """The first event. A second one voids everything since the first."""

    type: Literal["start"]
    id: str
    """The id of the request, as in the header ``X-Request-Id``."""
    model: str | None = None
    """Absent if it is sent before a model has answered, and another one can still take over."""


class DeltaEvent(_Event):
    """What a fragment of the model's text has changed in the object."""

    type: Literal["delta"]
    changes: list[Change]


class SnapshotEvent(_Event):
    """The object so far, in place of a delta, if the client asked for ``view=snapshot``."""

    type: Literal["snapshot"]
    value: Json


class ThinkingEvent(_Event):
    """The model thinks: a sign of life."""

    type: Literal["thinking"]
    text: str | None = None
    """What it thought since the last such event, if the endpoint shows that."""


class RestartEvent(_Event):
    """The model begins a new answer: everything since ``start`` is void."""

    type: Literal["restart"]
    problem: Problem


class CompleteEvent(_Event):
    """The last event of a complete and valid answer."""

    type: Literal["complete"]
    value: Json
    """The validated answer. It can differ from what the deltas showed (docs/wire.md)."""
    stop_reason: str
    usage: Usage | None
    """Null if the service reported none."""
    output_tokens_estimated: int | None = None
    """Only if ``usage`` is null."""
    model: str | None = None
    """The model that answered, if it is not already known from ``start``."""


class ErrorEvent(_Event):
    """The last event of an answer that failed after its first byte."""

    type: Literal["error"]
    problem: Problem
    model: str | None = None
    """The model that was called last, if it is not already known from ``start``."""


Event = TypeAliasType(
    "Event",
    Annotated[
        StartEvent | DeltaEvent | SnapshotEvent | ThinkingEvent | RestartEvent | CompleteEvent | ErrorEvent,
        Field(discriminator="type"),
    ],
)
"""Every event that the endpoint sends."""
