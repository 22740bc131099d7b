"""What each version of Claude refuses on Bedrock, for the stand-in alone.

Written from the user guide's model cards and from refusals that others published; the function has a table of its own.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Takes:
    """What a model takes without a ValidationException, and whether it thinks unasked."""

    native: bool = True
    forced_tool: bool = True
    sampling: bool = True
    thinks: bool = False


_BEFORE_NATIVE: Final = Takes(native=False)
_PLAIN: Final = Takes()
_WITHOUT_SAMPLING: Final = Takes(sampling=False)
_THINKING: Final = Takes(sampling=False, thinks=True)
_NEVER_FORCED: Final = Takes(forced_tool=False, sampling=False, thinks=True)

MODELS: Final[Mapping[str, Takes]] = {
    "sonnet-3-7": _BEFORE_NATIVE,
    "sonnet-4": _BEFORE_NATIVE,
    "opus-4": _BEFORE_NATIVE,
    "opus-4-1": _PLAIN,
    "sonnet-4-5": _PLAIN,
    "haiku-4-5": _PLAIN,
    "opus-4-5": _PLAIN,
    "sonnet-4-6": _PLAIN,
    "opus-4-6": _PLAIN,
    "opus-4-7": _WITHOUT_SAMPLING,
    "opus-4-8": _WITHOUT_SAMPLING,
    "opus-5": _THINKING,
    "sonnet-5": _THINKING,
    "fable-5": Takes(native=False, sampling=False, thinks=True),
    "mythos-5": _THINKING,
    "fable-5-1": Takes(native=False, forced_tool=False, sampling=False, thinks=True),
    "mythos-5-1": _NEVER_FORCED,
    "fable-5-2": Takes(native=False, forced_tool=False, sampling=False, thinks=True),
    "mythos-5-2": _NEVER_FORCED,
    "haiku-5-5": _THINKING,
    "sonnet-5-5": _NEVER_FORCED,
    "opus-5-5": _NEVER_FORCED,
}
"""By family and version. Where accounts were seen to differ, the stand-in is the account that takes it."""

_NEW_STYLE: Final = re.compile(r"claude-([a-z]+)-(\d{1,2})(?:-(\d{1,2}))?(?!\d)")
_OLD_STYLE: Final = re.compile(r"claude-(3)(?:-(\d))?-([a-z]+)")


def takes(model_id: str) -> Takes:
    """Return what the model of this id takes; one that is not in the table takes everything."""
    if old := _OLD_STYLE.search(model_id):
        return MODELS.get(f"{old[3]}-{old[1]}-{old[2]}", _BEFORE_NATIVE)
    if new := _NEW_STYLE.search(model_id):
        return MODELS.get("-".join(filter(None, new.groups())), _PLAIN)
    return _PLAIN


def version(model_id: str) -> tuple[int, int] | None:
    """Return the version in a Claude id, such as (4, 5)."""
    if old := _OLD_STYLE.search(model_id):
        return int(old[1]), int(old[2] or 0)
    new = _NEW_STYLE.search(model_id)
    return new and (int(new[2]), int(new[3] or 0))
