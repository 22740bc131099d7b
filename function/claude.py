"""What each version of Claude accepts: one row per version, with its source.

Sources disagree and accounts differ, so this is a first guess: at run time, what Bedrock refuses counts.
"""

import re
from enum import StrEnum
from typing import Final, NamedTuple

from .contract import (
    DEFAULT_MAX_TOKENS,
    DEFAULT_TIMEOUT,
    MAX_TOKENS_WITH_THINKING,
    TIMEOUT_WITH_THINKING,
    Effort,
    Thinking,
)


class Native(StrEnum):
    """Whether Bedrock's structured output (``outputConfig.textFormat``) works with a model."""

    YES = "yes"
    NO = "no"
    TRY = "try"
    """Sources or accounts differ: the function sends it, and changes to another mechanism if Bedrock refuses."""
    UNRELIABLE = "unreliable"
    """It is accepted, but answers can run to the token limit in silence."""


class Thinks(StrEnum):
    """Whether a model thinks although the request does not ask for it."""

    NO = "no"
    YES = "yes"
    ALWAYS = "always"
    """No request can prevent it."""


class Off(StrEnum):
    """What a request says so that a model does not think."""

    NOTHING = "nothing"
    """The model thinks only when it is asked to."""
    DISABLED = "disabled"
    BETWEEN_TOOLS = "between_tools"
    NEVER = "never"
    """The service refuses every word for it."""


_LOW, _MEDIUM, _HIGH, _XHIGH, _MAX = Effort


class Mind(NamedTuple):
    """How a model thinks, and how a request steers that. The defaults are those of the newest models."""

    source: str
    thinks: Thinks = Thinks.NO
    adaptive: bool = True
    """Whether it knows the type ``adaptive``. Older models think only with a budget of tokens."""
    off: Off = Off.NOTHING
    off_up_to: Effort | None = None
    """The highest effort with which it can be kept from thinking; None: every effort that it knows."""
    efforts: tuple[Effort, ...] = tuple(Effort)
    """The words for effort that it knows, from the lowest."""
    effort: Effort | None = _HIGH
    """The effort of a request that names none; None if the model has no effort."""
    effort_beta: str | None = None
    """The beta without which a request with an effort is refused; None if none is needed."""


_GUIDE: Final = "platform.claude.com, build-with-claude/effort; Bedrock User Guide, claude-messages-adaptive-thinking"
_ANTHROPIC: Final = "pydantic-ai 2.68, profiles/anthropic.py"
_MODEL_CARD: Final = "Bedrock User Guide, model card; pydantic-ai 2.68, profiles/anthropic.py"

_BUDGET: Final = Mind(adaptive=False, efforts=(), effort=None, source=_ANTHROPIC)
_BUDGET_AND_EFFORT: Final = Mind(
    adaptive=False,
    efforts=(_LOW, _MEDIUM, _HIGH),
    effort_beta="effort-2025-11-24",
    source="coder/coder#25356; litellm 1.110 sends it; pydantic-ai 2.68: not verified",
)
_ADAPTIVE: Final = Mind(efforts=(_LOW, _MEDIUM, _HIGH, _MAX), source=_GUIDE)
_WITH_XHIGH: Final = Mind(source=_GUIDE)
_BY_DEFAULT: Final = Mind(thinks=Thinks.YES, off=Off.DISABLED, source=_GUIDE)
_OPUS_5: Final = Mind(thinks=Thinks.YES, off=Off.DISABLED, off_up_to=_HIGH, source=_GUIDE)
_HAIKU_5_5: Final = Mind(thinks=Thinks.YES, off=Off.DISABLED, off_up_to=_HIGH, effort=_MEDIUM, source=_MODEL_CARD)
_SONNET_5_5: Final = Mind(thinks=Thinks.YES, off=Off.BETWEEN_TOOLS, off_up_to=_HIGH, source=_ANTHROPIC)
_ALWAYS: Final = Mind(thinks=Thinks.ALWAYS, off=Off.NEVER, source=_GUIDE)
_OPUS_5_5: Final = Mind(thinks=Thinks.ALWAYS, off=Off.NEVER, effort=_MEDIUM, source=_MODEL_CARD)

WITHOUT_TEMPERATURE_SINCE: Final = (4, 7)
"""From this version on, a request with a temperature is refused (pydantic-ai 2.68, profiles/anthropic.py)."""

HOUR_CACHE_SINCE: Final = (4, 5)
"""From this version on, a cache can last an hour (pydantic-ai 2.68); the older ones know five minutes alone."""

MORE_TOKENS_SINCE: Final = (4, 7)
"""From this version on, a text has about 30 % more tokens (platform.claude.com, Claude 4.7 migration guide)."""


class Claude(NamedTuple):
    """What one version of Claude accepts."""

    family: str
    version: tuple[int, int]
    native: Native
    mind: Mind
    cache_minimum: int | None
    """The largest number of tokens that a source gives as the least that is cached; None if none gives one.

    The first row has that of Haiku 3.5, for which it also stands. Sources: anthropics/skills,
    claude-api/shared/prompt-caching.md, as of July and as of November; litellm 1.110; docs.orq.ai.
    """
    forced_tool: bool
    """Whether a call can force the model to use a tool."""
    source: str
    """Where what is said of native output and forced tools comes from."""

    @property
    def name(self) -> str:
        """The name for people, such as ``Opus 4.7``."""
        major, minor = self.version
        return f"{self.family.title()} {major}.{minor}" if minor else f"{self.family.title()} {major}"

    @property
    def temperature(self) -> bool:
        """Whether it takes a temperature."""
        return self.version < WITHOUT_TEMPERATURE_SINCE

    @property
    def knows_hour_cache(self) -> bool:
        """Whether a cache can last an hour, and not only five minutes."""
        return self.version >= HOUR_CACHE_SINCE

    @property
    def characters_per_token(self) -> int:
        """How many characters a token has, to estimate how many tokens a text has."""
        return 3 if self.version >= MORE_TOKENS_SINCE else 4


_YES, _NO, _TRY, _UNRELIABLE = Native
_PROFILES: Final = "pydantic-ai 2.68, profiles/anthropic.py and providers/bedrock.py"
_SPECIFIC: Final = "litellm 1.110, bedrock/common_utils.py (no native output in us-gov)"
_CARD: Final = "Bedrock User Guide, model card"

CLAUDES: Final = (
    Claude("sonnet", (3, 7), _NO, _BUDGET, 2_048, forced_tool=True, source=_PROFILES),
    Claude("sonnet", (4, 0), _NO, _BUDGET, 1_024, forced_tool=True, source=_PROFILES),
    Claude("opus", (4, 0), _NO, _BUDGET, 1_024, forced_tool=True, source=_PROFILES),
    Claude("opus", (4, 1), _TRY, _BUDGET, 1_024, forced_tool=True, source="models.dev#1765"),
    Claude("sonnet", (4, 5), _YES, _BUDGET, 1_024, forced_tool=True, source=_PROFILES),
    Claude("haiku", (4, 5), _TRY, _BUDGET, 4_096, forced_tool=True, source="vercel/ai#19988"),
    Claude("opus", (4, 5), _YES, _BUDGET_AND_EFFORT, 4_096, forced_tool=True, source=_PROFILES),
    Claude("sonnet", (4, 6), _UNRELIABLE, _ADAPTIVE, 2_048, forced_tool=True, source=_PROFILES),
    Claude("opus", (4, 6), _YES, _ADAPTIVE, 4_096, forced_tool=True, source=_PROFILES),
    Claude("opus", (4, 7), _TRY, _WITH_XHIGH, 4_096, forced_tool=True, source="vercel/ai#14773"),
    Claude("opus", (4, 8), _TRY, _WITH_XHIGH, 4_096, forced_tool=True, source=_SPECIFIC),
    Claude("opus", (5, 0), _TRY, _OPUS_5, 512, forced_tool=True, source="ax-llm/ax#667"),
    Claude("sonnet", (5, 0), _TRY, _BY_DEFAULT, 1_024, forced_tool=True, source=_SPECIFIC),
    Claude("fable", (5, 0), _NO, _ALWAYS, 512, forced_tool=True, source=_PROFILES),
    Claude("mythos", (5, 0), _TRY, _ALWAYS, 512, forced_tool=True, source=_PROFILES),
    Claude("fable", (5, 1), _NO, _ALWAYS, 512, forced_tool=False, source="lobehub#19876"),
    Claude("mythos", (5, 1), _TRY, _ALWAYS, 512, forced_tool=False, source=_SPECIFIC),
    Claude("fable", (5, 2), _NO, _ALWAYS, None, forced_tool=False, source=_PROFILES),
    Claude("mythos", (5, 2), _TRY, _ALWAYS, None, forced_tool=False, source=_PROFILES),
    Claude("haiku", (5, 5), _TRY, _HAIKU_5_5, 512, forced_tool=True, source=f"{_CARD}; {_SPECIFIC}"),
    Claude("sonnet", (5, 5), _TRY, _SONNET_5_5, 512, forced_tool=False, source=_SPECIFIC),
    Claude("opus", (5, 5), _TRY, _OPUS_5_5, 512, forced_tool=False, source=_CARD),
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


def may_be_claude(model_id: str) -> bool:
    """Return whether ``model_id`` names a Claude, or an application inference profile, whose ARN names no model."""
    return is_claude(model_id) or "application-inference-profile" in model_id


def takes_native_output(model_id: str) -> bool:
    """Return whether ``auto`` uses native output with this model. It is tried with an application profile."""
    row = claude(model_id)
    if row is not None:
        return row.native in {Native.YES, Native.TRY}
    version = _version(model_id)
    return version >= NATIVE_SINCE if version else "application-inference-profile" in model_id


def thinks(model_id: str, thinking: Thinking) -> bool:
    """Return whether a model thinks before it answers; one that is not known does not, unless it is asked to."""
    row = claude(model_id)
    unasked = row.mind.thinks if row else Thinks.NO
    if thinking is Thinking.OFF:
        return unasked is Thinks.ALWAYS
    return thinking is Thinking.ON or unasked is not Thinks.NO


def may_think(model_id: str, thinking: Thinking) -> bool:
    """Return whether a model thinks, as far as is known; one that the table does not know may do so."""
    if claude(model_id) is not None:
        return thinks(model_id, thinking)
    return may_be_claude(model_id)


def default_max_tokens(model_id: str, thinking: Thinking) -> int:
    """Return the limit of an answer's tokens, thinking included, where none is set."""
    return MAX_TOKENS_WITH_THINKING if thinks(model_id, thinking) else DEFAULT_MAX_TOKENS


def default_timeout(model_id: str, thinking: Thinking) -> int:
    """Return the function's timeout in seconds where none is set."""
    return TIMEOUT_WITH_THINKING if thinks(model_id, thinking) else DEFAULT_TIMEOUT


def _version(model_id: str) -> tuple[int, int] | None:
    found = _ID.search(model_id)
    return found and (int(found["major"]), int(found["minor"] or 0))
