"""Reads API Gateway's proxy event as an ``HttpRequest``, and writes a ``Response`` as a prelude (docs/runtime.md)."""

import base64
import json
import re
from collections.abc import Generator, Iterator, Mapping
from typing import Final, NamedTuple, Protocol

from ..stream.errors import BodyNotJson
from ..stream.events import Cut

PRELUDE_LIMIT: Final = 16_000
"""Bytes, NULs included. AWS looks for the delimiter in the first 16 KB; whether a KB is 1,024 bytes is unknown."""
DELIMITER: Final = bytes(8)
"""Eight NUL bytes end the prelude."""
TIME_LIMIT: Final = 1e15
"""Milliseconds since the epoch, some thirty thousand years from now: a number above it is not a time."""
_CHOSEN_ID: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}")
"""A token (RFC 9110 §5.6.2). A client can choose this id; an id of another form is ignored."""
_GATEWAY_ID: Final = re.compile(r"[0-9A-Za-z+/=_-]{1,128}")
_TRACE_IDS: Final = "(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}"
_TRACEPARENT: Final = re.compile(f"00-{_TRACE_IDS}|(?!00|ff)[0-9a-f]{{2}}-{_TRACE_IDS}(-[!-~]{{0,200}})?")
"""W3C Trace Context §3.2; of later versions, whose ends are not known, the part that is this version's too."""
_FRAMING: Final = frozenset({"transfer-encoding", "content-length"})


class LambdaContext(Protocol):
    """What the handler uses of a Lambda context."""

    @property
    def aws_request_id(self) -> str:
        """The invocation's id."""

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds until the sandbox is killed."""


class HttpRequest(NamedTuple):
    """A request as the client sent it. ``method`` and ``resource`` are empty if no gateway sent the event."""

    method: str
    resource: str
    headers: Mapping[str, list[str]]
    """Lower-case names, each with all its values in order."""
    encoded_body: str | bytes
    is_base64: bool
    received_at: float | None
    """When the gateway received the request, in seconds since the epoch."""
    gateway_request_id: str | None
    """The gateway's ``requestId``. A client can choose it, so it can occur twice and must not be used as a key."""
    extended_request_id: str | None
    """The gateway's ``extendedRequestId``, which no client can choose."""

    @property
    def body(self) -> bytes:
        """The body's bytes.

        Raises:
            BodyNotJson: it cannot be decoded.
        """
        try:
            if self.is_base64:
                return base64.b64decode(self.encoded_body, validate=True)
            return self.encoded_body if isinstance(self.encoded_body, bytes) else self.encoded_body.encode()
        except ValueError as error:  # damaged base64, or half of a surrogate pair
            raise BodyNotJson from error

    def header(self, name: str) -> str | None:
        """Return the field ``name`` (in any case), its values joined by commas (RFC 9110 §5.3), or None."""
        values = self.headers.get(name.lower())
        return None if values is None else ", ".join(values)

    @property
    def traceparent(self) -> str | None:
        """The client's trace context as it was sent, or None if there is none, or it is malformed."""
        value = self.header("traceparent")
        return value if value is not None and _TRACEPARENT.fullmatch(value) else None

    @property
    def own_origin(self) -> str:
        """The scheme and host to which the request was sent, as a browser would name the origin of a page there."""
        schemes = self.headers.get("x-forwarded-proto", ["https"])  # the gateway's own value is the last one
        return f"{schemes[-1].rpartition(',')[2].strip()}://{self.header('host')}".lower()


class Response(NamedTuple):
    """A response: the head, and a body that the program that hosts the handler reads to its end or closes.

    The body yields chunks that are not empty, then one ``END_OF_BODY`` or ``Cut``. The stages run when the program
    reads on after that, or closes the body. docs/runtime.md says what a host must do.
    """

    status: int
    headers: Mapping[str, str]
    body: Generator[bytes | Cut, None, None]


def parse_event(event: object) -> HttpRequest:
    """Return the request in a proxy event (payload 1.0).

    Any member can be missing or null, and the event can be anything, such as a warm-up ping.
    """
    members = _object(event)
    context = _object(members.get("requestContext"))
    return HttpRequest(
        method=_text(members.get("httpMethod")) if context else "",
        resource=_text(members.get("resource")) if context else "",
        headers=_headers(members),
        encoded_body=_text_or_bytes(members.get("body")),
        is_base64=members.get("isBase64Encoded") is True,
        received_at=_time(context.get("requestTimeEpoch")),
        gateway_request_id=_matching(_CHOSEN_ID, context.get("requestId")),
        extended_request_id=_matching(_GATEWAY_ID, context.get("extendedRequestId")),
    )


def prelude(response: Response) -> bytes:
    """Return the status and the header fields as JSON, followed by the delimiter.

    The fields that frame a message are left out: the gateway writes them itself.

    Raises:
        ValueError: the header fields are too long for a prelude.
    """
    fields = {name: value for name, value in response.headers.items() if name.lower() not in _FRAMING}
    document = json.dumps({"statusCode": response.status, "headers": fields}, separators=(",", ":"))
    encoded = document.encode("ascii") + DELIMITER  # json escapes control characters: no other NUL is in it
    if len(encoded) > PRELUDE_LIMIT:
        raise ValueError(f"The prelude must have at most {PRELUDE_LIMIT} bytes; got {len(encoded)} bytes.")
    return encoded


def _object(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _text_or_bytes(value: object) -> str | bytes:
    return value if isinstance(value, str | bytes) else ""


def _matching(pattern: re.Pattern[str], value: object) -> str | None:
    return value if isinstance(value, str) and pattern.fullmatch(value) else None


def _time(milliseconds: object) -> float | None:
    """Return seconds since the epoch, or None if the value is not a time: JSON's numbers have no bounds."""
    if isinstance(milliseconds, bool) or not isinstance(milliseconds, int | float):
        return None
    return milliseconds / 1000 if 0 <= milliseconds < TIME_LIMIT else None


def _headers(event: Mapping[str, object]) -> Mapping[str, list[str]]:
    """Return all values of each field; for a field that has a single value only, that one."""
    headers: dict[str, list[str]] = {}
    for name, values in _object(event.get("multiValueHeaders")).items():
        if texts := list(_texts(values)):
            headers.setdefault(name.lower(), []).extend(texts)
    single = {name.lower(): value for name, value in _object(event.get("headers")).items() if isinstance(value, str)}
    for name, value in single.items():
        headers.setdefault(name, [value])
    return headers


def _texts(values: object) -> Iterator[str]:
    if isinstance(values, list):
        yield from (value for value in values if isinstance(value, str))
