"""The stand-in refuses what the service refuses in conversations, and nothing that the function sends."""

import json
from base64 import b64encode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from function.aws.bedrock.converse import Converse
from function.contract import read_settings
from function.conversation import conversation
from function.endpoint import Document, Fault, Image, Message, Part, Prompt
from local.bedrock.conversations import refusals
from local.bedrock.rules import check_request
from tests.media_files import DOCX, PDF, XLSX, gif, jpeg, png, webp

MODEL = "anthropic.claude-opus-4-6-v1"


def image(kind: str = "png", data: bytes = b"x") -> dict[str, Any]:
    return {"image": {"format": kind, "source": {"bytes": b64encode(data).decode()}}}


def document(name: str = "document-1", kind: str = "pdf", data: bytes = b"x") -> dict[str, Any]:
    return {"document": {"format": kind, "name": name, "source": {"bytes": b64encode(data).decode()}}}


def said(role: str, *blocks: dict[str, Any]) -> dict[str, Any]:
    return {"role": role, "content": list(blocks)}


TEXT = {"text": "Why?"}


@pytest.mark.parametrize(
    ("messages", "start"),
    [
        ([said("user", TEXT), said("user", TEXT)], "A conversation must alternate"),
        ([said("user", TEXT), said("assistant", image()), said("user", TEXT)], "Images and documents are only"),
        ([said("user", image("tiff"))], "Value at 'format'"),
        ([said("user", image(data=b""))], "Value at 'source.bytes'"),
        ([said("user", image(data=bytes(3_932_161)))], "The file is larger"),
        ([said("user", TEXT, document("report.pdf"))], "The document file name"),
        ([said("user", TEXT, document("a  b"))], "The document file name"),
        ([said("user", TEXT, document(), document())], "Messages can't contain duplicate"),
        ([said("user", TEXT, *[document(str(number)) for number in range(6)])], "You can't include more than 5"),
        ([said("user", document())], "A text block must be included"),
    ],
)
def test_each_rule_has_the_services_words(messages: list[dict[str, Any]], start: str) -> None:
    [sentence] = refusals(messages)
    assert sentence.startswith(start)


texts = st.text(max_size=20)
files = st.one_of(
    st.sampled_from([Image(png()), Image(jpeg()), Image(gif()), Image(webp())]),
    st.sampled_from([Document(PDF), Document(DOCX), Document(XLSX), Document(b"a,b", "text/csv"), Document(b"?")]),
)
parts: st.SearchStrategy[Part] = st.one_of(texts, files)
messages = st.builds(Message, st.sampled_from(["user", "assistant"]), st.one_of(texts, st.lists(parts, max_size=7)))


@given(st.one_of(texts, st.lists(messages, max_size=6)))
def test_what_the_function_sends_is_never_refused(given_messages: str | list[Message]) -> None:
    """Whatever a prompt holds: the function's own rules refuse it, or the stand-in takes it."""
    try:
        made = conversation(Prompt(given_messages))
    except Fault:
        return
    converse = Converse(read_settings({"LLM_MODEL_ID": MODEL}), {"type": "object", "properties": {}}, "Be brief.")
    sent = converse.request(converse.form, made, None)
    body = json.loads(json.dumps(sent, default=lambda data: b64encode(data).decode()))
    check_request(MODEL, body, refuses_output_config=False)
