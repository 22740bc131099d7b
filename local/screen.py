"""What people see of the twin: progress, the stages' lines, and how a command ends."""

import json
import signal
import socket
import sys
import time
from collections.abc import Callable
from typing import NoReturn

from .backend import WrongOption

NEXT_PROMPT = "Why is the sky blue?"
METRICS = '{"_aws"'
"""How a line of CloudWatch's embedded metric format begins."""


class Progress:
    """A line that says what takes so long: rewritten on a terminal, repeated now and then elsewhere."""

    EVERY = 2.0
    """Seconds between two lines of the same kind where there is no terminal."""

    def __init__(self) -> None:
        self._is_terminal = sys.stdout.isatty()
        self._last = 0.0
        self._kind = ""

    def __call__(self, text: str) -> None:
        """Show what is being done: a kind of work and, after a colon, how far it has come."""
        kind, known = text.partition(":")[0], self._kind
        self._kind = kind
        if self._is_terminal:
            show(f"\r\x1b[K{text} …")
        elif kind != known or time.monotonic() - self._last > self.EVERY:
            show(f"{text} …\n")
            self._last = time.monotonic()

    def clear(self) -> None:
        """Give the line back."""
        if self._is_terminal:
            show("\r\x1b[K")

    def note(self, text: str) -> None:
        """Say something that stays; give the line back."""
        self.clear()
        show(f"{text}\n")


def show(text: str) -> None:
    """Write to the screen at once."""
    sys.stdout.write(text)
    sys.stdout.flush()


def curl(url: str) -> str:
    """Return a command that asks the endpoint something."""
    return f"curl --no-buffer {url} -d '{json.dumps({'prompt': NEXT_PROMPT})}'"


def readable(line: str) -> str | None:
    """Return a line of the function for people: a stage's shortened, metrics left out (None), others as they are."""
    if line.startswith(METRICS):
        return None
    try:
        entry = json.loads(line)
        stage, message = entry["stage"], entry["message"]
    except (ValueError, TypeError, KeyError):
        return "function  " + line.replace("\r", f"\n{' ' * 10}")  # a runtime keeps a traceback on one line so
    details = {
        "first chunk after {} ms": entry.get("first_chunk_ms"),
        "last after {} ms": entry.get("last_chunk_ms"),
        "{} chunks": entry.get("chunks"),
        "{} tokens": entry.get("gen_ai.usage.output_tokens"),
        "{}": entry.get("error.type"),
        "caused by {}": " < ".join(cause["type"] for cause in entry.get("causes", ())) or None,
    }
    told = ", ".join(text.format(value) for text, value in details.items() if value is not None)
    return f"{stage:9} {message}{': ' if told else ''}{told}"


def wait_for_signal() -> NoReturn:
    """Do nothing until a signal's handler raises.

    The kernel may give a signal to any thread. Only the main one runs handlers, and only this descriptor wakes it then.
    """
    reader, writer = socket.socketpair()
    writer.settimeout(0)
    signal.set_wakeup_fd(writer.fileno())
    while True:
        reader.recv(1)


def run(command: Callable[[], int]) -> NoReturn:
    """Run a command: whatever ends it runs its ``finally`` parts, and a mistake of the user's is one line."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        sys.exit(command())
    except WrongOption as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        show("\n")
        sys.exit(128 + signal.SIGINT)
