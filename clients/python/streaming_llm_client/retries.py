"""Whether a request is sent again. Each one is a model call that is paid: only what reached no model is repeated."""

import random
from typing import Final

import httpx

from .errors import StreamError

BUSY: Final = frozenset({"model_busy", "model_unavailable", "THROTTLED"})
"""Codes of requests that reached no model."""
LONGEST: Final = 30.0
"""Seconds between two attempts, at most: a server that asks for more is not asked again."""
FIRST: Final = 5.0
"""Seconds before the second attempt, at most, if the response names none. They double each time."""


def retry_delay(error: StreamError, attempt: int) -> float | None:
    """Return the seconds to wait after the failed ``attempt``, from 0; None if the request must not be sent again."""
    if error.code not in BUSY and not isinstance(error.__cause__, httpx.ConnectError | httpx.ConnectTimeout):
        return None
    seconds = (error.retry_after or 0) + random.random() * FIRST * 2**attempt  # noqa: S311 - jitter
    return seconds if seconds <= LONGEST else None
