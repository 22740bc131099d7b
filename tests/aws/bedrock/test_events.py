"""What ConverseStream sends back, as model events."""

import botocore.session
import pytest
from botocore.model import StringShape

from function.aws.bedrock.events import VERDICTS, model_events
from function.stream.events import Stop, Verdict


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


def test_every_stop_reason_of_the_service_has_a_verdict() -> None:
    """The list is botocore's. What the service itself calls malformed is left unknown: it fails the request."""
    shape = botocore.session.get_session().get_service_model("bedrock-runtime").shape_for("StopReason")

    assert isinstance(shape, StringShape)
    assert set(shape.enum) - VERDICTS.keys() == {"malformed_model_output", "malformed_tool_use"}
