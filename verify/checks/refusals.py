"""Does the endpoint refuse what it must refuse, with the right problem document?"""

from typing import Any, Final

from ..advice import describe
from ..endpoint import Request, Response
from .run import INVALID_REQUEST, JSON, LINES, Run, Skipped, expect

PROBLEM: Final = "application/problem+json"
SMALL_BODY: Final = 48 * 1024
LARGE_BODY: Final = 1024 * 1024


def bad_json(run: Run) -> str:
    """A body that is not JSON is refused with 400."""
    return _expect_problem(400, "body_not_json", run.send("bad JSON", body=b'{"prompt": '))


def wrong_type(run: Run) -> str:
    """A body that is JSON but not a valid request is refused with 422."""
    return _expect_problem(422, "body_invalid", run.send("a list"))


def content_type(run: Run) -> str:
    """A body that is declared as something else than JSON is refused with 415."""
    return _expect_problem(415, "media_type_unsupported", run.send("XML", content_type="application/xml"))


def accept(run: Run) -> str:
    """A format or a view that the endpoint does not have is refused with 406."""
    _expect_problem(406, "not_acceptable", run.send("view=none", f"{LINES}; view=none"))
    return _expect_problem(406, "not_acceptable", run.send("image/png", "image/png"))


def body_size(run: Run) -> str:
    """A small body is read, and one above the endpoint's limit is refused with 413."""
    small = run.send("48 KiB", body=_padded(SMALL_BODY))
    if small.code == "body_too_large":
        _expect_problem(413, "body_too_large", small)
        return "413 body_too_large; the endpoint's bodyLimit is below 48 KiB"
    _expect_problem(422, "body_invalid", small)
    large = run.send("1 MiB", body=_padded(LARGE_BODY))
    if large.code == "body_invalid":
        _expect_problem(422, "body_invalid", large)
        return "48 KiB are read; 1 MiB is too, within the endpoint's bodyLimit"
    return f"48 KiB are read; 1 MiB: {_expect_problem(413, 'body_too_large', large)}"


def gateway_errors(run: Run) -> str:
    """An error of the gateway itself is a problem document too."""
    response = run.endpoint.send(Request(INVALID_REQUEST, {"Content-Type": JSON}, path="/nowhere"))
    expect(response.status in {403, 404}, f"the response is {describe(response)}, not the gateway's 403")
    expect(response.media_type == PROBLEM, f"the gateway's error has the content type {response.media_type!r}")
    problem = response.document()
    expect(isinstance(problem, dict) and problem.get("requestId"), "the gateway's error has no requestId")
    return f"{response.status} {response.code} for a wrong path"


def missing_credentials(run: Run) -> str:
    """A request without credentials is refused with 401 or 403."""
    if not run.endpoint.has_credentials:
        raise Skipped("set API_KEY or add --sigv4 (make: SIGV4=1) if the endpoint requires credentials")
    response = run.endpoint.send(Request(INVALID_REQUEST, {"Content-Type": JSON}, with_credentials=False))
    expect(response.status in {401, 403}, f"the response without credentials is {describe(response)}, not a 401 or 403")
    return f"{response.status} {response.code} without credentials"


def _expect_problem(status: int, code: str, response: Response) -> str:
    expected = f"{status} {code}"
    expect(response.status == status, f"the response is {describe(response)}, not {expected}")
    expect(response.media_type == PROBLEM, f"the content type is {response.media_type!r}, not {PROBLEM}")
    expect(response.code == code, f"the problem has the code {response.code!r}, not {code!r}")
    problem: dict[str, Any] = response.document()
    expect(str(problem.get("type", "")).endswith(code), f"the problem has the type {problem.get('type')!r}")
    expect(problem.get("status") == status, f"the problem has the status {problem.get('status')!r}")
    request_id = response.headers.get("x-request-id")
    expect(
        problem.get("requestId") == request_id,
        f"the problem has the requestId {problem.get('requestId')!r}, but X-Request-Id is {request_id!r}",
    )
    expect(response.is_complete, "the response was cut")
    return expected


def _padded(size: int) -> bytes:
    return b"[" + b" " * (size - 2) + b"]"
