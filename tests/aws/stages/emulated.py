"""A table and one of each sink in an emulated AWS, with ways to read what came."""

import json
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from function.contract import Destination

if TYPE_CHECKING:
    from mypy_boto3_firehose.type_defs import ExtendedS3DestinationConfigurationTypeDef

QUEUE_ROLE = "arn:aws:iam::123456789012:role/anything"


@contextmanager
def emulated_aws() -> Iterator[str]:
    """Yield the URL of an emulator of DynamoDB, SNS, SQS, EventBridge, Firehose and S3."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


def point_at(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every client that is made now speak to the emulator."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")


class Table:
    """A table as the component makes it."""

    def __init__(self) -> None:
        self.client = boto3.client("dynamodb")
        self.name = f"records-{uuid.uuid4().hex}"
        self.client.create_table(
            TableName=self.name,
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )

    @property
    def target(self) -> Destination:
        return Destination("dynamodb", self.name)

    def count(self) -> int:
        """How many items there are."""
        return self.client.scan(TableName=self.name)["Count"]

    def get(self, id_: str) -> dict[str, Any]:
        return dict(self.client.get_item(TableName=self.name, Key={"id": {"S": id_}})["Item"])


class Sinks:
    """One of each sink, with a way to read what it got."""

    def __init__(self) -> None:
        name = f"t{uuid.uuid4().hex}"
        self.name = name
        self.sqs, self.sns = boto3.client("sqs"), boto3.client("sns")
        self.events, self.firehose, self.s3 = boto3.client("events"), boto3.client("firehose"), boto3.client("s3")
        self.queue = self.sqs.create_queue(QueueName=name)["QueueUrl"]
        attributes = self.sqs.get_queue_attributes(QueueUrl=self.queue, AttributeNames=["QueueArn"])["Attributes"]
        self.topic = self.sns.create_topic(Name=name)["TopicArn"]
        self.sns.subscribe(
            TopicArn=self.topic,
            Protocol="sqs",
            Endpoint=attributes["QueueArn"],
            Attributes={"RawMessageDelivery": "true"},
        )
        self.events.create_event_bus(Name=name)
        self.events.put_rule(Name=name, EventBusName=name, EventPattern='{"source": ["streaming-llm"]}')
        self.events.put_targets(Rule=name, EventBusName=name, Targets=[{"Id": "1", "Arn": attributes["QueueArn"]}])
        self.s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        bucket: ExtendedS3DestinationConfigurationTypeDef = {
            "RoleARN": QUEUE_ROLE,
            "BucketARN": f"arn:aws:s3:::{name}",
        }
        self.firehose.create_delivery_stream(DeliveryStreamName=name, ExtendedS3DestinationConfiguration=bucket)
        self._kinds: Mapping[str, tuple[str, Callable[[], list[dict[str, Any]]]]] = {
            "sns": (self.topic, self.received),
            "eventbridge": (name, lambda: [event["detail"] for event in self.received()]),
            "firehose": (name, lambda: [json.loads(line) for line in self.delivered()]),
        }

    def destination(self, kind: str) -> Destination:
        """The sink of this kind, as the setting names it."""
        return Destination(kind, self._kinds[kind][0])

    def messages(self, kind: str) -> list[dict[str, Any]]:
        """What came to the sink of this kind: the records, without what the service puts around them."""
        return self._kinds[kind][1]()

    def received(self) -> list[dict[str, Any]]:
        """What came to the topic or the bus."""
        messages = self.sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10).get("Messages", [])
        return [json.loads(message["Body"]) for message in messages]

    def delivered(self) -> list[str]:
        """What came to the delivery stream."""
        objects = self.s3.list_objects_v2(Bucket=self.name).get("Contents", [])
        return [self.s3.get_object(Bucket=self.name, Key=each["Key"])["Body"].read().decode() for each in objects]

    def close(self) -> None:
        for client in (self.sqs, self.sns, self.events, self.firehose, self.s3):
            client.close()
