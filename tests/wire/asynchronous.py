"""Async own code of a user: a ``prepare`` and stages, well behaved and not. They write to the log."""

import asyncio
import hashlib
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from function.endpoint import Call, Refused
from function.stream.record import Record
from tests.wire.prepared import SECRET, Own, Request


class Client:
    """An HTTP client that keeps its connection (RFC 9112 §9.3), as far as one answer without a body goes."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def get(self) -> None:
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = self._streams
        writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")


client: Final = Client(int(os.environ.get("PEER_PORT", "0")))
"""Made once, when the module is imported, and used by every request."""
_tasks: Final[set[asyncio.Task[None]]] = set()


async def fetch(request: Request, _: Call) -> object:
    await client.get()
    return request.question


async def tell(request: Request, call: Call) -> object:
    await asyncio.sleep(0)
    _write(id=call.request_id)
    return request.question


async def fail(_: Request, __: Call) -> object:
    raise Own(SECRET)


async def leave(_: Request, __: Call) -> object:
    sys.exit(SECRET)


async def interrupt(_: Request, __: Call) -> object:
    raise KeyboardInterrupt(SECRET)


async def cancel(_: Request, __: Call) -> object:
    raise asyncio.CancelledError(SECRET)


async def refuse(_: Request, __: Call) -> object:
    raise Refused("tenant_locked", status=423, title="The tenant is locked.")


async def number(_: Request, __: Call) -> object:
    return 7


async def wait(_: Request, __: Call) -> object:
    """Wait for hours, and clean up when that is cancelled."""
    try:
        await asyncio.sleep(3_600)
    finally:
        await asyncio.sleep(0.01)
        _write(cleaned=True)
    return SECRET


async def insist(_: Request, __: Call) -> object:
    """Go on, whoever cancels."""
    while True:
        try:
            await asyncio.sleep(3_600)
        except asyncio.CancelledError:
            continue


async def block(_: Request, __: Call) -> object:
    """Keep the loop to itself."""
    time.sleep(3_600)  # noqa: ASYNC251 - that is the mistake
    return SECRET


async def leave_tasks(request: Request, _: Call) -> object:
    """Leave a task that waits, and one that ends the thread of the loop if nothing keeps it."""
    for what in (_linger, _exit):
        _tasks.add(asyncio.create_task(what()))
    await asyncio.sleep(0)
    return request.question


async def _linger() -> None:
    try:
        await asyncio.sleep(3_600)
    finally:
        _write(lingered=True)


async def _exit() -> None:
    sys.exit(SECRET)


HABITS: Final[Mapping[str, Callable[[Request, Call], Awaitable[object]]]] = {
    habit.__name__: habit
    for habit in (fetch, fail, leave, interrupt, cancel, refuse, number, wait, insist, block, leave_tasks)
}


async def prepare(request: Request, call: Call) -> object:
    """Make the prompt of a question."""
    return await HABITS.get(request.question.rpartition(": ")[2], tell)(request, call)


async def pass_on(request: Any, _: Call) -> object:
    """Leave a task behind, and the prompt to the request class."""
    _tasks.add(asyncio.create_task(asyncio.sleep(3_600)))
    _tasks.difference_update({task for task in _tasks if task.done()})
    return request.prompt


async def span(record: Record) -> None:
    await asyncio.sleep(0)
    _write(spanned=record.request_id)


async def fail_late(_: Record) -> None:
    await asyncio.sleep(0)
    raise Own(SECRET)


async def leave_late(_: Record) -> None:
    sys.exit(SECRET)


async def cancel_late(_: Record) -> None:
    raise asyncio.CancelledError(SECRET)


async def sleep_late(_: Record) -> None:
    await asyncio.sleep(3_600)


async def hang_late(_: Record) -> None:
    """Compute in C for hours, and keep the loop to itself."""
    hashlib.pbkdf2_hmac("sha512", b"", b"", 2**31 - 1)


def _write(**members: object) -> None:
    sys.stdout.write(json.dumps(members) + "\n")
