"""The publish stage: the record's message in the log, SNS, EventBridge or Firehose."""

import json
from collections.abc import Callable
from typing import Final

from aws_lambda_powertools import Logger

from ...contract import MESSAGE_LIMIT, Destination
from ...stream.message import as_json
from ...stream.record import Record
from ...stream.stages import Stage, StageFailed
from .client import TimedClient

FIREHOSE_LIMIT: Final = 1000 * 1024 - 1
"""Bytes of a Firehose record, less the line end."""
EVENT_SOURCE: Final = "streaming-llm"
EVENT_TYPE: Final = "LLM Request Ended"

Sink = Callable[[Record], None]
"""Sends the message of a record."""


class PublishFailed(StageFailed):
    """A sink accepted the call and refused the message; the error's message is its code."""


def publish_stage(sink: Destination, outcomes: frozenset[str], logger: Logger) -> Stage:
    """Return the stage that sends the message of each record whose outcome is one of ``outcomes`` to ``sink``."""
    send = _SINKS[sink.kind](sink.name, logger)

    def publish(record: Record) -> None:
        if record.outcome.value not in outcomes:
            return
        send(record)
        if sink.kind != "log":
            extra = {"stage": "publish", "request_id": record.request_id, "sink": sink.kind}
            logger.debug("record published", extra=extra)

    return publish


def _log(_: str, logger: Logger) -> Sink:
    def send(record: Record) -> None:
        document = json.loads(as_json(record, MESSAGE_LIMIT))
        extra = {"stage": "publish", "request_id": record.request_id, "record": document}
        logger.info("record published", extra=extra)

    return send


def _sns(topic_arn: str, _: Logger) -> Sink:
    sns = TimedClient(lambda session, config: session.client("sns", config=config))

    def send(record: Record) -> None:
        text = as_json(record, MESSAGE_LIMIT)
        with sns.call(record) as client:
            client.publish(
                TopicArn=topic_arn,
                Message=text,
                MessageAttributes={"outcome": {"DataType": "String", "StringValue": record.outcome.value}},
            )

    return send


def _eventbridge(bus: str, _: Logger) -> Sink:
    events = TimedClient(lambda session, config: session.client("events", config=config))

    def send(record: Record) -> None:
        detail = as_json(record, MESSAGE_LIMIT)
        with events.call(record) as client:
            response = client.put_events(
                Entries=[{"EventBusName": bus, "Source": EVENT_SOURCE, "DetailType": EVENT_TYPE, "Detail": detail}]
            )
        if response["FailedEntryCount"]:
            raise PublishFailed(response["Entries"][0].get("ErrorCode"))

    return send


def _firehose(stream: str, _: Logger) -> Sink:
    firehose = TimedClient(lambda session, config: session.client("firehose", config=config))

    def send(record: Record) -> None:
        line = f"{as_json(record, FIREHOSE_LIMIT)}\n".encode()
        with firehose.call(record) as client:
            client.put_record(DeliveryStreamName=stream, Record={"Data": line})

    return send


_SINKS: Final[dict[str, Callable[[str, Logger], Sink]]] = {
    "log": _log,
    "sns": _sns,
    "eventbridge": _eventbridge,
    "firehose": _firehose,
}
