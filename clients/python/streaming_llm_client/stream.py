"""One answer: iterate it for the object while it grows, call ``final`` for the complete one, or do both."""

import asyncio
import time
from abc import ABC
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Generator, Iterator
from contextlib import aclosing, closing, suppress
from dataclasses import dataclass
from itertools import count
from types import TracebackType
from typing import Any, Final, Generic, Self, TypeVar

import httpx

from .answer import Reader
from .errors import StreamError
from .events import Usage
from .partial import Partial
from .reception import Reception
from .retries import retry_delay

T = TypeVar("T")

PROBLEM_LIMIT: Final = 1_000_000
"""Bytes of a problem that are read at most."""


@dataclass(frozen=True, slots=True)
class Timeout:
    """How long to wait for the endpoint, in seconds. An answer can take as long as it keeps sending something."""

    connect: float = 10.0
    start: float = 300.0
    """Silence before the response begins: a model can think for minutes."""
    silence: float = 30.0
    """Silence in the response. The endpoint sends a heartbeat after 3 s."""


class _Answer(ABC, Generic[T]):
    """What is known of an answer so far."""

    def __init__(self, request: httpx.Request, reader: Reader[T] | None, timeout: Timeout, retries: int) -> None:
        self._request = request
        self._reader = reader
        self._timeout = timeout
        self._retries = retries
        self._reception = Reception(reader)
        self._failure: Exception | None = None
        self._is_iterated = False

    @property
    def usage(self) -> Usage | None:
        """The tokens as the service counted them: once the answer is complete, and if the service reported them."""
        return self._reception.usage

    @property
    def stop_reason(self) -> str | None:
        """Why the model stopped, once the answer is complete."""
        return self._reception.stop_reason

    @property
    def request_id(self) -> str | None:
        """The id of the request, once the response has begun. The operator of the endpoint finds it in the log."""
        return self._reception.request_id

    @property
    def model(self) -> str | None:
        """The model that answers, once it is known."""
        return self._reception.model

    @property
    def raw(self) -> Any:  # noqa: ANN401 - any JSON value
        """The complete answer as JSON values: the dump of the endpoint's class. None before it is complete."""
        return self._reception.raw

    def _begin_iteration(self) -> None:
        if self._is_iterated:
            raise RuntimeError("A stream can be iterated only once. Send another request.")
        self._is_iterated = True

    def _prepare(self) -> None:
        """Make everything ready for another attempt."""
        self._reception = Reception(self._reader)
        timeouts = httpx.Timeout(self._timeout.connect, read=self._timeout.start)
        self._request.extensions["timeout"] = timeouts.as_dict()

    def _take_head(self, response: httpx.Response) -> bool:
        """Take the head of a response; return whether events follow."""
        self._request.extensions["timeout"]["read"] = self._timeout.silence  # it counts from the body on
        return self._reception.begin(response.status_code, response.headers)

    def _delay(self, error: StreamError, attempt: int) -> float:
        """Return the seconds before the next attempt.

        Raises:
            StreamError: there must be none.
        """
        is_allowed = attempt < self._retries and not self._reception.has_shown
        delay = retry_delay(error, attempt) if is_allowed else None
        if delay is None:
            raise error
        return delay

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure

    def _result(self) -> T:
        if not self._reception.is_complete:
            raise RuntimeError("The stream was closed before its answer was complete.")
        answer: T = self._reception.answer
        return answer


class Stream(_Answer[T]):
    """An answer that a ``Client`` receives. The request is sent when the first partial or the answer is asked for.

    Leaving its ``with`` block closes the connection, whether or not the answer is complete.
    """

    def __init__(
        self,
        send: Callable[[httpx.Request], httpx.Response],
        request: httpx.Request,
        reader: Reader[T] | None,
        timeout: Timeout,
        retries: int,
    ) -> None:
        """Use ``Client.stream``."""
        super().__init__(request, reader, timeout, retries)
        self._send = send
        self._partials = self._attempts()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def __iter__(self) -> Iterator[Partial[T]]:
        self._begin_iteration()
        return iter(self._next, None)

    def final(self) -> T:
        """Return the complete answer. It reads what is left, and can be called again.

        Raises:
            StreamError: the answer failed, was cut, or is not one of the class.
        """
        while self._next() is not None:
            pass
        return self._result()

    def close(self) -> None:
        """Close the connection."""
        self._partials.close()

    def _next(self) -> Partial[T] | None:
        self._raise_failure()
        try:
            return next(self._partials, None)
        except Exception as error:
            self._failure = error
            raise

    def _attempts(self) -> Generator[Partial[T]]:
        for attempt in count():
            self._prepare()
            try:
                yield from self._attempt(self._reception)
            except StreamError as error:
                time.sleep(self._delay(error, attempt))
            else:
                return

    def _attempt(self, reception: Reception[T]) -> Iterator[Partial[T]]:
        try:
            response = self._send(self._request)
        except httpx.TransportError as error:
            raise reception.not_connected(error) from error
        with closing(response):
            if not self._take_head(response):
                raise reception.refused(self._problem(response))
            cause = None
            try:
                chunks = response.iter_bytes()
                for data in chunks:
                    yield from reception.feed(data)
                    if reception.is_complete:
                        next(chunks, None)  # the end of the body: then the connection can serve another request
                        return
            except httpx.HTTPError as error:
                cause = error
            yield from reception.end(cause)

    def _problem(self, response: httpx.Response) -> bytes:
        body = b""
        with suppress(httpx.HTTPError):  # half of a problem is none
            for data in response.iter_bytes():
                body += data
                if len(body) > PROBLEM_LIMIT:
                    break
        return body


class AsyncStream(_Answer[T]):
    """An answer that an ``AsyncClient`` receives: a ``Stream`` to be used with ``async with`` and ``async for``."""

    def __init__(
        self,
        send: Callable[[httpx.Request], Awaitable[httpx.Response]],
        request: httpx.Request,
        reader: Reader[T] | None,
        timeout: Timeout,
        retries: int,
    ) -> None:
        """Use ``AsyncClient.stream``."""
        super().__init__(request, reader, timeout, retries)
        self._send = send
        self._partials = self._attempts()
        self._turn = asyncio.Lock()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self.aclose()

    def __aiter__(self) -> AsyncIterator[Partial[T]]:
        self._begin_iteration()
        return self._rest()

    async def final(self) -> T:
        """Return the complete answer. It reads what is left, and can be called again.

        Raises:
            StreamError: the answer failed, was cut, or is not one of the class.
        """
        while await self._next() is not None:
            pass
        return self._result()

    async def aclose(self) -> None:
        """Close the connection."""
        await self._partials.aclose()

    async def _rest(self) -> AsyncIterator[Partial[T]]:
        while (partial := await self._next()) is not None:
            yield partial

    async def _next(self) -> Partial[T] | None:
        async with self._turn:  # several tasks can wait for the answer
            self._raise_failure()
            try:
                return await anext(self._partials, None)
            except Exception as error:
                self._failure = error
                raise

    async def _attempts(self) -> AsyncGenerator[Partial[T]]:
        for attempt in count():
            self._prepare()
            try:
                async with aclosing(self._attempt(self._reception)) as partials:
                    async for partial in partials:
                        yield partial
            except StreamError as error:
                await asyncio.sleep(self._delay(error, attempt))
            else:
                return

    async def _attempt(self, reception: Reception[T]) -> AsyncGenerator[Partial[T]]:
        try:
            response = await self._send(self._request)
        except httpx.TransportError as error:
            raise reception.not_connected(error) from error
        async with aclosing(response):
            if not self._take_head(response):
                raise reception.refused(await self._problem(response))
            cause = None
            try:
                chunks = response.aiter_bytes()
                async for data in chunks:
                    for partial in reception.feed(data):
                        yield partial
                    if reception.is_complete:
                        await anext(chunks, None)
                        return
            except httpx.HTTPError as error:
                cause = error
            for partial in reception.end(cause):
                yield partial

    async def _problem(self, response: httpx.Response) -> bytes:
        body = b""
        with suppress(httpx.HTTPError):  # half of a problem is none
            async for data in response.aiter_bytes():
                body += data
                if len(body) > PROBLEM_LIMIT:
                    break
        return body
