"""The Converse dialect: a prompt and a schema in, model events out, every failure of the service one of ours.

API: docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html
"""

import json
import logging
import re
import threading
from collections.abc import Iterable, Iterator, Mapping
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

from ..contract import Guardrail, GuardrailStreaming, Settings, SettingsError, StructuredOutput
from ..stream.errors import AnswerError, AnswerInvalid
from ..stream.events import Delta, ModelEvent, Stop, Usage
from .bedrock_errors import as_model_error, error_code
from .models import takes_native_schema, takes_temperature
from .output_schema import InexpressibleError, output_schema

if TYPE_CHECKING:
    from mypy_boto3_bedrock_runtime import BedrockRuntimeClient

DEFAULT_TEMPERATURE: Final = 0.7
TOOL_NAME: Final = "answer"
FINE_GRAINED_TOOL_STREAMING: Final = "fine-grained-tool-streaming-2025-05-14"
CONNECT_TIMEOUT: Final = 5.0
"""Seconds."""
CALLS: Final = 3
"""The first call and botocore's retries, which wait for less than three seconds unless the service asks for more."""

DAMAGED: Final = (ParserError, ResponseParserError, KeyError)
"""What a stream raises that keeps to no protocol: frames, values, and events without what their kind requires."""

_log = logging.getLogger(__name__)
_NAMES_OUTPUT_CONFIGURATION = re.compile(r"output_?(config|format)|text_?format|json_?schema|grammar", re.IGNORECASE)


class Converse:
    """One model, asked for answers of one schema."""

    def __init__(self, settings: Settings, schema: Mapping[str, Any], instructions: str) -> None:
        """Prepare the calls.

        Raises:
            SettingsError: the model takes no temperature and one is set, or the schema cannot be sent natively.
        """
        _keep_the_sdk_from_quoting()
        self._settings = settings
        self._schema = schema
        self._instructions = instructions
        self._temperature = _temperature(settings)
        self._session = boto3.Session()
        self.client: BedrockRuntimeClient | None = None
        self._patience = 0
        self._set_native(settings)
        _client(self._session, 60.0)  # loads botocore's data while the sandbox has its full processor

    def _set_native(self, settings: Settings) -> None:
        wanted = settings.structured_output
        self.strategy = wanted
        self._native: dict[str, Any] | None = None
        if wanted is StructuredOutput.AUTO:
            self.strategy = StructuredOutput.PROMPT
            if not takes_native_schema(settings.model_id):
                return
        elif wanted is not StructuredOutput.NATIVE:
            return
        try:
            self._native = output_schema(self._schema)
        except InexpressibleError as error:
            if wanted is StructuredOutput.NATIVE:
                raise SettingsError(f"LLM_STRUCTURED_OUTPUT cannot be native for LLM_SCHEMA: {error}") from error
            return
        self.strategy = StructuredOutput.NATIVE

    def ask(self, prompt: str, previous: AnswerError | None, patience: float) -> "Call":
        """Return a call that is not yet made; each wait for the service's bytes may last ``patience`` seconds at least.

        The function's time limit is the same for all its requests, so one client serves them; where the first one
        had less of it, because the sandbox started late, the next one makes another client.
        """
        if self.client is None or patience > self._patience:
            self._patience = ceil(patience)
            self.client = _client(self._session, self._patience)
        return Call(self, self.client, prompt, previous)

    def fall_back(self, error: ClientError) -> bool:
        """Ask in plain words from now on, if it is the output configuration that the service refuses."""
        if self._settings.structured_output is not StructuredOutput.AUTO or not _refuses_output_configuration(error):
            return False
        self.strategy = StructuredOutput.PROMPT
        _log.warning("the model takes no output configuration: the schema stands in the instructions from now on")
        return True

    def request(self, strategy: StructuredOutput, prompt: str, previous: AnswerError | None) -> dict[str, Any]:
        """Return the parameters of ConverseStream."""
        settings = self._settings
        instructions = self._instructions
        content = [{"text": prompt}]
        if previous is not None:
            content.append({"text": _reproach(previous)})
        inference: dict[str, Any] = {"maxTokens": settings.max_tokens}
        if self._temperature is not None:
            inference["temperature"] = self._temperature
        request: dict[str, Any] = {
            "modelId": settings.model_id,
            "messages": [{"role": "user", "content": content}],
            "inferenceConfig": inference,
        }
        if strategy is StructuredOutput.NATIVE:
            request["outputConfig"] = _native_output(self._native)
        elif strategy is StructuredOutput.TOOL:
            request |= _forced_tool(self._schema)
        else:
            instructions = f"{instructions}\n\n{_in_plain_words(self._schema)}"
        request["system"] = [{"text": instructions}]
        if settings.guardrail:
            request["guardrailConfig"] = _guardrail(settings.guardrail, settings.guardrail_streaming)
        return request


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
        events = _whole_characters(_model_events(raw, tool=strategy is StructuredOutput.TOOL))
        yield from _unfenced(events) if strategy is StructuredOutput.PROMPT else events

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


def _temperature(settings: Settings) -> float | None:
    if takes_temperature(settings.model_id):
        return DEFAULT_TEMPERATURE if settings.temperature is None else settings.temperature
    if settings.temperature is not None:
        raise SettingsError(f"LLM_TEMPERATURE is set, and {settings.model_id} takes none; it may be none")
    return None


def _refuses_output_configuration(error: ClientError) -> bool:
    message = error.response.get("Error", {}).get("Message", "")
    return error_code(error) == "ValidationException" and bool(_NAMES_OUTPUT_CONFIGURATION.search(message))


def _native_output(schema: Mapping[str, Any] | None) -> dict[str, Any]:
    structure = {"jsonSchema": {"name": TOOL_NAME, "schema": json.dumps(schema)}}
    return {"textFormat": {"type": "json_schema", "structure": structure}}


def _forced_tool(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters that make the model call one tool, and stream its input as it writes it."""
    tool = {"toolSpec": {"name": TOOL_NAME, "description": "Give the answer.", "inputSchema": {"json": schema}}}
    return {
        "toolConfig": {"tools": [tool], "toolChoice": {"tool": {"name": TOOL_NAME}}},
        "additionalModelRequestFields": {"anthropic_beta": [FINE_GRAINED_TOOL_STREAMING]},
    }


def _in_plain_words(schema: Mapping[str, Any]) -> str:
    return (
        "Answer with one JSON document and nothing else: no words before or after it, no Markdown. "
        f"It must match this JSON Schema:\n{json.dumps(schema)}"
    )


def _reproach(error: AnswerError) -> str:
    if isinstance(error, AnswerInvalid):
        return f"An earlier answer was refused: the value at {error.path or 'the root'} broke the rule {error.rule}."
    return "An earlier answer was refused: it was not one JSON document."


def _guardrail(guardrail: Guardrail, streaming: GuardrailStreaming) -> dict[str, str]:
    return {
        "guardrailIdentifier": guardrail.id,
        "guardrailVersion": guardrail.version,
        "streamProcessingMode": streaming.value,
    }


def _model_events(raw: Iterable[Mapping[str, Any]], *, tool: bool) -> Iterator[ModelEvent]:
    """Turn the events of one answer into ours; opening frames and reasoning are none."""
    for event in raw:
        if "contentBlockDelta" in event:
            delta = event["contentBlockDelta"]["delta"]
            text = delta.get("toolUse", {}).get("input") if tool else delta.get("text")
            if text:
                yield Delta(text)
        elif "messageStop" in event:
            yield Stop(event["messageStop"]["stopReason"])
        elif "metadata" in event:
            usage = event["metadata"].get("usage")
            if usage:
                yield Usage(usage["inputTokens"], usage["outputTokens"])


def _whole_characters(events: Iterator[ModelEvent]) -> Iterator[ModelEvent]:
    """Keep half of a surrogate pair back until its other half comes; one that stays alone is no character."""
    half = ""
    for event in events:
        if not isinstance(event, Delta):
            if half:
                yield Delta("\N{REPLACEMENT CHARACTER}")
            half = ""
            yield event
            continue
        text = _paired(half + event.text) if half else event.text
        half = text[-1] if "\ud800" <= text[-1] <= "\udbff" else ""
        if text := text.removesuffix(half):
            yield Delta(text)


def _paired(text: str) -> str:
    """Return ``text`` with each two halves of a surrogate pair made one character."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")


_FENCE: Final = "```"
_AROUND_END: Final = " \t\r\n`"
"""Characters that may belong to the closing fence, and wait for what follows."""


def _unfenced(events: Iterator[ModelEvent]) -> Iterator[ModelEvent]:
    """Strip a Markdown fence around the whole answer, without waiting for more than the fence itself."""
    held = ""
    fenced: bool | None = None
    for event in events:
        if not isinstance(event, Delta):
            if held and not (fenced and held.strip() == _FENCE):
                yield Delta(held)
            held = ""
            yield event
            continue
        text = event.text
        if fenced is None:
            fenced, text = _opening(held + text)
            held = ""
        if fenced is None:
            held = text
            continue
        end = len(text.rstrip(_AROUND_END)) if fenced else len(text)
        if end:
            yield Delta(held + text[:end])
            held = ""
        held += text[end:]


def _opening(text: str) -> tuple[bool | None, str]:
    """Tell whether ``text`` begins with a fence (None: not known yet), and return what follows it."""
    start = text.lstrip()
    if start.startswith(_FENCE):
        _, line_end, rest = start.partition("\n")
        return (True, rest) if line_end else (None, text)
    return (None, text) if _FENCE.startswith(start) else (False, text)
