"""``python -m tests.browser.slow_reader URL``: reads the beginning of a response slowly, and then the rest.

It prints how many bytes it has once it has read slowly, and again at the end. The system keeps few bytes for it that it
has not read yet, as ``local.client`` asks for.
"""

import sys
import time
from typing import Final

from local.client import Reply

SLOW_BYTES: Final = 64 * 1024
RATE: Final = 8 * 1024
"""Bytes per second."""


def main() -> None:
    """Send a request for raw text and read its response."""
    with Reply(sys.argv[1], b'{"prompt": "slow"}', {"Accept": "text/plain"}) as reply:
        reply.wait()
        size, began = 0, time.monotonic()
        is_slow = True
        for piece in reply.pieces():
            size += len(piece.data)
            if is_slow:
                time.sleep(max(0.0, began + size / RATE - time.monotonic()))
            if is_slow and size >= SLOW_BYTES:
                is_slow = False
                print(size, flush=True)  # noqa: T201 - a program
        print(size, flush=True)  # noqa: T201 - a program


if __name__ == "__main__":
    main()
