"""The prompt and the schema for a small model that only continues text: worked examples, and limits everywhere."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from .words import words_of

TEXT_LIMIT, ITEMS_LIMIT, NUMBER_LIMIT = 300, 5, 999_999
"""They keep a small model from writing without end. They are in its grammar only, not in the schema of the answer."""
DESCRIBED_LIMIT: Final = re.compile(
    r"\b(minimum|maximum|exclusiveMinimum|exclusiveMaximum|minLength|maxLength|minItems|maxItems): (-?\d+(?:\.\d+)?)"
)
"""A limit in a description, where Bedrock's schemas cannot express it. Large models read it, small ones do not."""
DESCRIBED_LIMITS: Final = re.compile(r"\((?:\w+: [^,()]+(?:, )?)+\)")
"""All limits in a description, with their parentheses."""
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
"""Worked examples: a request, the fields of its answer, and the answer."""


def prompt_for(messages: Sequence[Mapping[str, Any]], schema: Mapping[str, Any]) -> str:
    """Return the worked examples and the conversation in their form, for a model that only continues text."""
    fields = _fields(schema)
    turns = (_turn(message["role"], " ".join(words_of(message).split()), fields) for message in messages)
    return f"{worked_examples()}{''.join(turns)}"


def worked_examples() -> str:
    """Return the worked examples, with which every prompt begins."""
    return "".join(
        _turn("user", request, names) + _turn("assistant", json.dumps(answer), names)
        for request, names, answer in EXAMPLES
    )


def _turn(role: str, words: str, fields: str) -> str:
    return f"Request: {words}\nFields: {fields}\nJSON:" if role == "user" else f" {words}\n\n"


def limited(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema with the limits that a small model needs: of texts, lists and numbers."""
    return {name: _limited(value) for name, value in _with_limits(schema).items()}


def _limited(value: object) -> object:
    if isinstance(value, list):
        return [_limited(item) for item in value]
    return limited(value) if isinstance(value, dict) else value


def _with_limits(part: Mapping[str, Any]) -> dict[str, Any]:
    described = {name: json.loads(number) for name, number in DESCRIBED_LIMIT.findall(str(part.get("description")))}
    limits = {**described, **part}
    match part.get("type"):
        case "string" if not part.keys() & {"enum", "const", "format", "pattern"}:
            limits["maxLength"] = max(min(limits.get("maxLength", TEXT_LIMIT), TEXT_LIMIT), limits.get("minLength", 1))
            limits.setdefault("minLength", 1)
        case "array" if "prefixItems" not in part:
            may_recur = "$ref" in part.get("items", {})
            limits.setdefault("minItems", 0 if may_recur else 1)
            limits["maxItems"] = max(min(limits.get("maxItems", ITEMS_LIMIT), ITEMS_LIMIT), limits["minItems"])
        case "integer" | "number" as kind if not part.keys() & {"enum", "const"}:
            if kind == "number":
                limits.setdefault("multipleOf", 0.01)
            if "exclusiveMinimum" not in limits:
                limits.setdefault("minimum", -NUMBER_LIMIT)
            if "exclusiveMaximum" not in limits:
                limits.setdefault("maximum", NUMBER_LIMIT)
    return limits


def _fields(schema: Mapping[str, Any]) -> str:
    """Return the names of the answer's fields, with their descriptions."""
    fields = schema.get("properties", {})
    described = {name: DESCRIBED_LIMITS.sub("", field.get("description", "")).strip() for name, field in fields.items()}
    return ", ".join(f"{name} ({text})" if text else name for name, text in described.items()) or "answer"
