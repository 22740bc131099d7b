"""API Gateway, REST, STREAM mode: HTTP in, proxy event to the function; prelude out, then its bytes as they come.

docs.aws.amazon.com/apigateway/latest/developerguide/response-transfer-mode-lambda.html
"""

import base64
import json
import secrets
import socket
import time
import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from email.utils import formatdate
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl

from .http11 import Exchange, Server, TooLarge
from .runtime_api import ACCOUNT, REGION, STREAMING_TYPE, Ending, Function, Invocation

STAGE, RESOURCE = "v1", "/stream"
PATH = f"/{STAGE}{RESOURCE}"
API_ID = "twin000000"
DELIMITER = bytes(8)
PRELUDE_LIMIT = 16_000
PRELUDE_KEYS = frozenset({"statusCode", "headers", "multiValueHeaders", "cookies"})
BODY_LIMIT = 10 * 1024 * 1024
EVENT_LIMIT = 6 * 1024 * 1024
REMAPPED = frozenset({"authorization", "connection", "content-length", "date", "server", "www-authenticate"})
"""Names that the gateway gives a prefix, since it writes these fields itself."""
FRAMING = frozenset({"transfer-encoding"})
EXPOSED_HEADERS = "X-Request-Id, x-amzn-RequestId"

MISSING_AUTHENTICATION_TOKEN = (403, "MISSING_AUTHENTICATION_TOKEN", "Missing Authentication Token")
REQUEST_TOO_LARGE = (413, "REQUEST_TOO_LARGE", "Request Too Long")
INTEGRATION_TIMEOUT = (504, "INTEGRATION_TIMEOUT", "Endpoint request timed out")
NOT_INVOKED = (500, "DEFAULT_5XX", "Internal server error")
BAD_FORMAT = (500, "DEFAULT_5XX", "Internal server error")
FUNCTION_FAILED = (502, "DEFAULT_5XX", "Internal server error")
GatewayResponse = tuple[int, str, str]
"""Status, response type and the gateway's own message."""


class BadPrelude(Exception):
    """What the function sent first is no prelude."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request as the gateway took it."""

    method: str
    path: str
    query: str
    fields: Sequence[tuple[str, str]]
    body: bytes
    source_ip: str
    port: int
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    trace_id: str = field(default_factory=lambda: f"Root=1-{int(time.time()):08x}-{secrets.token_hex(12)}")
    at: float = field(default_factory=time.time)
    """Seconds since the epoch."""

    def header(self, name: str) -> str | None:
        """Return the last value of a field, its name in any case."""
        return next((value for key, value in reversed(self.fields) if key.lower() == name.lower()), None)


@dataclass(frozen=True, slots=True)
class Prelude:
    """Status and header fields, as the function sent them."""

    status: int
    fields: Sequence[tuple[str, str]]


class Gateway:
    """The API: one resource, POST to the function, OPTIONS answered by the gateway itself.

    Close the function first: the gateway reads on until it has ended.
    """

    def __init__(self, function: Function, listener: socket.socket | None = None) -> None:
        """Listen on a free loopback port, or on a socket that listens already.

        The attributes are the stage's settings and may be changed at any time.
        """
        self.allowed_origins: tuple[str, ...] = ()
        self.clean_cut = False
        """End the client's body cleanly where the function cut its own: nobody knows which API Gateway does."""
        self.hold_back = 0
        """Hold the first bytes of each body back, until there are so many."""
        self.integration_timeout = function.deployment.timeout + 10
        """Seconds for the whole response, the function's start included."""
        self.idle_limit = 300.0
        """Seconds without a byte of the function."""
        self.binary_media_types: Collection[str] = ()
        """Content types whose bodies reach the function as base64."""
        self.function = function
        """What POST invokes; another one may take its place."""
        self._server = Server(self._respond, listener)

    @property
    def url(self) -> str:
        """The whole endpoint."""
        return self._server.url + PATH

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return self._server.port

    @property
    def mistakes(self) -> Sequence[BaseException]:
        """What went wrong in the gateway itself."""
        return self._server.mistakes

    def close(self) -> None:
        """End every connection."""
        self._server.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _respond(self, exchange: Exchange) -> None:
        too_large = False
        body = b""
        try:
            body = exchange.read_body(BODY_LIMIT)
        except TooLarge:
            too_large = True
        request = self._request(exchange, body)
        event = json.dumps(proxy_event(request, self.binary_media_types), separators=(",", ":")).encode()
        if too_large or len(event) > EVENT_LIMIT:
            self._fail(exchange, request, REQUEST_TOO_LARGE)
        elif request.path != PATH or request.method not in {"POST", "OPTIONS"}:
            self._fail(exchange, request, MISSING_AUTHENTICATION_TOKEN)
        elif request.method == "OPTIONS":
            exchange.send(204, [*self._own_fields(request), *self._preflight(request)], b"")
        else:
            self._integrate(exchange, request, self.function.invoke(event, request.trace_id))

    def _request(self, exchange: Exchange, body: bytes) -> Request:
        path, _, query = exchange.path.partition("?")
        host, port = exchange.client_address[0], exchange.server.port
        return Request(exchange.command, path, query, exchange.fields(), body, host, port)

    def _integrate(self, exchange: Exchange, request: Request, invocation: Invocation) -> None:
        relay = _Relay(self, exchange, invocation)
        try:
            failure = relay.start(self._own_fields(request))
            if failure:
                exchange.close_connection = True  # the function may have more to say, and nobody will hear it
                self._fail(exchange, request, failure)
            else:
                relay.run()
        except (ConnectionError, TimeoutError):
            exchange.cut()  # the client left or does not read
            self.function.journal.note("client left", invocation.id)
        relay.drain()

    def _fail(self, exchange: Exchange, request: Request, response: GatewayResponse) -> None:
        """Send a gateway response: a plain template, the same for all but the one that takes none."""
        status, response_type, message = response
        if response is REQUEST_TOO_LARGE:
            fields, body = [("Content-Type", "application/json")], {"message": message}
        else:
            fields = [("Content-Type", "application/problem+json"), *self._error_fields()]
            body = {
                "type": f"urn:streaming-llm:problem:{response_type}",
                "title": "The gateway did not pass the request on.",
                "code": response_type,
                "detail": message,
                "requestId": request.id,
            }
        fields += [*self._own_fields(request), ("x-amzn-ErrorType", "".join(message.title().split()))]
        exchange.send(status, fields, json.dumps(body).encode())
        if exchange.close_connection:
            exchange.cut()

    def _own_fields(self, request: Request) -> list[tuple[str, str]]:
        return [
            ("Date", formatdate(usegmt=True)),
            ("x-amzn-RequestId", request.id),
            ("x-amz-apigw-id", request.id.replace("-", "")[:15] + "="),
            ("X-Amzn-Trace-Id", request.trace_id),
        ]

    def _preflight(self, request: Request) -> list[tuple[str, str]]:
        """Return the fields of the preflight's answer: one origin is a literal, of several exactly the caller's."""
        if not self.allowed_origins:
            return []
        fields = [("Access-Control-Allow-Methods", "POST"), ("Access-Control-Allow-Headers", "Content-Type")]
        fields.append(("Access-Control-Max-Age", "600"))
        if len(self.allowed_origins) > 1:
            fields.append(("Vary", "Origin"))
        if len(self.allowed_origins) == 1 or request.header("Origin") in self.allowed_origins:
            allowed = self.allowed_origins[0] if len(self.allowed_origins) == 1 else request.header("Origin")
            fields.append(("Access-Control-Allow-Origin", allowed or ""))
        return fields

    def _error_fields(self) -> list[tuple[str, str]]:
        """Return the fields for browsers of the gateway's own errors, which cannot know the caller's origin."""
        if not self.allowed_origins:
            return []
        allowed = self.allowed_origins[0] if len(self.allowed_origins) == 1 else "*"
        return [("Access-Control-Allow-Origin", allowed), ("Access-Control-Expose-Headers", EXPOSED_HEADERS)]


class _Relay:
    """One response on its way from the function to the client."""

    def __init__(self, gateway: Gateway, exchange: Exchange, invocation: Invocation) -> None:
        self._exchange = exchange
        self._invocation = invocation
        self._idle_limit = gateway.idle_limit
        self._deadline = time.monotonic() + gateway.integration_timeout
        self._clean_cut = gateway.clean_cut
        self._journal = gateway.function.journal
        self._hold_back = gateway.hold_back
        self._held = bytearray()
        exchange.connection.settimeout(gateway.integration_timeout)

    def start(self, own_fields: Sequence[tuple[str, str]]) -> GatewayResponse | None:
        """Send the head when the prelude is in; return a failure in its place where there is none."""
        begin = bytearray()
        try:
            while (at := begin.find(DELIMITER)) < 0 and len(begin) <= PRELUDE_LIMIT:
                chunk = self._take()
                if chunk is None:
                    return self._without_prelude()
                begin += chunk
        except TimeoutError:
            return INTEGRATION_TIMEOUT
        if not 0 <= at <= PRELUDE_LIMIT - len(DELIMITER) or self._invocation.content_type != STREAMING_TYPE:
            return BAD_FORMAT
        try:
            prelude = parse_prelude(bytes(begin[:at]))
        except BadPrelude:
            return BAD_FORMAT
        self._head = (prelude.status, [*own_fields, *prelude.fields])
        if not self._hold_back:
            self._exchange.start(*self._head)
        self._pass_on(bytes(begin[at + len(DELIMITER) :]))
        return None

    def run(self) -> None:
        """Pass on the body and its end.

        Raises:
            ConnectionError, TimeoutError: the client left, or does not read.
        """
        try:
            while (chunk := self._take()) is not None:
                self._pass_on(chunk)
        except TimeoutError:
            self._exchange.cut()
            return
        self._flush()
        ending = self._invocation.ending
        if ending is Ending.COMPLETE or (ending is Ending.CUT and self._clean_cut):
            self._exchange.end()
        else:
            self._exchange.cut()
        self._journal.note("client end", self._invocation.id)

    def drain(self) -> None:
        """Read on to the end, as the platform does, whether or not somebody listens."""
        while self._invocation.take() is not None:
            pass
        self._invocation.forwarded()
        if not self._exchange.close_connection:
            self._exchange.connection.settimeout(None)

    def _take(self) -> bytes | None:
        return self._invocation.take(max(0, min(self._idle_limit, self._deadline - time.monotonic())))

    def _without_prelude(self) -> GatewayResponse:
        match self._invocation.ending:
            case Ending.THROTTLED:
                return NOT_INVOKED
            case Ending.COMPLETE:
                return BAD_FORMAT
            case _:
                return FUNCTION_FAILED

    def _pass_on(self, data: bytes) -> None:
        if not data:
            return
        if self._hold_back:
            self._held += data
            if len(self._held) >= self._hold_back:
                self._flush()
            return
        self._exchange.chunk(data)

    def _flush(self) -> None:
        """Send what is held back: the head, and the body so far."""
        if self._hold_back:
            self._hold_back = 0
            self._exchange.start(*self._head)
            self._pass_on(bytes(self._held))


def parse_prelude(document: bytes) -> Prelude:
    """Read what stands before the delimiter.

    Raises:
        BadPrelude: it is no JSON object of the four keys, or has fields that no HTTP message can carry.
    """
    try:
        members = json.loads(document)
        if not isinstance(members, dict) or members.keys() - PRELUDE_KEYS:
            raise BadPrelude
        status = members.get("statusCode", 200)
        fields = list(_prelude_fields(members))
    except (ValueError, TypeError, AttributeError) as error:
        raise BadPrelude from error
    if not isinstance(status, int) or not 200 <= status <= 599:  # noqa: PLR2004 - what HTTP has
        raise BadPrelude
    if not all((name + value).isprintable() and (name + value).isascii() for name, value in fields):
        raise BadPrelude
    if not any(name.lower() == "content-type" for name, _ in fields):
        fields.append(("Content-Type", "application/json"))
    return Prelude(status, fields)


def _prelude_fields(members: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    """Yield the header fields; where a name is in both maps, the multiple values stay."""
    many = members.get("multiValueHeaders") or {}
    several = {name.lower() for name in many}
    single = {name: [value] for name, value in (members.get("headers") or {}).items() if name.lower() not in several}
    for name, values in {**single, **many}.items():
        if name.lower() in FRAMING:
            continue
        sent = f"x-amzn-Remapped-{name}" if name.lower() in REMAPPED else name
        yield from ((sent, _text(value)) for value in values)
    yield from (("Set-Cookie", _text(value)) for value in members.get("cookies") or ())


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int | float):
        return str(value)
    raise BadPrelude


def proxy_event(request: Request, binary_media_types: Collection[str] = ()) -> dict[str, Any]:
    """Return the event (payload 1.0) that Lambda gets of a request."""
    forwarded = [
        ("X-Amzn-Trace-Id", request.trace_id),
        ("X-Forwarded-For", request.source_ip),
        ("X-Forwarded-Port", str(request.port)),
        ("X-Forwarded-Proto", "http"),
    ]
    headers = _by_name([*request.fields, *forwarded])
    query: dict[str, list[str]] = {}
    for name, value in parse_qsl(request.query, keep_blank_values=True):
        query.setdefault(name, []).append(value)
    media_type = (request.header("Content-Type") or "").split(";")[0].strip()
    is_binary = bool({media_type, "*/*"} & set(binary_media_types))
    text = base64.b64encode(request.body).decode() if is_binary else request.body.decode(errors="replace")
    return {
        "resource": RESOURCE,
        "path": RESOURCE,
        "httpMethod": request.method,
        "headers": _last(headers),
        "multiValueHeaders": headers,
        "queryStringParameters": _last(query) or None,
        "multiValueQueryStringParameters": query or None,
        "pathParameters": None,
        "stageVariables": None,
        "requestContext": _request_context(request),
        "body": text or None,
        "isBase64Encoded": is_binary and bool(text),
    }


def _request_context(request: Request) -> dict[str, Any]:
    nobody = ["cognitoIdentityPoolId", "accountId", "cognitoIdentityId", "caller", "principalOrgId", "accessKey"]
    nobody += ["cognitoAuthenticationType", "cognitoAuthenticationProvider", "userArn", "user"]
    return {
        "resourceId": "twin01",
        "resourcePath": RESOURCE,
        "httpMethod": request.method,
        "extendedRequestId": request.id.replace("-", "")[:15] + "=",
        "requestTime": time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(request.at)),
        "path": request.path,
        "accountId": ACCOUNT,
        "protocol": "HTTP/1.1",
        "stage": STAGE,
        "domainPrefix": API_ID,
        "requestTimeEpoch": int(request.at * 1000),
        "requestId": request.id,
        "domainName": f"{API_ID}.execute-api.{REGION}.amazonaws.com",
        "deploymentId": "twin02",
        "apiId": API_ID,
        "identity": {
            **dict.fromkeys(nobody),
            "sourceIp": request.source_ip,
            "userAgent": request.header("User-Agent"),
        },
    }


def _by_name(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Collect the values of each name; a name keeps the case in which it came first."""
    names: dict[str, str] = {}
    values: dict[str, list[str]] = {}
    for name, value in pairs:
        values.setdefault(names.setdefault(name.lower(), name), []).append(value)
    return values


def _last(values: Mapping[str, Sequence[str]]) -> dict[str, str]:
    return {name: several[-1] for name, several in values.items()}
