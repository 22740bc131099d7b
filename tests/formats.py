"""The formats of an answer, each under one of its media types, for the tests that run in all of them."""

from typing import Final

from function.stream.negotiation import choose_format
from function.stream.record import Calls, Start

RAW, LINES, SSE, WHOLE = "text/plain", "application/jsonl", "text/event-stream", "application/json"
NAMES: Final = {"raw": RAW, "lines": LINES, "sse": SSE, "whole": WHOLE}
"""Each by the name that it has in the names of tests."""
FORMATS: Final = list(NAMES.values())
_ANY: Final = Start("", "", 0, lambda: 0, 0.0, Calls())
TYPED: Final = [accept for accept in FORMATS if choose_format(accept).encoder(_ANY).can_report_errors]
"""Those that consist of events."""
STREAMED: Final = [RAW, *TYPED]
