"""A response on its way from the function to the client."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from ..http11.server import Exchange
from ..journal import Journal
from ..lambda_.invocation import STREAMING_TYPE, Ending, Invocation
from .prelude import DELIMITER, PRELUDE_LIMIT, BadPrelude, parse_prelude
from .responses import BAD_FORMAT, FUNCTION_FAILED, INTEGRATION_TIMEOUT, NOT_INVOKED, GatewayResponse


@dataclass(frozen=True, slots=True)
class Transfer:
    """How the gateway passes a response on."""

    timeout: float
    """Seconds until the response must be complete, counted from its request: a cold start is included."""
    idle_limit: float
    """Seconds for which the function may be silent."""
    clean_cut: bool
    """End the client's body cleanly if the function cut its own."""
    hold_back: int
    """Bytes of each body that are held back until they are complete, as some proxies do."""


class Relay:
    """One response on its way from the function to the client."""

    def __init__(
        self,
        exchange: Exchange,
        invocation: Invocation,
        journal: Journal,
        transfer: Transfer,
    ) -> None:
        self._exchange = exchange
        self._invocation = invocation
        self._journal = journal
        self._deadline = time.monotonic() + transfer.timeout
        self._idle_limit = transfer.idle_limit
        self._clean_cut = transfer.clean_cut
        self._hold_back = transfer.hold_back
        self._held = bytearray()
        exchange.connection.settimeout(transfer.timeout)

    def start(self, own_fields: Sequence[tuple[str, str]]) -> GatewayResponse | None:
        """Send the head as soon as the prelude is complete. Without a usable prelude return the failure instead."""
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
            ConnectionError, TimeoutError: the client has disconnected or does not read.
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
        """Read the function's response to its end, as Lambda does, even if the client has disconnected."""
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
        """Send what was held back: the head, and the body so far."""
        if self._hold_back:
            self._hold_back = 0
            self._exchange.start(*self._head)
            self._pass_on(bytes(self._held))
