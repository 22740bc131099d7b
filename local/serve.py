"""``python -m local``: the local stack, until it is stopped."""

import os
import socket
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from .cli import WrongOption, parse_options, port_number, run, shared_parser
from .example import example_request
from .launch import Listeners, launch
from .lines import curl, readable
from .playground.server import Example, Playground
from .resources import Resources
from .terminal import Terminal, printable
from .twin import Twin

FIRST_PORT: Final = 8000
PORTS_TRIED: Final = 100
"""How many ports are tried without ``--port``."""
FIRST_PAGE_PORT: Final = 8100
"""The first port that is tried for the page."""


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

        listeners = Listeners(listen(options.port), first_free(FIRST_PAGE_PORT))
        twin, sentence = launch(options, resources, terminal, show, listeners)
        examples = {route: _example(twin, route, resources) for route in twin.urls}
        page = resources.hold(lambda: Playground(twin, examples, listeners.page))
        has_started = True
        terminal.line(f"Serving on this machine. {sentence} Press Ctrl-C to stop.")
        lines = [*(_line(twin.urls[route], examples[route]) for route in twin.urls), f"In a browser: {page.url}"]
        terminal.write("\n" + "".join(f"  {line}\n" for line in lines) + "\n")
        for line in early:
            show(line)
        resources.status_on_interrupt = os.EX_OK
        reader_left.wait()
        raise BrokenPipeError

    run(serve)


def _line(url: str, example: Example) -> str:
    """Return a command that sends a request, or the sentence that says why nobody can know one."""
    return printable(example.remark) if example.remark else curl(url, example.body)


def _example(twin: Twin, route: str, resources: Resources) -> Example:
    try:
        return Example(example_request(twin.function.deployment, route, resources))
    except WrongOption as error:
        return Example(None, str(error))


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
    return first_free(FIRST_PORT, "choose another one with --port")


def first_free(first: int, remedy: str = "end one of the programs that use them") -> socket.socket:
    """Return a socket that listens on the first free port from ``first`` on.

    Raises:
        WrongOption: none is free; ``remedy`` is what the user can do.
    """
    for port in range(first, first + PORTS_TRIED):
        with suppress(OSError):
            return socket.create_server(("127.0.0.1", port))
    raise WrongOption(f"No port from {first} to {first + PORTS_TRIED - 1} is free: {remedy}.")
