"""Which browsers' pages may call the endpoint: the gateway's half (fetch.spec.whatwg.org, CORS protocol).

The gateway answers preflights and its own errors; the function answers every other request. Both are configured by
the same variable, ``LLM_ALLOWED_ORIGINS``.
"""

from collections.abc import Mapping, Sequence
from typing import Final

ORIGINS_VARIABLE: Final = "LLM_ALLOWED_ORIGINS"
EXPOSED_HEADERS: Final = "X-Request-Id, x-amzn-RequestId, Retry-After"
REQUEST_HEADERS: Final = "Content-Type, Accept, Last-Event-ID, traceparent, Cache-Control"
MAX_AGE: Final = "600"
"""Seconds for which a browser can cache a preflight."""


def allowed_origins(environment: Mapping[str, str | None]) -> tuple[str, ...]:
    """Return the origins in the function's variables; none if the variable is missing or ``none``."""
    text = environment.get(ORIGINS_VARIABLE) or "none"
    return () if text == "none" else tuple(origin.strip() for origin in text.split(","))


def preflight_fields(allowed: Sequence[str], origin: str | None) -> list[tuple[str, str]]:
    """Return the header fields of the response to a preflight from ``origin``; none if no origin is allowed.

    A single allowed origin (``*`` is one) stands in every response. If several are allowed, the response names the
    caller's own origin if it is one of them.
    """
    match allowed:
        case []:
            return []
        case [only]:
            granted = [("Access-Control-Allow-Origin", only)]
        case _:
            granted = [("Vary", "Origin")]
            if origin is not None and origin in allowed:
                granted.append(("Access-Control-Allow-Origin", origin))
    return [
        ("Access-Control-Allow-Methods", "POST"),
        ("Access-Control-Allow-Headers", REQUEST_HEADERS),
        ("Access-Control-Max-Age", MAX_AGE),
        *granted,
    ]


def error_fields(allowed: Sequence[str]) -> list[tuple[str, str]]:
    """Return the header fields of the gateway's own errors, which cannot depend on the caller's origin."""
    if not allowed:
        return []
    granted = allowed[0] if len(allowed) == 1 else "*"
    return [("Access-Control-Allow-Origin", granted), ("Access-Control-Expose-Headers", EXPOSED_HEADERS)]
