"""One call of the Converse API: model events out, every failure of the service one of ours."""

import logging
import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from http import HTTPStatus
from math import ceil
from typing import TYPE_CHECKING, Any, Final

import boto3
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from botocore.eventstream import EventStream, ParserError
from botocore.exceptions import BotoCoreError, ClientError, ReadTimeoutError
from botocore.parsers import ResponseParserError
from urllib3.exceptions import HTTPError

from ...contract import StructuredOutput
from ...stream.errors import AnswerError
from ...stream.events import ModelEvent
from .converse import Converse
from .errors import as_model_error
from .events import model_events
from .text import unfenced, whole_characters

if TYPE_CHECKING:
    from mypy_boto3_bedrock_runtime import BedrockRuntimeClient

CONNECT_TIMEOUT: Final = 5.0
"""Seconds."""
CALLS: Final = 3
"""The first call and botocore's retries, which wait for less than three seconds unless the service asks for more."""

DAMAGED: Final = (ParserError, ResponseParserError, KeyError)
"""What a stream raises that keeps to no protocol: frames, values, and events without what their kind requires."""


class BedrockModel:
    """One model behind one client, made once a sandbox."""

    def __init__(self, converse: Converse) -> None:
        _keep_the_sdk_from_quoting()
        self.converse = converse
        self._session = boto3.Session()
        self.client: BedrockRuntimeClient | None = None
        self._patience = 0
        _client(self._session, 60.0)  # loads botocore's data while the sandbox has its full processor

    def ask(self, prompt: str, previous: AnswerError | None, patience: float) -> "Call":
        """Return a call that is not yet made; each wait for the service's bytes may last ``patience`` seconds at least.

        The function's time limit is the same for all its requests, so one client serves them; where the first one
        had less of it, because the sandbox started late, the next one makes another client.
        """
        if self.client is None or patience > self._patience:
            self._patience = ceil(patience)
            self.client = _client(self._session, self._patience)
        return Call(self.converse, self.client, prompt, previous)


class Call:
    """One question to the model: a ``pacing.Source``."""

    def __init__(
        self, converse: Converse, client: "BedrockRuntimeClient", prompt: str, previous: AnswerError | None
    ) -> None:
        self._converse = converse
        self._client = client
        self._prompt = prompt
        self._previous = previous
        self._lock = threading.Lock()
        self._stream: EventStream[Any] | None = None
        self.cancelled = False

    def __iter__(self) -> Iterator[ModelEvent]:
        """Make the call and yield its events; the connection is closed at the end, whatever the end is.

        Raises:
            ModelError: the service refused the call, or its stream broke.
        """
        try:
            yield from self._events()
        except (ClientError, BotoCoreError, HTTPError, *DAMAGED) as error:
            if not self.cancelled:
                raise as_model_error(error) from error
        finally:
            if self._stream is not None:
                self._stream.close()

    def cancel(self) -> bool:
        """Shut the connection down, so that a blocked read returns at once; to be called from another thread.

        ``stream.close()`` would itself wait for the blocked read. Before the service's headers have come there is
        nothing to shut down: the call then ends by itself when they come, or with its read timeout.
        """
        with self._lock:
            self.cancelled = True
            if self._stream is None:
                return False
            with suppress(OSError, RuntimeError, TypeError, ValueError):  # drained, reset, or closed at this moment
                self._stream._raw_stream.shutdown()  # type: ignore[attr-defined]  # noqa: SLF001 - no public way
            return True

    def _events(self) -> Iterator[ModelEvent]:
        strategy, stream = self._open()
        with self._lock:
            self._stream = stream
        if self.cancelled:
            return
        raw = self._unless_cancelled(stream)
        events = whole_characters(model_events(raw, tool=strategy is StructuredOutput.TOOL))
        yield from unfenced(events) if strategy is StructuredOutput.PROMPT else events

    def _open(self) -> "tuple[StructuredOutput, EventStream[Any]]":
        _of_this_thread.call = self
        while True:
            strategy = self._converse.strategy
            request = self._converse.request(strategy, self._prompt, self._previous)
            try:
                return strategy, self._client.converse_stream(**request)["stream"]
            except ClientError as error:
                if strategy is not StructuredOutput.NATIVE or self.cancelled or not self._converse.fall_back(error):
                    raise

    def _unless_cancelled(self, stream: "EventStream[Any]") -> Iterator[Mapping[str, Any]]:
        """Yield raw events, but none that was already in a buffer when the call was cancelled."""
        for event in stream:
            if self.cancelled:
                return
            yield event


_of_this_thread = threading.local()
"""The call that this reader thread makes: botocore's event handlers belong to the client, not to a call."""


def _keep_the_sdk_from_quoting() -> None:
    """Leave out botocore's lines for debugging, whatever the log's level: they hold prompts, answers and tokens."""
    log = logging.getLogger("botocore")
    log.setLevel(max(logging.INFO, log.getEffectiveLevel()))


def _client(session: boto3.Session, read_timeout: float) -> "BedrockRuntimeClient":
    config = Config(
        connect_timeout=CONNECT_TIMEOUT,
        read_timeout=read_timeout,
        retries={"mode": "standard", "total_max_attempts": CALLS},
        tcp_keepalive=True,
    )
    client: BedrockRuntimeClient = session.client("bedrock-runtime", config=config)
    client.meta.events.register("before-send.bedrock-runtime.ConverseStream", _refuse_to_send)
    client.meta.events.register_first("needs-retry.bedrock-runtime.ConverseStream", _refuse_retry)
    return client


def _refuse_to_send(**_: object) -> None:
    """Keep a question back that nobody waits for any more: an answer would be billed."""
    if _of_this_thread.call.cancelled:
        raise BotoCoreError


def _refuse_retry(
    response: tuple[AWSResponse, object] | None = None, caught_exception: Exception | None = None, **_: object
) -> None:
    """Stop botocore from asking again where the first question is still being answered, and billed, or unwanted.

    It asks this of every outcome of a call, good ones included.
    """
    cancelled = _of_this_thread.call.cancelled
    if caught_exception is not None and (cancelled or isinstance(caught_exception, ReadTimeoutError)):
        raise caught_exception
    if response is not None and cancelled and response[0].status_code != HTTPStatus.OK:
        raise BotoCoreError
