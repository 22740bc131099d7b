import http.client
import json
from typing import Any

import botocore.eventstream
import pytest
import urllib3.exceptions
from botocore.exceptions import ClientError, ConnectionClosedError, EventStreamError

from local.bedrock import script
from local.bedrock.script import (
    STATUS,
    BadChecksum,
    Cut,
    End,
    Error,
    Event,
    Fail,
    Fragment,
    Hold,
    Open,
    Pause,
    RawEvent,
    Reasoning,
    Refuse,
    Reset,
    Step,
    Stop,
    Text,
    Think,
    Usage,
)
from local.bedrock.server import Bedrock
from local.client import Reply
from tests.local.bedrock.asking import MODEL, TOOL, Ask, kinds


def test_a_complete_answer_has_the_events_of_the_service_in_its_order(bedrock: Bedrock, ask: Ask) -> None:
    """Usage comes after the stop; a text block needs no start."""
    bedrock.play(script.complete_answer('{"a": 1}', size=4))

    events = list(ask()["stream"])

    assert events[:-1] == [
        {"messageStart": {"role": "assistant"}},
        {"contentBlockDelta": {"delta": {"text": '{"a"'}, "contentBlockIndex": 0}},
        {"contentBlockDelta": {"delta": {"text": ": 1}"}, "contentBlockIndex": 0}},
        {"contentBlockStop": {"contentBlockIndex": 0}},
        {"messageStop": {"stopReason": "end_turn"}},
    ]
    usage = events[-1]["metadata"]["usage"]
    assert (usage["inputTokens"], usage["outputTokens"], usage["totalTokens"]) == (12, 2, 14)


def test_every_event_carries_padding_that_clients_do_not_see(bedrock: Bedrock) -> None:
    """As on the service's wire, each payload has a member ``p``."""
    bedrock.play(script.complete_answer("{}"))
    body = json.dumps({"messages": [{"role": "user", "content": [{"text": "x"}]}]}).encode()
    signature = {"Authorization": "AWS4-HMAC-SHA256 Credential=x/20260101/eu-west-1/bedrock/aws4_request"}

    with Reply(f"{bedrock.url}/model/{MODEL}/converse-stream", body, signature) as reply:
        frames = botocore.eventstream.EventStreamBuffer()
        frames.add_data(reply.body())

    assert reply.headers["content-type"] == "application/vnd.amazon.eventstream"
    assert all(isinstance(json.loads(frame.payload)["p"], str) for frame in frames)


def test_a_forced_tool_gets_the_answer_as_its_input(bedrock: Bedrock, ask: Ask) -> None:
    """The same script, delivered as the request wants it."""
    bedrock.play(script.complete_answer('{"a": 1}', size=4))

    events = list(ask(toolConfig={"tools": [TOOL], "toolChoice": {"tool": {"name": "answer"}}})["stream"])

    assert events[1]["contentBlockStart"]["start"]["toolUse"]["name"] == "answer"
    deltas = [event["contentBlockDelta"]["delta"] for event in events if "contentBlockDelta" in event]
    assert deltas == [{"toolUse": {"input": '{"a"'}}, {"toolUse": {"input": ": 1}"}}]
    assert {"messageStop": {"stopReason": "tool_use"}} in events


def test_reasoning_is_a_block_of_its_own_before_the_text(bedrock: Bedrock, ask: Ask) -> None:
    """The blocks are numbered; each is closed before the next one begins."""
    bedrock.play([Reasoning("hm"), Text("x"), Stop()])

    events = list(ask()["stream"])

    assert events[1:] == [
        {"contentBlockDelta": {"delta": {"reasoningContent": {"text": "hm"}}, "contentBlockIndex": 0}},
        {"contentBlockStop": {"contentBlockIndex": 0}},
        {"contentBlockDelta": {"delta": {"text": "x"}, "contentBlockIndex": 1}},
        {"contentBlockStop": {"contentBlockIndex": 1}},
        {"messageStop": {"stopReason": "end_turn"}},
    ]


OPUS = "global.anthropic.claude-opus-5"
SUMMARY = {"thinking": {"type": "adaptive", "display": "summarized"}}


def blocks(ask: Ask, **request: Any) -> list[list[dict[str, Any]]]:
    """Return the deltas of each block of content."""
    found: dict[int, list[dict[str, Any]]] = {}
    for event in ask(**request)["stream"]:
        assert "contentBlockStart" not in event
        if delta := event.get("contentBlockDelta"):
            found.setdefault(delta["contentBlockIndex"], []).append(delta["delta"])
    return [found[index] for index in sorted(found)]


def test_thinking_is_a_signature_or_a_summary_or_nothing(bedrock: Bedrock, ask: Ask) -> None:
    """By the model and by what the request says."""
    bedrock.play([Think(["hm", "so"]), Text("x"), Stop()])
    silent, answer = blocks(ask, model=OPUS)
    summarised, _ = blocks(ask, model=OPUS, additionalModelRequestFields=SUMMARY)

    assert [list(delta["reasoningContent"]) for delta in silent] == [["signature"]]
    assert [list(delta["reasoningContent"]) for delta in summarised] == [["text"], ["text"], ["signature"]]
    assert summarised[:2] == [{"reasoningContent": {"text": "hm"}}, {"reasoningContent": {"text": "so"}}]
    assert [answer] == blocks(ask) == [[{"text": "x"}]]


def test_redacted_thinking_is_a_block_per_delta(bedrock: Bedrock, ask: Ask) -> None:
    bedrock.play([Think(["hm", "so"], redacted=True), Text("x"), Stop()])

    assert blocks(ask, model=OPUS) == [
        [{"reasoningContent": {"redactedContent": b"hm"}}],
        [{"reasoningContent": {"redactedContent": b"so"}}],
        [{"text": "x"}],
    ]


def test_tokens_of_thinking_are_told_where_the_request_asks_for_them(bedrock: Bedrock, ask: Ask) -> None:
    """They are output tokens too."""
    bedrock.play([Think(tokens=30), Text("x"), Stop(), Usage(1, 2)])
    details = {"usage": {"output_tokens_details": {"thinking_tokens": 30}}}
    for paths, fields in ([], {}), (["/usage"], {"additionalModelResponseFields": details}):
        stop, usage = list(ask(model=OPUS, additionalModelResponseFieldPaths=paths)["stream"])[-2:]

        assert stop == {"messageStop": {"stopReason": "end_turn", **fields}}
        tokens = usage["metadata"]["usage"]
        assert (tokens["inputTokens"], tokens["outputTokens"], tokens["totalTokens"]) == (1, 32, 33)


def test_thinking_can_reach_the_limit_of_tokens(bedrock: Bedrock, ask: Ask) -> None:
    """Nothing of the answer comes, and no signature."""
    bedrock.play([Think(["hm"], tokens=100), Text("x"), Stop(), Usage(1, 2)])
    request: dict[str, Any] = {"model": OPUS, "additionalModelRequestFields": SUMMARY}
    *events, stop, usage = ask(**request, inferenceConfig={"maxTokens": 100})["stream"]

    assert events[1:-1] == [
        {"contentBlockDelta": {"delta": {"reasoningContent": {"text": "hm"}}, "contentBlockIndex": 0}}
    ]
    assert stop == {"messageStop": {"stopReason": "max_tokens"}}
    assert usage["metadata"]["usage"]["outputTokens"] == 100
    assert len(blocks(ask, **request, inferenceConfig={"maxTokens": 101})) == 2


@pytest.mark.parametrize("code", sorted(STATUS))
def test_a_refusal_is_the_error_of_that_name_with_its_status(bedrock: Bedrock, ask: Ask, code: str) -> None:
    """Before the stream: a JSON body, the type in a header field."""
    bedrock.play([Refuse(code, "why")])

    with pytest.raises(ClientError) as caught:
        ask()

    assert caught.value.response["Error"] == {"Message": "why", "Code": code}
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == STATUS[code]


def test_a_refusal_can_have_any_body(bedrock: Bedrock, ask: Ask) -> None:
    bedrock.play([Refuse("ThrottlingException", body=b"no JSON")])

    with pytest.raises(ClientError) as caught:
        ask()

    assert caught.value.response["Error"]["Message"] == "no JSON"


def test_an_event_can_have_any_payload(bedrock: Bedrock, ask: Ask) -> None:
    bedrock.play([RawEvent("messageStart", '{"role": "user"}'), RawEvent("metadata", b"\xff")])
    stream = iter(ask()["stream"])

    assert next(stream) == {"messageStart": {"role": "user"}}
    with pytest.raises(UnicodeDecodeError):
        next(stream)


@pytest.mark.parametrize(
    "kind",
    [
        "internalServerException",
        "modelStreamErrorException",
        "validationException",
        "throttlingException",
        "serviceUnavailableException",
    ],
)
def test_an_exception_in_the_stream_is_an_event_stream_error(bedrock: Bedrock, ask: Ask, kind: str) -> None:
    """In the stream the code is in camel case and there is no status."""
    bedrock.play([Fragment("{"), Fail(kind, "why")])

    with pytest.raises(EventStreamError) as caught:
        kinds(ask())

    assert caught.value.response["Error"] == {"Message": "why", "Code": kind}


def test_an_error_frame_gives_its_code(bedrock: Bedrock, ask: Ask) -> None:
    """The kind of frame that the model of the service does not name."""
    bedrock.play([Error("SomethingElse", "why")])

    with pytest.raises(EventStreamError) as caught:
        kinds(ask())

    assert caught.value.response["Error"] == {"Message": "why", "Code": "SomethingElse"}


@pytest.mark.parametrize(
    ("last", "error"),
    [
        (Cut(), urllib3.exceptions.ProtocolError),
        (Cut(half_frame=True), urllib3.exceptions.ProtocolError),
        (Reset(), urllib3.exceptions.ProtocolError),
        (BadChecksum(), botocore.eventstream.ChecksumMismatch),
    ],
)
def test_a_broken_connection_or_frame_breaks_the_iteration(
    bedrock: Bedrock, ask: Ask, last: Step, error: type[Exception]
) -> None:
    """What came before is delivered, then the client raises."""
    bedrock.play([Fragment("{"), last])
    events = iter(ask()["stream"])

    assert [next(iter(next(events))) for _ in range(2)] == ["messageStart", "contentBlockDelta"]
    with pytest.raises(error):
        next(events)


@pytest.mark.parametrize("last", [[], [End()], [End(half_frame=True)]])
def test_a_clean_end_without_a_stop_ends_in_silence(bedrock: Bedrock, ask: Ask, last: list[Step]) -> None:
    """The client reports nothing, not even half a frame."""
    bedrock.play([Fragment("{"), *last])

    assert kinds(ask()) == ["messageStart", "contentBlockDelta"]


def test_a_connection_can_end_before_the_headers(bedrock: Bedrock, ask: Ask) -> None:
    """Nothing was written yet: the call itself fails."""
    bedrock.play([Cut()])

    with pytest.raises(ConnectionClosedError):
        ask()


def test_an_unknown_event_passes_in_silence(bedrock: Bedrock, ask: Ask) -> None:
    """What botocore does not know it skips."""
    bedrock.play([Open(), Event("novelty", {"x": 1}), Stop()])

    assert kinds(ask()) == ["messageStart", "messageStop"]


def test_a_pause_or_a_gate_at_the_beginning_holds_the_headers_back(bedrock: Bedrock) -> None:
    """As a schema that is compiled for the first time does."""
    bedrock.play([Pause(0), Hold("headers"), Open(), Stop()])
    connection = http.client.HTTPConnection(bedrock.url.removeprefix("http://"))
    body = json.dumps({"messages": [{"role": "user", "content": [{"text": "x"}]}]})
    connection.request("POST", f"/model/{MODEL}/converse-stream", body, {"Authorization": "x/bedrock/aws4_request"})

    bedrock.reached("headers")
    assert bedrock.called().frames == 0
    bedrock.release("headers")
    with connection.getresponse() as response:
        assert response.status == 200
        response.read()
    connection.close()


def test_usage_can_be_left_out(bedrock: Bedrock, ask: Ask) -> None:
    """The stream ends after the stop."""
    bedrock.play(script.load("no_usage"))

    assert kinds(ask())[-1] == "messageStop"


def test_usage_tells_what_the_script_says(bedrock: Bedrock, ask: Ask) -> None:
    """Input, output, those of the cache, and the sum of all."""
    bedrock.play([Open(), Stop("max_tokens"), Usage(5, 6, cache_read_tokens=7)])

    *_, stop, metadata = list(ask()["stream"])

    assert stop == {"messageStop": {"stopReason": "max_tokens"}}
    assert metadata["metadata"]["usage"] == {
        "inputTokens": 5,
        "outputTokens": 6,
        "totalTokens": 18,
        "cacheReadInputTokens": 7,
        "cacheWriteInputTokens": 0,
    }
