"""The store stage: the record's message in DynamoDB."""

import time
from typing import Any, Final

from aws_lambda_powertools import Logger

from ...contract import TABLE_EXPIRY, TABLE_KEY, Destination, Outcome
from ...stream.message import as_json
from ...stream.record import Record
from ...stream.stages import Stage
from .client import TimedClient

ITEM_LIMIT: Final = 390_000
"""Bytes for the message: an item of DynamoDB has up to 400 KB, its other attributes included."""
RETENTION: Final = 30 * 24 * 3600
"""Seconds after which DynamoDB may delete an item."""


def store_stage(table: Destination | None, logger: Logger) -> Stage:
    """Return the stage that stores a record in ``table``, whose key is ``id``; without a table it does nothing.

    A rejected request is not stored, and a record is never overwritten.
    """
    dynamodb = TimedClient(lambda session, config: session.client("dynamodb", config=config)) if table else None

    def store(record: Record) -> None:
        if dynamodb is None or table is None or record.outcome is Outcome.REJECTED:
            return
        item: dict[str, Any] = {
            TABLE_KEY: {"S": record.request_id},
            TABLE_EXPIRY: {"N": str(int(time.time()) + RETENTION)},
            "outcome": {"S": record.outcome.value},
            "record": {"S": as_json(record, ITEM_LIMIT)},
        }
        with dynamodb.call(record) as client:
            client.put_item(TableName=table.name, Item=item, ConditionExpression=f"attribute_not_exists({TABLE_KEY})")
        logger.debug("record stored", extra={"stage": "store", "request_id": record.request_id, "store": table.kind})

    return store
