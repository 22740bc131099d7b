"""Thinking and effort: what each generation of models refuses, in the service's words."""

from typing import Any

import pytest

from local.bedrock.steering import broken_steering

HAIKU = "global.anthropic.claude-haiku-4-5-20251001-v1:0"
OPUS_4_5 = "anthropic.claude-opus-4-5-20251101-v1:0"
SONNET_4_6 = "eu.anthropic.claude-sonnet-4-6"
ADAPTIVE, OFF, BETWEEN = {"type": "adaptive"}, {"type": "disabled"}, {"type": "between_tools"}
BUDGET = {"type": "enabled", "budget_tokens": 1_024}


def body(
    thinking: object = None, effort: str | None = None, beta: str | None = None, **inference: object
) -> dict[str, Any]:
    fields = {
        "thinking": thinking,
        "output_config": {"effort": effort} if effort else None,
        "anthropic_beta": [beta] if beta else None,
    }
    return {
        "additionalModelRequestFields": {name: value for name, value in fields.items() if value is not None},
        "inferenceConfig": {"maxTokens": 2_000, **inference},
    }


@pytest.mark.parametrize(
    ("model", "asked", "forced"),
    [
        (HAIKU, body(), True),
        (HAIKU, body(OFF), True),
        (HAIKU, body(BUDGET, temperature=1), False),
        (OPUS_4_5, body(effort="high", beta="effort-2025-11-24"), True),
        (SONNET_4_6, body(ADAPTIVE, "max"), True),
        (SONNET_4_6, body(BUDGET, "low"), False),
        ("us.anthropic.claude-opus-4-8", body(OFF, "max"), False),
        ("us.anthropic.claude-sonnet-5", body(OFF, "max"), True),
        ("us.anthropic.claude-sonnet-5-5", body(BETWEEN, "high"), False),
        ("us.anthropic.claude-opus-5-5", body({**ADAPTIVE, "display": "summarized"}, "xhigh"), False),
        ("anthropic.claude-opus-6", body(OFF, "max"), True),
    ],
)
def test_what_the_service_takes_passes(model: str, asked: dict[str, Any], *, forced: bool) -> None:
    assert list(broken_steering(model, asked, forced=forced)) == []


@pytest.mark.parametrize(
    ("model", "asked", "forced", "words"),
    [
        (HAIKU, body(ADAPTIVE), False, "expected tags: 'disabled', 'enabled'"),
        (HAIKU, body(effort="low"), False, "output_config.effort: Extra inputs are not permitted"),
        (HAIKU, body({"type": "enabled"}), False, "greater than or equal to 1024"),
        (HAIKU, body(BUDGET, maxTokens=1_024), False, "must be greater than `thinking.budget_tokens`"),
        (HAIKU, body(BUDGET, temperature=0.7), False, "may only be set to 1 when thinking is enabled"),
        (HAIKU, body(BUDGET), True, "when tool_choice forces tool use"),
        (OPUS_4_5, body(effort="low"), False, "output_config.effort: Extra inputs are not permitted"),
        (OPUS_4_5, body(effort="max", beta="effort-2025-11-24"), False, "Input should be 'low', 'medium' or 'high'"),
        (SONNET_4_6, body(effort="xhigh"), False, "Supported levels: high, low, max, medium."),
        (SONNET_4_6, body(effort="huge"), False, "Input should be 'low', 'medium', 'high' or 'max'"),
        (SONNET_4_6, body(ADAPTIVE, temperature=0.7), False, "may only be set to 1 when thinking is enabled"),
        (SONNET_4_6, body(BETWEEN), False, "Input tag 'between_tools'"),
        (SONNET_4_6, body({**ADAPTIVE, "display": "all"}), False, "Input should be 'omitted' or 'summarized'"),
        ("us.anthropic.claude-opus-4-7", body(BUDGET), False, '"thinking.type.enabled" is not supported'),
        ("us.anthropic.claude-opus-5", body(OFF, "xhigh"), False, "'xhigh' is not supported when thinking is disabled"),
        ("us.anthropic.claude-haiku-5-5", body(OFF, "max"), False, "Use effort 'high' or below"),
        ("us.anthropic.claude-sonnet-5-5", body(OFF), False, '"thinking.type.disabled" is not supported'),
        ("us.anthropic.claude-sonnet-5-5", body(BETWEEN, "max"), False, "'max' is not supported when thinking"),
        ("us.anthropic.claude-fable-5", body(OFF), False, '"thinking.type.disabled" is not supported'),
        ("amazon.nova-pro-v1:0", body(ADAPTIVE), False, "extraneous key [thinking] is not permitted"),
        ("amazon.nova-pro-v1:0", body(effort="low"), False, "extraneous key [output_config] is not permitted"),
    ],
)
def test_what_the_service_refuses_is_refused_in_its_words(
    model: str, asked: dict[str, Any], words: str, *, forced: bool
) -> None:
    [sentence] = broken_steering(model, asked, forced=forced)

    assert sentence.startswith("The model returned the following errors: ")
    assert words in sentence
