"""The type of the answer: what the function needs to know about the class that the user wrote."""

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import PydanticUserError, TypeAdapter
from pydantic_core import to_jsonable_python

from .partials import has_hidden
from .user_code import load, wrong_reference

EXPECTED = "a Pydantic class or another type that Pydantic knows"


class AnswerType:
    """A type that Pydantic knows, with its JSON Schema."""

    def __init__(self, reference: str) -> None:
        """Import the type that ``LLM_SCHEMA`` names.

        Raises:
            SettingsError: there is no such type, or Pydantic cannot use it.
        """
        self.type: Any = load("schema", reference, EXPECTED)
        try:
            self._adapter: TypeAdapter[Any] = TypeAdapter(self.type)
            self.schema = self._adapter.json_schema()
        except PydanticUserError as error:
            raise wrong_reference("schema", reference, EXPECTED) from error
        self.field_names = frozenset(_field_names(self.schema))
        """Every name that the schema gives to a field."""
        self.has_hidden = has_hidden(self.type)
        """Whether the client must not see all of an answer: a field has ``exclude`` or a secret type."""

    def to_json(self, answer: object) -> object:
        """Return the answer as JSON values. NaN and infinity, which JSON does not have, become null."""
        # Pydantic's warnings quote the value: they would bring content into the log
        values = self._adapter.dump_python(answer, mode="json", by_alias=True, warnings=False)
        return to_jsonable_python(values, inf_nan_mode="null")


def _field_names(schema: object) -> Iterator[str]:
    if isinstance(schema, Mapping):
        properties = schema.get("properties")
        if isinstance(properties, Mapping):
            yield from properties
        for part in schema.values():
            yield from _field_names(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from _field_names(part)
