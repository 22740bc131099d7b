"""What a command holds is given back at its end, and at a signal whatever the main thread does."""

import signal
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from local.resources import Resources
from tests.local.commands import Command, environment


@contextmanager
def noted(notes: list[str], name: str) -> Iterator[str]:
    notes.append(f"{name} made")
    yield name
    notes.append(f"{name} given back")


def test_the_latest_resource_is_given_back_first() -> None:
    notes: list[str] = []
    with Resources() as resources:
        assert resources.hold(lambda: noted(notes, "a")) == "a"
        with resources.during(lambda: noted(notes, "b")) as b:
            assert b == "b"
        resources.hold(lambda: noted(notes, "c"))

    assert notes == ["a made", "b made", "b given back", "c made", "c given back", "a given back"]


PROGRAM = """
import sys, tempfile, threading
from local.cli import run
from local.resources import child

SLEEP = [sys.executable, "-c", "import time; print(flush=True); time.sleep(999)"]

def command(terminal, resources):
    resources.hold(lambda: tempfile.TemporaryDirectory(dir=sys.argv[1]))
    process = resources.hold(lambda: child(SLEEP, stdout=-1))
    process.stdout.readline()
    terminal.line("ready")
"""
MAIN_THREADS = {
    "waits for a process": "process.wait()",
    "waits for another thread": "threading.Event().wait()",
    "computes": "while True: pass",
    "writes": "while True: terminal.write('')",
    "shows progress": "with terminal.waiting('x'): threading.Event().wait()",
    "starts processes": """
        while True:
            with resources.during(lambda: child([sys.executable, "-S", "-c", ""])) as other:
                other.wait()
    """,
}


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("doing", MAIN_THREADS)
def test_a_signal_ends_processes_and_folders_whatever_the_main_thread_does(
    tmp_path: Path, how: signal.Signals, doing: str
) -> None:
    body = textwrap.indent(textwrap.dedent(MAIN_THREADS[doing]), "    ")
    with Command("-c", f"{PROGRAM}{body}\n\nrun(command)\n", str(tmp_path)) as command:
        assert command.lines.readline() == "ready\n"

        done = command.finish(how)

    assert (done.returncode, done.stderr) == (128 + how, "")
    assert not list(tmp_path.iterdir())


OTHER_THREAD = """
import signal, threading
from local.cli import run

def command(terminal, resources):
    threading.Thread(target=lambda: signal.pthread_kill(threading.get_ident(), signal.SIGTERM)).start()
    threading.Event().wait()

run(command)
"""


def test_a_signal_counts_whichever_thread_gets_it() -> None:
    """The kernel chooses."""
    with Command("-c", OTHER_THREAD, variables=environment()) as command:
        assert command.finish().returncode == 128 + signal.SIGTERM


TWICE = """
import os, signal, threading
from contextlib import contextmanager
from local.cli import run

asked, taken = threading.Semaphore(0), threading.Semaphore(0)

@contextmanager
def closed_slowly():
    yield
    os.kill(os.getpid(), signal.SIGINT)
    for _ in range(2):  # turns of the main thread, which handles the signal in between
        asked.release()
        taken.acquire()

def command(terminal, resources):
    resources.hold(closed_slowly)
    os.kill(os.getpid(), signal.SIGINT)
    while True:
        asked.acquire()
        taken.release()

run(command)
"""


def test_a_second_signal_while_resources_close_changes_nothing() -> None:
    """Two Ctrl-C: nothing is written about the second one."""
    with Command("-c", TWICE, variables=environment()) as command:
        done = command.finish()

    assert (done.returncode, done.stderr) == (128 + signal.SIGINT, "")
