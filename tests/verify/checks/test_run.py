import json
import re
from collections.abc import Sequence

import pytest

from local.bedrock.call import Call
from local.bedrock.script import Refuse, Step, Stop, Usage, fragments
from local.twin import Twin
from tests.verify.shared import CHECK, DOCUMENT, PROBLEM, QUICK, bedrock_of, check_all, code_of, play
from tests.verify.spoilt import Passing, proxy
from verify.checks.catalog import MODEL_CALLS
from verify.checks.run import Failed, Run
from verify.endpoint import RemoteEndpoint


def test_an_error_of_the_model_is_reported_with_its_code(endpoint: Twin) -> None:
    play(endpoint, [Refuse("AccessDeniedException")])
    with pytest.raises(Failed, match=r"status 502 model_misconfigured .* \(request .*log line of this request"):
        CHECK["raw text"](Run(RemoteEndpoint(endpoint.url)))


def test_a_model_that_does_not_answer_is_called_once(endpoint: Twin) -> None:
    """Not six times, each for minutes. What needs no model is checked nevertheless."""
    play(endpoint, [Refuse("AccessDeniedException")])
    code, text = check_all(endpoint)

    assert code == 1
    assert re.findall("FAIL  ([^:]*): ", text) == ["JSON Lines"]
    assert "skip  raw text: the model does not answer, see above" in text
    assert "ok    refuses large bodies" in text


def test_an_answer_that_reached_its_deadline_is_not_requested_again(endpoint: Twin) -> None:
    """A stream that ends with an error has its code in its last event."""

    def late(passing: Passing) -> None:
        body = b"".join(passing.chunks)
        if body.startswith(b'{"type":"start"'):
            start = body.partition(b"\n")[0]
            problem = {"code": "deadline_reached", "title": "The answer took longer than the endpoint may run."}
            body = start + b"\n" + json.dumps({"type": "error", "at": 110_000, "problem": problem}).encode() + b"\n"
        passing.chunks = [body]

    with proxy(endpoint, late) as server:
        _, text = check_all(endpoint, server.url + "/v1/stream")

    assert "FAIL  JSON Lines: the answer ended with an error: deadline_reached The answer took longer" in text
    assert "The model takes longer than the component's argument `timeout` allows" in text
    assert "skip  raw text: the model does not answer, see above" in text


def test_the_other_checks_go_on_after_one_bad_answer(endpoint: Twin) -> None:
    calls: list[Call] = []

    def answer(call: Call) -> Sequence[Step]:
        calls.append(call)
        return [*fragments(DOCUMENT[:-9], 30), Stop("max_tokens"), Usage(1, 1)] if len(calls) == 4 else QUICK

    bedrock_of(endpoint).answer = answer
    code, text = check_all(endpoint)

    assert code == 1
    assert len(re.findall("FAIL  [^:]*: ", text)) == 1
    assert len(calls) == MODEL_CALLS


def test_a_model_that_never_keeps_to_the_schema_is_called_twice(endpoint: Twin) -> None:
    play(endpoint, [*fragments("I am sorry.", 4), Stop(), Usage(1, 1)])
    code, text = check_all(endpoint)

    assert code == 1
    assert re.findall("FAIL  ([^:]*): .*does not match the schema", text) == ["JSON Lines", "streams without delay"]
    assert "skip  Server-Sent Events: the model does not answer, see above" in text


def test_another_request_class_requires_a_body(endpoint: Twin) -> None:
    with pytest.raises(Failed, match="--body"):
        CHECK["raw text"](Run(RemoteEndpoint(endpoint.url), short_request=b'{"question": "?"}'))


def timed_out(passing: Passing) -> None:
    """The gateway ends every request for an answer with a timeout."""
    if passing.status == 200:
        passing.status, passing.chunks = 504, [code_of("INTEGRATION_TIMEOUT")]
        passing.headers = {"content-type": PROBLEM}


def test_an_error_of_the_gateway_is_not_blamed_on_the_function(endpoint: Twin) -> None:
    """It has no X-Request-Id and needs none."""
    with proxy(endpoint, timed_out) as server:
        _, text = check_all(endpoint, server.url + "/v1/stream")

    assert re.findall("FAIL  ([^:]*): ", text) == ["JSON Lines"]
    assert "status 504 INTEGRATION_TIMEOUT. Bedrock takes minutes to compile a new schema" in text
