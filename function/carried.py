"""What a valid request carries, and where in the body it stands."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any, TypeAlias

from pydantic import AliasChoices, AliasPath, BaseModel, ConfigDict, TypeAdapter
from pydantic.fields import FieldInfo

from .endpoint import Document, Image, Message, Prompt, is_list

Place: TypeAlias = Sequence[str | int]
"""The keys that lead to a value in the body."""


def files(request: BaseModel) -> list[tuple[Place, object]]:
    """Return every image and document of a request, each with its place."""
    return [(place, value) for place, value in _values(request, ()) if isinstance(value, Image | Document)]


def has_field_for_files(request_class: type[BaseModel]) -> bool:
    """Return whether a field of the class, or of anything in it, is an ``Image`` or a ``Document``.

    A ``Message`` does not count: most conversations are text, and the limit of their bodies is what bounds their cost.
    """
    return _reads_files(TypeAdapter[Any](request_class).core_schema)


def _reads_files(schema: object) -> bool:
    """Tell whether a core schema, or one in it, is that of a file: its validator is a method of the file's class."""
    if isinstance(schema, list | tuple):
        return any(_reads_files(part) for part in schema)
    if not isinstance(schema, Mapping):
        return False
    reader = getattr(schema.get("function"), "__self__", None)
    is_file = isinstance(reader, type) and issubclass(reader, Image | Document)
    return is_file or any(_reads_files(part) for name, part in schema.items() if name not in {"metadata", "default"})


def place_of_messages(request: BaseModel, prompt: Prompt) -> Place | None:
    """Return where the messages of ``prompt`` stand in the request; None unless it is one list of it, unchanged."""
    for place, value in _values(request, ()):
        if is_list(value) and _is_same(value, prompt.messages):
            return place
    return None


def place_in_body(document: object, place: Place, rule: str) -> Place:
    """Return the keys of a place that lead into the body. Pydantic's places name the members of unions, too.

    A first key that the body does not have stays: the class has looked for it elsewhere.
    """
    if not isinstance(document, dict | list):
        return place
    kept: list[str | int] = []
    value: object = document
    for number, step in enumerate(place):
        is_missing = rule == "missing" and number == len(place) - 1
        members = dict(enumerate(value)) if isinstance(value, list) else value
        if isinstance(members, dict) and step in members:
            value = members[step]
        elif number > 0 and not is_missing:
            continue
        kept.append(step)
    return kept


def texts(prompt: str | Prompt) -> list[str]:
    """Return every text of a prompt."""
    messages = prompt if isinstance(prompt, str) else prompt.messages
    return [value for _, value in _values(messages, ()) if isinstance(value, str)]


def place_of_field(name: str, field: FieldInfo, config: ConfigDict) -> list[str | int]:
    """Return the keys that lead to a field in the JSON of its class."""
    by_name = config.get("validate_by_name") or config.get("populate_by_name")
    alias = None if by_name else field.validation_alias
    if isinstance(alias, AliasChoices):
        alias = alias.choices[0]
    if isinstance(alias, AliasPath):
        return alias.path
    return [alias or name]


def _is_same(value: Any, messages: object) -> bool:  # noqa: ANN401 - a list of any kind
    return (
        isinstance(messages, tuple)
        and 0 < len(value) == len(messages)
        and all(isinstance(one, Message) and one is other for one, other in zip(value, messages, strict=True))
    )


def _values(value: object, place: Place) -> Iterator[tuple[Place, object]]:
    """Yield ``value`` and everything in it, each with the keys that lead there."""
    yield place, value
    for step, inner in _members(value):
        yield from _values(inner, (*place, *step))


def _members(value: object) -> Iterable[tuple[Place, object]]:
    if isinstance(value, BaseModel):
        yield from _fields(value)
    elif isinstance(value, Message):
        yield ("content",), value.content
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield (key,), item
    elif is_list(value):
        for number, item in enumerate(value):  # type: ignore[arg-type]  # it is a list
            yield (number,), item
    elif is_dataclass(value) and not isinstance(value, type | Image | Document | Prompt):
        for member in fields(value):
            yield (member.name,), getattr(value, member.name, None)


def _fields(value: BaseModel) -> Iterable[tuple[Place, object]]:
    if value.__pydantic_root_model__:
        yield (), value.root  # type: ignore[attr-defined]  # a RootModel has one
        return
    for name, field in type(value).model_fields.items():
        yield place_of_field(name, field, value.model_config), getattr(value, name, None)
