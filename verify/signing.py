"""Credentials of a request: an API key of the gateway, or a signature made with AWS credentials."""

import re
from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import urlsplit

EXECUTE_API: Final = re.compile(r"\.execute-api\.([a-z0-9-]+)\.")

Sign = Callable[[str, str, Mapping[str, str], bytes], Mapping[str, str]]
"""Takes method, URL, header fields and body of a request; returns its header fields with the credentials."""


class NoCredentials(Exception):
    """The AWS credentials or the region are missing; the message says what to do."""


def with_api_key(key: str) -> Sign:
    """Return a function that adds an API key of the gateway."""
    return lambda _, __, headers, ___: {**headers, "x-api-key": key}


def with_sigv4(url: str) -> Sign:
    """Return a function that signs as the AWS CLI does, with the same credentials, profile and region.

    Raises:
        NoCredentials: there are no credentials, or there is no region for a host name that does not contain it.
    """
    from botocore.auth import SigV4Auth  # noqa: PLC0415 - only runs that sign wait for botocore
    from botocore.awsrequest import AWSRequest  # noqa: PLC0415 - as above
    from botocore.exceptions import BotoCoreError  # noqa: PLC0415 - as above
    from botocore.session import Session  # noqa: PLC0415 - as above

    try:
        session = Session()
        credentials = session.get_credentials()
        found = EXECUTE_API.search(urlsplit(url).netloc)
        region = found[1] if found else session.get_config_variable("region")
        if credentials is not None:
            credentials.get_frozen_credentials()  # an expired login must show here and not in the middle of the checks
    except BotoCoreError as error:
        raise NoCredentials(f"The AWS credentials cannot be used: {error}") from error
    if credentials is None:
        raise NoCredentials("There are no AWS credentials. Set AWS_PROFILE, or log in (aws sso login).")
    if not region:
        raise NoCredentials("The host name does not contain an AWS region. Set AWS_REGION.")
    signer = SigV4Auth(credentials, "execute-api", region)

    def sign(method: str, target: str, headers: Mapping[str, str], body: bytes) -> Mapping[str, str]:
        request = AWSRequest(method=method, url=target, headers=dict(headers), data=body)
        signer.add_auth(request)
        return dict(request.headers.items())

    return sign
