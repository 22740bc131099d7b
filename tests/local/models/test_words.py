from base64 import b64encode

import pytest

from local.models.words import words_of


def document(kind: str, data: bytes) -> dict[str, object]:
    source = {"bytes": b64encode(data).decode()}
    return {"document": {"format": kind, "name": "document-1", "source": source}}


@pytest.mark.parametrize("kind", ["txt", "md", "csv", "html"])
def test_a_document_that_is_a_text_is_read(kind: str) -> None:
    content = [{"text": "Read it."}, document(kind, "Grüße".encode())]

    assert words_of({"content": content}) == "Read it.\ndocument-1:\nGrüße"


def test_a_model_of_text_knows_of_what_it_cannot_see() -> None:
    content = [document("pdf", b"%PDF-"), {"image": {"format": "png", "source": {}}}, {"text": "What is it?"}]

    assert words_of({"content": content}).splitlines() == [
        "(Here is a document that you cannot see.)",
        "(Here is an image that you cannot see.)",
        "What is it?",
    ]
