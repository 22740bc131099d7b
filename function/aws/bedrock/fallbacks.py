"""What each of several models is sent: what one of them does not take is left out or lowered."""

from collections.abc import Iterator, Mapping
from typing import Any

from ...contract import Settings, as_text, variable
from ...model_settings import lowered
from .converse import Converse


def settings_by_model(settings: Settings) -> list[Settings]:
    """Return the settings for the first model, and for each that follows it."""
    others = (settings._replace(model_id=model_id, profile_model=None) for model_id in settings.fallback_models)
    return [settings, *(lowered(other, other.model_id) for other in others)]


def differences(settings: Settings, schema: Mapping[str, Any]) -> Iterator[tuple[str, list[str]]]:
    """Yield each model that follows the first one and is sent something else, with what that is.

    It is in words such as ``LLM_TEMPERATURE is none in place of 0.7``.
    """
    first, *others = [_sent(each, schema) for each in settings_by_model(settings)]
    for model_id, sent in zip(settings.fallback_models, others, strict=True):
        names = [name for name, text in sent.items() if text != first[name]]
        if names:
            yield model_id, [f"{variable(name)} is {sent[name]} in place of {first[name]}" for name in names]


def _sent(settings: Settings, schema: Mapping[str, Any]) -> dict[str, str]:
    """Return the texts of what is sent of the settings: where the model decides, what it decides."""
    converse = Converse(settings, schema, "")
    decided = settings._replace(
        model_id="",
        profile_model=None,
        structured_output=converse.form.strategy,
        temperature=converse.form.temperature,
        max_tokens=converse.max_tokens,
    )
    return {name: as_text("none" if value is None else value) for name, value in decided._asdict().items()}
