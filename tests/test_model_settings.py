"""What of a stack's settings a model takes. That the service agrees is shown in local/test_agreement.py."""

from typing import Any

import pytest

from function.contract import Cache, Effort, Settings, SettingsError, StructuredOutput, Thinking, read_settings
from function.model_settings import lowered, refuse_what_the_model_refuses, steering

HAIKU = "global.anthropic.claude-haiku-4-5-20251001-v1:0"
OPUS_4_1 = "anthropic.claude-opus-4-1-20250805-v1:0"
OPUS_4_5 = "anthropic.claude-opus-4-5-20251101-v1:0"
SONNET_4_6 = "eu.anthropic.claude-sonnet-4-6"
OPUS_4_8 = "us.anthropic.claude-opus-4-8"
OPUS_5 = "us.anthropic.claude-opus-5"
SONNET_5_5 = "global.anthropic.claude-sonnet-5-5"
OPUS_5_5 = "global.anthropic.claude-opus-5-5"
FABLE = "us.anthropic.claude-fable-5-1"
NEWER = "anthropic.claude-opus-6"
NOVA = "us.amazon.nova-pro-v1:0"
PROFILE = "arn:aws:bedrock:eu-west-1:123456789012:application-inference-profile/a1b2c3"


def settings(**texts: str) -> Settings:
    return read_settings({f"LLM_{name.upper()}": text for name, text in texts.items()})


@pytest.mark.parametrize(
    ("model", "texts", "message"),
    [
        (HAIKU, {"effort": "low"}, f"LLM_EFFORT cannot be set: {HAIKU} takes no effort."),
        (
            SONNET_4_6,
            {"effort": "xhigh"},
            f"LLM_EFFORT must be one of low, medium, high, max: {SONNET_4_6} does not know xhigh.",
        ),
        (
            HAIKU,
            {"thinking": "on"},
            f"LLM_THINKING cannot be on: {HAIKU} thinks only with a budget of tokens, which is not supported.",
        ),
        *(
            (
                model,
                {"thinking": "on", "structured_output": "tool"},
                (
                    "LLM_THINKING cannot be on while LLM_STRUCTURED_OUTPUT is tool: "
                    "a model that must call one does not think."
                ),
            )
            for model in (SONNET_4_6, OPUS_5)
        ),
        (
            SONNET_4_6,
            {"thinking": "on", "temperature": "0.3"},
            f"LLM_TEMPERATURE must be none or 1 while LLM_THINKING is on: {SONNET_4_6} accepts no other then.",
        ),
        (
            OPUS_5_5,
            {"thinking": "off"},
            f"LLM_THINKING cannot be off: {OPUS_5_5} always thinks. Lower LLM_EFFORT instead.",
        ),
        (
            OPUS_5,
            {"thinking": "off", "effort": "max"},
            f"LLM_EFFORT must be high or lower while LLM_THINKING is off: {OPUS_5} refuses max.",
        ),
        (OPUS_5, {"temperature": "0.3"}, f"LLM_TEMPERATURE must be none: {OPUS_5} does not accept a temperature."),
        (
            SONNET_5_5,
            {"structured_output": "tool"},
            f"LLM_STRUCTURED_OUTPUT must be auto, native or prompt: {SONNET_5_5} cannot be forced to call a tool.",
        ),
        (OPUS_4_1, {"cache": "1h"}, f"LLM_CACHE must be 5m or none: {OPUS_4_1} caches for five minutes only."),
        (
            HAIKU,
            {"show_thinking": "true"},
            f"LLM_SHOW_THINKING must be false: {HAIKU} thinks only with a budget of tokens, which is not supported.",
        ),
        (
            OPUS_4_8,
            {"show_thinking": "true"},
            f"LLM_SHOW_THINKING must be false: {OPUS_4_8} thinks only with LLM_THINKING: on.",
        ),
        (
            OPUS_5,
            {"show_thinking": "true", "structured_output": "tool"},
            (
                "LLM_SHOW_THINKING must be false: "
                "LLM_STRUCTURED_OUTPUT is tool: a model that must call one does not think."
            ),
        ),
        *(
            (
                model,
                {"show_thinking": "true", "thinking": "off"},
                "LLM_SHOW_THINKING must be false: LLM_THINKING is off.",
            )
            for model in (SONNET_4_6, OPUS_5, SONNET_5_5, NEWER, PROFILE)
        ),
        *(
            (NOVA, {name: text}, f"LLM_{name.upper()} cannot be set: {NOVA} is not a Claude, and only these know it.")
            for name, text in (("effort", "low"), ("thinking", "on"), ("thinking", "off"), ("show_thinking", "true"))
        ),
        (
            FABLE,
            {"structured_output": "native"},
            f"LLM_STRUCTURED_OUTPUT must be auto or prompt: {FABLE} has no native structured output.",
        ),
        (
            FABLE,
            {"structured_output": "tool"},
            f"LLM_STRUCTURED_OUTPUT must be auto or prompt: {FABLE} cannot be forced to call a tool.",
        ),
    ],
)
def test_a_message_says_what_the_model_refuses_and_what_to_do(model: str, texts: dict[str, str], message: str) -> None:
    with pytest.raises(SettingsError) as caught:
        refuse_what_the_model_refuses(settings(**texts), model)

    assert str(caught.value) == message


@pytest.mark.parametrize("model", [NEWER, PROFILE])
def test_nothing_is_refused_of_a_claude_that_the_table_does_not_know(model: str) -> None:
    asked = settings(thinking="off", effort="max", temperature="0.3", structured_output="tool")

    refuse_what_the_model_refuses(asked, model)
    assert lowered(asked, model) == asked


def test_of_another_model_only_what_claudes_alone_know_is_refused() -> None:
    asked = settings(cache="1h", temperature="0.3", structured_output="tool")

    refuse_what_the_model_refuses(asked, NOVA)
    assert lowered(asked, NOVA) == asked


@pytest.mark.parametrize(
    ("model", "texts", "fields"),
    [
        (HAIKU, {}, {}),
        (OPUS_5_5, {}, {}),
        (SONNET_4_6, {"thinking": "on"}, {"thinking": {"type": "adaptive"}}),
        (SONNET_4_6, {"thinking": "off"}, {}),
        (SONNET_4_6, {"effort": "low"}, {"output_config": {"effort": "low"}}),
        (OPUS_5, {"thinking": "on"}, {}),
        (OPUS_5, {"thinking": "off"}, {"thinking": {"type": "disabled"}}),
        (SONNET_5_5, {"thinking": "off"}, {"thinking": {"type": "between_tools"}}),
        (
            SONNET_5_5,
            {"thinking": "off", "effort": "medium"},
            {"thinking": {"type": "between_tools"}, "output_config": {"effort": "medium"}},
        ),
        (
            OPUS_4_5,
            {"effort": "low"},
            {"output_config": {"effort": "low"}, "anthropic_beta": ["effort-2025-11-24"]},
        ),
        (
            NEWER,
            {"thinking": "on", "effort": "max"},
            {"thinking": {"type": "adaptive"}, "output_config": {"effort": "max"}},
        ),
        (PROFILE, {"thinking": "off"}, {"thinking": {"type": "disabled"}}),
        *(
            (model, {"show_thinking": "true", **texts}, {"thinking": {"type": "adaptive", "display": "summarized"}})
            for model, texts in ((SONNET_4_6, {"thinking": "on"}), (OPUS_5, {}), (OPUS_5_5, {}), (NEWER, {}))
        ),
    ],
)
def test_a_request_says_only_what_differs_from_what_the_model_does_unasked(
    model: str, texts: dict[str, str], fields: dict[str, object]
) -> None:
    assert steering(settings(**texts), model) == fields


@pytest.mark.parametrize(
    ("model", "texts", "kept"),
    [
        (HAIKU, {"effort": "high"}, {"effort": None}),
        (SONNET_4_6, {"effort": "xhigh"}, {"effort": Effort.HIGH}),
        (OPUS_4_5, {"effort": "max"}, {"effort": Effort.HIGH}),
        (OPUS_4_8, {"effort": "max"}, {}),
        (OPUS_4_1, {"cache": "1h"}, {"cache": Cache.FIVE_MINUTES}),
        (OPUS_5, {"temperature": "0.3"}, {"temperature": None}),
        (HAIKU, {"thinking": "on"}, {"thinking": Thinking.DEFAULT}),
        (
            HAIKU,
            {"thinking": "on", "show_thinking": "true"},
            {"thinking": Thinking.DEFAULT, "show_thinking": False},
        ),
        (
            OPUS_5_5,
            {"thinking": "off", "effort": "high"},
            {"thinking": Thinking.DEFAULT, "effort": Effort.LOW},
        ),
        (
            SONNET_5_5,
            {"thinking": "off", "effort": "max", "structured_output": "tool"},
            {"effort": Effort.HIGH, "structured_output": StructuredOutput.AUTO},
        ),
        (
            NOVA,
            {"thinking": "on", "effort": "max", "show_thinking": "true", "cache": "1h"},
            {"thinking": Thinking.DEFAULT, "effort": None, "show_thinking": False},
        ),
    ],
)
def test_what_another_model_cannot_take_is_left_out_or_lowered(
    model: str, texts: dict[str, str], kept: dict[str, Any]
) -> None:
    """An effort becomes the next lower one that the model knows, and thinking that cannot be ended the least of it."""
    assert lowered(settings(**texts), model) == settings(**texts)._replace(**kept)
