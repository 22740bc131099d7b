"""A Pydantic JSON schema, rewritten for what Bedrock's structured output takes.

The service compiles a subset of JSON Schema draft 2020-12 and refuses the rest
(docs.aws.amazon.com/bedrock/latest/userguide/structured-output.html). What it refuses and a model should still know
moves into the description; every rule is checked by the full schema afterwards.
"""

from collections.abc import Mapping
from typing import Any

KEPT = frozenset({"type", "enum", "const", "properties", "required", "items", "anyOf", "allOf", "$ref", "description"})
FORMATS = frozenset(
    {"date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid"},
)
TOLD = (
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
"""Constraints that a description can tell."""


class InexpressibleError(ValueError):
    """The schema has a part that structured output cannot express; the message names its place and why."""


def output_schema(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``schema`` (as of ``model_json_schema()``) in the form that Bedrock compiles.

    Raises:
        InexpressibleError: it is recursive, or has open dictionaries, tuples or values of any type.
    """
    definitions: Mapping[str, Any] = schema.get("$defs", {})
    _refuse_recursion(schema, definitions, ())
    rewritten = _rewritten({name: value for name, value in schema.items() if name != "$defs"}, "")
    if definitions:
        rewritten["$defs"] = {name: _rewritten(value, f"/$defs/{name}") for name, value in definitions.items()}
    return rewritten


def _refuse_recursion(part: object, definitions: Mapping[str, Any], above: tuple[str, ...]) -> None:
    if isinstance(part, list):
        for item in part:
            _refuse_recursion(item, definitions, above)
    if not isinstance(part, dict):
        return
    name = str(part.get("$ref", "")).removeprefix("#/$defs/")
    if name in above:
        raise InexpressibleError(f"{name} contains itself, and structured output cannot express recursion")
    if name in definitions:
        _refuse_recursion(definitions[name], definitions, (*above, name))
    for key, value in part.items():
        if key == "properties":  # its keys are the user's own, whatever they mean elsewhere
            _refuse_recursion(list(value.values()), definitions, above)
        elif key not in {"$defs", "enum", "const", "default", "examples"}:
            _refuse_recursion(value, definitions, above)


def _rewritten(part: Mapping[str, Any], place: str) -> dict[str, Any]:
    """Return one schema object in the subset; ``place`` is its RFC 6901 pointer, for messages."""
    _refuse(part, place)
    kept = {name: value for name, value in part.items() if name in KEPT}
    if "oneOf" in part:
        kept["anyOf"] = part["oneOf"]
    for name in ("anyOf", "allOf"):
        if name in kept:
            kept[name] = [_rewritten(it, f"{place}/{name}/{index}") for index, it in enumerate(kept[name])]
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
    told = [f"{name}: {part[name]}" for name in TOLD if name in part and name not in kept]
    if told:
        kept["description"] = " ".join([*filter(None, [part.get("description")]), f"({', '.join(told)})"])
    return kept


def _refuse(part: Mapping[str, Any], place: str) -> None:
    """Raise for what has no place in the subset."""
    where = place or "the root"
    if isinstance(part.get("additionalProperties"), dict) or (
        part.get("type") == "object" and "properties" not in part and part.get("additionalProperties") is not False
    ):
        raise InexpressibleError(f"{where} is a dictionary with free keys, which structured output cannot express")
    if "prefixItems" in part:
        raise InexpressibleError(f"{where} is a tuple, which structured output cannot express")
    if not part.keys() & {"type", "enum", "const", "anyOf", "oneOf", "allOf", "$ref"}:
        raise InexpressibleError(f"{where} may be any value, which structured output cannot express")
