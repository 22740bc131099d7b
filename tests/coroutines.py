"""Runs a coroutine in a test."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


def run(main: Coroutine[Any, Any, T]) -> T:
    """Return what a coroutine returns; the thread keeps its event loop, which Pulumi's mocks need in other tests.

    ``asyncio.run`` leaves a thread without one.
    """
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        return runner.run(main)
