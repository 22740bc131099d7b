"""The format of an answer, chosen by the request's ``Accept`` field (RFC 9110 §12.5.1)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from .encoders import Encoder, JsonLines, RawText, ServerSentEvents, Stamp, WholeJson
from .errors import NotAcceptable

Format = Callable[[Stamp], Encoder]
"""Makes the encoder of one request."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A media type that we write, and how."""

    media_type: str
    view: str | None
    format: Format


def _typed(encoder: type[JsonLines | ServerSentEvents], media_type: str) -> list[Offer]:
    def offer(view: str | None) -> Offer:
        content_type = f"{media_type}; view={view}" if view else media_type
        return Offer(media_type, view, lambda stamp: encoder(stamp, content_type, snapshots=view is not None))

    return [offer(None), offer("snapshot")]


OFFERS: Final = [
    Offer("text/plain", None, lambda _: RawText()),
    *_typed(ServerSentEvents, "text/event-stream"),
    *_typed(JsonLines, "application/jsonl"),
    Offer("application/json", None, lambda _: WholeJson()),
    *_typed(JsonLines, "application/x-ndjson"),
]
"""In the order of our preference."""


@dataclass(frozen=True, slots=True)
class _Range:
    """One media range of an ``Accept`` field."""

    media_type: str
    view: str | None
    quality: float

    def specificity(self, offer: Offer) -> int:
        """Return how closely this range names ``offer``; 0 where it does not."""
        if self.view != offer.view:
            return 0
        if self.media_type == offer.media_type:
            return 3
        if self.media_type == offer.media_type.split("/")[0] + "/*":
            return 2
        return 1 if self.media_type == "*/*" else 0


def choose_format(accept: str | None) -> Format:
    """Return the format that the client likes best (RFC 9110 §12.5.1); no field is ``*/*``.

    Among equals the first of ``text/plain``, ``text/event-stream``, ``application/jsonl``, ``application/json``.

    Raises:
        NotAcceptable: the client accepts none of ours.
    """
    ranges = [_range(text) for text in (accept or "").split(",") if text.strip()] or [_Range("*/*", None, 1.0)]
    best = max(OFFERS, key=lambda offer: _quality(offer, ranges))
    if not _quality(best, ranges):
        raise NotAcceptable("Accepted: text/plain, text/event-stream, application/jsonl, application/json.")
    return best.format


def _quality(offer: Offer, ranges: list[_Range]) -> float:
    """Return the quality that the closest range gives to ``offer``."""
    specificity, quality = max((it.specificity(offer), it.quality) for it in ranges)
    return quality if specificity else 0.0


def _range(text: str) -> _Range:
    media_type, *parameters = (part.strip() for part in text.split(";"))
    named = {}
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        named[name.strip().lower()] = value.strip().strip('"')
    return _Range(media_type.lower(), named.get("view"), _weight(named.get("q", "1")))


def _weight(text: str) -> float:
    """Read a ``q`` value (RFC 9110 §12.4.2); one that is none counts as zero."""
    try:
        weight = float(text)
    except ValueError:
        return 0.0
    return weight if 0 <= weight <= 1 else 0.0
