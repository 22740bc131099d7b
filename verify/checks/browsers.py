"""What a page in a browser needs: CORS, and a content type that the browser does not guess."""

from typing import Final

from ..advice import describe
from ..endpoint import OK, Request, Response
from .run import INVALID_REQUEST, JSON, Run, Skipped, expect

UNLISTED_ORIGIN: Final = "https://elsewhere.invalid"


def cors_preflight(run: Run) -> str:
    """An OPTIONS request without credentials allows pages of the origin to call, and pages of no other origin."""
    origin = _origin_of(run)
    response = _preflight(run, origin)
    expect(response.status in {OK, 204}, f"the response to OPTIONS is {describe(response)}")
    _expect_allowed(response, origin)
    methods = response.headers.get("access-control-allow-methods", "")
    expect("POST" in methods, f"Access-Control-Allow-Methods is {methods!r}, without POST")
    headers = response.headers.get("access-control-allow-headers", "")
    expect("content-type" in headers.lower(), f"Access-Control-Allow-Headers is {headers!r}, without Content-Type")
    allowed = response.headers["access-control-allow-origin"]
    if allowed != "*":
        other = _preflight(run, UNLISTED_ORIGIN).headers.get("access-control-allow-origin")
        expect(
            other in {None, origin},
            f"for {UNLISTED_ORIGIN}, which is not an allowed origin, Access-Control-Allow-Origin is {other!r}",
        )
    return f"{response.status}; pages of {'every origin' if allowed == '*' else allowed} can call the endpoint"


def cors_responses(run: Run) -> str:
    """Pages of the origin can read the function's responses and the gateway's own errors."""
    origin = _origin_of(run)
    response = run.send("Origin", Origin=origin)
    _expect_allowed(response, origin)
    exposed = response.headers.get("access-control-expose-headers", "")
    expect("x-request-id" in exposed.lower(), f"Access-Control-Expose-Headers is {exposed!r}, without X-Request-Id")
    fields = {"Content-Type": JSON, "Origin": origin}
    _expect_allowed(run.endpoint.send(Request(INVALID_REQUEST, fields, path="/nowhere")), origin)
    return "the function's responses and the gateway's errors can be read"


def nosniff(run: Run) -> str:
    """Every response tells browsers not to hold back the start of a text to guess its type."""
    without = [name for name, response in run.responses if response.headers.get("x-content-type-options") != "nosniff"]
    expect(not without, f"X-Content-Type-Options: nosniff is missing from the responses to: {', '.join(without)}")
    return f"{len(run.responses)} responses"


def _origin_of(run: Run) -> str:
    if run.origin is None:
        raise Skipped("set --origin (make: ORIGIN=) to the origin of the web pages that call the endpoint, if any do")
    return run.origin


def _preflight(run: Run, origin: str) -> Response:
    fields = {
        "Origin": origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type",
    }
    return run.endpoint.send(Request(headers=fields, method="OPTIONS", with_credentials=False))


def _expect_allowed(response: Response, origin: str) -> None:
    allowed = response.headers.get("access-control-allow-origin")
    expect(
        allowed in {origin, "*"},
        f"Access-Control-Allow-Origin is {'missing' if allowed is None else repr(allowed)} in a response with status "
        f"{response.status}. Check that {origin} is in the component's argument `allowedOrigins`.",
    )
