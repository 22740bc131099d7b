"""Which pages a browser lets call and read the response (fetch.spec.whatwg.org, CORS protocol)."""

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


def refuses(allowed: Sequence[str], origin: str | None, own: str) -> bool:
    """Return whether a page of ``origin`` must not call: origins are listed, and it is neither one nor ``own``.

    CORS alone keeps a page from reading the response. The model would have been called, and paid for, all the same.
    ``own`` is the endpoint's own origin. Who sends no origin is no page of another one.
    """
    return origin is not None and bool(allowed) and "*" not in allowed and origin not in {*allowed, own}
