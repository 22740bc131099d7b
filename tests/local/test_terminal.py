import io
import threading

import pytest

from local.terminal import Terminal, printable


@pytest.mark.parametrize("character", [*map(chr, range(0x20)), *map(chr, range(0x7F, 0xA0))])
def test_control_characters_are_shown_as_escapes(character: str) -> None:
    """But for line feed and tab."""
    shown = printable(f"a{character}b")

    assert shown == f"a{character}b" if character in "\n\t" else shown.isprintable()
    assert len(shown) > 2


@pytest.mark.parametrize("mark", "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
def test_marks_that_turn_the_text_around_are_shown_as_escapes(mark: str) -> None:
    assert printable(f"a{mark}b") == f"a\\u{ord(mark):04x}b"


def test_other_text_stays_as_it_is() -> None:
    assert printable("Grüße 😀 עברית\n\t…") == "Grüße 😀 עברית\n\t…"


def test_progress_in_a_file_is_lines() -> None:
    screen = io.StringIO()
    terminal = Terminal(screen)

    terminal.progress("Downloading")
    terminal.line("It runs.")

    assert screen.getvalue() == "Downloading …\nIt runs.\n"


def test_progress_on_a_terminal_stays_in_its_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """The next text takes its place; a line that would wrap could not be cleared and is shortened."""
    monkeypatch.setenv("COLUMNS", "10")
    screen = io.StringIO()
    terminal = Terminal(screen, is_terminal=True)

    terminal.progress("One")
    terminal.progress("Two and more")
    terminal.line("It runs.")
    terminal.line("On.")

    assert screen.getvalue() == "One …\r\x1b[KTwo and m\r\x1b[KIt runs.\nOn.\n"


def test_what_is_awaited_counts_up_with_its_detail() -> None:
    """Seconds and whatever the detail is at that moment."""
    screen, shown = io.StringIO(), threading.Semaphore(0)
    details = iter(range(1000))

    def detail() -> str:
        shown.release()
        return f"{next(details)} MB"

    with Terminal(screen, interval=0.001).waiting("Downloading", detail):
        for _ in range(3):
            shown.acquire()

    first, *lines = screen.getvalue().splitlines()
    assert first == "Downloading …"
    assert [line.split(", ")[1] for line in lines[:2]] == ["0 MB …", "1 MB …"]
    assert lines[0].startswith("Downloading: 0 s")


def test_a_wait_that_is_short_is_silent() -> None:
    screen = io.StringIO()
    with Terminal(screen).waiting("Starting", at_once=False):
        pass

    assert screen.getvalue() == ""


def test_what_the_encoding_lacks_is_an_escape() -> None:
    """The ellipsis of progress has a substitute."""
    raw = io.BytesIO()
    screen = io.TextIOWrapper(raw, encoding="ascii")
    Terminal(screen).progress("Grüße \udcff")

    assert raw.getvalue() == b"Gr\\xfc\\xdfe \\udcff ...\n"


def test_a_closed_terminal_clears_its_line_and_drops_what_follows() -> None:
    screen = io.StringIO()
    terminal = Terminal(screen, is_terminal=True)
    terminal.progress("Waiting")

    terminal.close()
    terminal.line("too late")

    assert screen.getvalue() == "Waiting …\r\x1b[K\n"
