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


class NoTimeLeft(Exception):
    """The sandbox may be killed before a call that hangs gives up."""


def check_time(record: Record) -> None:
    """Say whether a call to a sink may still be made.

    Raises:
        NoTimeLeft: it may not.
    """
    if record.seconds_left() < CONNECT_TIMEOUT + READ_TIMEOUT:
        raise NoTimeLeft
