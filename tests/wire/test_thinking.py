"""What becomes of a model's thinking: a sign of it, its tokens, and its text where that is asked for."""

import json
from typing import Final

import pytest

from local.bedrock.script import Think, complete_answer
from tests.formats import LINES, RAW, SSE, WHOLE
from tests.wire.chain import Chain, Script, Seen

MODEL: Final = "global.anthropic.claude-opus-5"
THOUGHTS: Final = ["The user wants ", "Grüße\u2028 \ud83d", "\ude42 today."]
SHOWN: Final = "The user wants Grüße\u2028 🙂 today."
DOCUMENT: Final = '{"summary": "short", "keywords": ["a"]}'
THINKS: Final[Script] = [Think(THOUGHTS, tokens=30), *complete_answer(DOCUMENT)]
SNAPSHOTS: Final = f"{LINES}; view=snapshot"


def shown(seen: Seen) -> str:
    """Return the text of all signs of thinking."""
    return "".join(event.get("text", "") for event in seen.events if event["type"] == "thinking")


@pytest.mark.parametrize("accept", [LINES, SSE, SNAPSHOTS, RAW, WHOLE])
def test_a_summary_is_shown_in_the_typed_formats_and_is_nowhere_else(chain: Chain, accept: str) -> None:
    """Neither in the answer nor in log, metric and record, though these have the content."""
    chain.deploy(model_id=MODEL, show_thinking="true", capture_content="true", publish_outcomes="completed,truncated")
    seen = chain.ask(THINKS, accept)
    [published] = seen.lines("publish")

    assert seen.calls[0].body["additionalModelRequestFields"] == {
        "thinking": {"type": "adaptive", "display": "summarized"}
    }
    if accept in {RAW, WHOLE}:
        assert seen.document == json.loads(DOCUMENT)
    else:
        assert (seen.events[0]["type"], seen.events[1]["type"]) == ("start", "thinking")
        assert shown(seen) == SHOWN
        assert seen.events[-1]["value"] == json.loads(DOCUMENT)
        assert seen.events[-1]["usage"]["thinkingTokens"] == 30
    assert published["record"]["content"]["answer"] == json.loads(DOCUMENT)
    assert (published["record"]["usage"]["thinkingTokens"], published["record"]["outputTokensEstimated"]) == (30, None)
    assert (seen.log["gen_ai.usage.reasoning.output_tokens"], seen.metric["ThinkingTokens"]) == (30, [30])
    assert "output_tokens_estimated" not in seen.log
    assert "The user wants" not in json.dumps(seen.output)


@pytest.mark.parametrize("accept", [LINES, SSE, RAW, WHOLE])
def test_a_limit_that_thinking_reaches_is_named(chain: Chain, accept: str) -> None:
    chain.deploy(model_id=MODEL, show_thinking="true", capture_content="true", publish_outcomes="completed,truncated")
    seen = chain.ask([Think(THOUGHTS, tokens=9_000), *complete_answer(DOCUMENT)], accept)

    assert seen.status == (502 if accept in {RAW, WHOLE} else 200)
    assert seen.problem["code"] == "answer_truncated"
    assert seen.problem["detail"] == "All of it was thinking: the model wrote nothing of its answer."
    assert seen.log["gen_ai.usage.output_tokens"] == seen.log["gen_ai.usage.reasoning.output_tokens"] == 8_000
    assert accept in {RAW, WHOLE} or shown(seen) == SHOWN


def test_without_it_a_sign_of_thinking_has_no_text(chain: Chain) -> None:
    """The service shows a signature alone; of a model that does not think, nothing is asked and nothing comes."""
    for model, signs, paths in ((MODEL, 1, ["/usage"]), ("anthropic.claude-haiku-4-5-20251001-v1:0", 0, None)):
        chain.deploy(model_id=model)
        seen = chain.ask(THINKS, LINES)
        signs_of_thinking = [event for event in seen.events if event["type"] == "thinking"]

        assert [event.keys() for event in signs_of_thinking] == signs * [{"type", "at"}]
        assert seen.events[-1]["usage"].get("thinkingTokens") == (30 if signs else None)
        assert seen.calls[0].body.get("additionalModelResponseFieldPaths") == paths
        assert "additionalModelRequestFields" not in seen.calls[0].body
