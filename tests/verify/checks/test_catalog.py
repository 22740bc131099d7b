"""Every check against the endpoint as it is, and with one promise broken at a time."""

from collections.abc import Sequence

import pytest

from local.bedrock.call import Call
from local.bedrock.script import Reasoning, Step
from local.twin import Twin
from tests.verify.shared import CHECK, ORIGIN, QUICK, bedrock_of, check_all
from tests.verify.spoilt import Passing, Spoil, cut, proxy, sniffable
from verify.checks.catalog import CHECKS, MODEL_CALLS
from verify.checks.run import Failed, Run
from verify.endpoint import RemoteEndpoint
from verify.events import Malformed


def test_the_local_stack_keeps_every_promise(endpoint: Twin) -> None:
    """One line per check, none fails, and the model is called as often as was announced."""
    calls: list[Call] = []

    def answer(call: Call) -> Sequence[Step]:
        calls.append(call)
        return [Reasoning("Let me see."), *QUICK]

    bedrock_of(endpoint).answer = answer
    code, text = check_all(endpoint)

    assert code == 0, text
    assert [name for name, _ in CHECKS if f"  {name}: " not in text] == []
    assert "FAIL" not in text
    assert f"{MODEL_CALLS} model calls, each is billed" in text
    assert len(calls) == MODEL_CALLS


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
    (sniffable, "nosniff", "X-Content-Type-Options: nosniff is missing from the responses to: the first request"),
    (anonymous, "request ids", "X-Request-Id is missing from the responses to: the first request"),
    (one_id, "request ids", "two responses have the same X-Request-Id"),
    (lenient, "refuses bad JSON", "the response is status 200"),
    (lenient, "refuses a wrong type", "not 422 body_invalid"),
    (lenient, "refuses other content types", "not 415 media_type_unsupported"),
    (lenient, "refuses unknown formats", "not 406 not_acceptable"),
    (lenient, "refuses large bodies", "not 422 body_invalid"),
    (lenient, "gateway errors", "not the gateway's 403"),
    (plain_errors, "refuses bad JSON", "not application/problem"),
    (plain_errors, "gateway errors", "the gateway's error has the content type 'application/json'"),
    (in_other_words, "refuses bad JSON", "the problem has the code 'oops', not 'body_not_json'"),
    (one_id, "refuses bad JSON", "the problem has the requestId"),
    (unlimited, "refuses large bodies", "not 413 body_too_large"),
    (without_the_last_piece, "raw text", "the text is not a JSON document"),
    (without_the_last_piece, "JSON Lines", "the last event is 'delta': the stream was cut"),
    (without_the_last_piece, "Server-Sent Events", "the last event is 'delta': the stream was cut"),
    (without_the_last_piece, "JSON document", "the body is empty"),
    (cut, "raw text", "the response was cut after"),
    (cut, "JSON Lines", "the response was cut after"),
    (cut, "client disconnects", "the answer after it was cut"),
    (relabelled, "snapshot view", "the content type is 'application/octet-stream'"),
    (transformable, "JSON Lines", "without no-transform"),
    (in_other_words, "JSON Lines", "the first event is 'begin', not 'start'"),
    (numbered_anew, "Server-Sent Events", "event 2 has the id '7'"),
    (back_in_time, "JSON Lines", "the times of the events (at) go backwards"),
    (one_id, "JSON Lines", "but X-Request-Id is 'always-the-same'"),
    (lost, "JSON Lines", "a change does not fit"),
    (without_cors, "CORS: preflight", "https://app.example is in the component's argument `allowedOrigins`"),
    (without_cors, "CORS: responses", "https://app.example is in the component's argument `allowedOrigins`"),
    (echoing_any_origin, "CORS: preflight", "argument `allowedOrigins`"),
    (without_exposure, "CORS: responses", "without X-Request-Id"),
    (without_content_type, "CORS: preflight", "without Content-Type"),
]


@pytest.mark.parametrize(
    ("spoil", "check", "words"), BROKEN, ids=[f"{spoil.__name__}-{check}" for spoil, check, _ in BROKEN]
)
def test_a_broken_promise_is_found_and_reported(endpoint: Twin, spoil: Spoil, check: str, words: str) -> None:
    with proxy(endpoint, spoil) as server:
        run = Run(RemoteEndpoint(server.url + "/v1/stream"), origin=ORIGIN)
        if check in {"nosniff", "request ids"}:
            for _ in range(2):
                run.send("the first request", body=b"[]")
        with pytest.raises((Failed, Malformed)) as reported:
            CHECK[check](run)
    assert words in str(reported.value)


def test_every_check_is_seen_to_fail() -> None:
    """A check that cannot fail checks nothing. These two have tests of their own."""
    assert {name for name, _ in CHECKS} == {name for _, name, _ in BROKEN} | {
        "streams without delay",
        "refuses missing credentials",
    }
