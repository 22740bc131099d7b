"""How large an image is: the service reads it before the model does.

Formats: W3C PNG, GIF89a, ITU-T T.81 (JPEG), RFC 9649 (WebP). Written for the stand-in alone: the function has a reader
of its own.
"""

import re
import struct
from collections.abc import Callable, Mapping
from typing import Final

Size = tuple[int, int]
"""Width and height."""


def _png(data: bytes) -> Size:
    signature, _, name, width, height = struct.unpack_from(">8sI4sII", data)
    return (width, height) if (signature, name) == (b"\x89PNG\r\n\x1a\n", b"IHDR") else (0, 0)


def _gif(data: bytes) -> Size:
    signature, width, height = struct.unpack_from("<6sHH", data)
    return (width, height) if signature in {b"GIF87a", b"GIF89a"} else (0, 0)


SEGMENT: Final = re.compile(rb"\xff+([^\x00\xff])(..)", re.DOTALL)
"""A marker with any number of fill bytes, and the length of what follows."""
FRAMES: Final = frozenset(b"\xc0\xc1\xc2\xc3\xc5\xc6\xc7\xc9\xca\xcb\xcd\xce\xcf")


def _jpeg(data: bytes) -> Size:
    place = 2 if data.startswith(b"\xff\xd8\xff") else len(data)
    while segment := SEGMENT.match(data, place):
        if segment[1][0] in FRAMES:
            _, height, width = struct.unpack_from(">BHH", data, segment.end())
            return width, height
        place = segment.end() - 2 + int.from_bytes(segment[2])
    return 0, 0


def _webp(data: bytes) -> Size:
    riff, webp, kind = struct.unpack_from("<4s4x4s4s", data)
    chunk = data[20:30]
    if (riff, webp) != (b"RIFF", b"WEBP"):
        return 0, 0
    if kind == b"VP8X":
        width, high_width, height, high_height = struct.unpack_from("<4xHBHB", chunk)
        return 1 + width + 65_536 * high_width, 1 + height + 65_536 * high_height
    if kind == b"VP8L":
        (packed,) = struct.unpack_from("<xI", chunk)
        return 1 + packed % 16_384, 1 + packed // 16_384 % 16_384
    width, height = struct.unpack_from("<6x2H", chunk)
    return width % 16_384, height % 16_384


READERS: Final[Mapping[str, Callable[[bytes], Size]]] = {"png": _png, "jpeg": _jpeg, "gif": _gif, "webp": _webp}


def shown_format(data: bytes) -> str | None:
    """Return the format that the bytes have, in the API's words; None if it is none that the service knows."""
    return next((name for name in READERS if pixels(data, name) != (0, 0)), None)


def pixels(data: bytes, image_format: str) -> Size:
    """Return width and height of an image of this format; zeros if it is not one."""
    try:
        return READERS[image_format](data)
    except struct.error:  # it ends inside its header
        return 0, 0
