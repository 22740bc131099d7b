"""The publish stage: the record's message goes to the log, to SNS, to EventBridge or to Firehose."""

import json
from collections.abc import Callable

import boto3
from aws_lambda_powertools import Logger

from ...contract import Destination
from ...stream.record import Record
from ...stream.stages import Stage, StageFailed
from .client import Brief
from .message import fitted

KB = 1024
MESSAGE_LIMIT = 256 * KB - 2 * KB
"""Bytes of a message to SNS, EventBridge or the log: 256 KB less what goes around it."""
FIREHOSE_LIMIT = 1000 * KB - 1
"""Bytes of a Firehose record, less the line's end."""
EVENT_SOURCE = "streaming-llm"
EVENT_TYPE = "LLM Request Ended"

Message = dict[str, object]
Sink = Callable[[Record, Message], None]
"""Sends a record's message."""


class PublishFailed(StageFailed):
    """A sink took the call and refused the message; the words are its code."""


def publish_stage(target: Destination, outcomes: frozenset[str], logger: Logger) -> Stage:
    """Return the stage that sends the stored message of each record whose outcome is one of ``outcomes``."""
    send = _SINKS[target.kind](target.name, logger)

    def publish(record: Record) -> None:
        if record.message is None or record.outcome.value not in outcomes:
            return
        send(record, record.message)
        if target.kind != "log":
            extra = {"stage": "publish", "request_id": record.id, "sink": target.kind}
            logger.debug("record published", extra=extra)

    return publish


def _log(_: str, logger: Logger) -> Sink:
    def send(record: Record, message: Message) -> None:
        extra = {"stage": "publish", "request_id": record.id, "record": json.loads(fitted(message, MESSAGE_LIMIT))}
        logger.info("record published", extra=extra)

    return send


def _sns(topic_arn: str, _: Logger) -> Sink:
    sns = Brief(lambda config: boto3.client("sns", config=config))

    def send(record: Record, message: Message) -> None:
        text = fitted(message, MESSAGE_LIMIT)
        with sns.call(record) as client:
            client.publish(
                TopicArn=topic_arn,
                Message=text,
                MessageAttributes={"outcome": {"DataType": "String", "StringValue": record.outcome.value}},
            )

    return send


def _eventbridge(bus: str, _: Logger) -> Sink:
    events = Brief(lambda config: boto3.client("events", config=config))

    def send(record: Record, message: Message) -> None:
        detail = fitted(message, MESSAGE_LIMIT)
        with events.call(record) as client:
            answer = client.put_events(
                Entries=[{"EventBusName": bus, "Source": EVENT_SOURCE, "DetailType": EVENT_TYPE, "Detail": detail}]
            )
        if answer["FailedEntryCount"]:
            raise PublishFailed(answer["Entries"][0].get("ErrorCode"))

    return send


def _firehose(stream: str, _: Logger) -> Sink:
    firehose = Brief(lambda config: boto3.client("firehose", config=config))

    def send(record: Record, message: Message) -> None:
        line = f"{fitted(message, FIREHOSE_LIMIT)}\n".encode()
        with firehose.call(record) as client:
            client.put_record(DeliveryStreamName=stream, Record={"Data": line})

    return send


_SINKS: dict[str, Callable[[str, Logger], Sink]] = {
    "log": _log,
    "sns": _sns,
    "eventbridge": _eventbridge,
    "firehose": _firehose,
}
