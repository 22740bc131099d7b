"""API Gateway, REST, STREAM mode: HTTP in, proxy event to the function; prelude out, then its bytes as they come.

docs.aws.amazon.com/apigateway/latest/developerguide/response-transfer-mode-lambda.html
"""

import json
import socket
from collections.abc import Collection, Sequence
from email.utils import formatdate
from types import TracebackType
from typing import Self

from ..http11.server import Exchange, Server, TooLarge
from ..lambda_.function import Function
from ..lambda_.invocation import Invocation
from .callers import authorization
from .cors import allowed_origins, error_fields, preflight_fields
from .proxy_event import Request, proxy_event, request_id
from .relay import Relay, Transfer
from .responses import MISSING_AUTHENTICATION_TOKEN, REQUEST_TOO_LARGE, GatewayResponse
from .routes import path, routes

BODY_LIMIT = 10 * 1024 * 1024
EVENT_LIMIT = 6 * 1024 * 1024


class Gateway:
    """One resource for each route: POST invokes the function, OPTIONS is answered by the gateway itself.

    Close the function first: the gateway reads each response to its end.
    """

    def __init__(self, function: Function, listener: socket.socket | None = None) -> None:
        """Listen on a free loopback port, or on a socket that listens already.

        The attributes are the stage's settings and may be changed at any time.
        """
        self.clean_cut = False
        """End the client's body cleanly if the function cut its own: AWS does not document what API Gateway does."""
        self.hold_back = 0
        """Bytes of each body that are held back until they are complete, as some proxies do."""
        self.integration_timeout = function.deployment.timeout + 10
        """Seconds until the response must be complete, counted from its request: a cold start is included."""
        self.idle_limit = 300.0
        """Seconds for which the function may be silent."""
        self.binary_media_types: Collection[str] = ()
        """Content types whose bodies reach the function as base64."""
        self.function = function
        """What POST invokes; it may be replaced at any time."""
        self._server = Server(self._respond, listener)

    @property
    def urls(self) -> dict[str, str]:
        """The URL of each route, by its name."""
        return {name: self._server.url + path(name) for name in routes(self.function.deployment)}

    @property
    def url(self) -> str:
        """The URL of the endpoint; of several routes, that of the first."""
        return next(iter(self.urls.values()))

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return self._server.port

    @property
    def allowed_origins(self) -> Sequence[str]:
        """The origins whose pages can call the endpoint, from the variable of the deployed function."""
        return allowed_origins(self.function.deployment.environment)

    @property
    def mistakes(self) -> Sequence[BaseException]:
        """Exceptions that were raised in the gateway itself."""
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
        elif not self._serves(request):
            self._fail(exchange, request, MISSING_AUTHENTICATION_TOKEN)
        elif request.method == "OPTIONS":
            fields = preflight_fields(self.allowed_origins, request.header("Origin"))
            exchange.send(204, [*self._own_fields(request), *fields], b"")
        else:
            self._integrate(exchange, request, self.function.invoke(event, request.trace_id))

    def _serves(self, request: Request) -> bool:
        paths = map(path, routes(self.function.deployment))
        return request.path in paths and request.method in {"POST", "OPTIONS"}

    def _request(self, exchange: Exchange, body: bytes) -> Request:
        path, _, query = exchange.path.partition("?")
        host, port = exchange.client_address[0], exchange.server.port
        chosen = exchange.headers.get("X-Amzn-RequestId")
        return Request(
            *(exchange.command, path, query, exchange.fields(), body, host, port),
            id=request_id(chosen),
            authorization=authorization(self.function.deployment.environment),
        )

    def _integrate(self, exchange: Exchange, request: Request, invocation: Invocation) -> None:
        transfer = Transfer(self.integration_timeout, self.idle_limit, self.clean_cut, self.hold_back)
        relay = Relay(exchange, invocation, self.function.journal, transfer)
        try:
            failure = relay.start(self._own_fields(request))
            if failure:
                exchange.close_connection = True  # the client need not wait until the function's response ends
                self._fail(exchange, request, failure)
            else:
                relay.run()
        except (ConnectionError, TimeoutError):
            exchange.cut()  # the client has disconnected or does not read
            self.function.journal.note("client left", invocation.id)
        relay.drain()

    def _fail(self, exchange: Exchange, request: Request, response: GatewayResponse) -> None:
        """Send a response of the gateway's own: a problem document, or plain JSON if no template is possible."""
        status, response_type, message = response
        if response is REQUEST_TOO_LARGE:
            fields, body = [("Content-Type", "application/json")], {"message": message}
        else:
            fields = [("Content-Type", "application/problem+json"), *error_fields(self.allowed_origins)]
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
            ("x-amz-apigw-id", request.extended_id),
            ("X-Amzn-Trace-Id", request.trace_id),
        ]
