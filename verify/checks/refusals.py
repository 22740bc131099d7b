"""What the endpoint must refuse, and how."""

from typing import Any, Final

from verify.advice import told
from verify.endpoint import Answer, Request

from .run import JSON, LINES, UNFIT, Skipped, Visit, expect

SMALL_BODY: Final = 48 * 1024
LARGE_BODY: Final = 1024 * 1024


def _refused(status: int, code: str, answer: Answer) -> str:
    what = f"{status} {code}"
    expect(answer.status == status, f"the answer is {told(answer)}, not {what}")
    expect(
        answer.media_type == "application/problem+json",
        f"the answer has the content type {answer.media_type!r}, not application/problem+json",
    )
    expect(answer.code == code, f"the problem has the code {answer.code!r}, not {code!r}")
    problem: dict[str, Any] = answer.document()
    expect(str(problem.get("type", "")).endswith(code), f"the problem's type is {problem.get('type')!r}")
    expect(problem.get("status") == status, f"the problem says status {problem.get('status')!r}")
    request_id = answer.headers.get("x-request-id")
    expect(problem.get("requestId") == request_id, f"the problem is of request {problem.get('requestId')!r}")
    expect(answer.whole, "the answer was cut off")
    return what


def bad_json(visit: Visit) -> str:
    """A body that is no JSON."""
    return _refused(400, "body_not_json", visit.ask("bad JSON", body=b'{"prompt": '))


def wrong_type(visit: Visit) -> str:
    """A body that is JSON and no request."""
    return _refused(422, "body_invalid", visit.ask("a list"))


def other_media_type(visit: Visit) -> str:
    """A body that is declared to be something else."""
    return _refused(415, "media_type_unsupported", visit.ask("XML", content_type="application/xml"))


def not_acceptable(visit: Visit) -> str:
    """An answer that nobody can give, and a view that is none."""
    _refused(406, "not_acceptable", visit.ask("view=none", f"{LINES}; view=none"))
    return _refused(406, "not_acceptable", visit.ask("image/png", "image/png"))


def sizes(visit: Visit) -> str:
    """A body of some size is read, a large one refused."""
    small = visit.ask("48 KiB", body=_padded(SMALL_BODY))
    if small.code == "body_too_large":
        _refused(413, "body_too_large", small)
        return "413 body_too_large; the endpoint's bodyLimit is below 48 KiB"
    _refused(422, "body_invalid", small)
    large = visit.ask("1 MiB", body=_padded(LARGE_BODY))
    if large.code == "body_invalid":
        _refused(422, "body_invalid", large)
        return "48 KiB are read; 1 MiB is too, within the endpoint's bodyLimit"
    return f"48 KiB are read; 1 MiB: {_refused(413, 'body_too_large', large)}"


def _padded(size: int) -> bytes:
    return b"[" + b" " * (size - 2) + b"]"


def other_path(visit: Visit) -> str:
    """What the gateway answers itself is a problem too."""
    answer = visit.endpoint.ask(Request(UNFIT, {"Content-Type": JSON}, path="/nowhere"))
    expect(answer.status in {403, 404}, f"the answer is {told(answer)}, not the gateway's 403")
    expect(answer.media_type == "application/problem+json", f"the gateway's error is {answer.media_type!r}")
    problem = answer.document()
    expect(isinstance(problem, dict) and problem.get("requestId"), "the gateway's error names no request")
    return f"{answer.status} {answer.code} for a wrong path"


def strangers(visit: Visit) -> str:
    """Whoever does not say who calls is refused."""
    if not visit.endpoint.is_protected:
        raise Skipped("say API_KEY=… or SIGV4=1 if the endpoint asks who calls")
    answer = visit.endpoint.ask(Request(UNFIT, {"Content-Type": JSON}, signed=False))
    expect(answer.status in {401, 403}, f"a caller without credentials got {told(answer)}, not 401 or 403")
    return f"{answer.status} {answer.code} for a caller without credentials"
