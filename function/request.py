"""The request is checked here: what fails never reaches the model."""

from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails, from_json

from .aws.gateway import HttpRequest
from .contract import RESOURCE
from .partials.changes import pointer
from .stream.errors import BodyInvalid, BodyNotJson, BodyTooLarge, MediaTypeUnsupported, MethodNotAllowed, NotFound

UNDECLARED = frozenset({"text/plain", "application/x-www-form-urlencoded"})
"""Types that clients send when nobody told them a better one: curl's and fetch's defaults."""
TOLD_ERRORS = 20
"""Errors of a body that a problem lists."""


def check_route(request: HttpRequest) -> None:
    """Refuse what the gateway would not have passed on.

    Raises:
        NotFound: another resource, or no event of a gateway at all.
        MethodNotAllowed: another method than POST.
    """
    if request.resource != RESOURCE:
        raise NotFound
    if request.method != "POST":
        raise MethodNotAllowed


def read_prompt(request: HttpRequest, model: type[BaseModel], limit: int) -> str:
    """Return the prompt of a body that is a valid ``model`` in JSON, a bare JSON string (the prompt), or empty.

    Raises:
        MediaTypeUnsupported: the body is declared to be something else.
        BodyTooLarge: it has more than ``limit`` bytes.
        BodyNotJson: it cannot be decoded, or is not JSON (RFC 8259; NaN and Infinity are none).
        BodyInvalid: it breaks the rules of ``model``; each path and rule is told.
    """
    if not _may_be_json(request.header("content-type")):
        raise MediaTypeUnsupported
    body = request.body
    if len(body) > limit:
        raise BodyTooLarge(f"The limit is {limit} bytes.")
    try:
        prompt: object = _validated(body, model).prompt
    except ValidationError as error:
        raise BodyInvalid(errors=[_told(it) for it in error.errors()[:TOLD_ERRORS]]) from None
    return str(prompt)


def _may_be_json(content_type: str | None) -> bool:
    declared = (content_type or "").split(";")[0].strip().lower()
    kind, _, subtype = declared.partition("/")
    is_json = subtype == "json" or subtype.endswith("+json")
    return not declared or declared in UNDECLARED or (is_json and kind in {"application", "text"})


def _validated(body: bytes, model: type[BaseModel]) -> Any:  # noqa: ANN401 - the user's class, which has a prompt
    if not body.strip():
        return model()
    try:
        document: Any = from_json(body, allow_inf_nan=False)
    except ValueError as error:
        raise BodyNotJson from error
    return model(prompt=document) if isinstance(document, str) else model.model_validate_json(body)


def _told(error: ErrorDetails) -> dict[str, object]:
    """Return one error as path and rule: its words and its input are not ours to repeat."""
    return {"path": pointer(error["loc"]), "rule": error["type"]}
