"""The store stage: the message of the record, for publish to read and, where the stack says so, in DynamoDB."""

import time
from typing import Any

import boto3
from aws_lambda_powertools import Logger

from ...contract import Destination, Outcome
from ...stream.record import Record
from ...stream.stages import Stage
from .client import Brief
from .message import as_message, fitted

ITEM_LIMIT = 390_000
"""Bytes for the message: an item of DynamoDB has up to 400 KB, its other attributes included."""
RETENTION = 30 * 24 * 3600
"""Seconds after which DynamoDB may delete an item."""


def store_stage(target: Destination | None, logger: Logger) -> Stage:
    """Return the stage that makes a record's message, and keeps it in ``target``, a table with the key ``id``."""
    dynamodb = Brief(lambda config: boto3.client("dynamodb", config=config)) if target else None

    def store(record: Record) -> None:
        if record.outcome is Outcome.REJECTED:
            return
        record.message = as_message(record)
        if dynamodb and target:
            item: dict[str, Any] = {
                "id": {"S": record.id},
                "expires": {"N": str(int(time.time()) + RETENTION)},
                "outcome": {"S": record.outcome.value},
                "record": {"S": fitted(record.message, ITEM_LIMIT)},
            }
            with dynamodb.call(record) as client:
                client.put_item(TableName=target.name, Item=item, ConditionExpression="attribute_not_exists(id)")
        logger.debug(
            "record stored",
            extra={"stage": "store", "request_id": record.id, "store": target.kind if target else "none"},
        )

    return store
