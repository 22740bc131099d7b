"""What a request carries is found wherever its class keeps it, with its place in the body."""

from base64 import b64encode
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from pydantic import AliasChoices, AliasPath, BaseModel, ConfigDict, Field, RootModel
from pydantic.dataclasses import dataclass as validated

from function.carried import Place, files, has_field_for_files, place_in_body, place_of_messages, texts
from function.endpoint import Document, Image, Message, Prompt
from tests.media_files import PDF, png

PHOTO = Image(png())


@dataclass
class Album:
    photos: list[Image]


@validated
class Frame:
    photo: Image


class Named(BaseModel):
    photo: Image = Field(validation_alias=AliasPath("data", 0, "picture"))


class Upper(BaseModel):
    model_config = ConfigDict(alias_generator=str.upper)

    photo: Image


class Rooted(RootModel[list[Image]]):
    pass


class Holder(BaseModel):
    model_config = ConfigDict(arbitrary_types_allowed=True)

    value: Any = None


@pytest.mark.parametrize(
    ("request_", "place"),
    [
        (Holder(value=PHOTO), ("value",)),
        (Holder(value=[None, PHOTO]), ("value", 1)),
        (Holder(value=deque([PHOTO])), ("value", 0)),
        (Holder(value={"a": {"b": (PHOTO,)}}), ("value", "a", "b", 0)),
        (Holder(value=Album([PHOTO])), ("value", "photos", 0)),
        (Holder(value=Frame(PHOTO)), ("value", "photo")),
        (Holder(value=Named.model_construct(photo=PHOTO)), ("value", "data", 0, "picture")),
        (Holder(value=Upper(PHOTO=PHOTO)), ("value", "PHOTO")),
        (Holder(value=Holder(value=PHOTO)), ("value", "value")),
        (Holder(value=Message("user", ["Why?", PHOTO])), ("value", "content", 1)),
        (Rooted([PHOTO]), (0,)),
        (Holder(value=Rooted([PHOTO])), ("value", 0)),
    ],
)
def test_a_file_is_found_with_the_keys_that_lead_to_it(request_: BaseModel, place: Place) -> None:
    [(found, file)] = files(request_)
    assert (tuple(found), file) == (place, PHOTO)


def test_a_class_has_no_file_in_it() -> None:
    assert files(Holder(value=[Album, Image, "photo", b"photo"])) == []


class Chat(BaseModel):
    turns: Sequence[Message]


def test_messages_have_a_place_if_they_are_one_list_of_the_request_unchanged() -> None:
    messages = [Message("user", "Why?"), Message("assistant", "So."), Message("user", "Really?")]
    for kept in (messages, tuple(messages), deque(messages)):
        request = Chat.model_construct(turns=kept)
        assert place_of_messages(request, Prompt(messages)) == ("turns",)
        assert place_of_messages(request, Prompt(messages[:1])) is None
        assert place_of_messages(request, Prompt([Message("user", "Why?"), *messages[1:]])) is None
    assert place_of_messages(Chat(turns=[]), Prompt([])) is None
    assert place_of_messages(RootModel[list[Message]](messages), Prompt(messages)) == ()


def test_the_texts_of_a_prompt() -> None:
    messages = [Message("user", ["Why?", PHOTO]), Message("assistant", "So."), Message("user", "Really?")]
    assert texts(Prompt(messages)) == ["Why?", "So.", "Really?"]
    assert texts("Why?") == ["Why?"]


class Either(BaseModel):
    file: Image | Document | None = None
    words: str | list[Message] = ""
    number: int | float = Field(default=0, validation_alias=AliasChoices("n", "number"))


@pytest.mark.parametrize(
    ("body", "places"),
    [
        ({"file": {"data": b64encode(b"?").decode()}}, {"/file format_unknown"}),
        ({"file": {"data": "?"}}, {"/file/data base64_decode"}),
        ({"file": {}}, {"/file/data missing"}),
        ({"file": {"data": b64encode(PDF).decode(), "id": 5}}, {"/file/id extra_forbidden"}),
        ({"words": [{"role": "user", "content": " "}]}, {"/words string_type", "/words/0/content blank_text"}),
        ({"words": [{"role": "user"}]}, {"/words string_type", "/words/0/content missing"}),
        ({"n": "x"}, {"/n int_parsing", "/n float_parsing"}),
        ({"number": "x"}, {"/number int_parsing", "/number float_parsing"}),
    ],
)
def test_a_place_leads_into_the_body_and_names_no_member_of_a_union(body: object, places: set[str]) -> None:
    with pytest.raises(ValueError, match="validation error") as caught:
        Either.model_validate(body)
    found = caught.value.errors()  # type: ignore[attr-defined]  # Pydantic's
    kept = [(place_in_body(body, error["loc"], error["type"]), error["type"]) for error in found]
    assert {f"/{'/'.join(map(str, place))} {rule}" for place, rule in kept} == places


def test_a_place_that_the_body_does_not_have_at_all_stays_as_it_is() -> None:
    """The class has looked for the value elsewhere, or the body is a bare string."""
    assert place_in_body({"data": {}}, ("prompt",), "string_type") == ["prompt"]
    assert place_in_body("words", ("prompt",), "string_too_short") == ("prompt",)
    assert place_in_body([], ("prompt",), "missing") == ["prompt"]


class Thread(BaseModel):
    photo: Image | None = None
    replies: list["Thread"] = []


@pytest.mark.parametrize(("class_", "has_files"), [(Thread, True), (Chat, False), (Either, True), (Rooted, True)])
def test_a_class_has_a_field_for_files_at_any_depth(class_: type[BaseModel], has_files: bool) -> None:
    assert has_field_for_files(class_) is has_files
