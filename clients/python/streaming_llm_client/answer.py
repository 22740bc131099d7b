"""The complete answer as an object of the caller's class.

The endpoint sends an answer in two forms: the document that the model wrote, as changes, and the dump of its class, in
``complete``. A class can always be made from the first, but not always from the second: a dump has computed fields,
lacks excluded ones, masks secrets, and shows what serialisers made of the values.
"""

import json
from collections.abc import Iterable, Iterator
from typing import Any, Final, Generic, TypeVar

from pydantic import Secret, SecretBytes, SecretStr, TypeAdapter, ValidationError

from .errors import NotRoundTrip, SchemaMismatch
from .growing import Growing, escaped_key

T = TypeVar("T")
Json = Any

MASK: Final = "**********"
"""How Pydantic dumps a secret."""
FIELDS: Final = frozenset({"model-field", "dataclass-field", "typed-dict-field"})
"""What Pydantic's core schema calls the fields of classes."""
ALIASES: Final = ("validation_alias", "serialization_alias")
ABSENT: Final = object()


class Reader(Generic[T]):
    """Makes answers of one class."""

    def __init__(self, schema: type[T] | TypeAdapter[T]) -> None:
        """Take a class, another type that Pydantic knows, or an adapter of one."""
        self._adapter: TypeAdapter[T] = schema if isinstance(schema, TypeAdapter) else TypeAdapter(schema)

    def read(self, growing: Growing, value: Json) -> T:
        """Return the answer, from the closed document if that has arrived whole, else from ``value``, its dump.

        Raises:
            SchemaMismatch: the class does not accept the answer.
            NotRoundTrip: it does not accept its own dump, or makes another answer of it.
        """
        if not growing.is_closed(""):
            return self._of_dump(value)
        if masked := next(_masked(value, growing.value), None):
            raise _not_round_trip(masked)
        try:
            return self._validated(growing.value)
        except ValidationError as error:
            return self._of_dump(value, error)

    def _of_dump(self, value: Json, earlier: ValidationError | None = None) -> T:
        try:
            answer = self._validated(value)
        except ValidationError as error:
            one_way = frozenset(_one_way(self._adapter.core_schema))
            for each in (*error.errors(), *(earlier.errors() if earlier else ())):
                if "" in one_way or one_way.intersection(each["loc"]):
                    raise _not_round_trip(_pointer(each["loc"])) from None
            raise _mismatch(earlier or error) from None
        dump = self._adapter.dump_python(answer, mode="json", by_alias=True, warnings=False)
        secrets = _secrets(self._adapter.dump_python(answer, by_alias=True, warnings=False))
        for path in (*_differences(dump, value), *secrets):
            raise _not_round_trip(path)
        return answer

    def _validated(self, value: Json) -> T:
        """Validate as JSON: a date is a text there, a tuple a list."""
        return self._adapter.validate_json(json.dumps(value))


def _mismatch(error: ValidationError) -> SchemaMismatch:
    issues = [(_pointer(each["loc"]), each["type"]) for each in error.errors(include_input=False, include_url=False)]
    shown = ", ".join(f"{path or 'the document'}: {rule}" for path, rule in issues[:3])
    return SchemaMismatch(f"The answer is complete, but {error.title} does not accept it ({shown}).", issues)


def _not_round_trip(path: str) -> NotRoundTrip:
    return NotRoundTrip(
        f"The answer is complete, but {path or 'the document'} cannot be read back from what the endpoint sends of it. "
        "The JSON values are in Stream.raw.",
        [(path, "not_round_trip")],
    )


def _pointer(keys: Iterable[object]) -> str:
    return "".join(f"/{escaped_key(str(key))}" for key in keys)


def _one_way(schema: Json, key: str = "", names: frozenset[str] = frozenset()) -> Iterator[str]:
    """Yield the names of all fields whose dump is not their input.

    They are excluded or computed, or have a serialiser or another alias there. A serialiser of the whole document has
    the name ``""``.
    """
    if isinstance(schema, list):
        for each in schema:
            yield from _one_way(each, "", names)
    elif isinstance(schema, dict):
        if schema.get("type") in FIELDS:
            name = schema.get("name", key)
            aliases = {alias: schema.get(alias, name) for alias in ALIASES}
            names = frozenset(each for each in (name, *aliases.values()) if isinstance(each, str))
            if len({str(alias) for alias in aliases.values()}) > 1:
                yield from names
        if schema.get("type") == "computed-field":
            yield from filter(None, (schema["property_name"], schema.get("alias")))
        if schema.get("serialization_exclude") or "serialization" in schema or schema.get("type") == "json":
            yield from names or {""}
        for inner_key, each in schema.items():
            if inner_key != "metadata":  # notes for JSON schemas
                yield from _one_way(each, inner_key, names)


def _masked(value: Json, document: Json, path: str = "") -> Iterator[str]:
    """Yield the paths of masked values that are not in the document: the endpoint hides what they stand for."""
    if value == MASK and document is ABSENT:
        yield path
    known = dict(_items(document))
    for key, each in _items(value):
        yield from _masked(each, known.get(key, ABSENT), path + _pointer([key]))


def _differences(dump: Json, value: Json, path: str = "") -> Iterator[str]:
    """Yield the paths at which a new dump is another one. The dump of a smaller class has fewer members."""
    if isinstance(dump, dict) and isinstance(value, dict):
        for key in dump.keys() & value.keys():
            yield from _differences(dump[key], value[key], path + _pointer([key]))
    elif isinstance(dump, list) and isinstance(value, list) and len(dump) == len(value):
        for index, (one, other) in enumerate(zip(dump, value, strict=True)):
            yield from _differences(one, other, path + _pointer([index]))
    elif dump != value:
        yield path


def _secrets(dump: object, path: str = "") -> Iterator[str]:
    """Yield the paths of secrets: what was validated is only their mask."""
    if isinstance(dump, Secret | SecretStr | SecretBytes):
        yield path
    for key, each in _items(dump):
        yield from _secrets(each, path + _pointer([key]))


def _items(value: Any) -> Iterable[tuple[Any, Any]]:  # noqa: ANN401 - any value
    if isinstance(value, dict):
        return value.items()
    return enumerate(value) if isinstance(value, list | tuple) else ()
