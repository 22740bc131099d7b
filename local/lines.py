"""Lines that a command shows: the function's log lines, shortened for people, and what to type next."""

import json
import shlex
from typing import Final

from .terminal import printable

NEXT_REQUEST: Final = json.dumps({"prompt": "Why is the sky blue?"})
METRICS_PREFIX: Final = '{"_aws"'
"""The beginning of a line in CloudWatch's embedded metric format."""
STARTED_MESSAGE: Final = "function started"
"""The message that the function logs when it has started."""
INDENT: Final = " " * 10


def curl(url: str, data: str | None = None) -> str:
    """Return a command that sends ``data`` to the endpoint: a body, or ``@`` and a file; by default a prompt."""
    return f"curl --no-buffer {url} -d {shlex.quote(data or NEXT_REQUEST)}"


def readable(line: str) -> str | None:
    """Return a line of the function's output for people.

    A stage's log line is shortened, any other line stays as it is; None for a line of metrics, which is not shown.
    """
    if line.startswith(METRICS_PREFIX):
        return None
    try:
        entry = json.loads(line)
        if entry["message"] == STARTED_MESSAGE:
            return printable(f"function  started, build {entry['service.version']}")
        stage, message = str(entry["stage"]), str(entry["message"])
    except (ValueError, TypeError, KeyError):
        # the function writes a traceback as one line, with carriage returns between its parts
        return "\n".join(printable(part) for part in f"function  {line}".replace("\r", f"\n{INDENT}").split("\n"))
    details = {
        "first chunk after {} ms": entry.get("first_chunk_ms"),
        "last after {} ms": entry.get("last_chunk_ms"),
        "{} chunks": entry.get("chunks"),
        "{} tokens": entry.get("gen_ai.usage.output_tokens"),
        "model {}": entry.get("gen_ai.response.model"),
        "{}": entry.get("error.type"),
        "caused by {}": " < ".join(cause["type"] for cause in entry.get("causes", ())) or None,
    }
    known = ", ".join(text.format(value) for text, value in details.items() if value is not None)
    return printable(f"{stage:9} {message}{': ' if known else ''}{known}")
