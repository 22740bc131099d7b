"""CORS: which web pages can call the endpoint and read its response (fetch.spec.whatwg.org, CORS protocol)."""

from collections.abc import Mapping, Sequence

from .contract import EXPOSED_HEADERS


def cors(allowed: Sequence[str], origin: str | None) -> Mapping[str, str]:
    """Return the header fields for a request from ``origin``, if ``allowed`` has it; None is a request without one.

    If a single origin is allowed (``*`` is one), every response names it. If several are allowed, the response names
    the caller's, and ``Vary`` asks caches to keep the responses apart (RFC 9110 §12.5.5).
    """
    vary = {"Vary": "Origin"} if len(allowed) > 1 else {}
    granted = allowed[0] if len(allowed) == 1 else origin
    if granted is None or granted not in allowed:
        return vary
    return {"Access-Control-Allow-Origin": granted, "Access-Control-Expose-Headers": EXPOSED_HEADERS, **vary}


def refuses(allowed: Sequence[str], origin: str | None, own: str) -> bool:
    """Return whether a page of ``origin`` must not call: origins are listed, and it is neither one nor ``own``.

    CORS alone only keeps a page from reading the response: the model would still be called, and billed. ``own`` is the
    endpoint's own origin. A request without an origin does not come from a page of another one.
    """
    return origin is not None and bool(allowed) and "*" not in allowed and origin not in {*allowed, own}
