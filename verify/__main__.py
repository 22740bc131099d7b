"""``python -m verify``: URL and options come as environment variables, each check is a line, a failure exits with 1."""

import os
import sys
from collections.abc import Mapping
from urllib.parse import urlsplit

from .client import Endpoint, NoCredentials, Sign, nobody, with_api_key, with_sigv4
from .report import Report, verify


def main(environment: Mapping[str, str]) -> int:
    """Run the checks; return 0 if none failed, 2 if an option cannot be used."""
    url = environment.get("URL", "").rstrip("/")
    if urlsplit(url).scheme not in {"http", "https"}:
        sys.stderr.write("Say which endpoint: make verify URL=https://…/v1/stream\n")
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


def _sign(url: str, environment: Mapping[str, str]) -> Sign:
    if environment.get("SIGV4"):
        return with_sigv4(url)
    key = environment.get("API_KEY")
    return with_api_key(key) if key else nobody


if __name__ == "__main__":
    try:
        sys.exit(main(os.environ))
    except KeyboardInterrupt:
        sys.exit(130)
