"""The record of a request as own stages receive it: ``from streaming_llm_api.endpoint import Record``.

Members may be added. None of them can be changed, lists and objects inside them included: a stage cannot leave anything
there for the stage after it.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from .contract import Outcome, Phase
from .stream.events import Usage


@dataclass(frozen=True, slots=True)
class Timings:
    """Milliseconds since the request reached the function; None if it never came so far.

    ``prepare`` is the time that ``prepare`` took; None without one.
    """

    prepare: int | None
    first_event: int | None
    first_chunk: int | None
    last_chunk: int | None
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What is known of a request that has ended. docs/records.md describes what its members mean."""

    request_id: str
    gateway_request_id: str | None
    extended_request_id: str | None
    began_at: float
    """Seconds since the epoch, as ``ended_at``."""
    ended_at: float
    timings: Timings
    outcome: Outcome
    status: int | None
    media_type: str | None
    chunks: int
    bytes: int
    error_code: str | None
    error_path: str | None
    """For an invalid answer, a JSON Pointer. Without content, a key that the model made up is ``*``."""
    error_rule: str | None
    closed_values: int
    phase: Phase | None
    """How far the request had come when it ended; None if it completed."""
    attempts: int
    calls: int
    model: str
    stop_reason: str | None
    usage: Usage | None
    output_tokens_estimated: int
    metadata: Mapping[str, str]
    prompt: str | None
    """The last text of the client; only with ``captureContent`` or ``stageContent``, as ``answer``."""
    answer: object
    """The validated answer as JSON values, whose lists are tuples; the text so far if the request did not complete."""
    _as_json: Callable[[], str] = field(repr=False, compare=False)

    def message(self) -> dict[str, Any]:
        """Return what store and publish send, as JSON values: with content only where ``captureContent`` is on."""
        message: dict[str, Any] = json.loads(self._as_json())
        return message


def unchangeable(value: object) -> object:
    """Return JSON values such that nobody can change them: a list as a tuple, an object as a read-only mapping."""
    if isinstance(value, Mapping):
        return MappingProxyType({name: unchangeable(member) for name, member in value.items()})
    if isinstance(value, list):
        return tuple(unchangeable(item) for item in value)
    return value
