"""What each version of Claude refuses on Bedrock, for the stand-in alone.

Written from the user guide's model cards and from refusals that others published; the function has a table of its own.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

ALL_EFFORTS: Final = ("low", "medium", "high", "xhigh", "max")


@dataclass(frozen=True, slots=True)
class Takes:
    """What a model takes without a ValidationException, and whether it thinks unasked."""

    native: bool = True
    forced_tool: bool = True
    sampling: bool = True
    thinks: bool = False
    efforts: tuple[str, ...] = ()
    """The words of ``output_config.effort``; empty: the member is refused."""
    effort_beta: str | None = None
    """The beta without which the model does not know the member."""
    thinking: frozenset[str] = frozenset({"enabled", "disabled"})
    """The words of ``thinking.type``."""
    efforts_without_thinking: tuple[str, ...] = ALL_EFFORTS
    """The words of ``output_config.effort`` that a request can have if it turns thinking off."""


_UP_TO_HIGH: Final = ALL_EFFORTS[:3]
_STEERED: Final = frozenset({"adaptive", "disabled"})
_UNSTOPPABLE: Final = frozenset({"adaptive"})


def _newest(
    thinking: frozenset[str] = _UNSTOPPABLE,
    without: tuple[str, ...] = ALL_EFFORTS,
    *,
    native: bool = True,
    forced_tool: bool = True,
) -> Takes:
    """Return what a model takes that thinks unasked."""
    return Takes(
        native=native,
        forced_tool=forced_tool,
        sampling=False,
        thinks=True,
        efforts=ALL_EFFORTS,
        thinking=thinking,
        efforts_without_thinking=without,
    )


_BEFORE_NATIVE: Final = Takes(native=False)
_PLAIN: Final = Takes()
_UNKNOWN: Final = Takes(efforts=ALL_EFFORTS, thinking=frozenset({"adaptive", "between_tools", "disabled", "enabled"}))
_ADAPTIVE: Final = Takes(efforts=("low", "medium", "high", "max"), thinking=_STEERED | {"enabled"})
_WITHOUT_SAMPLING: Final = Takes(sampling=False, efforts=ALL_EFFORTS, thinking=_STEERED)

MODELS: Final[Mapping[str, Takes]] = {
    "sonnet-3-7": _BEFORE_NATIVE,
    "sonnet-4": _BEFORE_NATIVE,
    "opus-4": _BEFORE_NATIVE,
    "opus-4-1": _PLAIN,
    "sonnet-4-5": _PLAIN,
    "haiku-4-5": _PLAIN,
    "opus-4-5": Takes(efforts=_UP_TO_HIGH, effort_beta="effort-2025-11-24"),
    "sonnet-4-6": _ADAPTIVE,
    "opus-4-6": _ADAPTIVE,
    "opus-4-7": _WITHOUT_SAMPLING,
    "opus-4-8": _WITHOUT_SAMPLING,
    "opus-5": _newest(_STEERED, _UP_TO_HIGH),
    "sonnet-5": _newest(_STEERED),
    "fable-5": _newest(native=False),
    "mythos-5": _newest(),
    "fable-5-1": _newest(native=False, forced_tool=False),
    "mythos-5-1": _newest(forced_tool=False),
    "fable-5-2": _newest(native=False, forced_tool=False),
    "mythos-5-2": _newest(forced_tool=False),
    "haiku-5-5": _newest(_STEERED, _UP_TO_HIGH),
    "sonnet-5-5": _newest(_UNSTOPPABLE | {"between_tools"}, _UP_TO_HIGH, forced_tool=False),
    "opus-5-5": _newest(forced_tool=False),
}
"""By family and version. Where accounts were seen to differ, the stand-in is the account that takes it."""

_NEW_STYLE: Final = re.compile(r"claude-([a-z]+)-(\d{1,2})(?:-(\d{1,2}))?(?!\d)")
_OLD_STYLE: Final = re.compile(r"claude-(3)(?:-(\d))?-([a-z]+)")


def takes(model_id: str) -> Takes:
    """Return what the model of this id takes; of one that is not in the table nothing is known, and it takes all."""
    return MODELS.get(name(model_id) or "", _BEFORE_NATIVE if _OLD_STYLE.search(model_id) else _UNKNOWN)


def name(model_id: str) -> str | None:
    """Return the family and the version in a Claude id, as in the table: ``haiku-4-5``."""
    if old := _OLD_STYLE.search(model_id):
        return "-".join(filter(None, (old[3], old[1], old[2])))
    new = _NEW_STYLE.search(model_id)
    return new and "-".join(filter(None, new.groups()))


def version(model_id: str) -> tuple[int, int] | None:
    """Return the version in a Claude id, such as (4, 5)."""
    if old := _OLD_STYLE.search(model_id):
        return int(old[1]), int(old[2] or 0)
    new = _NEW_STYLE.search(model_id)
    return new and (int(new[2]), int(new[3] or 0))
