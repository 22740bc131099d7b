"""Every check with its name, in the order in which they run."""

from collections.abc import Sequence
from typing import Final

from .browsers import cors, nosniff, preflight
from .disconnects import leaving
from .formats import lines, raw_text, snapshots, sse, whole_json
from .pace import pace
from .presence import request_ids
from .refusals import bad_json, not_acceptable, other_media_type, other_path, sizes, strangers, wrong_type
from .run import Check

ANSWERS: Final = 6
"""Answers that all checks together ask of the model, where nothing has to be asked again."""
CHECKS: Final[Sequence[tuple[str, Check]]] = [
    ("refuses bad JSON", bad_json),
    ("refuses a wrong type", wrong_type),
    ("refuses other media", other_media_type),
    ("refuses other formats", not_acceptable),
    ("sizes", sizes),
    ("gateway's own errors", other_path),
    ("refuses strangers", strangers),
    ("CORS: preflight", preflight),
    ("CORS: answers", cors),
    ("JSON Lines", lines),
    ("streams in time", pace),
    ("Server-Sent Events", sse),
    ("snapshot view", snapshots),
    ("raw text", raw_text),
    ("leaving early", leaving),
    ("whole JSON", whole_json),
    ("request ids", request_ids),
    ("nosniff", nosniff),
]
"""In the order in which they run: what costs nothing comes first."""
