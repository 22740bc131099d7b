"""``python -m verify``: URL and options come as environment variables, each check is a line, a failure exits with 1."""

import sys
from collections.abc import Mapping
from urllib.parse import urlsplit

from .endpoint import Endpoint
from .report import Report, verify
from .signing import NoCredentials, Sign, nobody, with_api_key, with_sigv4


def main(environment: Mapping[str, str]) -> int:
    """Run the checks; return 0 if none failed, 1 if one did, 2 if an option cannot be used."""
    url = environment.get("URL", "").strip().rstrip("/")
    if not _is_usable(url):
        wrong = f"URL={url} is no address of an endpoint. " if url else ""
        sys.stderr.write(f"{wrong}Say which endpoint: make verify URL=https://…/v1/stream\n")
        return 2
    for option in ("API_KEY", "ORIGIN"):
        if not _is_plain(environment.get(option, "")):
            sys.stderr.write(f"{option}= has characters that no HTTP header can carry.\n")
            return 2
    report = Report(sys.stdout, is_terminal=sys.stdout.isatty())
    try:
        endpoint = Endpoint(url, _sign(url, environment), report.waiting)
    except NoCredentials as error:
        sys.stderr.write(f"{error}\n")
        return 2
    body = environment.get("BODY")
    return verify(
        endpoint,
        report,
        body=body.encode() if body else None,
        origin=environment.get("ORIGIN") or None,
        warm_first=bool(environment.get("WARM")),
    )


def _is_usable(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0 and _is_plain(url)
    except ValueError:  # an odd port or address
        return False


def _is_plain(text: str) -> bool:
    return text.isascii() and text.isprintable() and " " not in text


def _sign(url: str, environment: Mapping[str, str]) -> Sign:
    if environment.get("SIGV4"):
        return with_sigv4(url)
    key = environment.get("API_KEY")
    return with_api_key(key) if key else nobody
