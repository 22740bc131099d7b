"""``python -m local``: the local stack, until it is stopped."""

import os
import socket
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from .cli import WrongOption, parse, parser, port, run
from .launch import launch
from .lines import curl, readable
from .resources import Resources
from .terminal import Terminal

FIRST_PORT: Final = 8000
PORTS: Final = 100
"""Ports that are tried if none was asked for."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until Ctrl-C."""
    made = parser("python -m local", "Run the endpoint on this machine: gateway, Lambda and Bedrock.")
    default = f"the first free one from {FIRST_PORT} on"
    made.add_argument("--port", type=port, help=f"the port to listen on; default: {default}")
    options = parse(made, arguments)

    def serve(terminal: Terminal, resources: Resources) -> int:
        reader_left, early = threading.Event(), list[str]()
        has_started = False

        def show(line: str) -> None:
            try:
                if not has_started:
                    early.append(line)  # if the function does not start, its error is reported in one line
                elif text := readable(line):
                    terminal.line(text)
            except BrokenPipeError:
                reader_left.set()

        listener = listen(options.port)
        twin, sentence = launch(options, resources, terminal, show, listener)
        has_started = True
        terminal.line(f"Serving on this machine. {sentence} Press Ctrl-C to stop.")
        terminal.write(f"\n  {curl(twin.url)}\n\n")
        for line in early:
            show(line)
        resources.status_on_interrupt = os.EX_OK
        reader_left.wait()
        raise BrokenPipeError

    run(serve)


def listen(number: int | None) -> socket.socket:
    """Return a socket that listens on the port that was asked for, else on the first free one from 8000 on.

    Raises:
        WrongOption: the port is taken or not allowed, or none is free.
    """
    if number is not None:
        try:
            return socket.create_server(("127.0.0.1", number))
        except OSError as error:
            reason = os.strerror(error.errno) if error.errno else str(error)
            raise WrongOption(f"--port {number} cannot be used: {reason}. Choose another port.") from error
    for each in range(FIRST_PORT, FIRST_PORT + PORTS):
        with suppress(OSError):
            return socket.create_server(("127.0.0.1", each))
    raise WrongOption(f"No port from {FIRST_PORT} to {FIRST_PORT + PORTS - 1} is free: choose one with --port.")
