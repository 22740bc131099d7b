"""Keeps a process from reaching beyond this machine: an audit hook, which nothing can remove once it is installed.

This file is copied as ``loopback_guard`` into the environments whose interpreters the tests start, and a ``.pth`` file
installs it there before anything else runs. So a child is guarded whatever its variables are, and with ``-I``, ``-E``
and ``-P`` too. Only ``-S``, which leaves ``.pth`` files out, and code that is not Python are not guarded.
"""

import os
import socket
import sys
from pathlib import Path
from typing import Final

INSTALLER_ALLOWED: Final = "LOOPBACK_GUARD_LETS_THE_PACKAGE_INSTALLER_PASS"
"""The variable that lets pip, and no other program, reach the package index; tests with the marker set it."""
PACKAGE_INDEX: Final = "package_index"
"""The marker of tests that install packages."""
INSTALLERS: Final = frozenset({"pip", "__pip-runner__.py"})
RESERVED: Final = "192.0.2.1"
"""An address that leads nowhere (RFC 5737). The guard's own tests use it, and it is the only one not written down."""

_WITH_ADDRESS: Final = frozenset({"socket.connect", "socket.bind", "socket.sendto", "socket.sendmsg"})
_WITH_HOST: Final = frozenset({"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"})
_EVENTS: Final = _WITH_ADDRESS | _WITH_HOST


class BeyondLoopbackError(Exception):
    """A test, or a program that it started, tried to reach another machine."""


def install(reached: str) -> None:
    """Guard this process from now on; ``reached`` is the file in which each attempt is written down."""
    if INSTALLER_ALLOWED in os.environ and INSTALLERS & {Path(word).name for word in sys.orig_argv}:
        return

    def check(event: str, arguments: tuple[object, ...]) -> None:
        if event not in _EVENTS:
            return
        host = _host(arguments[1]) if event in _WITH_ADDRESS else arguments[0]
        text = host.decode(errors="replace") if isinstance(host, bytes | bytearray) else host
        if not isinstance(text, str) or is_loopback(text):
            return
        if text.endswith(".invalid"):  # a name that exists nowhere (RFC 6761): nobody has to be asked
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        if text != RESERVED:
            with Path(reached).open("a") as file:
                file.write(f"{event} {text}, by {' '.join(sys.orig_argv)[:300]}\n")
        raise BeyondLoopbackError(f"{event} to {text!r}: tests use only this machine's loopback interface.")

    sys.addaudithook(check)


def is_loopback(host: str) -> bool:
    """Tell whether a host's name or address is that of this machine's loopback interface; no host at all is."""
    return host in {"", "localhost", "::1"} or host.startswith(("127.", "::ffff:127."))


def _host(address: object) -> object:
    """Return the host of a socket's address; a path, which Unix sockets have, has none."""
    return address[0] if isinstance(address, tuple) and address else None
