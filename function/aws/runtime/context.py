"""The Lambda context of one invocation, made from the header fields of ``/next``."""

import json
import os
import sys
import time
from collections.abc import Mapping
from http.client import HTTPMessage
from typing import Any, NamedTuple

from .errors import RuntimeApiFailed


class Identity(NamedTuple):
    """The caller's identity in Amazon Cognito, if it has one."""

    cognito_identity_id: str | None
    cognito_identity_pool_id: str | None


class ClientContext(NamedTuple):
    """What a mobile SDK sent with the call."""

    custom: Mapping[str, object] | None
    env: Mapping[str, object] | None
    client: Mapping[str, object] | None


class Context(NamedTuple):
    """The Lambda context of one invocation, with the attributes of AWS's own runtime."""

    function_name: str
    function_version: str
    memory_limit_in_mb: str
    log_group_name: str
    log_stream_name: str
    aws_request_id: str
    invoked_function_arn: str
    identity: Identity
    client_context: ClientContext | None
    tenant_id: str | None
    killed_at: float
    """Seconds since the epoch."""

    @classmethod
    def of(cls, request_id: str, headers: HTTPMessage, killed_at: float) -> "Context":
        """Return the context of the invocation that ``/next`` described in ``headers``.

        Raises:
            RuntimeApiFailed: a field is not what the Runtime API defines.
        """
        identity = _object(headers, "Lambda-Runtime-Cognito-Identity")
        client = _object(headers, "Lambda-Runtime-Client-Context")
        return cls(
            function_name=os.environ.get("AWS_LAMBDA_FUNCTION_NAME", ""),
            function_version=os.environ.get("AWS_LAMBDA_FUNCTION_VERSION", ""),
            memory_limit_in_mb=os.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", ""),
            log_group_name=os.environ.get("AWS_LAMBDA_LOG_GROUP_NAME", ""),
            log_stream_name=os.environ.get("AWS_LAMBDA_LOG_STREAM_NAME", ""),
            aws_request_id=request_id,
            invoked_function_arn=headers.get("Lambda-Runtime-Invoked-Function-Arn", ""),
            identity=Identity(identity.get("cognitoIdentityId"), identity.get("cognitoIdentityPoolId")),
            client_context=ClientContext(*map(client.get, ("custom", "env", "client"))) if client else None,
            tenant_id=headers.get("Lambda-Runtime-Aws-Tenant-Id"),
            killed_at=killed_at,
        )

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds until the sandbox is killed."""
        return max(0, int((self.killed_at - time.time()) * 1000))

    def log(self, message: object) -> None:
        """Write a line to the log as it is."""
        sys.stdout.write(f"{message}\n")


def _object(headers: HTTPMessage, name: str) -> dict[str, Any]:
    """Return a header field that holds a JSON object; empty if it is missing.

    The field is UTF-8, and ``http.client`` decodes it as Latin-1.

    Raises:
        RuntimeApiFailed: it holds something else. The error does not quote it.
    """
    try:
        document = json.loads((headers.get(name) or "{}").encode("latin-1"))
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise RuntimeApiFailed(f"the header field {name} of the invocation is not a JSON object")
    return document
