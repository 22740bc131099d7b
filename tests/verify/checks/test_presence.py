import io
from collections.abc import Callable, Sequence

import pytest

from local.bedrock.call import Call
from local.bedrock.script import Refuse, Step
from local.http11.server import Exchange, Server
from local.terminal import Terminal
from local.twin import Twin
from tests.verify.shared import PROBLEM, QUICK, answering, bedrock_of, code_of
from verify.checks.presence import function_responds, warm_up
from verify.checks.run import Run
from verify.endpoint import RemoteEndpoint
from verify.report import Report, verify


@pytest.mark.parametrize(
    ("respond", "words"),
    [
        (
            answering(200, "text/html; charset=utf-8", b"<title>Sign in</title>"),
            "The URL serves an HTML page. Check that the URL is one that",
        ),
        (answering(404, "text/html", b"<title>Not found</title>"), "status 404 text/html. The URL serves an HTML page"),
        (
            answering(404, "application/json", b'{"message": "No route"}'),
            "status 404 No route. Check that the URL is one that",
        ),
        (
            answering(200, "application/json", b'{"ok": true}'),
            "status 200 application/json. Check that the URL is one that",
        ),
        (
            answering(301, "text/plain", b"", Location="https://b.example/v1"),
            "The URL redirects to https://b.example/v1.",
        ),
        (answering(403, PROBLEM, code_of("INVALID_API_KEY")), "requires a valid API key"),
        (
            answering(403, PROBLEM, code_of("MISSING_AUTHENTICATION_TOKEN")),
            "requires signed requests, add --sigv4 (make: SIGV4=1).",
        ),
        (answering(403, PROBLEM, code_of("ACCESS_DENIED")), "execute-api:Invoke"),
        (answering(403, PROBLEM, code_of("EXPIRED_TOKEN")), "log in again"),
        (answering(401, PROBLEM, code_of("UNAUTHORIZED")), "A token is required"),
        (answering(403, PROBLEM, code_of("WAF_FILTERED")), "web ACL"),
        (answering(429, PROBLEM, code_of("QUOTA_EXCEEDED")), "quota of this API key"),
        (answering(500, PROBLEM, code_of("INTEGRATION_FAILURE")), "Check that the function starts"),
        (answering(504, PROBLEM, code_of("INTEGRATION_TIMEOUT")), "WARM=1"),
    ],
)
def test_something_else_at_the_url_ends_the_run_with_advice(respond: Callable[[Exchange], None], words: str) -> None:
    """One FAIL says what is there; the other checks do not fail for the same reason."""
    screen = io.StringIO()
    with Server(respond) as server:
        code = verify(RemoteEndpoint(server.url), Report(Terminal(screen)))

    assert code == 1
    lines = screen.getvalue().splitlines()
    assert words in lines[1]
    assert lines[2:] == ["FAILED: the other checks were not run."]


def test_a_request_class_that_accepts_everything_is_an_endpoint_too() -> None:
    with Server(answering(200, "application/json", b"{}", **{"X-Request-Id": "r"})) as server:
        assert function_responds(Run(RemoteEndpoint(server.url))) == "the function responds"


def test_the_warm_up_waits_until_a_new_schema_is_compiled(endpoint: Twin) -> None:
    """Bedrock takes longer than the endpoint waits: the request is repeated until an answer is complete."""
    calls: list[Call] = []

    def answer(call: Call) -> Sequence[Step]:
        calls.append(call)
        return [Refuse("ModelTimeoutException")] if len(calls) < 3 else QUICK

    bedrock_of(endpoint).answer = answer
    assert warm_up(Run(RemoteEndpoint(endpoint.url))) == "ready after 3 attempts"
