"""Paths that are too long for an event, and what is named of them."""

import json

import pytest

from function.stream.paths import LONG, PATH_LIMIT, is_long, is_too_long, masked, shortened


@pytest.mark.parametrize("letter", ["k", "ü", "\u2028", "\x85", "😀", '"', "\x01"])
def test_a_path_is_measured_as_it_is_written(letter: str) -> None:
    """In an event: UTF-8, and escapes where there are some."""
    size = {"\u2028": 6, "\x85": 6, "\x01": 6}.get(letter) or len(json.dumps(letter, ensure_ascii=False).encode()) - 2
    longest = "/" + letter * ((PATH_LIMIT - 1) // size)

    assert not is_too_long(longest)
    assert is_too_long(longest + letter)
    assert is_long("/" + letter * (LONG // size + 1))
    assert not is_long("/" + letter * ((LONG - 1) // size))
    assert shortened(longest) == longest
    assert shortened(longest + letter * 10_000) == longest


def test_no_escape_is_cut_in_two() -> None:
    """A lone tilde would be no JSON pointer."""
    assert shortened("/" + "k" * (PATH_LIMIT - 2) + "~1" * 9) == "/" + "k" * (PATH_LIMIT - 2)


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("", ""),
        ("/summary", "/summary"),
        ("/keywords/17", "/keywords/17"),
        ("/keywords/4111111111111111", "/keywords/*"),
        ("/someone/summary", "/*/summary"),
        ("/a~1b", "/*"),
    ],
)
def test_a_masked_path_shows_the_schemas_names_and_no_others(path: str, shown: str) -> None:
    """Keys of a free dictionary are the model's words."""
    assert masked(path, frozenset({"summary", "keywords"})) == shown
