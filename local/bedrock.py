"""Amazon Bedrock's ConverseStream over HTTP for unmodified boto3, played from scripts or written by a model.

API: docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html; frames: ``event_stream``.
"""

import json
import random
import re
import string
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Collection, Generator, Iterable, Mapping, Sequence
from contextlib import closing
from types import TracebackType
from typing import Any, Self
from urllib.parse import unquote

from . import event_stream, script
from .bedrock_rules import Refused, check_request, forced_tool, schema_of
from .http11 import Exchange, Gate, Server, TooLarge
from .script import STATUS, Refuse, Step

PATH = re.compile(r"/model/([^/]+)/converse-stream")
BODY_LIMIT = 25_000_000
LONGEST_ID = 2048
CONTENT_TYPE = "application/vnd.amazon.eventstream"
PADDING = string.ascii_letters + string.digits
PATIENCE = 30.0
"""Seconds that a caller of ``reached`` waits at most: a safety net, no measure of time."""


class Call:
    """A call to the stand-in: what was asked, and what became of the connection."""

    def __init__(self, model_id: str, body: Mapping[str, Any], exchange: Exchange | None = None) -> None:
        """Take what was asked, and the connection: None for a call that came on none."""
        self.model_id = model_id
        self.body = body
        self.headers = dict(exchange.fields()) if exchange else {}
        self.schema = schema_of(body)
        """The JSON schema that the answer should follow, wherever the request states it."""
        self.tool = forced_tool(body)
        """The tool that the answer is the input of, or None."""
        self.client_port: int = exchange.client_address[1] if exchange else 0
        """Calls on one connection have it in common."""
        self.frames = 0
        """Frames sent so far."""
        self.started_at = time.monotonic()
        self.closed_at: float | None = None
        """When the stand-in saw that the client had closed the connection before the end of the response."""
        self.ended = threading.Event()
        """The stand-in is through with the call, one way or the other."""
        self._exchange = exchange

    @property
    def prompt(self) -> str:
        """The text of the last message."""
        blocks = self.body["messages"][-1]["content"]
        return "\n".join(block["text"] for block in blocks if "text" in block)

    @property
    def max_tokens(self) -> int | None:
        """The cap on the answer's tokens."""
        tokens = self.body.get("inferenceConfig", {}).get("maxTokens")
        return tokens if isinstance(tokens, int) else None

    def end(self) -> None:
        """Say that the stand-in is through with the call."""
        self.ended.set()
        self._exchange = None

    def is_open(self) -> bool:
        """Tell whether the client still holds the connection of a response under way: looked up now, exactly."""
        exchange = self._exchange
        return exchange is not None and not exchange.peer_left()


Answerer = Callable[[Call], Iterable[Step]]
"""What a call is answered with. A generator writes while it is played, and is closed when the client leaves."""


class Bedrock:
    """The stand-in: a server on a loopback port that answers each call from a script."""

    def __init__(self, answer: Answerer | None = None, *, refuses_output_config: Collection[str] = ()) -> None:
        """Start the server.

        Without ``answer`` it plays ``scripts/happy.json``. ``refuses_output_config`` lists model ids.
        """
        self.answer: Answerer = answer or _scripted(script.load("happy"))
        self.refuses_output_config = refuses_output_config
        self.calls: list[Call] = []
        """Every call that passed the service's checks, in order."""
        self.refusals: list[str] = []
        """The messages of the ValidationExceptions that the rules led to."""
        self._gates: dict[str, Gate] = {}
        self._arrived = threading.Condition()
        self._server = Server(self._respond)

    @property
    def url(self) -> str:
        """What ``AWS_ENDPOINT_URL_BEDROCK_RUNTIME`` is to be."""
        return self._server.url

    @property
    def mistakes(self) -> Sequence[BaseException]:
        """What went wrong in the stand-in itself."""
        return self._server.mistakes

    def play(self, *scripts: Sequence[Step]) -> None:
        """Answer the next calls from these scripts, one each; the last one stays."""
        self.answer = _scripted(*scripts)

    def release(self, gate: str) -> None:
        """Let every script that holds at this gate go on, now and later."""
        self._gate(gate).open()

    def reached(self, gate: str) -> None:
        """Return once a script holds, or held, at this gate.

        Raises:
            TimeoutError: none does.
        """
        if not self._gate(gate).reached.wait(PATIENCE):
            raise TimeoutError(f"No script came to the gate {gate!r}.")

    def called(self, number: int = 1) -> Call:
        """Return the call of this number (from 1), once it has come.

        Raises:
            TimeoutError: it does not come.
        """
        with self._arrived:
            if not self._arrived.wait_for(lambda: len(self.calls) >= number, PATIENCE):
                raise TimeoutError(f"{len(self.calls)} calls have come, not {number}.")
            return self.calls[number - 1]

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

    def _respond(self, exchange: Exchange) -> None:
        try:
            call = self._read(exchange)
        except _HttpError as error:
            _send_error(exchange, error.code, str(error), error.status)
            return
        with self._arrived:
            self.calls.append(call)
            self._arrived.notify_all()
        try:
            _Response(exchange, call, self._gate).play(self.answer(call))
        except ConnectionError:
            call.closed_at = time.monotonic()
            exchange.cut()
        finally:
            call.end()

    def _read(self, exchange: Exchange) -> Call:
        """Check a request in the order in which the service does: path, signature, body."""
        path = exchange.path.split("?")[0]
        found = PATH.fullmatch(path)
        try:
            raw = exchange.read_body(BODY_LIMIT)
        except TooLarge:
            raise _HttpError("ValidationException", "The request is too long.") from None
        if exchange.command != "POST" or not found:
            raise _HttpError("UnknownOperationException", "", 404)
        if "/bedrock/aws4_request" not in str(exchange.headers.get("Authorization")):
            raise _HttpError("MissingAuthenticationTokenException", "Missing Authentication Token", 403)
        model_id = unquote(found[1])
        try:
            body = json.loads(raw)
        except ValueError:
            body = None
        if not isinstance(body, dict) or len(model_id) > LONGEST_ID:
            raise _HttpError("SerializationException", "The request is malformed.", 400)
        try:
            check_request(model_id, body, refuses_output_config=model_id in self.refuses_output_config)
        except Refused as refused:
            self.refusals.append(str(refused))
            raise _HttpError("ValidationException", str(refused)) from None
        return Call(model_id, body, exchange)


class _HttpError(Exception):
    def __init__(self, code: str, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.code, self.status = code, status


class _Response:
    """Plays one script on one connection."""

    def __init__(self, exchange: Exchange, call: Call, gate: Callable[[str], Gate]) -> None:
        self._exchange = exchange
        self._call = call
        self._gate = gate
        self._is_open = False
        self._block: str | None = None
        self._index = -1

    def play(self, steps: Iterable[Step]) -> None:
        """Take the steps one by one.

        Raises:
            ConnectionError: the client left.
        """
        generator = _generator(steps)
        with closing(generator):
            for step in generator:
                if self._is_last(step):
                    return
        self._finish()

    def _is_last(self, step: Step) -> bool:
        match step:
            case script.Cut(half_frame):
                self._half(half_frame)
                self._exchange.cut()
            case script.End(half_frame):
                self._half(half_frame)
                self._finish()
            case script.Reset():
                self._exchange.reset()
            case Refuse(code, message, status):
                _send_error(self._exchange, code, message, status)
            case _:
                self._do(step)
                return False
        return True

    def _do(self, step: Step) -> None:  # noqa: C901, PLR0912 - one line a step
        match step:
            case script.Answer(text):
                self._delta("toolUse" if self._call.tool else "text", text)
            case script.Text(text):
                self._delta("text", text)
            case script.Reasoning(text):
                self._delta("reasoningContent", text)
            case script.Pause(seconds):
                self._exchange.wait(None, seconds)
            case script.Hold(name):
                gate = self._gate(name)
                gate.reached.set()
                self._exchange.wait(gate)
            case script.Hang():
                self._exchange.wait(None)
            case script.Open():
                self._open()
            case script.Stop(reason):
                self._close_block()
                is_tool = self._call.tool and reason == "end_turn"
                self._event("messageStop", {"stopReason": "tool_use" if is_tool else reason})
            case script.Usage():
                self._event("metadata", self._metadata(step))
            case script.Event(name, payload):
                self._event(name, payload)
            case script.Fail(kind, message):
                self._send(event_stream.exception(kind, {"message": message}))
            case script.Error(code, message):
                self._send(event_stream.error(code, message))
            case script.BadChecksum(text):
                self._send(event_stream.damaged(self._text_frame(text)))

    def _delta(self, kind: str, text: str) -> None:
        self._open()
        if kind != self._block:
            self._close_block()
            self._block, self._index = kind, self._index + 1
            if kind == "toolUse":
                tool = {"toolUseId": f"tooluse_{uuid.uuid4().hex[:22]}", "name": self._call.tool}
                self._event("contentBlockStart", {"start": {"toolUse": tool}, "contentBlockIndex": self._index})
        content: object = {"toolUse": {"input": text}, "reasoningContent": {"text": text}}.get(kind, text)
        self._event("contentBlockDelta", {"delta": {kind: content}, "contentBlockIndex": self._index})

    def _close_block(self) -> None:
        self._open()
        if self._block is not None:
            self._event("contentBlockStop", {"contentBlockIndex": self._index})
            self._block = None

    def _open(self) -> None:
        if not self._is_open:
            self._head()
            self._event("messageStart", {"role": "assistant"})

    def _head(self) -> None:
        if not self._is_open:
            self._is_open = True
            fields = [("Content-Type", CONTENT_TYPE), ("x-amzn-RequestId", str(uuid.uuid4()))]
            self._exchange.start(200, fields)

    def _event(self, name: str, payload: Mapping[str, object]) -> None:
        self._send(_padded_event(name, payload))

    def _send(self, frame: bytes) -> None:
        self._head()
        self._exchange.chunk(frame)
        self._call.frames += 1

    def _half(self, wanted: bool) -> None:  # noqa: FBT001 - the step's own field
        if wanted:
            self._head()
            frame = self._text_frame("never to be read")
            self._exchange.chunk(frame[: len(frame) // 2])

    def _text_frame(self, text: str) -> bytes:
        index = max(self._index, 0)
        return _padded_event("contentBlockDelta", {"delta": {"text": text}, "contentBlockIndex": index})

    def _finish(self) -> None:
        self._head()
        self._exchange.end()

    def _metadata(self, usage: script.Usage) -> Mapping[str, object]:
        tokens = {
            "inputTokens": usage.input_tokens,
            "outputTokens": usage.output_tokens,
            "totalTokens": usage.input_tokens + usage.output_tokens,
        }
        return {"usage": tokens, "metrics": {"latencyMs": int((time.monotonic() - self._call.started_at) * 1000)}}


def _scripted(*scripts: Sequence[Step]) -> Answerer:
    waiting = deque(scripts)

    def answer(_: Call) -> Sequence[Step]:
        return waiting.popleft() if len(waiting) > 1 else waiting[0]

    return answer


def _generator(steps: Iterable[Step]) -> Generator[Step, None, None]:
    yield from steps


def _padded_event(name: str, payload: Mapping[str, object]) -> bytes:
    """Return an event with the padding of random length that the service puts into each."""
    padding = PADDING[: random.randint(0, len(PADDING))]  # noqa: S311 - nothing secret
    return event_stream.event(name, {**payload, "p": padding})


def _send_error(exchange: Exchange, code: str, message: str, status: int | None) -> None:
    fields = [
        ("Content-Type", "application/json"),
        ("x-amzn-ErrorType", f"{code}:http://internal.amazon.com/coral/com.amazon.bedrock/"),
        ("x-amzn-RequestId", str(uuid.uuid4())),
    ]
    exchange.send(
        STATUS.get(code, 400) if status is None else status, fields, json.dumps({"message": message}).encode()
    )
