"""An example answer for any JSON schema, for use without a model."""

from collections.abc import Callable, Mapping
from typing import Any

MAX_DEPTH = 4
"""Below this level only required members are written, because schemas can be recursive."""
FORMATS: Mapping[str, str] = {
    "date": "2026-01-31",
    "date-time": "2026-01-31T12:00:00Z",
    "time": "12:00:00Z",
    "duration": "PT1H",
    "email": "someone@example.com",
    "uri": "https://example.com/",
    "hostname": "example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uuid": "00000000-0000-4000-8000-000000000000",
}


def sample(schema: Mapping[str, Any]) -> object:
    """Return a value that follows the schema as far as types, enumerations and simple limits go."""
    return _value(schema, schema, "", 0)


def _value(part: Mapping[str, Any], root: Mapping[str, Any], name: str, depth: int) -> object:
    """Return a value for one part of the schema; a text is made from the ``name`` of its field."""
    if "$ref" in part:
        definition = root.get("$defs", {}).get(str(part["$ref"]).removeprefix("#/$defs/"), {})
        return _value(definition, root, name, depth + 1)
    if constants := [part["const"]] if "const" in part else part.get("enum"):
        return constants[0]
    if choices := [*part.get("anyOf", ()), *part.get("oneOf", ()), *part.get("allOf", ())]:
        return _value(choices[0], root, name, depth)
    make: Callable[..., object] = MAKERS.get(part.get("type", "string"), _literal)
    return make(part, root, name, depth)


def _object(part: Mapping[str, Any], root: Mapping[str, Any], name: str, depth: int) -> object:  # noqa: ARG001 - all makers have these parameters
    fields = part.get("properties", {})
    wanted = fields if depth < MAX_DEPTH else part.get("required", ())
    return {key: _value(fields[key], root, key, depth + 1) for key in wanted if key in fields}


def _array(part: Mapping[str, Any], root: Mapping[str, Any], name: str, depth: int) -> object:
    if "prefixItems" in part:
        return [_value(item, root, name, depth + 1) for item in part["prefixItems"]]
    least = part.get("minItems", 0)
    wanted = least if depth >= MAX_DEPTH else max(least, min(2, part.get("maxItems", 2)))
    return [_value(part.get("items", {}), root, name, depth + 1) for _ in range(wanted)]


def _number(part: Mapping[str, Any], *_: object) -> object:
    if "minimum" in part:
        return part["minimum"]
    if "exclusiveMinimum" in part:
        return part["exclusiveMinimum"] + 1
    return min(1, part.get("maximum", 1), part.get("exclusiveMaximum", 2) - 1)


def _text(part: Mapping[str, Any], _: object, name: str, __: object) -> object:
    text = FORMATS.get(part.get("format", "")) or f"Example {name.replace('_', ' ')}".strip()
    return text.ljust(part.get("minLength", 0), ".")[: part.get("maxLength")]


def _literal(part: Mapping[str, Any], *_: object) -> object:
    return True if part.get("type") == "boolean" else None


MAKERS: Mapping[str, Callable[..., object]] = {
    "object": _object,
    "array": _array,
    "integer": _number,
    "number": _number,
    "string": _text,
}
