"""The record as a message: what is stored and published. Its members are documented in docs/records.md."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from ...partials.changes import unescape
from ...stream.errors import AnswerInvalid
from ...stream.record import Record

VERSION: Final = 1
"""Goes up when a member changes its meaning or is dropped; members may be added without."""

LONGEST_PATH: Final = 1000
"""Characters: a key that the model made up may have any length, and a message without content has to fit everywhere."""
LONGEST_INDEX: Final = 6
"""Digits: a longer number in a path is not an index but a key that the model made up."""


def as_message(record: Record) -> dict[str, object]:
    """Return the record as JSON values; ``content`` is a member only where content is kept."""
    start = record.start
    usage = record.usage
    message: dict[str, object] = {
        "version": VERSION,
        "id": start.id,
        **start.gateway_ids(),
        "beganAt": datetime.fromtimestamp(start.began_at, UTC).isoformat(timespec="milliseconds"),
        "outcome": record.outcome.value,
        "model": start.model_id,
        "mediaType": start.media_type,
        "status": record.status,
        "stopReason": record.stop_reason,
        "usage": usage and {"inputTokens": usage.input_tokens, "outputTokens": usage.output_tokens},
        "outputTokensEstimated": record.output_tokens_estimated,
        "attempts": record.attempts,
        "calls": record.calls,
        "chunks": record.chunk_count,
        "bytes": record.byte_count,
        "timings": {
            **({} if record.prepare_ms is None else {"prepare": record.prepare_ms}),
            "firstEvent": record.first_event_ms,
            "firstChunk": record.first_chunk_ms,
            "lastChunk": record.last_chunk_ms,
            "total": record.total_ms,
        },
        "error": _error(record),
    }
    if start.metadata:
        message["metadata"] = dict(start.metadata)
    message |= start.caller_fields
    content = start.content.keep({"prompt": start.prompt, "answer": record.answer})
    return message if content is None else {**message, "content": content}


def as_json(record: Record, limit: int) -> str:
    """Return the record's message as JSON of at most ``limit`` bytes; see ``fitted``."""
    return fitted(as_message(record), limit)


def fitted(message: Mapping[str, object], limit: int) -> str:
    """Return ``message`` as JSON of at most ``limit`` bytes.

    Content that does not fit is left out, and ``contentOmitted`` says so. Half a surrogate pair, which UTF-8 cannot
    carry, becomes a question mark.
    """
    text = json.dumps(message, ensure_ascii=False, separators=(",", ":"), default=str)
    encoded = text.encode(errors="replace")
    if len(encoded) <= limit or not message.get("content"):
        return encoded.decode()
    return fitted({**message, "content": None, "contentOmitted": True}, limit)


def visible_path(path: str, record: Record) -> str:
    """Return a path into the answer as logs and messages may show it.

    Where content is withheld, a key that the schema does not name, which the model made up, becomes ``*``.
    """
    return (record.start.content.keep(path) or _masked(path, record.start.field_names))[:LONGEST_PATH]


def _masked(path: str, field_names: frozenset[str]) -> str:
    return "/".join(step if _is_known(step, field_names) else "*" for step in path.split("/"))


def _is_known(step: str, field_names: frozenset[str]) -> bool:
    is_index = step.isdigit() and len(step) <= LONGEST_INDEX
    return not step or is_index or unescape(step) in field_names


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
