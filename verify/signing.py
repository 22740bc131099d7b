"""How a request proves who calls: not at all, by an API key, or signed with AWS credentials."""

import re
from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import urlsplit

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.session import Session

EXECUTE_API: Final = re.compile(r"\.execute-api\.([a-z0-9-]+)\.")


class NoCredentials(Exception):
    """The request was to be signed, and there is nothing to sign it with."""


Sign = Callable[[str, str, Mapping[str, str], bytes], Mapping[str, str]]
"""Turns method, URL, header fields and body into the header fields that prove who calls."""


def nobody(method: str, url: str, headers: Mapping[str, str], body: bytes) -> Mapping[str, str]:  # noqa: ARG001 - a Sign
    """Prove nothing."""
    return headers


def with_api_key(key: str) -> Sign:
    """Show an API key of the gateway."""
    return lambda _, __, headers, ___: {**headers, "x-api-key": key}


def with_sigv4(url: str) -> Sign:
    """Sign as AWS's own tools would, with the same credentials and configuration.

    Raises:
        NoCredentials: there are none, or no region for a host that does not name it.
    """
    session = Session()
    credentials = session.get_credentials()
    found = EXECUTE_API.search(urlsplit(url).netloc)
    region = found[1] if found else session.get_config_variable("region")
    if credentials is None:
        raise NoCredentials("SIGV4=1 needs AWS credentials: set AWS_PROFILE, or log in.")
    if not region:
        raise NoCredentials("SIGV4=1 needs a region for a host name of yours: set AWS_REGION.")
    signer = SigV4Auth(credentials, "execute-api", region)

    def sign(method: str, target: str, headers: Mapping[str, str], body: bytes) -> Mapping[str, str]:
        request = AWSRequest(method=method, url=target, headers=dict(headers), data=body)
        signer.add_auth(request)
        return dict(request.headers.items())

    return sign
