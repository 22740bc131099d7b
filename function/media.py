"""Tells by its first bytes which format a file has, in the words of Bedrock's Converse API, and how large an image is.

Nothing is unpacked or decoded: a signature, the names in a zip's directory, or a header decide. A text has no
signature, so its declared type decides, and its bytes must be UTF-8.
"""

import re
import struct
from codecs import getincrementaldecoder
from collections.abc import Iterator
from typing import Final

IMAGE_TYPES: Final = {"image/png": "png", "image/jpeg": "jpeg", "image/gif": "gif", "image/webp": "webp"}
"""The word of the Converse API for each media type (``ImageBlock``)."""
_OPEN_XML: Final = "application/vnd.openxmlformats-officedocument"
DOCUMENT_TYPES: Final = {
    "application/pdf": "pdf",
    "application/msword": "doc",
    "application/vnd.ms-excel": "xls",
    f"{_OPEN_XML}.wordprocessingml.document": "docx",
    f"{_OPEN_XML}.spreadsheetml.sheet": "xlsx",
    "text/plain": "txt",
    "text/markdown": "md",
    "text/csv": "csv",
    "text/html": "html",
}
"""The word of the Converse API for each media type (``DocumentBlock``)."""
MEDIA_TYPES: Final = {kind: media_type for media_type, kind in {**IMAGE_TYPES, **DOCUMENT_TYPES}.items()}
"""The media type of each format."""
_TEXTS: Final = frozenset({"txt", "md", "csv", "html"})
_COMPOUND: Final = "compound"
"""The container of the old Office formats: doc and xls have one signature (MS-CFB §2.2)."""
_SIGNATURES: Final = (
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"\xff\xd8\xff", "jpeg"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
    (b"%PDF-", "pdf"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", _COMPOUND),
)
_ZIP: Final = b"PK\x03\x04"
_NAMES: Final = ((b"word/", "docx"), (b"xl/", "xlsx"))
"""What the members of a zip are called in each format (ECMA-376 part 1, §11 and §12)."""


class MediaError(ValueError):
    """The format of a file is unknown, or another one than its media type says; ``rule`` is the word for it."""

    def __init__(self, rule: str) -> None:
        super().__init__(rule)
        self.rule = rule


def image_format(data: bytes, media_type: str | None) -> str:
    """Return the format of an image, such as ``png``.

    Raises:
        MediaError: the format is unknown, or it is another one than ``media_type`` says.
    """
    return _format(data, media_type, IMAGE_TYPES)


def document_format(data: bytes, media_type: str | None) -> str:
    """Return the format of a document, such as ``pdf``. A text, a doc and an xls need their media type.

    Raises:
        MediaError: the format is unknown, or it is another one than ``media_type`` says.
    """
    return _format(data, media_type, DOCUMENT_TYPES)


def _format(data: bytes, media_type: str | None, known: dict[str, str]) -> str:
    found = _signature(data)
    if media_type is None:
        if found is None or found not in known.values():
            raise MediaError("format_unknown")
        return found
    declared = known.get(media_type.partition(";")[0].strip().lower())
    if declared is None or not data:
        raise MediaError("format_unknown")
    fits = _is_text(data) if declared in _TEXTS and found is None else declared in _formats_of(found)
    if not fits:
        raise MediaError("media_type_mismatch")
    return declared


def _formats_of(signature: str | None) -> tuple[str | None, ...]:
    return ("doc", "xls") if signature == _COMPOUND else (signature,)


def _signature(data: bytes) -> str | None:
    """Return the format that the bytes themselves show, or None."""
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "webp"
    if data.startswith(_ZIP):
        names = _zip_names(data)
        return next((kind for name in names for start, kind in _NAMES if name.startswith(start)), "zip")
    return next((kind for start, kind in _SIGNATURES if data.startswith(start)), None)


def _zip_names(data: bytes) -> Iterator[bytes]:
    """Yield the names in the zip's central directory (APPNOTE.TXT §4.3.12, §4.3.16), one at a time."""
    end = data.rfind(b"PK\x05\x06")
    if end < 0 or end + 22 > len(data):
        return
    place = int.from_bytes(data[end + 16 : end + 20], "little")
    while data[place : place + 4] == b"PK\x01\x02" and place + 46 <= len(data):
        name, extra, comment = struct.unpack_from("<3H", data, place + 28)
        yield data[place + 46 : place + 46 + name]
        place += 46 + name + extra + comment


def _is_text(data: bytes) -> bool:
    """Tell whether the bytes are UTF-8. They are decoded in slices: the whole text can have four times their size."""
    decoder = getincrementaldecoder("utf-8")()
    try:
        for start in range(0, len(data), _SLICE):
            decoder.decode(data[start : start + _SLICE])
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


_SLICE: Final = 65_536


def image_size(data: bytes, kind: str) -> tuple[int, int] | None:
    """Return width and height in pixels, as the header of an image of the format ``kind`` says; None if it does not."""
    if kind == "jpeg":
        return _jpeg_size(data)
    if kind == "webp":
        return _webp_size(data)
    if len(data) < _HEADERS[kind]:
        return None
    if kind == "png":  # IHDR is the first chunk (W3C PNG §11.2.1)
        if data[12:16] != b"IHDR":
            return None
        return int.from_bytes(data[16:20]), int.from_bytes(data[20:24])
    return int.from_bytes(data[6:8], "little"), int.from_bytes(data[8:10], "little")  # GIF89a §18


_HEADERS: Final[dict[str | bytes, int]] = {"png": 24, "gif": 10, b"VP8X": 30, b"VP8L": 25, b"VP8 ": 30}
"""How many bytes a header has, up to the image's size; a WebP has one of three."""


def _webp_size(data: bytes) -> tuple[int, int] | None:
    """Return the size of a WebP (RFC 9649 §2.5 to §2.7)."""
    kind = data[12:16]
    if len(data) < _HEADERS.get(kind, len(data) + 1):
        return None
    if kind == b"VP8X":
        return int.from_bytes(data[24:27], "little") + 1, int.from_bytes(data[27:30], "little") + 1
    if kind == b"VP8L":
        bits = int.from_bytes(data[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    return int.from_bytes(data[26:28], "little") & 0x3FFF, int.from_bytes(data[28:30], "little") & 0x3FFF


_SEGMENT: Final = re.compile(rb"\xff+([\x01-\xfe])(..)", re.DOTALL)
"""The marker of a segment, after any number of fill bytes, and its length (ITU-T T.81 §B.1.1)."""
_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_SCAN: Final = 0xDA
_LENGTH: Final = 2
"""How many bytes the length of a segment has, which it counts itself."""
_SEGMENTS_LIMIT: Final = 1_000
"""Segments before the frame, more than any program writes: a file of nothing else would cost a second."""


def _jpeg_size(data: bytes) -> tuple[int, int] | None:
    """Return the size in a JPEG's start-of-frame segment (ITU-T T.81 §B.2.2), which the others lead to."""
    place = 2
    for _ in range(_SEGMENTS_LIMIT):
        segment = _SEGMENT.match(data, place)
        if segment is None:
            return None
        kind, after, length = segment[1][0], segment.end(), int.from_bytes(segment[2])
        if kind in _FRAMES and after + 5 <= len(data):
            return int.from_bytes(data[after + 3 : after + 5]), int.from_bytes(data[after + 1 : after + 3])
        if kind in _FRAMES or kind == _SCAN or length < _LENGTH:
            return None
        place = after - _LENGTH + length
    return None
