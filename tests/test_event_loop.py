"""The event loop of async own code. tests/wire/test_own_code.py shows what does not end on it."""

import asyncio
import sys
import threading
from typing import NoReturn

import pytest

from function.event_loop import EventLoop
from function.stream.errors import Internal


async def answer(number: int) -> int:
    await asyncio.sleep(0)
    return number


async def leave() -> NoReturn:
    sys.exit(1)


async def fail() -> NoReturn:
    raise KeyError


async def thread() -> int:
    return threading.get_ident()


def test_every_call_runs_on_one_loop_in_one_thread_of_its_own() -> None:
    loop = EventLoop()
    assert loop.start("a", answer, 5).result() == 5
    threads = set()
    for _ in range(3):
        threads.add(loop.start("a", thread).result())
        loop.end("req-1", 10)
    assert len(threads) == 1
    assert threading.get_ident() not in threads


def test_a_loop_that_nothing_uses_has_no_thread() -> None:
    before = threading.active_count()
    EventLoop().end("req-1", 10)
    assert threading.active_count() == before


def test_what_a_call_raises_is_raised_where_it_is_waited_for() -> None:
    loop = EventLoop()
    with pytest.raises(KeyError):
        loop.start("a", fail).result()
    with pytest.raises(Internal) as caught:
        loop.start("a", leave).result()
    assert isinstance(caught.value.__cause__, SystemExit)
    assert loop.start("a", answer, 5).result() == 5


def test_a_call_that_is_cancelled_ends() -> None:
    begun = threading.Event()

    async def wait() -> None:
        begun.set()
        await asyncio.sleep(3_600)

    running = EventLoop().start("a", wait)
    assert begun.wait(10)
    running.cancel()
    with pytest.raises(Internal) as caught:
        running.result()
    assert isinstance(caught.value.__cause__, asyncio.CancelledError)


def test_tasks_that_are_left_are_cancelled_and_can_clean_up() -> None:
    happened: list[str] = []
    tasks: set[asyncio.Task[None]] = set()

    async def linger() -> None:
        try:
            await asyncio.sleep(3_600)
        finally:
            await asyncio.sleep(0)
            happened.append("cleaned up")

    async def leave_a_task() -> None:
        tasks.add(asyncio.create_task(linger()))
        await asyncio.sleep(0)

    loop = EventLoop()
    loop.start("a", leave_a_task).result()
    loop.end("req-1", 10)
    assert happened == ["cleaned up"]


def test_own_code_cannot_end_the_loop() -> None:
    async def end() -> None:
        asyncio.get_running_loop().call_soon(leave_at_once)

    async def stop() -> None:
        asyncio.get_running_loop().stop()

    def leave_at_once() -> NoReturn:
        sys.exit(1)

    loop = EventLoop()
    for harm in (end, stop):
        loop.start("a", harm).result()
        assert loop.start("a", answer, 5).result() == 5
