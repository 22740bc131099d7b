"""Unmodified boto3 as a client of the local Bedrock."""

import json
from collections.abc import Iterator

import pytest
from botocore.exceptions import ClientError

from local.bedrock.call import Call
from local.bedrock.script import (
    Fragment,
    Hold,
    Open,
    Refuse,
    Step,
    Stop,
    Text,
)
from local.bedrock.server import Bedrock
from local.client import Reply
from tests.local.bedrock.asking import MODEL, TOOL, Ask, asking, kinds


def test_scripts_follow_each_other_and_the_last_one_stays(bedrock: Bedrock, ask: Ask) -> None:
    """Throttled twice, then fine, and fine again."""
    bedrock.play([Refuse("ThrottlingException")], [Refuse("ThrottlingException")], [Open(), Stop()])

    for _ in range(2):
        with pytest.raises(ClientError, match="ThrottlingException"):
            ask()
    assert kinds(ask()) == kinds(ask()) == ["messageStart", "messageStop"]


def test_a_script_holds_at_its_gate_until_it_is_released(bedrock: Bedrock, ask: Ask) -> None:
    """Whatever stands before the gate is with the client; nothing of what stands behind it is even written."""
    bedrock.play([Fragment("a"), Hold("second"), Fragment("b"), Stop()])
    events = iter(ask()["stream"])

    assert [next(events), next(events)][1]["contentBlockDelta"]["delta"] == {"text": "a"}
    bedrock.reached("second")
    assert bedrock.called().frames == 2
    bedrock.release("second")
    assert [next(iter(event)) for event in events] == ["contentBlockDelta", "contentBlockStop", "messageStop"]


def test_an_answerer_is_closed_when_its_client_leaves(bedrock: Bedrock, ask: Ask) -> None:
    """A model must not go on writing without a reader."""
    closed = []

    def endless(_: Call) -> Iterator[Step]:
        try:
            while True:
                yield Fragment("word " * 1000)
        finally:
            closed.append(True)

    bedrock.answer = endless
    ask()["stream"].close()

    assert bedrock.called().ended.wait(30)
    assert closed == [True]


def test_an_answer_may_depend_on_the_call(bedrock: Bedrock, ask: Ask) -> None:
    """Prompt, schema and token limit are at hand."""
    schema = {"type": "object", "properties": {}, "additionalProperties": False}
    text_format = {"type": "json_schema", "structure": {"jsonSchema": {"schema": json.dumps(schema)}}}
    bedrock.answer = lambda call: [Text(json.dumps([call.prompt, call.schema, call.max_tokens])), Stop()]

    response = ask("ping", inferenceConfig={"maxTokens": 7}, outputConfig={"textFormat": text_format})

    [text] = [
        event["contentBlockDelta"]["delta"]["text"] for event in response["stream"] if "contentBlockDelta" in event
    ]
    assert json.loads(text) == ["ping", schema, 7]


def test_a_bounded_number_of_calls_is_kept() -> None:
    """The latest ones, under the numbers that they have always had; the same for requests and refusals."""
    with Bedrock(limit=2) as bedrock, asking(bedrock) as ask:
        for number in range(5):
            ask(f"prompt {number}")
            with pytest.raises(ClientError, match="blank"):
                ask(" ")

        assert [call.prompt for call in bedrock.calls] == ["prompt 3", "prompt 4"]
        assert (len(bedrock.received), len(bedrock.refusals)) == (2, 2)
        assert bedrock.called(5).prompt == "prompt 4"
        with pytest.raises(LookupError, match="Only the latest 2 of 5 calls are kept"):
            bedrock.called(3)


def test_no_call_is_kept_with_a_limit_of_zero() -> None:
    with Bedrock(limit=0) as bedrock, asking(bedrock) as ask:
        ask()

        assert (bedrock.calls, bedrock.received) == ([], [])
        with pytest.raises(LookupError, match="Only the latest 0 of 1 calls are kept"):
            bedrock.called()


def test_a_refused_request_is_no_call(bedrock: Bedrock, ask: Ask) -> None:
    """It is counted among the refusals, as the model never saw it."""
    with pytest.raises(ClientError, match="other"):
        ask("x", toolConfig={"tools": [TOOL], "toolChoice": {"tool": {"name": "other"}}}, inferenceConfig={})

    assert (len(bedrock.calls), len(bedrock.refusals)) == (0, 1)


def test_models_that_are_said_to_refuse_native_schemas_do(bedrock: Bedrock, ask: Ask) -> None:
    """The message names the field, so that a caller can fall back."""
    bedrock.refuses_output_config = {MODEL}
    schema = json.dumps({"type": "object", "properties": {}, "additionalProperties": False})
    text_format = {"type": "json_schema", "structure": {"jsonSchema": {"schema": schema}}}

    with pytest.raises(ClientError, match="outputConfig"):
        ask(outputConfig={"textFormat": text_format})


def test_a_model_id_may_be_an_arn(bedrock: Bedrock, ask: Ask) -> None:
    """It comes percent-encoded and is read as it was meant."""
    arn = "arn:aws:bedrock:eu-west-1:123456789012:application-inference-profile/abc123"

    kinds(ask(model=arn))

    assert bedrock.called().model_id == arn


@pytest.mark.parametrize(
    ("path", "body", "headers", "status"),
    [
        ("/model/x/converse", b"{}", {"Authorization": "x/bedrock/aws4_request"}, 404),
        ("/model/x/converse-stream", b"{}", {}, 403),
        ("/model/x/converse-stream", b"[", {"Authorization": "x/bedrock/aws4_request"}, 400),
        ("/model/x/converse-stream", b"{}", {"Authorization": "x/bedrock/aws4_request"}, 400),
    ],
)
def test_what_is_no_converse_stream_request_is_refused(
    bedrock: Bedrock, path: str, body: bytes, headers: dict[str, str], status: int
) -> None:
    """Another operation, no signature, no JSON, no messages."""
    with Reply(bedrock.url + path, body, headers) as reply:
        assert reply.wait().status == status
