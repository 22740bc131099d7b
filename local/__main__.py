"""``python -m local``: the twin, until it is interrupted."""

import os
import socket
from contextlib import ExitStack, suppress

from .backend import Wish, WrongOption, start
from .screen import Progress, curl, readable, run, show, wait_for_signal

FIRST_PORT, PORTS = 8000, 100


def main() -> int:
    """Serve until Ctrl-C."""
    progress = Progress()
    with ExitStack() as stack:
        listener = stack.enter_context(_listener(os.environ.get("PORT")))
        twin, who = start(Wish.of(os.environ), stack, progress, _echo, listener)
        with suppress(KeyboardInterrupt):
            progress.note(f"The endpoint runs on this machine. {who} Ctrl-C ends it.")
            show(f"\n  {curl(twin.url)}\n\n")
            wait_for_signal()
        show("\n")
    return 0


def _echo(line: str) -> None:
    if text := readable(line):
        show(f"{text}\n")


def _listener(port: str | None) -> socket.socket:
    """Return a socket that listens on the port that is asked for, else on the first free one from 8000 on.

    Raises:
        WrongOption: it is taken, or is none.
    """
    ports = [port] if port else range(FIRST_PORT, FIRST_PORT + PORTS)
    for each in ports:
        with suppress(ValueError, OverflowError, OSError):
            return socket.create_server(("127.0.0.1", int(each)))
    raise WrongOption(f"PORT={port} is taken, or is no port." if port else "No port from 8000 on is free.")


run(main)
