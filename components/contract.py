"""What the component knows of the function: the one file of the component that imports it.

In the wheel the function's sources lie inside this package, in a checkout beside it. The contract needs the standard
library alone, so that the bundle can be built where nothing is installed.
"""

from pathlib import Path
from typing import Final

IN_WHEEL: Final = (Path(__file__).parent / "function").is_dir()
"""Whether this package brings the function's sources. The type checker of a checkout takes it as false."""

if IN_WHEEL:
    from .function.contract import (
        EXPOSED_HEADERS,
        FIRST_EVENT_TIMEOUTS,
        HANDLER,
        LONGEST_TIMEOUT,
        METRICS_NAMESPACE,
        RESOURCE,
        SETTINGS,
        SHORTEST_TIMEOUT,
        TABLE_EXPIRY,
        TABLE_KEY,
        VERSION,
        GuardrailStreaming,
        Outcome,
        StructuredOutput,
        as_text,
        margin,
        parsed,
        variable,
    )
else:
    from function.contract import (
        EXPOSED_HEADERS,
        FIRST_EVENT_TIMEOUTS,
        HANDLER,
        LONGEST_TIMEOUT,
        METRICS_NAMESPACE,
        RESOURCE,
        SETTINGS,
        SHORTEST_TIMEOUT,
        TABLE_EXPIRY,
        TABLE_KEY,
        VERSION,
        GuardrailStreaming,
        Outcome,
        StructuredOutput,
        as_text,
        margin,
        parsed,
        variable,
    )

__all__ = [
    "EXPOSED_HEADERS",
    "FIRST_EVENT_TIMEOUTS",
    "HANDLER",
    "IN_WHEEL",
    "LONGEST_TIMEOUT",
    "METRICS_NAMESPACE",
    "RESOURCE",
    "SETTINGS",
    "SHORTEST_TIMEOUT",
    "TABLE_EXPIRY",
    "TABLE_KEY",
    "VERSION",
    "GuardrailStreaming",
    "Outcome",
    "StructuredOutput",
    "as_text",
    "margin",
    "parsed",
    "variable",
]
