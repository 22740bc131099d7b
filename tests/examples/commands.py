"""The commands that the page of an example shows, as the programs that make starts for them."""

import re
import shlex
import subprocess

from local.twin import CHECKOUT
from tests.local.commands import environment, ran

SHELL = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
PROGRAMS = {"demo": "local.demo", "serve": "local"}
"""What ``make`` starts (tests/test_makefile.py)."""


def commands(example: str) -> list[str]:
    """Return the commands that the page of the example shows, in order."""
    page = (CHECKOUT / "examples" / example / "README.md").read_text()
    return [command for block in SHELL.findall(page) for command in block.splitlines()]


def program(command: str) -> list[str]:
    """Return the arguments of Python for ``make demo CONFIG=file``: each option is an argument of the same name."""
    make, verb, *options = shlex.split(command)
    assert make == "make"
    given = [option.partition("=") for option in options]
    return ["-m", PROGRAMS[verb], *(f"--{name.lower().replace('_', '-')}={value}" for name, _, value in given)]


def demo(command: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the page, with further options."""
    return ran(*program(command), *options, variables=environment())
