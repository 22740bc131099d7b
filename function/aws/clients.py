"""How stages speak to AWS: briefly. The client has its answer, and the time that is left is for all of them."""

from typing import Final

from botocore.config import Config

from ..stream.stages import Record

CONNECT_TIMEOUT: Final = 1
READ_TIMEOUT: Final = 2
"""Seconds, and no second try: a sink that hangs must not cost the stages after it."""

SINK_CONFIG: Final = Config(
    connect_timeout=CONNECT_TIMEOUT, read_timeout=READ_TIMEOUT, retries={"total_max_attempts": 1}
)


LEAST_TIME: Final = 0.2
"""Seconds before the kill in which no call is begun."""


class NoTimeLeft(Exception):
    """The sandbox is about to be killed."""


def check_time(record: Record) -> None:
    """Say whether a call to a sink may still be made.

    Raises:
        NoTimeLeft: it may not.
    """
    if record.seconds_left() < LEAST_TIME:
        raise NoTimeLeft
