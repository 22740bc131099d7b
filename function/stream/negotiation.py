"""The format of an answer, chosen by the request's ``Accept`` field (RFC 9110 §12.5.1)."""

from collections.abc import Callable
from typing import Final, NamedTuple

from .encoders import Encoder, JsonDocument, JsonLines, RawText, ServerSentEvents
from .errors import NotAcceptable
from .record import Start


class Format(NamedTuple):
    """A format that the endpoint writes, under one of its names."""

    content_type: str
    encoder: Callable[[Start], Encoder]
    """Makes the encoder of one request."""


class Offer(NamedTuple):
    """A format, and what an ``Accept`` field must contain to choose it."""

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
    Offer("application/json", None, Format(JsonDocument.content_type, lambda _: JsonDocument())),
    *_typed(JsonLines, "application/jsonl"),
    *_typed(JsonLines, "application/x-ndjson"),
    *_typed(JsonLines, "application/ndjson"),
    *_typed(JsonLines, "application/jsonlines"),
    *_typed(JsonLines, "application/json-lines"),
]
"""In the endpoint's order of preference. JSON Lines have no registered media type, and clients use several."""

_ACCEPTED: Final = "Accepted: text/plain, text/event-stream, application/json, application/jsonl."
_ACCEPTED_WITHOUT_RAW_TEXT: Final = (
    "Accepted: application/jsonl, text/event-stream, application/json. Raw text would show hidden fields."
)


class _Range(NamedTuple):
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


def choose_format(accept: str | None, *, offer_raw_text: bool = True) -> Format:
    """Return the format that the client prefers (RFC 9110 §12.5.1); no field means ``*/*``.

    Among formats of the same quality the client's order counts: the position of the range that gave each its quality.
    Among formats that one wildcard matches, the order of ``OFFERS`` counts. Raw text shows everything that the model
    writes. Where it is not offered, ``*/*`` means ``application/jsonl``.

    Raises:
        NotAcceptable: the client accepts none of the formats.
    """
    ranges = [_range(text) for text in (accept or "").split(",") if text.strip()] or [_Range("*/*", None, 1.0)]
    if offer_raw_text:
        best = max(OFFERS, key=lambda offer: _rank(offer, ranges))
    else:
        best = max(OFFERS[1:], key=lambda offer: (*_rank(offer, ranges), _is_any(offer, ranges)))
    quality, _ = _rank(best, ranges)
    if not quality:
        raise NotAcceptable(_ACCEPTED if offer_raw_text else _ACCEPTED_WITHOUT_RAW_TEXT)
    return best.format


def _is_any(offer: Offer, ranges: list[_Range]) -> bool:
    """Return whether the offer is ``application/jsonl``, and only ``*/*`` matches it."""
    return offer.media_type == "application/jsonl" and max(each.specificity(offer) for each in ranges) == 1


def _rank(offer: Offer, ranges: list[_Range]) -> tuple[float, int]:
    """Return the quality that the closest range gives to ``offer``, and the place of that range, as 0, -1, -2."""
    closest = ((each.specificity(offer), each.quality, -place) for place, each in enumerate(ranges))
    specificity, quality, place = max(closest)
    return (quality if specificity else 0.0), place


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
