"""What a message says to a model that reads text alone."""

from base64 import b64decode
from collections.abc import Iterator, Mapping
from typing import Any, Final

TEXT_FORMATS: Final = frozenset({"txt", "md", "csv", "html"})
"""Formats of documents that are text already."""


def words_of(message: Mapping[str, Any]) -> str:
    """Return the texts of a message of the Converse API, and its documents where they are texts.

    In place of every other file a note says that there is one.
    """
    return "\n".join(_words(message["content"]))


def _words(blocks: list[Mapping[str, Any]]) -> Iterator[str]:
    for block in blocks:
        if "text" in block:
            yield block["text"]
        document = block.get("document")
        if document and document["format"] in TEXT_FORMATS:
            yield f"{document['name']}:\n{b64decode(document['source']['bytes']).decode()}"
        elif document or "image" in block:
            yield f"(Here is {'a document' if document else 'an image'} that you cannot see.)"
