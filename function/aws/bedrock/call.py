"""One call of ConverseStream: made, read as model events, and cancelled from another thread."""

import logging
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, cast

from botocore.awsrequest import AWSResponse
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ReadTimeoutError
from botocore.handlers import BUILTIN_HANDLERS
from botocore.session import Session
from urllib3.exceptions import HTTPError

from ...contract import LONGEST_TIMEOUT, SERVICES, SIGN_IN, StructuredOutput
from ...conversation import Conversation
from ...stream.errors import AnswerError, ModelError, ModelFailed, QuotaExhausted
from ...stream.events import ModelEvent
from ...stream.record import Calls
from .body import Body, in_this_thread
from .converse import Converse, has_cache_point, is_mostly_prompt
from .errors import as_model_error
from .events import model_events, readable
from .frames import EventStream, decode_events
from .refusals import is_refusal
from .text import complete_characters, without_fence

if TYPE_CHECKING:
    from mypy_boto3_bedrock_runtime import BedrockRuntimeClient

CONNECT_TIMEOUT: Final = 5.0
"""Seconds."""
READ_TIMEOUT: Final = LONGEST_TIMEOUT + 1.0
"""Seconds. It belongs to the client, which all requests share: a request that has less time ends its call by then."""
MAX_CALLS: Final = 3
"""Calls for one answer: the first one, and repetitions by botocore or in another form.

botocore waits for less than three seconds before it repeats a call, unless the service asks for more.
"""


def model_session() -> Session:
    """Return a session of botocore with what it does for the function's services and for signing in to an account.

    botocore has 127 handlers for events, nearly all of them for other services. It reads the signature of each, and
    copies each for every client: that would be a twentieth of the time until the sandbox has started.
    """
    session = Session(include_builtin_handlers=False)
    for event, handler, *_ in BUILTIN_HANDLERS:
        _, *service = event.split(".")
        if not service or service[0] in {*SERVICES, *SIGN_IN}:
            session.register(event, handler)
    return session


def make_client(session: Session, read_timeout: float = READ_TIMEOUT) -> "BedrockRuntimeClient":
    """Return the client that calls the service. All models of a sandbox share it, with its connections."""
    _silence_debug_lines()
    config = Config(
        connect_timeout=CONNECT_TIMEOUT,
        read_timeout=read_timeout,
        retries={"mode": "standard", "total_max_attempts": MAX_CALLS},
        tcp_keepalive=True,
    )
    client = cast("BedrockRuntimeClient", session.create_client("bedrock-runtime", config=config))
    client.meta.events.register("before-send.bedrock-runtime.ConverseStream", _before_send)
    client.meta.events.register("before-parse.bedrock-runtime.ConverseStream", decode_events)
    client.meta.events.register_first("needs-retry.bedrock-runtime.ConverseStream", _needs_retry)
    return client


class BedrockModel:
    """One model, as one route calls it. Made once per sandbox."""

    def __init__(self, converse: Converse, client: "BedrockRuntimeClient", *, repeats: bool = True) -> None:
        """Take whether botocore may repeat a call that failed: not where another model can answer in its place."""
        self._converse = converse
        self._client = client
        self._repeats = repeats

    @property
    def model_id(self) -> str:
        """The model that is called."""
        return self._converse.model_id

    def ask(
        self,
        prompt: str | Conversation,
        calls: Calls,
        previous: AnswerError | None,
        *,
        metadata: Mapping[str, str] | None = None,
    ) -> "Call":
        """Return a call that is not yet made.

        ``calls`` counts what is sent to the service, ``previous`` is the error of an earlier answer to the same
        request, and ``metadata`` goes into the service's invocation log.
        """
        return Call(self._converse, self._client, prompt, previous, calls, metadata, repeats=self._repeats)


class Call:
    """One call of the model: a ``pacing.Source``."""

    def __init__(  # noqa: PLR0913, PLR0917 - what one call consists of
        self,
        converse: Converse,
        client: "BedrockRuntimeClient",
        prompt: str | Conversation,
        previous: AnswerError | None,
        calls: Calls,
        metadata: Mapping[str, str] | None,
        *,
        repeats: bool,
    ) -> None:
        self._converse = converse
        self._client = client
        self._prompt = prompt
        self._previous = previous
        self._calls = calls
        self._metadata = metadata
        self.repeats = repeats
        """Whether botocore may repeat the call as it is."""
        self._calls_left = MAX_CALLS
        self._form = converse.form
        self._lock = threading.Lock()
        self._has_cache_point = False
        self._awaited: socket.socket | None = None
        """On which the head of a response is awaited."""
        self._stream: EventStream | None = None
        self.cancelled = False

    def __iter__(self) -> Iterator[ModelEvent]:
        """Make the call and yield its events; the connection is closed at the end, however it ends.

        Raises:
            ModelError: the service refused the call, or its stream broke.
        """
        try:
            for event in self._events():
                if self.cancelled:  # more of them may be waiting in a buffer
                    return
                yield event
        except (ClientError, BotoCoreError, HTTPError) as error:
            if not self.cancelled:
                raise self._as_model_error(error) from error
        finally:
            if self._stream is not None:
                self._stream.close()

    @property
    def is_waiting(self) -> bool:
        """Whether the service has sent no event yet."""
        return self._stream is None or not self._stream.has_begun

    def cancel(self) -> bool:
        """End the call from another thread, so that a blocked read returns at once; return whether that was possible.

        While no response is awaited there is nothing to shut down. The call then ends by itself: it sends no request.
        """
        with self._lock:
            self.cancelled = True
            if self._stream is not None:
                self._stream.abort()
            elif self._awaited is not None:
                _shut_down(self._awaited)
            else:
                return False
            return True

    @property
    def reading(self) -> Body | None:
        """The reader of the response, if its waits can have a time limit; else None."""
        return None if self._stream is None else self._stream.body

    def count(self) -> None:
        """Count a request that is about to be sent.

        Raises:
            BotoCoreError: the call was cancelled. It must not be sent, because its answer would be billed.
        """
        with self._lock:  # a call that is given up counts before the one that follows it, or not at all
            if self.cancelled:
                raise BotoCoreError
            self._calls.add(self._converse.model_id, self._converse.max_tokens)
            self._calls_left -= 1

    def sent(self, on: socket.socket) -> None:
        """Note that a request has been sent. If the call was cancelled meanwhile, nobody waits for the response."""
        with self._lock:
            self._awaited = on
            if self.cancelled:
                _shut_down(on)

    def answered(self) -> None:
        """Note that the head of the response has come, or does not come."""
        with self._lock:
            self._awaited = None

    def refusal(self, response: Mapping[str, Any]) -> ClientError:
        """Return the error that botocore raises for this response of the service."""
        exceptions: Any = self._client.exceptions
        refused: ClientError = exceptions.from_code(response.get("Error", {}).get("Code"))(response, "ConverseStream")
        return refused

    @property
    def may_repeat(self) -> bool:
        """Whether another request can be sent for this answer."""
        return self._calls_left > 0 and not self.cancelled

    def _events(self) -> Iterator[ModelEvent]:
        stream = self._open()
        with self._lock:
            self._stream = stream
        if self.cancelled:
            return iter(())
        strategy = self._form.strategy
        is_tool, shows_thinking = strategy is StructuredOutput.TOOL, self._converse.shows_thinking
        events = complete_characters(
            model_events(readable(stream), tool=is_tool, show_thinking=shows_thinking, caching=self._has_cache_point)
        )
        return without_fence(events) if strategy is StructuredOutput.PROMPT else events

    def _open(self) -> EventStream:
        """Make the call, in other forms if the service refuses one, and keep the form that it accepts.

        Raises:
            ClientError: the service refused the call. If the answer was to be written by another mechanism then, and
                that is refused too, it is the first of these refusals.
        """
        _this_thread.call = self
        in_this_thread.sent = self.sent
        refusal: ClientError | None = None
        while True:
            try:
                request = self._request()
                stream = cast("EventStream", self._client.converse_stream(**request)["stream"])
            except ClientError as error:
                other = self._converse.other_form(self._form, error) if self.may_repeat else None
                if other is None:
                    raise refusal if refusal is not None and is_refusal(error) else error  # noqa: B904 - both are logged
                if other.strategy is not self._form.strategy:
                    refusal = error
                self._form = other
            except (BotoCoreError, HTTPError):
                raise
            except Exception as error:  # botocore does not check the types of what it reads
                raise ModelFailed from error
            else:
                if self._form != self._converse.form:
                    self._converse.keep(self._form)
                self._has_cache_point = has_cache_point(request)
                return stream

    def _request(self) -> dict[str, Any]:
        return self._converse.request(self._form, self._prompt, self._previous, self._metadata)

    def _as_model_error(self, error: Exception) -> ModelError:
        return as_model_error(error, mostly_prompt=is_mostly_prompt(self._request(), self._prompt))


_this_thread = threading.local()
"""Its ``call`` is the call that this thread makes: each call is made by a thread of its own (stream/pacing.py).

botocore's hooks belong to the client, which all calls share, and a hook receives the HTTP request or its response, but
nothing that says which call it belongs to. The one other way is to pass the call as a parameter of the operation that
the API does not have, and to take it out again before botocore validates the parameters.
"""


def _silence_debug_lines() -> None:
    """Leave out botocore's debug lines, whatever the level of the log: they hold prompts, answers and tokens."""
    log = logging.getLogger("botocore")
    log.setLevel(max(logging.INFO, log.getEffectiveLevel()))


def _shut_down(connected: socket.socket) -> None:
    """Make a read that is blocked in another thread return at once."""
    with suppress(OSError):  # it has ended already
        connected.shutdown(socket.SHUT_RDWR)


def _before_send(**_: object) -> None:
    _this_thread.call.count()


def _needs_retry(
    response: tuple[AWSResponse, Any] | None = None, caught_exception: Exception | None = None, **_: object
) -> None:
    """Stop botocore from repeating a call in vain.

    That is a call that was cancelled; one in whose place another model is called; one that timed out, which the service
    may still answer, and bill; the last one that an answer may cost; and one whose quota does not come back soon.
    botocore calls this after every attempt, successful ones included.
    """
    call = _this_thread.call
    call.answered()
    may_repeat = call.repeats and call.may_repeat
    if caught_exception is not None and (not may_repeat or isinstance(caught_exception, ReadTimeoutError)):
        raise caught_exception
    if response is None or response[0].status_code == HTTPStatus.OK:
        return
    if call.cancelled:
        raise BotoCoreError
    refused = call.refusal(response[1])
    if not may_repeat or isinstance(as_model_error(refused), QuotaExhausted):
        raise refused
