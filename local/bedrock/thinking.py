"""What a request lets Claude show of its thinking.

Bedrock User Guide, "Adaptive thinking" and "Extended thinking"; and streams that others recorded.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

from .claude import takes, version


class Display(StrEnum):
    """What the stream has of the model's thinking."""

    OMITTED = "omitted"
    """Its signature alone, when it is over."""
    SUMMARIZED = "summarized"
    """A summary of it, then the signature."""


OMITTED_SINCE: Final = (4, 7)
"""From this version on, a request that names no display gets no text."""


def display(model_id: str, body: Mapping[str, Any]) -> Display | None:
    """Return what the stream has of the thinking that this request makes; None if the model does not think."""
    fields = body.get("additionalModelRequestFields") or {}
    asked = fields.get("thinking") or {}
    if not _thinks(model_id, body, asked.get("type")):
        return None
    if "display" in asked:
        return Display(asked["display"])
    found = version(model_id)
    return Display.OMITTED if found and found >= OMITTED_SINCE else Display.SUMMARIZED


def _thinks(model_id: str, body: Mapping[str, Any], kind: object) -> bool:
    """Return whether the model thinks: by default or when asked to, but never before a tool that it has to call."""
    choice = (body.get("toolConfig") or {}).get("toolChoice") or {}
    is_forced = bool(choice.keys() & {"any", "tool"})
    return not is_forced and (takes(model_id).thinks if kind is None else kind in {"adaptive", "enabled"})
