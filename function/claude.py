"""What each version of Claude accepts: one row per version, with its source.

Sources disagree and accounts differ, so this is a first guess: at run time, what Bedrock refuses counts.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Native(StrEnum):
    """Whether Bedrock's structured output (``outputConfig.textFormat``) works with a model."""

    YES = "yes"
    NO = "no"
    TRY = "try"
    """Sources or accounts differ: the function sends it, and changes to another mechanism if Bedrock refuses."""
    UNRELIABLE = "unreliable"
    """It is accepted, but answers can run to the token limit in silence."""


@dataclass(frozen=True, slots=True)
class Claude:
    """What one version of Claude accepts."""

    family: str
    version: tuple[int, int]
    native: Native
    forced_tool: bool
    """Whether a call can force the model to use a tool."""
    temperature: bool
    thinks: bool
    """Whether it thinks although the request does not ask for it."""
    source: str

    @property
    def name(self) -> str:
        """The name for people, such as ``Opus 4.7``."""
        major, minor = self.version
        return f"{self.family.title()} {major}.{minor}" if minor else f"{self.family.title()} {major}"


_YES, _NO, _TRY, _UNRELIABLE = Native
_PROFILES: Final = "pydantic-ai 2.68, profiles/anthropic.py and providers/bedrock.py"
_SPECIFIC: Final = "litellm 1.110, bedrock/common_utils.py (no native output in us-gov)"
_CARD: Final = "Bedrock User Guide, model card"

CLAUDES: Final = (
    Claude("sonnet", (3, 7), _NO, forced_tool=True, temperature=True, thinks=False, source=_PROFILES),
    Claude("sonnet", (4, 0), _NO, forced_tool=True, temperature=True, thinks=False, source=_PROFILES),
    Claude("opus", (4, 0), _NO, forced_tool=True, temperature=True, thinks=False, source=_PROFILES),
    Claude("opus", (4, 1), _TRY, forced_tool=True, temperature=True, thinks=False, source="models.dev#1765"),
    Claude("sonnet", (4, 5), _YES, forced_tool=True, temperature=True, thinks=False, source=_PROFILES),
    Claude("haiku", (4, 5), _TRY, forced_tool=True, temperature=True, thinks=False, source="vercel/ai#19988"),
    Claude("opus", (4, 5), _YES, forced_tool=True, temperature=True, thinks=False, source=_PROFILES),
    Claude("sonnet", (4, 6), _UNRELIABLE, forced_tool=True, temperature=True, thinks=False, source=_PROFILES),
    Claude("opus", (4, 6), _YES, forced_tool=True, temperature=True, thinks=False, source=_PROFILES),
    Claude("opus", (4, 7), _TRY, forced_tool=True, temperature=False, thinks=False, source="vercel/ai#14773"),
    Claude("opus", (4, 8), _TRY, forced_tool=True, temperature=False, thinks=False, source=_SPECIFIC),
    Claude("opus", (5, 0), _TRY, forced_tool=True, temperature=False, thinks=True, source="ax-llm/ax#667"),
    Claude("sonnet", (5, 0), _TRY, forced_tool=True, temperature=False, thinks=True, source=_SPECIFIC),
    Claude("fable", (5, 0), _NO, forced_tool=True, temperature=False, thinks=True, source=_PROFILES),
    Claude("mythos", (5, 0), _TRY, forced_tool=True, temperature=False, thinks=True, source=_PROFILES),
    Claude("fable", (5, 1), _NO, forced_tool=False, temperature=False, thinks=True, source="lobehub#19876"),
    Claude("mythos", (5, 1), _TRY, forced_tool=False, temperature=False, thinks=True, source=_SPECIFIC),
    Claude("fable", (5, 2), _NO, forced_tool=False, temperature=False, thinks=True, source=_PROFILES),
    Claude("mythos", (5, 2), _TRY, forced_tool=False, temperature=False, thinks=True, source=_PROFILES),
    Claude("haiku", (5, 5), _TRY, forced_tool=True, temperature=False, thinks=True, source=f"{_CARD}; {_SPECIFIC}"),
    Claude("sonnet", (5, 5), _TRY, forced_tool=False, temperature=False, thinks=True, source=_SPECIFIC),
    Claude("opus", (5, 5), _TRY, forced_tool=False, temperature=False, thinks=True, source=_CARD),
)
"""From 3.7 to the newest. The first row also stands for every earlier version."""

NATIVE_SINCE: Final = (4, 5)
"""From this version on, native output is tried with a Claude that has no row."""

_ID: Final = re.compile(
    r"claude-(?:(?P<family>[a-z]+)-)?(?P<major>\d{1,2})(?:-(?P<minor>\d{1,2}))?(?!\d)(?:-(?P<after>[a-z]+))?"
)


def claude(model_id: str) -> Claude | None:
    """Return the row of the model that ``model_id`` names, as an id, the id of a profile, or an ARN of either.

    None: it is another model, a Claude that the table does not know yet, or an application inference profile, whose
    ARN names no model.
    """
    version = _version(model_id)
    if version is None:
        return None
    if version < CLAUDES[0].version:
        return CLAUDES[0]
    found = _ID.search(model_id)
    family = found and (found["family"] or found["after"])
    return next((row for row in CLAUDES if (row.family, row.version) == (family, version)), None)


def is_claude(model_id: str) -> bool:
    """Return whether ``model_id`` names a Claude of any version."""
    return "claude" in model_id


def takes_native_output(model_id: str) -> bool:
    """Return whether ``auto`` uses native output with this model. It is tried with an application profile."""
    row = claude(model_id)
    if row is not None:
        return row.native in {Native.YES, Native.TRY}
    version = _version(model_id)
    return version >= NATIVE_SINCE if version else "application-inference-profile" in model_id


def _version(model_id: str) -> tuple[int, int] | None:
    found = _ID.search(model_id)
    return found and (int(found["major"]), int(found["minor"] or 0))
