"""The function, started as Lambda would start it: run as a file of its own, with the stack's variables and packages.

Exits with 1 and a sentence after the mark if it would not start, or if the model's API would refuse its schema.
"""

import importlib
import os
import sys
import traceback
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

MARK = "inspection: "
OPTIONAL_LIMIT = 24
UNION_LIMIT = 16
"""What the service takes of each in one schema."""


def main() -> None:
    """Import the handler, which loads all that the variables name, and look at the schema of the answer."""
    contract = importlib.import_module("function.contract")
    try:
        importlib.import_module("function.handler")
    except contract.SettingsError as error:
        _refuse(str(error))
    except Exception as error:  # noqa: BLE001 a module of the user's may fail in any way
        _refuse(f"LLM_SCHEMA, LLM_REQUEST or LLM_INSTRUCTIONS: {_described(error)}")
    read = contract.read_settings(os.environ)
    claude = importlib.import_module("function.claude")
    if read.structured_output in {"auto", "native"} and claude.takes_native_schema(read.model_id):
        _check(importlib.import_module("function.user_code").load("schema", read.schema, ""))


def _check(answer: object) -> None:
    output_schema = importlib.import_module("function.aws.bedrock.output_schema")
    try:
        schema = output_schema.output_schema(importlib.import_module("pydantic").TypeAdapter(answer).json_schema())
    except output_schema.InexpressibleError as error:
        _refuse_schema(str(error))
    optional, unions = _counted(schema)
    if optional > OPTIONAL_LIMIT:
        _refuse_schema(f"it has {optional} optional fields, and structured output takes {OPTIONAL_LIMIT}")
    if unions > UNION_LIMIT:
        _refuse_schema(f"it has {unions} fields of several types, and structured output takes {UNION_LIMIT}")


def _counted(schema: Mapping[str, Any]) -> tuple[int, int]:
    """Return how many fields may be missing, and how many have several types (``X | None`` is one of them)."""
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


def _described(error: Exception) -> str:
    """Return the error's first line, after the place in the user's modules if it has one."""
    task_root = Path(importlib.import_module("function").__path__[0]).parent
    frames = traceback.extract_tb(error.__traceback__)
    theirs = [it for it in frames if Path(it.filename).is_relative_to(task_root)]
    theirs = [it for it in theirs if not Path(it.filename).is_relative_to(task_root / "function")]
    place = f"{Path(theirs[-1].filename).relative_to(task_root)}:{theirs[-1].lineno}: " if theirs else ""
    return f"{place}{type(error).__name__}: {str(error).partition(chr(10))[0]}"


def _refuse_schema(why: str) -> None:
    _refuse(f"LLM_SCHEMA: {why}. Change it, or set LLM_STRUCTURED_OUTPUT to prompt or tool.")


def _refuse(sentence: str) -> None:
    sys.exit(f"{MARK}{sentence}")


if __name__ == "__main__":
    main()
