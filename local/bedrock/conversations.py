"""What Bedrock refuses in the messages and the metadata of a request: one row per rule, with its source.

BC: the API reference of ConverseStream (``Message``, ``ImageBlock``, ``DocumentBlock``, ``requestMetadata``). UG: the
user guide, "Inference request restrictions". Other sources are reports of what the service answered.
"""

import re
from base64 import b64decode
from binascii import Error
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final, NamedTuple

from .claude import version
from .pixels import pixels, shown_format
from .wordings import PREFIX

IMAGES: Final = frozenset({"png", "jpeg", "gif", "webp"})
DOCUMENTS: Final = frozenset({"pdf", "csv", "doc", "docx", "xls", "xlsx", "html", "txt", "md"})
SIGNATURES: Final = {
    "pdf": b"%PDF-",
    "docx": b"PK",
    "xlsx": b"PK",
    "doc": b"\xd0\xcf\x11\xe0",
    "xls": b"\xd0\xcf\x11\xe0",
}
"""How a document begins; the other formats are texts."""
NAME: Final = re.compile(r"(?!.*  )[A-Za-z0-9 _\-()\[\]]{1,200}")
METADATA: Final = re.compile(r"[a-zA-Z0-9\s:_@$#=/+,-.]*", re.ASCII)


class Block(NamedTuple):
    """One block of a message."""

    place: str
    """Such as ``messages.0.content.1``."""
    role: object
    kind: str
    """The member that it has, such as ``text``."""
    value: Any

    @property
    def encoded(self) -> str:
        """The file in base64."""
        return str(self.value.get("source", {}).get("bytes", ""))

    @property
    def data(self) -> bytes:
        """The file; empty if it is not base64."""
        try:
            return b64decode(self.encoded, validate=True)
        except Error:
            return b""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the rules look at."""

    messages: Sequence[Mapping[str, Any]]
    metadata: Mapping[str, Any] | None
    takes_prefill: bool
    """Whether the model goes on with an answer that the conversation ends with."""

    @classmethod
    def of(cls, model_id: str, body: Mapping[str, Any]) -> "Asked":
        """Return the part of a request that the rules look at."""
        found = version(model_id)
        messages = body.get("messages")
        listed = messages if isinstance(messages, list) else []
        known = [message if isinstance(message, dict) else {} for message in listed]
        return cls(known, body.get("requestMetadata"), found is None or found < (4, 6))

    def blocks(self, *kinds: str) -> Iterator[Block]:
        """Yield the blocks of these kinds, in order."""
        for number, message in enumerate(self.messages):
            content = message.get("content")
            for index, block in enumerate(content if isinstance(content, list) else []):
                for kind in kinds:
                    if isinstance(block, dict) and kind in block:
                        yield Block(f"messages.{number}.content.{index}", message.get("role"), kind, block[kind])


Find = Callable[[Asked], Iterator[str]]
"""Yields a place, and perhaps a number, for everything that breaks a rule."""


class Rule(NamedTuple):
    """What the service refuses, in the words with which it does."""

    name: str
    refuses: str
    """For the documentation."""
    source: str
    find: Find
    message: str
    """With the place as ``{}``."""
    service: str = ""
    """Where the rule is stricter than the service: what the service takes."""


def unread_characters(body: Mapping[str, Any]) -> int:
    """Return how many characters of a request belong to files that are not text."""
    blocks = Asked.of("", body).blocks("image", "document")
    return sum(len(block.encoded) for block in blocks if block.value.get("format") in IMAGES | SIGNATURES.keys())


def _no_messages(asked: Asked) -> Iterator[str]:
    if not asked.messages:
        yield "messages"


def _empty(asked: Asked) -> Iterator[str]:
    for number, message in enumerate(asked.messages):
        if not isinstance(message.get("content"), list) or not message["content"]:
            yield f"messages.{number}"


def _blank(asked: Asked) -> Iterator[str]:
    return (block.place for block in asked.blocks("text") if not str(block.value).strip())


def _unknown_role(asked: Asked) -> Iterator[str]:
    for number, message in enumerate(asked.messages):
        if message.get("role") not in {"user", "assistant"}:
            yield f"messages.{number}.role"


def _begins_with_assistant(asked: Asked) -> Iterator[str]:
    if asked.messages and asked.messages[0].get("role") == "assistant":
        yield "messages.0"


def _ends_with_assistant(asked: Asked) -> Iterator[str]:
    if asked.messages and asked.messages[-1].get("role") == "assistant" and not asked.takes_prefill:
        yield f"messages.{len(asked.messages) - 1}"


def _same_role(asked: Asked) -> Iterator[str]:
    for number, (one, other) in enumerate(pairwise(asked.messages), 1):
        if one.get("role") == other.get("role"):
            yield f"messages.{number}"


def _files_of_others(asked: Asked) -> Iterator[str]:
    return (block.place for block in asked.blocks("image", "document") if block.role != "user")


def _unknown_format(asked: Asked) -> Iterator[str]:
    for block in asked.blocks("image", "document"):
        if block.value.get("format") not in (IMAGES if block.kind == "image" else DOCUMENTS):
            yield f"{block.place}.{block.kind}.format"


def _no_bytes(asked: Asked) -> Iterator[str]:
    return (f"{block.place}.{block.kind}.source.bytes" for block in asked.blocks("image", "document") if not block.data)


def _unreadable(asked: Asked) -> Iterator[str]:
    for block in asked.blocks("image"):
        if block.value.get("format") in IMAGES and block.data and shown_format(block.data) is None:
            yield f"{block.place}.image"


def _other_format(asked: Asked) -> Iterator[str]:
    for block in asked.blocks("image"):
        declared = block.value.get("format")
        if declared in IMAGES and shown_format(block.data) not in {None, declared}:
            yield f"{block.place}.image"


def _large_image(asked: Asked) -> Iterator[str]:
    """The limit is one of the base64 text: 3.75 MiB of bytes (accelerated-idp#778)."""
    for block in asked.blocks("image"):
        if len(block.encoded) > 5_242_880:  # noqa: PLR2004 - the number is in the sentence
            yield f"{block.place}.image.source.bytes"


def _many_pixels(asked: Asked) -> Iterator[str]:
    for block in asked.blocks("image"):
        if max(pixels(block.data, str(shown_format(block.data) or "png"))) > 8_000:  # noqa: PLR2004 - same
            yield f"{block.place}.image.source.bytes"


def _many_images(asked: Asked) -> Iterator[str]:
    return (block.place for block in list(asked.blocks("image"))[20:])


def _large_document(asked: Asked) -> Iterator[str]:
    for block in asked.blocks("document"):
        if len(block.data) > 4.5 * 1024 * 1024:
            yield f"{block.place}.document.source.bytes"


def _other_document(asked: Asked) -> Iterator[str]:
    for block in asked.blocks("document"):
        declared = block.value.get("format")
        start = SIGNATURES.get(declared)
        is_that = block.data.startswith(start) if start else _is_utf_8(block.data)
        if block.data and declared in DOCUMENTS and not is_that:
            yield f"{block.place}.document.source.bytes"


def _is_utf_8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _many_documents(asked: Asked) -> Iterator[str]:
    return (block.place for block in list(asked.blocks("document"))[5:])


def _wrong_name(asked: Asked) -> Iterator[str]:
    return (block.place for block in asked.blocks("document") if not NAME.fullmatch(str(block.value.get("name"))))


def _same_name(asked: Asked) -> Iterator[str]:
    names = Counter(str(block.value.get("name")) for block in asked.blocks("document"))
    return (name for name, number in names.items() if number > 1)


def _no_text_beside(asked: Asked) -> Iterator[str]:
    for number, message in enumerate(asked.messages):
        kinds = {kind for block in message["content"] if isinstance(block, dict) for kind in block}
        if "document" in kinds and "text" not in kinds:
            yield f"messages.{number}"


def _pairs(asked: Asked) -> Mapping[str, Any]:
    return asked.metadata or {}


def _pair_count(asked: Asked) -> Iterator[str]:
    if asked.metadata is not None and not 1 <= len(asked.metadata) <= 16:  # noqa: PLR2004 - the number is in the sentence
        yield "requestMetadata"


def _wrong_key(asked: Asked) -> Iterator[str]:
    return (key for key in _pairs(asked) if not 1 <= len(key) <= 256 or not METADATA.fullmatch(key))  # noqa: PLR2004 - the API's limit


def _wrong_value(asked: Asked) -> Iterator[str]:
    for key, value in _pairs(asked).items():
        if not isinstance(value, str) or len(value) > 256 or not METADATA.fullmatch(value):  # noqa: PLR2004 - the API's limit
            yield key


ENUM: Final = (
    "1 validation error detected: Value at '{}' failed to satisfy constraint: Member must satisfy enum value set"
)
RULES: Final = (
    Rule(
        "messages",
        "no message",
        "BC",
        _no_messages,
        "1 validation error detected: Value at '{}' failed to satisfy constraint: not empty",
    ),
    Rule(
        "content",
        "a message without a block",
        "langchain-ai/langchain#26968",
        _empty,
        "The content field in the Message object at {} is empty.",
    ),
    Rule(
        "role",
        "a role other than `user` and `assistant`",
        "BC `ConversationRole`",
        _unknown_role,
        f"{ENUM}: [user, assistant]",
        "its list has `system`, too; what Claude does with it is not known",
    ),
    Rule(
        "blank text",
        "a text of white space alone",
        "NousResearch/hermes-agent#63983",
        _blank,
        "The text field in the ContentBlock object at {} is blank.",
    ),
    Rule(
        "first role",
        "a conversation that begins with the assistant",
        "langgenius/dify#12340",
        _begins_with_assistant,
        "A conversation must start with a user message.",
        "newer models take it",
    ),
    Rule(
        "last role",
        "from Claude 4.6 on, a conversation that ends with the assistant",
        "the message itself",
        _ends_with_assistant,
        "This model does not support assistant message prefill. The conversation must end with a user message.",
    ),
    Rule(
        "alternation",
        "two messages of one role in a row",
        "MadcowD/ell#369",
        _same_role,
        "A conversation must alternate between user and assistant roles. "
        "Make sure the conversation alternates between user and assistant roles and try again.",
    ),
    Rule(
        "files of the user",
        "an image or a document of the assistant",
        "BC `Message`",
        _files_of_others,
        "Images and documents are only supported in user messages.",
    ),
    Rule(
        "format",
        "a format that is not in the API's list, lower case",
        "NousResearch/hermes-agent#55429",
        _unknown_format,
        ENUM,
    ),
    Rule(
        "bytes",
        "a file without bytes",
        "BC `ImageSource`, `DocumentSource`",
        _no_bytes,
        "1 validation error detected: Value at '{}' failed to satisfy constraint: not empty",
    ),
    Rule(
        "image size",
        "an image of more than 5,242,880 characters in base64: 3.75 MiB",
        "aws-solutions-library-samples/accelerated-intelligent-document-processing-on-aws#778",
        _large_image,
        f"{PREFIX}{{}}: image exceeds 5 MB maximum",
    ),
    Rule(
        "image",
        "an image whose header cannot be read",
        "BC `ImageBlock`; the words are the stand-in's",
        _unreadable,
        f"{PREFIX}{{}}: Could not process image",
    ),
    Rule(
        "image format",
        "an image whose bytes have another format than it says",
        "ziatdinovmax/SciLink#382",
        _other_format,
        f"{PREFIX}{{}}: The image was specified using another media type than the image appears to have",
    ),
    Rule(
        "image pixels",
        "an image of more than 8,000 pixels on a side",
        "BC `Message`; anthropics/claude-code#11576",
        _many_pixels,
        f"{PREFIX}{{}}: At least one of the image dimensions exceed max allowed size: 8000 pixels",
    ),
    Rule(
        "images",
        "more than 20 images",
        "BC `Message`",
        _many_images,
        "You can't include more than 20 images in a request.",
        "newer models take more, each of at most 2,000 pixels on a side",
    ),
    Rule(
        "document size",
        "a document of more than 4.5 MiB",
        "BC `Message`, UG",
        _large_document,
        "The document at {} is larger than the model supports.",
        "Claude 4 and later take larger PDF files",
    ),
    Rule(
        "document format",
        "a document whose bytes do not begin as its format does, or a text that is not UTF-8",
        "maximhq/bifrost#5472",
        _other_document,
        f"{PREFIX}{{}}: The document source bytes could not be parsed as the specified format.",
    ),
    Rule(
        "documents",
        "more than 5 documents",
        "aws-samples/generative-ai-use-cases#1685",
        _many_documents,
        "You can't include more than 5 documents in a request.",
    ),
    Rule(
        "document name",
        "a name with other characters than letters, digits, single spaces and `_-()[]`, or of more than 200",
        "aws-samples/generative-ai-use-cases#1671",
        _wrong_name,
        "The document file name can only contain alphanumeric characters, whitespace characters, hyphens, parentheses, "
        "and square brackets. The name can't contain more than one consecutive whitespace character.",
    ),
    Rule(
        "document names",
        "two documents of one name in the whole conversation",
        "aws-samples/generative-ai-use-cases#1685",
        _same_name,
        "Messages can't contain duplicate document names.",
    ),
    Rule(
        "text beside a document",
        "a document without a text in its message",
        "archestra-ai/archestra#4220",
        _no_text_beside,
        "A text block must be included when using documents.",
    ),
    Rule(
        "metadata pairs",
        "request metadata without a pair, or with more than 16",
        "BC `requestMetadata`",
        _pair_count,
        "1 validation error detected: Value at '{}' failed to satisfy constraint: Member must have 1 to 16 pairs",
    ),
    Rule(
        "metadata key",
        "a key of request metadata without 1 to 256 characters of `[a-zA-Z0-9\\s:_@$#=/+,-.]`",
        "BC `requestMetadata`",
        _wrong_key,
        "1 validation error detected: Value at 'requestMetadata' failed to satisfy constraint: "
        "Map keys must satisfy constraint",
    ),
    Rule(
        "metadata value",
        "a value of request metadata with more than 256 characters, or others than these",
        "agentgateway/agentgateway#1739",
        _wrong_value,
        "1 validation error detected: Value at 'requestMetadata' failed to satisfy constraint: "
        "Map value must satisfy constraint",
    ),
)
"""In the order in which the service is taken to look at them; the first one that is broken is the answer."""


def broken(model_id: str, body: Mapping[str, Any]) -> Iterator[tuple[Rule, str]]:
    """Yield every rule that a request breaks, with the sentence for it.

    A later rule may rely on the earlier ones: take one at a time, and stop at the first of a request of any shape.
    """
    asked = Asked.of(model_id, body)
    for rule in RULES:
        place = next(rule.find(asked), None)
        if place is not None:
            yield rule, rule.message.format(place)
