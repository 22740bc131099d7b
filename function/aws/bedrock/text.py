"""Repairs of the model's text before it is read as JSON: complete characters, and no Markdown around the answer."""

from collections.abc import Iterator
from typing import Final

from ...stream.events import Delta, ModelEvent


def complete_characters(events: Iterator[ModelEvent]) -> Iterator[ModelEvent]:
    """Hold half of a surrogate pair back until its other half comes; one that stays alone becomes U+FFFD."""
    half = ""
    for event in events:
        if not isinstance(event, Delta):
            if half:
                yield Delta("\N{REPLACEMENT CHARACTER}")
            half = ""
            yield event
            continue
        text = _paired(half + event.text) if half else event.text
        half = text[-1] if "\ud800" <= text[-1] <= "\udbff" else ""
        if text := text.removesuffix(half):
            yield Delta(text)


def _paired(text: str) -> str:
    """Return ``text`` with the two halves of each surrogate pair made one character."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")


_FENCE: Final = "```"
_FENCE_CHARACTERS: Final = " \t\r\n`"
"""Characters that may belong to the closing fence, and are held back until something else follows."""


def without_fence(events: Iterator[ModelEvent]) -> Iterator[ModelEvent]:
    """Strip a Markdown fence around the answer, and hold back no more text than may be the fence."""
    held = ""
    fenced: bool | None = None
    for event in events:
        if not isinstance(event, Delta):
            if held and not (fenced and held.strip() == _FENCE):
                yield Delta(held)
            held = ""
            yield event
            continue
        text = event.text
        if fenced is None:
            fenced, text = _opening(held + text)
            held = ""
        if fenced is None:
            held = text
            continue
        end = len(text.rstrip(_FENCE_CHARACTERS)) if fenced else len(text)
        if end:
            yield Delta(held + text[:end])
            held = ""
        held += text[end:]


def _opening(text: str) -> tuple[bool | None, str]:
    """Return whether ``text`` begins with a fence (None: not known yet), and the text after the fence."""
    start = text.lstrip()
    if start.startswith(_FENCE):
        _, line_end, rest = start.partition("\n")
        return (True, rest) if line_end else (None, text)
    return (None, text) if _FENCE.startswith(start) else (False, text)
