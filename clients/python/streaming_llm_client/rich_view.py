"""The growing object in colours, if rich is installed: open and final values have different colours."""

import time
from typing import Any, Final, Protocol

from rich.console import Console
from rich.live import Live
from rich.text import Text

from .growing import escaped_key
from .terminal import INDENT, Shown, View, one_line

INTERVAL: Final = 0.08
"""Seconds between two drawings, at least."""
SHARE: Final = 10
"""The pause after a drawing is as many times as long as the drawing, which for a large object takes long."""
CURSOR: Final = "▌"


class Closing(Shown, Protocol):
    """A partial that knows what is closed."""

    def is_closed(self, pointer: str) -> bool:
        """Return whether the value at a JSON Pointer is final."""


class Coloured(View):
    """The object in place, drawn anew as it grows. If it is higher than the screen, its end is shown."""

    def __init__(self, console: Console) -> None:
        """Draw on this console."""
        super().__init__(console.file.write)
        self._console = console
        self._live = Live(console=console, auto_refresh=False, transient=True)
        self._next_at = 0.0
        self._last: Closing | None = None

    def show(self, partial: Closing) -> None:  # type: ignore[override]  # of a client's stream it is always one
        """Draw the object, if the last drawing is not too fresh."""
        self._last = partial
        if time.monotonic() >= self._next_at:
            self._draw(partial)

    def finish(self, value: Any) -> None:  # noqa: ANN401 - any JSON value
        """Draw the answer, all of it, where the growing object was."""
        self._live.stop()
        self._console.print(drawn(value), soft_wrap=True)

    def stop(self) -> None:
        """Leave what has come."""
        if self._last is not None:
            self._draw(self._last)
        self._live.transient = False
        self._live.stop()

    def _draw(self, partial: Closing) -> None:
        began = time.monotonic()
        self._live.start()
        lines = drawn(partial.value, partial).split(allow_blank=True)
        self._live.update(Text("\n").join(lines[-(self._console.height - 1) :]), refresh=True)
        ended = time.monotonic()
        self._next_at = ended + max(INTERVAL, SHARE * (ended - began))


def drawn(value: Any, partial: Closing | None = None, path: str = "") -> Text:  # noqa: ANN401 - any JSON value
    """Return a value as indented JSON in colours; without a partial, all of it is final."""
    is_open = partial is not None and not partial.is_closed(path)
    if isinstance(value, dict):
        members = [
            (Text(f"{one_line(key)}: ", "cyan"), drawn(each, partial, f"{path}/{escaped_key(key)}"))
            for key, each in value.items()
        ]
        return _bracketed("{", members, "}", is_open=is_open, depth=path.count("/") + 1)
    if isinstance(value, list):
        items = [(Text(), drawn(each, partial, f"{path}/{index}")) for index, each in enumerate(value)]
        return _bracketed("[", items, "]", is_open=is_open, depth=path.count("/") + 1)
    if isinstance(value, str):
        text = one_line(value)
        return Text(text[:-1] + CURSOR, "italic yellow") if is_open else Text(text, "green")
    return Text(one_line(value), "magenta")


def _bracketed(begin: str, members: list[tuple[Text, Text]], end: str, *, is_open: bool, depth: int) -> Text:
    text = Text(begin)
    for number, (key, member) in enumerate(members):
        text.append("," if number else "").append(f"\n{INDENT * depth}").append_text(key).append_text(member)
    if members:
        text.append(f"\n{INDENT * (depth - 1)}")
    return text.append(end, "dim" if is_open else "")
