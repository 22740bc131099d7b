"""What Bedrock refuses in the messages of a request: one row per rule, with its source.

BC: the API reference of ConverseStream (``Message``, ``ImageBlock``, ``DocumentBlock``). UG: the user guide, "Inference
using the Converse API". Other sources are reports of what the service answered.
"""

import re
from base64 import b64decode
from binascii import Error
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, Final, NamedTuple

Blocks = list[tuple[str, str, Mapping[str, Any]]]
"""Every image and document in order: the role of its message, its kind, and the block."""

FORMATS: Final = {
    "image": frozenset({"png", "jpeg", "gif", "webp"}),
    "document": frozenset({"pdf", "csv", "doc", "docx", "xls", "xlsx", "html", "txt", "md"}),
}
BYTES: Final = {"image": int(3.75 * 1024 * 1024), "document": int(4.5 * 1024 * 1024)}
NAME: Final = re.compile(r"(?!.*  )[A-Za-z0-9 _\-()\[\]]{1,200}")


class Rule(NamedTuple):
    """What the service refuses, in the words with which it does."""

    source: str
    breaks: Callable[[Blocks], bool]
    message: str


RULES: Final = (
    Rule(
        "BC Message: images and documents only if the role is user",
        lambda blocks: any(role != "user" for role, _, _ in blocks),
        "Images and documents are only supported in user messages.",
    ),
    Rule(
        "BC ImageBlock, DocumentBlock: format",
        lambda blocks: any(block.get("format") not in FORMATS[kind] for _, kind, block in blocks),
        "Value at 'format' failed to satisfy constraint: Member must satisfy enum value set",
    ),
    Rule(
        "BC ImageSource, DocumentSource: bytes, at least 1",
        lambda blocks: any(not _data(block) for _, _, block in blocks),
        "Value at 'source.bytes' failed to satisfy constraint: not empty",
    ),
    Rule(
        "BC Message: 3.75 MB and 4.5 MB",
        lambda blocks: any(len(_data(block)) > BYTES[kind] for _, kind, block in blocks),
        "The file is larger than the model supports.",
    ),
    Rule(
        "aws-samples/generative-ai-use-cases#1671",
        lambda blocks: any(not NAME.fullmatch(str(name)) for name in _names(blocks)),
        "The document file name can only contain alphanumeric characters, whitespace characters, hyphens, parentheses, "
        "and square brackets. The name can't contain more than one consecutive whitespace character.",
    ),
    Rule(
        "aws-samples/generative-ai-use-cases#1685",
        lambda blocks: len(set(_names(blocks))) < len(_names(blocks)),
        "Messages can't contain duplicate document names.",
    ),
    Rule(
        "aws-samples/generative-ai-use-cases#1685",
        lambda blocks: len(_names(blocks)) > 5,  # noqa: PLR2004 - the number is in the sentence
        "You can't include more than 5 documents in a request.",
    ),
)


def refusals(messages: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield the sentences with which the service refuses the roles, images and documents of ``messages``."""
    roles = [message.get("role") for message in messages]
    if any(one == other for one, other in pairwise(roles)):  # MadcowD/ell#369
        yield (
            "A conversation must alternate between user and assistant roles. "
            "Make sure the conversation alternates between user and assistant roles and try again."
        )
    blocks = [
        (str(message.get("role")), kind, block[kind])
        for message in messages
        for block in message["content"]
        for kind in FORMATS
        if kind in block
    ]
    yield from (rule.message for rule in RULES if rule.breaks(blocks))
    for message in messages:
        kinds = {kind for block in message["content"] for kind in block}
        if "document" in kinds and "text" not in kinds:  # archestra-ai/archestra#4220
            yield "A text block must be included when using documents."


def _names(blocks: Blocks) -> list[object]:
    return [block.get("name") for _, kind, block in blocks if kind == "document"]


def _data(block: Mapping[str, Any]) -> bytes:
    try:
        return b64decode(block.get("source", {}).get("bytes", ""), validate=True)
    except (Error, TypeError):
        return b""
