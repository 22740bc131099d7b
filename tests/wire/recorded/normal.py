"""Take out of what was seen whatever differs from run to run, or may be reworded: ids, times, sentences, places.

What is left has to be the same for as long as nobody changes it on purpose.
"""

import base64
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final

from tests.wire.chain import HEARTBEATS

SENTENCE: Final = "(a sentence)"
TIME: Final = "(a time)"
ID: Final = "(an id)"
PLACE: Final = "(a place in the code)"
AS_SENT: Final = "(as sent)"
NUMBER: Final = "(a number)"
LINE: Final = 120
"""Characters of a line at most, but for a string."""

UUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
SENTENCES: Final = re.compile(r'("(?:title|detail|message|errorMessage)": ?)"(?:[^"\\]|\\.)*"')
EXTENDED_IDS: Final = re.compile(r'("extendedRequestId": ?)"[^"]*"')
TIMES: Final = re.compile(r'("(?:at|beganAt)": ?)(?:\d+|"[^"]*")')
VERSION_OF_LINE: Final = re.compile(r"\t\d+\.\d+\.\d+\+\w+(?=\t)")
TIME_OF_LINE: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
VARYING_FIELDS: Final = frozenset({"date", "host", "x-amz-apigw-id", "x-amzn-trace-id"})

BETWEEN_EVENTS: Final = re.compile(r"(?<=}\n)(?=\{)|(?<=}\n\n)(?=id:)")

TIMED: Final = frozenset({"timestamp", "Timestamp", "expires", "beganAt", "Duration", "TimeToFirstChunk"})
"""Members that are a time or a duration; so are those of ``timings`` and those whose names end in ``_ms``."""
REWORDED: Final = frozenset({"message", "title", "detail", "errorMessage"})
PLACED: Final = frozenset({"location", "logger"})
"""Members that name a module: a file that moves changes them."""
IDENTIFYING: Final = frozenset({"extended_request_id", "extendedRequestId"})
"""Members that are an id of no known form."""
LEFT_OUT: Final = frozenset({"service.version", "xray_trace_id"})
"""The build that answered; and the trace, which the function is given anew with each event."""
UNSURE: Final = frozenset({"chunks", "bytes", "output_tokens_estimated", "outputTokensEstimated"})
"""Members of a cancelled request that depend on when the function notices."""


def text_of(data: bytes) -> str:
    return data.decode(errors="backslashreplace")


@dataclass(frozen=True)
class Normal:
    """How to normalise what was seen of one request."""

    request_id: str
    invocation_id: str
    chunk_count: int
    byte_count: int
    is_cut_short: bool
    """The platform broke the response off: how much was written depends on the machine."""

    def text(self, text: str) -> str:
        """Return a piece of text that is, or holds, JSON: only ids, times and sentences of it are replaced."""
        for known, name in ((self.request_id, "(the request's id)"), (self.invocation_id, "(the invocation's id)")):
            text = text.replace(known, name) if known else text
        text = SENTENCES.sub(rf'\1"{SENTENCE}"', EXTENDED_IDS.sub(rf'\1"{ID}"', UUID.sub(ID, text)))
        return TIMES.sub(rf'\1"{TIME}"', text)

    def head(self, head: bytes) -> list[str]:
        """Return a start line and header fields, in order."""
        lines = [self.text(line) for line in text_of(head).split("\r\n")]
        return [self._field(line) for line in lines if line]

    def chunks(self, chunks: list[bytes]) -> list[str]:
        """Return the body, typed events one by one; of a body that was broken off the first chunk is enough.

        Where a body is cut into chunks depends on the machine, as does how many heartbeats there are in a row.
        """
        if self.is_cut_short:
            return [self.text(text_of(chunk)) for chunk in chunks[:1]]
        parts = [
            group[0] if is_heartbeat else b"".join(group)
            for is_heartbeat, each in groupby(chunks, lambda chunk: chunk in HEARTBEATS)
            for group in [list(each)]
        ]
        return [self.text(event) for part in parts for event in BETWEEN_EVENTS.split(text_of(part))]

    def trailers(self, trailers: Mapping[str, str]) -> dict[str, object]:
        """Return the trailers; the one in base64 is read."""
        return {
            name: self.value(json.loads(base64.b64decode(value))) if name.endswith("-body") else value
            for name, value in trailers.items()
        }

    def output(self, lines: Iterable[str]) -> list[object]:
        """Return the lines that the function wrote: JSON as values, and text as it is."""
        return [self._line(line) for line in lines if '"store":"none"' not in line]

    def value(self, value: object, name: str = "") -> object:
        """Return a JSON value; ``name`` is that of its member. A string that holds JSON is read."""
        if (named := self._named(value, name)) is not None:
            return named
        if isinstance(value, dict):
            within = name if name in {"timings", "expires"} else ""
            return {key: self.value(it, within or key) for key, it in value.items() if key not in LEFT_OUT}
        if isinstance(value, list):
            return [self.value(item, name if name in TIMED else "") for item in value]
        if isinstance(value, str):
            return self._string(value)
        return value

    def _named(self, value: object, name: str) -> object:
        """Return what stands for a member of this name, or None where its value is to be kept."""
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if name.endswith("_ms") or name in TIMED or name == "timings":
            is_scalar = is_number or isinstance(value, str)
            return TIME if is_scalar and value != "Milliseconds" else None
        for names, stand_in in ((REWORDED, SENTENCE), (PLACED, PLACE), (IDENTIFYING, ID)):
            if name in names and isinstance(value, str):
                return stand_in
        if name in {"stack", "stackTrace"} and isinstance(value, list):
            return _types(map(str, value)) if name == "stackTrace" else [PLACE]
        if self.is_cut_short and is_number and name in UNSURE:
            return NUMBER
        is_as_sent = is_number and {"chunks": self.chunk_count, "bytes": self.byte_count}.get(name) == value
        return AS_SENT if is_as_sent else None

    def _string(self, text: str) -> object:
        try:
            document = json.loads(text) if text.startswith("{") else None
        except ValueError:  # an answer as far as it came
            document = None
        return self.text(text) if document is None else {"(JSON)": self.value(document)}

    def _line(self, line: str) -> object:
        if line.startswith("{"):
            return self.value(json.loads(line))
        first, *more = line.split("\r")
        *start, _ = VERSION_OF_LINE.sub("", TIME_OF_LINE.sub(TIME, self.text(first))).split("\t")
        return ["\t".join([*start, SENTENCE]), *_types(more)]

    def _field(self, line: str) -> str:
        name, colon, value = line.partition(":")
        varies = name.lower() in VARYING_FIELDS or (name.lower() == "content-length" and value)
        return f"{name}: (varies)" if colon and varies else line


def _types(lines: Iterable[str]) -> list[str]:
    """Return the lines of a stack trace that name an exception, without its files and lines."""
    return [line for line in lines if not line.startswith(" ")]


def as_text(value: Any, indent: str = "") -> str:
    """Return JSON for a person: what fits stands on one line, and anything else has a line for each member."""
    text = json.dumps(value, ensure_ascii=False)
    if len(indent + text) <= LINE or not isinstance(value, dict | list):
        return text
    more = f"{indent}  "
    if isinstance(value, dict):
        members = [f"{more}{json.dumps(key)}: {as_text(it, more)}" for key, it in value.items()]
        return "\n".join(["{", ",\n".join(members), f"{indent}}}"])
    return "\n".join(["[", ",\n".join(f"{more}{as_text(item, more)}" for item in value), f"{indent}]"])
