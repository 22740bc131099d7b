"""One response of the endpoint, byte for byte, and what a client must make of it (clients/vectors/README.md)."""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

VECTORS: Final = Path(__file__).resolve().parents[3] / "clients" / "vectors"
REQUEST_ID: Final = "c6af9ac6-7b61"

Piece = str | bytes | tuple[str, int]
"""A text, bytes, or a text and how often it is sent."""


@dataclass(frozen=True)
class Response:
    """What the server sends."""

    status: int
    headers: Mapping[str, str]
    pieces: Sequence[Piece]
    is_cut: bool = False

    @property
    def body(self) -> bytes:
        return b"".join(map(sent, self.pieces))


@dataclass(frozen=True)
class Vector:
    """A response with a name. ``response`` is None if the connection ends before the head of one."""

    name: str
    about: str
    made: str
    response: Response | None
    expected: Mapping[str, Any] = field(default_factory=dict)


def sent(piece: Piece) -> bytes:
    """Return the bytes of a piece."""
    if isinstance(piece, bytes):
        return piece
    text, times = piece if isinstance(piece, tuple) else (piece, 1)
    return text.encode() * times


def as_text(vector: Vector) -> str:
    """Return the file of a vector."""
    response = vector.response and {
        "status": vector.response.status,
        "headers": vector.response.headers,
        "body": [_as_json(piece) for piece in vector.response.pieces],
        "end": "cut" if vector.response.is_cut else "clean",
    }
    members = {
        "name": vector.name,
        "about": vector.about,
        "made": vector.made,
        "response": response,
        "expected": vector.expected,
    }
    return json.dumps(members, indent=1) + "\n"


def read(text: str) -> Vector:
    """Return the vector of a file."""
    members = json.loads(text)
    response = members["response"]
    if response is not None:
        pieces = [_from_json(piece) for piece in response["body"]]
        response = Response(response["status"], response["headers"], pieces, response["end"] == "cut")
    return Vector(members["name"], members["about"], members["made"], response, members["expected"])


def vectors() -> list[Vector]:
    """Return all vectors, as their files have them."""
    return [read(path.read_text(encoding="ascii")) for path in sorted(VECTORS.glob("*.json"))]


def _as_json(piece: Piece) -> object:
    if isinstance(piece, tuple):
        return {"text": piece[0], "times": piece[1]}
    if isinstance(piece, str):
        return piece
    try:
        return piece.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(piece).decode()}


def _from_json(piece: Any) -> Piece:
    if isinstance(piece, str):
        return piece
    return base64.b64decode(piece["base64"]) if "base64" in piece else (piece["text"], piece["times"])
