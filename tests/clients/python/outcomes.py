"""What a client makes of a vector, and what it should."""

from collections.abc import Iterable, Iterator
from copy import deepcopy
from typing import Any, Final

from tests.clients.vectors.vector import Response, Vector

SHORT: Final = 6_000
"""Bytes of a body that is also read byte by byte."""


def sizes(response: Response) -> tuple[int, ...]:
    """Return in parts of which sizes a body is read: byte by byte, and at once."""
    size = len(response.body)
    return (1, size + 1) if size < SHORT else (65_537,)


def partials(reception: Any, response: Response, pieces: Iterable[bytes]) -> Iterator[Any]:
    """Give a response to the client, whose body comes in these pieces; yield what it shows."""
    if not reception.begin(response.status, {name.lower(): value for name, value in response.headers.items()}):
        raise reception.refused(response.body)
    for piece in pieces:
        yield from reception.feed(piece)
    yield from reception.end()


def read(reception: Any, response: Response, size: int) -> dict[str, Any]:
    """Return what a client makes of a response whose body comes in pieces of this size."""
    body, seen = response.body, list[Any]()
    pieces = [body[start : start + size] for start in range(0, len(body), size)]
    try:
        seen.extend(deepcopy(partial.value) for partial in partials(reception, response, pieces))
    except Exception as error:  # noqa: BLE001 - a mutant can fail in any way
        names = ("code", "status", "retry_after", "problem", "request_id", "partial")
        found = {name: getattr(error, name, "missing") for name in names}
    else:
        usage = reception.usage and reception.usage.model_dump(by_alias=True, exclude_none=True)
        found = {"value": reception.answer, "usage": usage, "estimated": reception.output_tokens_estimated}
        found["request_id"] = reception.request_id
    closed = {path: reception.growing.is_closed(path) for path in ("", "/summary", "/a")}
    return {**found, "partials": seen, "model": reception.model, "closed": closed}


def expected(vector: Vector) -> dict[str, Any]:
    """Return the same as the vector has it."""
    members = vector.expected
    closed = {path: "" in members["closed"] or path in members["closed"] for path in ("", "/summary", "/a")}
    found = {"partials": members["partials"], "model": members.get("model"), "closed": closed}
    found["request_id"] = members.get("requestId")
    if members["outcome"] == "complete":
        estimated = members.get("outputTokensEstimated")
        return {**found, "value": members["value"], "usage": members["usage"], "estimated": estimated}
    names = {
        "code": "code",
        "status": "status",
        "retry_after": "retryAfter",
        "problem": "problem",
        "partial": "partial",
    }
    return {**found, **{name: members.get(member) for name, member in names.items()}}
