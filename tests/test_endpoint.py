"""The classes of a prompt, in Python and in the JSON of a request."""

import re
from base64 import b64encode
from dataclasses import FrozenInstanceError
from typing import Any

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError

from function.contract import ROUTE
from function.endpoint import (
    DOCUMENT_LIMIT,
    IMAGE_LIMIT,
    OWN_CODES,
    REFUSAL_STATUSES,
    Call,
    Caller,
    Document,
    Image,
    Message,
    Prompt,
    Refused,
    is_blank,
)
from tests.media_files import OLD_OFFICE, PDF, png
from tests.wire.endings_table import BY_CODE


class Claim(BaseModel):
    photo: Image
    files: list[Document] = []
    history: list[Message] = []


def encoded(data: bytes) -> str:
    return b64encode(data).decode()


def errors(body: dict[str, Any]) -> list[tuple[tuple[str | int, ...], str]]:
    """Return place and rule of everything that is wrong with a body."""
    with pytest.raises(ValidationError) as caught:
        Claim.model_validate_json(to_json({"photo": {"data": encoded(png())}, **body}))
    return [(error["loc"], error["type"]) for error in caught.value.errors()]


def to_json(value: object) -> bytes:
    return TypeAdapter(object).dump_json(value)


def user(*parts: object) -> dict[str, Any]:
    return {"history": [{"role": "user", "content": list(parts)}]}


def test_a_request_carries_files_and_messages() -> None:
    body = {
        "photo": {"mediaType": "image/png", "data": encoded(png())},
        "files": [f"data:application/pdf;base64,{encoded(PDF)}", {"data": encoded(PDF)}],
        "history": [
            {"role": "user", "content": "What is it?"},
            {"role": "assistant", "content": {"b": "é", "a": [1, None]}},
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "And this?"},
                    {"type": "image", "mediaType": "image/png", "data": encoded(png())},
                    {"type": "document", "mediaType": "text/csv", "data": encoded(b"a,b")},
                ],
            },
        ],
    }
    claim = Claim.model_validate_json(to_json(body))
    assert claim.photo == Image(png(), "image/png")
    assert claim.files == [Document(PDF, "application/pdf"), Document(PDF)]
    assert claim.history == [
        Message("user", "What is it?"),
        Message("assistant", '{"b":"é","a":[1,null]}'),
        Message("user", ["And this?", Image(png(), "image/png"), Document(b"a,b", "text/csv")]),
    ]
    assert Claim.model_validate_json(claim.model_dump_json()) == claim
    assert Claim(photo=claim.photo, files=claim.files, history=claim.history) == claim
    assert Claim.model_json_schema()["required"] == ["photo"]


@pytest.mark.parametrize(
    ("body", "place", "rule"),
    [
        ({"photo": {"data": "?"}}, ("photo", "data"), "base64_decode"),
        ({"photo": {"data": encoded(png()) + "\n"}}, ("photo", "data"), "base64_decode"),
        ({"photo": {"data": 5}}, ("photo", "data"), "string_type"),
        ({"photo": {"data": encoded(png()), "name": "x"}}, ("photo", "name"), "extra_forbidden"),
        ({"photo": {"mediaType": "image/png"}}, ("photo", "data"), "missing"),
        ({"photo": {"mediaType": "image/gif", "data": encoded(png())}}, ("photo",), "media_type_mismatch"),
        ({"photo": {"data": encoded(PDF)}}, ("photo",), "format_unknown"),
        ({"photo": {"data": encoded(png()[:20])}}, ("photo",), "format_unknown"),
        ({"photo": {"data": encoded(png(8001, 1))}}, ("photo",), "image_too_large"),
        ({"photo": {"data": encoded(png() + bytes(IMAGE_LIMIT))}}, ("photo",), "image_too_large"),
        ({"photo": "https://example.com/photo.png"}, ("photo",), "data_url"),
        ({"photo": f"data:image/png,{encoded(png())}"}, ("photo",), "data_url"),
        ({"files": [{"data": encoded(OLD_OFFICE)}]}, ("files", 0), "format_unknown"),
        ({"files": [{"data": encoded(PDF + bytes(DOCUMENT_LIMIT))}]}, ("files", 0), "document_too_large"),
        ({"history": [{"role": "system", "content": "x"}]}, ("history", 0, "role"), "literal_error"),
        ({"history": [{"role": "user"}]}, ("history", 0, "content"), "missing"),
        ({"history": [{"role": "user", "content": "x", "name": "y"}]}, ("history", 0, "name"), "extra_forbidden"),
        ({"history": [{"role": "user", "content": "x", "cache": True}]}, ("history", 0, "cache"), "extra_forbidden"),
        ({"history": [{"role": "user", "content": " \u200b"}]}, ("history", 0, "content"), "blank_text"),
        ({"history": [{"role": "user", "content": {"a": 1}}]}, ("history", 0, "content"), "wrong_type"),
        ({"history": [{"role": "user", "content": 5}]}, ("history", 0, "content"), "wrong_type"),
        (user(), ("history", 0, "content"), "blank_text"),
        (user("x"), ("history", 0, "content", 0), "wrong_type"),
        (user({"type": "text", "text": ""}), ("history", 0, "content", 0), "blank_text"),
        (user({"type": "text", "text": 5}), ("history", 0, "content", 0, "text"), "string_type"),
        (user({"type": "text", "text": "x", "id": 5}), ("history", 0, "content", 0, "id"), "extra_forbidden"),
        (user({"type": "video", "data": ""}), ("history", 0, "content", 0), "wrong_type"),
        (user({"type": ["text"]}), ("history", 0, "content", 0), "wrong_type"),
        (user({"type": "document", "data": "AA=="}), ("history", 0, "content", 0), "format_unknown"),
        (
            {"history": [{"role": "assistant", "content": [{"type": "image", "data": encoded(png())}]}]},
            ("history", 0, "content", 0),
            "wrong_type",
        ),
    ],
)
def test_what_a_request_carries_is_checked_with_its_path(
    body: dict[str, Any], place: tuple[str | int, ...], rule: str
) -> None:
    assert errors(body) == [(place, rule)]


def test_no_error_quotes_the_file() -> None:
    with pytest.raises(ValidationError) as caught:
        Claim.model_validate_json(to_json({"photo": {"data": encoded(b"canary" * 100)}}))
    assert encoded(b"canary") not in str(caught.value.errors(include_input=False))


def test_a_file_shows_its_type_and_size_and_never_its_data() -> None:
    message = Message("user", [Image(b"canary", "image/png"), Document(b"canary")])
    assert repr(message.content) == "(Image(image/png, 6 bytes), Document(no media type, 6 bytes))"
    assert "canary" not in repr(Prompt([message], validation_context="canary"))


def test_nothing_of_a_prompt_can_be_changed() -> None:
    parts: list[str | Image | Document] = ["one"]
    messages = [Message("user", parts)]
    metadata = {"tenant": "a"}
    prompt = Prompt(messages, metadata=metadata)
    parts.append("two")
    messages.append(Message("user", "three"))
    metadata["tenant"] = "b"
    assert prompt.messages == (Message("user", ("one",)),)
    assert prompt.metadata == {"tenant": "a"}
    with pytest.raises(FrozenInstanceError):
        prompt.instructions = "x"  # type: ignore[misc]  # what a type checker refuses too
    with pytest.raises(TypeError):
        prompt.metadata["x"] = "y"  # type: ignore[index]  # same


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        ({f"key{number}": "" for number in range(9)}, "metadata must have at most 8 pairs; got 9"),
        ({"Tenant": "x"}, "A key of metadata must match"),
        ({"a" * 33: "x"}, "A key of metadata must match"),
        ({"a": "x" * 257}, "metadata\\['a'\\] must be a string of at most 256 characters"),
        ({"a": 5}, "metadata\\['a'\\] must be a string"),
        ({5: "a"}, "A key of metadata must match"),
        (None, "metadata must be a mapping of strings; got NoneType"),
    ],
)
def test_wrong_metadata_is_refused_where_it_is_made(metadata: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Prompt("x", metadata=metadata)
    assert Prompt("x", metadata={"a" * 32: "y" * 256}).metadata


def test_that_a_message_is_cached_is_never_in_json() -> None:
    claim = Claim(photo=Image(png()), history=[Message("user", "x", cache=True)])

    assert claim.history[0].cache
    assert "cache" not in claim.model_dump_json()
    assert "cache" not in str(TypeAdapter(Message).json_schema())


def test_whether_a_message_is_cached_is_true_or_false() -> None:
    with pytest.raises(ValidationError) as caught:
        Claim(photo=Image(png()), history=[Message("user", "x", cache="1h")])  # type: ignore[arg-type]  # the mistake
    assert [(error["loc"], error["type"]) for error in caught.value.errors()] == [
        (("history", 0, "cache"), "wrong_type")
    ]


def test_a_client_cannot_write_a_whole_prompt() -> None:
    class Open(BaseModel):
        prompt: Prompt

    with pytest.raises(ValidationError):
        Open.model_validate_json('{"prompt": {"messages": "x", "instructions": "Obey."}}')
    assert Open(prompt=Prompt("x")).prompt == Prompt("x")


def test_a_call_can_be_made_for_a_test_and_not_changed() -> None:
    call = Call(request_id="req-1", caller=Caller("apiKey", "k"))
    assert (call.caller.id, call.route, call.traceparent, call.xray_trace_id) == ("k", ROUTE, None, None)
    assert call.seconds_left() == float("inf")
    with pytest.raises(FrozenInstanceError):
        call.route = "other"  # type: ignore[misc]


def test_the_seconds_that_are_left_end_at_none() -> None:
    assert Call(request_id="req-1", _seconds_left=lambda: -3.0).seconds_left() == 0


def test_a_refusal_has_a_code_of_its_own() -> None:
    """The function's own codes are those of its errors, all of them."""
    assert set(BY_CODE) == OWN_CODES
    refusal = Refused("tenant_locked", title="The tenant is locked.")
    assert (refusal.code, refusal.status, refusal.detail, refusal.retry_after) == ("tenant_locked", 403, None, None)
    assert Refused("too_many", status=429, title="Later.", retry_after=60).retry_after == 60


@pytest.mark.parametrize(
    ("code", "members", "message"),
    [
        ("Locked", {}, "The code of a refusal must match [a-z]"),
        (f"a{40 * 'b'}", {}, "The code of a refusal must match [a-z]"),
        (7, {}, "The code of a refusal must match [a-z]"),
        ("internal", {}, "The code of a refusal must be none of the function's own; got 'internal'."),
        ("locked", {"status": 200}, "The status of a refusal must be one of 400, 402, 403, 404, 409, 410, 422, 423,"),
        ("locked", {"status": 500}, "The status of a refusal must be one of "),
        ("locked", {"status": 403.0}, "The status of a refusal must be one of "),
        ("locked", {"status": [403]}, "The status of a refusal must be one of "),
        ("locked", {"title": " "}, "The title of a refusal must be a sentence; got ' '."),
        ("locked", {"title": "half a pair: \ud83d"}, "The title of a refusal must be a sentence; got "),
        ("locked", {"detail": "half a pair: \ud83d"}, "The detail of a refusal must be a sentence or None; got "),
        ("locked", {"detail": 5}, "The detail of a refusal must be a sentence or None; got 5."),
        ("locked", {"retry_after": 5}, "retry_after must be a whole number of seconds, with the status 429 alone;"),
        ("locked", {"status": 429, "retry_after": 0.5}, "retry_after must be a whole number of seconds"),
        ("locked", {"status": 429, "retry_after": True}, "retry_after must be a whole number of seconds"),
        ("locked", {"status": 429, "retry_after": 0}, "retry_after must be a whole number of seconds"),
    ],
)
def test_a_wrong_refusal_fails_where_it_is_made(code: Any, members: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}"):
        Refused(code, **{"title": "No.", **members})


@pytest.mark.parametrize("status", sorted(REFUSAL_STATUSES))
def test_a_refusal_has_one_of_these_statuses(status: int) -> None:
    assert Refused("locked", status=status, title="No.").status == status


@pytest.mark.parametrize(
    ("text", "blank"),
    [
        ("", True),
        (" \t\r\n\u00a0\u2028", True),
        ("\u200b \u0000\ufeff", True),
        (" \u200b!", False),
        ("\u200b\u0301", False),
        ("x", False),
        (2_000_000 * "\u200b", True),
        (2_000_000 * "\u200b" + "x", False),
    ],
)
def test_a_text_is_blank_if_nothing_of_it_can_be_seen(text: str, blank: bool) -> None:
    assert is_blank(text) is blank
