"""The format of a file, by its bytes and its declared type; the size of an image, by its header."""

import pytest

from function.media import DOCUMENT_TYPES, MediaError, document_format, image_format, image_size
from tests.media_files import DOCX, OLD_OFFICE, ONE_PIXEL, PDF, XLSX, gif, jpeg, packed, png, webp

OPEN_XML = "application/vnd.openxmlformats-officedocument"
WORD, EXCEL = f"{OPEN_XML}.wordprocessingml.document", f"{OPEN_XML}.spreadsheetml.sheet"


@pytest.mark.parametrize(
    ("data", "kind"),
    [(png(), "png"), (ONE_PIXEL, "png"), (jpeg(), "jpeg"), (gif(), "gif"), (webp(), "webp")],
)
def test_an_image_shows_its_format(data: bytes, kind: str) -> None:
    assert image_format(data, None) == kind
    assert image_format(data, f"IMAGE/{kind}; quality=1") == kind


@pytest.mark.parametrize(("data", "kind"), [(PDF, "pdf"), (DOCX, "docx"), (XLSX, "xlsx")])
def test_these_documents_show_their_format(data: bytes, kind: str) -> None:
    assert document_format(data, None) == kind


@pytest.mark.parametrize(
    ("media_type", "data"),
    [
        ("application/pdf", PDF),
        ("application/msword", OLD_OFFICE),
        ("application/vnd.ms-excel", OLD_OFFICE),
        (WORD, DOCX),
        (EXCEL, XLSX),
        ("text/plain", b"words"),
        ("text/markdown; charset=utf-8", "# Wörter".encode()),
        ("text/csv", b"a,b\r\n1,2"),
        ("text/html", b"<p>words</p>"),
    ],
)
def test_every_document_is_known_by_its_type(media_type: str, data: bytes) -> None:
    assert document_format(data, media_type) == DOCUMENT_TYPES[media_type.partition(";")[0]]


@pytest.mark.parametrize(
    ("media_type", "data"),
    [
        ("application/pdf", b"words"),
        ("application/msword", DOCX),
        (WORD, XLSX),
        (WORD, packed("other.txt")),
        (EXCEL, OLD_OFFICE),
        ("application/vnd.ms-excel", b"a,b\n1,2"),
        ("text/plain", b"\xff\xfe"),
        ("text/plain", PDF),
        ("text/csv", png()),
    ],
)
def test_a_type_that_contradicts_the_bytes_is_refused(media_type: str, data: bytes) -> None:
    with pytest.raises(MediaError, match="media_type_mismatch"):
        document_format(data, media_type)


def test_an_image_of_another_type_is_refused() -> None:
    with pytest.raises(MediaError, match="media_type_mismatch"):
        image_format(png(), "image/jpeg")


@pytest.mark.parametrize(
    ("data", "media_type"),
    [
        (b"words", None),
        (OLD_OFFICE, None),
        (packed("a"), None),
        (b"", "text/plain"),
        (PDF, "application/json"),
        (png(), None),
    ],
)
def test_a_document_of_no_known_format_is_refused(data: bytes, media_type: str | None) -> None:
    with pytest.raises(MediaError, match="format_unknown"):
        document_format(data, media_type)


def test_a_damaged_zip_shows_nothing() -> None:
    for length in range(len(DOCX)):
        with pytest.raises(MediaError):
            document_format(DOCX[:length], None)


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (png(8001, 7), "png"),
        (jpeg(8001, 7), "jpeg"),
        (jpeg(8001, 7, 0xC2), "jpeg"),
        (gif(8001, 7), "gif"),
        (webp(8001, 7), "webp"),
        (webp(8001, 7, b"VP8L"), "webp"),
        (webp(8001, 7, b"VP8 "), "webp"),
    ],
)
def test_the_header_says_how_large_an_image_is(data: bytes, kind: str) -> None:
    assert image_size(data, kind) == (8001, 7)


@pytest.mark.parametrize(("data", "kind"), [(png(), "png"), (jpeg(), "jpeg"), (gif(), "gif"), (webp(), "webp")])
def test_a_header_that_is_cut_says_nothing(data: bytes, kind: str) -> None:
    sizes = [image_size(data[:length], kind) for length in range(len(data) + 1)]
    assert sizes[0] is None
    assert set(sizes) == {None, (3, 2)}


SEGMENT = b"\xff\xe0\x00\x02"
START = jpeg()[:2]


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (png()[:12] + b"tEXt" + png()[16:], "png"),
        (START + b"\xff\xe0\x00\x01" + jpeg()[2:], "jpeg"),
        (START + b"\xff\x00\x00\x02" + jpeg()[2:], "jpeg"),
        (START + 1_000 * SEGMENT + jpeg()[2:], "jpeg"),
    ],
)
def test_a_header_that_breaks_its_specification_says_nothing(data: bytes, kind: str) -> None:
    assert image_size(data, kind) is None


def test_a_header_can_come_late() -> None:
    assert image_size(START + 900 * SEGMENT + 1_000_000 * b"\xff" + jpeg()[2:], "jpeg") == (3, 2)


def test_a_text_is_judged_in_slices_as_it_is_as_a_whole() -> None:
    text = ("é🙂" * 50_000).encode()
    assert document_format(text, "text/plain") == "txt"
    for damaged in (text[:-1], text[:65_535] + b"\xff" + text[65_536:]):
        with pytest.raises(MediaError, match="media_type_mismatch"):
            document_format(damaged, "text/plain")
