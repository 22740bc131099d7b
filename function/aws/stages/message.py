"""The record as a message: what store keeps and publish sends. Its members are documented in docs/records.md."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime

from ...partials.changes import unescape
from ...stream.errors import AnswerInvalid
from ...stream.record import Record

VERSION = 1
"""Goes up when a member changes its meaning or goes away; new members may come without."""

LONGEST_PATH = 1000
"""Characters: a key of the model's may have any length, and a message without content has to fit everywhere."""
LONGEST_INDEX = 6
"""Digits: a longer number in a path is a key of the model's, not an index."""


def as_message(record: Record) -> dict[str, object]:
    """Return the record as JSON values; ``content`` is there only where content is captured."""
    message: dict[str, object] = {
        "version": VERSION,
        "id": record.id,
        "beganAt": datetime.fromtimestamp(record.began_at, UTC).isoformat(timespec="milliseconds"),
        "outcome": record.outcome.value,
        "model": record.model_id,
        "mediaType": record.media_type,
        "status": record.status,
        "stopReason": record.stop_reason,
        "usage": record.usage
        and {"inputTokens": record.usage.input_tokens, "outputTokens": record.usage.output_tokens},
        "outputTokensEstimated": record.output_tokens_estimated,
        "attempts": record.attempts,
        "chunks": record.chunk_count,
        "bytes": record.byte_count,
        "timings": {
            "firstEvent": record.first_event_ms,
            "firstChunk": record.first_chunk_ms,
            "lastChunk": record.last_chunk_ms,
            "total": record.total_ms,
        },
        "error": _error(record),
    }
    if record.capture_content:
        answer = record.value if record.value is not None else "".join(record.pieces)
        message["content"] = {"prompt": record.prompt, "answer": answer}
    return message


def fitted(message: Mapping[str, object], limit: int) -> str:
    """Return ``message`` as JSON of at most ``limit`` bytes: content that does not fit is left out, and that said.

    What JSON in UTF-8 cannot carry is replaced: half a surrogate pair by a question mark.
    """
    text = json.dumps(message, ensure_ascii=False, separators=(",", ":"), default=str)
    encoded = text.encode(errors="replace")
    if len(encoded) <= limit or not message.get("content"):
        return encoded.decode()
    return fitted({**message, "content": None, "contentOmitted": True}, limit)


def visible_path(path: str, record: Record) -> str:
    """Return a path into the answer without the model's own words: keys that the schema does not name become ``*``."""
    if record.capture_content:
        return path[:LONGEST_PATH]
    steps = path.split("/")
    return "/".join(step if _is_ours(step, record.field_names) else "*" for step in steps)[:LONGEST_PATH]


def _is_ours(step: str, field_names: frozenset[str]) -> bool:
    name = unescape(step)
    return not step or name in field_names or (step.isdigit() and len(step) <= LONGEST_INDEX)


def _error(record: Record) -> dict[str, object] | None:
    error = record.error
    if error is None:
        return None
    if isinstance(error, AnswerInvalid):
        return {
            "code": error.code,
            "path": visible_path(error.path, record),
            "rule": error.rule,
            "closedValues": record.closed_values,
            "tokensNotAwaitedAtMost": record.tokens_not_awaited,
        }
    return {"code": error.code}
