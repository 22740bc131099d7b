"""The user's own stages: they receive the record after log, store and publish, each alone and bounded in time."""

import logging
import time
from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Final

from .aws.stages.message import as_json, visible_path
from .aws.stages.publish import MESSAGE_LIMIT
from .record import Record, Timings, unchangeable
from .stream.errors import AnswerInvalid, DeadlineReached, Internal
from .stream.interruption import user_code
from .stream.record import Record as InternalRecord
from .stream.stages import Stage

OwnStage = Callable[[Record], object]
"""What the user's module holds; what it returns is ignored."""

SHARE: Final = 0.1
"""The part of the time of all own stages that each of them has, whatever the ones before it do. At most 8 have it."""
PATIENCE: Final = 1.0
"""Seconds after that time at which the process ends if a stage that cannot be broken off still runs."""

_log = logging.getLogger(__name__)


def own_stages(stages: Mapping[str, OwnStage], seconds: float) -> Stage:
    """Return the stage that runs ``stages``, by their references, in order; all together have ``seconds``."""

    def run(record: InternalRecord) -> None:
        public = _public(record)
        began = time.monotonic()
        ends = began + min(seconds, record.seconds_left() + seconds)
        for following, (reference, stage) in zip(reversed(range(len(stages))), stages.items(), strict=True):
            now = time.monotonic()
            share = SHARE * seconds
            user_code.limit(max(ends - now - following * share, share), ends - now + PATIENCE, is_final=True)
            try:
                user_code.call(stage, public)
            except Exception as error:  # noqa: BLE001 - the stages after it run whatever it is
                spent = round((time.monotonic() - now) * 1000)
                ended = f"{_kind(error)} after {spent} ms"
                _log.error("stage %s of request %s failed: %s", reference, record.start.id, ended)
            finally:
                user_code.release()

    return run


def _kind(error: Exception) -> str:
    """Return the type of what a stage raised, or ``late``; never its words."""
    if isinstance(error, DeadlineReached):
        return "late"
    raised = error.__cause__ if isinstance(error, Internal) and error.__cause__ else error
    return type(raised).__qualname__


def _public(record: InternalRecord) -> Record:
    start, error = record.start, record.error
    path = rule = None
    if isinstance(error, AnswerInvalid):
        path, rule = start.own_content.keep(error.path) or visible_path(error.path, record), error.rule
    return Record(
        request_id=start.id,
        gateway_request_id=start.gateway_request_id,
        extended_request_id=start.extended_request_id,
        began_at=start.began_at,
        ended_at=start.began_at + record.total_ms / 1000,
        timings=Timings(
            record.prepare_ms, record.first_event_ms, record.first_chunk_ms, record.last_chunk_ms, record.total_ms
        ),
        outcome=record.outcome,
        status=record.status,
        media_type=start.media_type,
        chunks=record.chunk_count,
        bytes=record.byte_count,
        error_code=error.code if error else None,
        error_path=path,
        error_rule=rule,
        closed_values=record.closed_values,
        phase=record.phase,
        attempts=record.attempts,
        calls=record.calls,
        model=start.model_id,
        stop_reason=record.stop_reason,
        usage=record.usage,
        output_tokens_estimated=record.output_tokens_estimated,
        metadata=MappingProxyType(dict(start.metadata)),
        prompt=start.own_prompt,
        answer=unchangeable(record.own_answer),
        _as_json=partial(as_json, record, MESSAGE_LIMIT),
    )
