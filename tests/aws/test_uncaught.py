"""The words of an exception that nobody catches are in no line: a process of its own for what is global."""

import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

ROOT = Path(__file__).parents[2]
CANARY = "canary-7f3a"
"""Made when the program runs, so that no line of its source holds it."""
BEFORE = """
    import asyncio, logging, os, sys, threading, warnings
    from function.aws import logs, uncaught
    logs.install(os.environ)
    uncaught.install()
    canary = "-".join(["canary", "7f3a"])

    def fail(words=canary):
        raise ValueError(words)
"""


def written(program: str) -> tuple[int, str]:
    """Return the status of a program and everything that it writes."""
    done = subprocess.run(
        [sys.executable, "-P", "-c", dedent(BEFORE) + dedent(program)],
        env={"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    return done.returncode, done.stdout.decode()


@pytest.mark.parametrize(
    ("program", "told"),
    [
        ("fail()", "an exception ends the process\rValueError"),
        ("threading.Thread(target=fail, name=canary).start()", "an exception ended a thread\rValueError"),
        (
            """
            class Odd:
                def __repr__(self):
                    return canary
                def __del__(self):
                    fail()
            Odd()
            """,
            "an exception in a finalizer or a callback was ignored\rValueError",
        ),
        ("warnings.warn(canary)", "UserWarning at <string>:"),
        (
            """
            from pydantic import BaseModel
            class Answer(BaseModel):
                number: int
            Answer.model_construct(number=canary).model_dump()
            """,
            "UserWarning at ",
        ),
        (
            """
            async def main():
                task = asyncio.ensure_future(asyncio.to_thread(fail))
                await asyncio.wait([task])
            asyncio.run(main())
            """,
            '"message": "asyncio reports an error or a slow callback", "logger": "asyncio"',
        ),
        (
            """
            async def main():
                asyncio.get_running_loop().call_soon(fail, canary)
                await asyncio.sleep(0)
            asyncio.run(main())
            """,
            '"message": "asyncio reports an error or a slow callback", "logger": "asyncio"',
        ),
        ("import atexit; atexit.register(fail)", "an exception in a finalizer or a callback was ignored\rValueError"),
        (
            """
            try:
                fail()
            except ValueError as error:
                raise KeyError(canary) from error
            """,
            "KeyError",
        ),
        ("raise ExceptionGroup(canary, [ValueError(canary)])", "an exception ends the process\rExceptionGroup"),
    ],
)
def test_types_and_frames_are_told_and_no_words(program: str, told: str) -> None:
    _, lines = written(program)
    assert told in lines
    assert CANARY not in lines


def test_a_line_that_logging_cannot_write_is_left_out() -> None:
    assert written("logging.error('%d', canary)") == (0, "")


def test_a_thread_that_ends_itself_is_no_error() -> None:
    assert written("threading.Thread(target=sys.exit, args=[canary]).start()") == (0, "")


def test_an_exception_still_ends_the_process() -> None:
    assert written("fail()")[0] == 1
