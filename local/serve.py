"""``python -m local``: the local stack, until it is stopped."""

import os
import socket
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from .cli import WrongOption, parse_options, port_number, run, shared_parser
from .example import example_request
from .launch import launch
from .lines import curl, readable
from .resources import Resources
from .terminal import Terminal, printable
from .twin import Twin

FIRST_PORT: Final = 8000
PORTS_TRIED: Final = 100
"""How many ports are tried without ``--port``."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until Ctrl-C or SIGTERM, or until nobody reads the output any more."""
    description = "Run the local stack (API Gateway, Lambda and Bedrock on this machine) until Ctrl-C."
    parser = shared_parser("python -m local", description)
    default = f"the first free one from {FIRST_PORT} on"
    parser.add_argument("--port", type=port_number, help=f"the port to listen on; default: {default}")
    options = parse_options(parser, arguments)

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
        terminal.write("\n" + "".join(f"  {_request(twin, route)}\n" for route in twin.urls) + "\n")
        for line in early:
            show(line)
        resources.status_on_interrupt = os.EX_OK
        reader_left.wait()
        raise BrokenPipeError

    run(serve)


def _request(twin: Twin, route: str) -> str:
    """Return a command that sends a request, or a sentence that says why nobody can know one."""
    try:
        example = example_request(twin.function.deployment, route)
    except WrongOption as error:
        return printable(str(error))
    return curl(twin.urls[route], example)


def listen(number: int | None) -> socket.socket:
    """Return a socket that listens on the port ``number``; if that is None, on the first free one from 8000 on.

    Raises:
        WrongOption: the port is taken or not allowed, or none is free.
    """
    if number is not None:
        try:
            return socket.create_server(("127.0.0.1", number))
        except OSError as error:
            reason = os.strerror(error.errno) if error.errno else str(error)
            raise WrongOption(f"--port {number} cannot be used: {reason}. Choose another port.") from error
    for port in range(FIRST_PORT, FIRST_PORT + PORTS_TRIED):
        with suppress(OSError):
            return socket.create_server(("127.0.0.1", port))
    last = FIRST_PORT + PORTS_TRIED - 1
    raise WrongOption(f"No port from {FIRST_PORT} to {last} is free: choose another one with --port.")
