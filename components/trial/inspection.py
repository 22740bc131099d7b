"""Starts the function as Lambda would: in a process of its own, with the stack's variables and packages.

This file is run and never imported: ``python inspection.py COMPLAINT``, where ``function`` is the one in the bundle.
If it does not start, or if Bedrock would reject the schema of the answer, one sentence is written into the file
COMPLAINT, and the exit status is 1.
"""

import importlib
import os
import sys
import traceback
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from function import claude
from function.contract import (
    HANDLER,
    OPTIONAL_FIELDS_LIMIT,
    UNION_FIELDS_LIMIT,
    SettingsError,
    StructuredOutput,
    read_settings,
)

TASK_ROOT = Path(claude.__file__).parent.parent
"""The folder of the bundle: the user's modules are in it, beside ``function``."""


def complaint() -> str | None:
    """Return what is wrong with the function, in the words of its variables; None if it starts."""
    try:
        importlib.import_module(HANDLER.rpartition(".")[0])
    except SettingsError as error:
        return str(error)
    except Exception as error:  # noqa: BLE001 a module of the user's may fail in any way
        return _described(error)
    settings = read_settings(os.environ)
    compiled = settings.structured_output in {StructuredOutput.AUTO, StructuredOutput.NATIVE}
    if compiled and claude.takes_native_schema(settings.model_id):
        rejected = _rejected(settings.schema)
        if rejected:
            return f"LLM_SCHEMA: {rejected}. Change it, or set LLM_STRUCTURED_OUTPUT to prompt or tool."
    return None


def _described(error: Exception) -> str:
    """Return the first line of an error: with its place if it happened in one of the user's modules."""
    message = f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        file = Path(frame.filename)
        if file.is_relative_to(TASK_ROOT) and not file.is_relative_to(TASK_ROOT / "function"):
            place = f"{file.relative_to(TASK_ROOT)}:{frame.lineno}"
            return f"LLM_SCHEMA, LLM_REQUEST or LLM_INSTRUCTIONS: {place}: {message}"
    return f"The function does not start: {message}"


def _rejected(reference: str) -> str | None:
    """Return why structured output does not accept the schema of the answer; None if it does."""
    from function.answer_type import AnswerType  # noqa: PLC0415 its packages may be missing before the handler is loaded
    from function.aws.bedrock.output_schema import InexpressibleError, output_schema  # noqa: PLC0415 same

    try:
        schema = output_schema(AnswerType(reference).schema)
    except InexpressibleError as error:
        return str(error)
    optional, unions = _counted(schema)
    if optional > OPTIONAL_FIELDS_LIMIT:
        return f"it has {optional} optional fields; structured output accepts {OPTIONAL_FIELDS_LIMIT}"
    if unions > UNION_FIELDS_LIMIT:
        return f"it has {unions} fields of several types; structured output accepts {UNION_FIELDS_LIMIT}"
    return None


def _counted(schema: Mapping[str, Any]) -> tuple[int, int]:
    """Return how many fields are optional, and how many have several types (``X | None`` is one of them)."""
    optional = unions = 0
    for part in _parts(schema):
        fields = part.get("properties", {})
        optional += len(fields.keys() - set(part.get("required", ())))
        unions += sum("anyOf" in field or isinstance(field.get("type"), list) for field in fields.values())
    return optional, unions


def _parts(value: object) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, Mapping):
        yield value
        for inner in value.values():
            yield from _parts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _parts(inner)


def main(file: str) -> int:
    """Write the complaint into ``file`` if there is one; return the exit status."""
    found = complaint()
    if found is None:
        return 0
    Path(file).write_text(found, encoding="utf-8")
    return 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
