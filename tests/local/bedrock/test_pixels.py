"""The stand-in reads the size of an image as the formats' specifications have it."""

import pytest

from local.bedrock.pixels import pixels, shown_format
from tests.media_files import ONE_PIXEL, PDF, gif, jpeg, png, webp

IMAGES = [
    ("png", png(8001, 7)),
    ("jpeg", jpeg(8001, 7)),
    ("jpeg", jpeg(8001, 7, 0xC2)),
    ("gif", gif(8001, 7)),
    ("webp", webp(8001, 7)),
    ("webp", webp(8001, 7, b"VP8L")),
    ("webp", webp(8001, 7, b"VP8 ")),
]


@pytest.mark.parametrize(("kind", "data"), IMAGES)
def test_the_header_has_format_and_size(kind: str, data: bytes) -> None:
    assert shown_format(data) == kind
    assert pixels(data, kind) == (8001, 7)
    assert pixels(ONE_PIXEL, "png") == (1, 1)


@pytest.mark.parametrize(("kind", "data"), IMAGES)
def test_a_cut_header_is_no_image(kind: str, data: bytes) -> None:
    sizes = [pixels(data[:length], kind) for length in range(len(data) + 1)]
    assert sizes[0] == (0, 0)
    assert set(sizes) == {(0, 0), (8001, 7)}


@pytest.mark.parametrize("data", [b"", PDF, b"\xff\xd8\xff" + 100 * b"\xff", b"RIFF" + bytes(40)])
def test_what_is_no_image_shows_no_format(data: bytes) -> None:
    assert shown_format(data) is None
