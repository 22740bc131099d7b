"""What ConverseStream sends back, as model events.

API: docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStreamOutput.html
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from ...stream.events import Delta, ModelEvent, Stop, Usage, Verdict

VERDICTS: Final[Mapping[str, Verdict]] = {
    "end_turn": Verdict.GOOD,
    "stop_sequence": Verdict.GOOD,
    "tool_use": Verdict.GOOD,
    "max_tokens": Verdict.TRUNCATED,
    "model_context_window_exceeded": Verdict.TRUNCATED,
    "guardrail_intervened": Verdict.REFUSED,
    "content_filtered": Verdict.REFUSED,
    "refusal": Verdict.REFUSED,
}
"""What each stop reason means; any other is unknown. ``refusal`` is Claude's and in no list of the API."""


def model_events(raw: Iterable[Mapping[str, Any]], *, tool: bool) -> Iterator[ModelEvent]:
    """Yield the model events among the ``raw`` ones: opening frames and reasoning are left out.

    With ``tool``, the text is the input of the tool call.
    """
    for event in raw:
        if "contentBlockDelta" in event:
            delta = event["contentBlockDelta"]["delta"]
            text = delta.get("toolUse", {}).get("input") if tool else delta.get("text")
            if text:
                yield Delta(text)
        elif "messageStop" in event:
            reason = event["messageStop"]["stopReason"]
            yield Stop(reason, VERDICTS.get(reason, Verdict.UNKNOWN))
        elif "metadata" in event:
            usage = event["metadata"].get("usage")
            if usage:
                yield Usage(usage["inputTokens"], usage["outputTokens"])
