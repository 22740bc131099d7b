"""Every check against the twin, as it is and with one promise broken at a time."""

import io
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from local import script
from local.bedrock import Bedrock, Call
from local.script import Hold, Pause, Refuse, Step, Stop, Usage, pieces
from local.twin import CHECKOUT, Twin
from tests.verify.spoilt import Passing, Spoil, proxy
from verify.arrivals import Arrival
from verify.checks import CHECKS, Failed, Undecided, Visit, paced, warm
from verify.client import Endpoint, Request, with_api_key
from verify.events import Malformed
from verify.report import Report, StillWaiting, verify

ORIGIN = "https://app.example"
DOCUMENT = json.dumps({"summary": " ".join(f"Sentence {number} is here." for number in range(24)), "keywords": ["a"]})
CHECK = dict(CHECKS)


def at_a_walk(seconds: float) -> list[Step]:
    """An answer in 20 pieces or so, which takes ``seconds`` at least."""
    steps: list[Step] = []
    parts = pieces(DOCUMENT, 30)
    for part in parts:
        steps += [part, Pause(seconds / len(parts))]
    return [*steps, Stop(), Usage(12, 20)]


QUICK = script.whole(DOCUMENT, 30)


@pytest.fixture(scope="module")
def endpoint() -> Iterator[Twin]:
    """The twin, warm, with one origin allowed."""
    with Bedrock() as stand_in, Twin(stand_in) as twin:
        twin.gateway.allowed_origins = (ORIGIN,)
        twin.deploy({"LLM_ALLOWED_ORIGINS": ORIGIN})
        yield twin
        assert not stand_in.mistakes
        assert not twin.gateway.mistakes


@pytest.fixture
def whole(endpoint: Twin) -> Iterator[Twin]:
    """The same, as it was: what a test changes of it is undone."""
    assert endpoint.bedrock
    endpoint.bedrock.play(QUICK)
    yield endpoint
    endpoint.gateway.hold_back = 0
    if endpoint.function.deployment.environment.get("LLM_START_PADDING"):
        endpoint.deploy({"LLM_START_PADDING": None})


def play(twin: Twin, steps: Sequence[Step]) -> None:
    assert twin.bedrock
    twin.bedrock.play(steps)


def told(twin: Twin, url: str | None = None, **options: Any) -> tuple[int, str]:  # noqa: ANN401 - whatever the checks take
    """The exit code and what was printed."""
    screen = io.StringIO()
    code = verify(Endpoint(url or twin.url), Report(screen), origin=ORIGIN, **options)
    return code, screen.getvalue()


def test_the_twin_keeps_every_promise(whole: Twin) -> None:
    """A line a check, and none fails."""
    code, text = told(whole)

    assert code == 0, text
    assert text.endswith("All is as promised.\n")
    assert {line[6:].partition(": ")[0] for line in text.splitlines()[1:-1]} >= {"sizes", "nosniff", "leaving early"}
    assert "FAIL" not in text


def test_what_is_quick_is_not_judged() -> None:
    with pytest.raises(Undecided, match="too quickly to tell"):
        paced([Arrival(0, 50, 10), Arrival(199, 50, 10)])


def test_bytes_held_back_are_found_and_the_named_padding_lets_them_through(whole: Twin) -> None:
    """With the padding that was named the client has the first words before the model says more."""
    play(whole, at_a_walk(2.5))
    whole.gateway.hold_back = 1000
    visit = Visit(Endpoint(whole.url))
    with pytest.raises(Failed, match=r"Remedy: startPadding (\d+)") as failed:
        CHECK["streams in time"](visit)
    named = int(str(failed.value).partition("startPadding ")[2].split()[0])
    assert named >= 1000
    assert len(visit.table) > 3

    whole.deploy({"LLM_START_PADDING": str(named)})
    play(whole, [*QUICK[:1], Hold("until the client has it"), *QUICK[1:]])
    padding, events = (
        Endpoint(whole.url).ask(Request(visit.body, {"Accept": "application/jsonl"}), leave_after=2).pieces
    )
    assert whole.bedrock
    whole.bedrock.release("until the client has it")
    assert padding.data == b"\n" * named
    assert events.data.startswith(b'{"type":"start"')


def test_an_answer_that_is_held_back_as_a_whole_is_told(whole: Twin) -> None:
    play(whole, at_a_walk(0.6))
    whole.gateway.hold_back = 1_000_000
    code, text = told(whole)

    assert code == 1
    assert "came in one piece" in text
    assert "FAIL  raw text" in text
    assert "2 of 18 checks failed." in text


def gathered(passing: Passing) -> None:
    passing.chunks = [b"".join(passing.chunks)]


def sniffable(passing: Passing) -> None:
    passing.headers.pop("x-content-type-options", None)


def lenient(passing: Passing) -> None:
    if 400 <= passing.status < 500:
        passing.status = 200


def anonymous(passing: Passing) -> None:
    passing.headers.pop("x-request-id", None)


def one_id(passing: Passing) -> None:
    passing.headers["x-request-id"] = "always-the-same"


def plain_errors(passing: Passing) -> None:
    if passing.status >= 400:
        passing.headers["content-type"] = "application/json"


def without_the_last_piece(passing: Passing) -> None:
    passing.chunks = list(passing.chunks)[:-1]


def cut(passing: Passing) -> None:
    passing.cut = True


def relabelled(passing: Passing) -> None:
    if passing.status == 200:
        passing.headers["content-type"] = "application/octet-stream"


def transformable(passing: Passing) -> None:
    passing.headers["cache-control"] = "public"


def without_cors(passing: Passing) -> None:
    passing.headers.pop("access-control-allow-origin", None)


def echoing_any_origin(passing: Passing) -> None:
    if passing.request_method == "OPTIONS":
        passing.headers["access-control-allow-origin"] = "https://elsewhere.invalid"


def without_exposure(passing: Passing) -> None:
    passing.headers.pop("access-control-expose-headers", None)


def without_content_type(passing: Passing) -> None:
    passing.headers["access-control-allow-headers"] = "X-Other"


def unlimited(passing: Passing) -> None:
    if passing.status == 413:
        passing.status = 500


def in_other_words(passing: Passing) -> None:
    body = b"".join(passing.chunks)
    passing.chunks = [body.replace(b'"body_not_json"', b'"oops"').replace(b'"start"', b'"begin"')]


def numbered_anew(passing: Passing) -> None:
    passing.chunks = [b"".join(passing.chunks).replace(b"id: 2\n", b"id: 7\n")]


def back_in_time(passing: Passing) -> None:
    passing.chunks = [b"".join(passing.chunks).replace(b'"type":"start","at":', b'"type":"start","at":9')]


def lost(passing: Passing) -> None:
    """The second event is lost on the way."""
    lines = b"".join(passing.chunks).splitlines(keepends=True)
    passing.chunks = [lines[0], *lines[2:]]


BROKEN: list[tuple[Spoil, str, str]] = [
    (sniffable, "nosniff", "X-Content-Type-Options: nosniff is missing from the answers to: a probe"),
    (anonymous, "request ids", "X-Request-Id is missing from the answers to: a probe"),
    (one_id, "request ids", "two answers have the same X-Request-Id"),
    (lenient, "refuses bad JSON", "the answer is status 200"),
    (lenient, "refuses a wrong type", "not 422 body_invalid"),
    (lenient, "refuses other media", "not 415 media_type_unsupported"),
    (lenient, "refuses other formats", "not 406 not_acceptable"),
    (lenient, "sizes", "not 422 body_invalid"),
    (lenient, "gateway's own errors", "not the gateway's 403"),
    (plain_errors, "refuses bad JSON", "not application/problem"),
    (plain_errors, "gateway's own errors", "the gateway's error is 'application/json'"),
    (in_other_words, "refuses bad JSON", "the problem has the code 'oops', not 'body_not_json'"),
    (one_id, "refuses bad JSON", "the problem is of request"),
    (unlimited, "sizes", "not 413 body_too_large"),
    (without_the_last_piece, "raw text", "the text is no JSON document"),
    (without_the_last_piece, "JSON Lines", "the last event is 'delta': the stream was cut"),
    (without_the_last_piece, "Server-Sent Events", "the last event is 'delta': the stream was cut"),
    (without_the_last_piece, "whole JSON", "the body is empty"),
    (cut, "raw text", "the answer was cut off after"),
    (cut, "JSON Lines", "the answer was cut off after"),
    (relabelled, "snapshot view", "the content type is 'application/octet-stream'"),
    (transformable, "JSON Lines", "without no-transform"),
    (in_other_words, "JSON Lines", "the first event is 'begin', not start"),
    (numbered_anew, "Server-Sent Events", "message 2 has the id '7'"),
    (back_in_time, "JSON Lines", "at goes back in time"),
    (one_id, "JSON Lines", "X-Request-Id says 'always-the-same'"),
    (lost, "JSON Lines", "a change that fits nothing"),
    (without_cors, "CORS: preflight", "is https://app.example among allowedOrigins?"),
    (without_cors, "CORS: answers", "is https://app.example among allowedOrigins?"),
    (echoing_any_origin, "CORS: preflight", "among allowedOrigins?"),
    (without_exposure, "CORS: answers", "without X-Request-Id"),
    (without_content_type, "CORS: preflight", "without Content-Type"),
]


@pytest.mark.parametrize(
    ("spoil", "check", "words"), BROKEN, ids=[f"{spoil.__name__}-{check}" for spoil, check, _ in BROKEN]
)
def test_a_broken_promise_is_found_and_told(whole: Twin, spoil: Spoil, check: str, words: str) -> None:
    with proxy(whole, spoil) as server:
        visit = Visit(Endpoint(server.url + "/v1/stream"), origin=ORIGIN)
        if check in {"nosniff", "request ids"}:
            for _ in range(2):
                visit.ask("a probe", body=b"[]")
        with pytest.raises((Failed, Malformed)) as told:
            CHECK[check](visit)
    assert words in str(told.value)


def test_a_server_that_gathers_every_answer_is_told(whole: Twin) -> None:
    play(whole, at_a_walk(0.6))
    with proxy(whole, gathered) as server, pytest.raises(Failed, match="something gathers the whole answer"):
        CHECK["streams in time"](Visit(Endpoint(server.url + "/v1/stream")))


def test_failures_are_lines_and_the_exit_code(whole: Twin) -> None:
    with proxy(whole, sniffable) as server:
        code, text = told(whole, server.url + "/v1/stream")

    assert code == 1
    assert "FAIL  nosniff: X-Content-Type-Options: nosniff is missing" in text
    assert text.endswith("1 of 18 checks failed.\n")


def test_an_error_of_the_model_is_told_with_its_code(whole: Twin) -> None:
    play(whole, [Refuse("AccessDeniedException")])
    with pytest.raises(Failed, match=r"status 502 model_misconfigured .* \(request .*log line of this request"):
        CHECK["raw text"](Visit(Endpoint(whole.url)))


def test_another_request_class_asks_for_a_body(whole: Twin) -> None:
    with pytest.raises(Failed, match="BODY="):
        CHECK["raw text"](Visit(Endpoint(whole.url), body=b'{"question": "?"}'))


def test_an_endpoint_that_lets_strangers_in_is_told(whole: Twin) -> None:
    """Whoever says API_KEY= expects that it is asked for."""
    with pytest.raises(Failed, match="a caller without credentials got status 422"):
        CHECK["refuses strangers"](Visit(Endpoint(whole.url, with_api_key("k"))))


def test_a_new_schema_is_waited_for(whole: Twin) -> None:
    """The service takes longer than the endpoint may: it is asked again, until an answer is whole."""
    tries: list[Call] = []

    def answer(call: Call) -> Sequence[Step]:
        tries.append(call)
        return [Refuse("ModelTimeoutException")] if len(tries) < 3 else QUICK

    assert whole.bedrock
    whole.bedrock.answer = answer
    assert warm(Visit(Endpoint(whole.url))) == "ready, after 3 attempts"


def test_what_warming_does_not_help_ends_the_run(whole: Twin) -> None:
    play(whole, [Refuse("AccessDeniedException")])
    code, text = told(whole, warm_first=True)

    assert code == 1
    assert text.splitlines()[1].startswith("FAIL  warm-up: status 502 model_misconfigured")
    assert len(text.splitlines()) == 2


def test_whoever_waits_is_told_how_long() -> None:
    lines: list[str] = []

    class Heard(Report):
        def waiting(self, text: str) -> None:
            lines.append(text)
            if len(lines) == 2:
                heard.set()

    heard = threading.Event()
    with StillWaiting(Heard(io.StringIO()), "Compiling", every=0.001):
        assert heard.wait(30)
    assert lines[0].startswith("Compiling: ")


def command(**variables: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name.startswith(("PATH", "HOME"))}
    return subprocess.run(
        [sys.executable, "-m", "verify"],
        cwd=CHECKOUT,
        env={**environment, **variables},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_the_command_exits_with_what_it_found(whole: Twin) -> None:
    done = command(URL=whole.url + "/", ORIGIN=ORIGIN, BODY='{"prompt": "Why?"}')

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"Verifying {whole.url}\n")


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({}, "make verify URL=https://…/v1/stream"),
        ({"URL": "example.com"}, "make verify URL=https://…/v1/stream"),
        (
            {
                "URL": "https://llm.example/v1/stream",
                "SIGV4": "1",
                "HOME": "/nonexistent",
                "AWS_EC2_METADATA_DISABLED": "true",
            },
            "SIGV4=1 needs AWS credentials",
        ),
    ],
)
def test_an_option_that_cannot_be_used_is_one_line(variables: dict[str, str], words: str) -> None:
    done = command(**variables)

    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_nobody_there_ends_the_run() -> None:
    done = command(URL="http://127.0.0.1:1/v1/stream")

    assert done.returncode == 1
    assert "no answer: ConnectionRefusedError" in done.stdout
    assert "the other checks were left out" in done.stdout
