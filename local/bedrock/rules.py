"""What Bedrock refuses, in the Converse API and in the schemas of structured output.

API reference of ConverseStream; user guide, "Structured output"; and reports of what the service does.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from .caching import refused_points
from .claude import takes, version
from .conversations import broken, unread_characters
from .steering import broken_steering
from .wordings import PREFIX

FORBIDDEN_KEYWORDS = frozenset({
    "contains",
    "exclusiveMaximum",
    "exclusiveMinimum",
    "if",
    "maxItems",
    "maxProperties",
    "maximum",
    "minProperties",
    "minimum",
    "multipleOf",
    "not",
    "oneOf",
    "patternProperties",
    "prefixItems",
    "propertyNames",
    "uniqueItems",
})  # fmt: skip
FORMATS = frozenset({"date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid"})
OPTIONAL_FIELDS_LIMIT, UNION_FIELDS_LIMIT = 24, 16
NOT_SUBSCHEMAS = frozenset({"enum", "const", "default", "examples", "required"})
GUARDRAIL_WORDS = {
    "trace": frozenset({"enabled", "disabled", "enabled_full"}),
    "streamProcessingMode": frozenset({"sync", "async"}),
}
SNAKE = {"temperature": "temperature", "topP": "top_p"}
UNSUPPORTED_PATTERN = re.compile(r"\(\?[=!<]|\\[1-9]")


class Refused(Exception):
    """A ValidationException; its message is the one that the service sends to the caller."""


def check_request(model_id: str, body: Mapping[str, Any], *, refuses_output_config: bool) -> None:
    """Check a request as the service does before it calls the model.

    Raises:
        Refused: with the message of the ValidationException.
    """
    for _, sentence in broken(model_id, body):
        raise Refused(sentence)
    for sentence in refused_points(model_id, body):
        raise Refused(sentence)
    _check_system(body.get("system"))
    _check_inference(model_id, body.get("inferenceConfig") or {})
    _check_tools(model_id, body.get("toolConfig"))
    _check_guardrail(body.get("guardrailConfig"))
    _check_additional_fields(model_id, body.get("additionalModelRequestFields"))
    for sentence in broken_steering(model_id, body, forced=forced_tool(body) is not None):
        raise Refused(sentence)
    if "outputConfig" in body:
        if refuses_output_config:
            raise Refused("This model doesn't support the outputConfig field. Remove outputConfig and try again.")
        if not takes(model_id).native:
            raise Refused(f"{PREFIX}output_config.format: Extra inputs are not permitted")
        _check_output(body["outputConfig"])


def check_length(body: Mapping[str, Any], limit: int) -> None:
    """Check that a model can read the whole request: messages, instructions and schema.

    Raises:
        Refused: it has more than ``limit`` characters. Of the files, texts alone count: how many tokens another file
            has is not known.
    """
    read = {name: body[name] for name in ("messages", "system", "toolConfig", "outputConfig") if name in body}
    if len(json.dumps(read, ensure_ascii=False)) - unread_characters(body) > limit:
        raise Refused("Input is too long for requested model.")


def schema_of(body: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the schema of a request: of its output configuration, forced tool or instructions; None without one."""
    text_format = (body.get("outputConfig") or {}).get("textFormat")
    if text_format:
        return _object(json.loads(text_format["structure"]["jsonSchema"]["schema"]))
    tool = forced_tool(body)
    for item in (body.get("toolConfig") or {}).get("tools", []):
        if item.get("toolSpec", {}).get("name") == tool:
            return _object(item["toolSpec"]["inputSchema"]["json"])
    return next(_schemas_in("\n".join(item.get("text", "") for item in body.get("system") or [])), None)


def forced_tool(body: Mapping[str, Any]) -> str | None:
    """Return the name of the tool that the model must call, or None."""
    choice = (body.get("toolConfig") or {}).get("toolChoice") or {}
    name = (choice.get("tool") or {}).get("name")
    return name if isinstance(name, str) else None


def _since(model_id: str, first: tuple[int, int]) -> bool:
    found = version(model_id)
    return found is not None and found >= first


def _object(value: object) -> dict[str, Any] | None:
    return value if isinstance(value, dict) else None


def _schemas_in(text: str) -> Iterator[dict[str, Any]]:
    decoder = json.JSONDecoder()
    for found in re.finditer(r"\{", text):
        try:
            value, _ = decoder.raw_decode(text, found.start())
        except ValueError:
            continue
        if isinstance(value, dict) and value.keys() & {"type", "properties", "anyOf", "oneOf", "allOf", "$ref", "enum"}:
            yield value


def _check_system(system: object) -> None:
    for number, block in enumerate(system if isinstance(system, list) else []):
        if isinstance(block, dict) and block.get("text", "x").strip() == "":
            raise Refused(f"The text field in the SystemContentBlock object at system.{number} is blank.")


def _check_inference(model_id: str, config: Mapping[str, Any]) -> None:
    tokens = config.get("maxTokens")
    if tokens is not None and (not isinstance(tokens, int) or tokens < 1):
        raise Refused("Value at 'inferenceConfig.maxTokens' failed to satisfy constraint: at least 1")
    sampling = [name for name in ("temperature", "topP") if config.get(name) is not None]
    for name in sampling:
        value = config[name]
        if not isinstance(value, int | float) or not 0 <= value <= 1:
            raise Refused(f"Value at 'inferenceConfig.{name}' failed to satisfy constraint: between 0 and 1")
    if sampling and not takes(model_id).sampling:
        raise Refused(f"{PREFIX}`{SNAKE[sampling[0]]}` is deprecated for this model.")
    if len(sampling) > 1 and _since(model_id, (4, 1)):
        raise Refused("`temperature` and `top_p` cannot both be specified for this model.")


def _check_tools(model_id: str, config: object) -> None:
    if config is None:
        return
    tools = config.get("tools") if isinstance(config, dict) else None
    if not isinstance(tools, list) or not tools:
        raise Refused("Value at 'toolConfig.tools' failed to satisfy constraint: at least 1 member")
    for number, tool in enumerate(tools):
        _check_input_schema(number, tool.get("toolSpec", {}).get("inputSchema", {}).get("json"))
    forced = forced_tool({"toolConfig": config})
    if forced is None:
        return
    if forced not in [tool.get("toolSpec", {}).get("name") for tool in tools]:
        raise Refused(f"The tool {forced} of toolChoice is not among the tools.")
    if not takes(model_id).forced_tool:
        raise Refused(f'{PREFIX}tool_choice: type "tool" and "any" are not supported for this model.')


def _check_input_schema(number: int, schema: object) -> None:
    """Check the root of a tool's input alone: the service does not follow a reference there."""
    root: Mapping[str, Any] = schema if isinstance(schema, dict) else {}
    place = f"{PREFIX}tools.{number}.custom.input_schema"
    if "type" not in root:
        raise Refused(f"{place}.type: Field required")
    if root["type"] != "object":
        raise Refused(f"{place}.type: Input should be 'object'")
    if root.keys() & {"anyOf", "oneOf", "allOf"}:
        raise Refused(f"{place}: input_schema does not support oneOf, allOf, or anyOf at the top level")


def _check_additional_fields(model_id: str, fields: Mapping[str, Any] | None) -> None:
    if fields and "anthropic_beta" in fields and "claude" not in model_id:
        raise Refused(f"{PREFIX}Malformed input request: unknown variant anthropic_beta")
    if fields and "top_k" in fields and not takes(model_id).sampling:
        raise Refused(f"{PREFIX}`top_k` is deprecated for this model.")


def _check_guardrail(config: object) -> None:
    if config is None:
        return
    members: Mapping[str, Any] = config if isinstance(config, dict) else {}
    for name in ("guardrailIdentifier", "guardrailVersion"):
        if not members.get(name):
            raise Refused(f"Value at 'guardrailConfig.{name}' failed to satisfy constraint: not empty")
    for name, words in GUARDRAIL_WORDS.items():
        if members.get(name, min(words)) not in words:
            raise Refused(f"Value at 'guardrailConfig.{name}' failed to satisfy constraint: {sorted(words)}")


def _check_output(config: object) -> None:
    text_format = config.get("textFormat") if isinstance(config, dict) else None
    if text_format is None:
        return
    if text_format.get("type") != "json_schema":
        raise Refused("Value at 'outputConfig.textFormat.type' failed to satisfy constraint: json_schema")
    schema = text_format.get("structure", {}).get("jsonSchema", {}).get("schema")
    if not isinstance(schema, str):
        raise Refused("Value at 'outputConfig.textFormat.structure.jsonSchema.schema' must be a string")
    try:
        document = json.loads(schema)
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise Refused("outputConfig.textFormat.structure.jsonSchema.schema is not a JSON object")
    check_schema(document)


def check_schema(schema: Mapping[str, Any]) -> None:
    """Check a schema as the service does before it compiles a grammar.

    Raises:
        Refused: the schema uses something that structured output does not support; the message names it.
    """
    parts = list(_parts(schema))
    for part in parts:
        _check_part(part)
    _check_references(schema, schema, ())
    optional = sum(len(part.get("properties", {}).keys() - set(part.get("required", ()))) for part in parts)
    unions = sum("anyOf" in part or isinstance(part.get("type"), list) for part in parts)
    if optional > OPTIONAL_FIELDS_LIMIT or unions > UNION_FIELDS_LIMIT:
        raise _refused(f"Schema is too complex: {optional} optional parameters, {unions} parameters of a union type")


def _parts(value: object) -> Iterator[Mapping[str, Any]]:
    """Yield every schema inside ``value``, and ``value`` itself."""
    if isinstance(value, list):
        for item in value:
            yield from _parts(item)
    elif isinstance(value, dict):
        yield value
        for name, inner in value.items():
            if name in {"properties", "$defs"}:
                yield from _parts(list(inner.values()))
            elif name not in NOT_SUBSCHEMAS:
                yield from _parts(inner)


def _check_part(part: Mapping[str, Any]) -> None:
    if unknown := sorted(part.keys() & FORBIDDEN_KEYWORDS):
        raise _refused(f"For '{part.get('type', 'schema')}' type, property '{unknown[0]}' is not supported")
    if "properties" in part and part.get("additionalProperties") is not False:
        raise _refused("For 'object' type, 'additionalProperties' must be explicitly set to false")
    if part.get("additionalProperties", False) is not False:
        raise _refused("For 'object' type, 'additionalProperties: object' is not supported")
    if part.get("minItems", 0) not in {0, 1}:
        raise _refused("For 'array' type, 'minItems' values other than 0 or 1 are not supported")
    if part.get("format", "date") not in FORMATS:
        raise _refused(f"For 'string' type, format '{part['format']}' is not supported")
    if UNSUPPORTED_PATTERN.search(part.get("pattern", "")):
        raise _refused("For 'string' type, pattern with lookaround or backreference is not supported")
    if any(isinstance(value, dict | list) for value in part.get("enum", ())):
        raise _refused("Enum values must be scalars")
    if not part.keys() & {"type", "enum", "const", "anyOf", "allOf", "$ref"}:
        raise _refused("A schema without a type is not supported")


def _check_references(part: object, root: Mapping[str, Any], ancestors: tuple[str, ...]) -> None:
    """Follow internal references; refuse external, unknown and circular ones. ``ancestors`` led to ``part``."""
    if isinstance(part, list):
        for item in part:
            _check_references(item, root, ancestors)
    if not isinstance(part, dict):
        return
    if reference := part.get("$ref"):
        name = str(reference).removeprefix("#/$defs/")
        if name in ancestors:
            raise _refused("Recursive schemas are not supported")
        if name not in root.get("$defs", {}):
            raise _refused(f"'$ref' to {reference} is not supported")
        _check_references(root["$defs"][name], root, (*ancestors, name))
    for key, inner in part.items():
        if key == "properties":
            _check_references(list(inner.values()), root, ancestors)
        elif key not in NOT_SUBSCHEMAS | {"$defs"}:
            _check_references(inner, root, ancestors)


def _refused(reason: str) -> Refused:
    return Refused(f"{PREFIX}output_config.format.schema: {reason}")
