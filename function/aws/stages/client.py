"""How stages speak to AWS: briefly. The client has its answer, and the time that is left is for all of them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, Generic, TypeVar

from botocore.client import BaseClient
from botocore.config import Config
from botocore.exceptions import ClientError

from ...stream.record import Record
from ...stream.stages import StageFailed

C = TypeVar("C", bound=BaseClient)

PATIENCE: Final = 3.0
"""Seconds that a call may take: a third to connect, the rest to read, one attempt."""
LEAST_TIME: Final = 0.2
"""Seconds before the kill in which no call is begun."""


class NoTimeLeft(StageFailed):
    """The sandbox is about to be killed."""


class CallRefused(StageFailed):
    """The service refused the call; the words are its code."""


class Brief(Generic[C]):
    """A client whose calls are over before the sandbox is killed, and leave the stages after them half of the time."""

    def __init__(self, make: Callable[[Config], C]) -> None:
        """Make the client that serves where time is no matter."""
        self._make = make
        self._client = make(_config(PATIENCE))

    @contextmanager
    def call(self, record: Record) -> Iterator[C]:
        """Lend the client for one call, with a connection of its own: none goes stale while the sandbox is frozen.

        Raises:
            NoTimeLeft: a call may not be begun any more.
            CallRefused: the service said no.
        """
        seconds = record.seconds_left()
        if seconds < LEAST_TIME:
            raise NoTimeLeft
        client = self._client if seconds / 2 >= PATIENCE else self._make(_config(seconds / 2))
        try:
            yield client
        except ClientError as error:
            raise CallRefused(error.response.get("Error", {}).get("Code")) from error
        finally:
            client.close()


def _config(patience: float) -> Config:
    return Config(connect_timeout=patience / 3, read_timeout=patience * 2 / 3, retries={"total_max_attempts": 1})
