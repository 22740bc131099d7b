"""Own code that does not come back. It stands in classes (``faulty.py``), in stages and in ``prepare``."""

import multiprocessing
import re
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Final

AGES: Final = 3_600


class Own(Exception):
    """What the code raises in place of what broke into it."""


def sleep() -> None:
    time.sleep(AGES)


def work() -> None:
    while True:
        pass


def match() -> None:
    """Match a pattern with nested quantifiers: each more character doubles the time."""
    re.fullmatch("(a+)+", "a" * 60 + "b")


def wait() -> None:
    threading.Event().wait()


def join() -> None:
    """Wait for a thread that sleeps; it ends with the process."""
    thread = threading.Thread(target=sleep, daemon=True)
    thread.start()
    thread.join()


def swallow() -> None:
    with suppress(BaseException):
        sleep()


def insist() -> None:
    swallow()
    swallow()


def replace() -> None:
    try:
        sleep()
    except BaseException as error:
        raise Own from error


def swallow_signal() -> None:
    """Say that it begins, so that a test can send a signal now."""
    sys.stdout.write("asleep\n")
    swallow()


def end_child() -> None:
    """Do some work in a process of its own, and end that."""
    child = multiprocessing.get_context("fork").Process(target=sleep)
    child.start()
    child.terminate()
    child.join()


HABITS: Final[Mapping[str, Callable[[], None]]] = {
    habit.__name__: habit
    for habit in (sleep, work, match, wait, join, swallow, insist, replace, swallow_signal, end_child)
}
