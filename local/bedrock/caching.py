"""What Bedrock would cache of prompts, and which cache points it refuses. Nothing is cached here, only counted.

API reference of ConverseStream (``CachePointBlock``, ``TokenUsage``); user guide, "Prompt caching"; and reports of what
the service answered.
"""

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise, zip_longest
from typing import Any, Final, NamedTuple

from .claude import name, version
from .wordings import PREFIX

POINTS_LIMIT: Final = 4
SECONDS: Final = {"5m": 300.0, "1h": 3600.0}
LOOKBACK: Final = 20
"""How many blocks before a cache point an earlier entry is still found."""
HOUR_SINCE: Final = (4, 5)
SMALL_TOKENS_SINCE: Final = (4, 7)
CACHING_SINCE: Final = (3, 5)
MINIMUM: Final[Mapping[str, int]] = {
    "sonnet-3-7": 1_024,
    "sonnet-4": 1_024,
    "opus-4": 1_024,
    "opus-4-1": 1_024,
    "sonnet-4-5": 1_024,
    "haiku-4-5": 4_096,
    "opus-4-5": 4_096,
    "sonnet-4-6": 1_024,
    "opus-4-6": 4_096,
    "opus-4-7": 2_048,
    "opus-4-8": 1_024,
    "opus-5": 512,
    "sonnet-5": 1_024,
    "fable-5": 512,
    "mythos-5": 512,
    "fable-5-1": 512,
    "mythos-5-1": 512,
    "haiku-5-5": 512,
    "sonnet-5-5": 512,
    "opus-5-5": 512,
}
"""Tokens below which a model caches nothing, without a word (anthropics/skills, prompt-caching.md; litellm 1.110)."""
OTHER_MINIMUM: Final = 1_024
"""The same for a model that is not in the table."""


class Item(NamedTuple):
    """A block of a request, or a cache point, in the order in which the service reads them."""

    place: str
    value: Mapping[str, Any]

    @property
    def point(self) -> Mapping[str, Any] | None:
        """The cache point that it is; None for any other block."""
        return self.value.get("cachePoint")

    @property
    def ttl(self) -> str:
        """How long a cache point keeps what stands before it."""
        return str((self.point or {}).get("ttl", "5m"))


@dataclass(frozen=True, slots=True)
class Reading:
    """What a request reads of the cache and what it adds, in tokens. It is added when the answer begins."""

    read: int = 0
    written: int = 0
    keep: Callable[[], None] = field(default=lambda: None, repr=False)
    """Adds it: calls that come before the answer begins do not find it."""


class PromptCache:
    """Beginnings of prompts, by model. One that is read begins its time anew."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._kept: dict[str, tuple[float, str]] = {}
        """When a beginning expires, and its ttl, by its digest."""

    def look_up(self, model_id: str, body: Mapping[str, Any]) -> Reading:
        """Return what a request reads and adds, whose cache points the service has accepted."""
        ends = list(_block_ends(model_id, body)) if has_points(body) else []
        points = [
            number for number, end in enumerate(ends) if end.ttl is not None and end.tokens >= minimum_of(model_id)
        ]
        if not points:
            return Reading()
        near = {number for point in points for number in range(max(0, point - LOOKBACK), point + 1)}
        found = [ends[number] for number in near if self._is_kept(ends[number].digest)]
        for end in found:
            self._keep(end.digest, self._kept[end.digest][1])
        read = max((end.tokens for end in found), default=0)
        added = [(ends[point].digest, str(ends[point].ttl)) for point in points]
        return Reading(read, max(0, ends[points[-1]].tokens - read), lambda: self._keep_all(added))

    def _is_kept(self, digest: str) -> bool:
        end, _ = self._kept.get(digest, (0.0, ""))
        return end > self._clock()

    def _keep_all(self, added: Sequence[tuple[str, str]]) -> None:
        for digest, ttl in added:
            self._keep(digest, ttl)

    def _keep(self, digest: str, ttl: str) -> None:
        self._kept[digest] = (self._clock() + SECONDS[ttl], ttl)


def has_points(body: Mapping[str, Any]) -> bool:
    """Return whether a request has a cache point."""
    return any(item.point is not None for items in _sections(body) for item in items)


def minimum_of(model_id: str) -> int:
    """Return the least number of tokens that the model caches."""
    return MINIMUM.get(name(model_id) or "", OTHER_MINIMUM)


def refused_points(model_id: str, body: Mapping[str, Any]) -> Iterator[str]:
    """Yield the service's sentence for everything that it refuses about the cache points of a request."""
    points = [item for items in _sections(body) for item in items if item.point is not None]
    if not points:
        return
    yield from _refused_by_the_model(version(model_id), points)
    for item in points:
        if (item.point or {}).get("type") != "default" or item.ttl not in SECONDS:
            yield f"Value at '{item.place}.cachePoint' failed to satisfy constraint: type default, ttl 5m or 1h"
    for place in _places_behind_nothing(body):
        yield f"{PREFIX}{place}.type: Field required"
    if len(points) > POINTS_LIMIT:
        yield f"{PREFIX}A maximum of {POINTS_LIMIT} blocks with cache_control may be provided. Found {len(points)}."
    for before, item in pairwise(points):
        if (before.ttl, item.ttl) == ("5m", "1h"):
            yield (
                f"{PREFIX}{item.place}.cache_control.ttl: a ttl='1h' cache_control block must not come after a "
                "ttl='5m' cache_control block. Note that blocks are processed in the following order: "
                "`tools`, `system`, `messages`."
            )


def _refused_by_the_model(found: tuple[int, int] | None, points: Sequence[Item]) -> Iterator[str]:
    if found is None:
        return
    if found < CACHING_SINCE:
        yield "You invoked an unsupported model or your request did not allow prompt caching."
    for item in points:
        if item.ttl == "1h" and found < HOUR_SINCE:
            yield f"{PREFIX}{item.place}.cache_control.ttl: Extra inputs are not permitted"


def _places_behind_nothing(body: Mapping[str, Any]) -> Iterator[str]:
    """Yield the places of points without a block before them, and of those behind one that the service rewrites."""
    for items in _sections(body):
        for before, item in zip([None, *items], items, strict=False):
            is_behind_nothing = before is None or before.point is not None or _is_rewritten(before.value)
            if item.point is not None and is_behind_nothing:
                yield item.place


def _is_rewritten(block: Mapping[str, Any]) -> bool:
    """Return whether the service makes a text of a document, behind which it loses the place of a cache point."""
    return "document" in block and block["document"].get("format") != "pdf"


def _sections(body: Mapping[str, Any]) -> Iterator[list[Item]]:
    """Yield the tools, the system blocks, and the blocks of each message."""
    yield _items("tools", (body.get("toolConfig") or {}).get("tools"))
    yield _items("system", body.get("system"))
    for number, message in enumerate(body.get("messages") or []):
        yield _items(f"messages.{number}.content", message.get("content"))


def _items(place: str, blocks: object) -> list[Item]:
    listed = blocks if isinstance(blocks, list) else []
    return [Item(f"{place}.{number}", block) for number, block in enumerate(listed) if isinstance(block, dict)]


class _BlockEnd(NamedTuple):
    """The end of a block, with everything before it."""

    digest: str
    tokens: int
    ttl: str | None
    """The time to live of the cache point behind the block; None if there is none."""


def _block_ends(model_id: str, body: Mapping[str, Any]) -> Iterator[_BlockEnd]:
    """Yield the end of every block. The schema of native output is before all of them, some members before messages."""
    per_token = 3 if (version(model_id) or (0, 0)) >= SMALL_TOKENS_SINCE else 4
    schema = json.dumps(body["outputConfig"]) if "outputConfig" in body else ""
    before, size = hashlib.sha256(f"{model_id}\n{schema}".encode()), len(schema)
    for items in _sections(body):
        if items and items[0].place.startswith("messages.0."):
            before.update(json.dumps(_of_messages(body)).encode())
        for item, following in zip_longest(items, items[1:]):
            if item.point is None:
                text = json.dumps(item.value)
                before.update(text.encode())
                size += len(text)
                is_point = following is not None and following.point is not None
                yield _BlockEnd(before.hexdigest(), size // per_token, following.ttl if is_point else None)


def _of_messages(body: Mapping[str, Any]) -> list[object]:
    """Return the members that change what is cached of messages, and nothing before them."""
    choice = (body.get("toolConfig") or {}).get("toolChoice")
    return [choice, (body.get("additionalModelRequestFields") or {}).get("thinking")]
