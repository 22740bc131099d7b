"""``python -m local``: the twin, until it is interrupted."""

import os
import socket
import threading
from contextlib import ExitStack, suppress

from .backend import Wish, WrongOption, start
from .screen import Progress, curl, readable, run, show

FIRST_PORT, PORTS = 8000, 100


def main() -> int:
    """Serve; never return."""
    progress = Progress()
    with ExitStack() as stack:
        port = _port(os.environ.get("PORT"))
        twin, who = start(Wish.of(os.environ), stack, progress, _echo, port)
        progress.note(f"The endpoint runs on this machine; {who} answers. Ctrl-C ends it.")
        show(f"\n  {curl(twin.url)}\n\n")
        threading.Event().wait()
    return 0


def _echo(line: str) -> None:
    if text := readable(line):
        show(f"{text}\n")


def _port(wanted: str | None) -> int:
    """Return the port that is asked for, else the first free one from 8000 on.

    Raises:
        WrongOption: it is taken, or is none.
    """
    if not wanted:
        return next(port for port in range(FIRST_PORT, FIRST_PORT + PORTS) if _is_free(port))
    with suppress(ValueError, OverflowError):
        if _is_free(int(wanted)):
            return int(wanted)
    raise WrongOption(f"PORT={wanted} is taken, or is no port.")


def _is_free(port: int) -> bool:
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


run(main)
