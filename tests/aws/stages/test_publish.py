"""The record's message in each sink, read back from there."""

import json
from collections.abc import Iterator

import pytest

from function.aws.stages.client import CallRefused, NoTimeLeft
from function.aws.stages.publish import FIREHOSE_LIMIT, PublishFailed, publish_stage
from function.contract import MESSAGE_LIMIT, PUBLISHABLE_OUTCOMES, SINKS, Destination, Outcome
from function.stream.message import as_json
from function.stream.record import PromptContent, Record
from function.stream.stages import Stage
from local.http11.server import Exchange, Server
from tests.aws.stages.emulated import Sinks
from tests.aws.stages.records import CANARY, Written, record

COMPLETED = frozenset({"completed"})


@pytest.fixture
def sinks(aws: None) -> Iterator[Sinks]:  # noqa: ARG001 - the environment
    made = Sinks()
    yield made
    made.close()


def publish(sink: Destination, made: Record) -> None:
    publish_stage(sink, COMPLETED, Written().logger)(made)


def test_the_log_is_a_sink() -> None:
    written = Written()
    made = record()
    publish_stage(Destination("log", ""), COMPLETED, written.logger)(made)
    [line] = written.lines

    assert line["stage"] == "publish"
    assert line["record"] == made.message()


def test_sns_gets_the_message_and_its_outcome(sinks: Sinks) -> None:
    made = record()
    publish(sinks.destination("sns"), made)

    assert sinks.received() == [made.message()]


def test_eventbridge_gets_an_event(sinks: Sinks) -> None:
    made = record()
    publish(sinks.destination("eventbridge"), made)
    [event] = sinks.received()

    assert event["source"] == "streaming-llm"
    assert event["detail-type"] == "LLM Request Ended"
    assert event["detail"] == made.message()


def test_firehose_gets_a_line(sinks: Sinks) -> None:
    made = record()
    publish(sinks.destination("firehose"), made)
    [text] = sinks.delivered()

    assert text.endswith("\n")
    assert json.loads(text) == made.message()


@pytest.mark.parametrize("outcome", PUBLISHABLE_OUTCOMES)
def test_only_the_chosen_outcomes_are_published(outcome: str) -> None:
    written = Written()
    stage = publish_stage(Destination("log", ""), frozenset({"completed", "invalid"}), written.logger)
    stage(record(outcome=Outcome(outcome)))

    assert len(written.lines) == (outcome in {"completed", "invalid"})


def test_a_record_is_published_whether_or_not_another_stage_had_it() -> None:
    """Each stage makes what it sends from the record alone, and none changes it."""
    written = Written()
    made = record()
    before = made.message()
    for _ in range(2):
        publish_stage(Destination("log", ""), COMPLETED, written.logger)(made)

    assert [line["record"] for line in written.lines] == [before, before]


def filled(size: int, character: str) -> Record:
    """Return a record whose message has ``size`` bytes."""
    answer = {"summary": 100 * "a"}
    made = record(capture_content=True, prompt=PromptContent(""), answer=answer)
    room = size - len(as_json(made, size).encode())
    width = len(character.encode())
    prompt = PromptContent(character * (room // width) + "x" * (room % width))
    return record(capture_content=True, prompt=prompt, answer=answer)


@pytest.mark.parametrize("kind", SINKS)
@pytest.mark.parametrize("over", [-1, 0, 1])
@pytest.mark.parametrize("character", ["x", "🙂"])
def test_every_sinks_limit_is_kept(sinks: Sinks, kind: str, over: int, character: str) -> None:
    """Up to it the message is complete; above it the answer is left out, and ``answerOmitted`` says so."""
    limit = FIREHOSE_LIMIT if kind == "firehose" else MESSAGE_LIMIT
    made = filled(limit + over, character)
    publish(sinks.destination(kind), made)
    [message] = sinks.messages(kind)

    if over <= 0:
        assert message == json.loads(as_json(made, 2 * limit))
    else:
        assert message["content"] == {"prompt": made.prompt, "answer": None, "answerOmitted": True}


@pytest.mark.usefixtures("aws")
def test_an_event_that_the_bus_refuses_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    """The call itself succeeds: EventBridge reports each entry in its response."""

    def refuse(exchange: Exchange) -> None:
        exchange.read_body(1_000_000)
        answer = {"FailedEntryCount": 1, "Entries": [{"ErrorCode": "ThrottlingException", "ErrorMessage": "no"}]}
        exchange.send(200, [("Content-Type", "application/x-amz-json-1.1")], json.dumps(answer).encode())

    with Server(refuse) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_EVENTBRIDGE", server.url)
        stage: Stage = publish_stage(Destination("eventbridge", "bus"), COMPLETED, Written().logger)
        with pytest.raises(PublishFailed, match="ThrottlingException"):
            stage(record())


@pytest.mark.parametrize(
    "target", [Destination("sns", "arn:aws:sns:eu-west-1:123456789012:nowhere"), Destination("firehose", "x")]
)
@pytest.mark.usefixtures("aws")
def test_a_sink_that_is_not_there_is_a_failed_stage(target: Destination) -> None:
    with pytest.raises(CallRefused, match="NotFound"):
        publish(target, record())


def test_a_call_that_would_outlive_the_sandbox_is_not_made(sinks: Sinks) -> None:
    with pytest.raises(NoTimeLeft):
        publish(sinks.destination("sns"), record(time_limit=0.1, elapsed=lambda: 0))

    assert sinks.received() == []


@pytest.mark.parametrize("kind", SINKS)
@pytest.mark.parametrize("captured", [False, True])
def test_content_is_published_only_where_it_is_captured(sinks: Sinks, kind: str, *, captured: bool) -> None:
    publish(sinks.destination(kind), record(capture_content=captured))

    assert (CANARY in json.dumps(sinks.messages(kind))) is captured
