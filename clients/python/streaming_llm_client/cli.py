"""The command line: ``python -m streaming_llm_client URL "prompt"``.

Exit status: 0 if the answer is complete, 1 if it is not, 2 if the command line is wrong.
"""

import argparse
import codecs
import json
import os
import re
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final, NoReturn, TextIO
from urllib.parse import urlsplit

import httpx

from .client import TIMEOUT, Client
from .errors import StreamCut, StreamError, reason
from .framing import Malformed, framing_of
from .reception import Reception
from .signing import ApiKey, NoCredentials, SigV4
from .stream import Stream
from .terminal import Indented, Lines, View, printable

EPILOG: Final = """\
environment:
  API_KEY          the API key of the endpoint, if it requires one
  AWS_…            with --sigv4: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_REGION

On a terminal the answer grows as indented JSON. Elsewhere each value is a line when it is final, a JSON Pointer and
JSON, and the last line is the complete answer. --accept application/json writes the answer alone."""
EXECUTE_API: Final = re.compile(r"\.execute-api\.([a-z0-9-]+)\.")
INTERRUPTED: Final = 130


class WrongOption(Exception):
    """The command line cannot be used; the message is one line for the user."""


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Send one request, show its answer, and end the process."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # what the terminal's encoding lacks is an escape
    parser = _parser()
    options = parser.parse_intermixed_args(arguments)  # the prompt can follow an option
    if None not in {options.prompt, options.data}:
        parser.error("argument --data: not allowed with argument PROMPT")
    try:
        _run(options, os.environ)
    except (WrongOption, NoCredentials) as error:
        parser.exit(2, f"{printable(str(error))}\n")
    except StreamError as error:
        parser.exit(1, f"{printable(reason(error))}\n")
    except KeyboardInterrupt:
        parser.exit(INTERRUPTED)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the interpreter's last flush must not fail
        parser.exit(1)
    parser.exit(0)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m streaming_llm_client",
        description="Send one request to an endpoint, and show its answer while it grows.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument(
        "url", metavar="URL", type=_url, help="the full URL of the endpoint, such as https://….com/v1/stream"
    )
    parser.add_argument("prompt", metavar="PROMPT", nargs="?", help="the prompt to send")
    parser.add_argument("--data", metavar="JSON", help="the request to send, as JSON; or @ and the name of a file")
    parser.add_argument("--accept", metavar="TYPE", help="show the body in this format, as it arrives")
    parser.add_argument("--sigv4", action="store_true", help="sign the request with AWS credentials of the environment")
    return parser


def _url(text: str) -> str:
    with suppress(httpx.InvalidURL):
        url = httpx.URL(text)
        if url.scheme in {"http", "https"} and url.host:
            return text
    raise argparse.ArgumentTypeError(f"URL must begin with http:// or https:// and a host; got {text!r}")


def _run(options: argparse.Namespace, environment: Mapping[str, str]) -> None:
    auth = _auth(options.url, environment, is_signed=options.sigv4)
    request = _request(options)
    if options.accept:
        _show_body(options, auth, request)
        return
    began = time.monotonic()
    with Client(options.url, auth=auth) as client, client.stream(None, request) as stream:
        view = view_of(sys.stdout)
        try:
            for partial in stream:
                view.show(partial)
                sys.stdout.flush()
        except BaseException:
            view.stop()
            raise
        view.finish(stream.final())
        if sys.stdout.isatty():
            sys.stderr.write(f"{_summary(stream, time.monotonic() - began)}\n")


def view_of(screen: TextIO) -> View:
    """Return the view for a screen: a terminal with rich, a terminal, or a pipe or file."""
    if not screen.isatty():
        return Lines(screen.write)
    try:
        from rich.console import Console  # noqa: PLC0415 - it need not be installed

        from .rich_view import Coloured  # noqa: PLC0415 - it imports rich
    except ImportError:
        return Indented(screen.write)
    return Coloured(Console(file=screen))


def _summary(stream: Stream[Any], seconds: float) -> str:
    usage = stream.usage
    tokens = f"{usage.input_tokens} input and {usage.output_tokens} output tokens" if usage else None
    known = [stream.stop_reason, tokens, f"{seconds:.1f} s", stream.model, stream.request_id]
    return printable(f"complete: {', '.join(filter(None, known))}")


def _auth(url: str, environment: Mapping[str, str], *, is_signed: bool) -> httpx.Auth | None:
    if is_signed:
        return SigV4(region_of(url, environment))
    key = environment.get("API_KEY", "")
    if not (key.isascii() and key.isprintable()):
        raise WrongOption("API_KEY contains characters that an HTTP header cannot carry.")
    return ApiKey(key) if key else None


def region_of(url: str, environment: Mapping[str, str]) -> str:
    """Return the AWS region of an endpoint.

    Raises:
        WrongOption: neither its host name nor the environment has it.
    """
    found = EXECUTE_API.search(urlsplit(url).netloc)
    region = found[1] if found else environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION")
    if not region:
        raise WrongOption("The host name does not contain an AWS region. Set AWS_REGION.")
    return region


def _request(options: argparse.Namespace) -> object:
    if options.data is None:
        return None if options.prompt is None else {"prompt": os.fsencode(options.prompt).decode(errors="replace")}
    try:
        text = Path(options.data[1:]).read_text(encoding="utf-8") if options.data.startswith("@") else options.data
        return json.loads(text)
    except (OSError, ValueError) as error:
        raise WrongOption(f"--data must be JSON, or @ and the name of a file with JSON: {error}") from error


def _show_body(options: argparse.Namespace, auth: httpx.Auth | None, request: object) -> None:
    """Send the request, write the body of its response as it arrives, and raise why the answer is not complete."""
    reception: Reception[Any] = Reception(None)
    headers = {"Accept": options.accept, "Content-Type": "application/json"}
    content = None if request is None else json.dumps(request).encode()
    timeout = httpx.Timeout(TIMEOUT.connect, read=TIMEOUT.start)
    try:
        with httpx.stream(
            "POST", options.url, auth=auth, headers=headers, content=content, timeout=timeout
        ) as response:
            if response.status_code != HTTPStatus.OK:
                reception.begin(response.status_code, response.headers)
                raise reception.refused(response.read())
            text = _written(response)
    except httpx.TransportError as error:
        raise reception.not_connected(error) from error
    if _is_typed(response):
        reception.begin(response.status_code, response.headers)
        for _ in (*reception.feed(text.encode()), *reception.end()):
            pass
    else:
        try:
            json.loads(text)
        except ValueError as error:
            raise StreamCut("cut", "The response ended before its answer was complete.") from error


def _written(response: httpx.Response) -> str:
    """Write the body as it arrives, and return it, or what came before the connection broke."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    pieces = []
    with suppress(httpx.HTTPError):
        for data in response.iter_bytes():
            pieces.append(decoder.decode(data))
            sys.stdout.write(printable(pieces[-1]))
            sys.stdout.flush()
    if pieces and not "".join(pieces[-2:]).endswith("\n"):
        sys.stdout.write("\n")
    return "".join(pieces)


def _is_typed(response: httpx.Response) -> bool:
    try:
        framing_of(response.headers.get("content-type", ""))
    except Malformed:
        return False
    return True
