"""What a client may send: anything else is rejected, and the model is never called."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from function.aws.gateway import HttpRequest, parse_event
from function.request import check_route, read_prompt
from function.schema import Request
from function.stream.errors import (
    BodyInvalid,
    BodyNotJson,
    BodyTooLarge,
    MediaTypeUnsupported,
    MethodNotAllowed,
    NotFound,
    RequestError,
)

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


@given(st.text())
def test_any_text_is_a_prompt_or_a_refusal(body: str) -> None:
    try:
        read_prompt(request(body), Request, LIMIT)
    except RequestError:
        return
