"""What a page in a browser needs: CORS, and a content type that the browser does not guess."""

from typing import Final

from verify.advice import told
from verify.endpoint import OK, Answer, Request

from .run import JSON, UNFIT, Skipped, Visit, expect

FOREIGN: Final = "https://elsewhere.invalid"


def preflight(visit: Visit) -> str:
    """A page of the origin is let in by OPTIONS, without credentials; one of another origin is not."""
    origin = _origin(visit)
    answer = _preflight(visit, origin)
    expect(answer.status in {OK, 204}, f"OPTIONS was answered with {told(answer)}")
    _expect_allowed(answer, origin)
    methods = answer.headers.get("access-control-allow-methods", "")
    expect("POST" in methods, f"Access-Control-Allow-Methods is {methods!r}, without POST")
    allowed = answer.headers.get("access-control-allow-headers", "")
    expect("content-type" in allowed.lower(), f"Access-Control-Allow-Headers is {allowed!r}, without Content-Type")
    let_in = answer.headers["access-control-allow-origin"]
    if let_in != "*":
        other = _preflight(visit, FOREIGN).headers.get("access-control-allow-origin")
        expect(other in {None, origin}, f"{FOREIGN}, which nobody listed, got Access-Control-Allow-Origin {other!r}")
    return f"{answer.status}, {let_in} may call"


def cors(visit: Visit) -> str:
    """The function's answers and the gateway's own errors may be read by a page of the origin."""
    origin = _origin(visit)
    answer = visit.ask("Origin", Origin=origin)
    _expect_allowed(answer, origin)
    exposed = answer.headers.get("access-control-expose-headers", "")
    expect("x-request-id" in exposed.lower(), f"Access-Control-Expose-Headers is {exposed!r}, without X-Request-Id")
    fields = {"Content-Type": JSON, "Origin": origin}
    _expect_allowed(visit.endpoint.ask(Request(UNFIT, fields, path="/nowhere")), origin)
    return "the function's answers and the gateway's own errors"


def _origin(visit: Visit) -> str:
    if visit.origin is None:
        raise Skipped("say ORIGIN=https://… if pages call the endpoint")
    return visit.origin


def _preflight(visit: Visit, origin: str) -> Answer:
    fields = {
        "Origin": origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type",
    }
    return visit.endpoint.ask(Request(headers=fields, method="OPTIONS", signed=False))


def _expect_allowed(answer: Answer, origin: str) -> None:
    allowed = answer.headers.get("access-control-allow-origin")
    expect(
        allowed in {origin, "*"},
        f"Access-Control-Allow-Origin of a {answer.status} is {allowed!r}: is {origin} among allowedOrigins?",
    )


def nosniff(visit: Visit) -> str:
    """Browsers are told not to hold the start of a text back to guess its type."""
    without = [what for what, it in visit.answers if it.headers.get("x-content-type-options") != "nosniff"]
    expect(not without, f"X-Content-Type-Options: nosniff is missing from the answers to: {', '.join(without)}")
    return f"{len(visit.answers)} answers"
