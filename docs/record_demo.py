"""Record ``make demo`` as an animated picture, docs/demo.svg: ``python -m docs.record_demo``.

The command runs in a pseudo-terminal. What it writes is played into a small screen, and the screen is drawn at a few
moments: each drawing is shown for as long as it stood, and the last one stays where animations are switched off.
"""

import argparse
import os
import pty
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
COMMAND: Final = [sys.executable, "-m", "local.demo"]
COLUMNS: Final = 100
FRAME_SECONDS: Final = 0.12
"""Two drawings are at least this far apart."""
LAST_FRAME_SECONDS: Final = 4.0
"""How long the finished screen is shown before the recording starts again."""
LINE_HEIGHT: Final = 18
CHARACTER_WIDTH: Final = 8.4
MARGIN: Final = 16
CONTROL: Final = re.compile(r"\x1b\[K|\r|\n")


@dataclass(frozen=True, slots=True)
class Frame:
    """The screen's lines, and the moment in seconds from which they stood there."""

    at: float
    lines: tuple[str, ...]


def screen(written: str) -> tuple[str, ...]:
    """Return the lines that a terminal shows of what was written to it; long ones wrap."""
    lines, position, returned = [""], 0, False
    for control in (*CONTROL.finditer(written), None):
        text = written[position : control.start() if control else None]
        if text:
            lines[-1] = text if returned else lines[-1] + text
            returned = False
        if control:
            position = control.end()
            returned = control[0] == "\r"
            if control[0] == "\n":
                lines.append("")
            elif control[0] == "\x1b[K":
                lines[-1] = ""
    return tuple(line[start : start + COLUMNS] for line in lines for start in range(0, len(line) or 1, COLUMNS))


def record() -> list[Frame]:
    """Run the demo and return its screen as it changed."""
    controller, terminal = pty.openpty()
    began = time.monotonic()
    written = "$ make demo\n"
    frames = [Frame(0.0, screen(written))]
    with subprocess.Popen(COMMAND, cwd=ROOT, stdout=terminal, stderr=terminal) as demo:  # noqa: S603 - our own command
        os.close(terminal)
        while more := _read(controller):
            written += more.decode(errors="replace")
            now = time.monotonic() - began
            if now - frames[-1].at >= FRAME_SECONDS:
                frames.append(Frame(now, screen(written)))
        if demo.wait():
            sys.exit("The demo failed; nothing was recorded.")
    return [*frames, Frame(time.monotonic() - began, screen(written))]


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65_536)
    except OSError:  # Linux reports the end of a pseudo-terminal as an error
        return b""


def drawn(frames: list[Frame]) -> str:
    """Return the recording as an SVG document."""
    rows = max(len(frame.lines) for frame in frames)
    width, height = round(COLUMNS * CHARACTER_WIDTH) + 2 * MARGIN, rows * LINE_HEIGHT + 2 * MARGIN
    length = frames[-1].at + LAST_FRAME_SECONDS
    label = "make demo prints a JSON answer while the model writes it, then one line per stage"
    opening = (
        '<svg xmlns="http://www.w3.org/2000/svg" xml:space="preserve" '
        f'viewBox="0 0 {width} {height}" role="img" aria-label="{label}">'
    )
    parts = [
        opening,
        f"<style>{_style(frames, length)}</style>",
        f'<rect width="{width}" height="{height}" rx="8" fill="#1b1f24"/>',
        *(_group(number, frame) for number, frame in enumerate(frames)),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _style(frames: list[Frame], length: float) -> str:
    """Return the rules that show each frame in its time; without animation only the last one is there."""
    rules = ["text{font:14px ui-monospace,Menlo,Consolas,monospace;fill:#e6edf3;white-space:pre}.frame{opacity:0}"]
    ends = [frame.at for frame in frames[1:]] + [length]
    for number, (frame, end) in enumerate(zip(frames, ends, strict=True)):
        start, stop = 100 * frame.at / length, 100 * end / length
        rules.append(
            f"@keyframes f{number}{{0%{{opacity:0}}{start:.2f}%{{opacity:1}}{stop:.2f}%,100%{{opacity:0}}}}"
            f"#f{number}{{animation:f{number} {length:.1f}s steps(1) infinite}}"
        )
    last = len(frames) - 1
    rules.append(f"@media(prefers-reduced-motion){{.frame{{animation:none!important}}#f{last}{{opacity:1}}}}")
    return "".join(rules)


def _group(number: int, frame: Frame) -> str:
    lines = (
        f'<text x="{MARGIN}" y="{MARGIN + LINE_HEIGHT * (row + 1) - 5}">{escape(line)}</text>'
        for row, line in enumerate(frame.lines)
        if line
    )
    return f'<g class="frame" id="f{number}">{"".join(lines)}</g>'


def shortened(frames: list[Frame], longest: float = 1.5) -> list[Frame]:
    """Return the frames with every wait cut to ``longest`` seconds: a start takes longer than anyone looks at."""
    clock, shown = 0.0, [frames[0]]
    for before, frame in pairwise(frames):
        clock += min(longest, frame.at - before.at)
        shown.append(Frame(clock, frame.lines))
    return shown


def main(arguments: Sequence[str] | None = None) -> None:
    """Record, and write the picture."""
    description = "Run make demo, and write docs/demo.svg, an animated picture of what it shows."
    argparse.ArgumentParser(prog="python -m docs.record_demo", description=description).parse_args(arguments)
    picture = ROOT / "docs" / "demo.svg"
    picture.write_text(drawn(shortened(record())), encoding="utf-8")
    sys.stdout.write(f"{picture.relative_to(ROOT)}\n")


if __name__ == "__main__":
    main()
