"""What is sent to the model: the parameters of ConverseStream.

API: docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html
"""

import json
import logging
import re
from collections.abc import Mapping
from typing import Any, Final

from botocore.exceptions import ClientError

from ...claude import takes_native_schema, takes_temperature
from ...contract import Guardrail, GuardrailStreaming, Settings, SettingsError, StructuredOutput
from ...stream.errors import AnswerError, AnswerInvalid
from .errors import error_code
from .output_schema import InexpressibleError, output_schema

DEFAULT_TEMPERATURE: Final = 0.7
TOOL_NAME: Final = "answer"
FINE_GRAINED_TOOL_STREAMING: Final = "fine-grained-tool-streaming-2025-05-14"

_log = logging.getLogger("function.aws.bedrock")
_NAMES_OUTPUT_CONFIG = re.compile(r"output_?(config|format)|text_?format|json_?schema|grammar", re.IGNORECASE)


class Converse:
    """Makes the parameters of every call: one model, one schema, one set of instructions."""

    def __init__(self, settings: Settings, schema: Mapping[str, Any], instructions: str) -> None:
        """Decide how the schema reaches the model.

        Raises:
            SettingsError: the model accepts no temperature and one is set, or the schema cannot be sent natively.
        """
        self._settings = settings
        self._schema = schema
        self._instructions = instructions
        self._temperature = _temperature(settings)
        self.strategy, self._native_schema = choose_strategy(settings.structured_output, settings.model_id, schema)
        """How the schema reaches the model; it changes if the model rejects structured output."""

    def fall_back(self, error: ClientError) -> bool:
        """Send the schema in the instructions from now on, if the model rejected structured output; return whether."""
        if self._settings.structured_output is not StructuredOutput.AUTO or not _rejects_output_config(error):
            return False
        self.strategy = StructuredOutput.PROMPT
        _log.warning("the model rejected outputConfig; the schema is now sent in the instructions")
        return True

    def request(self, strategy: StructuredOutput, prompt: str, previous: AnswerError | None) -> dict[str, Any]:
        """Return the parameters of ConverseStream; ``previous`` is the error of an earlier answer, if there was one."""
        settings = self._settings
        instructions = self._instructions
        content = [{"text": prompt}]
        if previous is not None:
            content.append({"text": _correction(previous)})
        inference: dict[str, Any] = {"maxTokens": settings.max_tokens}
        if self._temperature is not None:
            inference["temperature"] = self._temperature
        request: dict[str, Any] = {
            "modelId": settings.model_id,
            "messages": [{"role": "user", "content": content}],
            "inferenceConfig": inference,
        }
        if strategy is StructuredOutput.NATIVE:
            request["outputConfig"] = _native_output(self._native_schema)
        elif strategy is StructuredOutput.TOOL:
            request |= _forced_tool(self._schema)
        else:
            schema = _schema_as_text(self._schema)
            instructions = f"{instructions}\n\n{schema}" if instructions.strip() else schema
        if instructions.strip():  # the service refuses a text that is blank
            request["system"] = [{"text": instructions}]
        if settings.guardrail:
            request["guardrailConfig"] = _guardrail(settings.guardrail, settings.guardrail_streaming)
        return request


def choose_strategy(
    wanted: StructuredOutput, model_id: str, schema: Mapping[str, Any]
) -> tuple[StructuredOutput, dict[str, Any] | None]:
    """Return how the schema reaches the model, and the schema in Bedrock's subset if it is sent natively.

    Raises:
        SettingsError: native output is wanted, and Bedrock's subset cannot express the schema.
    """
    if wanted is StructuredOutput.AUTO and not takes_native_schema(model_id):
        return StructuredOutput.PROMPT, None
    if wanted in {StructuredOutput.TOOL, StructuredOutput.PROMPT}:
        return wanted, None
    try:
        return StructuredOutput.NATIVE, output_schema(schema)
    except InexpressibleError as error:
        if wanted is StructuredOutput.AUTO:
            return StructuredOutput.PROMPT, None
        raise SettingsError(f"LLM_STRUCTURED_OUTPUT cannot be native with this LLM_SCHEMA: {error}") from error


def _temperature(settings: Settings) -> float | None:
    if takes_temperature(settings.model_id):
        return DEFAULT_TEMPERATURE if settings.temperature is None else settings.temperature
    if settings.temperature is not None:
        raise SettingsError(f"LLM_TEMPERATURE must be none: {settings.model_id} does not accept a temperature.")
    return None


def _rejects_output_config(error: ClientError) -> bool:
    message = error.response.get("Error", {}).get("Message", "")
    return error_code(error) == "ValidationException" and bool(_NAMES_OUTPUT_CONFIG.search(message))


def _native_output(schema: Mapping[str, Any] | None) -> dict[str, Any]:
    structure = {"jsonSchema": {"name": TOOL_NAME, "schema": json.dumps(schema)}}
    return {"textFormat": {"type": "json_schema", "structure": structure}}


def _forced_tool(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters that force the model to call one tool and stream the input of that call."""
    tool = {"toolSpec": {"name": TOOL_NAME, "description": "Give the answer.", "inputSchema": {"json": schema}}}
    return {
        "toolConfig": {"tools": [tool], "toolChoice": {"tool": {"name": TOOL_NAME}}},
        "additionalModelRequestFields": {"anthropic_beta": [FINE_GRAINED_TOOL_STREAMING]},
    }


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
