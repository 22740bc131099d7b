"""Amazon Bedrock's ConverseStream over HTTP, for an unmodified boto3. Scripts or a model provide the answers.

API: docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html; frames: ``event_stream``.
"""

import json
import re
import threading
import time
from collections import deque
from collections.abc import Collection, Mapping, Sequence
from types import TracebackType
from typing import Self, TypeVar
from urllib.parse import unquote

from ..http11.gate import Gate
from ..http11.server import Exchange, Server, TooLarge
from . import script
from .caching import PromptCache
from .call import Answerer, Call
from .response import Response, send_error
from .rules import Refused, check_length, check_request
from .script import Step

T = TypeVar("T")

PATH = re.compile(r"/model/([^/]+)/converse-stream")
BODY_LIMIT = 25_000_000
MODEL_ID_LIMIT = 2048
INPUT_LIMIT = 800_000
"""Characters: a context of 200,000 tokens at four characters each."""
WAIT_LIMIT = 30.0
"""Seconds that ``reached`` and ``called`` wait at most, so that a mistake does not block for ever."""


class Bedrock:
    """A server on a loopback port that answers each call with a script."""

    def __init__(
        self,
        answer: Answerer | None = None,
        *,
        refuses_output_config: Collection[str] = (),
        limit: int | None = None,
    ) -> None:
        """Start the server.

        Without ``answer`` it plays ``scripts/happy.json``. ``refuses_output_config`` lists model ids.
        With a ``limit`` only that many of the latest calls, requests and refusals are kept.
        """
        self.answer: Answerer = answer or _scripted(script.load("happy"))
        self.refuses_output_config = refuses_output_config
        self.profiles: Mapping[str, str] = {}
        """The model behind each application inference profile, by the profile's ARN."""
        self.input_limit = INPUT_LIMIT
        """Characters that a request can have for every model."""
        self.calls: list[Call] = []
        """Every call that passed the service's checks, in order."""
        self.received: list[tuple[str, bytes]] = []
        """The path and the body of every request, refused or not, as they arrived."""
        self.refusals: list[str] = []
        """The messages of the ValidationExceptions that were sent."""
        self._cache = PromptCache()
        self._limit = limit
        self._call_count = 0
        self._gates: dict[str, Gate] = {}
        self._arrived = threading.Condition()
        self._server = Server(self._respond)

    @property
    def url(self) -> str:
        """The value for ``AWS_ENDPOINT_URL_BEDROCK_RUNTIME``."""
        return self._server.url

    @property
    def mistakes(self) -> Sequence[BaseException]:
        """Exceptions that were raised in the server itself."""
        return self._server.mistakes

    def play(self, *scripts: Sequence[Step]) -> None:
        """Answer each of the next calls with one of these scripts, in order, and all later ones with the last."""
        self.answer = _scripted(*scripts)

    def release(self, gate: str) -> None:
        """Open a gate for good: scripts that hold there continue."""
        self._gate(gate).open()

    def reached(self, gate: str) -> None:
        """Wait until a script has reached this gate.

        Raises:
            TimeoutError: none has within 30 seconds.
        """
        if not self._gate(gate).reached.wait(WAIT_LIMIT):
            raise TimeoutError(f"No script has reached the gate {gate!r}.")

    def called(self, number: int = 1) -> Call:
        """Wait for the call of this number (from 1) and return it.

        Raises:
            TimeoutError: it does not arrive within 30 seconds.
            LookupError: it is not kept any more.
        """
        with self._arrived:
            if not self._arrived.wait_for(lambda: self._call_count >= number, WAIT_LIMIT):
                raise TimeoutError(f"{self._call_count} calls have arrived; expected {number}.")
            age = self._call_count - number
            if age >= len(self.calls):
                raise LookupError(f"Only the latest {len(self.calls)} of {self._call_count} calls are kept.")
            return self.calls[-1 - age]

    def close(self) -> None:
        """End every call and the server."""
        self._server.close()
        for gate in self._gates.values():
            gate.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _gate(self, name: str) -> Gate:
        with self._arrived:
            return self._gates.setdefault(name, Gate())

    def _keep(self, kept: list[T], item: T) -> None:
        """Add an item, and drop the oldest ones above the limit."""
        kept.append(item)
        if self._limit is not None:
            del kept[: max(0, len(kept) - self._limit)]

    def _respond(self, exchange: Exchange) -> None:
        try:
            call = self._read(exchange)
        except _HttpError as error:
            send_error(exchange, error.code, str(error), error.status)
            return
        with self._arrived:
            self._call_count += 1
            self._keep(self.calls, call)
            self._arrived.notify_all()
        try:
            Response(exchange, call, self._gate).play(self.answer(call))
        except ConnectionError:
            call.closed_at = time.monotonic()
            exchange.cut()
        finally:
            call.end()

    def _read(self, exchange: Exchange) -> Call:
        """Check a request in the order of the service: path, signature, body."""
        path = exchange.path.split("?")[0]
        found = PATH.fullmatch(path)
        try:
            raw = exchange.read_body(BODY_LIMIT)
        except TooLarge:
            raise _HttpError("ValidationException", "The request is too long.") from None
        self._keep(self.received, (exchange.path, raw))
        if exchange.command != "POST" or not found:
            raise _HttpError("UnknownOperationException", "", 404)
        if "/bedrock/aws4_request" not in str(exchange.headers.get("Authorization")):
            raise _HttpError("MissingAuthenticationTokenException", "Missing Authentication Token", 403)
        model_id = unquote(found[1])
        try:
            body = json.loads(raw)
        except ValueError:
            body = None
        if not isinstance(body, dict) or len(model_id) > MODEL_ID_LIMIT:
            raise _HttpError("SerializationException", "The request is malformed.", 400)
        try:
            model = self.profiles.get(model_id, model_id)
            check_request(model, body, refuses_output_config=model_id in self.refuses_output_config)
            check_length(body, self.input_limit)
        except Refused as refused:
            self._keep(self.refusals, str(refused))
            raise _HttpError("ValidationException", str(refused)) from None
        call = Call(model_id, body, exchange)
        call.cached = self._cache.look_up(model, body)
        return call


class _HttpError(Exception):
    def __init__(self, code: str, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.code, self.status = code, status


def _scripted(*scripts: Sequence[Step]) -> Answerer:
    waiting = deque(scripts)

    def answer(_: Call) -> Sequence[Step]:
        return waiting.popleft() if len(waiting) > 1 else waiting[0]

    return answer
