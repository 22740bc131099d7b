"""The checks in the order in which they run: those that cost nothing come first."""

from collections.abc import Sequence
from typing import Final

from .browsers import cors_preflight, cors_responses, nosniff
from .disconnects import client_disconnects
from .formats import json_document, json_lines, raw_text, server_sent_events, snapshots
from .pace import streams_without_delay
from .presence import request_ids
from .refusals import accept, bad_json, body_size, content_type, gateway_errors, missing_credentials, wrong_type
from .run import Check

MODEL_CALLS: Final = 6
"""How many answers all checks together request from the model, if none has to be requested again."""
CHECKS: Final[Sequence[tuple[str, Check]]] = [
    ("refuses bad JSON", bad_json),
    ("refuses a wrong type", wrong_type),
    ("refuses other content types", content_type),
    ("refuses unknown formats", accept),
    ("refuses large bodies", body_size),
    ("gateway errors", gateway_errors),
    ("refuses missing credentials", missing_credentials),
    ("CORS: preflight", cors_preflight),
    ("CORS: responses", cors_responses),
    ("JSON Lines", json_lines),
    ("streams without delay", streams_without_delay),
    ("Server-Sent Events", server_sent_events),
    ("snapshot view", snapshots),
    ("raw text", raw_text),
    ("client disconnects", client_disconnects),
    ("JSON document", json_document),
    ("request ids", request_ids),
    ("nosniff", nosniff),
]
