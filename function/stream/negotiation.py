"""The format of an answer, chosen by the request's ``Accept`` field (RFC 9110 §12.5.1)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from .encoders import Encoder, JsonDocument, JsonLines, RawText, ServerSentEvents
from .errors import NotAcceptable
from .record import Start


@dataclass(frozen=True, slots=True)
class Format:
    """A format that the endpoint writes, under one of its names."""

    content_type: str
    encoder: Callable[[Start], Encoder]
    """Makes the encoder of one request."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What of an ``Accept`` field names a format."""

    media_type: str
    view: str | None
    format: Format


def _typed(encoder: type[JsonLines | ServerSentEvents], media_type: str) -> list[Offer]:
    def offer(view: str | None) -> Offer:
        content_type = f"{media_type}; view={view}" if view else media_type
        made = Format(content_type, lambda start: encoder(start, content_type, snapshots=view is not None))
        return Offer(media_type, view, made)

    return [offer(None), offer("snapshot")]


OFFERS: Final = [
    Offer("text/plain", None, Format(RawText.content_type, lambda _: RawText())),
    *_typed(ServerSentEvents, "text/event-stream"),
    *_typed(JsonLines, "application/jsonl"),
    Offer("application/json", None, Format(JsonDocument.content_type, lambda _: JsonDocument())),
    *_typed(JsonLines, "application/x-ndjson"),
]
"""In the order in which the endpoint prefers them."""


@dataclass(frozen=True, slots=True)
class _Range:
    """One media range of an ``Accept`` field."""

    media_type: str
    view: str | None
    quality: float

    def specificity(self, offer: Offer) -> int:
        """Return how closely this range names ``offer``; 0 if it does not."""
        if self.view != offer.view:
            return 0
        if self.media_type == offer.media_type:
            return 3
        if self.media_type == offer.media_type.split("/")[0] + "/*":
            return 2
        return 1 if self.media_type == "*/*" else 0


def choose_format(accept: str | None) -> Format:
    """Return the format that the client prefers (RFC 9110 §12.5.1); no field means ``*/*``.

    Among equals the first of ``text/plain``, ``text/event-stream``, ``application/jsonl``, ``application/json``.

    Raises:
        NotAcceptable: the client accepts none of the formats.
    """
    ranges = [_range(text) for text in (accept or "").split(",") if text.strip()] or [_Range("*/*", None, 1.0)]
    best = max(OFFERS, key=lambda offer: _quality(offer, ranges))
    if not _quality(best, ranges):
        raise NotAcceptable("Accepted: text/plain, text/event-stream, application/jsonl, application/json.")
    return best.format


def _quality(offer: Offer, ranges: list[_Range]) -> float:
    """Return the quality that the closest range gives to ``offer``."""
    specificity, quality = max((each.specificity(offer), each.quality) for each in ranges)
    return quality if specificity else 0.0


def _range(text: str) -> _Range:
    media_type, *parameters = (part.strip() for part in text.split(";"))
    named = {}
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        named[name.strip().lower()] = value.strip().strip('"')
    return _Range(media_type.lower(), named.get("view"), _weight(named.get("q", "1")))


def _weight(text: str) -> float:
    """Read a ``q`` value (RFC 9110 §12.4.2); a malformed one counts as zero."""
    try:
        weight = float(text)
    except ValueError:
        return 0.0
    return weight if 0 <= weight <= 1 else 0.0
