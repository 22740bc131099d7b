"""How stages call AWS: within the time that is left for all of them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from botocore.client import BaseClient
from botocore.config import Config
from botocore.exceptions import ClientError

from ...stream.record import Record
from ...stream.stages import StageFailed

if TYPE_CHECKING:
    import boto3

C = TypeVar("C", bound=BaseClient)

CALL_TIMEOUT: Final = 3.0
"""Seconds that a call may take: a third to connect, the rest to read, in one attempt."""
SHORTEST_CALL: Final = 0.2
"""Seconds: with less time left no call is begun."""


class NoTimeLeft(StageFailed):
    """The request's time is up."""


class CallRefused(StageFailed):
    """The service refused the call; the message is its code."""


class TimedClient(Generic[C]):
    """A client whose calls take at most half of the time that is left: the stages after it have the other half."""

    def __init__(self, make: Callable[["boto3.Session", Config], C]) -> None:
        """Make the client that serves as long as there is time enough."""
        self._make = make
        self._client = make(_session(), _config(CALL_TIMEOUT))

    @contextmanager
    def call(self, record: Record) -> Iterator[C]:
        """Lend the client for one call, with a connection of its own: none goes stale while the sandbox is frozen.

        Raises:
            NoTimeLeft: there is not enough time for a call.
            CallRefused: the service answered with an error.
        """
        seconds = record._start.seconds_left()
        if seconds < SHORTEST_CALL:
            raise NoTimeLeft
        client = self._client if seconds / 2 >= CALL_TIMEOUT else self._make(_session(), _config(seconds / 2))
        try:
            yield client
        except ClientError as error:
            raise CallRefused(error.response.get("Error", {}).get("Code")) from error
        finally:
            client.close()


@cache
def _session() -> "boto3.Session":
    """Return the session of all stages: it loads botocore's data once."""
    import boto3  # noqa: PLC0415 - a function without a sink and a store starts sooner without it

    return boto3.Session()


def _config(timeout: float) -> Config:
    return Config(connect_timeout=timeout / 3, read_timeout=timeout * 2 / 3, retries={"total_max_attempts": 1})
