"""What goes wrong between the function and the Runtime API, and how an error is reported there."""

import json
from typing import Final

ERROR_TYPE: Final = "Lambda-Runtime-Function-Error-Type"
ERROR_BODY: Final = "Lambda-Runtime-Function-Error-Body"


class RuntimeApiGone(Exception):
    """The Runtime API does not answer as it must; Lambda starts another sandbox."""


class NotTaken(Exception):
    """The platform did not take the answer: it went away, stalls or refuses."""


def error_document(kind: str, message: str, places: list[str]) -> bytes:
    """Return the JSON document that describes an error to the Runtime API."""
    return json.dumps({"errorMessage": message, "errorType": kind, "stackTrace": places}).encode()


def refusal(status: int, body: bytes) -> str:
    """Describe an answer of the Runtime API, whose bodies name an ``errorType``."""
    return f"{status} {body[:200].decode('utf-8', 'replace')}"
