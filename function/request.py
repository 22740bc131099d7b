"""The client's request: the format that it asks for, and the prompt. A rejected one never reaches the model."""

from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel, ValidationError
from pydantic_core import from_json

from .aws.gateway import HttpRequest
from .contract import RESOURCE
from .partials.changes import pointer
from .stream.errors import (
    BodyInvalid,
    BodyNotJson,
    BodyTooLarge,
    MediaTypeUnsupported,
    MethodNotAllowed,
    NotFound,
    StreamError,
    as_stream_error,
)
from .stream.negotiation import Format, choose_format

DEFAULT_MEDIA_TYPES: Final = frozenset({"text/plain", "application/x-www-form-urlencoded"})
"""What fetch and curl declare a body to be if the caller does not set its type."""
REPORTED_ERRORS: Final = 20
"""Errors of a body that a problem lists at most."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """A request that the model can answer."""

    format: Format
    prompt: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """A request that cannot be served; ``format`` is None if none was chosen before that was clear."""

    format: Format | None
    error: StreamError


def read_request(http: HttpRequest, model: type[BaseModel], limit: int) -> Accepted | Rejected:
    """Return what a client asks; ``model`` is the user's request class, ``limit`` the longest body in bytes."""
    chosen = None
    try:
        check_route(http)
        chosen = choose_format(http.header("accept"))
        return Accepted(chosen, read_prompt(http, model, limit))
    except Exception as error:  # noqa: BLE001 - the user's request class may fail in any way
        return Rejected(chosen, as_stream_error(error))


def check_route(http: HttpRequest) -> None:
    """Check what the gateway would not have passed on.

    Raises:
        NotFound: the path is another one, or the event is not from a gateway.
        MethodNotAllowed: the method is not POST.
    """
    if http.resource != RESOURCE:
        raise NotFound
    if http.method != "POST":
        raise MethodNotAllowed


def read_prompt(http: HttpRequest, model: type[BaseModel], limit: int) -> str:
    """Return the prompt of a body that is a valid ``model`` in JSON, a bare JSON string (the prompt), or empty.

    Raises:
        MediaTypeUnsupported: the body is declared as something else.
        BodyTooLarge: it has more than ``limit`` bytes.
        BodyNotJson: it cannot be decoded, or is not JSON (RFC 8259, which has no NaN and no Infinity).
        BodyInvalid: it breaks the rules of ``model``; the error lists paths and rules.
    """
    if not _may_be_json(http.header("content-type")):
        raise MediaTypeUnsupported
    body = http.body
    if len(body) > limit:
        raise BodyTooLarge(f"The limit is {limit} bytes.")
    try:
        prompt: object = _validated(body, model).prompt
    except ValidationError as error:
        # Pydantic's messages and inputs may quote the body: the client gets paths and rules alone
        errors = [{"path": pointer(each["loc"]), "rule": each["type"]} for each in error.errors()[:REPORTED_ERRORS]]
        raise BodyInvalid(errors=errors) from None
    return str(prompt)


def _may_be_json(content_type: str | None) -> bool:
    declared = (content_type or "").split(";")[0].strip().lower()
    kind, _, subtype = declared.partition("/")
    is_json = subtype == "json" or subtype.endswith("+json")
    return not declared or declared in DEFAULT_MEDIA_TYPES or (is_json and kind in {"application", "text"})


def _validated(body: bytes, model: type[BaseModel]) -> Any:  # noqa: ANN401 - the user's class, which has a prompt
    if not body.strip():
        return model()
    try:
        document: Any = from_json(body, allow_inf_nan=False)
    except ValueError as error:
        raise BodyNotJson from error
    return model(prompt=document) if isinstance(document, str) else model.model_validate_json(body)
