"""Plays a script on a connection, as the events of ConverseStream."""

import base64
import json
import random
import string
import time
import uuid
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import closing

from ..http11.gate import Gate
from ..http11.server import Exchange
from . import event_stream, guardrail, script
from .call import Call
from .script import STATUS, Refuse, Step
from .thinking import Display, display

CONTENT_TYPE = "application/vnd.amazon.eventstream"
REASONING = "reasoningContent"
PADDING = string.ascii_letters + string.digits


class Response:
    """Plays one script on one connection."""

    def __init__(self, exchange: Exchange, call: Call, gate: Callable[[str], Gate]) -> None:
        self._exchange = exchange
        self._call = call
        self._gate = gate
        self._is_open = False
        self._block: str | None = None
        self._index = -1
        self._thinking_tokens: int | None = None

    def play(self, steps: Iterable[Step]) -> None:
        """Play the steps one by one.

        Raises:
            ConnectionError: the client has disconnected.
        """
        generator = _generator(steps)
        with closing(generator):
            for step in generator:
                if self._ends_with(step):
                    return
        self._finish()

    def _ends_with(self, step: Step) -> bool:
        """Play a step; return whether the response ends with it."""
        match step:
            case script.Cut(half_frame):
                if half_frame:
                    self._send_half_frame()
                self._exchange.cut()
            case script.End(half_frame):
                if half_frame:
                    self._send_half_frame()
                self._finish()
            case script.Reset():
                self._exchange.reset()
            case script.Think():
                return self._think(step)
            case Refuse(code, message, status, body):
                send_error(self._exchange, code, message, status, body)
            case _:
                self._do(step)
                return False
        return True

    def _do(self, step: Step) -> None:  # noqa: C901, PLR0912 - one case per step
        match step:
            case script.Fragment(text):
                if self._call.tool:
                    self._delta("toolUse", {"input": text})
                else:
                    self._delta("text", text)
            case script.Text(text):
                self._delta("text", text)
            case script.Reasoning(text):
                self._delta(REASONING, {"text": text})
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
                self._event("messageStop", {"stopReason": "tool_use" if is_tool else reason, **self._model_fields()})
            case script.Usage():
                self._event("metadata", self._metadata(step))
            case script.Event(name, payload):
                self._event(name, payload)
            case script.RawEvent(name, payload):
                self._send(event_stream.raw_event(name, _bytes(payload)))
            case script.Fail(kind, message):
                self._send(event_stream.exception(kind, {"message": message}))
            case script.Error(code, message):
                self._send(event_stream.error(code, message))
            case script.BadChecksum(text):
                self._send(event_stream.damaged(self._text_frame(text)))

    def _think(self, step: script.Think) -> bool:
        """Think as the request has it; return whether the limit of tokens has ended the response."""
        shown = display(self._call.model_id, self._call.body)
        if shown is None:
            return False
        limit = self._call.max_tokens
        is_cut = limit is not None and step.tokens >= limit
        self._thinking_tokens = limit if is_cut else step.tokens
        self._open()
        for text in step.texts:
            self._exchange.wait(None, step.seconds / len(step.texts))
            if step.redacted:
                self._delta(REASONING, {"redactedContent": base64.b64encode(text.encode()).decode()})
                self._close_block()
            elif shown is Display.SUMMARIZED:
                self._delta(REASONING, {"text": text})
        if is_cut:
            for last in (script.Stop("max_tokens"), script.Usage(12, 0)):
                self._do(last)
            self._finish()
        elif not step.redacted:
            self._delta(REASONING, {"signature": base64.b64encode(repr(step).encode()).decode()})
        return is_cut

    def _model_fields(self) -> Mapping[str, object]:
        """Return the fields of the model's own response that the request asks for."""
        paths = self._call.body.get("additionalModelResponseFieldPaths") or []
        if "/usage" not in paths or self._thinking_tokens is None:
            return {}
        details = {"thinking_tokens": self._thinking_tokens}
        return {"additionalModelResponseFields": {"usage": {"output_tokens_details": details}}}

    def _delta(self, kind: str, content: object) -> None:
        self._open()
        if kind != self._block:
            self._close_block()
            self._block, self._index = kind, self._index + 1
            if kind == "toolUse":
                tool = {"toolUseId": f"tooluse_{uuid.uuid4().hex[:22]}", "name": self._call.tool}
                self._event("contentBlockStart", {"start": {"toolUse": tool}, "contentBlockIndex": self._index})
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
            self._call.cached.keep()
            fields = [("Content-Type", CONTENT_TYPE), ("x-amzn-RequestId", str(uuid.uuid4()))]
            self._exchange.start(200, fields)

    def _event(self, name: str, payload: Mapping[str, object]) -> None:
        self._send(_padded_event(name, payload))

    def _send(self, frame: bytes) -> None:
        self._head()
        self._exchange.chunk(frame)
        self._call.frames += 1

    def _send_half_frame(self) -> None:
        self._head()
        frame = self._text_frame("this text is never received completely")
        self._exchange.chunk(frame[: len(frame) // 2])

    def _text_frame(self, text: str) -> bytes:
        index = max(self._index, 0)
        return _padded_event("contentBlockDelta", {"delta": {"text": text}, "contentBlockIndex": index})

    def _finish(self) -> None:
        self._head()
        self._exchange.end()

    def _metadata(self, usage: script.Usage) -> Mapping[str, object]:
        cached = self._call.cached
        read = cached.read if usage.cache_read_tokens is None else usage.cache_read_tokens
        written = cached.written if usage.cache_write_tokens is None else usage.cache_write_tokens
        output = usage.output_tokens + (self._thinking_tokens or 0)
        tokens = {
            "inputTokens": usage.input_tokens,
            "outputTokens": output,
            "totalTokens": usage.input_tokens + output + read + written,
            "cacheReadInputTokens": read,
            "cacheWriteInputTokens": written,
        }
        trace = guardrail.trace(self._call.body, usage.actions) if usage.actions else {}
        return {
            **trace,
            "usage": tokens,
            "metrics": {"latencyMs": int((time.monotonic() - self._call.started_at) * 1000)},
        }


def _generator(steps: Iterable[Step]) -> Generator[Step, None, None]:
    yield from steps


def _padded_event(name: str, payload: Mapping[str, object]) -> bytes:
    """Return an event with padding of a random length, as the service adds it to each."""
    padding = PADDING[: random.randint(0, len(PADDING))]  # noqa: S311 - the padding is not secret
    return event_stream.event(name, {**payload, "p": padding})


def _bytes(data: bytes | str) -> bytes:
    return data.encode() if isinstance(data, str) else data


def send_error(
    exchange: Exchange, code: str, message: str, status: int | None, body: bytes | str | None = None
) -> None:
    """Send an error of the service in place of a stream.

    Without ``status``, the HTTP status is the one that ``STATUS`` has for the code. ``body`` is sent in place of the
    JSON object with the message.
    """
    fields = [
        ("Content-Type", "application/json"),
        ("x-amzn-ErrorType", f"{code}:http://internal.amazon.com/coral/com.amazon.bedrock/"),
        ("x-amzn-RequestId", str(uuid.uuid4())),
    ]
    content = json.dumps({"message": message}) if body is None else body
    exchange.send(STATUS.get(code, 400) if status is None else status, fields, _bytes(content))
