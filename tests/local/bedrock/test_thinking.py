from typing import Any

import pytest

from local.bedrock.thinking import Display, display

FORCED = {"toolChoice": {"tool": {"name": "answer"}}}


@pytest.mark.parametrize(
    ("model", "thinking", "shown"),
    [
        ("anthropic.claude-haiku-4-5-20251001-v1:0", None, None),
        ("anthropic.claude-opus-4-6-v1", None, None),
        ("anthropic.claude-opus-4-6-v1", {"type": "adaptive"}, Display.SUMMARIZED),
        ("us.anthropic.claude-opus-4-7", {"type": "adaptive"}, Display.OMITTED),
        ("anthropic.claude-opus-5", None, Display.OMITTED),
        ("anthropic.claude-opus-5", {"type": "adaptive", "display": "summarized"}, Display.SUMMARIZED),
        ("anthropic.claude-opus-5", {"type": "disabled"}, None),
        ("anthropic.claude-sonnet-5-5", {"type": "between_tools"}, None),
        ("amazon.nova-pro-v1:0", None, None),
    ],
)
def test_a_model_thinks_as_it_does_by_default_or_as_the_request_says(
    model: str, thinking: dict[str, str] | None, shown: Display | None
) -> None:
    body: dict[str, Any] = {"additionalModelRequestFields": {"thinking": thinking}} if thinking else {}

    assert display(model, body) is shown
    assert display(model, {**body, "toolConfig": FORCED}) is None
