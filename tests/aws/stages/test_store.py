"""The record in DynamoDB, and nowhere."""

import json
import time
from collections.abc import Iterator

import pytest

from function.aws.stages.client import CallRefused, NoTimeLeft
from function.aws.stages.message import as_message
from function.aws.stages.store import ITEM_LIMIT, RETENTION, store_stage
from function.contract import Destination, Outcome
from tests.aws.stages.emulated import Table
from tests.aws.stages.records import CANARY, Written, record

ITEM_CAP = 400 * 1024


@pytest.fixture
def table(aws: None) -> Iterator[Table]:  # noqa: ARG001 - the environment
    made = Table()
    yield made
    made.client.close()


def test_without_a_store_the_message_is_made_for_publish() -> None:
    made = record()
    store_stage(None, Written().logger)(made)

    assert made.message == as_message(made)


def test_a_request_can_be_looked_up_by_its_id(table: Table) -> None:
    made = record()
    written = Written()
    store_stage(table.target, written.logger)(made)
    item = table.get("req-1")

    assert json.loads(item["record"]["S"]) == as_message(made)
    assert item["outcome"] == {"S": "completed"}
    assert [line["stage"] for line in written.lines] == ["store"]


def test_an_item_expires(table: Table) -> None:
    before = int(time.time())
    store_stage(table.target, Written().logger)(record())
    expires = int(table.get("req-1")["expires"]["N"])

    assert before + RETENTION <= expires <= int(time.time()) + RETENTION


def test_a_record_is_never_overwritten(table: Table) -> None:
    """The first one stands; the second is a failed stage, which is logged and goes no further."""
    store = store_stage(table.target, Written().logger)
    store(record())
    second = record(Outcome.CANCELLED)

    with pytest.raises(CallRefused, match="ConditionalCheckFailedException"):
        store(second)
    assert table.get("req-1")["outcome"] == {"S": "completed"}
    assert second.message is not None


@pytest.mark.parametrize("character", ["x", "ü", "🙂"])
def test_an_item_stays_within_the_cap(table: Table, character: str) -> None:
    """Content that does not fit is left out, and the item says so."""
    long = character * (ITEM_CAP // len(character.encode()))
    store_stage(table.target, Written().logger)(record(capture_content=True, prompt=long))
    stored = json.loads(table.get("req-1")["record"]["S"])

    assert stored["content"] is None
    assert stored["contentOmitted"] is True


def test_an_item_just_below_the_limit_is_kept_whole(table: Table) -> None:
    made = record(capture_content=True, prompt="")
    room = ITEM_LIMIT - len(json.dumps(as_message(made), ensure_ascii=False, separators=(",", ":")).encode())
    made.prompt = "x" * room
    store_stage(table.target, Written().logger)(made)

    assert json.loads(table.get("req-1")["record"]["S"])["content"]["prompt"] == made.prompt


def test_a_rejected_request_is_not_stored(table: Table) -> None:
    made = record(Outcome.REJECTED)
    store_stage(table.target, Written().logger)(made)

    assert made.message is None
    assert table.count() == 0


def test_content_is_stored_only_where_it_is_captured(table: Table) -> None:
    store = store_stage(table.target, Written().logger)
    store(record())
    store(record(capture_content=True, id="req-2"))

    assert CANARY not in json.dumps(table.get("req-1"))
    assert CANARY in json.dumps(table.get("req-2"))


def test_a_table_that_is_not_there_is_a_failed_stage(aws: None) -> None:  # noqa: ARG001 - the environment
    made = record()
    with pytest.raises(CallRefused, match="ResourceNotFoundException"):
        store_stage(Destination("dynamodb", "nowhere"), Written().logger)(made)

    assert made.message is not None


def test_a_call_that_would_outlive_the_sandbox_is_not_made(table: Table) -> None:
    """The message is still there for publish to try."""
    made = record(seconds_left=lambda: 0.1)
    with pytest.raises(NoTimeLeft):
        store_stage(table.target, Written().logger)(made)

    assert made.message is not None
    assert table.count() == 0
