"""What a user sees of the whole chain: bytes, and the order of events in time."""

import json
import re
import socket
import subprocess
from collections.abc import Iterator

import pytest

from local.bedrock.script import (
    Cut,
    Event,
    Fragment,
    Hang,
    Hold,
    Open,
    RawEvent,
    Refuse,
    Step,
    Stop,
    Usage,
    complete_answer,
    fragments,
)
from local.client import End, Reply
from local.http11.server import Exchange, Server
from tests.formats import FORMATS, LINES, RAW, SSE, STREAMED, TYPED, WHOLE
from tests.unserved import unserved_port
from tests.wire.chain import HEARTBEATS, Chain, Records, Script
from tests.wire.endings_table import DOCUMENT as CANARY_DOCUMENT
from tests.wire.endings_table import PROMPT

DOCUMENT = '{"summary": "Grüße 🙂", "keywords": ["a", "b"]}'
GOOD: Script = complete_answer(DOCUMENT)


@pytest.mark.parametrize("accept", STREAMED)
def test_the_first_chunk_comes_before_the_second_delta(chain: Chain, accept: str) -> None:
    """The model holds its second delta until the client has seen the first one."""
    gate = f"second delta of {accept}"

    def see_the_first(reply: Reply) -> None:
        chunks = reply.chunks()
        seen = next(chunks)
        assert b"summ" in seen or b'"start"' in seen
        chain.bedrock.release(gate)

    seen = chain.ask([Fragment('{"summ'), Hold(gate), *complete_answer(DOCUMENT[6:])], accept, meanwhile=see_the_first)

    assert seen.end is End.CLEAN
    assert seen.log["outcome"] == "completed"


def test_every_delta_is_a_chunk_of_its_own(chain: Chain) -> None:
    """Nothing is gathered on the way, from the model's frames to the client's chunks."""
    texts = [step.text for step in GOOD if isinstance(step, Fragment)]
    script: list[Step] = []
    for index, text in enumerate(texts[:-1]):
        script += [Fragment(text), Hold(f"chunk {index}")]
    received = []

    def release_one_by_one(reply: Reply) -> None:
        for index, chunk in enumerate(reply.chunks()):
            received.append(chunk.decode())
            chain.bedrock.release(f"chunk {index}")

    chain.ask([*script, Fragment(texts[-1]), Stop(), Usage(1, 2)], RAW, meanwhile=release_one_by_one)

    assert received[: len(texts) - 1] == texts[:-1]
    assert "".join(received) == DOCUMENT


def test_the_wire_of_a_response(chain: Chain) -> None:
    """Head, prelude with its NULs alone in a chunk, chunks, the end; every byte."""
    seen = chain.ask([Fragment('{"summary":"s",'), Fragment('"keywords":[]}'), Stop(), Usage(1, 2)], RAW)

    assert seen.invocation is not None
    head, _, frames = seen.invocation.raw.partition(b"\r\n\r\n")
    request_id = seen.headers["x-request-id"].encode()
    prelude = (
        b'{"statusCode":200,"headers":{"Content-Type":"text/plain; charset=utf-8",'
        b'"Cache-Control":"no-cache, no-transform","X-Accel-Buffering":"no",'
        b'"X-Request-Id":"' + request_id + b'","X-Content-Type-Options":"nosniff"}}' + bytes(8)
    )
    chunks = [prelude, b'{"summary":"s",', b'"keywords":[]', b"}"]
    assert frames == b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"
    lines = head.decode().split("\r\n")
    assert lines[0] == f"POST /2018-06-01/runtime/invocation/{seen.invocation.id}/response HTTP/1.1"
    assert {
        "Content-Type: application/vnd.awslambda.http-integration-response",
        "Lambda-Runtime-Function-Response-Mode: streaming",
        "Transfer-Encoding: chunked",
        "Trailer: Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body",
    } <= set(lines)


@pytest.mark.parametrize("accept", FORMATS)
@pytest.mark.parametrize(
    ("script", "outcome", "published"),
    [
        (GOOD, "completed", True),
        ([Refuse("AccessDeniedException")], "failed", False),
        ([Fragment('{"summ'), Cut()], "failed", False),
        (complete_answer('{"summary": 5}'), "invalid", False),
    ],
)
def test_stages_finalise_once_in_order_after_the_client_has_everything(
    chain: Chain, accept: str, script: Script, outcome: str, *, published: bool
) -> None:
    """After the last byte of whatever the answer was, before the next event is asked for. Nothing is stored here."""
    seen = chain.ask(script, accept)
    order = [event for event in seen.order() if event not in {"chunk", "event", "response"}]
    stages = ["log", *(["publish"] if published else [])]

    assert seen.log["outcome"] == outcome
    assert [event for event in order if event in {"log", "store", "publish"}] == stages
    assert order.index("response end") < order.index("client end") < order.index("log")
    assert order[-1] == "next"
    assert "next" not in order[order.index("response end") : -1]


def test_a_rejected_request_has_one_line_and_one_metric(chain: Chain) -> None:
    seen = chain.ask(body=b"{")

    assert seen.log["level"] == "WARNING"
    assert seen.log["outcome"] == "rejected"
    assert seen.metric["outcome"] == "rejected"
    assert seen.metric["NotCompleted"] == [0]
    assert not seen.lines("store")
    assert not seen.lines("publish")


@pytest.fixture(scope="module")
def black_hole() -> Iterator[str]:
    """A server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


@pytest.mark.parametrize("accept", FORMATS)
def test_a_sink_that_hangs_never_holds_the_client(chain: Chain, black_hole: str, accept: str) -> None:
    """The client has its clean end long before the sink's patience is over; the stage's failure is a line."""
    chain.deploy(sink="sns:arn:aws:sns:eu-west-1:123456789012:topic", AWS_ENDPOINT_URL_SNS=black_hole)
    seen = chain.ask(GOOD, accept)
    order = seen.order()
    texts = [moment.about for moment in seen.moments if moment.what == "output"]

    assert seen.end is End.CLEAN
    assert seen.log["outcome"] == "completed"
    assert order.index("client end") < order.index("log")
    assert any("publish" in text and "ReadTimeoutError" in text for text in texts)


def test_a_store_that_fails_changes_nothing_and_publish_still_runs(chain: Chain) -> None:
    with unserved_port() as port:
        chain.deploy(store="dynamodb:records", AWS_ENDPOINT_URL_DYNAMODB=f"http://127.0.0.1:{port}")
        seen = chain.ask(GOOD, WHOLE)

    assert seen.document == json.loads(DOCUMENT)
    assert len(seen.lines("publish")) == 1


BIG = json.dumps({"prompt": "x" * 70_000}).encode()


@pytest.mark.parametrize(
    ("body", "headers", "status", "code"),
    [
        (b"{", {}, 400, "body_not_json"),
        (b"\xff\xfe", {}, 400, "body_not_json"),
        (b'{"prompt": NaN}', {}, 400, "body_not_json"),
        (b'{"prompt": 5}', {}, 422, "body_invalid"),
        (b"[]", {}, 422, "body_invalid"),
        (b'{"prompt": ""}', {}, 422, "body_invalid"),
        (BIG, {}, 413, "body_too_large"),
        (b"{}", {"Content-Type": "application/xml"}, 415, "media_type_unsupported"),
        (b"{}", {"Accept": "text/html"}, 406, "not_acceptable"),
        (b"{}", {"Accept": "application/jsonl; view=odd"}, 406, "not_acceptable"),
    ],
)
def test_bad_input_never_reaches_the_model(
    chain: Chain, body: bytes, headers: dict[str, str], status: int, code: str
) -> None:
    """It is a problem that the client can act on (RFC 9457), and never a traceback."""
    seen = chain.ask(GOOD, body=body, headers=headers)

    assert seen.status == status
    assert seen.headers["content-type"] == "application/problem+json"
    assert seen.document["code"] == code
    assert seen.document["type"].endswith(code)
    assert seen.document["status"] == status
    assert seen.document["requestId"] == seen.headers["x-request-id"]
    assert seen.document["gatewayRequestId"] == seen.headers["x-amzn-requestid"]
    assert seen.document["extendedRequestId"] == seen.headers["x-amz-apigw-id"]
    assert "retry-after" not in seen.headers
    assert seen.calls == []


@pytest.mark.parametrize("accept", TYPED)
def test_a_failure_after_the_head_of_a_silent_model_is_an_event(chain: Chain, accept: str) -> None:
    """The client sees that it is served, and heartbeats, before the model has sent a byte."""
    chain.deploy(head_within="0.5", heartbeat="0.2")
    gate = f"head of {accept}"

    def wait_for_a_heartbeat(reply: Reply) -> None:
        chunks = reply.chunks()
        assert b'"type":"start"' in next(chunks)
        assert next(chunks) in HEARTBEATS
        chain.bedrock.release(gate)

    seen = chain.ask([Hold(gate), Refuse("ThrottlingException")], accept, meanwhile=wait_for_a_heartbeat)

    assert (seen.status, seen.end) == (200, End.CLEAN)
    assert seen.problem["code"] == seen.log["error.type"] == "model_busy"


@pytest.mark.parametrize("accept", TYPED)
def test_a_failure_before_the_head_has_a_status(chain: Chain, accept: str) -> None:
    seen = chain.ask([Refuse("ThrottlingException")], accept)

    assert (seen.status, seen.document["code"]) == (429, "model_busy")
    assert "retry-after" in seen.headers


@pytest.mark.parametrize("accept", [SSE, f"{SSE}; view=snapshot", f"{LINES};q=0.5, {SSE}"])
def test_a_reader_that_reconnects_pays_nothing_and_gives_up(chain: Chain, accept: str) -> None:
    """An EventSource gives up at every status but 200; a page can read why."""
    chain.deploy(allowed_origins="https://a.example,https://b.example")
    seen = chain.ask(GOOD, accept, b"{", {"Last-Event-ID": "7", "Origin": "https://a.example"})

    assert (seen.status, seen.document["code"]) == (409, "cannot_resume")
    assert seen.headers["access-control-allow-origin"] == "https://a.example"
    assert "retry-after" not in seen.headers
    assert "Retry-After" in seen.headers["access-control-expose-headers"]
    assert (seen.log["outcome"], seen.metric["NotCompleted"]) == ("rejected", [0])
    assert seen.calls == []


@pytest.mark.parametrize(("accept", "id_"), [(SSE, ""), (SSE, " "), (RAW, "7"), (LINES, "7"), (WHOLE, "7")])
def test_a_beginning_is_no_reconnection(chain: Chain, accept: str, id_: str) -> None:
    """An EventSource that has seen no event sends no id, or an empty one; in the other formats there is none to see."""
    seen = chain.ask(GOOD, accept, headers={"Last-Event-ID": id_})

    assert (seen.status, seen.log["outcome"]) == (200, "completed")


def test_a_page_that_is_not_listed_costs_nothing(chain: Chain) -> None:
    """A page of the endpoint's own host, a listed one and a program without an origin are served."""
    chain.deploy(allowed_origins="https://a.example,https://b.example")
    own = chain.twin.url.removesuffix("/v1/stream")
    served = [
        chain.ask(GOOD, LINES, headers=fields) for fields in ({"Origin": "https://a.example"}, {"Origin": own}, {})
    ]
    refused = [
        chain.ask(GOOD, LINES, headers={"Origin": origin}) for origin in ("https://evil.example", "null", f"{own}1")
    ]

    assert [seen.status for seen in served] == [200] * 3
    assert [(seen.status, seen.document["code"]) for seen in refused] == [(403, "origin_not_allowed")] * 3
    assert [seen.calls for seen in refused] == [[]] * 3
    assert all("retry-after" not in seen.headers for seen in refused)


def test_a_caller_that_repeats_an_id_has_a_record_for_each_request(chain: Chain) -> None:
    """A client can choose the gateway's id. The key of the record and the id of every line are the invocation's own."""
    records = Records()
    chain.deploy(120, **records.variables, publish_outcomes="completed,failed")
    chosen = {"X-Amzn-RequestId": "chosen-by-the-client"}
    first = chain.ask(GOOD, LINES, headers=chosen)
    second = chain.ask([Refuse("AccessDeniedException")], LINES, headers=chosen)
    records.close()
    stored = [json.loads(item["Item"]["record"]["S"]) for item in records.stored]

    assert [seen.headers["x-amzn-requestid"] for seen in (first, second)] == ["chosen-by-the-client"] * 2
    assert len({item["Item"]["id"]["S"] for item in records.stored}) == 2
    assert [json.loads(message["Message"]) for message in records.published] == stored
    for seen, record in zip((first, second), stored, strict=True):
        assert seen.invocation is not None
        assert record["id"] == seen.headers["x-request-id"] == seen.invocation.id
        assert seen.log["request_id"] == seen.log["function_request_id"] == seen.metric["request_id"] == record["id"]
        assert record["gatewayRequestId"] == seen.log["gateway_request_id"] == "chosen-by-the-client"
        assert record["extendedRequestId"] == seen.log["extended_request_id"] == seen.headers["x-amz-apigw-id"]
    assert first.events[0]["id"] == stored[0]["id"]
    assert second.problem["requestId"] == stored[1]["id"]
    assert second.problem["gatewayRequestId"] == "chosen-by-the-client"
    assert second.problem["extendedRequestId"] == stored[1]["extendedRequestId"]


def test_an_id_that_no_gateway_would_take_is_left_out(chain: Chain) -> None:
    """Whoever invokes the function past the gateway can put anything there."""
    seen = chain.invoke(LINES, b"{", {"requestContext": {"requestId": '"}' + 200 * "x", "extendedRequestId": ["a"]}})

    assert seen.invocation is not None
    assert seen.problem["requestId"] == seen.log["request_id"] == seen.invocation.id
    assert not {"gatewayRequestId", "extendedRequestId"} & seen.problem.keys()
    assert not {"gateway_request_id", "extended_request_id"} & seen.log.keys()


@pytest.mark.parametrize(("method", "path"), [("GET", "/v1/stream"), ("POST", "/v1/other"), ("POST", "/stream")])
def test_a_wrong_path_or_method_is_the_gateways(chain: Chain, method: str, path: str) -> None:
    """The function is not even invoked; an unsigned request would be answered alike."""
    base = chain.twin.url.removesuffix("/v1/stream")
    with Reply(base + path, b"", method=method) as reply:
        problem = reply.json()

    assert reply.status == 403
    assert problem["code"] == "MISSING_AUTHENTICATION_TOKEN"


@pytest.mark.parametrize("body", [None, b"{}", b'"Why?"', b'{"prompt": "Why?"}'])
def test_a_body_may_be_empty_an_object_or_a_bare_string(chain: Chain, body: bytes | None) -> None:
    """As curl sends nothing, clients send objects, and ``useObject`` sends a string."""
    seen = chain.ask(GOOD, WHOLE, body=b"" if body is None else body)

    assert seen.document == json.loads(DOCUMENT)
    assert seen.calls[0].prompt == ("Why?" if body and b"Why" in body else "What is serverless computing?")


@pytest.mark.parametrize("accept", FORMATS)
@pytest.mark.parametrize(
    ("script", "status", "code", "retry"),
    [
        ([Refuse("ThrottlingException")], 429, "model_busy", True),
        ([Refuse("ServiceUnavailableException")], 503, "model_unavailable", True),
        ([Refuse("InternalServerException")], 502, "model_failed", True),
        ([Refuse("ModelTimeoutException")], 504, "model_timeout", True),
        ([Refuse("AccessDeniedException")], 502, "model_misconfigured", False),
        ([Open(), Cut()], 502, "model_failed", True),
    ],
)
def test_a_model_that_fails_before_the_head_has_an_honest_status(  # noqa: PLR0913 - a row of the table
    chain: Chain, accept: str, script: Script, status: int, code: str, *, retry: bool
) -> None:
    seen = chain.ask(script, accept)

    assert (seen.status, seen.document["code"], seen.end) == (status, code, End.CLEAN)
    assert ("retry-after" in seen.headers) is retry


@pytest.mark.parametrize("accept", TYPED)
def test_a_model_that_fails_after_the_head_is_an_error_event(chain: Chain, accept: str) -> None:
    """The last event says so, and the body ends cleanly, without trailers."""
    seen = chain.ask([Fragment('{"summ'), Cut()], accept)

    assert seen.status == 200
    assert seen.events[-1]["problem"]["code"] == "model_failed"
    assert seen.end is End.CLEAN
    assert seen.invocation is not None
    assert seen.invocation.trailers == {}


@pytest.mark.parametrize("clean_cut", [False, True])
@pytest.mark.parametrize(
    "script",
    [
        [Fragment('{"summary": "s", "keywords": []'), Cut()],
        [*fragments(DOCUMENT), Cut()],
        [*fragments(DOCUMENT), Stop("max_tokens"), Usage(1, 2)],
        [*fragments(DOCUMENT), Stop("guardrail_intervened"), Usage(1, 2)],
        [*fragments(DOCUMENT), Fragment(" or not"), Stop()],
        complete_answer('{"summary": "s"}'),
        [Fragment("12"), Stop("end_turn")],
    ],
)
def test_raw_text_that_looks_whole_is_whole_and_valid(chain: Chain, script: Script, *, clean_cut: bool) -> None:
    """Whatever the gateway makes of a cut: its trailers are sent, and the text never parses."""
    chain.twin.gateway.clean_cut = clean_cut
    seen = chain.ask(script, RAW)

    if seen.status == 200:
        with pytest.raises(json.JSONDecodeError):
            json.loads(seen.body)
        assert seen.end is (End.CLEAN if clean_cut else End.CUT)
        assert seen.invocation is not None
        assert set(seen.invocation.trailers) == {
            "lambda-runtime-function-error-type",
            "lambda-runtime-function-error-body",
        }
    assert seen.log["outcome"] != "completed"


@pytest.mark.parametrize("accept", STREAMED)
def test_a_reader_who_leaves_is_not_told_to_the_function(chain: Chain, accept: str) -> None:
    """As on Lambda: the function runs on, and its stages tell the true outcome."""
    gate = f"reader of {accept} has left"

    def leave(reply: Reply) -> None:
        next(reply.chunks())
        reply.close()
        chain.bedrock.release(gate)
        chain.twin.journal.wait("accepted", accepted + 1)

    accepted = chain.twin.journal.order("accepted").count("accepted")
    seen = chain.leave([Fragment('{"summ'), Hold(gate), *complete_answer(DOCUMENT[6:])], accept, leave)

    assert seen.log["outcome"] == "completed"
    assert seen.calls[0].closed_at is None


@pytest.mark.parametrize("accept", STREAMED)
def test_a_reset_by_the_platform_cancels(chain: Chain, accept: str) -> None:
    """The model's connection is closed before any stage runs, and the stages finalise as cancelled."""
    gate = f"reset of {accept}"

    def reset(reply: Reply) -> None:
        next(reply.chunks())
        chain.twin.function.invocations[-1].reset()
        chain.bedrock.release(gate)

    endless: Script = [Fragment('{"summ'), Hold(gate), *fragments('ary": "' + 400 * "x"), Hang()]
    seen = chain.ask(endless, accept, meanwhile=reset)

    assert seen.log["outcome"] == "cancelled"
    assert seen.log["level"] == "WARNING"
    assert seen.metric["NotCompleted"] == [1]
    assert seen.lines("store") == []
    assert seen.lines("publish") == []
    assert seen.calls[0].ended.wait(10)
    assert seen.calls[0].closed_at is not None


def test_the_model_is_closed_before_any_stage_runs(chain: Chain) -> None:
    """A store that looks, when it is called, whether the model's connection is still open."""
    open_calls: list[bool] = []

    def look(exchange: Exchange) -> None:
        exchange.read_body(1_000_000)
        open_calls.append(any(call.is_open() for call in chain.bedrock.calls))
        exchange.send(200, [("Content-Type", "application/x-amz-json-1.0")], b"{}")

    def reset(reply: Reply) -> None:
        next(reply.chunks())
        chain.twin.function.invocations[-1].reset()
        chain.bedrock.release("reset before the store")

    with Server(look) as store:
        chain.deploy(store="dynamodb:records", AWS_ENDPOINT_URL_DYNAMODB=store.url)
        endless: Script = [
            Fragment('{"summ'),
            Hold("reset before the store"),
            *fragments('ary": "' + 400 * "x"),
            Hang(),
        ]
        chain.ask(endless, LINES, meanwhile=reset)
        chain.ask([*fragments('{"summary": 5'), Hang()], LINES)

    assert open_calls == [False, False]


def test_two_requests_in_a_row_share_nothing(chain: Chain) -> None:
    """One warm sandbox, first a request that goes wrong in the middle, then one that does not."""
    started = chain.twin.function.sandboxes_started
    first = chain.ask([Fragment('{"summary": "first'), Cut()], LINES, {"prompt": "first"})
    second = chain.ask(GOOD, LINES, {"prompt": "second"})

    assert chain.twin.function.sandboxes_started <= max(started, 1)
    assert first.headers["x-request-id"] != second.headers["x-request-id"]
    assert b"first" not in second.body
    assert second.events[-1]["value"] == json.loads(DOCUMENT)
    assert second.calls[0].prompt == "second"
    assert second.log["outcome"] == "completed"
    assert "error.type" not in second.log
    assert [event["id"] for event in second.events if event["type"] == "start"] == [second.headers["x-request-id"]]


@pytest.mark.parametrize("accept", FORMATS)
def test_every_answer_says_nosniff_and_its_request(chain: Chain, accept: str) -> None:
    """A browser that sniffs ``text/plain`` would hold the start of the stream back."""
    for seen in (chain.ask(GOOD, accept), chain.ask([Refuse("ThrottlingException")], accept), chain.ask(body=b"{")):
        assert seen.headers["x-content-type-options"] == "nosniff"
        assert seen.headers["x-request-id"]
        assert seen.body


def test_origins_are_answered_exactly(chain: Chain) -> None:
    chain.deploy(allowed_origins="https://a.example,https://b.example")
    known = chain.ask(GOOD, headers={"Origin": "https://b.example"})
    unknown = chain.ask(GOOD, headers={"Origin": "https://c.example"})

    assert known.headers["access-control-allow-origin"] == "https://b.example"
    assert known.headers["vary"] == "Origin"
    assert "access-control-allow-origin" not in unknown.headers
    assert unknown.headers["vary"] == "Origin"


@pytest.mark.parametrize("accept", FORMATS)
def test_padding_comes_first_and_alone(chain: Chain, accept: str) -> None:
    """Some accounts hold the first small chunks back: bytes that every reader skips push them out."""
    chain.deploy(start_padding="64")
    seen = chain.ask(GOOD, accept)

    assert len(seen.chunks[0]) == 64
    assert not seen.chunks[0].strip(b": \n")


def test_the_log_level_of_the_platform_does_not_let_content_into_the_log(chain: Chain) -> None:
    """The SDK's own lines for debugging quote what it sends and gets; the chain looks for content in all that came."""
    chain.deploy(AWS_LAMBDA_LOG_LEVEL="DEBUG", AWS_LAMBDA_LOG_FORMAT="JSON")
    seen = chain.ask(complete_answer(CANARY_DOCUMENT, 1000), body={"prompt": PROMPT})
    refused = chain.ask([Refuse("ValidationException", PROMPT)], body={"prompt": PROMPT})

    assert (seen.status, refused.status) == (200, 502)
    assert any('"level": "DEBUG"' in line for line in chain.twin.function.output)


def test_curl_reads_the_answer_as_it_is(chain: Chain, curl: str) -> None:
    chain.bedrock.play(GOOD)
    url = chain.twin.url
    told = subprocess.run(
        [curl, "--silent", "--no-buffer", url, "-d", '{"prompt": "Why?"}'],
        capture_output=True,
        check=True,
        timeout=30,
    )

    assert told.stdout.decode() == DOCUMENT


def test_the_clock_of_every_event_runs_forward(chain: Chain) -> None:
    seen = chain.ask(GOOD, SSE)
    times = [event["at"] for event in seen.events]

    assert times == sorted(times)
    ids = re.findall(rb"^id: (\d+)$", seen.body, re.MULTILINE)
    assert [int(number) for number in ids] == list(range(1, len(ids) + 1))


@pytest.mark.parametrize(
    ("body", "prompt"),
    [
        (b'\xef\xbb\xbf{"prompt": "Why?"}', "Why?"),
        (b'\xef\xbb\xbf"Why?"', "Why?"),
        (b'"Gr\xfc\xdfe"', "Gr\ufffd\ufffde"),  # the gateway passes on what can be read as UTF-8
    ],
)
def test_a_body_reaches_the_model_as_the_gateway_reads_it(chain: Chain, body: bytes, prompt: str) -> None:
    seen = chain.ask(GOOD, LINES, body)

    assert seen.events[-1]["type"] == "complete"
    assert [call.prompt for call in seen.calls] == [prompt]


def test_bytes_that_are_not_utf_8_are_refused_where_the_gateway_passes_them_on(chain: Chain) -> None:
    chain.twin.gateway.binary_media_types = ["*/*"]
    try:
        refused = chain.ask(GOOD, LINES, b'"Gr\xfc\xdfe"')
        good = chain.ask(GOOD, LINES, '\ufeff"Grüße"'.encode())
    finally:
        chain.twin.gateway.binary_media_types = ()

    assert (refused.status, refused.document["code"], refused.calls) == (400, "body_not_json", [])
    assert [call.prompt for call in good.calls] == ["Grüße"]


@pytest.mark.parametrize(
    ("body", "code", "more"),
    [
        (b'{"prompt": "a", "prompt": "b"}', "body_not_json", {"detail": "duplicate key"}),
        (b'{"prompt": " "}', "body_invalid", {"errors": [{"path": "/prompt", "rule": "prompt_blank"}]}),
        ('"\u3000\u200b"'.encode(), "body_invalid", {"errors": [{"path": "/prompt", "rule": "prompt_blank"}]}),
    ],
)
def test_a_body_that_two_readers_would_read_differently_or_that_says_nothing_is_refused(
    chain: Chain, body: bytes, code: str, more: dict[str, object]
) -> None:
    """The model is not called, and no alarm rings."""
    seen = chain.ask(GOOD, SSE, body)

    assert (seen.document["code"], seen.calls, seen.log["outcome"]) == (code, [], "rejected")
    assert more.items() <= seen.document.items()
    assert seen.metric["NotCompleted"] == [0]


def test_a_bare_string_is_the_prompt_of_a_class_that_makes_its_own(chain: Chain) -> None:
    """And never dropped for a default."""
    chain.deploy(request="tests.wire.asking:Question")
    assert [call.prompt for call in chain.ask(GOOD, LINES, b'"rain"').calls] == ["Explain rain."]
    chain.deploy(request="tests.wire.asking:Greeting")
    seen = chain.ask(GOOD, LINES, b'"rain"')
    assert (seen.status, seen.document["code"], seen.calls) == (422, "body_invalid", [])


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("application/json, text/plain, */*", "application/json"),
        ("text/plain, application/json", "text/plain; charset=utf-8"),
        ("application/*", "application/json"),
        ("application/ndjson", "application/ndjson"),
        ("application/jsonlines, application/json", "application/jsonlines"),
        ("application/json-lines;q=0.9, application/json;q=0.8", "application/json-lines"),
    ],
)
def test_among_equals_the_order_of_the_client_counts(chain: Chain, accept: str, content_type: str) -> None:
    seen = chain.ask(GOOD, accept)

    assert (seen.status, seen.headers["content-type"]) == (200, content_type)


@pytest.mark.parametrize("accept", TYPED)
def test_a_line_of_an_event_is_one_to_every_reader(chain: Chain, accept: str) -> None:
    """Readers such as httpx and str.splitlines end lines where JSON does not."""
    words = "a\x85b\u2028c\u2029d ü"
    script = complete_answer(json.dumps({"summary": words, "keywords": []}, ensure_ascii=False))
    seen = chain.ask(script, accept)

    lines = [line.removeprefix("data: ") for line in seen.body.decode().splitlines()]
    events = [json.loads(line) for line in lines if line and not line.startswith(("id: ", "event: "))]
    assert events[-1]["value"] == {"summary": words, "keywords": []}
    assert chain.ask(script, WHOLE).document == events[-1]["value"]


def test_a_damaged_stream_is_the_services_fault_and_what_is_left_out_is_counted(chain: Chain) -> None:
    damaged = chain.ask([Open(), RawEvent("contentBlockDelta", "[" * 100_000), Stop()], WHOLE)
    assert (damaged.status, damaged.document["code"]) == (502, "model_failed")
    assert len(damaged.log["causes"]) > 1
    assert "ignored_events" not in damaged.log

    late: Script = [Fragment("late"), Stop("max_tokens"), RawEvent("metadata", "null"), Usage(3, 4)]
    good = chain.ask([*GOOD, *late], LINES)
    assert good.events[-1]["usage"] == {"inputTokens": 3, "outputTokens": 4}
    assert good.log["ignored_events"] == 4  # text, the end of its block, stop, metadata
    assert good.metric["OutputTokens"] == [4]


def test_nothing_of_a_guardrails_trace_is_kept_or_logged(chain: Chain) -> None:
    """It quotes what the guardrail found, and the model's words before they were masked."""
    chain.deploy(guardrail="g1:3", store="none", capture_content="true")
    quoted = "canary-of-the-trace"
    entity = {"match": quoted, "type": "EMAIL", "action": "ANONYMIZED"}
    assessment = {"sensitiveInformationPolicy": {"piiEntities": [entity]}}
    trace = {"modelOutput": [quoted], "outputAssessments": {"g1": [assessment]}, "actionReason": quoted}
    metadata = {"trace": {"guardrail": trace}, "usage": {"inputTokens": 1, "outputTokens": 2}}
    seen = chain.ask([*fragments(DOCUMENT), Stop("guardrail_intervened"), Event("metadata", metadata)], LINES)

    assert seen.calls[0].body["guardrailConfig"]["trace"] == "enabled"
    assert seen.events[-1]["type"] == "complete"
    assert seen.log["gen_ai.response.finish_reasons"] == ["guardrail_intervened"]
    assert quoted.encode() not in seen.body
    assert not any(quoted in moment.about for moment in seen.moments)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("```json ", "\n```"),
        ("~~~\n", "\n~~~~"),
        ("`````json\n", "\n`````"),
        ("```json" + 5000 * "\n", 5000 * "\n" + "```"),
    ],
)
def test_a_fence_is_taken_off_and_nothing_of_the_answer(chain: Chain, before: str, after: str) -> None:
    chain.deploy(structured_output="prompt")
    for accept in (RAW, WHOLE):
        seen = chain.ask(complete_answer(f"{before}{DOCUMENT}{after}"), accept)
        assert seen.document == json.loads(DOCUMENT)
