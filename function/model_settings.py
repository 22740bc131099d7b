"""What of a stack's settings a model takes, by the table of models: refused at preview, lowered, or sent.

A Claude without a row is asked for what was set: the service has the last word.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from .claude import Claude, Native, Off, Thinks, claude, may_be_claude
from .contract import Cache, Effort, Settings, SettingsError, StructuredOutput, Thinking, variable


class Conflict(NamedTuple):
    """A setting with which a model is known to refuse every request."""

    message: str
    """What is wrong and what to do, in the names of the function's variables."""
    instead: Mapping[str, Any]
    """The settings with which the model takes the request, by name."""


def refuse_what_the_model_refuses(settings: Settings, model: str) -> None:
    """Check the settings against what is known of a model: that of the settings, or the one behind their profile.

    Raises:
        SettingsError: the model is known to refuse every request with these settings.
    """
    conflict = _first_conflict(settings, model)
    if conflict is not None:
        raise SettingsError(conflict.message)


def lowered(settings: Settings, model: str) -> Settings:
    """Return the settings without what is known to be refused: for a model that stands in for the one they name.

    What the model does not take is left out, and an effort that it does not know is the next lower one.
    """
    while conflict := _first_conflict(settings, model):
        settings = settings._replace(**conflict.instead)
    return settings


def _first_conflict(settings: Settings, model: str) -> Conflict | None:
    row = claude(model)
    if row is None:
        found = (rule(settings, row, model) for rule in _RULES_WITHOUT_ROW)
    else:
        found = (rule(settings, row, model) for rule in _RULES)
    return next(filter(None, found), None)


def steering(settings: Settings, model: str) -> dict[str, Any]:
    """Return the members of ``additionalModelRequestFields`` that say how a model thinks, and how much it spends."""
    row = claude(model)
    fields: dict[str, Any] = {}
    kind = _thinking_type(settings.thinking, row)
    if settings.show_thinking:
        fields["thinking"] = {"type": "adaptive", "display": "summarized"}
    elif kind is not None:
        fields["thinking"] = {"type": kind}
    if settings.effort is not None:
        fields["output_config"] = {"effort": settings.effort.value}
        if row and row.mind.effort_beta:
            fields["anthropic_beta"] = [row.mind.effort_beta]
    return fields


def _thinking_type(thinking: Thinking, row: Claude | None) -> str | None:
    """Return the type of ``thinking`` in a request; None if the request leaves it out."""
    if thinking is Thinking.ON:
        return "adaptive" if row is None or row.mind.thinks is Thinks.NO else None
    if thinking is Thinking.OFF:
        return _OFF[row.mind.off if row else Off.DISABLED]
    return None


def _native_output(settings: Settings, row: Claude, model: str) -> Conflict | None:
    if settings.structured_output is not StructuredOutput.NATIVE or row.native is not Native.NO:
        return None
    others = "auto, tool or prompt" if row.forced_tool else "auto or prompt"
    return Conflict(
        f"{variable('structured_output')} must be {others}: {model} has no native structured output.",
        {"structured_output": StructuredOutput.AUTO},
    )


def _forced_tool(settings: Settings, row: Claude, model: str) -> Conflict | None:
    if settings.structured_output is not StructuredOutput.TOOL or row.forced_tool:
        return None
    others = "auto or prompt" if row.native is Native.NO else "auto, native or prompt"
    return Conflict(
        f"{variable('structured_output')} must be {others}: {model} cannot be forced to call a tool.",
        {"structured_output": StructuredOutput.AUTO},
    )


def _effort(settings: Settings, row: Claude, model: str) -> Conflict | None:
    if settings.effort is None or settings.effort in row.mind.efforts:
        return None
    name, words = variable("effort"), row.mind.efforts
    if not words:
        return Conflict(f"{name} cannot be set: {model} takes no effort.", {"effort": None})
    return Conflict(
        f"{name} must be one of {', '.join(words)}: {model} does not know {settings.effort}.",
        {"effort": _highest(words, settings.effort)},
    )


def _thinking_on(settings: Settings, row: Claude, model: str) -> Conflict | None:
    if settings.thinking is not Thinking.ON:
        return None
    name = variable("thinking")
    if row.mind.thinks is Thinks.NO and not row.mind.adaptive:
        message = f"{name} cannot be on: {model} thinks only with a budget of tokens, which is not supported."
    elif settings.structured_output is StructuredOutput.TOOL:
        tool = f"{variable('structured_output')} is tool"
        message = f"{name} cannot be on while {tool}: a model that must call one does not think."
    else:
        return None
    return Conflict(message, {"thinking": Thinking.DEFAULT})


def _thinking_off(settings: Settings, row: Claude, model: str) -> Conflict | None:
    if settings.thinking is not Thinking.OFF or row.mind.off is not Off.NEVER:
        return None
    return Conflict(
        f"{variable('thinking')} cannot be off: {model} always thinks. Lower {variable('effort')} instead.",
        {"thinking": Thinking.DEFAULT, "effort": Effort.LOW},
    )


def _effort_without_thinking(settings: Settings, row: Claude, model: str) -> Conflict | None:
    most = row.mind.off_up_to
    if settings.thinking is not Thinking.OFF or settings.effort is None or most is None:
        return None
    if _ORDER.index(settings.effort) <= _ORDER.index(most):
        return None
    name, thinking = variable("effort"), variable("thinking")
    return Conflict(
        f"{name} must be {most} or lower while {thinking} is off: {model} refuses {settings.effort}.", {"effort": most}
    )


def _of_claudes_alone(settings: Settings, _row: None, model: str) -> Conflict | None:
    without: dict[str, Any] = {"effort": None, "thinking": Thinking.DEFAULT, "show_thinking": False}
    given = [name for name, value in without.items() if getattr(settings, name) != value]
    if not given or may_be_claude(model):
        return None
    return Conflict(f"{variable(given[0])} cannot be set: {model} is not a Claude, and only these know it.", without)


def _show_thinking(settings: Settings, row: Claude | None, model: str) -> Conflict | None:
    """Without a row, only what a request says itself keeps the model from thinking."""
    if not settings.show_thinking:
        return None
    thinking, is_asked = variable("thinking"), settings.thinking is Thinking.ON
    if settings.thinking is Thinking.OFF:
        reason = f"{thinking} is off"
    elif settings.structured_output is StructuredOutput.TOOL:
        reason = f"{variable('structured_output')} is tool: a model that must call one does not think"
    elif row is None or row.mind.thinks is not Thinks.NO or is_asked:
        return None
    elif row.mind.adaptive:
        reason = f"{model} thinks only with {thinking}: on"
    else:
        reason = f"{model} thinks only with a budget of tokens, which is not supported"
    return Conflict(f"{variable('show_thinking')} must be false: {reason}.", {"show_thinking": False})


def _temperature(settings: Settings, row: Claude, model: str) -> Conflict | None:
    if not isinstance(settings.temperature, float) or row.temperature:
        return None
    return Conflict(
        f"{variable('temperature')} must be none: {model} does not accept a temperature.", {"temperature": None}
    )


def _temperature_with_thinking(settings: Settings, row: Claude, model: str) -> Conflict | None:
    if settings.thinking is not Thinking.ON or not row.temperature:
        return None
    if not isinstance(settings.temperature, float) or settings.temperature == 1:
        return None
    name, thinking = variable("temperature"), variable("thinking")
    return Conflict(
        f"{name} must be none or 1 while {thinking} is on: {model} accepts no other then.",
        {"temperature": None},
    )


def _hour_of_cache(settings: Settings, row: Claude, model: str) -> Conflict | None:
    if settings.cache is not Cache.ONE_HOUR or row.knows_hour_cache:
        return None
    return Conflict(
        f"{variable('cache')} must be 5m or none: {model} caches for five minutes only.", {"cache": Cache.FIVE_MINUTES}
    )


_OFF: Final = {
    Off.NOTHING: None,
    Off.DISABLED: "disabled",
    Off.BETWEEN_TOOLS: "between_tools",
    Off.NEVER: "disabled",
}
"""The type that keeps a model from thinking.

Where the preview did not know the model behind a profile, the service's refusal says that it always thinks.
"""

_ORDER: Final = tuple(Effort)


def _highest(words: Sequence[Effort], limit: Effort) -> Effort:
    """Return the highest of these words that is not above ``limit``; every model that knows effort knows the lowest."""
    return [word for word in words if _ORDER.index(word) <= _ORDER.index(limit)][-1]


Rule = Callable[[Settings, Claude, str], Conflict | None]
"""Compares settings with the row of a model, whose id is for the message."""

_RULES: Final[Sequence[Rule]] = (
    _native_output,
    _forced_tool,
    _effort,
    _thinking_on,
    _thinking_off,
    _effort_without_thinking,
    _show_thinking,
    _temperature,
    _temperature_with_thinking,
    _hour_of_cache,
)
"""In this order: a later rule finds what an earlier one has lowered."""

_RULES_WITHOUT_ROW: Final = (_of_claudes_alone, _show_thinking)
"""The rules for a model that the table does not know."""
