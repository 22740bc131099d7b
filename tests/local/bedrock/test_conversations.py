"""The stand-in refuses what the service refuses in conversations, and nothing that the function sends."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from function.aws.bedrock.converse import Converse
from function.aws.gateway import parse_event
from function.contract import read_settings
from function.conversation import Conversation, conversation
from function.endpoint import Document, Fault, Image, Message, Part, Prompt
from function.request import Accepted, checked_prompt, read_body, read_request
from function.schema import Request
from function.stream.errors import PromptInvalid, RequestError
from local.bedrock.conversations import RULES, broken
from local.bedrock.rules import check_request
from tests.conversations import JSON, TEXTS, as_body, claims, encoded, nearly_valid, pieces, valid
from tests.media_files import DOCX, OLD_OFFICE, PDF, XLSX, gif, jpeg, png, webp
from tests.wire.claiming import Claim

MODEL: Final = "anthropic.claude-opus-4-6-v1"
LIMIT: Final = 10_000_000
"""Bytes: more than a body may have, so that each file's own limit is what counts."""


def image(kind: str = "png", data: bytes = png()) -> dict[str, Any]:
    return {"image": {"format": kind, "source": {"bytes": encoded(data)}}}


def document(name: str = "document-1", kind: str = "pdf", data: bytes = PDF) -> dict[str, Any]:
    return {"document": {"format": kind, "name": name, "source": {"bytes": encoded(data)}}}


def said(role: str, *blocks: dict[str, Any]) -> dict[str, Any]:
    return {"role": role, "content": list(blocks)}


TEXT: Final = {"text": "Why?"}
ASKED: Final = said("user", TEXT)
ANSWERED: Final = said("assistant", TEXT)


def rules(body: Mapping[str, Any], model: str = MODEL) -> list[str]:
    """Return the names of all rules that a request breaks."""
    return [rule.name for rule, _ in broken(model, body)]


ROWS: Final[list[tuple[str, dict[str, Any], str]]] = [
    ("messages", {"messages": []}, "1 validation error detected: Value at 'messages'"),
    (
        "content",
        {"messages": [{"role": "user", "content": []}]},
        "The content field in the Message object at messages.0",
    ),
    ("role", {"messages": [said("system", TEXT)]}, "1 validation error detected: Value at 'messages.0.role'"),
    ("blank text", {"messages": [said("user", TEXT, {"text": "\n"})]}, "The text field in the ContentBlock object at "),
    ("first role", {"messages": [ANSWERED, ASKED]}, "A conversation must start with a user message."),
    ("last role", {"messages": [ASKED, ANSWERED]}, "This model does not support assistant message prefill."),
    ("alternation", {"messages": [ASKED, ASKED]}, "A conversation must alternate"),
    ("files of the user", {"messages": [ASKED, said("assistant", image()), ASKED]}, "Images and documents are only"),
    (
        "format",
        {"messages": [said("user", image("PNG"))]},
        "1 validation error detected: Value at 'messages.0.content.0",
    ),
    ("format", {"messages": [said("user", TEXT, document(kind="json"))]}, "1 validation error detected: Value at"),
    ("bytes", {"messages": [said("user", TEXT, document(kind="txt", data=b""))]}, "1 validation error detected: Value"),
    (
        "image size",
        {"messages": [said("user", image(data=png() + bytes(3_932_161)))]},
        "The model returned the following errors: messages.0.content.0.image.source.bytes: image exceeds 5 MB maximum",
    ),
    ("image", {"messages": [said("user", image(data=png()[:20]))]}, "The model returned the following errors: "),
    ("image format", {"messages": [said("user", image("gif"))]}, "The model returned the following errors: "),
    (
        "image pixels",
        {"messages": [said("user", image(data=png(1, 8_001)))]},
        "The model returned the following errors: messages.0.content.0.image.source.bytes: At least one of the image",
    ),
    ("images", {"messages": [said("user", *21 * [image()])]}, "You can't include more than 20 images"),
    (
        "document size",
        {"messages": [said("user", TEXT, document(data=PDF + bytes(4_718_592)))]},
        "The document at messages.0.content.1.document.source.bytes is larger",
    ),
    (
        "document format",
        {"messages": [said("user", TEXT, document(data=b"words"))]},
        "The model returned the following",
    ),
    ("document format", {"messages": [said("user", TEXT, document(kind="md", data=b"\xff"))]}, "The model returned"),
    ("documents", {"messages": [said("user", TEXT, *map(document, "123456"))]}, "You can't include more than 5 doc"),
    ("document name", {"messages": [said("user", TEXT, document("report.pdf"))]}, "The document file name can only"),
    ("document name", {"messages": [said("user", TEXT, document("a  b"))]}, "The document file name can only"),
    ("document name", {"messages": [said("user", TEXT, document(201 * "a"))]}, "The document file name can only"),
    (
        "document names",
        {"messages": [said("user", TEXT, document()), ANSWERED, said("user", TEXT, document())]},
        "Messages can't contain duplicate document names.",
    ),
    ("text beside a document", {"messages": [said("user", document())]}, "A text block must be included"),
    ("metadata pairs", {"messages": [ASKED], "requestMetadata": {}}, "1 validation error detected: Value at 'requestM"),
    (
        "metadata pairs",
        {"messages": [ASKED], "requestMetadata": {str(each): "" for each in range(17)}},
        "1 validation ",
    ),
    ("metadata key", {"messages": [ASKED], "requestMetadata": {"": "x"}}, "1 validation error detected: Value at 'req"),
    ("metadata key", {"messages": [ASKED], "requestMetadata": {257 * "a": "x"}}, "1 validation error detected: Value "),
    (
        "metadata key",
        {"messages": [ASKED], "requestMetadata": {"a|b": "x"}},
        "1 validation error detected: Value at 'r",
    ),
    (
        "metadata value",
        {"messages": [ASKED], "requestMetadata": {"a": 257 * "x"}},
        "1 validation error detected: Value",
    ),
    ("metadata value", {"messages": [ASKED], "requestMetadata": {"a": '{"b": 1}'}}, "1 validation error detected: Val"),
    (
        "metadata value",
        {"messages": [ASKED], "requestMetadata": {"a": "é"}},
        "1 validation error detected: Value at 'r",
    ),
]


@pytest.mark.parametrize(("name", "body", "start"), ROWS)
def test_each_rule_has_the_services_words(name: str, body: dict[str, Any], start: str) -> None:
    [(rule, sentence)] = broken(MODEL, body)
    assert rule.name == name
    assert sentence.startswith(start)


def test_every_rule_is_tested_and_has_a_source() -> None:
    assert {rule.name for rule in RULES} == {name for name, _, _ in ROWS}
    assert len({rule.name for rule in RULES}) == len(RULES)
    assert all(rule.source for rule in RULES)


def test_what_the_service_takes_is_not_refused() -> None:
    metadata = {f"{number}": "a Z\t09:_@$#=/+,-." for number in range(15)} | {256 * "k": 256 * "v"}
    names = ["a", "b-c (1) [2]", "d_e", 200 * "f", "document 5"]
    files = [image(data=png(8_000, 1)), *19 * [image("jpeg", jpeg())], *map(document, names)]
    body = {"messages": [said("user", TEXT, *files)], "requestMetadata": metadata}
    assert rules(body) == []
    assert rules({"messages": [ASKED, ANSWERED]}, "anthropic.claude-sonnet-4-5-v1:0") == []
    for kind, data in {"docx": DOCX, "xlsx": XLSX, "doc": OLD_OFFICE, "xls": OLD_OFFICE, "csv": b"a,b"}.items():
        assert rules({"messages": [said("user", TEXT, document(kind=kind, data=data))]}) == []


# --- What the function sends ---------------------------------------------------------------------------------------


def sent(made: str | Conversation, metadata: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return a request of the function as it arrives at the service."""
    converse = Converse(read_settings({"LLM_MODEL_ID": MODEL}), {"type": "object", "properties": {}}, "Be brief.")
    parameters = converse.request(converse.form, made, None, metadata)
    body: dict[str, Any] = json.loads(json.dumps(parameters, default=encoded))
    return body


files: st.SearchStrategy[Part] = st.sampled_from([
    Image(png()),
    Image(jpeg()),
    Image(gif()),
    Image(webp()),
    Image(png(8_000, 1), "image/png"),
    Document(PDF),
    Document(DOCX),
    Document(XLSX),
    Document(OLD_OFFICE, "application/msword"),
    Document(b"a,b", "text/csv"),
    Document(b"?"),
])  # fmt: skip
parts = st.one_of(TEXTS, files)
any_messages = st.builds(Message, st.sampled_from(["user", "assistant"]), st.one_of(TEXTS, st.lists(parts, max_size=7)))


@given(st.one_of(TEXTS, st.lists(any_messages, max_size=6)))
def test_what_the_function_sends_is_never_refused(given_messages: str | list[Message]) -> None:
    """Whatever a prompt holds: the function's own rules refuse it, or the stand-in takes it."""
    try:
        made = conversation(Prompt(given_messages))
    except Fault:
        return
    check_request(MODEL, sent(made), refuses_output_config=False)


@given(st.binary(max_size=40), st.data())
def test_a_file_of_any_bytes_is_never_sent_in_vain(data: bytes, draw: st.DataObject) -> None:
    """The two readers of images are written apart, and agree on what an image is."""
    start = draw.draw(
        st.sampled_from([png(), jpeg(), gif(), webp(), webp(kind=b"VP8L"), webp(kind=b"VP8 "), PDF, DOCX])
    )
    cut = draw.draw(st.integers(0, len(start)))
    changed = start[:cut] + data + start[cut + len(data) :]
    file: Part = Image(changed) if draw.draw(st.booleans()) else Document(changed)
    try:
        made = conversation(Prompt([Message("user", ["Why?", file])]))
    except Fault:
        return
    check_request(MODEL, sent(made), refuses_output_config=False)


keys = st.from_regex(r"[a-z][a-z0-9_]{0,31}", fullmatch=True)
pairs = st.dictionaries(keys, st.text(max_size=256), max_size=8)
of_caller = st.dictionaries(
    st.from_regex(r"caller_[A-Za-z0-9_]{1,100}", fullmatch=True), st.text(max_size=256), max_size=4
)


@given(pairs, of_caller)
def test_metadata_of_any_value_is_never_refused(metadata: dict[str, str], caller: dict[str, str]) -> None:
    prompt = Prompt("Why?", metadata=metadata)
    check_request(MODEL, sent("Why?", {**prompt.metadata, **caller}), refuses_output_config=False)


# --- Conversations with one fault ----------------------------------------------------------------------------------

FORMATS: Final = {
    "text/plain": "txt",
    "text/markdown": "md",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
}


def by_hand(messages: Sequence[Message]) -> dict[str, Any]:
    """Return the request of someone who checks nothing."""
    number = iter(range(1_000))

    def block(part: Part) -> dict[str, Any]:
        if isinstance(part, str):
            return {"text": part}
        declared = str(part.media_type)
        kind = FORMATS.get(declared, declared.partition("/")[2])
        return image(kind, part.data) if part.kind == "image" else document(f"document-{next(number)}", kind, part.data)

    return {"messages": [said(each.role, *map(block, pieces(each))) for each in messages]}


def with_part(*parts: Part, role: str = "user") -> Callable[[list[Message]], list[Message]]:
    """Return a change that adds parts to the last message of a role."""

    def change(messages: list[Message]) -> list[Message]:
        if role == "assistant":
            messages = [*messages, Message("assistant", ["Yes."]), Message("user", "And?")]
        at = len(messages) - 1 - (role == "assistant")
        changed = Message(messages[at].role, [*pieces(messages[at]), *parts])
        return [*messages[:at], changed, *messages[at + 1 :]]

    return change


def with_last(message: Message) -> Callable[[list[Message]], list[Message]]:
    """Return a change that ends the conversation with another message of the user."""
    return lambda messages: [*messages[:-1], message]


@dataclass(frozen=True)
class Mutation:
    """One fault, and the rule that it breaks: in the function, and in the stand-in."""

    change: Callable[[list[Message]], list[Message]]
    rule: str
    row: str
    status: int = 422
    prompt_error: str = ""
    """Where the request's own form has another word for it."""


YES: Final = Message("assistant", "Yes.")
MUTATIONS: Final = {
    "blank": Mutation(with_part(" \n"), "blank_text", "blank text"),
    "blank answer": Mutation(with_part("\t", role="assistant"), "blank_text", "blank text"),
    "empty": Mutation(with_last(Message("user", [])), "blank_text", "content"),
    "assistant first": Mutation(lambda messages: [YES, *messages], "role_order", "first role"),
    "assistant last": Mutation(lambda messages: [*messages, YES], "role_order", "last role"),
    "system": Mutation(
        lambda messages: [*messages, YES, Message("system", "Obey."), YES, *messages[:1]],  # type: ignore[arg-type]
        "literal_error",
        "role",
        prompt_error="wrong_type",
    ),
    "image of the assistant": Mutation(
        with_part(Image(png(), "image/png"), role="assistant"), "wrong_type", "files of the user"
    ),
    "document of the assistant": Mutation(
        with_part(Document(PDF, "application/pdf"), role="assistant"), "wrong_type", "files of the user"
    ),
    "document alone": Mutation(
        with_last(Message("user", [Document(PDF, "application/pdf")])),
        "no_text_beside_document",
        "text beside a document",
    ),
    "six documents": Mutation(
        with_last(Message("user", ["Read.", *6 * [Document(b"a", "text/plain")]])), "too_many_documents", "documents"
    ),
    "21 images": Mutation(
        with_last(Message("user", ["Look.", *21 * [Image(png(), "image/png")]])), "too_many_images", "images"
    ),
    "large image": Mutation(
        with_part(Image(png() + bytes(3_932_161), "image/png")), "image_too_large", "image size", 413
    ),
    "wide image": Mutation(with_part(Image(png(8_001, 1), "image/png")), "image_too_large", "image pixels", 413),
    "high image": Mutation(with_part(Image(jpeg(1, 8_001), "image/jpeg")), "image_too_large", "image pixels", 413),
    "large document": Mutation(
        with_last(Message("user", ["Read.", Document(PDF + bytes(4_718_592), "application/pdf")])),
        "document_too_large",
        "document size",
        413,
    ),
    "image of another kind": Mutation(with_part(Image(b"II*\0", "image/tiff")), "format_unknown", "format"),
    "damaged image": Mutation(with_part(Image(png()[:20], "image/png")), "format_unknown", "image"),
    "document of another kind": Mutation(
        with_last(Message("user", ["Read.", Document(b"{}", "application/json")])), "format_unknown", "format"
    ),
    "empty document": Mutation(
        with_last(Message("user", ["Read.", Document(b"", "text/plain")])), "format_unknown", "bytes"
    ),
    "image of a wrong type": Mutation(with_part(Image(png(), "image/gif")), "media_type_mismatch", "image format"),
    "pdf of text": Mutation(
        with_last(Message("user", ["Read.", Document(b"words", "application/pdf")])),
        "media_type_mismatch",
        "document format",
    ),
    "text of no text": Mutation(
        with_last(Message("user", ["Read.", Document(b"\xff\xfe", "text/markdown")])),
        "media_type_mismatch",
        "document format",
    ),
}


def faulty(messages: list[Message]) -> type[BaseModel]:
    """Return a request class whose prompt is of its own making: a fault in it is not the client's."""

    class Own(BaseModel):
        @property
        def prompt(self) -> Prompt:
            return Prompt(messages)

    return Own


def posted(body: object) -> dict[str, Any]:
    """Return the event of a request with this body."""
    return {
        "resource": "/stream",
        "httpMethod": "POST",
        "headers": {},
        "body": body if isinstance(body, str) else json.dumps(body),
        "requestContext": {"requestId": "r"},
    }


@settings(max_examples=25)
@given(valid())
def test_a_valid_conversation_is_taken_by_both(messages: list[Message]) -> None:
    assert rules(by_hand(messages)) == []
    _, made = read_body(parse_event(posted(as_body(messages))), Request, LIMIT)
    assert rules(sent(made)) == []


@pytest.mark.parametrize("mutation", MUTATIONS.values(), ids=MUTATIONS)
@settings(max_examples=5, deadline=None)
@given(messages=valid())
def test_one_fault_is_refused_by_its_own_rule(mutation: Mutation, messages: list[Message]) -> None:
    """By the function in what a client sends and in what a class or prepare makes; by the stand-in in the rest."""
    broken_by_one = mutation.change(messages)
    assert rules(by_hand(broken_by_one)) == [mutation.row]
    with pytest.raises(RequestError) as caught:
        read_body(parse_event(posted(as_body(broken_by_one))), Request, LIMIT)
    errors = caught.value.members["errors"]
    assert isinstance(errors, list)
    [error] = errors
    assert (caught.value.status, error["rule"]) == (mutation.status, mutation.rule)
    assert error["path"].startswith("/messages/")
    with pytest.raises(PromptInvalid) as own:
        read_body(parse_event(posted({})), faulty(broken_by_one), LIMIT)
    with pytest.raises(PromptInvalid) as prepared:
        checked_prompt(Prompt(broken_by_one), Request())
    for caught_error in (own.value, prepared.value):
        assert caught_error.rule == (mutation.prompt_error or mutation.rule)
        assert caught_error.path.startswith("/messages/")


@settings(max_examples=25)
@given(valid())
def test_neighbours_of_one_role_are_no_fault_to_us(messages: list[Message]) -> None:
    """A client that keeps two questions in a row is served; the service would refuse it."""
    doubled = [*messages, Message("user", "And?"), Message("user", ["So?", "Well?"])]
    assert rules(by_hand(doubled)) == ["alternation"]
    assert rules(sent(conversation(Prompt(doubled)))) == []


# --- Anything at all -----------------------------------------------------------------------------------------------


@settings(max_examples=200)
@given(st.one_of(nearly_valid(), claims(), JSON, TEXTS), st.sampled_from([Request, Claim]))
def test_no_body_is_more_than_refused(body: object, request_class: type[BaseModel]) -> None:
    """Whatever a client sends is answered, or it is the client's fault: never a failure of the function."""
    read = read_request(parse_event(posted(body)), request_class, LIMIT)
    if isinstance(read, Accepted):
        check_request(MODEL, sent(read.prompt), refuses_output_config=False)
    else:
        assert 400 <= read.error.status < 500
        assert read.error.__cause__ is None or isinstance(read.error.__cause__, ValueError)
