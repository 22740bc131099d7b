"""How long a path (RFC 6901) may be where every event repeats it."""

import json
from typing import Final

PATH_LIMIT: Final = 512
"""Bytes of a path as typed events write it. Every change repeats its path: a long one would multiply the answer."""
LONG: Final = 256
"""Bytes of a path up to which every value that ends is named, even where several end together."""
TOO_LONG: Final = "path_too_long"
"""The rule of a place whose path is longer."""
_MOST_BYTES: Final = 6
"""Of one character: an escape such as ``\\u2028``."""
_LINE_ENDS: Final = {"\x85": 4, "\u2028": 3, "\u2029": 3}
"""Characters that typed events escape, though JSON need not; and by how many bytes that is longer."""


def is_too_long(path: str) -> bool:
    """Tell whether a path has too many bytes for an event."""
    return len(path) > PATH_LIMIT // _MOST_BYTES and _written(path) > PATH_LIMIT


def is_long(path: str) -> bool:
    """Tell whether a path is so long that events should not repeat it without need."""
    return len(path) > LONG // _MOST_BYTES and _written(path) > LONG


def shortened(path: str) -> str:
    """Return as much of a path as an event may name."""
    short = path[:PATH_LIMIT]
    while (excess := _written(short) - PATH_LIMIT) > 0:
        short = short[: -max(1, excess // _MOST_BYTES)]
    return path if short == path else short.removesuffix("~")  # which would be half of an escape


def _written(path: str) -> int:
    """Return the bytes of a path inside an event."""
    size = len(json.dumps(path, ensure_ascii=False).encode(errors="surrogatepass")) - len('""')
    return size if path.isascii() else size + sum(path.count(end) * more for end, more in _LINE_ENDS.items())
