"""The record as a message: what is stored and published. Its members are documented in docs/records.md."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from .record import Record

VERSION: Final = 1
"""Goes up when a member changes its meaning or is dropped; members may be added without."""


def as_message(record: "Record") -> dict[str, object]:
    """Return the record as JSON values; ``content`` is a member only where content is kept."""
    start, times, usage = record._start, record.timings, record.usage
    message: dict[str, object] = {
        "version": VERSION,
        "id": record.request_id,
        **start.gateway_ids(),
        "beganAt": datetime.fromtimestamp(record.began_at, UTC).isoformat(timespec="milliseconds"),
        "route": record.route,
        "outcome": record.outcome.value,
        "model": record.model,
        "mediaType": record.media_type,
        "status": record.status,
        "stopReason": record.stop_reason,
        "usage": usage and usage.as_members(),
        "outputTokensEstimated": record.output_tokens_estimated,
        "attempts": record.attempts,
        "calls": record.calls,
        "chunks": record.chunks,
        "bytes": record.bytes,
        "timings": {
            **({} if times.prepare is None else {"prepare": times.prepare}),
            "firstEvent": times.first_event,
            "firstChunk": times.first_chunk,
            "lastChunk": times.last_chunk,
            "total": times.total,
        },
        "error": _error(record),
    }
    if record.metadata:
        message["metadata"] = dict(record.metadata)
    message |= start.caller_fields
    content = start.content.capture(_content(record))
    return message if content is None else {**message, "content": content}


def _content(record: "Record") -> dict[str, object]:
    prompt = record._start.prompt
    content: dict[str, object] = {"prompt": record.prompt}
    if record.messages is not None:
        content["messages"] = record.messages
    if prompt is not None and prompt.instructions_sha256 is not None:
        content["instructionsSha256"] = prompt.instructions_sha256
    return {**content, "answer": record.answer}


def as_json(record: "Record", limit: int) -> str:
    """Return the record's message as JSON of at most ``limit`` bytes; see ``fitted``."""
    return fitted(as_message(record), limit)


def fitted(message: Mapping[str, object], limit: int) -> str:
    """Return ``message`` as JSON of at most ``limit`` bytes.

    Of content that does not fit the oldest messages are left out first, then the answer, at last all of it;
    ``messagesOmitted``, ``answerOmitted`` and ``contentOmitted`` say so. Half a surrogate pair, which UTF-8 cannot
    carry, becomes a question mark.
    """
    encoded = _encoded(message)
    content = message.get("content")
    if len(encoded) <= limit or not isinstance(content, Mapping):
        return encoded.decode()
    return fitted({**message, **_less(content, len(encoded) - limit)}, limit)


def _less(content: Mapping[str, Any], excess: int) -> dict[str, object]:
    """Return the member ``content`` without what is left out next, if it has ``excess`` bytes too many."""
    messages = content.get("messages")
    if messages:
        omitted = _count_of_oldest(messages, excess)
        before = content.get("messagesOmitted", 0)
        return {"content": {**content, "messages": messages[omitted:], "messagesOmitted": before + omitted}}
    if "answerOmitted" not in content:
        return {"content": {**content, "answer": None, "answerOmitted": True}}
    return {"content": None, "contentOmitted": True}


def _count_of_oldest(messages: Sequence[object], size: int) -> int:
    """Return how many of the first messages have ``size`` bytes together; all if they have fewer."""
    sizes = accumulate(len(_encoded(message)) + len(",") for message in messages)
    return next((count for count, total in enumerate(sizes, 1) if total >= size), len(messages))


def _encoded(value: object) -> bytes:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_plain)
    return text.encode(errors="replace")


def _error(record: "Record") -> dict[str, object] | None:
    if record.error_code is None:
        return None
    if record.error_rule is None:  # which an invalid answer alone has
        return {"code": record.error_code}
    return {
        "code": record.error_code,
        "path": record._visible_path,
        "rule": record.error_rule,
        "closedValues": record.closed_values,
        "tokensNotAwaitedAtMost": record._tokens_not_awaited,
    }


def _plain(value: object) -> object:
    """Return a value that JSON does not know as one that it knows: a read-only mapping is an object."""
    return dict(value) if isinstance(value, Mapping) else str(value)
