"""The recording of the demo: what a terminal shows becomes a picture that stands without animation too."""

from xml.etree import ElementTree as ET

import pytest

from docs.record_demo import Frame, drawn, screen, shortened


@pytest.mark.parametrize(
    ("written", "lines"),
    [
        ("one\r\ntwo", ("one", "two")),
        ("Loading: 10 MB\r\x1b[KLoading: 20 MB", ("Loading: 20 MB",)),
        ("a" * 101, ("a" * 100, "a")),
        ("first\n\nthird", ("first", "", "third")),
    ],
)
def test_the_screen_shows_what_a_terminal_would(written: str, lines: tuple[str, ...]) -> None:
    assert screen(written) == lines


def test_the_picture_is_xml_that_holds_each_frame_with_its_text_escaped() -> None:
    picture = ET.fromstring(drawn([Frame(0, ("$ make demo",)), Frame(1.5, ("$ make demo", '{"a": "<b>"}'))]))  # noqa: S314 - our own
    frames = picture.findall("{http://www.w3.org/2000/svg}g")
    assert ["".join(frame.itertext()) for frame in frames] == ["$ make demo", '$ make demo{"a": "<b>"}']


def test_a_long_wait_is_shown_short() -> None:
    frames = [Frame(0, ()), Frame(40, ("a",)), Frame(40.2, ("b",))]
    assert [round(frame.at, 1) for frame in shortened(frames, longest=1.5)] == [0, 1.5, 1.7]
