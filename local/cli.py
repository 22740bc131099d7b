"""The command lines of ``python -m local`` and ``python -m local.demo``: their options, and how they end."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NoReturn
from urllib.parse import urlsplit

from .resources import Resources
from .terminal import Terminal, printable

RESERVED_NAMES: Final = frozenset({"bootstrap", "function", "streaming_llm_api"})
"""Names in the task root that the function itself uses; the user's modules must have others, as in the bundle."""
EPILOG: Final = "Environment variables that begin with LLM_ are settings of the function and are passed to it."
LAST_PORT: Final = 65_535


class WrongOption(Exception):
    """An option of the command line cannot be used; the message is one line for the user."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the user asked for on the command line."""

    schema: str | None = None
    """``module:Class`` of the answer."""
    code: Path | None = None
    """The folder with the modules of the schema."""
    config: Path | None = None
    """A file with the configuration of a stack."""
    model_url: str | None = None
    """The base URL of an OpenAI-compatible server."""
    model: str | None = None
    """A model of that server; None is its first."""
    real_bedrock: bool = False
    """Call Amazon Bedrock with the user's own AWS account."""
    port: int | None = None
    """The port to listen on; None is the first free one from 8000 on. Only ``python -m local`` has it."""
    prompt: str = ""
    """The prompt to send. Only ``python -m local.demo`` has it."""
    body: Path | None = None
    """The file with the request to send. Only ``python -m local.demo`` has it."""


class Parser(argparse.ArgumentParser):
    """Reports a wrong command line in one line, without the usage that ``--help`` shows."""

    def error(self, message: str) -> NoReturn:
        """End the program with exit status 2."""
        if message.startswith("argument "):
            message = message.removeprefix("argument ").replace(": ", " ", 1)
        self.exit(2, f"{printable(' '.join(message.split()))} (--help lists the options)\n")


def shared_parser(program: str, description: str) -> Parser:
    """Return a parser for the options that both programs accept."""
    parser = Parser(prog=program, description=description, epilog=EPILOG, allow_abbrev=False)
    parser.add_argument("--schema", metavar="MODULE:CLASS", help="the Pydantic class of the answer")
    parser.add_argument("--code", metavar="FOLDER", type=modules_folder, help="the folder that contains that module")
    parser.add_argument("--config", metavar="FILE", type=Path, help="a stack's configuration, as YAML or JSON")
    parser.add_argument("--model-url", metavar="URL", type=_url, help="the base URL of an OpenAI-compatible server")
    parser.add_argument("--model", metavar="NAME", help="one of that server's models; default: its first one")
    parser.add_argument("--bedrock", metavar="aws", type=_aws, help="call Amazon Bedrock with your own AWS account")
    return parser


def parse_options(parser: Parser, arguments: Sequence[str] | None) -> Options:
    """Return the options in ``arguments``, or in the program's own command line if that is None.

    A wrong option ends the program.
    """
    given = parser.parse_args(arguments)
    if given.model and not given.model_url:
        parser.error("--model requires --model-url, the base URL of the server that has the model")
    if given.model_url and given.bedrock:
        parser.error("--model-url and --bedrock exclude each other: choose one")
    return Options(
        schema=given.schema,
        code=given.code,
        config=given.config,
        model_url=given.model_url,
        model=given.model,
        real_bedrock=given.bedrock is not None,
        port=getattr(given, "port", None),
        prompt=getattr(given, "prompt", None) or "",
        body=getattr(given, "body", None),
    )


def port_number(text: str) -> int:
    """Read a port number, for argparse."""
    if not (text.isascii() and text.isdecimal() and 1 <= int(text) <= LAST_PORT):
        raise argparse.ArgumentTypeError(f"must be a whole number from 1 to {LAST_PORT}; got {text!r}")
    return int(text)


def run(command: Callable[[Terminal, Resources], int]) -> NoReturn:
    """Run a command and end the process with its exit status; a ``WrongOption`` is reported in one line."""
    terminal = Terminal(sys.stdout)
    try:
        with Resources() as resources:
            resources.end_on_signals(terminal.close)
            status = command(terminal, resources)
    except WrongOption as error:
        terminal.write("")
        sys.stderr.write(f"{printable(' '.join(str(error).split()))}\n")
        status = 1
    except BrokenPipeError:
        # The reader, such as head, has read enough. Without this, the interpreter's last flush would fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 0
    sys.exit(status)


def modules_folder(text: str) -> Path:
    """Read the folder with the user's modules, for argparse."""
    folder = Path(text)
    if not folder.is_dir():
        raise argparse.ArgumentTypeError(f"must be a folder; got {text!r}")
    if reserved := [path.name for path in folder.iterdir() if path.name.removesuffix(".py") in RESERVED_NAMES]:
        raise argparse.ArgumentTypeError(
            f"must not contain a file or folder named {min(reserved)!r}, which the function itself uses; got {text!r}"
        )
    return folder


def file(text: str) -> Path:
    """Read the name of a file, for argparse."""
    path = Path(text)
    if not path.is_file():
        raise argparse.ArgumentTypeError(f"must be a file; got {text!r}")
    return path


def utf8_text(argument: str) -> str:
    """Read a text, for argparse, as UTF-8 in every locale."""
    return os.fsencode(argument).decode(errors="replace")


def _aws(text: str) -> str:
    if text != "aws":
        raise argparse.ArgumentTypeError(f"must be aws; got {text!r}")
    return text


def _url(text: str) -> str:
    try:
        parts = urlsplit(text)
        is_usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:  # an impossible port or address
        is_usable = False
    if not is_usable or not (text.isascii() and text.isprintable() and " " not in text):
        raise argparse.ArgumentTypeError(
            f"must be the base URL of an OpenAI-compatible server, such as http://localhost:11434/v1; got {text!r}"
        )
    return text
