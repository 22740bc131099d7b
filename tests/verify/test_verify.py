"""Every check against the twin, as it is and with one promise broken at a time."""

import io
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from typing import Any

import botocore.session
import pytest
from botocore.model import StringShape

from local.bedrock import script
from local.bedrock.call import Answerer, Call
from local.bedrock.script import Hold, Pause, Refuse, Step, Stop, Usage, pieces
from local.bedrock.server import Bedrock
from local.http11.server import Exchange, Server
from local.twin import CHECKOUT, Twin
from tests.verify.spoilt import KEY, SECRET, Passing, Spoil, proxy, signature
from verify.advice import BY_CODE
from verify.arrivals import Arrival
from verify.checks.catalog import ANSWERS, CHECKS
from verify.checks.pace import paced
from verify.checks.presence import reached, warm
from verify.checks.run import BY_CHANCE, LONG, Check, Failed, Skipped, Undecided, Visit
from verify.endpoint import Endpoint, Request
from verify.events import Malformed
from verify.report import Report, verify
from verify.signing import with_api_key

ORIGIN = "https://app.example"
DOCUMENT = json.dumps({"summary": " ".join(f"Sentence {number} is here." for number in range(24)), "keywords": ["a"]})
CHECK = dict(CHECKS)


def at_a_walk(seconds: float, size: int = 30) -> list[Step]:
    """An answer in pieces of so many characters, which takes ``seconds`` at least."""
    steps: list[Step] = []
    parts = pieces(DOCUMENT, size)
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


def stand_in(twin: Twin) -> Bedrock:
    assert twin.bedrock
    return twin.bedrock


def play(twin: Twin, steps: Sequence[Step]) -> None:
    stand_in(twin).play(steps)


def told(twin: Twin, url: str | None = None, **options: Any) -> tuple[int, str]:  # noqa: ANN401 - whatever the checks take
    """The exit code and what was printed."""
    screen = io.StringIO()
    code = verify(Endpoint(url or twin.url), Report(screen), origin=ORIGIN, **options)
    return code, screen.getvalue()


def test_the_twin_keeps_every_promise(whole: Twin) -> None:
    """A line a check, none fails, and the model is asked as often as was said."""
    calls: list[Call] = []

    def answer(call: Call) -> Sequence[Step]:
        calls.append(call)
        return QUICK

    stand_in(whole).answer = answer
    code, text = told(whole)

    assert code == 0, text
    assert [name for name, _ in CHECKS if f"  {name}: " not in text] == []
    assert "FAIL" not in text
    assert f"{ANSWERS} answers of the model are asked for" in text
    assert len(calls) == ANSWERS


def test_what_is_quick_is_not_judged() -> None:
    with pytest.raises(Undecided, match="too quickly to tell"):
        paced([Arrival(0, 50, 10), Arrival(199, 50, 10)])


def long_ones(steps: Sequence[Step]) -> Answerer:
    """Take time over the long answer alone, so that a whole run is short."""
    return lambda call: steps if call.prompt in LONG.decode() else QUICK


def test_bytes_held_back_are_found_and_the_named_padding_lets_them_through(whole: Twin) -> None:
    """With the padding that was named the client has the first words before the model says more."""
    play(whole, at_a_walk(1.2))
    whole.gateway.hold_back = 1000
    visit = Visit(Endpoint(whole.url))
    with pytest.raises(Failed, match=r"Remedy: startPadding (\d+)") as failed:
        CHECK["streams in time"](visit)
    named = int(str(failed.value).partition("startPadding ")[2].split()[0])
    assert named >= 1000
    assert len(visit.table) > 3

    whole.deploy({"LLM_START_PADDING": str(named)})
    play(whole, [*QUICK[:1], Hold("until the client has it"), *QUICK[1:]])
    padding, events = Endpoint(whole.url).ask(Request(LONG, {"Accept": "application/jsonl"}), leave_after=2).pieces
    stand_in(whole).release("until the client has it")
    assert padding.data == b"\n" * named
    assert events.data.startswith(b'{"type":"start"')


def test_the_command_fails_before_a_holding_gateway_and_holds_with_the_remedy(whole: Twin) -> None:
    """From the first run's last word to the second run's verdict, as a user goes."""
    stand_in(whole).answer = long_ones(at_a_walk(2.0, len(DOCUMENT) // 4))
    whole.gateway.hold_back = 400
    held = command(URL=whole.url)
    assert held.returncode == 1
    assert "FAILED after" in held.stdout

    remedy = re.search(r"pulumi config set startPadding (\d+)", held.stdout)
    assert remedy, held.stdout
    whole.deploy({"LLM_START_PADDING": remedy[1]})
    padded = command(URL=whole.url)
    assert padded.returncode == 0, padded.stdout
    assert "ok    streams in time" in padded.stdout


def paced_by(*came: Sequence[float], padding: int = 0, apart: Sequence[int] = (300, 300)) -> str:
    """What is said of answers whose events, sent so many ms apart, came at these seconds of a scripted clock."""
    distances = iter(apart)

    def respond(exchange: Exchange) -> None:
        exchange.read_body(1000)
        exchange.start(200, [("Content-Type", "application/jsonl")])
        distance = next(distances)
        for number in range(len(came[0])):
            event = json.dumps({"type": "delta", "at": distance * number}).ljust(99) + "\n"
            exchange.chunk((b"" if number else b"\n" * padding) + event.encode())
        exchange.end()

    times = (moment for answer in came for moment in (0.0, *answer))
    with Server(respond) as server:
        return CHECK["streams in time"](Visit(Endpoint(server.url, clock=lambda: next(times))))


IN_TIME = [0.1 + 0.3 * number for number in range(8)]
HELD = [IN_TIME[3]] * 3 + IN_TIME[3:]
BLOCKS = [0.7, 0.7, 0.7, 1.6, 1.6, 1.6, 2.2, 2.2]


def test_what_came_late_once_is_asked_for_again() -> None:
    """One answer is held back, the next is not: chance, not the account."""
    assert paced_by(HELD, IN_TIME).endswith("none more than 0 ms late; only the answer before it came late: chance")


def test_an_answer_that_is_too_quick_the_second_time_takes_nothing_back() -> None:
    with pytest.raises(Failed, match="the first 4 events were held back"):
        paced_by(HELD, IN_TIME, apart=(300, 0))


def test_a_cut_answer_has_no_pace(whole: Twin) -> None:
    """It fails where its format is checked, and not twice."""
    with proxy(whole, cut) as server, pytest.raises(Skipped, match="was cut off"):
        CHECK["streams in time"](Visit(Endpoint(server.url + "/v1/stream")))


def test_the_padding_that_is_there_counts_in_the_one_that_is_named() -> None:
    """Part of what is needed is set: what is named is all of it, not the rest."""
    with pytest.raises(Failed, match=r"the first 4 events were held back for up to 900 ms .* startPadding 900 "):
        paced_by(HELD, HELD, padding=500)


def test_a_proxy_that_gathers_blocks_is_told_and_no_padding_is_named() -> None:
    with pytest.raises(Failed, match=r"in 3 blocks of up to 300 bytes, up to 600 ms late\. .* does not help"):
        paced_by(BLOCKS, BLOCKS)


@pytest.mark.parametrize(("begins", "is_judged"), [(None, False), (900.0, False), (100.0, True)])
def test_raw_text_in_one_piece_is_judged_by_answers_that_take_time(begins: float | None, *, is_judged: bool) -> None:
    """It has no times of its own: where typed answers begin long before it came, it was held back."""

    def respond(exchange: Exchange) -> None:
        exchange.read_body(1000)
        fields = [("Content-Type", "text/plain; charset=utf-8"), ("Cache-Control", "no-transform")]
        exchange.start(200, fields)
        exchange.chunk(b"{}")
        exchange.end()

    times = iter([0.0, 1.0])
    with Server(respond) as server:
        visit = Visit(Endpoint(server.url, clock=lambda: next(times)), begins=begins)
        with pytest.raises(Failed, match="2 bytes came in one piece after 1000 ms") if is_judged else nullcontext():
            CHECK["raw text"](visit)


def test_an_answer_that_is_held_back_as_a_whole_is_told(whole: Twin) -> None:
    play(whole, at_a_walk(0.3))
    whole.gateway.hold_back = 1_000_000
    code, text = told(whole)

    assert code == 1
    assert "came in one piece" in text
    assert "FAIL  raw text" in text
    assert text.splitlines()[-1].partition("s: ")[2].startswith("streams in time, raw text. ")


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
    (cut, "leaving early", "the answer after it was cut off"),
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


def test_every_check_is_seen_to_fail() -> None:
    """A check that cannot fail checks nothing; these two have tests of their own below."""
    assert {name for name, _ in CHECKS} == {name for _, name, _ in BROKEN} | {"streams in time", "refuses strangers"}


def timed_out(passing: Passing) -> None:
    """The gateway gives up on every answer of the model."""
    if passing.status == 200:
        passing.status, passing.chunks = 504, [code_of("INTEGRATION_TIMEOUT")]
        passing.headers = {"content-type": PROBLEM}


def test_an_error_of_the_gateway_is_not_blamed_on_the_function(whole: Twin) -> None:
    """It has no X-Request-Id, and need not."""
    with proxy(whole, timed_out) as server:
        _, text = told(whole, server.url + "/v1/stream")

    assert re.findall("FAIL  ([^:]*): ", text) == ["JSON Lines"]
    assert "status 504 INTEGRATION_TIMEOUT. A schema that is new to the service" in text


def test_a_server_that_gathers_every_answer_is_told(whole: Twin) -> None:
    play(whole, at_a_walk(0.3))
    with proxy(whole, gathered) as server, pytest.raises(Failed, match="the whole answer is gathered on the way"):
        CHECK["streams in time"](Visit(Endpoint(server.url + "/v1/stream")))


def test_failures_are_lines_and_the_exit_code(whole: Twin) -> None:
    with proxy(whole, sniffable) as server:
        code, text = told(whole, server.url + "/v1/stream")

    assert code == 1
    assert "FAIL  nosniff: X-Content-Type-Options: nosniff is missing" in text
    assert text.endswith(" s: nosniff. What to do stands beside each FAIL above.\n")


def ended(check: Check) -> tuple[int, str]:
    """The exit code and the last lines after one check."""
    screen = io.StringIO()
    report = Report(screen)
    report.run("a check", check, Visit(Endpoint("http://127.0.0.1:1/v1/stream")))
    return report.verdict(), screen.getvalue()


def undecided(_: Visit) -> str:
    raise Undecided("too quick")


def skipped(_: Visit) -> str:
    raise Skipped("say more")


@pytest.mark.parametrize(
    ("check", "code", "lines"),
    [
        (lambda _: "seen", 0, r"ok    a check: seen\nAll is as promised \(1 checks, \d+ s\)\."),
        (
            undecided,
            0,
            r"\?     a check: too quick\nCould not be decided: a check\.\nWhat could be checked is as promised",
        ),
        (skipped, 0, r"skip  a check: say more\nSkipped: a check\.\nWhat could be checked is as promised"),
    ],
)
def test_the_verdict_says_no_more_than_was_seen(check: Check, code: int, lines: str) -> None:
    found, text = ended(check)

    assert found == code
    assert re.match(lines, text)


def test_an_error_of_the_model_is_told_with_its_code(whole: Twin) -> None:
    play(whole, [Refuse("AccessDeniedException")])
    with pytest.raises(Failed, match=r"status 502 model_misconfigured .* \(request .*log line of this request"):
        CHECK["raw text"](Visit(Endpoint(whole.url)))


def test_a_model_that_does_not_answer_is_asked_once(whole: Twin) -> None:
    """Not six times, each for minutes; what needs no model is checked all the same."""
    play(whole, [Refuse("AccessDeniedException")])
    code, text = told(whole)

    assert code == 1
    assert re.findall("FAIL  ([^:]*): ", text) == ["JSON Lines"]
    assert "skip  raw text: there are no answers, see above" in text
    assert "ok    sizes" in text


def test_an_answer_that_runs_into_its_deadline_is_not_asked_for_again(whole: Twin) -> None:
    """A stream that ended in an error tells its code in its last event."""

    def late(passing: Passing) -> None:
        body = b"".join(passing.chunks)
        if body.startswith(b'{"type":"start"'):
            start = body.partition(b"\n")[0]
            problem = {"code": "deadline_reached", "title": "The answer took longer than the endpoint may run."}
            body = start + b"\n" + json.dumps({"type": "error", "at": 110_000, "problem": problem}).encode() + b"\n"
        passing.chunks = [body]

    with proxy(whole, late) as server:
        _, text = told(whole, server.url + "/v1/stream")

    assert "FAIL  JSON Lines: the answer ended in an error: deadline_reached The answer took longer" in text
    assert "The model takes longer than the timeout argument allows" in text
    assert "skip  raw text: there are no answers, see above" in text


def test_one_bad_answer_is_not_the_end(whole: Twin) -> None:
    calls: list[Call] = []

    def answer(call: Call) -> Sequence[Step]:
        calls.append(call)
        return [*pieces(DOCUMENT[:-9], 30), Stop("max_tokens"), Usage(1, 1)] if len(calls) == 4 else QUICK

    stand_in(whole).answer = answer
    code, text = told(whole)

    assert code == 1
    assert re.findall("FAIL  ([^:]*): ", text) == ["raw text"]
    assert len(calls) == ANSWERS


def test_a_model_that_never_keeps_to_the_schema_is_asked_twice(whole: Twin) -> None:
    play(whole, [*pieces("I am sorry.", 4), Stop(), Usage(1, 1)])
    code, text = told(whole)

    assert code == 1
    assert re.findall("FAIL  ([^:]*): .*does not keep to the schema", text) == ["JSON Lines", "streams in time"]
    assert "skip  Server-Sent Events: there are no answers, see above" in text


def test_another_request_class_asks_for_a_body(whole: Twin) -> None:
    with pytest.raises(Failed, match="BODY="):
        CHECK["raw text"](Visit(Endpoint(whole.url), brief=b'{"question": "?"}'))


def with_key(exchange: Exchange, body: bytes) -> str | None:  # noqa: ARG001 - a Doorkeeper
    return None if exchange.headers.get("x-api-key") == "right" else "INVALID_API_KEY"


def with_signature(exchange: Exchange, body: bytes) -> str | None:
    if "Authorization" not in exchange.headers:
        return "MISSING_AUTHENTICATION_TOKEN"
    credential, expected = signature(exchange, body, "eu-west-3")
    authorization = exchange.headers["Authorization"]
    right = f"Credential={credential}," in authorization and authorization.endswith(f"Signature={expected}")
    return None if right else "INVALID_SIGNATURE"


def test_a_protected_endpoint_is_verified_with_the_key(whole: Twin) -> None:
    """Every request shows it, but for the stranger's."""
    with proxy(whole, refusal=with_key) as server:
        done = command(URL=server.url + "/v1/stream", API_KEY="right")

    assert done.returncode == 0, done.stdout
    assert "ok    refuses strangers: 403 INVALID_API_KEY" in done.stdout


def test_a_protected_endpoint_is_verified_with_signatures(whole: Twin) -> None:
    """The other side computes each signature itself."""
    keys = {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_DEFAULT_REGION": "eu-west-3"}
    files = {"AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null"}
    with proxy(whole, refusal=with_signature) as server:
        done = command(URL=server.url + "/v1/stream", SIGV4="1", **keys, **files)
        wrong = command(URL=server.url + "/v1/stream", SIGV4="1", **{**keys, "AWS_SECRET_ACCESS_KEY": "wrong"}, **files)

    assert done.returncode == 0, done.stdout
    assert "ok    refuses strangers: 403 MISSING_AUTHENTICATION_TOKEN" in done.stdout
    assert wrong.returncode == 1
    assert "INVALID_SIGNATURE Forbidden. Are the AWS credentials right" in wrong.stdout


def answering(status: int, media_type: str, body: bytes, **fields: str) -> Callable[[Exchange], None]:
    """Something else at this URL."""

    def respond(exchange: Exchange) -> None:
        exchange.read_body(1000)
        exchange.send(status, [("Content-Type", media_type), *fields.items()], body)

    return respond


def code_of(code: str) -> bytes:
    return json.dumps({"code": code, "requestId": "r"}).encode()


PROBLEM = "application/problem+json"


@pytest.mark.parametrize(
    ("respond", "words"),
    [
        (
            answering(200, "text/html; charset=utf-8", b"<title>Sign in</title>"),
            "A web page answers. Is URL= the whole",
        ),
        (answering(404, "text/html", b"<title>Not found</title>"), "status 404 text/html. A web page answers"),
        (answering(404, "application/json", b'{"message": "No route"}'), "status 404 No route. Is URL= the whole"),
        (answering(200, "application/json", b'{"ok": true}'), "status 200 application/json. Is URL= the whole"),
        (answering(301, "text/plain", b"", Location="https://b.example/v1"), "say URL=https://b.example/v1"),
        (answering(403, PROBLEM, code_of("INVALID_API_KEY")), "It wants an API key that it knows"),
        (answering(403, PROBLEM, code_of("MISSING_AUTHENTICATION_TOKEN")), "signed requests (SIGV4=1)?"),
        (answering(403, PROBLEM, code_of("ACCESS_DENIED")), "execute-api:Invoke"),
        (answering(403, PROBLEM, code_of("EXPIRED_TOKEN")), "log in again"),
        (answering(401, PROBLEM, code_of("UNAUTHORIZED")), "wants a token"),
        (answering(403, PROBLEM, code_of("WAF_FILTERED")), "web ACL"),
        (answering(429, PROBLEM, code_of("QUOTA_EXCEEDED")), "quota of this API key"),
        (answering(500, PROBLEM, code_of("INTEGRATION_FAILURE")), "Does the function start?"),
        (answering(504, PROBLEM, code_of("INTEGRATION_TIMEOUT")), "WARM=1"),
    ],
)
def test_what_is_no_such_endpoint_ends_the_run_with_a_hint(respond: Callable[[Exchange], None], words: str) -> None:
    """One FAIL says what is there instead, and the other checks do not fail for the same reason."""
    screen = io.StringIO()
    with Server(respond) as server:
        code = verify(Endpoint(server.url), Report(screen))

    assert code == 1
    lines = screen.getvalue().splitlines()
    assert words in lines[1]
    assert lines[2:] == ["FAILED: without that nothing else was checked."]


def test_a_request_class_that_takes_anything_is_an_endpoint_too() -> None:
    with Server(answering(200, "application/json", b"{}", **{"X-Request-Id": "r"})) as server:
        assert reached(Visit(Endpoint(server.url))) == "the function answers"


def test_a_throttled_endpoint_is_verified_all_the_same(whole: Twin) -> None:
    """Every second request is too soon: each check waits, and none fails."""
    came: list[str] = []
    slept: list[float] = []

    def too_soon(exchange: Exchange, body: bytes) -> str | None:  # noqa: ARG001 - a Doorkeeper
        came.append(exchange.path)
        return "THROTTLED" if len(came) % 2 else None

    screen = io.StringIO()
    report = Report(screen)
    with proxy(whole, refusal=too_soon) as server:
        code = verify(Endpoint(server.url + "/v1/stream", say=report.waiting, sleep=slept.append), report)

    assert code == 0, screen.getvalue()
    assert slept == [1.0] * (len(came) // 2)
    assert "the endpoint asks for patience (429 THROTTLED): waiting 1 s …" in screen.getvalue()


def test_an_endpoint_that_goes_away_ends_the_run() -> None:
    """It is there for the first request alone."""
    came: list[str] = []

    def respond(exchange: Exchange) -> None:
        exchange.read_body(1000)
        came.append(exchange.path)
        if len(came) > 1:
            exchange.cut()
        else:
            exchange.send(422, [("Content-Type", PROBLEM)], code_of("body_invalid"))

    screen = io.StringIO()
    with Server(respond) as server:
        code = verify(Endpoint(server.url), Report(screen))

    lines = screen.getvalue().splitlines()
    assert (code, len(came)) == (1, 2)
    assert lines[-2] == "The endpoint is gone: the checks after this one were left out."
    assert lines[-1].endswith(": refuses bad JSON. What to do stands beside each FAIL above.")


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

    stand_in(whole).answer = answer
    assert warm(Visit(Endpoint(whole.url))) == "ready, after 3 attempts"


def test_what_warming_does_not_help_ends_the_run(whole: Twin) -> None:
    play(whole, [Refuse("AccessDeniedException")])
    code, text = told(whole, warm_first=True)

    assert code == 1
    assert text.splitlines()[-2].startswith("FAIL  warm-up: status 502 model_misconfigured")
    assert text.splitlines()[-1].startswith("FAILED: without an answer of the model")


def test_whoever_waits_is_told_how_long_and_how_much_has_come(whole: Twin) -> None:
    """The model holds until it was said that its first words have come."""
    play(whole, [*QUICK[:3], Hold("until it was said"), *QUICK[3:]])
    bedrock = stand_in(whole)

    class Heard(Report):
        def waiting(self, text: str) -> None:
            super().waiting(text)
            if not text.endswith(": 0 s, 0 bytes so far"):
                bedrock.release("until it was said")

    screen = io.StringIO()
    assert Heard(screen, every=0.01).run("JSON Lines", CHECK["JSON Lines"], Visit(Endpoint(whole.url)))
    assert re.search(r"^      JSON Lines: 0 s, [1-9]\d* bytes so far …$", screen.getvalue(), re.MULTILINE)


def test_on_a_terminal_what_is_awaited_stays_in_its_place() -> None:
    screen = io.StringIO()
    report = Report(screen, is_terminal=True)
    report.waiting("JSON Lines: 3 s")
    report.line("ok    JSON Lines: seen")

    assert screen.getvalue() == "\r\x1b[K      JSON Lines: 3 s …\r\x1b[Kok    JSON Lines: seen\n"


def test_an_interruption_ends_the_run_with_a_line(whole: Twin) -> None:
    play(whole, [Hold("for good")])
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "verify"],
        cwd=CHECKOUT,
        env={**os.environ, "URL": whole.url},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    while "are asked for" not in process.stdout.readline():
        pass
    stand_in(whole).reached("for good")
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    stand_in(whole).release("for good")

    assert (process.returncode, errors) == (130, "\nInterrupted: no verdict.\n")


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
    calls: list[Call] = []

    def answer(call: Call) -> Sequence[Step]:
        calls.append(call)
        return QUICK

    stand_in(whole).answer = answer
    done = command(URL=whole.url + "/", ORIGIN=ORIGIN, BODY='{"prompt": "Why?"}', WARM="1")

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"Verifying {whole.url}\n")
    assert "ok    warm-up: ready, after 1 attempt\n" in done.stdout
    assert {call.prompt for call in calls} == {"Why?"}


def test_hints_are_for_codes_that_there_are() -> None:
    """The gateway's are those of its API, the function's those of docs/errors.md."""
    kinds = botocore.session.get_session().get_service_model("apigateway").shape_for("GatewayResponseType")
    assert isinstance(kinds, StringShape)
    ours = set(re.findall(r"`([a-z_]+)`", (CHECKOUT / "docs" / "errors.md").read_text()))

    assert {code for code in BY_CODE if code.isupper()} <= set(kinds.enum)
    assert {code for code in (*BY_CODE, *BY_CHANCE) if code.islower()} <= ours


def test_the_documents_name_every_option() -> None:
    """The table of deploy.md, the Makefile and the program know the same ones."""
    program, rows, rule = ((CHECKOUT / name).read_text() for name in ("verify/cli.py", "docs/deploy.md", "Makefile"))
    read = set(re.findall(r'environment\.get\("(\w+)"', program))

    assert read == {"URL", *re.findall(r"^\| `(\w+)=", rows, re.MULTILINE)}
    assert read <= set(re.search(r"^OPTIONS := (.*)$", rule, re.MULTILINE)[1].split())  # type: ignore[index]
    help_line = next(line for line in rule.splitlines() if line.startswith("verify:"))
    assert read == set(re.findall(r"(\w+)=", help_line))


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({}, "make verify URL=https://…/v1/stream"),
        ({"URL": "http://[::1/v1/stream"}, "URL=http://[::1/v1/stream is no address of an endpoint"),
        ({"URL": "http://h:port/v1/stream"}, "is no address of an endpoint"),
        ({"URL": "https://llm.example/v1/stream", "API_KEY": "a\nb"}, "API_KEY= has characters that no HTTP header"),
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
    assert "no answer: nobody listens at 127.0.0.1:1." in done.stdout
    assert "nothing else was checked" in done.stdout
