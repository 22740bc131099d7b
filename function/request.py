"""The client's request: the format that it asks for, and the prompt. A rejected one never reaches the model."""

import json
import re
from codecs import BOM_UTF8
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Final, NamedTuple
from uuid import uuid4

from pydantic import BaseModel, SecretStr, ValidationError
from pydantic_core import from_json, to_json

from .aws.gateway import HttpRequest
from .carried import (
    Place,
    files,
    has_field_for_files,
    place_in_body,
    place_of_field,
    place_of_messages,
    texts,
)
from .contract import BODY_LIMIT, BODY_LIMIT_WITH_FILES, ROUTE, resource
from .conversation import Conversation, check_counts, conversation
from .cors import refuses
from .endpoint import SIZE_RULES, Fault, Prompt, Refused, is_blank
from .partials.changes import pointer
from .stream.errors import (
    BodyInvalid,
    BodyNotJson,
    BodyTooLarge,
    CannotResume,
    Internal,
    MediaTypeUnsupported,
    MethodNotAllowed,
    NotFound,
    OriginNotAllowed,
    PromptInvalid,
    RequestRefused,
    StreamError,
    as_stream_error,
)
from .stream.interruption import user_code
from .stream.negotiation import Format, choose_format

DEFAULT_MEDIA_TYPES: Final = frozenset({"text/plain", "application/x-www-form-urlencoded"})
"""What fetch and curl declare a body to be if the caller does not set its type."""
_LONG_VALUE: Final = re.compile(rb'"[A-Za-z0-9+/=]{256,}+"(?=\s*+[,}\]])')
"""A value of a member or an array that is a file, most likely: what the function looks for in a body is in none of
them, and copies of them would be most of the memory that a request needs."""
REPORTED_ERRORS: Final = 20
"""How many errors of a body a problem lists at most."""


class Accepted(NamedTuple):
    """A request that the model can answer."""

    format: Format
    request: BaseModel
    prompt: str | Conversation
    """Empty where own code makes it of the request."""


class Rejected(NamedTuple):
    """A request that cannot be served; ``format`` is None if none was chosen before that was clear."""

    format: Format | None
    error: StreamError


def read_request(  # noqa: PLR0913 - what one route accepts
    http: HttpRequest,
    request_class: type[BaseModel],
    limit: int,
    *,
    route: str = ROUTE,
    allowed_origins: Sequence[str] = (),
    offer_raw_text: bool = True,
    with_prompt: bool = True,
) -> Accepted | Rejected:
    """Return what a client asks; ``request_class`` is the user's, ``limit`` the longest body in bytes.

    ``with_prompt`` says whether the class makes the prompt.
    """
    chosen = None
    try:
        check_route(http, route)
        check_origin(http, allowed_origins)
        chosen = choose_format(http.header("accept"), offer_raw_text=offer_raw_text)
        check_beginning(http, chosen)
        return Accepted(chosen, *read_body(http, request_class, limit, with_prompt=with_prompt))
    except Exception as error:  # noqa: BLE001 - the user's request class may fail in any way
        return Rejected(chosen, as_stream_error(error))


def default_body_limit(request_class: type[BaseModel]) -> int:
    """Return how many bytes a body may have where the stack does not say."""
    return BODY_LIMIT_WITH_FILES if has_field_for_files(request_class) else BODY_LIMIT


def check_route(http: HttpRequest, route: str = ROUTE) -> None:
    """Check path and method. The function can be invoked past the gateway, which also keeps routes that are gone.

    Raises:
        NotFound: the path is another one, or the event is not from a gateway.
        MethodNotAllowed: the method is not POST.
    """
    if http.resource != resource(route):
        raise NotFound
    if http.method != "POST":
        raise MethodNotAllowed


def check_origin(http: HttpRequest, allowed: Sequence[str]) -> None:
    """Check that no page of another origin calls: its answer would be billed, and the page could not read it.

    Raises:
        OriginNotAllowed: origins are listed, and the page's is neither one of them nor the endpoint's own.
    """
    if refuses(allowed, http.header("origin"), http.own_origin):
        raise OriginNotAllowed


def check_beginning(http: HttpRequest, chosen: Format) -> None:
    """Check that a reader of Server-Sent Events does not ask for the rest of an earlier stream.

    An EventSource reconnects by itself with ``Last-Event-ID`` (HTML Living Standard, §9.2.3) and would pay for a new
    answer each time; it gives up at every status but 200. In the other formats the field has no meaning.

    Raises:
        CannotResume: the request asks for that.
    """
    is_event_stream = chosen.content_type.partition(";")[0] == "text/event-stream"
    if is_event_stream and (http.header("last-event-id") or "").strip():
        raise CannotResume


def read_body(
    http: HttpRequest, request_class: type[BaseModel], limit: int, *, with_prompt: bool = True
) -> tuple[BaseModel, str | Conversation]:
    """Return the request of a body and its prompt, which is empty unless ``with_prompt``.

    The body is a valid ``request_class`` in JSON, a bare JSON string (the prompt), or nothing.

    Raises:
        MediaTypeUnsupported: the body is declared as something else.
        BodyTooLarge: it has more than ``limit`` bytes, or an image or document in it is too large.
        BodyNotJson: it cannot be decoded, has a key twice in one object, or is not JSON (RFC 8259, which has no NaN and
            no Infinity). A byte order mark before it is ignored (RFC 8259 §8.1).
        BodyInvalid: it breaks the rules of ``request_class``, or its prompt is blank; the error lists paths and rules.
        PromptInvalid: the class makes a prompt that the model cannot be given.
        RequestRefused: the class refuses the request.
    """
    if not _may_be_json(http.header("content-type")):
        raise MediaTypeUnsupported
    body = http.body
    if len(body) > limit:
        raise BodyTooLarge(f"The limit is {limit} bytes.")
    try:
        request, prompt = user_code.call(_asked, body.removeprefix(BOM_UTF8), request_class, with_prompt)
    except ValidationError as error:
        # Pydantic's messages and inputs may quote the body: the client gets paths and rules alone
        found = error.errors(include_url=False, include_context=False, include_input=False)
        raise _body_error(_in_body(body, [(each["loc"], each["type"]) for each in found])) from None
    except Fault as fault:
        raise _body_error([(fault.place, fault.rule)]) from None
    except Refused as refusal:
        raise refused(refusal) from None
    if isinstance(prompt, Prompt):
        return request, _conversation(prompt, request)
    if with_prompt and is_blank(prompt):
        raise _body_error([(_place_of_prompt(request_class), "prompt_blank")])
    return request, prompt


def refused(refusal: Refused) -> RequestRefused:
    """Return the error that a refusal of own code is."""
    return RequestRefused(refusal.code, refusal.status, refusal.title, refusal.detail, refusal.retry_after)


def checked_prompt(made: object, request: BaseModel) -> str | Conversation:
    """Return what ``prepare`` has made of a request, as the model is given it.

    Raises:
        PromptInvalid: it is neither a text nor a ``Prompt``, is blank, or is not one that the model can be given.
        BodyInvalid: it breaks a rule with messages that the request carries, unchanged.
    """
    if isinstance(made, Prompt):
        return _conversation(made, request)
    if not isinstance(made, str):
        raise PromptInvalid("wrong_type", "")
    if is_blank(made):
        raise PromptInvalid("blank_text", "")
    return str(made)


def _in_body(body: bytes, faults: Sequence[tuple[Place, str]]) -> Sequence[tuple[Place, str]]:
    """Return each fault once, with its place in the body."""
    try:
        document: object = from_json(_LONG_VALUE.sub(b'""', body.removeprefix(BOM_UTF8)))
    except ValueError:  # no body
        return faults
    placed = {(tuple(place_in_body(document, place, rule)), rule): None for place, rule in faults}
    return list(placed)


def _body_error(faults: Sequence[tuple[Place, str]]) -> BodyInvalid | BodyTooLarge:
    """Return the error for places in the body and the rules that are broken there; a size that is wrong goes first."""
    sizes = [fault for fault in faults if fault[1] in SIZE_RULES]
    errors = [{"path": pointer(place), "rule": rule} for place, rule in (sizes or faults)[:REPORTED_ERRORS]]
    return BodyTooLarge(errors=errors) if sizes else BodyInvalid(errors=errors)


def _conversation(prompt: Prompt, request: BaseModel) -> Conversation:
    """Return the conversation of a prompt. What is wrong is the client's fault if its messages are a list of the body.

    Raises:
        BodyInvalid: they are.
        PromptInvalid: the class has made the list.
    """
    try:
        return conversation(prompt)
    except Fault as fault:
        place = place_of_messages(request, prompt)
        if place is None:
            raise PromptInvalid(fault.rule, pointer(fault.place)) from None
        raise _body_error([((*place, *fault.place[1:]), fault.rule)]) from None


def _may_be_json(content_type: str | None) -> bool:
    declared = (content_type or "").split(";")[0].strip().lower()
    kind, _, subtype = declared.partition("/")
    is_json = subtype == "json" or subtype.endswith("+json")
    return not declared or declared in DEFAULT_MEDIA_TYPES or (is_json and kind in {"application", "text"})


def _asked(
    body: bytes,
    request_class: type[BaseModel],
    with_prompt: bool,  # noqa: FBT001 - what calls it passes no names
) -> tuple[BaseModel, str | Prompt]:
    """Return the request that a body is, and its prompt if the class makes it; the class's own code runs here.

    Raises:
        Fault: the request has too many images or documents.
    """
    request = _request(body, request_class, with_prompt=with_prompt)
    check_counts(files(request))
    return request, _prompt_of(request) if with_prompt else ""


def _request(body: bytes, request_class: type[BaseModel], *, with_prompt: bool) -> BaseModel:
    if not body or body.isspace():
        return request_class()
    short = _LONG_VALUE.sub(b'""', body)
    try:
        document: object = from_json(short, allow_inf_nan=False)
    except ValueError as error:
        raise BodyNotJson from error
    _check_keys(short)
    if isinstance(document, str) and (with_prompt or "prompt" in request_class.model_fields):
        return _request_of_string(document, request_class)
    return _validated(body, request_class)


def _validated(body: bytes, request_class: type[BaseModel]) -> BaseModel:
    return request_class.model_validate_json(body)


def _prompt_of(request: BaseModel) -> str | Prompt:
    """Return the prompt of a valid request; empty if it has none.

    Raises:
        PromptInvalid: it is neither a text nor a ``Prompt``.
        Internal: the class makes its prompt with another class, which is not valid; its paths are not the body's.
    """
    try:
        prompt: object = request.prompt  # type: ignore[attr-defined]  # the user's class has one, as a field or a property
    except ValidationError as error:
        raise Internal from error
    if isinstance(prompt, SecretStr):
        return prompt.get_secret_value()
    if isinstance(prompt, Prompt):
        return prompt
    if not isinstance(prompt, str | None):
        raise PromptInvalid("wrong_type", "")
    return "" if prompt is None else str(prompt)


def _words_of(request: BaseModel) -> str:
    """Return all texts of a request's prompt as one."""
    return "\n".join(texts(_prompt_of(request)))


def _check_keys(body: bytes) -> None:
    """Check that no object has a key twice: readers differ in which of the two values they take (RFC 8259 §4).

    Raises:
        BodyNotJson: an object has a key twice.
    """

    def check(pairs: list[tuple[str, object]]) -> None:
        if len({key for key, _ in pairs}) < len(pairs):
            raise BodyNotJson("duplicate key")

    json.loads(body, object_pairs_hook=check, parse_int=str, parse_float=str)


def _request_of_string(text: str, request_class: type[BaseModel]) -> BaseModel:
    """Return the request for a bare string: it is the field ``prompt``, or the one field that the prompt contains.

    A class without a field ``prompt`` makes its prompt from other fields. If the prompt contains none of them, or more
    than one, the string is refused: the model must never be asked something else.

    Raises:
        ValidationError: the string is not valid as the field ``prompt``.
        BodyInvalid: the string cannot be the field ``prompt``, nor exactly one other field.
    """
    if "prompt" in request_class.model_fields:
        request = _validated(to_json(_nested(_place_of_prompt(request_class), text)), request_class)
        if "prompt" not in request.model_fields_set:  # the class has looked for it elsewhere
            raise _not_an_object()
        return request
    made: dict[str, BaseModel] = {}
    failures: list[Exception] = []
    for body in _readings(text, request_class):
        try:
            request = _validated(body, request_class)
            words = _words_of(request)
            if _shows_in_prompt(text, request):
                made[words] = request
        except ValidationError:
            continue
        except Exception as error:  # noqa: BLE001 - the user's class fails, perhaps because the string belongs elsewhere
            failures.append(error)
    if failures and not made:
        raise failures[0]
    if failures or len(made) != 1:
        raise _not_an_object()
    return made.popitem()[1]


def _not_an_object() -> BodyInvalid:
    return BodyInvalid(errors=[{"path": "", "rule": "model_type"}])


def _shows_in_prompt(text: str, request: BaseModel) -> bool:
    """Return whether the prompt contains the fields whose value is ``text``: another value changes it."""
    values = {name: getattr(request, name) for name in type(request).model_fields}
    other = str(uuid4().int)
    update = {name: other for name, value in values.items() if isinstance(value, str) and value.strip() == text.strip()}
    with suppress(Exception):  # the user's class need not have a prompt for any text
        return other in _words_of(request.model_copy(update=update))
    return False


def _readings(text: str, request_class: type[BaseModel]) -> Iterator[bytes]:
    """Yield the bodies that the string can mean: the string itself, and an object with it as one field."""
    yield to_json(text)
    for name, field in request_class.model_fields.items():
        yield to_json(_nested(place_of_field(name, field, request_class.model_config), text))


def _place_of_prompt(request_class: type[BaseModel]) -> list[str | int]:
    """Return the keys that lead to the prompt in a body; none if the class makes the prompt of other fields."""
    field = request_class.model_fields.get("prompt")
    return [] if field is None else place_of_field("prompt", field, request_class.model_config)


def _nested(place: list[str | int], value: object) -> object:
    """Return a document in which ``value`` stands at ``place``: an index makes an array that ends there."""
    for step in reversed(place):
        value = {step: value} if isinstance(step, str) else [*step * [None], value]
    return value
