"""What goes wrong between the function and the Runtime API, and the document that reports an error there."""

import json
from typing import Final

ERROR_TYPE: Final = "Lambda-Runtime-Function-Error-Type"
ERROR_BODY: Final = "Lambda-Runtime-Function-Error-Body"


class RuntimeApiFailed(Exception):
    """The Runtime API is not there or does not keep to its specification; Lambda starts another sandbox."""


class ResponseNotAccepted(Exception):
    """Lambda stopped accepting the response: it closed the connection, stopped reading or refused it."""


def error_document(kind: str, message: str, trace: list[str]) -> bytes:
    """Return an error as the Runtime API wants it."""
    return json.dumps({"errorMessage": message, "errorType": kind, "stackTrace": trace}).encode()


def describe(status: int, body: bytes) -> str:
    """Return words for a refusal of the Runtime API, whose bodies name an ``errorType``."""
    return f"{status} {body[:200].decode('utf-8', 'replace')}"
