"""What a guardrail tells of itself in ``metadata``: its trace, which quotes what it found.

API reference: GuardrailTraceAssessment, GuardrailAssessment.
"""

from collections.abc import Mapping, Sequence
from typing import Any

FOUND = "someone@example.com"
"""What the guardrail found in the answer, as the trace quotes it."""


def trace(body: Mapping[str, Any], actions: Sequence[str]) -> Mapping[str, object]:
    """Return the member ``trace`` of ``metadata`` for a request; nothing if the request asks for none.

    Each action is one thing that was found: ``ANONYMIZED`` is an address in the answer, any other word is a topic.
    """
    config = body.get("guardrailConfig") or {}
    if config.get("trace") not in {"enabled", "enabled_full"}:
        return {}
    entities = [{"type": "EMAIL", "match": FOUND, "action": action} for action in actions if action == "ANONYMIZED"]
    topics = [{"name": "a topic", "type": "DENY", "action": action} for action in actions if action != "ANONYMIZED"]
    assessment: dict[str, object] = {"invocationMetrics": {"guardrailProcessingLatency": 5}}
    if entities:
        assessment["sensitiveInformationPolicy"] = {"piiEntities": entities, "regexes": []}
    if topics:
        assessment["topicPolicy"] = {"topics": topics}
    found = {
        "modelOutput": [FOUND],
        "outputAssessments": {config["guardrailIdentifier"]: [assessment]},
        "actionReason": "Guardrail masked." if not topics else "Guardrail blocked.",
    }
    return {"trace": {"guardrail": found}}
