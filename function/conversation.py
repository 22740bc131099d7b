"""Checks a ``Prompt`` against what the model's service accepts, and brings it into the form in which it is sent.

The rules are those of the Converse API for Claude (``Message``, ``ImageBlock``, ``DocumentBlock`` in its reference; the
user guide, "Supported models and features"), and stricter in three places: a conversation begins and ends with the
user on every model, a document counts as too large for every format, and no image may need a smaller size because
there are more than 20.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, Final, Literal, NamedTuple

from .endpoint import (
    DOCUMENTS_LIMIT,
    IMAGES_LIMIT,
    Document,
    Fault,
    Image,
    Message,
    Part,
    Prompt,
    Role,
    is_blank,
)

CACHED_TURNS_LIMIT: Final = 3
"""Turns with a cache point behind them: the service takes four points, and one can stand behind the instructions."""


class File(NamedTuple):
    """An image or a document as it is sent."""

    kind: Literal["image", "document"]
    format: str
    """In the words of the Converse API, such as ``png``."""
    data: bytes
    name: str | None = None
    """The name of a document. The function makes it: it must be unique, and a client's could contain instructions."""

    def __repr__(self) -> str:
        return f"File({self.kind}, {self.format}, {len(self.data)} bytes)"


class Turn(NamedTuple):
    """What one side says until the other does."""

    role: Role
    parts: tuple[str | File, ...]
    is_cached: bool = False
    """Whether the conversation is cached up to the end of this turn."""

    def texts(self) -> list[str]:
        """Return the texts, in order."""
        return [part for part in self.parts if isinstance(part, str)]


class Conversation(NamedTuple):
    """A checked prompt: turns of alternating roles, the user's first and last."""

    turns: tuple[Turn, ...]
    instructions: str | None
    """Instead of the stack's."""
    validation_context: Any
    metadata: Mapping[str, str]

    @property
    def prompt(self) -> str:
        """The texts of the last turn."""
        return "\n\n".join(self.turns[-1].texts())

    @property
    def size(self) -> int:
        """How many characters and bytes the model is given."""
        return sum(len(part) if isinstance(part, str) else len(part.data) for turn in self.turns for part in turn.parts)


def metadata_of(prompt: str | Conversation) -> Mapping[str, str]:
    """Return what own code says of the request."""
    return {} if isinstance(prompt, str) else prompt.metadata


def context_of(prompt: str | Conversation) -> Any:  # noqa: ANN401 - whatever own code made
    """Return what validators of the answer are given."""
    return None if isinstance(prompt, str) else prompt.validation_context


class _Placed(NamedTuple):
    """A part of a message, and the keys that lead to it in the prompt."""

    role: Role
    part: Part
    place: tuple[str | int, ...]
    is_cached: bool = False


def conversation(prompt: Prompt) -> Conversation:
    """Return the conversation that ``prompt`` describes: neighbours of one role are one turn, and documents renamed.

    Raises:
        Fault: the service would refuse it; its place begins at the prompt.
    """
    if not isinstance(prompt.instructions, str | None):
        raise Fault("wrong_type", "instructions")
    parts = list(_parts(prompt.messages))
    check_counts([(each.place, each.part) for each in parts])
    turns = [list(turn) for _, turn in groupby(parts, key=lambda each: each.role)]
    for turn in turns:
        _check_documents(turn)
    names = iter(range(1, DOCUMENTS_LIMIT + 1))
    cached = [number for number, turn in enumerate(turns) if any(each.is_cached for each in turn)]
    last_cached = cached[-CACHED_TURNS_LIMIT:]
    return Conversation(
        tuple(
            Turn(turn[0].role, tuple(_sent(turn, names)), number in last_cached) for number, turn in enumerate(turns)
        ),
        prompt.instructions,
        prompt.validation_context,
        prompt.metadata,
    )


def check_counts(files: Sequence[tuple[Sequence[str | int], object]]) -> None:
    """Check how many images and documents are among ``files``, each given with its place.

    Raises:
        Fault: they are too many; its place is that of the first one above the limit.
    """
    for kind, limit, rule in (
        (Image, IMAGES_LIMIT, "too_many_images"),
        (Document, DOCUMENTS_LIMIT, "too_many_documents"),
    ):
        places = [place for place, file in files if isinstance(file, kind)]
        if len(places) > limit:
            raise Fault(rule, *places[limit])


def _parts(messages: object) -> Iterator[_Placed]:
    """Yield every part of the messages, each checked by itself; the first and the last are the user's."""
    if isinstance(messages, str):
        if is_blank(messages):
            raise Fault("blank_text", "messages")
        yield _Placed("user", messages, ("messages",))
        return
    if not isinstance(messages, tuple):
        raise Fault("wrong_type", "messages")
    if not messages:
        raise Fault("role_order", "messages")
    for number, message in enumerate(messages):
        if not isinstance(message, Message):
            raise Fault("wrong_type", "messages", number)
        yield from _parts_of(message, number)
    for number in (0, len(messages) - 1):
        if messages[number].role != "user":
            raise Fault("role_order", "messages", number)


def _parts_of(message: Message, number: int) -> Iterator[_Placed]:
    try:
        parts = message.parts()
    except Fault as fault:
        raise Fault(fault.rule, "messages", number, *fault.place) from None
    for index, part in enumerate(parts):
        inner = () if parts[0] is message.content else (index,)
        yield _Placed(message.role, part, ("messages", number, "content", *inner), message.cache)


def _check_documents(turn: list[_Placed]) -> None:
    documents = [each.place for each in turn if isinstance(each.part, Document)]
    if documents and not any(isinstance(each.part, str) for each in turn):
        raise Fault("no_text_beside_document", *documents[0])


def _sent(turn: list[_Placed], names: Iterator[int]) -> list[str | File]:
    """Return the parts of a turn; where two messages meet with a text each, the texts are joined by a blank line."""
    sent: list[str | File] = []
    before: _Placed | None = None
    for each in turn:
        part = each.part
        if isinstance(part, str):
            is_seam = before is not None and isinstance(before.part, str) and before.place[:2] != each.place[:2]
            if is_seam:
                sent[-1] = f"{sent[-1]}\n\n{part}"
            else:
                sent.append(part)
        elif isinstance(part, Image):
            sent.append(File("image", part.format(), part.data))
        else:
            sent.append(File("document", part.format(), part.data, f"document-{next(names)}"))
        before = each
    return sent
