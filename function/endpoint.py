"""What a team's own modules import: the classes that describe what the model is given, and who asks.

``from streaming_llm_api.endpoint import Prompt, Message, Image, Document, Call, Caller, Refused`` names them
everywhere: in a program that has the wheel, in the bundle and in the local stack. In the body of a request ``Message``,
``Image`` and ``Document`` are JSON, and Pydantic reads them wherever a request class has a field of that type.
"""

import binascii
import json
import re
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from types import MappingProxyType
from typing import Any, ClassVar, Final, Literal, Self, TypeAlias
from unicodedata import category

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationError
from pydantic_core import CoreSchema, InitErrorDetails, PydanticCustomError, SchemaValidator, core_schema

from . import media
from .values import Value

IMAGE_LIMIT: Final = 3_750_000
"""Bytes of one image (Converse API, ``Message``)."""
IMAGE_SIDE_LIMIT: Final = 8_000
"""Pixels of an image's width and of its height (Converse API, ``Message``)."""
DOCUMENT_LIMIT: Final = 4_500_000
"""Bytes of one document (Converse API, ``Message``)."""
IMAGES_LIMIT: Final = 20
"""Images of one conversation: with more, the service refuses any above 2,000 pixels."""
DOCUMENTS_LIMIT: Final = 5
"""Documents of one conversation (Converse API, ``Message``)."""
TOO_MANY_REQUESTS: Final = 429
REFUSAL_STATUSES: Final = frozenset({400, 402, 403, 404, 409, 410, 422, 423, TOO_MANY_REQUESTS, 451})
"""What own code can refuse a request with."""
OWN_CODES: Final = frozenset(
    {
        "answer_invalid",
        "answer_not_json",
        "answer_refused",
        "answer_truncated",
        "body_invalid",
        "body_not_json",
        "body_too_large",
        "cannot_resume",
        "deadline_reached",
        "internal",
        "media_type_unsupported",
        "method_not_allowed",
        "model_busy",
        "model_failed",
        "model_misconfigured",
        "model_timeout",
        "model_unavailable",
        "not_acceptable",
        "not_found",
        "origin_not_allowed",
        "prepare_timeout",
        "prompt_too_long",
        "quota_exhausted",
    }
)
"""The codes of the function (stream/errors.py, which this file does not import)."""
_REFUSAL_CODE: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")
METADATA_LIMIT: Final = 8
_METADATA_KEY: Final = re.compile(r"[a-z][a-z0-9_]{0,31}")
_METADATA_VALUE_LIMIT: Final = 256

SIZE_RULES: Final = frozenset({"document_too_large", "image_too_large"})
"""Rules that speak of the size of one file."""
_EXPLANATIONS: Final = {
    "blank_text": "A text must have something that can be seen.",
    "document_too_large": f"A document must have at most {DOCUMENT_LIMIT} bytes.",
    "format_unknown": "The file must have one of the formats that the model reads, and a media type if it is a text.",
    "image_too_large": f"An image must have at most {IMAGE_LIMIT} bytes and {IMAGE_SIDE_LIMIT} pixels on a side.",
    "no_text_beside_document": "A document must have a text beside it, of the same role.",
    "role_order": "The first and the last message must be the user's.",
    "too_many_documents": f"A conversation must have at most {DOCUMENTS_LIMIT} documents.",
    "too_many_images": f"A conversation must have at most {IMAGES_LIMIT} images.",
    "media_type_mismatch": "The media type must be that of the bytes.",
    "wrong_type": "The value must be of a type that can stand here.",
}


class Fault(ValueError):
    """Something that the model cannot be given; ``rule`` is the word for it, ``place`` the keys that lead to it."""

    def __init__(self, rule: str, *place: str | int) -> None:
        super().__init__(_EXPLANATIONS[rule])
        self.rule = rule
        self.place = place


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class _File(Value):
    """Bytes with a media type."""

    data: bytes
    media_type: str | None = None

    kind: ClassVar[str]

    def __repr__(self) -> str:
        size = f"{len(self.data)} bytes" if isinstance(self.data, bytes) else "no bytes"
        return f"{type(self).__name__}({self.media_type or 'no media type'}, {size})"

    def format(self) -> str:
        """Return the format in the words of the Converse API, such as ``png``.

        Raises:
            Fault: the file is not one that the model can be given.
        """
        raise NotImplementedError

    def as_json(self) -> dict[str, str]:
        """Return what stands for the file in the body of a request."""
        declared = {} if self.media_type is None else {"mediaType": self.media_type}
        return {**declared, "data": b64encode(self.data).decode()}

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Read ``{"mediaType", "data"}`` or a base64 ``data:`` URL (RFC 2397), or take an instance."""
        shape = core_schema.no_info_after_validator_function(cls.from_shape, _file_shape())
        in_json = core_schema.plain_serializer_function_ser_schema(cls.as_json, when_used="json")
        return core_schema.no_info_wrap_validator_function(cls._read, shape, serialization=in_json)

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Describe both shapes."""
        data = {"type": "string", "contentEncoding": "base64"}
        members = {"mediaType": {"type": "string"}, "data": data}
        shape = {"type": "object", "properties": members, "required": ["data"], "additionalProperties": False}
        return {"anyOf": [shape, {"type": "string", "pattern": "^data:"}]}

    @classmethod
    def _read(cls, value: object, read_shape: Callable[[object], Self]) -> Self:
        if isinstance(value, str):
            value = _shape_of_url(value)
        file = value if isinstance(value, cls) else read_shape(value)
        try:
            file.format()
        except Fault as fault:
            raise _as_pydantic(fault) from None
        return file

    @classmethod
    def from_shape(cls, shape: Mapping[str, Any]) -> Self:
        """Return the file that ``shape`` describes: ``data``, decoded, and perhaps ``mediaType``."""
        return cls(shape["data"], shape.get("mediaType"))


class Image(_File):
    """A picture for the model: png, jpeg, gif or webp, at most 3.75 MB and 8,000 pixels on a side.

    Args:
        data: the bytes of the file.
        media_type: such as ``image/png``; without it the bytes decide.
    """

    __slots__ = ()

    kind: ClassVar[str] = "image"

    def format(self) -> str:
        """Return the format, such as ``png``; raise ``Fault`` if it is not an image within the limits."""
        kind = _format(self, media.image_format)
        if len(self.data) > IMAGE_LIMIT:
            raise Fault("image_too_large")
        size = media.image_size(self.data, kind)
        if size is None or min(size) < 1:
            raise Fault("format_unknown")
        if max(size) > IMAGE_SIDE_LIMIT:
            raise Fault("image_too_large")
        return kind


class Document(_File):
    """A file for the model to read: pdf, docx, xlsx, doc, xls, txt, md, csv or html, at most 4.5 MB.

    Args:
        data: the bytes of the file.
        media_type: such as ``text/csv``. A pdf, docx and xlsx can go without; the others need it.
    """

    __slots__ = ()

    kind: ClassVar[str] = "document"

    def format(self) -> str:
        """Return the format, such as ``pdf``; raise ``Fault`` if it is not a document within the limit."""
        if isinstance(self.data, bytes) and len(self.data) > DOCUMENT_LIMIT:
            raise Fault("document_too_large")
        return _format(self, media.document_format)


Part: TypeAlias = str | Image | Document
"""One piece of a message."""
Role: TypeAlias = Literal["user", "assistant"]
CallerKind: TypeAlias = Literal["none", "iam", "apiKey", "cognito", "lambda"]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Message(Value):
    """One turn of a conversation.

    Args:
        role: whose words they are.
        content: a text, an image, a document, or several of them in order. A document needs a text beside it. An
            assistant's message has texts alone.
        cache: whether the conversation is cached up to the end of this message, for five minutes. Of several such
            messages the last three count. A message in JSON has no such member.
    """

    role: Role
    content: Part | Sequence[Part]
    cache: bool = field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        """Keep a list of parts so that it cannot change."""
        object.__setattr__(self, "content", _kept(self.content))

    def parts(self) -> tuple[Part, ...]:
        """Return the pieces of the message, in order.

        Raises:
            Fault: one of them cannot stand there; its place begins at the message.
        """
        if self.role not in {"user", "assistant"}:
            raise Fault("wrong_type", "role")
        if not isinstance(self.cache, bool):
            raise Fault("wrong_type", "cache")
        if isinstance(self.content, str | Image | Document):
            self._check(self.content, "content")
            return (self.content,)
        if not isinstance(self.content, tuple):
            raise Fault("wrong_type", "content")
        if not self.content:
            raise Fault("blank_text", "content")
        for number, part in enumerate(self.content):
            self._check(part, "content", number)
        return self.content

    def _check(self, part: object, *place: str | int) -> None:
        if isinstance(part, str):
            if is_blank(part):
                raise Fault("blank_text", *place)
        elif isinstance(part, Image | Document) and self.role == "user":
            try:
                part.format()
            except Fault as fault:
                raise Fault(fault.rule, *place) from None
        else:
            raise Fault("wrong_type", *place)

    def as_json(self) -> dict[str, object]:
        """Return what stands for the message in the body of a request."""
        content = self.content if isinstance(self.content, str) else [_part_as_json(part) for part in self.parts()]
        return {"role": self.role, "content": content}

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Read ``{"role", "content"}``, or take an instance."""
        shape = core_schema.typed_dict_schema(
            {
                "role": core_schema.typed_dict_field(core_schema.literal_schema(["user", "assistant"])),
                "content": core_schema.typed_dict_field(core_schema.with_info_plain_validator_function(_read_content)),
            },
            extra_behavior="forbid",
        )
        in_json = core_schema.plain_serializer_function_ser_schema(cls.as_json, when_used="json")
        return core_schema.no_info_wrap_validator_function(cls._read, shape, serialization=in_json)

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Describe the shape."""
        parts = {"type": "array", "items": {"type": "object", "required": ["type"]}}
        members = {
            "role": {"enum": ["user", "assistant"]},
            "content": {"anyOf": [{"type": "string"}, parts, {"type": "object"}]},
        }
        required = ["role", "content"]
        return {"type": "object", "properties": members, "required": required, "additionalProperties": False}

    @classmethod
    def _read(cls, value: object, read_shape: Callable[[object], Mapping[str, Any]]) -> "Message":
        message = value if isinstance(value, Message) else Message(**read_shape(value))
        try:
            message.parts()
        except Fault as fault:
            error = InitErrorDetails(type=_as_pydantic(fault), loc=fault.place, input=None)
            raise ValidationError.from_exception_data("Message", [error]) from None
        return message


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Prompt(Value):
    """What the model is given for one request.

    Args:
        messages: a text, or a conversation that begins and ends with the user.
        instructions: replace those of the stack.
        validation_context: what validators of the answer find as ``info.context``. The model never sees it.
        metadata: at most 8 pairs for the log line, the record and Bedrock's request metadata. A key matches
            ``[a-z][a-z0-9_]{0,31}``; a value has at most 256 characters.

    Raises:
        ValueError: ``metadata`` breaks one of these rules.
    """

    messages: str | Sequence[Message]
    instructions: str | None = field(default=None, kw_only=True)
    validation_context: Any = field(default=None, kw_only=True, repr=False)
    metadata: Mapping[str, str] = field(default_factory=dict, kw_only=True)

    def __post_init__(self) -> None:
        """Check the metadata, and keep lists so that they cannot change."""
        object.__setattr__(self, "messages", _kept(self.messages))
        _check_metadata(self.metadata)
        object.__setattr__(self, "metadata", MappingProxyType(dict(self.metadata)))

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Take an instance alone: a client must not write the instructions."""
        return core_schema.is_instance_schema(cls)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Caller(Value):
    """Who sent the request, as the gateway says. Nothing that a client writes can change it.

    Args:
        kind: the stack's ``authorization``.
        id: with ``iam`` the ARN of the user or the session, with ``apiKey`` the key's id, with ``cognito`` the issuer
            and the subject as ``iss#sub``, with ``lambda`` the authorizer's ``principalId``; None without one.
        claims: with ``cognito`` those of the token, with ``lambda`` the authorizer's context, with ``iam`` the identity
            of a Cognito identity pool.
        source_ip: the address that connected to the gateway, which can be that of a proxy.
    """

    kind: CallerKind = "none"
    id: str | None = None
    claims: Mapping[str, str] = field(default_factory=dict)
    source_ip: str | None = None

    def __post_init__(self) -> None:
        """Keep the claims so that they cannot change."""
        object.__setattr__(self, "claims", MappingProxyType(dict(self.claims)))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Call(Value):
    """What ``prepare`` is given beside the request. Members may be added.

    Args:
        caller: who sent the request.
        request_id: the id of the request, as in the log line.
        route: the route that was called.
        traceparent: the client's trace context (W3C Trace Context); None without a valid one.
        xray_trace_id: Lambda's id of the trace, such as ``1-5759e988-bd862e3fe1be46a994272793``.
    """

    caller: Caller = field(default_factory=Caller)
    request_id: str
    route: str = "stream"
    traceparent: str | None = None
    xray_trace_id: str | None = None
    _seconds_left: Callable[[], float] = field(default=lambda: inf, repr=False, compare=False)

    def seconds_left(self) -> float:
        """Return how many seconds are left until the request must be over; after that, 0."""
        return max(0.0, self._seconds_left())


class Refused(Exception):
    """Own code refuses a request: raise it in ``prepare``, in ``prompt`` or in a validator of the request.

    The client gets a problem with these values, and the model is not called. Log lines have the code alone.

    Args:
        code: the client's word for the reason: ``[a-z][a-z0-9_]{0,39}``, and none of the function's own codes.
        status: one of 400, 402, 403, 404, 409, 410, 422, 423, 429 and 451.
        title: a sentence that says what is wrong, the same for every request with this code.
        detail: a sentence about this request.
        retry_after: with 429 alone, the seconds after which the client can try again.

    Raises:
        ValueError: a value breaks one of these rules.
    """

    def __init__(
        self, code: str, *, status: int = 403, title: str, detail: str | None = None, retry_after: int | None = None
    ) -> None:
        _check_refusal(code, status, title, detail, retry_after)
        super().__init__(code)
        self.code = code
        self.status = status
        self.title = title
        self.detail = detail
        self.retry_after = retry_after


def is_list(value: object) -> bool:
    """Return whether ``value`` is a sequence of items, such as a list, a tuple or a deque."""
    return isinstance(value, Sequence) and not isinstance(value, str | bytes | bytearray | memoryview)


def _kept(value: Any) -> Any:  # noqa: ANN401 - whatever own code made
    """Return a list as a tuple, so that it cannot change; and anything else as it is."""
    return tuple(value) if is_list(value) else value


def is_blank(text: str) -> bool:
    """Return whether nothing of ``text`` can be seen: white space of any kind, control and format characters."""
    rest = text.lstrip()
    while rest and category(rest[0]) in {"Cc", "Cf"}:  # megabytes of them would take a second one by one
        rest = rest.replace(rest[0], "").lstrip()
    return not rest


def _check_refusal(code: object, status: object, title: object, detail: object, retry_after: object) -> None:
    if not (isinstance(code, str) and _REFUSAL_CODE.fullmatch(code)):
        raise ValueError(f"The code of a refusal must match {_REFUSAL_CODE.pattern}; got {code!r}.")
    if code in OWN_CODES:
        raise ValueError(f"The code of a refusal must be none of the function's own; got {code!r}.")
    if not isinstance(status, int) or status not in REFUSAL_STATUSES:
        known = ", ".join(str(each) for each in sorted(REFUSAL_STATUSES))
        raise ValueError(f"The status of a refusal must be one of {known}; got {status!r}.")
    if not (_can_be_sent(title) and str(title).strip()):
        raise ValueError(f"The title of a refusal must be a sentence; got {title!r}.")
    if not (detail is None or _can_be_sent(detail)):
        raise ValueError(f"The detail of a refusal must be a sentence or None; got {detail!r}.")
    if retry_after is not None and (type(retry_after) is not int or retry_after < 1 or status != TOO_MANY_REQUESTS):
        raise ValueError(
            f"retry_after must be a whole number of seconds, with the status {TOO_MANY_REQUESTS} alone; "
            f"got {retry_after!r} with {status}."
        )


def _can_be_sent(text: object) -> bool:
    """Return whether ``text`` is one that UTF-8 can carry: half a surrogate pair cannot be sent."""
    if not isinstance(text, str):
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _check_metadata(metadata: Mapping[str, str]) -> None:
    if not isinstance(metadata, Mapping):
        raise ValueError(f"metadata must be a mapping of strings; got {type(metadata).__name__}.")  # noqa: TRY004 - as promised
    if len(metadata) > METADATA_LIMIT:
        raise ValueError(f"metadata must have at most {METADATA_LIMIT} pairs; got {len(metadata)}.")
    for key, value in metadata.items():
        if not (isinstance(key, str) and _METADATA_KEY.fullmatch(key)):
            raise ValueError(f"A key of metadata must match {_METADATA_KEY.pattern}; got {key!r}.")
        if not isinstance(value, str) or len(value) > _METADATA_VALUE_LIMIT:
            raise ValueError(f"metadata[{key!r}] must be a string of at most {_METADATA_VALUE_LIMIT} characters.")


def _format(file: _File, find: Callable[[bytes, str | None], str]) -> str:
    if not isinstance(file.data, bytes) or not isinstance(file.media_type, str | None):
        raise Fault("wrong_type")
    try:
        return find(file.data, file.media_type)
    except media.MediaError as error:
        raise Fault(error.rule) from None


def _file_shape(kind: str | None = None) -> CoreSchema:
    """Return the shape of a file as a field of its own, or as a part of a message of the type ``kind``."""
    text = core_schema.str_schema(strict=True)
    members = {
        "mediaType": core_schema.typed_dict_field(text, required=False),
        "data": core_schema.typed_dict_field(core_schema.no_info_after_validator_function(_decoded, text)),
    }
    if kind is not None:
        members["type"] = core_schema.typed_dict_field(core_schema.literal_schema([kind]))
    return core_schema.typed_dict_schema(members, extra_behavior="forbid")


def _decoded(text: str) -> bytes:
    try:
        return binascii.a2b_base64(text, strict_mode=True)
    except ValueError:
        raise PydanticCustomError("base64_decode", "The data must be base64 (RFC 4648 §4).") from None


def _shape_of_url(url: str) -> dict[str, str]:
    head, _, data = url.partition(",")
    declared = re.fullmatch(r"data:(.*?);base64", head)
    if not declared:
        raise PydanticCustomError("data_url", "The value must be an object with data, or a base64 data: URL.")
    return {**({"mediaType": declared[1]} if declared[1] else {}), "data": data}


def _read_content(value: object, info: core_schema.ValidationInfo) -> object:
    """Return the content of a message: a text, parts, or an earlier answer as compact JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return tuple(_PARTS.validate_python(value))
    if isinstance(value, dict) and info.data.get("role") == "assistant":
        return _as_text(value)
    raise _as_pydantic(Fault("wrong_type"))


def _as_text(answer: dict[str, Any]) -> str:
    """Return an answer as the model would have written it: its keys stay in order."""
    try:
        return json.dumps(answer, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError):
        raise _as_pydantic(Fault("wrong_type")) from None


def _read_part(value: object) -> Part:
    kind = value.get("type") if isinstance(value, dict) else None
    if kind == "text":
        return str(_TEXT.validate_python(value)["text"])
    if kind == "image":
        return Image.from_shape(_IMAGE.validate_python(value))
    if kind == "document":
        return Document.from_shape(_DOCUMENT.validate_python(value))
    raise _as_pydantic(Fault("wrong_type"))


def _part_as_json(part: Part) -> dict[str, str]:
    return {"type": "text", "text": part} if isinstance(part, str) else {"type": part.kind, **part.as_json()}


def _as_pydantic(fault: Fault) -> PydanticCustomError:
    return PydanticCustomError(fault.rule, _EXPLANATIONS[fault.rule])


_TEXT: Final = SchemaValidator(
    core_schema.typed_dict_schema(
        {
            "type": core_schema.typed_dict_field(core_schema.literal_schema(["text"])),
            "text": core_schema.typed_dict_field(core_schema.str_schema(strict=True)),
        },
        extra_behavior="forbid",
    )
)
_IMAGE: Final = SchemaValidator(_file_shape("image"))
_DOCUMENT: Final = SchemaValidator(_file_shape("document"))
_PARTS: Final = SchemaValidator(core_schema.list_schema(core_schema.no_info_plain_validator_function(_read_part)))
