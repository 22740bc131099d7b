"""The command line of ``python -m verify``."""

import argparse
import re
from collections.abc import Mapping, Sequence
from typing import Final, NoReturn
from urllib.parse import urlsplit

from local.cli import Parser, file, modules_folder, run
from local.example import example_of
from local.resources import Resources
from local.terminal import Terminal

from .checks.catalog import MODEL_CALLS
from .endpoint import RemoteEndpoint
from .report import Report, verify
from .signing import NoCredentials, Sign, with_api_key, with_sigv4

DESCRIPTION: Final = f"""\
Check a deployed endpoint. It makes {MODEL_CALLS} billed model calls and prints one line per check.
A run takes seconds to minutes, depending on the model. Progress is shown every few seconds."""
EPILOG: Final = """\
environment:
  API_KEY          the API key of the endpoint, if it requires one
  LLM_REQUEST      the endpoint's request class, module:Class; its example is sent

exit status:
  0 if no check failed, 1 if one failed, 2 if the command line is wrong

example:
  export API_KEY="$(pulumi stack output ApiKey --show-secrets)"
  python -m verify "$(pulumi stack output ApiUrl)" --origin https://app.example.com"""


ORIGIN: Final = re.compile(r"https?://[^/]+")
"""A web origin has no path, not even a slash at its end (RFC 6454)."""


def main(arguments: Sequence[str], environment: Mapping[str, str]) -> NoReturn:
    """Run the checks and end the process: with status 0 if no check failed, 1 if one did, 2 if an option is wrong."""
    parser = _parser()
    options = parser.parse_args(arguments)
    key = environment.get("API_KEY", "")
    if not _is_plain(key):
        parser.error("API_KEY contains characters that an HTTP header cannot carry")
    try:
        sign = _sign(options.url, key, is_signed=options.sigv4)
    except NoCredentials as error:
        parser.error(f"--sigv4: {error}")

    def check(terminal: Terminal, resources: Resources) -> int:
        example = None if options.body else _example(options, environment, resources)
        body = options.body.read_bytes() if options.body else (example or "").encode()
        report = Report(terminal)
        endpoint = RemoteEndpoint(options.url, sign, report.progress)
        return verify(endpoint, report, body=body, origin=options.origin, warm_first=options.warm)

    run(check)


def _example(options: argparse.Namespace, environment: Mapping[str, str], resources: Resources) -> str | None:
    route = urlsplit(options.url).path.rpartition("/")[2]
    return example_of(options.code, options.config, environment, route, resources)


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="python -m verify",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("url", metavar="URL", type=_url, help="the endpoint, such as https://example.com/v1/stream")
    parser.add_argument(
        "--sigv4",
        action="store_true",
        help="sign each request with your AWS credentials; API_KEY is then ignored",
    )
    parser.add_argument(
        "--origin",
        metavar="ORIGIN",
        type=_origin,
        help="check CORS for pages of this origin, such as https://app.example.com",
    )
    parser.add_argument(
        "--warm",
        action="store_true",
        help="first wait until Bedrock has compiled the schema, which takes minutes if the schema is new",
    )
    parser.add_argument(
        "--code",
        metavar="FOLDER",
        type=modules_folder,
        help="the folder that contains the module of LLM_REQUEST",
    )
    parser.add_argument(
        "--config",
        metavar="FILE",
        type=file,
        help="the configuration of the endpoint's stack, which can name folder and class",
    )
    parser.add_argument(
        "--body",
        metavar="FILE",
        type=file,
        help="a file with the request to send, as JSON; default: the example of the request class, or prompts",
    )
    return parser


def _url(text: str) -> str:
    url = text.strip().rstrip("/")
    try:
        parts = urlsplit(url)
        is_usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:  # an impossible port or address
        is_usable = False
    if not is_usable or not _is_plain(url):
        raise argparse.ArgumentTypeError(f"must be an address such as https://example.com/v1/stream; got {text!r}")
    return url


def _origin(text: str) -> str:
    if not ORIGIN.fullmatch(text) or not _is_plain(text):
        raise argparse.ArgumentTypeError(f"must be a web origin such as https://app.example.com; got {text!r}")
    return text


def _is_plain(text: str) -> bool:
    return text.isascii() and text.isprintable() and " " not in text


def _sign(url: str, key: str, *, is_signed: bool) -> Sign | None:
    if is_signed:
        return with_sigv4(url)
    return with_api_key(key) if key else None
