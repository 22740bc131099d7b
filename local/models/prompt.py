"""What a small base model needs that only continues text: worked examples, and limits on everything it writes."""

import json
import re
from collections.abc import Mapping
from typing import Any, Final

LONGEST_TEXT, MOST_ITEMS, LARGEST = 300, 5, 999_999
"""What keeps a small model from running on: only in the grammar, never in the schema of the answer."""
TOLD: Final = re.compile(
    r"\b(minimum|maximum|exclusiveMinimum|exclusiveMaximum|minLength|maxLength|minItems|maxItems): (-?\d+(?:\.\d+)?)"
)
"""A limit that a description tells, because the service's schemas cannot: a large model reads it, a small one not."""
TOLD_ALL: Final = re.compile(r"\((?:\w+: [^,()]+(?:, )?)+\)")
"""All that a description tells of limits."""
EXAMPLES: Final[list[tuple[str, str, object]]] = [
    (
        "What is photosynthesis?",
        "summary (A summary of the topic in a few sentences.), keywords (The most important terms of the topic.)",
        {
            "summary": "Photosynthesis is how plants turn light, water and carbon dioxide into sugar and oxygen. "
            "It takes place in the chloroplasts of their leaves and feeds almost all life on Earth.",
            "keywords": ["chlorophyll", "light", "carbon dioxide", "oxygen"],
        },
    ),
    (
        "Ada Lovelace bought 2 coffees at 3.50 each on 4 May 2024.",
        "customer, items (What was bought.), total, date",
        {
            "customer": "Ada Lovelace",
            "items": [{"name": "coffee", "quantity": 2, "price": 3.5}],
            "total": 7.0,
            "date": "2024-05-04",
        },
    ),
    (
        "How do I make a cup of tea?",
        "title, steps, minutes",
        {
            "title": "A cup of tea",
            "steps": ["Boil fresh water.", "Pour it over the leaves.", "Take the leaves out after four minutes."],
            "minutes": 6,
        },
    ),
    (
        "Why do we have seasons?",
        "summary (A summary of the topic in a few sentences.), keywords (The most important terms of the topic.)",
        {
            "summary": "The axis of the Earth is tilted, so each half of the planet leans towards the sun for one part "
            "of the year and away from it for the other. More direct light and longer days make summer.",
            "keywords": ["axis", "tilt", "sunlight", "orbit"],
        },
    ),
]
"""Worked examples for a model that only continues text: the named fields are filled from the request."""


def prompt_for(request: str, schema: Mapping[str, Any]) -> str:
    """Return the worked examples, and the request in their form, for a model that only continues text."""
    return f"{solved()}Request: {' '.join(request.split())}\nFields: {_fields(schema)}\nJSON:"


def solved() -> str:
    """Return the worked examples alone."""
    return "".join(f"Request: {ask}\nFields: {names}\nJSON: {json.dumps(it)}\n\n" for ask, names, it in EXAMPLES)


def limited(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema with limits that a small model needs: on texts, and on both ends of lists."""
    return {name: _limited(value) for name, value in _with_limits(schema).items()}


def _limited(value: object) -> object:
    if isinstance(value, list):
        return [_limited(item) for item in value]
    return limited(value) if isinstance(value, dict) else value


def _with_limits(part: Mapping[str, Any]) -> dict[str, Any]:
    told = {name: json.loads(number) for name, number in TOLD.findall(str(part.get("description")))}
    limits = {**told, **part}
    match part.get("type"):
        case "string" if not part.keys() & {"enum", "const", "format", "pattern"}:
            limits["maxLength"] = max(
                min(limits.get("maxLength", LONGEST_TEXT), LONGEST_TEXT), limits.get("minLength", 1)
            )
            limits.setdefault("minLength", 1)
        case "array" if "prefixItems" not in part:
            may_recur = "$ref" in part.get("items", {})
            limits.setdefault("minItems", 0 if may_recur else 1)
            limits["maxItems"] = max(min(limits.get("maxItems", MOST_ITEMS), MOST_ITEMS), limits["minItems"])
        case "integer" | "number" as kind if not part.keys() & {"enum", "const"}:
            if kind == "number":
                limits.setdefault("multipleOf", 0.01)
            if "exclusiveMinimum" not in limits:
                limits.setdefault("minimum", -LARGEST)
            if "exclusiveMaximum" not in limits:
                limits.setdefault("maximum", LARGEST)
    return limits


def _fields(schema: Mapping[str, Any]) -> str:
    """Name the fields of the answer, with what is said of them."""
    fields = schema.get("properties", {})
    described = {name: TOLD_ALL.sub("", field.get("description", "")).strip() for name, field in fields.items()}
    return ", ".join(f"{name} ({text})" if text else name for name, text in described.items()) or "answer"
