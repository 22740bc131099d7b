"""How long a path (RFC 6901) may be where every event repeats it, and what of it records show without content."""

import json
from typing import Final

from ..partials.changes import unescape

PATH_LIMIT: Final = 512
"""Bytes of a path as typed events write it. Every change repeats its path: a long one would multiply the answer."""
LONG: Final = 256
"""Bytes of a path. Up to this length events name every value that closes, even if several close together."""
TOO_LONG: Final = "path_too_long"
"""The rule of the error for a longer path."""
_MOST_BYTES: Final = 6
"""Bytes of one character at most: an escape such as ``\\u2028`` has six."""
_LINE_ENDS: Final = {"\x85": 4, "\u2028": 3, "\u2029": 3}
"""Characters that typed events escape although JSON does not require it; and how many bytes each escape adds."""
_INDEX_LIMIT: Final = 6
"""Digits: a longer number in a path is not an index but a key that the model made up."""


def masked(path: str, field_names: frozenset[str]) -> str:
    """Return a path into the answer with ``*`` for each key that the schema does not name: the model made it up."""
    return "/".join(step if _is_known(step, field_names) else "*" for step in path.split("/"))


def _is_known(step: str, field_names: frozenset[str]) -> bool:
    is_index = step.isdigit() and len(step) <= _INDEX_LIMIT
    return not step or is_index or unescape(step) in field_names


def is_too_long(path: str) -> bool:
    """Tell whether a path has too many bytes for an event."""
    return len(path) > PATH_LIMIT // _MOST_BYTES and _written(path) > PATH_LIMIT


def is_long(path: str) -> bool:
    """Tell whether a path is so long that events should not repeat it without need."""
    return len(path) > LONG // _MOST_BYTES and _written(path) > LONG


def shortened(path: str) -> str:
    """Return the path, cut to what an event can contain."""
    short = path[:PATH_LIMIT]
    while (excess := _written(short) - PATH_LIMIT) > 0:
        short = short[: -max(1, excess // _MOST_BYTES)]
    return path if short == path else short.removesuffix("~")  # which would be half of an escape


def _written(path: str) -> int:
    """Return the bytes of a path inside an event."""
    size = len(json.dumps(path, ensure_ascii=False).encode(errors="surrogatepass")) - len('""')
    return size if path.isascii() else size + sum(path.count(end) * more for end, more in _LINE_ENDS.items())
