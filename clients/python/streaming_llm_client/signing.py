"""Credentials of a request: an API key of the gateway, or a signature with AWS credentials (Signature Version 4).

The signature is that of docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html.
"""

import hashlib
import hmac
import os
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote, urlsplit

import httpx

ALGORITHM: Final = "AWS4-HMAC-SHA256"
SERVICE: Final = "execute-api"
DEFAULT_PORTS: Final = {"http": 80, "https": 443}
SIGNED: Final = ("content-type",)
"""What is signed of a request beside what must be: no proxy changes it."""


class NoCredentials(Exception):
    """There are no AWS credentials; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """AWS credentials. A session token belongs to those of a role."""

    access_key: str
    secret_key: str = field(repr=False)
    token: str | None = field(default=None, repr=False)


def credentials_of_environment() -> Credentials:
    """Return the credentials in the standard variables of AWS's programs.

    Raises:
        NoCredentials: they are not there.
    """
    access_key, secret_key = (os.environ.get(f"AWS_{name}", "") for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY"))
    if not access_key or not secret_key:
        raise NoCredentials(
            "There are no AWS credentials. Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY: "
            'eval "$(aws configure export-credentials --format env)"'
        )
    return Credentials(access_key, secret_key, os.environ.get("AWS_SESSION_TOKEN") or None)


class ApiKey(httpx.Auth):
    """An API key of the gateway."""

    def __init__(self, key: str) -> None:
        """Take the key."""
        self._key = key

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Add the key."""
        request.headers["x-api-key"] = self._key
        yield request


class SigV4(httpx.Auth):
    """A signature with AWS credentials, for ``authorization: iam``."""

    requires_request_body = True

    def __init__(self, region: str, credentials: Credentials | Callable[[], Credentials] | None = None) -> None:
        """Take the endpoint's region, and credentials or a function that returns them for each request.

        By default they come from the environment: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN.
        """
        self._region = region
        self._source = credentials or credentials_of_environment

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Sign.

        Raises:
            NoCredentials: there are none in the environment.
        """
        signed = {name: request.headers[name] for name in SIGNED if name in request.headers}
        added = signature(
            self._source if isinstance(self._source, Credentials) else self._source(),
            self._region,
            datetime.now(UTC),
            method=request.method,
            url=str(request.url),
            headers=signed,
            body=request.content,
        )
        request.headers.update(added)
        yield request


def signature(  # noqa: PLR0913 - a signature covers all of this
    credentials: Credentials,
    region: str,
    now: datetime,
    *,
    method: str,
    url: str,
    headers: Mapping[str, str],
    body: bytes,
) -> dict[str, str]:
    """Return the header fields that sign a request with these ``headers`` and ``body``."""
    time = now.strftime("%Y%m%dT%H%M%SZ")
    added = {"X-Amz-Date": time, **({"X-Amz-Security-Token": credentials.token} if credentials.token else {})}
    fields = {"host": _host(url), **headers, **added}
    canonical = {name.lower(): " ".join(value.split()) for name, value in fields.items()}
    names = ";".join(sorted(canonical))
    request = "\n".join(
        [
            method.upper(),
            _path(url),
            _query(url),
            *(f"{name}:{canonical[name]}" for name in sorted(canonical)),
            "",
            names,
            hashlib.sha256(body).hexdigest(),
        ]
    )
    scope = f"{time[:8]}/{region}/{SERVICE}/aws4_request"
    key = f"AWS4{credentials.secret_key}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    text = "\n".join([ALGORITHM, time, scope, hashlib.sha256(request.encode()).hexdigest()])
    proof = hmac.digest(key, text.encode(), "sha256").hex()
    credential = f"Credential={credentials.access_key}/{scope}, SignedHeaders={names}, Signature={proof}"
    return {**added, "Authorization": f"{ALGORITHM} {credential}"}


def _host(url: str) -> str:
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
    is_default = parts.port in {None, DEFAULT_PORTS.get(parts.scheme)}
    return host if is_default else f"{host}:{parts.port}"


def _path(url: str) -> str:
    """Return the path without dot segments (RFC 3986 §5.2.4), escaped once more."""
    path = urlsplit(url).path
    kept: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            kept = kept[:-1]
        elif segment not in {"", "."}:
            kept.append(segment)
    end = "/" if kept and path.endswith("/") else ""
    return quote(f"/{'/'.join(kept)}{end}", safe="/~")


def _query(url: str) -> str:
    query = urlsplit(url).query
    pairs = sorted(pair.partition("=")[::2] for pair in query.split("&")) if query else []
    return "&".join(f"{name}={value}" for name, value in pairs)
