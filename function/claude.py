"""What a model id says of the model: Claude's family and version, and what that version takes.

Sources disagree and accounts differ, so this is only where to begin: a refusal at run time has the last word.
"""

import re

_CLAUDE = re.compile(r"claude-(?:[a-z]+-)?(\d{1,2})(?:-(\d{1,2}))?(?![\d])")

NATIVE_SCHEMA_SINCE = (4, 5)
"""Structured output by constrained decoding came with Claude 4.5."""
NO_SAMPLING_SINCE = (4, 7)
"""From Claude 4.7 on a temperature is refused."""


def claude_version(model_id: str) -> tuple[int, int] | None:
    """Return the version in a Claude model or profile id, such as (4, 5); None where the id does not tell.

    An application inference profile's ARN does not.
    """
    found = _CLAUDE.search(model_id)
    return found and (int(found[1]), int(found[2] or 0))


def takes_native_schema(model_id: str) -> bool:
    """Tell whether it is worth asking this model for constrained output; an id that does not tell is."""
    version = claude_version(model_id)
    return version >= NATIVE_SCHEMA_SINCE if version else "application-inference-profile" in model_id


def takes_temperature(model_id: str) -> bool:
    """Tell whether this model may be sent a temperature."""
    version = claude_version(model_id)
    return version is None or version < NO_SAMPLING_SINCE
