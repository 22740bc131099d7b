"""A Pydantic JSON schema, rewritten in the subset that Bedrock's structured output accepts.

The service compiles a subset of JSON Schema draft 2020-12 and refuses the rest
(docs.aws.amazon.com/bedrock/latest/userguide/structured-output.html). A constraint that it
refuses moves into the description, for the model to read; the full schema is checked afterwards in any case.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from ...contract import OPTIONAL_FIELDS_LIMIT, UNION_FIELDS_LIMIT

SUPPORTED = frozenset(
    {"type", "enum", "const", "properties", "required", "items", "anyOf", "allOf", "$ref", "description"}
)
FORMATS = frozenset(
    {"date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid"},
)
DESCRIBED = (
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "pattern",
    "minItems",
    "maxItems",
    "uniqueItems",
    "format",
)
"""Constraints that are written into the description where they are not supported."""


class InexpressibleError(ValueError):
    """The schema has a part that structured output cannot express; the message names the part and the reason."""


class TooComplexError(InexpressibleError):
    """Structured output can express each part of the schema, but not as many of them."""


def tool_schema(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return ``schema`` (as of ``model_json_schema()``) as the input of a tool: its root states that it is an object.

    The root of a class that contains itself is a reference, which the service does not follow.

    Raises:
        InexpressibleError: the root is a list, a union or a single value.
    """
    root, definitions = schema, schema.get("$defs", {})
    while "$ref" in root:
        referenced = definitions[root["$ref"].removeprefix("#/$defs/")]
        root = {**referenced, **{name: value for name, value in root.items() if name not in {"$ref", "$defs"}}}
    if root.get("type") != "object" or root.keys() & {"anyOf", "oneOf", "allOf"}:
        raise InexpressibleError("the root is not an object, and the input of a tool must be one")
    return {**root, "$defs": definitions} if root is not schema else schema


def output_schema(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``schema`` (as of ``model_json_schema()``) in the form that Bedrock compiles.

    Raises:
        InexpressibleError: it is recursive, or has dictionaries with free keys, tuples or values of any type.
        TooComplexError: it has more optional fields or unions than Bedrock compiles.
    """
    rewritten = rewrite(schema)
    _check_complexity(rewritten)
    return rewritten


def rewrite(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``schema`` in the form that Bedrock compiles, however much of it there is.

    Raises:
        InexpressibleError: it is recursive, or has dictionaries with free keys, tuples or values of any type.
    """
    definitions: Mapping[str, Any] = schema.get("$defs", {})
    _check_recursion(schema, definitions, ())
    rewritten = _rewritten({name: value for name, value in schema.items() if name != "$defs"}, "")
    if definitions:
        rewritten["$defs"] = {name: _rewritten(value, f"/$defs/{name}") for name, value in definitions.items()}
    return rewritten


def _check_complexity(schema: Mapping[str, Any]) -> None:
    optional, unions = complexity(schema)
    if optional > OPTIONAL_FIELDS_LIMIT:
        raise TooComplexError(
            f"it has {optional} optional fields, and structured output accepts {OPTIONAL_FIELDS_LIMIT}",
        )
    if unions > UNION_FIELDS_LIMIT:
        raise TooComplexError(f"it has {unions} unions, and structured output accepts {UNION_FIELDS_LIMIT}")


def complexity(schema: Mapping[str, Any]) -> tuple[int, int]:
    """Return how many fields are optional and how many places are unions, in a schema of ``output_schema``.

    Bedrock limits both. Every place counts: a field, the items of a list, a definition, the root. A definition counts
    once, however often it is referred to.
    """
    optional = unions = 0
    for part in _parts(schema):
        optional += len(part.get("properties", {}).keys() - set(part.get("required", ())))
        unions += "anyOf" in part or isinstance(part.get("type"), list)
    return optional, unions


def _parts(part: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield every schema object inside ``part``, itself included. The names of fields are not keywords."""
    yield part
    inner = [*part.get("properties", {}).values(), *part.get("$defs", {}).values()]
    inner += [*part.get("anyOf", ()), *part.get("allOf", ())]
    if "items" in part:
        inner.append(part["items"])
    for each in inner:
        yield from _parts(each)


def _check_recursion(part: object, definitions: Mapping[str, Any], above: tuple[str, ...]) -> None:
    if isinstance(part, list):
        for item in part:
            _check_recursion(item, definitions, above)
    if not isinstance(part, dict):
        return
    name = str(part.get("$ref", "")).removeprefix("#/$defs/")
    if name in above:
        raise InexpressibleError(f"{name} contains itself, and structured output cannot express recursion")
    if name in definitions:
        _check_recursion(definitions[name], definitions, (*above, name))
    for key, value in part.items():
        if key == "properties":  # its keys are the user's own, whatever they mean elsewhere
            _check_recursion(list(value.values()), definitions, above)
        elif key not in {"$defs", "enum", "const", "default", "examples"}:
            _check_recursion(value, definitions, above)


def _rewritten(part: Mapping[str, Any], place: str) -> dict[str, Any]:
    """Return one schema object in the subset; ``place`` is its JSON pointer (RFC 6901), for messages."""
    _check(part, place)
    kept = {name: value for name, value in part.items() if name in SUPPORTED}
    if "oneOf" in part:
        kept["anyOf"] = part["oneOf"]
    for name in ("anyOf", "allOf"):
        if name in kept:
            kept[name] = [_rewritten(option, f"{place}/{name}/{index}") for index, option in enumerate(kept[name])]
    if "properties" in kept:
        kept["properties"] = {
            name: _rewritten(value, f"{place}/properties/{name}") for name, value in kept["properties"].items()
        }
    if "items" in kept:
        kept["items"] = _rewritten(kept["items"], f"{place}/items")
    if part.get("type") == "object":
        kept["additionalProperties"] = False
    if part.get("format") in FORMATS:
        kept["format"] = part["format"]
    if part.get("minItems") in {0, 1}:
        kept["minItems"] = part["minItems"]
    described = [f"{name}: {part[name]}" for name in DESCRIBED if name in part and name not in kept]
    if described:
        kept["description"] = " ".join([*filter(None, [part.get("description")]), f"({', '.join(described)})"])
    return kept


def _check(part: Mapping[str, Any], place: str) -> None:
    """Raise InexpressibleError if the subset has no form for ``part``."""
    where = place or "the root"
    if isinstance(part.get("additionalProperties"), dict) or (
        part.get("type") == "object" and "properties" not in part and part.get("additionalProperties") is not False
    ):
        raise InexpressibleError(f"{where} is a dictionary with free keys, which structured output cannot express")
    if "prefixItems" in part:
        raise InexpressibleError(f"{where} is a tuple, which structured output cannot express")
    if not part.keys() & {"type", "enum", "const", "anyOf", "oneOf", "allOf", "$ref"}:
        raise InexpressibleError(f"{where} accepts any value, which structured output cannot express")
