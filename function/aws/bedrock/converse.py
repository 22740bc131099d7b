"""What is sent to the model: the parameters of ConverseStream.

API: docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html
"""

import hashlib
import json
import logging
import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from botocore.exceptions import ClientError

from ...claude import claude, default_max_tokens, is_claude, may_think, takes_native_output
from ...contract import Cache, Guardrail, GuardrailStreaming, Settings, SettingsError, StructuredOutput, Thinking
from ...conversation import Conversation, File, Turn
from ...model_settings import refuse_what_the_model_refuses, steering
from ...stream.errors import AnswerError, AnswerInvalid
from .events import USAGE_POINTER
from .output_schema import InexpressibleError, output_schema, tool_schema
from .refusals import Change, is_refusal, refusal

DEFAULT_TEMPERATURE: Final = 0.7
TOOL_NAME: Final = "answer"
_METADATA_VALUE: Final = re.compile(r"[a-zA-Z0-9\s:_@$#=/+,\-.]*", re.ASCII)
"""What Bedrock takes as a value of ``requestMetadata`` (API reference of ConverseStream)."""
CACHED_WITH_INSTRUCTIONS: Final = ("toolConfig", "outputConfig", "system")
"""Members of a request that the service caches together; a changed schema makes it cache all of them anew."""
FINE_GRAINED_TOOL_STREAMING: Final = "fine-grained-tool-streaming-2025-05-14"

_log = logging.getLogger("function.aws.bedrock")


class Form(NamedTuple):
    """The parts of a request that not every model accepts."""

    strategy: StructuredOutput
    """How the schema reaches the model; never ``AUTO``."""
    temperature: float | None
    beta: bool
    """Whether the beta is sent that streams the input of a tool in small pieces."""
    caching: bool = True
    """Whether cache points are sent, where there are any."""


class Converse:
    """Makes the parameters of every call: one model, one schema, one set of instructions."""

    def __init__(self, settings: Settings, schema: Mapping[str, Any], instructions: str) -> None:
        """Decide in which form the first request is sent.

        Raises:
            SettingsError: the model is known to refuse what is set, or the schema cannot reach it as set.
        """
        refuse_what_the_model_refuses(settings, settings.model_id)
        self._settings = settings
        self._schema = schema
        self._instructions = instructions
        model = settings.profile_model or settings.model_id
        self.max_tokens = settings.max_tokens or default_max_tokens(model, settings.thinking)
        """The limit of the tokens of one answer."""
        self._steering = steering(settings, model)
        paths = [USAGE_POINTER] if may_think(model, settings.thinking) else []
        self._response_fields = {"additionalModelResponseFieldPaths": paths} if paths else {}
        strategy, self._shaped_schema = choose_strategy(settings.structured_output, model, schema)
        self.form = Form(
            strategy, _temperature(settings, model), beta=strategy is StructuredOutput.TOOL and is_claude(model)
        )
        """The form in which requests are sent. It changes when Bedrock refuses one form and accepts another."""

    @property
    def model_id(self) -> str:
        """The model that the requests name."""
        return self._settings.model_id

    @property
    def shows_thinking(self) -> bool:
        """Whether the client is shown a summary of the thinking."""
        return self._settings.show_thinking

    def other_form(self, refused: Form, error: ClientError) -> Form | None:
        """Return the form without what the service refused, or None if the refusal is about something else."""
        row = refusal(error)
        is_native_by_choice = (
            refused.strategy is StructuredOutput.NATIVE and self._settings.structured_output is StructuredOutput.AUTO
        )
        if row is None:
            return _without_native_output(refused) if is_native_by_choice and is_refusal(error) else None
        if row.change is Change.NATIVE_OUTPUT and is_native_by_choice:
            return _without_native_output(refused)
        if row.change is Change.TEMPERATURE and refused.temperature is not None:
            return refused._replace(temperature=None)
        if row.change is Change.BETA and refused.beta:
            return refused._replace(beta=False)
        if row.change is Change.CACHING and refused.caching:
            return refused._replace(caching=False)
        return None

    def keep(self, accepted: Form) -> None:
        """Send every request in this form from now on."""
        before, self.form = self.form, accepted
        if accepted.strategy is not before.strategy:
            _log.warning("the model rejected outputConfig; the schema is now sent in the instructions")
        if accepted.temperature != before.temperature:
            by_hand = self._settings.temperature != "auto"
            _log.warning(
                "the model rejected LLM_TEMPERATURE (%s); no temperature is now sent",
                "set by hand" if by_hand else "not set",
            )
        if accepted.beta is not before.beta:
            _log.warning("the model rejected the beta for fine-grained tool streaming; it is no longer sent")
        if accepted.caching is not before.caching:
            _log.warning("the model rejected cache points; nothing is cached now")

    def characters_to_cache(self) -> int:
        """Return how many characters stand before the cache point of the instructions; 0 if there is none.

        They are those of the instructions and of the schema, however it reaches the model.
        """
        sent = self.request(self.form, "-", None)
        return sum(_characters(sent.get(name)) for name in CACHED_WITH_INSTRUCTIONS) if has_cache_point(sent) else 0

    def request(
        self,
        form: Form,
        prompt: str | Conversation,
        previous: AnswerError | None,
        metadata: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """Return the parameters of ConverseStream; ``previous`` is the error of an earlier answer, if there was one.

        ``metadata`` is what the service's invocation log says of the request.
        """
        settings = self._settings
        messages = _messages(prompt, caching=form.caching)
        if previous is not None:
            messages[-1]["content"].append({"text": _correction(previous)})
        instructions = self._instructions
        if isinstance(prompt, Conversation) and prompt.instructions is not None:
            instructions = prompt.instructions
        inference: dict[str, Any] = {"maxTokens": self.max_tokens}
        if form.temperature is not None:
            inference["temperature"] = form.temperature
        request: dict[str, Any] = {
            "modelId": settings.model_id,
            "messages": messages,
            "inferenceConfig": inference,
            **self._response_fields,
        }
        if form.strategy is StructuredOutput.NATIVE:
            request["outputConfig"] = _native_output(self._shaped_schema)
        elif form.strategy is StructuredOutput.TOOL:
            request["toolConfig"] = _forced_tool(self._shaped_schema)
        else:
            schema = _schema_as_text(self._schema)
            instructions = f"{instructions}\n\n{schema}" if instructions.strip() else schema
        fields = _with_beta(self._steering, FINE_GRAINED_TOOL_STREAMING) if form.beta else self._steering
        if fields:
            request["additionalModelRequestFields"] = fields
        if instructions.strip():  # the service refuses a text that is blank
            point = [_cache_point(settings.cache)] if settings.cache and form.caching else []
            request["system"] = [{"text": instructions}, *point]
        if settings.guardrail:
            request["guardrailConfig"] = _guardrail(settings.guardrail, settings.guardrail_streaming)
        if metadata:
            request["requestMetadata"] = {key: _as_metadata(value) for key, value in metadata.items()}
        return request


def _messages(prompt: str | Conversation, *, caching: bool) -> list[dict[str, Any]]:
    if isinstance(prompt, str):
        return [{"role": "user", "content": [{"text": prompt}]}]
    return [{"role": turn.role, "content": _content(turn, caching=caching)} for turn in prompt.turns]


def _content(turn: Turn, *, caching: bool) -> list[dict[str, Any]]:
    """Return the blocks of a turn, with a cache point behind the last one that the service takes it behind.

    It refuses one directly behind a document that is not a PDF (strands-agents/harness-sdk#1966). Points behind turns
    are always those of five minutes: the service refuses a longer one behind a shorter one.
    """
    blocks = [_block(part) for part in turn.parts]
    if turn.is_cached and caching:
        places = [place for place, part in enumerate(turn.parts, 1) if not _is_rewritten(part)]
        blocks.insert(places[-1], _cache_point(Cache.FIVE_MINUTES))
    return blocks


def _is_rewritten(part: str | File) -> bool:
    """Return whether the service gives the model a text in place of a document."""
    return isinstance(part, File) and part.kind == "document" and part.format != "pdf"


def _cache_point(time: Cache) -> dict[str, Any]:
    """Return the block that ends what is cached; five minutes are what the service does where none is named."""
    longer = {} if time is Cache.FIVE_MINUTES else {"ttl": time.value}
    return {"cachePoint": {"type": "default", **longer}}


def _block(part: str | File) -> dict[str, Any]:
    """Return a ``ContentBlock``; botocore encodes the bytes in base64."""
    if isinstance(part, str):
        return {"text": part}
    name = {} if part.name is None else {"name": part.name}
    return {part.kind: {"format": part.format, **name, "source": {"bytes": part.data}}}


def _as_metadata(value: str) -> str:
    """Return a value of the request metadata, or its hash where the service's alphabet cannot carry it."""
    if _METADATA_VALUE.fullmatch(value):
        return value
    return f"sha256:{hashlib.sha256(value.encode(errors='surrogatepass')).hexdigest()}"


def has_cache_point(request: Mapping[str, Any]) -> bool:
    """Return whether a request asks the service to cache a part of it."""
    blocks = [*request.get("system", ()), *(block for message in request["messages"] for block in message["content"])]
    return any("cachePoint" in block for block in blocks)


def is_mostly_prompt(request: Mapping[str, Any], prompt: str | Conversation) -> bool:
    """Return whether more than half of what the request has, in characters and bytes, came from the caller."""
    sent = (request.get(name) for name in ("messages", "system", "outputConfig", "toolConfig"))
    size = len(prompt) if isinstance(prompt, str) else prompt.size
    return size * 2 > sum(_characters(part) for part in sent)


def _characters(part: object) -> int:
    """Return how many characters a part of a request has in its strings, its bytes and the names of its members."""
    if isinstance(part, str | bytes):
        return len(part)
    if isinstance(part, Mapping):
        return sum(len(name) + _characters(value) for name, value in part.items())
    return sum(_characters(item) for item in part) if isinstance(part, list) else 0


def choose_strategy(
    wanted: StructuredOutput, model_id: str, schema: Mapping[str, Any]
) -> tuple[StructuredOutput, Mapping[str, Any] | None]:
    """Return how the schema reaches the model, and the schema in the form for native output or a tool, else None.

    Raises:
        SettingsError: native output or a tool is wanted, and cannot express the schema.
    """
    if wanted is StructuredOutput.AUTO and not takes_native_output(model_id):
        return StructuredOutput.PROMPT, None
    if wanted is StructuredOutput.PROMPT:
        return wanted, None
    if wanted is StructuredOutput.TOOL:
        try:
            return wanted, tool_schema(schema)
        except InexpressibleError as error:
            raise SettingsError(
                f"LLM_STRUCTURED_OUTPUT must be prompt with this LLM_SCHEMA; got 'tool': {error}."
            ) from error
    try:
        return StructuredOutput.NATIVE, output_schema(schema)
    except InexpressibleError as error:
        if wanted is StructuredOutput.AUTO:
            return StructuredOutput.PROMPT, None
        raise SettingsError(f"LLM_STRUCTURED_OUTPUT cannot be native with this LLM_SCHEMA: {error}") from error


def _temperature(settings: Settings, model: str) -> float | None:
    if isinstance(settings.temperature, str):
        row = claude(model)
        is_taken = row is not None and row.temperature and settings.thinking is not Thinking.ON
        return DEFAULT_TEMPERATURE if is_taken else None
    return settings.temperature


def _with_beta(fields: Mapping[str, Any], beta: str) -> dict[str, Any]:
    return {**fields, "anthropic_beta": [*fields.get("anthropic_beta", ()), beta]}


def _without_native_output(form: Form) -> Form:
    return form._replace(strategy=StructuredOutput.PROMPT)


def _native_output(schema: Mapping[str, Any] | None) -> dict[str, Any]:
    structure = {"jsonSchema": {"name": TOOL_NAME, "schema": json.dumps(schema)}}
    return {"textFormat": {"type": "json_schema", "structure": structure}}


def _forced_tool(schema: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the configuration that forces the model to call one tool."""
    tool = {"toolSpec": {"name": TOOL_NAME, "description": "Give the answer.", "inputSchema": {"json": schema}}}
    return {"tools": [tool], "toolChoice": {"tool": {"name": TOOL_NAME}}}


def _schema_as_text(schema: Mapping[str, Any]) -> str:
    return (
        "Answer with one JSON document and nothing else: no words before or after it, no Markdown. "
        f"It must match this JSON Schema:\n{json.dumps(schema)}"
    )


def _correction(error: AnswerError) -> str:
    if isinstance(error, AnswerInvalid):
        return f"An earlier answer was refused: the value at {error.path or 'the root'} broke the rule {error.rule}."
    return "An earlier answer was refused: it was not one JSON document."


def _guardrail(guardrail: Guardrail, streaming: GuardrailStreaming) -> dict[str, str]:
    return {
        "guardrailIdentifier": guardrail.id,
        "guardrailVersion": guardrail.version,
        "trace": "enabled",  # it tells masks from blocks (events.py)
        "streamProcessingMode": streaming.value,
    }
