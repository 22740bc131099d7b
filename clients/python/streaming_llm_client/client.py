"""Clients of an endpoint, or of one of its routes."""

import json
from collections.abc import Mapping
from functools import partial
from types import TracebackType
from typing import Any, Final, Self, TypeVar, overload

import httpx
from pydantic import BaseModel, TypeAdapter

from .answer import Reader
from .stream import AsyncStream, Stream, Timeout

T = TypeVar("T")

FORMAT: Final = {"Accept": "application/jsonl", "Accept-Encoding": "identity"}
"""Events, which nothing on the way should collect to compress them."""
RETRIES: Final = 2
TIMEOUT: Final = Timeout()


class Client:
    """A client of one endpoint; it keeps connections open until it is closed."""

    def __init__(  # noqa: PLR0913 - all but the URL have names and defaults
        self,
        url: str,
        *,
        auth: httpx.Auth | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: Timeout = TIMEOUT,
        retries: int = RETRIES,
        http: httpx.Client | None = None,
    ) -> None:
        """Take the full URL, such as ``https://….amazonaws.com/v1/stream``.

        Args:
            url: of the endpoint, with the path of the route.
            auth: ``ApiKey``, ``SigV4``, or another ``httpx.Auth``.
            headers: sent with each request.
            timeout: how long the endpoint may be silent.
            retries: how often a request is sent again at most; 0 for never. Only what reached no model is repeated.
            http: sends the requests, for example through a proxy. It is not closed with this client.
        """
        self._url = url
        self._headers = {**FORMAT, **(headers or {})}
        self._timeout = timeout
        self._retries = retries
        self._http = http or httpx.Client()
        self._is_owner = http is None
        self._send = partial(self._http.send, stream=True, auth=auth or httpx.USE_CLIENT_DEFAULT)

    @overload
    def stream(self, schema: type[T] | TypeAdapter[T], request: object = None, /, **fields: object) -> Stream[T]: ...
    @overload
    def stream(self, schema: None = None, request: object = None, /, **fields: object) -> Stream[Any]: ...
    def stream(
        self, schema: type[T] | TypeAdapter[T] | None = None, request: object = None, /, **fields: object
    ) -> Stream[T] | Stream[Any]:
        """Return the stream of one answer. Nothing is sent before it is iterated or its ``final`` is called.

        Args:
            schema: the class of the answer, or another type that Pydantic knows; without it, answers are JSON values.
            request: an object of the endpoint's request class, as JSON values or a Pydantic model; or the prompt.
            fields: of the request, instead of ``request``.
        """
        built = self._http.build_request("POST", self._url, **_content(self._headers, request, fields))
        return Stream(self._send, built, None if schema is None else Reader(schema), self._timeout, self._retries)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections."""
        if self._is_owner:
            self._http.close()


class AsyncClient:
    """A ``Client`` for asynchronous code."""

    def __init__(  # noqa: PLR0913 - all but the URL have names and defaults
        self,
        url: str,
        *,
        auth: httpx.Auth | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: Timeout = TIMEOUT,
        retries: int = RETRIES,
        http: httpx.AsyncClient | None = None,
    ) -> None:
        """Take the same as ``Client`` does."""
        self._url = url
        self._headers = {**FORMAT, **(headers or {})}
        self._timeout = timeout
        self._retries = retries
        self._http = http or httpx.AsyncClient()
        self._is_owner = http is None
        self._send = partial(self._http.send, stream=True, auth=auth or httpx.USE_CLIENT_DEFAULT)

    @overload
    def stream(
        self, schema: type[T] | TypeAdapter[T], request: object = None, /, **fields: object
    ) -> AsyncStream[T]: ...
    @overload
    def stream(self, schema: None = None, request: object = None, /, **fields: object) -> AsyncStream[Any]: ...
    def stream(
        self, schema: type[T] | TypeAdapter[T] | None = None, request: object = None, /, **fields: object
    ) -> AsyncStream[T] | AsyncStream[Any]:
        """Return the stream of one answer, as ``Client.stream`` does."""
        built = self._http.build_request("POST", self._url, **_content(self._headers, request, fields))
        return AsyncStream(self._send, built, None if schema is None else Reader(schema), self._timeout, self._retries)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close all connections."""
        if self._is_owner:
            await self._http.aclose()


def _content(headers: Mapping[str, str], request: object, fields: Mapping[str, object]) -> dict[str, Any]:
    """Return headers and body of a request; without a body, every field of the request class has its default."""
    if request is not None and fields:
        raise TypeError("Give the request as one object, or its fields as keywords, not both.")
    body = fields or request
    if body is None:
        return {"headers": headers}
    content = json.dumps(body, default=_as_json).encode()
    return {"headers": {**headers, "Content-Type": "application/json"}, "content": content}


def _as_json(value: object) -> Any:  # noqa: ANN401 - any JSON value
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", by_alias=True)
    raise TypeError(f"a request must be JSON values or Pydantic models; got {type(value).__name__}")
