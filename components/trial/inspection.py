"""Starts the function as Lambda would: in a process of its own, with the stack's variables and packages.

This file is run and never imported: ``python inspection.py ERROR_FILE REPORT_FILE``, and ``function`` is the one in
the bundle. If the function does not start, or if Bedrock would reject the schema of the answer, an error message is
written into ERROR_FILE, and the exit status is 1. If it starts, REPORT_FILE gets a JSON object: ``bodyLimits``, how
many bytes a body may have on each route, and ``warnings``, a list of texts for the user.
"""

import importlib
import json
import os
import re
import sys
import traceback
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from pydantic import PydanticUserError, TypeAdapter

from function import claude
from function.contract import (
    HANDLER,
    Settings,
    SettingsError,
    StructuredOutput,
    read_settings,
)
from function.model_settings import refuse_what_the_model_refuses
from function.routes import in_route, read_routes

TASK_ROOT = Path(claude.__file__).parent.parent
"""The folder of the bundle: the user's modules are in it, beside ``function``."""
LONG_THOUGHT: Final = 90
"""Seconds for which a model that thinks can be silent, and well (healthy gaps of 57 s were seen)."""
WITH_OWN_CONFIG: Final = frozenset({"model", "dataclass", "typed-dict"})
"""Core schemas that ignore the configuration of what they are in (docs.pydantic.dev, Configuration)."""


def find_error() -> str | None:
    """Return an error message that names the variables of the function; None if it starts."""
    try:
        from function.aws.services import limit_services  # noqa: PLC0415 - reported like the handler's packages

        limit_services(read_settings(os.environ).services)
        importlib.import_module(HANDLER.rpartition(".")[0])
    except SettingsError as error:
        return str(error)
    except BaseException as error:  # noqa: BLE001 - the user's module can raise anything, SystemExit included
        return _described(error)
    for route in routes():
        message = _refused(route.settings)
        if message is not None:
            return route.place(message)
    return None


class Route(NamedTuple):
    """One route of the function."""

    name: str
    settings: Settings
    is_one_of_several: bool

    def place(self, message: str) -> str:
        """Return a message so that it names the route, if there are several."""
        return in_route(self.name, message) if self.is_one_of_several else message


def routes() -> list[Route]:
    """Return the routes of a function that starts."""
    stack = read_settings(os.environ)
    named = read_routes(stack, os.environ)
    return [Route(name, own, is_one_of_several=stack.routes is not None) for name, own in named.items()]


def _refused(settings: Settings) -> str | None:
    """Return why Bedrock would refuse every request of a route."""
    from function.example import example_of  # noqa: PLC0415 - see ``_rejected``
    from function.user_code import load_request_class  # noqa: PLC0415 - as above

    try:
        refuse_what_the_model_refuses(settings, settings.profile_model or settings.model_id)
        example_of(settings.request, load_request_class(settings.request, with_prompt=False))
    except SettingsError as error:
        return str(error)
    rejected, only_size = _rejected(settings)
    if rejected and not (only_size and settings.structured_output is StructuredOutput.AUTO):
        return f"LLM_SCHEMA: {rejected}. Change it, or set LLM_STRUCTURED_OUTPUT to {_alternatives(settings)}."
    return None


def warnings() -> list[str]:
    """Return warnings about a function that starts; they name its variables."""
    return [route.place(warning) for route in routes() for warning in _warnings(route.settings)]


def _warnings(settings: Settings) -> list[str]:
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
    slow = [*_slow("LLM_SCHEMA", AnswerType(settings.schema).type), *_slow_request(settings)]
    return [*found, *slow, *_too_short_to_cache(settings), *_of_fallbacks(settings)]


def _too_short_to_cache(settings: Settings) -> Iterator[str]:
    """Yield a warning for each model that does not cache instructions as short as these: Bedrock reports no error."""
    from function.answer_type import AnswerType  # noqa: PLC0415 - after the handler: it reports missing packages
    from function.aws.bedrock.converse import Converse  # noqa: PLC0415 - as above
    from function.aws.bedrock.fallbacks import settings_by_model  # noqa: PLC0415 - as above
    from function.user_code import load_instructions  # noqa: PLC0415 - as above

    for own in settings_by_model(settings) if settings.cache else ():
        model = own.profile_model or own.model_id
        row = claude.claude(model)
        if row is None or row.cache_minimum is None:
            continue
        sent = Converse(own, AnswerType(own.schema).schema, load_instructions(own.instructions))
        tokens = sent.characters_to_cache() // row.characters_per_token
        if tokens < row.cache_minimum:
            yield (
                f"LLM_CACHE: the instructions and the schema have an estimated {tokens:,} tokens, and {model} caches "
                f"nothing below {row.cache_minimum:,}: a request costs as much as without LLM_CACHE. Add to the "
                "instructions what every request can use, such as examples, or leave LLM_CACHE out."
            )


def _of_fallbacks(settings: Settings) -> Iterator[str]:
    """Yield what a caller gets from another model than the first one, and whether a model may be given up too soon."""
    from function.answer_type import AnswerType  # noqa: PLC0415 - after the handler: it reports missing packages
    from function.aws.bedrock.fallbacks import differences, settings_by_model  # noqa: PLC0415 - as above

    for model_id, different in differences(settings, AnswerType(settings.schema).schema):
        yield f"LLM_FALLBACK_MODELS: a request to {model_id} differs: {', '.join(different)}."
    if settings.fallback_after is None or settings.fallback_after >= LONG_THOUGHT:
        return
    for own in settings_by_model(settings)[:-1]:
        model = own.profile_model or own.model_id
        if claude.thinks(model, own.thinking):
            yield (
                f"LLM_FALLBACK_AFTER: {model} thinks, and can send nothing for a minute or more: below {LONG_THOUGHT} "
                f"seconds it is given up while it works, and its tokens are billed. Got {settings.fallback_after:g}."
            )


def body_limits() -> dict[str, int]:
    """Return how many bytes the body of a request may have, by the name of its route."""
    return {route.name: _limit_of_bodies(route.settings) for route in routes()}


def _limit_of_bodies(settings: Settings) -> int:
    from function.request import default_body_limit  # noqa: PLC0415 - after the handler: it reports missing packages
    from function.user_code import load_request_class  # noqa: PLC0415 - as above

    request_class = load_request_class(settings.request, with_prompt=settings.prepare is None)
    return settings.body_limit or default_body_limit(request_class)


def _slow_request(settings: Settings) -> list[str]:
    from function.user_code import load_request_class  # noqa: PLC0415 - after the handler: it reports missing packages

    return _slow("LLM_REQUEST", load_request_class(settings.request, with_prompt=settings.prepare is None))


def _slow(variable: str, type_: Any) -> list[str]:  # noqa: ANN401 - whatever the user's module holds
    """Return warnings about values of a type that a few characters of input can keep in validation for minutes."""
    adapter: TypeAdapter[Any] = TypeAdapter(type_)
    try:
        ambiguous = sorted(_ambiguous(adapter.json_schema()))
    except PydanticUserError:  # a request class needs no JSON schema
        ambiguous = []
    found = [
        f"{variable}: {name} is in a union of classes or lists that contain each other, without a discriminator. "
        "Validation tries each member on each level: its time multiplies with the depth, and nothing can end it before "
        "Lambda does. Give the union a discriminator, or one list in place of two."
        for name in ambiguous
    ]
    return found + [
        f"{variable}: the pattern {pattern!r} repeats what repeats, and Python's re matches it: the time can double "
        "with each character. Write it without nested quantifiers, or use Pydantic's own engine (rust-regex)."
        for pattern, flags in dict.fromkeys(_python_patterns(adapter.core_schema))
        if _repeats_repeats(pattern, flags)
    ]


def _ambiguous(schema: Mapping[str, Any]) -> Iterator[str]:
    """Yield each definition with a union of which two members are of one JSON type and contain the definition."""
    definitions = schema.get("$defs", {})
    for name, definition in definitions.items():
        for union in _unions(definition):
            kinds = [
                definitions.get(_target(member), member).get("type")
                for member in union
                if name in _reached(member, definitions)
            ]
            if len(kinds) > len(set(kinds)):
                yield name
                break


def _nodes(schema: object) -> Iterator[Mapping[str, Any]]:
    """Yield every object in a JSON schema, itself included."""
    if isinstance(schema, Mapping):
        yield schema
    if isinstance(schema, Mapping | list):
        for part in schema.values() if isinstance(schema, Mapping) else schema:
            yield from _nodes(part)


def _unions(schema: object) -> Iterator[list[Mapping[str, Any]]]:
    """Yield the members of each union; Pydantic describes one with a discriminator by ``oneOf``."""
    yield from (node["anyOf"] for node in _nodes(schema) if isinstance(node.get("anyOf"), list))


def _target(schema: Mapping[str, Any]) -> str | None:
    reference = schema.get("$ref")
    return reference.removeprefix("#/$defs/") if isinstance(reference, str) else None


def _reached(schema: object, definitions: Mapping[str, Any]) -> set[str]:
    """Return the names of all definitions that ``schema`` leads to."""
    reached: set[str] = set()
    waiting = [schema]
    while waiting:
        targets = {_target(node) for node in _nodes(waiting.pop())}
        new = {name for name in definitions if name in targets} - reached
        reached |= new
        waiting += [definitions[name] for name in new]
    return reached


def _python_patterns(schema: object, engine: str | None = None) -> Iterator[tuple[str, int]]:
    """Yield the patterns in a core schema that Python matches: by configuration, or since they are compiled already.

    Each comes with its flags: with ``re.VERBOSE``, for example, a parenthesis can be part of a comment.
    """
    if isinstance(schema, list | tuple):
        for part in schema:
            yield from _python_patterns(part, engine)
    if not isinstance(schema, Mapping):
        return
    if schema.get("type") in WITH_OWN_CONFIG:
        engine = (schema.get("config") or {}).get("regex_engine")
    pattern = schema.get("pattern") if schema.get("type") == "str" else None
    if isinstance(pattern, re.Pattern):
        yield pattern.pattern, pattern.flags
    elif isinstance(pattern, str) and schema.get("regex_engine", engine) == "python-re":
        yield pattern, 0
    for name, part in schema.items():
        if name not in {"metadata", "default"}:
            yield from _python_patterns(part, engine)


def _repeats_repeats(pattern: str, flags: int) -> bool:
    """Return whether a repeated group contains something of no fixed number, which Python can divide in many ways."""
    parser = importlib.import_module("re._parser")  # the parser of ``re``, which has no public name

    def visit(part: Any, *, is_repeated: bool) -> bool:  # noqa: ANN401 - operators, numbers, and lists of them
        if isinstance(part, parser.SubPattern | list | tuple):
            operator = part[0] if isinstance(part, tuple) and part else None
            if operator in {parser.MAX_REPEAT, parser.MIN_REPEAT}:
                least, most, inner = part[1]
                if is_repeated and least != most:
                    return True
                return visit(inner, is_repeated=is_repeated or most > 1)
            if operator in {parser.ATOMIC_GROUP, parser.POSSESSIVE_REPEAT}:  # never divided in another way
                is_repeated = False
            return any(visit(each, is_repeated=is_repeated) for each in part)
        return False

    return visit(parser.parse(pattern, flags), is_repeated=False)


def _described(error: BaseException) -> str:
    """Return the first line of an error, with file and line if it was raised in one of the user's modules."""
    message = f"{type(error).__name__}: {str(error).partition(chr(10))[0]}".removesuffix(": ")
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        file = Path(frame.filename)
        if file.is_relative_to(TASK_ROOT) and not file.is_relative_to(TASK_ROOT / "function"):
            place = f"{file.relative_to(TASK_ROOT)}:{frame.lineno}"
            found = f"LLM_SCHEMA, LLM_REQUEST, LLM_PREPARE, LLM_INSTRUCTIONS or LLM_STAGES: {place}: {message}"
            return ": ".join([*getattr(error, "__notes__", ()), found])  # a note names the route
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


def main(error_file: str, report_file: str) -> int:
    """Write the error message if there is one, else the report; return the exit status."""
    message = find_error()
    if message is not None:
        Path(error_file).write_text(message, encoding="utf-8")
        return 1
    report = {"bodyLimits": body_limits(), "warnings": warnings()}
    Path(report_file).write_text(json.dumps(report), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
