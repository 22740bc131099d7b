"""Reads the event of an invocation."""

import json
from typing import Final

from pydantic_core import SchemaValidator, ValidationError, core_schema

_EVENT: Final = SchemaValidator(
    core_schema.typed_dict_schema(
        {"body": core_schema.typed_dict_field(core_schema.bytes_schema(), required=False)}, extra_behavior="allow"
    )
)


def read_event(event: bytes) -> object:
    """Return the event, with the body of a request as bytes.

    A body can have megabytes, and as a text it would have up to four times as many: one emoji in it is enough.

    Raises:
        ValueError: the event is not JSON.
    """
    try:
        return _EVENT.validate_json(event)
    except ValidationError:  # an event of another kind, or a request without a body
        return json.loads(event)
