from xml.etree import ElementTree as ET

from bench import plot

SVG = "{http://www.w3.org/2000/svg}"


def read(picture: str) -> tuple[list[str | None], list[float]]:
    """Return the words of a picture, and where its dots are from the left."""
    root = ET.fromstring(picture)  # noqa: S314 - our own
    return [each.text for each in root.iter(f"{SVG}text")], [
        float(dot.attrib["cx"]) for dot in root.iter(f"{SVG}circle")
    ]


def test_each_program_has_a_dot_in_each_panel_in_which_it_was_measured() -> None:
    ratios = {"CPU": {"slow": [1.0, 3.0, 2.0], "fast": [0.5]}, "start": {"slow": [1.0]}}

    words, (slow, fast, start) = read(plot.drawn(ratios, "Ratios"))

    assert [words.count(each) for each in ("CPU", "start", "slow", "fast")] == [1, 1, 1, 1]
    assert [words.count(each) for each in ("2.00", "0.50", "1.00")] == [1, 1, 1]
    assert fast < slow < start


def test_a_ratio_beyond_the_axis_is_drawn_at_its_end_and_written_in_full() -> None:
    words, (slow, slower) = read(plot.drawn({"CPU": {"slow": [860.0], "slower": [900.0]}}, "a & b"))

    assert slow == slower
    assert {"860.00", "900.00", "a & b"} <= set(words)
