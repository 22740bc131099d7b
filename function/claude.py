"""What a Claude model accepts, by the version in its model id.

Sources disagree and accounts differ, so this is a first guess: what Bedrock rejects at run time counts.
"""

import re

_CLAUDE = re.compile(r"claude-(?:[a-z]+-)?(\d{1,2})(?:-(\d{1,2}))?(?![\d])")

NATIVE_SCHEMA_SINCE = (4, 5)
"""Structured output by constrained decoding came with Claude 4.5."""
NO_SAMPLING_SINCE = (4, 7)
"""From Claude 4.7 on a temperature is refused."""


def claude_version(model_id: str) -> tuple[int, int] | None:
    """Return the version in the id of a Claude model or profile, such as (4, 5); None if there is none.

    The ARN of an application inference profile names no model.
    """
    found = _CLAUDE.search(model_id)
    return found and (int(found[1]), int(found[2] or 0))


def takes_native_schema(model_id: str) -> bool:
    """Return whether to try structured output with this model. An application inference profile is worth a try."""
    version = claude_version(model_id)
    return version >= NATIVE_SCHEMA_SINCE if version else "application-inference-profile" in model_id


def takes_temperature(model_id: str) -> bool:
    """Return whether this model accepts a temperature."""
    version = claude_version(model_id)
    return version is None or version < NO_SAMPLING_SINCE
