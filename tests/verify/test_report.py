import io
import re

import pytest

from local.bedrock.script import Hold, Refuse
from local.http11.server import Exchange, Server
from local.terminal import Terminal
from local.twin import Twin
from tests.verify.shared import CHECK, DOCUMENT, PROBLEM, QUICK, bedrock_of, check_all, code_of, play, slowly
from tests.verify.spoilt import proxy, sniffable
from verify.checks.run import Check, Failed, Run, Skipped, Undecided
from verify.endpoint import RemoteEndpoint
from verify.report import Report, verify


def test_a_response_that_is_buffered_to_its_end_fails_two_checks(endpoint: Twin) -> None:
    play(endpoint, slowly(0.3))
    endpoint.gateway.hold_back = 1_000_000
    code, text = check_all(endpoint)

    assert code == 1
    assert "arrived all at once, in " in text
    assert "FAIL  raw text" in text
    assert text.splitlines()[-1].partition("s: ")[2].startswith("streams without delay, raw text. ")


def test_a_failure_is_a_line_and_the_exit_code(endpoint: Twin) -> None:
    with proxy(endpoint, sniffable) as server:
        code, text = check_all(endpoint, server.url + "/v1/stream")

    assert code == 1
    assert "FAIL  nosniff: X-Content-Type-Options: nosniff is missing" in text
    assert text.endswith(" s: nosniff. See the advice next to each FAIL.\n")


def ended(check: Check) -> tuple[int, str]:
    """The exit code and the last lines after one check."""
    screen = io.StringIO()
    report = Report(Terminal(screen))
    report.run("a check", check, Run(RemoteEndpoint("http://127.0.0.1:1/v1/stream")))
    return report.conclude(), screen.getvalue()


def undecided(_: Run) -> str:
    raise Undecided("too quick")


def skipped(_: Run) -> str:
    raise Skipped("say more")


@pytest.mark.parametrize(
    ("check", "code", "lines"),
    [
        (lambda _: "seen", 0, r"ok    a check: seen\nAll 1 checks passed in \d+ s\.\n$"),
        (
            undecided,
            0,
            r"\?     a check: too quick\nUndecided: a check\.\nAll 0 checks that could run passed in \d+ s\.\n$",
        ),
        (skipped, 0, r"skip  a check: say more\nSkipped: a check\.\nAll 0 checks that could run passed in \d+ s\.\n$"),
    ],
)
def test_the_verdict_claims_no_more_than_was_checked(check: Check, code: int, lines: str) -> None:
    found, text = ended(check)

    assert found == code
    assert re.match(lines, text)


def delayed(_: Run) -> str:
    raise Failed("too late", timeline=["sent  received", "1     900"])


def test_a_timeline_is_shown_below_the_failure_that_it_explains() -> None:
    code, text = ended(delayed)

    assert code == 1
    assert text.startswith("FAIL  a check: too late\n      sent  received\n      1     900\nFAILED after ")


def test_a_check_that_passes_shows_no_timeline(endpoint: Twin) -> None:
    """Its line has all that matters of a pace without delays."""
    play(endpoint, slowly(0.6, len(DOCUMENT) // 4))
    screen = io.StringIO()
    assert Report(Terminal(screen)).run(
        "streams without delay", CHECK["streams without delay"], Run(RemoteEndpoint(endpoint.url))
    )

    lines = [line for line in screen.getvalue().splitlines() if not line.endswith(" …")]
    assert len(lines) == 1
    assert lines[0].startswith("ok    streams without delay: ")


def test_a_throttled_endpoint_can_be_checked(endpoint: Twin) -> None:
    """Every second request is throttled: each check waits and repeats it, and none fails."""
    received: list[str] = []
    slept: list[float] = []

    def too_soon(exchange: Exchange, body: bytes) -> str | None:  # noqa: ARG001 - a Gatekeeper
        received.append(exchange.path)
        return "THROTTLED" if len(received) % 2 else None

    screen = io.StringIO()
    report = Report(Terminal(screen))
    with proxy(endpoint, refusal=too_soon) as server:
        code = verify(RemoteEndpoint(server.url + "/v1/stream", notify=report.progress, sleep=slept.append), report)

    assert code == 0, screen.getvalue()
    assert slept == [1.0] * (len(received) // 2)
    assert "The endpoint responded with 429 THROTTLED; retrying in 1 s …" in screen.getvalue()


def test_an_endpoint_that_no_longer_responds_ends_the_run() -> None:
    """It responds to the first request only."""
    received: list[str] = []

    def respond(exchange: Exchange) -> None:
        exchange.read_body(1000)
        received.append(exchange.path)
        if len(received) > 1:
            exchange.cut()
        else:
            exchange.send(422, [("Content-Type", PROBLEM)], code_of("body_invalid"))

    screen = io.StringIO()
    with Server(respond) as server:
        code = verify(RemoteEndpoint(server.url), Report(Terminal(screen)))

    lines = screen.getvalue().splitlines()
    assert (code, len(received)) == (1, 2)
    assert lines[-2] == "The endpoint no longer responds: the remaining checks were not run."
    assert lines[-1].endswith(": refuses bad JSON. See the advice next to each FAIL.")


def test_a_failure_that_warming_up_does_not_mend_ends_the_run(endpoint: Twin) -> None:
    play(endpoint, [Refuse("AccessDeniedException")])
    code, text = check_all(endpoint, warm_first=True)

    assert code == 1
    assert text.splitlines()[-2].startswith("FAIL  warm-up: status 502 model_misconfigured")
    assert text.splitlines()[-1].startswith("FAILED: the model does not answer")


def test_progress_shows_the_seconds_and_the_bytes_that_have_arrived(endpoint: Twin) -> None:
    """The model goes on only after the progress line has shown that its first words have arrived."""
    play(endpoint, [*QUICK[:3], Hold("the progress line shows bytes"), *QUICK[3:]])
    bedrock = bedrock_of(endpoint)

    class Watched(Terminal):
        def progress(self, text: str) -> None:
            super().progress(text)
            if not text.endswith(": 0 s, 0 bytes so far"):
                bedrock.release("the progress line shows bytes")

    screen = io.StringIO()
    report = Report(Watched(screen, interval=0.01))
    assert report.run("JSON Lines", CHECK["JSON Lines"], Run(RemoteEndpoint(endpoint.url)))
    assert re.search(r"^      JSON Lines: 0 s, [1-9]\d* bytes so far …$", screen.getvalue(), re.MULTILINE)


def test_what_a_server_sends_cannot_drive_the_terminal() -> None:
    """Control characters in its words are shown as escapes."""
    problem = [("Content-Type", "application/problem+json")]

    def respond(exchange: Exchange) -> None:
        exchange.read_body(1000)
        exchange.send(500, problem, b'{"code": "x", "title": "a\\u001b[2Jb\\nc"}')

    screen = io.StringIO()
    with Server(respond) as server:
        verify(RemoteEndpoint(server.url), Report(Terminal(screen)))

    assert "status 500 x a\\x1b[2Jb c. " in screen.getvalue()
