"""The environment, read once at start: every variable has a default that works, a wrong one is named."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib import import_module
from typing import Any, TypeVar

T = TypeVar("T")


class SettingsError(ValueError):
    """A variable of the environment cannot be used; the message names it and says what it may be."""


class StructuredOutput(StrEnum):
    """How the schema reaches the model."""

    AUTO = "auto"
    NATIVE = "native"
    TOOL = "tool"
    PROMPT = "prompt"


@dataclass(frozen=True, slots=True)
class Guardrail:
    """A Bedrock guardrail, and whether text waits for it (``sync``) or not (``async``)."""

    id: str
    version: str
    streaming: str


@dataclass(frozen=True, slots=True)
class Target:
    """Where a stage sends the record: a kind, and a name or ARN where the kind has one."""

    kind: str
    name: str


@dataclass(frozen=True, slots=True)
class Settings:
    """What the stack decided. Times are seconds, sizes are bytes."""

    model_id: str
    structured_output: StructuredOutput
    guardrail: Guardrail | None
    schema: str
    request: str
    instructions: str
    temperature: float | None
    """None: 0.7 where the model takes one."""
    max_tokens: int
    body_limit: int
    allowed_origins: tuple[str, ...]
    start_padding: int
    capture_content: bool
    publish_outcomes: frozenset[str]
    sink: Target
    store: Target | None
    max_attempts: int
    first_event_timeout: float
    heartbeat: float


OUTCOMES = ("completed", "invalid", "truncated", "refused", "failed", "cancelled", "deadline")
"""Outcomes that can be published: a rejected request has nothing to publish."""

SINKS = ("sns", "eventbridge", "firehose")
REFERENCE = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")
ORIGIN = re.compile(r"\*|https?://[^/\s,]+")
GUARDRAIL = re.compile(r"(.+):(DRAFT|\d+)")


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Return the settings in ``environment``.

    Raises:
        SettingsError: a variable has a value that cannot be used.
    """

    def read(name: str, default: str, parse: Callable[[str], T], may_be: str) -> T:
        variable = f"LLM_{name}"
        text = environment.get(variable, "") or default
        try:
            return parse(text)
        except ValueError:
            raise SettingsError(f"{variable} is {text!r}; it may be {may_be}") from None

    streaming = read("GUARDRAIL_STREAMING", "sync", _one_of("sync", "async"), "sync or async")
    reference = "module:Name"
    return Settings(
        model_id=read("MODEL_ID", "global.anthropic.claude-haiku-4-5-20251001-v1:0", str, "a model id"),
        structured_output=read("STRUCTURED_OUTPUT", "auto", StructuredOutput, "auto, native, tool or prompt"),
        guardrail=read("GUARDRAIL", "none", _guardrail(streaming), "none or id:version"),
        schema=read("SCHEMA", "function.schema:Answer", _matching(REFERENCE), reference),
        request=read("REQUEST", "function.schema:Request", _matching(REFERENCE), reference),
        instructions=read("INSTRUCTIONS", "function.schema:INSTRUCTIONS", _matching(REFERENCE), reference),
        temperature=read("TEMPERATURE", "none", _temperature, "none or a number from 0 to 1"),
        max_tokens=read("MAX_TOKENS", "2000", _whole(1), "a whole number from 1"),
        body_limit=read("BODY_LIMIT", "65536", _whole(1), "a number of bytes from 1"),
        allowed_origins=read("ALLOWED_ORIGINS", "none", _origins, "none, * or origins separated by commas"),
        start_padding=read("START_PADDING", "0", _whole(0), "a number of bytes from 0"),
        capture_content=read("CAPTURE_CONTENT", "false", _boolean, "true or false"),
        publish_outcomes=read("PUBLISH_OUTCOMES", "completed", _outcomes, f"some of {', '.join(OUTCOMES)}, or none"),
        sink=read("SINK", "log", _sink, "log, sns:ARN, eventbridge:NAME or firehose:NAME"),
        store=read("STORE", "none", _store, "none or dynamodb:TABLE"),
        max_attempts=read("MAX_ATTEMPTS", "1", _whole(1), "a whole number from 1"),
        first_event_timeout=read("FIRST_EVENT_TIMEOUT", "290", _seconds, "a number of seconds above 0"),
        heartbeat=read("HEARTBEAT", "20", _seconds, "a number of seconds above 0"),
    )


def _one_of(*words: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in words:
            raise ValueError
        return text

    return parse


def _matching(pattern: re.Pattern[str]) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if not pattern.fullmatch(text):
            raise ValueError
        return text

    return parse


def _whole(least: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        number = int(text)
        if number < least:
            raise ValueError
        return number

    return parse


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds < float("inf"):
        raise ValueError
    return seconds


def _temperature(text: str) -> float | None:
    if text == "none":
        return None
    temperature = float(text)
    if not 0 <= temperature <= 1:
        raise ValueError
    return temperature


def _boolean(text: str) -> bool:
    return _one_of("true", "false")(text) == "true"


def _words(text: str) -> tuple[str, ...]:
    return () if text == "none" else tuple(word.strip() for word in text.split(","))


def _origins(text: str) -> tuple[str, ...]:
    return tuple(_matching(ORIGIN)(origin) for origin in _words(text))


def _outcomes(text: str) -> frozenset[str]:
    return frozenset(_one_of(*OUTCOMES)(outcome) for outcome in _words(text))


def _guardrail(streaming: str) -> Callable[[str], Guardrail | None]:
    def parse(text: str) -> Guardrail | None:
        if text == "none":
            return None
        found = GUARDRAIL.fullmatch(text)
        if not found:
            raise ValueError
        return Guardrail(found[1], found[2], streaming)

    return parse


def _target(text: str, *kinds: str) -> Target:
    kind, _, name = text.partition(":")
    if not name:
        raise ValueError
    return Target(_one_of(*kinds)(kind), name)


def _sink(text: str) -> Target:
    return Target("log", "") if text == "log" else _target(text, *SINKS)


def _store(text: str) -> Target | None:
    return None if text == "none" else _target(text, "dynamodb")


def load(variable: str, reference: str, what: str) -> Any:  # noqa: ANN401 - whatever the user's module holds
    """Return what ``module:Name`` names.

    Raises:
        SettingsError: there is no such module, or it has no such name.
    """
    module, name = reference.split(":")
    try:
        return getattr(import_module(module), name)
    except (ImportError, AttributeError, SyntaxError) as error:
        raise SettingsError(f"{variable} is {reference!r}, which should be {what}: {error}") from error
