"""What records say of a prompt: every text, and of a file what tells it from another one, never its data."""

from hashlib import sha256
from typing import Final

import pytest

from function.conversation import conversation
from function.endpoint import Document, Image, Message, Part, Prompt
from function.history import content_of
from function.stream.record import PromptContent
from tests.media_files import png

PNG: Final = png()
CSV: Final = b"canary,of,the,data"


def test_of_one_text_there_is_nothing_but_the_text() -> None:
    for prompt in ("Why?", conversation(Prompt("Why?")), conversation(Prompt([Message("user", "Why?")]))):
        assert content_of(prompt) == PromptContent("Why?")


def test_a_conversation_has_roles_and_texts() -> None:
    turns = [Message("user", "One?"), Message("assistant", "1"), Message("user", "And two?")]
    assert content_of(conversation(Prompt(turns))) == PromptContent(
        "And two?",
        [
            {"role": "user", "content": "One?"},
            {"role": "assistant", "content": "1"},
            {"role": "user", "content": "And two?"},
        ],
    )


def test_a_file_is_its_type_its_size_and_its_hash() -> None:
    """Whatever its media type was declared to be, it is the one of its format."""
    files: list[Part] = [Image(PNG), "Look.", Document(CSV, "text/csv; charset=utf-8")]
    found = content_of(conversation(Prompt([Message("user", files)])))
    assert found.text == "Look."
    assert found.messages == [
        {
            "role": "user",
            "content": [
                {"type": "image", "mediaType": "image/png", "bytes": len(PNG), "sha256": sha256(PNG).hexdigest()},
                {"type": "text", "text": "Look."},
                {"type": "document", "mediaType": "text/csv", "bytes": len(CSV), "sha256": sha256(CSV).hexdigest()},
            ],
        }
    ]
    assert "canary" not in repr(found)


@pytest.mark.parametrize("instructions", ["Be brief.", "half a pair: \ud800"])
def test_instructions_of_the_prompt_are_their_hash(instructions: str) -> None:
    found = content_of(conversation(Prompt("Why?", instructions=instructions)))
    digest = sha256(instructions.encode(errors="replace")).hexdigest()
    assert found == PromptContent("Why?", None, digest)
