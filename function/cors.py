"""The header fields that let a browser's page read the response (fetch.spec.whatwg.org, "HTTP responses")."""

from collections.abc import Mapping, Sequence

from .contract import EXPOSED_HEADERS


def cors(allowed: Sequence[str], origin: str | None) -> Mapping[str, str]:
    """Return the header fields for a request from ``origin``, if ``allowed`` has it; None is a request without one.

    A single allowed origin (``*`` is one) is answered to every request. Of several exactly the caller's is answered,
    and caches are asked to keep the responses apart (RFC 9110 §12.5.5).
    """
    vary = {"Vary": "Origin"} if len(allowed) > 1 else {}
    granted = allowed[0] if len(allowed) == 1 else origin
    if granted is None or granted not in allowed:
        return vary
    return {"Access-Control-Allow-Origin": granted, "Access-Control-Expose-Headers": EXPOSED_HEADERS, **vary}
