"""What a client may send: anything else is rejected, and the model is never called."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import (
    AliasChoices,
    AliasPath,
    BaseModel,
    ConfigDict,
    Field,
    RootModel,
    SecretStr,
    computed_field,
    field_validator,
    model_validator,
)

from function.aws.gateway import HttpRequest, parse_event
from function.conversation import Conversation
from function.endpoint import Document, Image, Message, Prompt
from function.request import check_route, checked_prompt, default_body_limit, read_body
from function.schema import Request
from function.stream.errors import (
    BodyInvalid,
    BodyNotJson,
    BodyTooLarge,
    Internal,
    MediaTypeUnsupported,
    MethodNotAllowed,
    NotFound,
    PromptInvalid,
    RequestError,
)
from tests.media_files import PDF, png

DEFAULT = Request().prompt
LIMIT = 65_536


def request(body: str | None = None, content_type: str | None = None, **members: object) -> HttpRequest:
    event = {
        "resource": "/stream",
        "httpMethod": "POST",
        "headers": {"Content-Type": content_type} if content_type else None,
        "multiValueHeaders": None,
        "body": body,
        "isBase64Encoded": False,
        "requestContext": {"requestId": "r"},
        **members,
    }
    return parse_event(event)


def read_prompt(http: HttpRequest, request_class: type[BaseModel], limit: int) -> str | Conversation:
    return read_body(http, request_class, limit)[1]


@pytest.mark.parametrize(
    ("body", "prompt"),
    [
        (None, DEFAULT),
        ("", DEFAULT),
        (" \n", DEFAULT),
        ("{}", DEFAULT),
        ('{"prompt": "Why?"}', "Why?"),
        ('"Why?"', "Why?"),
        ('"Gr\\u00fc\\u00dfe \\ud83d\\ude42"', "Grüße 🙂"),
    ],
)
def test_a_body_is_an_object_or_a_bare_string_or_nothing(body: str | None, prompt: str) -> None:
    assert read_prompt(request(body), Request, LIMIT) == prompt


BLANKS = [
    "",
    " ",
    "\n\t\r",
    "\u00a0",
    "\u3000",
    "\u2028\u2029\u0085",
    "\u200b",
    "\ufeff",
    "\u0000\u001f",
    "\u2060 \u180e",
]


class Aliased(BaseModel):
    prompt: str = Field(default="Why is the sky blue?", alias="question")


class Topic(BaseModel):
    topic: str = "the sky"
    words: int = 50

    @property
    def prompt(self) -> str:
        return self.topic.strip() and f"{self.topic} in {self.words} words"


class Optional(BaseModel):
    prompt: str | None = None


class Plain(BaseModel):
    prompt: str


@pytest.mark.parametrize("blank", BLANKS)
@pytest.mark.parametrize(
    ("request_class", "key", "path"),
    [
        (Plain, "prompt", "/prompt"),
        (Aliased, "question", "/question"),
        (Topic, "topic", ""),
        (Optional, "prompt", "/prompt"),
    ],
)
def test_a_blank_prompt_is_invalid(request_class: type[BaseModel], key: str, path: str, blank: str) -> None:
    """The service would refuse it, and the operator would look for the fault there."""
    if request_class is Topic and blank.strip():
        return  # the class makes a prompt of it
    for escaped in (True, False):
        body = json.dumps({key: blank}, ensure_ascii=escaped)
        with pytest.raises(BodyInvalid) as caught:
            read_prompt(request(body), request_class, LIMIT)
        assert caught.value.members == {"errors": [{"path": path, "rule": "prompt_blank"}]}


@pytest.mark.parametrize("body", [None, "{}", '{"prompt": null}'])
def test_a_prompt_that_is_none_is_blank(body: str | None) -> None:
    with pytest.raises(BodyInvalid):
        read_prompt(request(body), Optional, LIMIT)


@pytest.mark.parametrize("prompt", [" a ", "\u200b!", "0", "\u0301", "\ufffd", "🙂"])
def test_a_prompt_that_can_be_seen_is_not_blank(prompt: str) -> None:
    assert read_prompt(request(json.dumps(prompt)), Request, LIMIT) == prompt


class Choices(BaseModel):
    prompt: str = Field(default="Why?", validation_alias=AliasChoices("question", "q"))


class Nested(BaseModel):
    prompt: str = Field(default="Why?", validation_alias=AliasPath("messages", 1, "text"))


class Generated(BaseModel):
    model_config = ConfigDict(alias_generator=str.upper)

    prompt: str = "Why?"


class ByName(BaseModel):
    model_config = ConfigDict(validate_by_name=True, validate_by_alias=False)

    prompt: str = Field(default="Why?", alias="question")


class Secret(BaseModel):
    prompt: SecretStr = SecretStr("Why?")


class Required(BaseModel):
    topic: str = Field(min_length=2)
    style: str = "plain"

    @property
    def prompt(self) -> str:
        return f"{self.topic}, in a {self.style} style"


class Root(RootModel[str]):
    @property
    def prompt(self) -> str:
        return f"Explain: {self.root}"


class TakesText(BaseModel):
    topic: str = "the sky"
    other: str = "the sea"

    @model_validator(mode="before")
    @classmethod
    def text(cls, value: object) -> object:
        return {"topic": value} if isinstance(value, str) else value

    @computed_field  # type: ignore[prop-decorator]  # as Pydantic's documentation has it
    @property
    def prompt(self) -> str:
        return f"Explain {self.topic}"


@pytest.mark.parametrize(
    ("request_class", "prompt"),
    [
        (Plain, "rain"),
        (Aliased, "rain"),
        (Choices, "rain"),
        (Nested, "rain"),
        (Generated, "rain"),
        (ByName, "rain"),
        (Secret, "rain"),
        (Topic, "rain in 50 words"),
        (Required, "rain, in a plain style"),
        (Root, "Explain: rain"),
        (TakesText, "Explain rain"),
    ],
)
def test_a_bare_string_is_the_prompt_wherever_the_class_has_it(request_class: type[BaseModel], prompt: str) -> None:
    assert read_prompt(request('"rain"'), request_class, LIMIT) == prompt


class Ambiguous(BaseModel):
    topic: str = "the sky"
    style: str = "plain"

    @property
    def prompt(self) -> str:
        return f"{self.topic}, in a {self.style} style"


class Unused(BaseModel):
    language: str = "en"

    @property
    def prompt(self) -> str:
        return "Why is the sky blue?"


class Numbered(BaseModel):
    number: int = 1

    @property
    def prompt(self) -> str:
        return f"What is special about {self.number}?"


class Elsewhere(BaseModel):
    prompt: str = "Why?"

    @model_validator(mode="before")
    @classmethod
    def unpacked(cls, value: Any) -> object:
        return value.get("data", {})


class Half(BaseModel):
    """One of the two fields that the string may stand for fails, and so the other one is no better guess."""

    topic: str = "the sky"
    style: str = "plain"

    @property
    def prompt(self) -> str:
        return {"the sky": "Why is the sky blue? "}[self.topic] + self.style


class Deep(BaseModel):
    prompt: str = Field(default="Why?", validation_alias=AliasPath("messages", "text"))
    messages: list[str] = []


@pytest.mark.parametrize("request_class", [Ambiguous, Unused, Numbered, Deep, Elsewhere, Half])
def test_a_bare_string_is_never_another_question(request_class: type[BaseModel]) -> None:
    """Where it cannot be told what the string stands for, or the prompt would not have it, it is invalid."""
    for body in ('"rain"', '"e"', '"1"', '""'):
        with pytest.raises(BodyInvalid):
            read_prompt(request(body), request_class, LIMIT)


class Faulty(BaseModel):
    topic: str = "the sky"

    @field_validator("topic")
    @classmethod
    def check(cls, topic: str) -> str:
        return str({"rain": 1}[topic])

    @property
    def prompt(self) -> str:
        return self.topic


def test_a_mistake_in_the_class_is_not_the_callers() -> None:
    with pytest.raises(KeyError):
        read_prompt(request('"snow"'), Faulty, LIMIT)


def test_a_bare_string_that_fits_no_field_is_no_object() -> None:
    with pytest.raises(BodyInvalid) as caught:
        read_prompt(request('"r"'), Required, LIMIT)
    assert caught.value.members == {"errors": [{"path": "", "rule": "model_type"}]}


@pytest.mark.parametrize(
    "body",
    [
        '{"prompt": "a", "prompt": "b"}',
        '{"prompt": "a", "\\u0070rompt": "a"}',
        '{"prompt": "a", "more": [{"": 1, "": 2}]}',
        '[[{"a": {"b": 1, "c": 2, "b": 1}}]]',
    ],
)
def test_a_key_twice_is_not_json(body: str) -> None:
    with pytest.raises(BodyNotJson) as caught:
        read_prompt(request(body), Request, LIMIT)
    assert caught.value.detail == "duplicate key"


def test_a_byte_order_mark_before_the_body_is_ignored() -> None:
    for body, prompt in (('{"prompt": "Why?"}', "Why?"), ('"Why?"', "Why?"), ("", DEFAULT), (" ", DEFAULT)):
        marked = "\ufeff" + body
        assert read_prompt(request(marked), Request, LIMIT) == prompt
        encoded = base64.b64encode(marked.encode()).decode()
        assert read_prompt(request(encoded, isBase64Encoded=True), Request, LIMIT) == prompt
    with pytest.raises(BodyNotJson):
        read_prompt(request('\ufeff\ufeff"Why?"'), Request, LIMIT)


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16", "utf-16-le", "utf-32", "cp1252"])
def test_a_body_in_another_encoding_is_not_json(encoding: str) -> None:
    encoded = base64.b64encode('{"prompt": "Grüße"}'.encode(encoding)).decode()
    with pytest.raises(BodyNotJson):
        read_prompt(request(encoded, isBase64Encoded=True), Request, LIMIT)


@pytest.mark.parametrize("number", ["1" * 4000, "1" * 5000, "1e999", "-0.0", "1e-999"])
def test_numbers_of_any_size_have_no_say(number: str) -> None:
    with pytest.raises((BodyInvalid, BodyNotJson)):
        read_prompt(request(f'{{"prompt": {number}}}'), Request, LIMIT)


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "application/json",
        "application/json; charset=utf-8",
        "APPLICATION/JSON",
        "text/json",
        "application/problem+json",
        "text/plain",
        "text/plain;charset=UTF-8",
        "application/x-www-form-urlencoded",
    ],
)
def test_a_body_counts_as_json_whatever_a_client_calls_it(content_type: str | None) -> None:
    """Curl and fetch declare types of their own if the caller sets none."""
    assert read_prompt(request('"x"', content_type), Request, LIMIT) == "x"


@pytest.mark.parametrize("content_type", ["application/xml", "multipart/form-data; boundary=x", "image/json", "json"])
def test_another_declared_type_is_refused(content_type: str) -> None:
    with pytest.raises(MediaTypeUnsupported):
        read_prompt(request('"x"', content_type), Request, LIMIT)


@pytest.mark.parametrize(
    "body", ["{", "nonsense", '{"prompt": NaN}', '{"prompt": 1} x', "[" * 100_000, "\x00", '{"a": "\ud800"}']
)
def test_what_is_not_json_is_refused(body: str) -> None:
    with pytest.raises(BodyNotJson):
        read_prompt(request(body), Request, LIMIT * 10)


def test_damaged_base64_is_refused() -> None:
    with pytest.raises(BodyNotJson):
        read_prompt(request("%%%", isBase64Encoded=True), Request, LIMIT)


def test_bytes_that_are_not_utf_8_are_refused() -> None:
    with pytest.raises(BodyNotJson):
        read_prompt(request("Iv8i", isBase64Encoded=True), Request, LIMIT)


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ('{"prompt": 5}', [{"path": "/prompt", "rule": "string_type"}]),
        ('{"prompt": ""}', [{"path": "/prompt", "rule": "string_too_short"}]),
        ('""', [{"path": "/prompt", "rule": "string_too_short"}]),
        ('{"promt": "x"}', [{"path": "/promt", "rule": "extra_forbidden"}]),
        ('{"a/b~": 1}', [{"path": "/a~1b~0", "rule": "extra_forbidden"}]),
        ("[]", [{"path": "", "rule": "model_type"}]),
        ("5", [{"path": "", "rule": "model_type"}]),
        ("null", [{"path": "", "rule": "model_type"}]),
    ],
)
def test_an_invalid_request_is_reported_by_path_and_rule(body: str, errors: list[dict[str, str]]) -> None:
    """Its values are never repeated."""
    with pytest.raises(BodyInvalid) as caught:
        read_prompt(request(body), Request, LIMIT)

    assert caught.value.members == {"errors": errors}


def test_at_most_twenty_errors_are_reported() -> None:
    body = json.dumps({f"key{number}": 1 for number in range(1000)})
    with pytest.raises(BodyInvalid) as caught:
        read_prompt(request(body), Request, LIMIT)

    errors = caught.value.members["errors"]
    assert isinstance(errors, list)
    assert len(errors) == 20


def test_the_size_is_counted_in_bytes() -> None:
    assert read_prompt(request('"üü"'), Request, 6) == "üü"
    with pytest.raises(BodyTooLarge, match="The limit is 5 bytes"):
        read_prompt(request('"üü"'), Request, 5)


@pytest.mark.parametrize(
    ("resource", "method", "error"),
    [("/other", "POST", NotFound), ("", "", NotFound), ("/stream", "GET", MethodNotAllowed)],
)
def test_what_the_gateway_would_not_pass_on_is_refused(resource: str, method: str, error: type[RequestError]) -> None:
    with pytest.raises(error):
        check_route(request(resource=resource, httpMethod=method))


def test_an_event_that_is_not_from_a_gateway_is_not_found() -> None:
    """A warm-up ping, or whatever else invokes a function."""
    with pytest.raises(NotFound):
        check_route(parse_event({"ping": True}))


class Ask(BaseModel):
    topic: str
    words: int = Field(default=50, le=100)

    @property
    def prompt(self) -> str:
        return f"{self.topic} in {self.words} words"


def test_a_request_class_may_make_its_prompt() -> None:
    assert read_prompt(request('{"topic": "Rain"}'), Ask, LIMIT) == "Rain in 50 words"


class Unmade(BaseModel):
    topic: str | None = None

    @property
    def prompt(self) -> str:
        return self.topic.strip()  # type: ignore[union-attr]  # the mistake


def test_a_prompt_that_cannot_be_made_is_an_error_and_not_an_empty_prompt() -> None:
    """The service would refuse an empty prompt, and the operator would look for the fault there."""
    with pytest.raises(AttributeError, match="strip"):
        read_prompt(request("{}"), Unmade, LIMIT)


class Derived(BaseModel):
    topic: str

    @property
    def prompt(self) -> str:
        return Ask.model_validate({"topic": self.topic, "words": 101}).prompt


def test_another_class_that_is_not_valid_is_not_a_fault_of_the_body() -> None:
    """The paths would lead to places that the body does not have."""
    with pytest.raises(Internal):
        read_prompt(request('{"topic": "Rain"}'), Derived, LIMIT)


@given(st.text())
def test_any_text_is_a_prompt_or_a_refusal(body: str) -> None:
    try:
        read_prompt(request(body), Request, LIMIT)
    except RequestError:
        return


class Claim(BaseModel):
    question: str
    photos: list[Image] = []
    pages: list[Document] = Field(default=[], alias="files")
    history: list[Message] = []
    kept: int | None = None

    @property
    def prompt(self) -> Prompt:
        return Prompt([*self.history[: self.kept], Message("user", [self.question, *self.photos, *self.pages])])


class Chat(BaseModel):
    messages: list[Message] = Field(alias="turns")

    @property
    def prompt(self) -> Prompt:
        return Prompt(self.messages)


class Case(BaseModel):
    claims: dict[str, list[Claim]] = {}


class Thread(BaseModel):
    photo: Image | None = None
    replies: list["Thread"] = []


@pytest.mark.parametrize(
    ("request_class", "limit"),
    [(Request, 65_536), (Chat, 65_536), (Claim, 6_000_000), (Case, 6_000_000), (Thread, 6_000_000)],
)
def test_a_field_for_a_file_at_any_depth_raises_the_limit_of_a_body(request_class: type[BaseModel], limit: int) -> None:
    assert default_body_limit(request_class) == limit


def encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


def said(role: str, text: str) -> dict[str, str]:
    return {"role": role, "content": text}


def conversation_of(body: object, request_class: type[BaseModel]) -> Conversation:
    made = read_prompt(request(json.dumps(body)), request_class, 6_000_000)
    assert isinstance(made, Conversation)
    return made


def test_the_default_request_takes_a_conversation() -> None:
    body = {"messages": [said("user", "Why?"), {"role": "assistant", "content": {"a": 1}}, said("user", "Really?")]}
    made = conversation_of(body, Request)
    assert [(turn.role, turn.parts) for turn in made.turns] == [
        ("user", ("Why?",)),
        ("assistant", ('{"a":1}',)),
        ("user", ("Really?",)),
    ]


def test_a_class_can_make_a_prompt_of_messages_images_and_documents() -> None:
    body = {"question": "Is it?", "photos": [{"data": encoded(png())}], "files": [{"data": encoded(PDF)}]}
    [turn] = conversation_of(body, Claim).turns
    assert [part if isinstance(part, str) else part.format for part in turn.parts] == ["Is it?", "png", "pdf"]


@pytest.mark.parametrize(
    ("body", "request_class", "path", "rule"),
    [
        ({"prompt": "Why?", "messages": [said("user", "Why?")]}, Request, "", "prompt_and_messages"),
        ({"messages": []}, Request, "/messages", "too_short"),
        ({"messages": [said("assistant", "Yes."), said("user", "Why?")]}, Request, "/messages/0", "role_order"),
        ({"messages": [said("user", "Why?"), said("assistant", "Yes.")]}, Request, "/messages/1", "role_order"),
        ({"messages": [said("user", "Why?"), said("user", " ")]}, Request, "/messages/1/content", "blank_text"),
        ({"messages": [said("user", "Why?") | {"id": 1}]}, Request, "/messages/0/id", "extra_forbidden"),
        ({"turns": [said("assistant", "Yes.")]}, Chat, "/turns/0", "role_order"),
        (
            {"turns": [{"role": "user", "content": [{"type": "document", "data": encoded(PDF)}]}]},
            Chat,
            "/turns/0/content/0",
            "no_text_beside_document",
        ),
        ({"question": "?", "files": 6 * [{"data": encoded(PDF)}]}, Claim, "/files/5", "too_many_documents"),
        ({"question": "?", "photos": 21 * [{"data": encoded(png())}]}, Claim, "/photos/20", "too_many_images"),
        (
            {"question": "?", "photos": [{"mediaType": "image/gif", "data": encoded(png())}]},
            Claim,
            "/photos/0",
            "media_type_mismatch",
        ),
    ],
)
def test_what_the_client_got_wrong_in_a_conversation_is_named_with_its_path(
    body: object, request_class: type[BaseModel], path: str, rule: str
) -> None:
    with pytest.raises(BodyInvalid) as caught:
        conversation_of(body, request_class)
    assert caught.value.members == {"errors": [{"path": path, "rule": rule}]}


def test_a_file_that_is_too_large_is_413_with_its_path() -> None:
    with pytest.raises(BodyTooLarge) as caught:
        conversation_of({"question": 5, "photos": [{"data": encoded(png(8001, 1))}]}, Claim)
    assert caught.value.members == {"errors": [{"path": "/photos/0", "rule": "image_too_large"}]}


class Returning(BaseModel):
    what: str

    @property
    def prompt(self) -> Any:
        return {"number": 5, "bytes": b"Why?", "messages": [Message("user", "Why?")]}.get(self.what, Prompt(" "))


@pytest.mark.parametrize(
    ("body", "request_class", "rule", "path"),
    [
        ({"what": "number"}, Returning, "wrong_type", ""),
        ({"what": "bytes"}, Returning, "wrong_type", ""),
        ({"what": "messages"}, Returning, "wrong_type", ""),
        ({"what": "blank"}, Returning, "blank_text", "/messages"),
        ({"question": " "}, Claim, "blank_text", "/messages/0/content/0"),
        (
            {"question": "?", "history": [said("assistant", "Yes."), said("user", "Why?")], "kept": 1},
            Claim,
            "role_order",
            "/messages/0",
        ),
    ],
)
def test_any_other_fault_of_a_prompt_is_that_of_the_class(
    body: object, request_class: type[BaseModel], rule: str, path: str
) -> None:
    with pytest.raises(PromptInvalid) as caught:
        conversation_of(body, request_class)
    assert (caught.value.rule, caught.value.path, caught.value.status) == (rule, path, 500)
    assert caught.value.members == {}


def test_a_bare_string_is_the_text_of_a_prompt_too() -> None:
    class Question(BaseModel):
        question: str

        @property
        def prompt(self) -> Prompt:
            return Prompt(self.question, instructions="Be brief.")

    made = read_prompt(request('"Why?"'), Question, LIMIT)
    assert isinstance(made, Conversation)
    assert (made.prompt, made.instructions) == ("Why?", "Be brief.")


class Asking(BaseModel):
    """A request whose prompt own code makes."""

    question: str = "Why?"
    turns: list[Message] = []


def test_a_class_without_a_prompt_is_enough_where_own_code_makes_it() -> None:
    request_, prompt = read_body(request('{"question": "Who?"}'), Asking, LIMIT, with_prompt=False)
    assert (request_, prompt) == (Asking(question="Who?"), "")


def test_a_bare_string_is_the_field_prompt_or_what_the_class_makes_of_it() -> None:
    made, _ = read_body(request('"Why?"'), Request, LIMIT, with_prompt=False)
    assert made == Request(prompt="Why?")
    made, _ = read_body(request('"Why?"'), RootModel[str], LIMIT, with_prompt=False)
    assert made == RootModel[str]("Why?")
    with pytest.raises(BodyInvalid) as caught:
        read_body(request('"Why?"'), Asking, LIMIT, with_prompt=False)
    assert caught.value.members == {"errors": [{"path": "", "rule": "model_type"}]}


def test_what_prepare_makes_is_a_text_or_a_conversation() -> None:
    assert checked_prompt("Why?", Asking()) == "Why?"
    made = checked_prompt(Prompt("Why?", instructions="Be brief."), Asking())
    assert isinstance(made, Conversation)
    assert (made.prompt, made.instructions) == ("Why?", "Be brief.")


@pytest.mark.parametrize(
    ("made", "rule", "path"),
    [
        (None, "wrong_type", ""),
        (b"Why?", "wrong_type", ""),
        (SecretStr("Why?"), "wrong_type", ""),
        (" ", "blank_text", ""),
        (Prompt(" "), "blank_text", "/messages"),
        (Prompt([Message("assistant", "Yes.")]), "role_order", "/messages/0"),
    ],
)
def test_a_fault_of_what_prepare_makes_is_its_own(made: object, rule: str, path: str) -> None:
    with pytest.raises(PromptInvalid) as caught:
        checked_prompt(made, Asking())
    assert (caught.value.rule, caught.value.path) == (rule, path)


def test_messages_that_prepare_passes_on_are_the_clients() -> None:
    turns = [Message("assistant", "Yes.")]
    with pytest.raises(BodyInvalid) as caught:
        checked_prompt(Prompt(turns), Asking(turns=turns))
    assert caught.value.members == {"errors": [{"path": "/turns/0", "rule": "role_order"}]}
