"""A prompt becomes a conversation that the model's service accepts, or names what is wrong and where."""

from typing import Any

import pytest

from function.conversation import Conversation, File, Turn, conversation
from function.endpoint import DOCUMENT_LIMIT, IMAGE_LIMIT, Document, Fault, Image, Message, Part, Prompt
from tests.media_files import DOCX, PDF, jpeg, png

IMAGE = Image(png())
TEXT = Document(b"words", "text/plain")


def user(*parts: Part) -> Message:
    return Message("user", parts)


def assistant(text: str = "Yes.") -> Message:
    return Message("assistant", text)


def test_a_text_is_one_turn_of_the_user() -> None:
    context = object()
    prompt = Prompt("Why?", instructions="Be brief.", validation_context=context, metadata={"tenant": "a"})
    made = conversation(prompt)
    assert made == Conversation((Turn("user", ("Why?",)),), "Be brief.", context, {"tenant": "a"})
    assert made.prompt == "Why?"


def test_files_have_the_services_words_and_documents_a_name_that_is_ours() -> None:
    messages = [
        user("Read it.", Document(PDF), IMAGE),
        assistant(),
        user(TEXT, Image(jpeg(), "image/jpeg"), "And this?", Document(DOCX)),
    ]
    made = conversation(Prompt(messages))
    assert made.turns == (
        Turn("user", ("Read it.", File("document", "pdf", PDF, "document-1"), File("image", "png", png()))),
        Turn("assistant", ("Yes.",)),
        Turn(
            "user",
            (
                File("document", "txt", b"words", "document-2"),
                File("image", "jpeg", jpeg()),
                "And this?",
                File("document", "docx", DOCX, "document-3"),
            ),
        ),
    )
    assert made.prompt == "And this?"
    assert made.size == sum(map(len, [PDF, png(), "Read it.", "Yes.", b"words", jpeg(), "And this?", DOCX]))


def test_neighbours_of_one_role_are_one_turn() -> None:
    messages = [
        Message("user", "One."),
        Message("user", "Two."),
        assistant("A."),
        assistant("B."),
        user("Three.", "Four.", IMAGE),
        user("Five."),
    ]
    assert conversation(Prompt(messages)).turns == (
        Turn("user", ("One.\n\nTwo.",)),
        Turn("assistant", ("A.\n\nB.",)),
        Turn("user", ("Three.", "Four.", File("image", "png", png()), "Five.")),
    )


def test_a_turn_is_cached_if_one_of_its_messages_is_and_only_the_last_three_are() -> None:
    messages = [
        Message("user", "One.", cache=True),
        Message("assistant", "A.", cache=True),
        Message("user", "Two.", cache=True),
        Message("user", "Three."),
        assistant("B."),
        Message("user", "Four.", cache=True),
    ]
    turns = conversation(Prompt(messages)).turns

    assert [(turn.parts, turn.is_cached) for turn in turns] == [
        (("One.",), False),
        (("A.",), True),
        (("Two.\n\nThree.",), True),
        (("B.",), False),
        (("Four.",), True),
    ]


def test_a_document_can_have_its_text_in_a_neighbour() -> None:
    made = conversation(Prompt([user(TEXT), user("Read it.")]))
    assert made.turns == (Turn("user", (File("document", "txt", b"words", "document-1"), "Read it.")),)


def test_as_many_files_as_the_service_takes() -> None:
    parts: list[Part] = ["Read them.", *5 * [TEXT], *20 * [IMAGE]]
    [turn] = conversation(Prompt([user(*parts)])).turns
    assert len({part.name for part in turn.parts if isinstance(part, File) and part.kind == "document"}) == 5


BROKEN: list[tuple[Any, str, tuple[str | int, ...]]] = [
    (" \n", "blank_text", ("messages",)),
    (5, "wrong_type", ("messages",)),
    ([], "role_order", ("messages",)),
    (["Why?"], "wrong_type", ("messages", 0)),
    ([assistant(), user("Why?")], "role_order", ("messages", 0)),
    ([user("Why?"), assistant()], "role_order", ("messages", 1)),
    ([Message("system", "Obey.")], "wrong_type", ("messages", 0, "role")),  # type: ignore[arg-type]  # checked here
    ([Message("user", "\u200b")], "blank_text", ("messages", 0, "content")),
    ([user("Why?", "")], "blank_text", ("messages", 0, "content", 1)),
    ([user()], "blank_text", ("messages", 0, "content")),
    ([Message("user", None)], "wrong_type", ("messages", 0, "content")),  # type: ignore[arg-type]  # same
    ([Message("user", b"x")], "wrong_type", ("messages", 0, "content")),  # type: ignore[arg-type]  # same
    ([user("Why?", 5)], "wrong_type", ("messages", 0, "content", 1)),  # type: ignore[arg-type]  # same
    ([user(Image("x"))], "wrong_type", ("messages", 0, "content", 0)),  # type: ignore[arg-type]  # same
    ([user("?"), Message("assistant", IMAGE), user("?")], "wrong_type", ("messages", 1, "content")),
    ([user("Read it.", Document(b"words"))], "format_unknown", ("messages", 0, "content", 1)),
    ([user("?", Document(PDF, "text/csv"))], "media_type_mismatch", ("messages", 0, "content", 1)),
    ([user("?", Document(PDF + bytes(DOCUMENT_LIMIT)))], "document_too_large", ("messages", 0, "content", 1)),
    ([user("?", Image(png() + bytes(IMAGE_LIMIT)))], "image_too_large", ("messages", 0, "content", 1)),
    ([user("?", Image(png(1, 8001)))], "image_too_large", ("messages", 0, "content", 1)),
    ([Message("user", TEXT)], "no_text_beside_document", ("messages", 0, "content")),
    ([user("?"), assistant(), user(IMAGE, TEXT)], "no_text_beside_document", ("messages", 2, "content", 1)),
    ([user("?", *5 * [TEXT]), user(TEXT)], "too_many_documents", ("messages", 1, "content", 0)),
    ([user("?", *21 * [IMAGE])], "too_many_images", ("messages", 0, "content", 21)),
]


@pytest.mark.parametrize(("messages", "rule", "place"), BROKEN)
def test_what_the_service_would_refuse_is_named_with_its_place(
    messages: Any,
    rule: str,
    place: tuple[str | int, ...],
) -> None:
    with pytest.raises(Fault) as caught:
        conversation(Prompt(messages))
    assert (caught.value.rule, caught.value.place) == (rule, place)


def test_instructions_are_a_text() -> None:
    with pytest.raises(Fault) as caught:
        conversation(Prompt("Why?", instructions=5))  # type: ignore[arg-type]  # checked here
    assert (caught.value.rule, caught.value.place) == ("wrong_type", ("instructions",))
