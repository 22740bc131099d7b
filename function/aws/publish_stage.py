"""The publish stage: the record's message goes to the log, to SNS, to EventBridge or to Firehose."""

import json
from collections.abc import Callable

import boto3
from aws_lambda_powertools import Logger

from ..settings import Target
from ..stream.stages import Record, Stage
from .clients import SINK_CONFIG, check_time
from .message import fitted

KB = 1024
MESSAGE_LIMIT = 256 * KB - 2 * KB
"""Bytes of a message to SNS, EventBridge or the log: 256 KB less what goes around it."""
FIREHOSE_LIMIT = 1000 * KB - 1
"""Bytes of a Firehose record, less the line's end."""
EVENT_SOURCE = "streaming-llm"
EVENT_TYPE = "LLM Request Ended"

Sink = Callable[[dict[str, object]], None]
"""Sends a message."""


class PublishFailed(Exception):
    """A sink took the call and refused the message."""


def publish_stage(target: Target, outcomes: frozenset[str], logger: Logger) -> Stage:
    """Return the stage that sends the stored message of each record whose outcome is one of ``outcomes``."""
    send = _SINKS[target.kind](target.name, logger)

    def publish(record: Record) -> None:
        if record.message is None or record.outcome.value not in outcomes:
            return
        if target.kind == "log":
            send(record.message)
        else:
            check_time(record)
            send(record.message)
            extra = {"stage": "publish", "request_id": record.id, "sink": target.kind}
            logger.debug("record published", extra=extra)

    return publish


def _log(_: str, logger: Logger) -> Sink:
    def send(message: dict[str, object]) -> None:
        extra = {"stage": "publish", "request_id": message["id"], "record": json.loads(fitted(message, MESSAGE_LIMIT))}
        logger.info("record published", extra=extra)

    return send


def _sns(topic_arn: str, _: Logger) -> Sink:
    client = boto3.client("sns", config=SINK_CONFIG)

    def send(message: dict[str, object]) -> None:
        client.publish(
            TopicArn=topic_arn,
            Message=fitted(message, MESSAGE_LIMIT),
            MessageAttributes={"outcome": {"DataType": "String", "StringValue": str(message["outcome"])}},
        )

    return send


def _eventbridge(bus: str, _: Logger) -> Sink:
    client = boto3.client("events", config=SINK_CONFIG)

    def send(message: dict[str, object]) -> None:
        detail = fitted(message, MESSAGE_LIMIT)
        answer = client.put_events(
            Entries=[{"EventBusName": bus, "Source": EVENT_SOURCE, "DetailType": EVENT_TYPE, "Detail": detail}]
        )
        if answer["FailedEntryCount"]:
            raise PublishFailed(answer["Entries"][0].get("ErrorCode"))

    return send


def _firehose(stream: str, _: Logger) -> Sink:
    client = boto3.client("firehose", config=SINK_CONFIG)

    def send(message: dict[str, object]) -> None:
        line = f"{fitted(message, FIREHOSE_LIMIT)}\n".encode()
        client.put_record(DeliveryStreamName=stream, Record={"Data": line})

    return send


_SINKS: dict[str, Callable[[str, Logger], Sink]] = {
    "log": _log,
    "sns": _sns,
    "eventbridge": _eventbridge,
    "firehose": _firehose,
}
