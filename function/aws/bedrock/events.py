"""What ConverseStream sends back, as model events.

API: docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStreamOutput.html
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final, NamedTuple, TypeGuard

from botocore.exceptions import BotoCoreError, ClientError
from urllib3.exceptions import HTTPError

from ...stream.errors import ModelFailed
from ...stream.events import Delta, Ignored, Masked, ModelEvent, Stop, Thinking, Usage, Verdict, Waiting

GUARDRAIL_INTERVENED: Final = "guardrail_intervened"
"""The stop reason of an answer that a guardrail has blocked, and also of one in which it has masked words."""
VERDICTS: Final[Mapping[str, Verdict]] = {
    "end_turn": Verdict.GOOD,
    "stop_sequence": Verdict.GOOD,
    "tool_use": Verdict.GOOD,
    "max_tokens": Verdict.TRUNCATED,
    "model_context_window_exceeded": Verdict.TRUNCATED,
    GUARDRAIL_INTERVENED: Verdict.REFUSED,
    "content_filtered": Verdict.REFUSED,
    "refusal": Verdict.REFUSED,
}
"""What each stop reason means; any other is unknown. ``refusal`` is Claude's and in no list of the API."""


MASKED: Final = "ANONYMIZED"
NO_ACTION: Final = "NONE"
"""Actions of a guardrail, in the words of its trace; any other word means that it blocked."""
REASONING: Final = "reasoningContent"
BESIDE_THE_ANSWER: Final = frozenset({REASONING, "citation"})
"""Kinds of delta that never contain a part of the answer."""
TOKENS_LIMIT: Final = 2**53
"""A larger count of tokens is ignored: not every reader of JSON can represent it exactly."""

_STOP_REASON: Final = re.compile(r"[ -~]{1,100}")
_NO_BLOCK: Final = object()
_new_delta: Final = tuple.__new__
"""Makes a Delta without the Python call that a named tuple makes first."""

USAGE_POINTER: Final = "/usage"
"""What a request asks for of the model's own response, so that the stop says how many tokens were thinking."""
_THINKING_TOKENS: Final = ("additionalModelResponseFields", "usage", "output_tokens_details", "thinking_tokens")
"""Where the stop says it."""


class Unreadable(NamedTuple):
    """An event whose payload botocore could not read."""

    error: Exception


class MalformedEvent(Exception):
    """An event is not as the API describes it. Its message says what is wrong, and quotes nothing of the event."""


def readable(stream: Iterable[Mapping[str, Any] | None]) -> Iterator[Mapping[str, Any] | Unreadable | None]:
    """Yield the events of botocore's ``stream``; an event that botocore cannot read does not end it.

    botocore expects each value to have the type in the API's description, and fails in many ways if it does not.
    """
    while True:
        try:
            yield from stream
        except (ClientError, BotoCoreError, HTTPError):  # the service's own word, or the connection's
            raise
        except Exception as error:  # noqa: BLE001 - whatever reading a payload raises
            yield Unreadable(error)  # a stream that is broken as a whole has no further event
        else:
            return


def model_events(
    raw: Iterable[Mapping[str, Any] | Unreadable | None],
    *,
    tool: bool,
    show_thinking: bool = False,
    caching: bool = True,
) -> Iterator[ModelEvent]:
    """Yield the model events among the ``raw`` ones: opening frames are left out.

    So is the text of thinking, without ``show_thinking``. With ``tool``, the text of the answer is the input of the
    first tool call. ``caching`` says whether the request has a cache point: without one, that nothing was cached is not
    reported. The first stop counts. After it come only usages, of which the last counts, and ``Masked`` if a guardrail
    has only masked words. Every other event that could belong to an answer becomes ``Ignored``, and None ``Waiting``.

    Raises:
        ModelFailed: an event before the stop is malformed.
    """
    events = iter(raw)
    answer = _ToolInput() if tool else _Text()
    try:
        for event in events:
            if isinstance(event, dict) and (delta := event.get("contentBlockDelta")):  # nearly every event
                text = answer.text(delta)
                if text:
                    yield _new_delta(Delta, (text,))
                elif beside := _beside(delta, text, show_thinking=show_thinking):
                    yield beside
                continue
            if event is None:
                yield Waiting()
                continue
            name, payload = _member(event)
            if name == "messageStop":
                yield from _ending(payload, answer, events, caching=caching)
                return
            if other := _before_the_stop(name, payload, answer, caching=caching):
                yield other
    except MalformedEvent as error:
        raise ModelFailed from error


def _ending(
    of_stop: Mapping[str, Any],
    answer: "_Text | _ToolInput",
    events: Iterator[Mapping[str, Any] | Unreadable | None],
    *,
    caching: bool,
) -> Iterator[ModelEvent]:
    """Yield the rest of the answer, its stop, which has the payload ``of_stop``, and what follows it."""
    stop, thinking_tokens = _stop(of_stop), _thinking_tokens(of_stop)
    if stop.verdict is Verdict.GOOD and (rest := answer.rest()):
        yield Delta(rest)
    yield stop
    for event in events:
        if event is None:
            yield Waiting()
            continue
        payload = _metadata(event)
        if payload is None:
            yield Ignored()
            continue
        if stop.reason == GUARDRAIL_INTERVENED and _is_only_masked(payload):
            yield Masked()
        try:
            usage = _usage(payload, caching=caching)
        except MalformedEvent:
            yield Ignored()
        else:
            if usage:
                yield replace(usage, thinking_tokens=thinking_tokens)


def _before_the_stop(
    name: str, payload: Mapping[str, Any], answer: "_Text | _ToolInput", *, caching: bool
) -> Ignored | Usage | None:
    """Return the event of a frame that is neither a delta nor the stop."""
    if name == "contentBlockStart":
        return None if answer.begins(payload) else Ignored()
    return _usage(payload, caching=caching) if name == "metadata" else None


class _Text:
    """An answer in text blocks."""

    def text(self, payload: Mapping[str, Any]) -> str | None:
        """Return what a delta adds to the answer; None if the text is not part of the answer."""
        delta = payload.get("delta")
        if isinstance(delta, dict) and "text" in delta:  # nearly always
            text = delta["text"]
            return text if isinstance(text, str) else _string(text, "text")
        return "" if _delta(payload).keys() <= BESIDE_THE_ANSWER else None

    def begins(self, _payload: Mapping[str, Any], /) -> bool:
        """Return whether the block that begins can be part of the answer, or is of another kind."""
        return True

    def rest(self) -> str:
        """Return what the answer has in addition to its deltas."""
        return ""


class _ToolInput:
    """An answer that is the input of a tool call. A second call in the same message is left out."""

    def __init__(self) -> None:
        self._block: object = _NO_BLOCK
        self._is_empty = True

    def text(self, payload: Mapping[str, Any]) -> str | None:
        """Return what a delta adds to the answer; None if the text is not part of the answer."""
        delta = _delta(payload)
        if "toolUse" not in delta:
            return "" if delta.keys() <= BESIDE_THE_ANSWER or delta.get("text") == "" else None
        text = _string(_mapping(delta["toolUse"], "toolUse").get("input"), "input")
        if not self._is_mine(payload):
            return None
        self._is_empty = self._is_empty and not text
        return text

    def begins(self, payload: Mapping[str, Any]) -> bool:
        """Return whether the block that begins can be part of the answer, or is of another kind."""
        start = payload.get("start") or {}
        return "toolUse" not in start or self._is_mine(payload)

    def rest(self) -> str:
        """Return what the answer has in addition to its deltas: a call without input has an empty one."""
        return "{}" if self._is_empty and self._block is not _NO_BLOCK else ""

    def _is_mine(self, payload: Mapping[str, Any]) -> bool:
        index = payload.get("contentBlockIndex")
        if self._block is _NO_BLOCK:
            self._block = index
        return bool(self._block == index)


def _member(event: Mapping[str, Any] | Unreadable) -> tuple[str, Mapping[str, Any]]:
    """Return the name and the payload of an event, which are its only member and that member's value."""
    if isinstance(event, Unreadable):
        raise MalformedEvent("botocore cannot read the payload") from event.error
    ((name, payload),) = event.items()
    if not payload:  # botocore returns nothing for a payload that is not JSON
        raise MalformedEvent(f"{name} has no member")
    return name, payload


def _metadata(event: Mapping[str, Any] | Unreadable) -> Mapping[str, Any] | None:
    """Return the payload of ``metadata``; None for another event, or a malformed one."""
    try:
        name, payload = _member(event)
    except MalformedEvent:
        return None
    return payload if name == "metadata" else None


def _is_only_masked(metadata: Mapping[str, Any]) -> bool:
    """Return whether a guardrail has masked words, and done nothing else.

    Of the trace only the actions are read: all else in it quotes the prompt and the answer.
    """
    trace = (metadata.get("trace") or {}).get("guardrail") or {}
    return set(_actions(trace)) - {NO_ACTION} == {MASKED}


def _actions(trace: object) -> Iterator[object]:
    if isinstance(trace, list):
        for item in trace:
            yield from _actions(item)
    if isinstance(trace, dict):
        for name, value in trace.items():
            if name == "action" and not isinstance(value, dict | list):
                yield value
            else:
                yield from _actions(value)


def _delta(payload: Mapping[str, Any]) -> Mapping[str, Any]:
    delta = payload.get("delta")
    if not delta:  # botocore leaves out what is null
        raise MalformedEvent("delta has no member")
    return _mapping(delta, "delta")


def _beside(payload: Mapping[str, Any], text: str | None, *, show_thinking: bool) -> Thinking | Ignored | None:
    """Return the event of a delta that adds nothing to the answer; its ``text`` is None if it could have added some."""
    reasoning = _delta(payload).get(REASONING)
    if reasoning is None:
        return Ignored() if text is None else None
    if not show_thinking:
        return Thinking()
    return Thinking(_string(_mapping(reasoning, REASONING).get("text", ""), "text"))  # a signature has no text


def _stop(payload: Mapping[str, Any]) -> Stop:
    reason = _string(payload.get("stopReason"), "stopReason")
    if not _STOP_REASON.fullmatch(reason):
        raise MalformedEvent("stopReason is not a few words")
    return Stop(reason, VERDICTS.get(reason, Verdict.UNKNOWN))


def _thinking_tokens(stop: Mapping[str, Any]) -> int | None:
    """Return how many tokens were thinking. This part of a stop is the model's: another form of it is ignored."""
    found: object = stop
    for name in _THINKING_TOKENS:
        found = found.get(name) if isinstance(found, dict) else None
    return found if _is_count(found) else None


def _usage(payload: Mapping[str, Any], *, caching: bool) -> Usage | None:
    """Return the tokens of ``metadata``; None if it has none."""
    if "usage" not in payload:
        return None
    usage = _mapping(payload["usage"], "usage")
    cached = [_cached_tokens(usage, name) for name in ("cacheReadInputTokens", "cacheWriteInputTokens")]
    if not caching and not any(cached):
        cached = [None, None]
    return Usage(_tokens(usage, "inputTokens"), _tokens(usage, "outputTokens"), *cached)


def _cached_tokens(usage: Mapping[str, Any], name: str) -> int | None:
    return None if usage.get(name) is None else _tokens(usage, name)


def _tokens(usage: Mapping[str, Any], name: str) -> int:
    count = usage.get(name)
    if not _is_count(count):
        raise MalformedEvent(f"{name} is not a number of tokens")
    return count


def _is_count(value: object) -> TypeGuard[int]:
    return type(value) is int and 0 <= value <= TOKENS_LIMIT  # a bool is an int, too


def _mapping(value: object, name: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise MalformedEvent(f"{name} is not an object")
    return value


def _string(value: object, name: str) -> str:
    if not isinstance(value, str):
        raise MalformedEvent(f"{name} is not a string")
    return value
