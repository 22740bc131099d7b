"""The prelude of a function's response: status and header fields as JSON, then a delimiter before the body."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

DELIMITER = bytes(8)
PRELUDE_LIMIT = 16_000
PRELUDE_KEYS = frozenset({"statusCode", "headers", "multiValueHeaders", "cookies"})
REMAPPED = frozenset({"authorization", "connection", "content-length", "date", "server", "www-authenticate"})
"""Fields that the gateway writes itself; it adds a prefix to the names of the function's own."""
DROPPED = frozenset({"transfer-encoding"})
"""Fields of the function that the gateway does not pass on: it frames the body itself."""


class BadPrelude(Exception):
    """The bytes before the delimiter are not a prelude."""


@dataclass(frozen=True, slots=True)
class Prelude:
    """Status and header fields, as the function sent them."""

    status: int
    fields: Sequence[tuple[str, str]]


def parse_prelude(document: bytes) -> Prelude:
    """Read the bytes before the delimiter.

    Raises:
        BadPrelude: it is not a JSON object, has other keys than ``PRELUDE_KEYS``, or has fields that HTTP cannot carry.
    """
    try:
        members = json.loads(document)
        if not isinstance(members, dict) or members.keys() - PRELUDE_KEYS:
            raise BadPrelude
        status = members.get("statusCode", 200)
        fields = list(_prelude_fields(members))
    except (ValueError, TypeError, AttributeError) as error:
        raise BadPrelude from error
    if not isinstance(status, int) or not 200 <= status <= 599:  # noqa: PLR2004 - the final statuses of HTTP
        raise BadPrelude
    if not all((name + value).isprintable() and (name + value).isascii() for name, value in fields):
        raise BadPrelude
    if not any(name.lower() == "content-type" for name, _ in fields):
        fields.append(("Content-Type", "application/json"))
    return Prelude(status, fields)


def _prelude_fields(members: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    """Yield the header fields; if a name is in both maps, the values in ``multiValueHeaders`` count."""
    many = members.get("multiValueHeaders") or {}
    several = {name.lower() for name in many}
    single = {name: [value] for name, value in (members.get("headers") or {}).items() if name.lower() not in several}
    for name, values in {**single, **many}.items():
        if name.lower() in DROPPED:
            continue
        sent = f"x-amzn-Remapped-{name}" if name.lower() in REMAPPED else name
        yield from ((sent, _text(value)) for value in values)
    yield from (("Set-Cookie", _text(value)) for value in members.get("cookies") or ())


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int | float):
        return str(value)
    raise BadPrelude
