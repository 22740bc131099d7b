"""Starts the function as Lambda would: in a process of its own, with the stack's variables and packages.

This file is run and never imported: ``python inspection.py ERROR_FILE WARNINGS_FILE``, and ``function`` is the one in
the bundle. If the function does not start, or if Bedrock would reject the schema of the answer, an error message is
written into ERROR_FILE, and the exit status is 1. If it starts, the warnings for the user are written into
WARNINGS_FILE, one per line.
"""

import importlib
import os
import sys
import traceback
from pathlib import Path

from function import claude
from function.contract import (
    HANDLER,
    Settings,
    SettingsError,
    StructuredOutput,
    read_settings,
)

TASK_ROOT = Path(claude.__file__).parent.parent
"""The folder of the bundle: the user's modules are in it, beside ``function``."""


def find_error() -> str | None:
    """Return an error message that names the variables of the function; None if it starts."""
    try:
        importlib.import_module(HANDLER.rpartition(".")[0])
    except SettingsError as error:
        return str(error)
    except Exception as error:  # noqa: BLE001 - the user's module can raise anything
        return _described(error)
    from function.aws.bedrock.converse import refuse_what_the_model_refuses  # noqa: PLC0415 - see ``_rejected``

    settings = read_settings(os.environ)
    try:
        refuse_what_the_model_refuses(settings, settings.profile_model or settings.model_id)
    except SettingsError as error:
        return str(error)
    rejected, only_size = _rejected(settings)
    if rejected and not (only_size and settings.structured_output is StructuredOutput.AUTO):
        return f"LLM_SCHEMA: {rejected}. Change it, or set LLM_STRUCTURED_OUTPUT to {_alternatives(settings)}."
    return None


def warnings() -> list[str]:
    """Return warnings about a function that starts; they name its variables."""
    settings = read_settings(os.environ)
    from function.answer_type import AnswerType  # noqa: PLC0415 - after the handler: it reports missing packages

    found: list[str] = []
    rejected, _ = _rejected(settings)
    if rejected:
        sent = "The schema is sent in the instructions, because LLM_STRUCTURED_OUTPUT is auto."
        found.append(f"LLM_SCHEMA: {rejected}. {sent}")
    if AnswerType(settings.schema).has_hidden:
        found.append(
            "LLM_SCHEMA: it has hidden fields (exclude or a secret type), so raw text (text/plain) is not offered."
        )
    return found


def _described(error: Exception) -> str:
    """Return the first line of an error, with file and line if it was raised in one of the user's modules."""
    message = f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        file = Path(frame.filename)
        if file.is_relative_to(TASK_ROOT) and not file.is_relative_to(TASK_ROOT / "function"):
            place = f"{file.relative_to(TASK_ROOT)}:{frame.lineno}"
            return f"LLM_SCHEMA, LLM_REQUEST or LLM_INSTRUCTIONS: {place}: {message}"
    return f"The function does not start: {message}"


def _rejected(settings: Settings) -> tuple[str | None, bool]:
    """Return why structured output does not accept the schema of the answer, and whether its size is the only reason.

    The reason is None if structured output accepts the schema or is not used.
    """
    from function.answer_type import AnswerType  # noqa: PLC0415 - after the handler: it reports missing packages
    from function.aws.bedrock.output_schema import (  # noqa: PLC0415 - as above
        InexpressibleError,
        TooComplexError,
        output_schema,
    )

    is_compiled = settings.structured_output in {StructuredOutput.AUTO, StructuredOutput.NATIVE}
    if not (is_compiled and claude.takes_native_output(settings.profile_model or settings.model_id)):
        return None, False
    try:
        output_schema(AnswerType(settings.schema).schema)
    except InexpressibleError as error:
        return str(error), isinstance(error, TooComplexError)
    return None, False


def _alternatives(settings: Settings) -> str:
    """Return the other ways in which the schema can reach the model."""
    from function.answer_type import AnswerType  # noqa: PLC0415 - see ``_rejected``
    from function.aws.bedrock.output_schema import InexpressibleError, tool_schema  # noqa: PLC0415 - as above

    model = claude.claude(settings.profile_model or settings.model_id)
    try:
        tool_schema(AnswerType(settings.schema).schema)
    except InexpressibleError:
        return "prompt"
    return "prompt or tool" if model is None or model.forced_tool else "prompt"


def main(error_file: str, warnings_file: str) -> int:
    """Write the error message if there is one, else the warnings; return the exit status."""
    message = find_error()
    if message is not None:
        Path(error_file).write_text(message, encoding="utf-8")
        return 1
    Path(warnings_file).write_text("".join(f"{warning}\n" for warning in warnings()), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
