"""What ConverseStream sends back, as model events."""

from collections.abc import Mapping
from typing import Any

import botocore.session
import pytest
from botocore.model import StringShape

from function.aws.bedrock.events import VERDICTS, model_events
from function.stream.errors import ModelFailed
from function.stream.events import Ignored, Masked, Stop, Thinking, Usage, Verdict


@pytest.mark.parametrize(
    ("reason", "verdict"),
    [
        ("end_turn", Verdict.GOOD),
        ("stop_sequence", Verdict.GOOD),
        ("tool_use", Verdict.GOOD),
        ("max_tokens", Verdict.TRUNCATED),
        ("model_context_window_exceeded", Verdict.TRUNCATED),
        ("guardrail_intervened", Verdict.REFUSED),
        ("content_filtered", Verdict.REFUSED),
        ("refusal", Verdict.REFUSED),
        ("malformed_model_output", Verdict.UNKNOWN),
        ("malformed_tool_use", Verdict.UNKNOWN),
        ("a reason of next year", Verdict.UNKNOWN),
    ],
)
def test_a_stop_reason_becomes_a_verdict(reason: str, verdict: Verdict) -> None:
    assert list(model_events([{"messageStop": {"stopReason": reason}}], tool=False)) == [Stop(reason, verdict)]


def _trace(*policies: Mapping[str, object], place: str = "outputAssessments") -> dict[str, Any]:
    assessments: object = list(policies) if place == "outputAssessments" else dict(enumerate(policies))
    found = {"g1": assessments} if place == "outputAssessments" else assessments
    return {"metadata": {"trace": {"guardrail": {"modelOutput": ["words"], place: found, "actionReason": "BLOCKED"}}}}


def _pii(action: object) -> Mapping[str, object]:
    return {"sensitiveInformationPolicy": {"piiEntities": [{"match": "BLOCKED", "type": "EMAIL", "action": action}]}}


def _regex(action: str) -> Mapping[str, object]:
    return {"sensitiveInformationPolicy": {"regexes": [{"name": "action", "match": "a", "action": action}]}}


def _topic(action: str) -> Mapping[str, object]:
    return {"topicPolicy": {"topics": [{"name": "ANONYMIZED", "type": "DENY", "action": action}]}}


def _words(action: str) -> Mapping[str, object]:
    return {"wordPolicy": {"managedWordLists": [{"match": "x", "type": "PROFANITY", "action": action}]}}


@pytest.mark.parametrize(
    ("metadata", "is_masked"),
    [
        (_trace(_pii("ANONYMIZED")), True),
        (_trace(_regex("ANONYMIZED"), _pii("ANONYMIZED"), _topic("NONE")), True),
        (_trace(_pii("ANONYMIZED"), place="inputAssessment"), True),
        (_trace(_pii("ANONYMIZED"), _pii("BLOCKED")), False),
        (_trace(_pii("ANONYMIZED"), _topic("BLOCKED")), False),
        (_trace(_pii("ANONYMIZED"), _words("BLOCKED"), place="inputAssessment"), False),
        (_trace(_pii("ANONYMIZED"), _topic("a word of next year")), False),
        (_trace(_pii(None)), False),
        (_trace(_pii("NONE"), _topic("NONE")), False),
        (_trace({}), False),
        (_trace(), False),
        ({"metadata": {"trace": {}}}, False),
        ({"metadata": {"trace": {"promptRouter": {"invokedModelId": "ANONYMIZED"}}}}, False),
        ({"metadata": {"usage": {"inputTokens": 1, "outputTokens": 2}}}, False),
    ],
)
def test_a_guardrail_that_only_masks_is_told_by_its_actions_alone(metadata: dict[str, Any], *, is_masked: bool) -> None:
    stop = {"messageStop": {"stopReason": "guardrail_intervened"}}

    assert (Masked() in model_events([stop, metadata], tool=False)) is is_masked
    assert Masked() not in model_events([{"messageStop": {"stopReason": "refusal"}}, metadata], tool=False)
    assert Masked() not in model_events([metadata, stop], tool=False)


def test_a_mask_is_told_whatever_the_usage_beside_it_is() -> None:
    stop = {"messageStop": {"stopReason": "guardrail_intervened"}}
    metadata = _trace(_pii("ANONYMIZED"))
    metadata["metadata"]["usage"] = {"inputTokens": "x"}

    assert list(model_events([stop, metadata], tool=False))[1:] == [Masked(), Ignored()]


@pytest.mark.parametrize("tool", [False, True])
@pytest.mark.parametrize("reasoning", [{"text": "hm"}, {"text": ""}, {"signature": "c2ln"}, {"redactedContent": b"x"}])
def test_every_delta_of_reasoning_is_a_sign_of_thinking(reasoning: dict[str, Any], *, tool: bool) -> None:
    """With its text only where that is shown."""
    delta = {"contentBlockDelta": {"delta": {"reasoningContent": reasoning}, "contentBlockIndex": 0}}

    assert list(model_events([delta], tool=tool)) == [Thinking()]
    assert list(model_events([delta], tool=tool, show_thinking=True)) == [Thinking(reasoning.get("text", ""))]


def test_text_of_thinking_of_a_wrong_type_is_a_failure_of_the_model_where_it_is_shown() -> None:
    delta = {"contentBlockDelta": {"delta": {"reasoningContent": {"text": [1]}}, "contentBlockIndex": 0}}

    assert list(model_events([delta], tool=False)) == [Thinking()]
    with pytest.raises(ModelFailed):
        list(model_events([delta], tool=False, show_thinking=True))


def _stop_with(usage: object) -> dict[str, Any]:
    return {"messageStop": {"stopReason": "end_turn", "additionalModelResponseFields": {"usage": usage}}}


METADATA: dict[str, Any] = {"metadata": {"usage": {"inputTokens": 1, "outputTokens": 32}}}


@pytest.mark.parametrize(
    ("usage", "tokens"),
    [
        ({"output_tokens_details": {"thinking_tokens": 30}}, 30),
        ({"output_tokens_details": {"thinking_tokens": 0}}, 0),
        ({"output_tokens_details": {"thinking_tokens": True}}, None),
        ({"output_tokens_details": {"thinking_tokens": -1}}, None),
        ({"output_tokens_details": {}}, None),
        ({"output_tokens": 32}, None),
        (["x"], None),
        (None, None),
    ],
)
def test_tokens_of_thinking_are_the_stops_and_part_of_the_usage(usage: object, tokens: int | None) -> None:
    """What the model adds to its stop is in no description of the service, so any other form of it is left out."""
    events = list(model_events([_stop_with(usage), METADATA], tool=False))

    assert events == [Stop("end_turn", Verdict.GOOD), Usage(1, 32, thinking_tokens=tokens)]


def test_every_action_of_the_service_is_decided() -> None:
    """The list is botocore's; a word that is not known is a block."""
    model = botocore.session.get_session().get_service_model("bedrock-runtime")
    shapes = [model.shape_for(name) for name in model.shape_names if name.startswith("Guardrail") and "Action" in name]
    words = {word for shape in shapes if isinstance(shape, StringShape) for word in shape.enum}

    assert {"ANONYMIZED", "BLOCKED", "NONE"} <= words
    assert words - {"ANONYMIZED", "BLOCKED", "NONE", "GUARDRAIL_INTERVENED"} == set()


def test_every_stop_reason_of_the_service_has_a_verdict() -> None:
    """The list is botocore's. What the service itself calls malformed is left unknown: it fails the request."""
    shape = botocore.session.get_session().get_service_model("bedrock-runtime").shape_for("StopReason")

    assert isinstance(shape, StringShape)
    assert set(shape.enum) - VERDICTS.keys() == {"malformed_model_output", "malformed_tool_use"}
