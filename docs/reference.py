"""The tables of the component: its arguments and outputs, the settings of the function, the defaults in Pulumi.yaml.

The descriptions are the docstrings of the arguments, as the schema of the component has them for every language.
"""

import json
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from functools import cache
from typing import Any, Final, get_origin

from pulumi.provider.experimental.component import ComponentProvider

from components import VERSION, StreamingLlmApi, StreamingLlmApiArgs
from components.contract import FIRST_EVENT_TIMEOUTS, SETTINGS, Shape, camel, parsed, variable
from components.keys import SHAPE
from components.options import Options
from components.parsing import settings_with_an_argument
from components.values import arguments_of, without_output
from docs.tables import table

COMPONENT: Final = "streaming-llm:index:StreamingLlmApi"

WITHOUT_ARGUMENT: Final = [
    [
        "follows from `endpoint`",
        f"`{variable('first_event_timeout')}`",
        "; ".join(f"`{endpoint}`: {seconds}" for endpoint, seconds in FIRST_EVENT_TIMEOUTS.items()),
        "Seconds from the request's arrival within which raw text and complete JSON must have begun.",
    ],
    [
        "-",
        f"`{variable('heartbeat')}`",
        SETTINGS["heartbeat"].default,
        "Seconds of silence after which the function sends a heartbeat.",
    ],
]
"""The rows of the settings that are not arguments."""

TYPES: Final = {bool: "boolean", int: "integer", float: "number", str: "string"}


@cache
def schema() -> Mapping[str, Any]:
    """Return the schema of the component, which programs in other languages are generated from."""
    found: Mapping[str, Any] = json.loads(
        ComponentProvider([StreamingLlmApi], "streaming-llm", None, VERSION).schema or "{}",
    )
    return found


def described(text: str) -> tuple[str, str]:
    """Return what a description says, and the default that it ends with."""
    meaning, _, default = text.partition(" Default: ")
    return meaning, default.removesuffix(".")


def settings() -> str:
    """Return each setting with its key in a stack's configuration, its variable and its default."""
    rows = []
    for name in StreamingLlmApiArgs.__annotations__:
        meaning, default = described(_inputs()[camel(name)]["description"])
        of_function = f"`{variable(name)}`" if name in SETTINGS else "-"
        rows.append([f"`{camel(name)}`", of_function, default, meaning])
    return table(["config key", "variable", "default", "meaning"], [*rows, *WITHOUT_ARGUMENT])


def arguments() -> str:
    """Return the arguments of the component, then each group of arguments, those of the component first."""
    parts = [_table(_inputs(), [])]
    waiting = deque(_inputs().items())
    shown: set[str] = set()
    while waiting:
        name, properties = waiting.popleft()
        inner = properties.get("items") or properties.get("additionalProperties") or properties
        reference = inner.get("$ref", "")
        group = schema()["types"].get(reference.removeprefix("#/types/"), {})
        if "properties" in group and reference not in shown:
            shown.add(reference)
            parts.append(f"\n### `{name}`\n\n{group['description']}\n\n")
            parts.append(_table(group["properties"], group.get("required", [])))
            waiting.extend((f"{name}.{member}", of_member) for member, of_member in group["properties"].items())
    return "".join(parts)


def outputs() -> str:
    """Return the outputs of the component."""
    properties = schema()["resources"][COMPONENT]["properties"]
    return table(
        ["name", "type", "meaning"],
        [[f"`{name}`", _type(output), output["description"]] for name, output in properties.items()],
    )


def config() -> str:
    """Return the ``config:`` block of Pulumi.yaml: the keys whose default depends on nothing else.

    The CLI writes every default into the stack, and demands a key that is declared without one.
    """
    defaults = dict(_fixed_defaults())
    left_out = [camel(name) for name in StreamingLlmApiArgs.__annotations__ if name not in defaults]
    lines = [
        "# A key that is not set has this default. docs/settings.md describes all keys. These are not declared here,",
        "# because they have no default or one that depends on something else:",
        *_wrapped(left_out),
        "config:",
    ]
    for name, default in defaults.items():
        lines += [f"  {camel(name)}:", *_declaration(name, default)]
    return "".join(f"{line}\n" for line in lines)


def shape() -> str:
    """Return the names of all arguments, at every depth, as Python source."""
    return f"ARGUMENTS: Final[Mapping[str, Any]] = {_source(SHAPE)}\n"


def _source(part: Shape, indent: str = "") -> str:
    """Return a part of the shape as the formatter would leave it."""
    inner = f"{indent}    "
    if isinstance(part, list):
        return f"[\n{inner}{_source(part[0], inner)},\n{indent}]"
    if part is None:
        return "None"
    members = "".join(f'{inner}"{name}": {_source(shape, inner)},\n' for name, shape in part.items())
    return f"{{\n{members}{indent}}}"


def _fixed_defaults() -> Iterator[tuple[str, object]]:
    settings_of_arguments, own = set(settings_with_an_argument()), arguments_of(Options)
    for name in StreamingLlmApiArgs.__annotations__:
        if name in settings_of_arguments and SETTINGS[name].stated:
            value = parsed(name, SETTINGS[name].default)
            yield name, _as_configured(value)
        elif name in own and isinstance(own[name].default, str | int | float):
            yield name, own[name].default


def _as_configured(value: object) -> object:
    """Return a default as Pulumi.yaml can declare it: it knows lists and whole numbers, but no fractions."""
    if isinstance(value, float):
        return int(value)
    return list(value) if isinstance(value, tuple | frozenset) else value


def _declaration(name: str, default: object) -> Iterator[str]:
    kind = without_output(StreamingLlmApiArgs.__annotations__[name])
    if get_origin(kind) is list:
        yield from ("    type: array", "    items:", "      type: string")
    else:
        yield f"    type: {'string' if isinstance(default, Enum) else TYPES[type(default)]}"
    meaning = described(_inputs()[camel(name)]["description"])[0].replace("`", "")
    words = f" One of: {', '.join(kind)}." if isinstance(kind, type) and issubclass(kind, Enum) else ""
    yield f"    description: {json.dumps(meaning + words, ensure_ascii=False)}"
    yield f"    default: {json.dumps(default)}"


def _wrapped(names: Sequence[str]) -> Iterator[str]:
    line = "#"
    for number, name in enumerate(names):
        word = f" {name}{'.' if number == len(names) - 1 else ','}"
        if len(line + word) > 120:  # noqa: PLR2004 - the width of a line
            yield line
            line = "#"
        line += word
    yield line


def _inputs() -> Mapping[str, Any]:
    inputs: Mapping[str, Any] = schema()["resources"][COMPONENT]["inputProperties"]
    return inputs


def _table(properties: Mapping[str, Any], required: Sequence[str]) -> str:
    rows = []
    for name, argument in properties.items():
        meaning, default = described(argument["description"])
        rows.append([f"`{name}`", _type(argument), "required" if name in required else default or "none", meaning])
    return table(["name", "type", "default", "meaning"], rows)


def _type(argument: Mapping[str, Any]) -> str:
    if argument.get("$ref") == "pulumi.json#/Any":
        return "any value"
    if "$ref" in argument:
        kind = schema()["types"][argument["$ref"].removeprefix("#/types/")]
        return ", ".join(f"`{word['value']}`" for word in kind["enum"]) if "enum" in kind else "object"
    inner = argument.get("items") or argument.get("additionalProperties")
    return f"{argument['type']} of {_type(inner)}" if inner else str(argument["type"])
