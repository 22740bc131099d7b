"""Draws ratios as an SVG: one panel per figure, one line per program, one logarithmic axis for all."""

import math
import statistics
from collections.abc import Mapping, Sequence
from html import escape
from typing import Final

_AXIS: Final = (0.25, 0.5, 1.0, 2.0, 4.0)
"""Ratios with a line of the grid. The first and the last one are the ends of the axis."""
_LABELS, _PANEL, _NUMBER, _ROW, _TOP = 210, 140, 44, 20, 56
"""Pixels: the names of the programs, a panel, the number beside it, a line, and what is above the first line."""

Panels = Mapping[str, Mapping[str, Sequence[float]]]
"""By figure and program: one ratio per round."""


def drawn(panels: Panels, title: str) -> str:
    """Return the picture as an SVG document.

    Each line shows the least ratio, the median as a dot and as a number, and the greatest one. What lies beyond the
    axis is drawn at its end.
    """
    programs = list(dict.fromkeys(name for panel in panels.values() for name in panel))
    width, height = _LABELS + len(panels) * (_PANEL + _NUMBER), _TOP + len(programs) * _ROW + 24
    names = [_text(8, _row(at), name, colour=_colour(name)) for at, name in enumerate(programs)]
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}">',
        '<g font-family="sans-serif" font-size="12"><rect width="100%" height="100%" fill="white"/>',
        _text(8, 20, title),
        *names,
    ]
    for at, (figure, panel) in enumerate(panels.items()):
        left = _LABELS + at * (_PANEL + _NUMBER)
        parts += [_text(left, 42, figure), *_grid(left, height)]
        parts += [_line(left, _row(programs.index(name)), name, ratios) for name, ratios in panel.items()]
    return "\n".join([*parts, "</g></svg>\n"])


def _grid(left: int, height: int) -> list[str]:
    lines = []
    for ratio in _AXIS:
        x, colour = left + _x(ratio), "#888" if ratio == 1.0 else "#ddd"
        lines.append(f'<path d="M{x:.0f} {_TOP - 6}V{height - 20}" stroke="{colour}"/>')
        lines.append(_text(x, height - 6, f"{ratio:g}", anchor="middle"))
    return lines


def _line(left: int, y: int, name: str, ratios: Sequence[float]) -> str:
    colour, median = _colour(name), statistics.median(ratios)
    least, greatest = left + _x(min(ratios)), left + _x(max(ratios))
    return (
        f'<path d="M{least:.1f} {y - 4}H{greatest:.1f}" stroke="{colour}" stroke-width="2"/>'
        f'<circle cx="{left + _x(median):.1f}" cy="{y - 4}" r="4" fill="{colour}"/>'
        + _text(left + _PANEL + 4, y, f"{median:.2f}", colour=colour)
    )


def _x(ratio: float) -> float:
    """Return the pixels from the start of the axis."""
    first, last = _AXIS[0], _AXIS[-1]
    return _PANEL * math.log(min(max(ratio, first), last) / first) / math.log(last / first)


def _row(at: int) -> int:
    return _TOP + at * _ROW + 14


def _colour(program: str) -> str:
    return "#c00" if program.startswith("this project") else "#357"


def _text(x: float, y: float, text: str, *, anchor: str = "start", colour: str = "#000") -> str:
    place = f'x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}" fill="{colour}"'
    return f"<text {place}>{escape(text)}</text>"
