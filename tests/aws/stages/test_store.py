"""The record in DynamoDB, and nowhere."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from function.aws.stages.client import CallRefused, NoTimeLeft
from function.aws.stages.store import ITEM_LIMIT, store_stage
from function.contract import Destination, Outcome
from function.stream.message import as_json
from function.stream.record import PromptContent
from tests.aws.stages.emulated import Table
from tests.aws.stages.records import CANARY, Written, record

ITEM_CAP = 400 * 1024


@pytest.fixture
def table(aws: None) -> Iterator[Table]:  # noqa: ARG001 - the environment
    made = Table()
    yield made
    made.client.close()


@pytest.mark.parametrize("outcome", list(Outcome))
def test_without_a_store_nothing_is_stored_and_no_line_says_so(outcome: Outcome) -> None:
    written = Written()
    store_stage(None, written.logger)(record(outcome))

    assert written.lines == []


def test_a_request_can_be_looked_up_by_its_id(table: Table) -> None:
    made = record()
    written = Written()
    store_stage(table.target, written.logger)(made)
    item = table.get("req-1")

    assert json.loads(item["record"]["S"]) == made.message()
    assert item["outcome"] == {"S": "completed"}
    assert [(line["message"], line["store"]) for line in written.lines] == [("record stored", "dynamodb")]


def test_an_item_expires_after_thirty_days(table: Table) -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    store_stage(table.target, Written().logger)(record())
    expires = datetime.fromtimestamp(int(table.get("req-1")["expires"]["N"]), UTC)

    assert before + timedelta(days=30) <= expires <= datetime.now(UTC) + timedelta(days=30)


def test_a_record_is_never_overwritten(table: Table) -> None:
    """The first one stands; the second is a failed stage, which is logged and goes no further."""
    store = store_stage(table.target, Written().logger)
    store(record())
    second = record(Outcome.CANCELLED)

    with pytest.raises(CallRefused, match="ConditionalCheckFailedException"):
        store(second)
    assert table.get("req-1")["outcome"] == {"S": "completed"}


@pytest.mark.parametrize("character", ["x", "ü", "🙂"])
def test_an_item_stays_within_the_cap(table: Table, character: str) -> None:
    """Content that does not fit is left out, and the item says so."""
    long = character * (ITEM_CAP // len(character.encode()))
    store_stage(table.target, Written().logger)(record(capture_content=True, prompt=PromptContent(long)))
    stored = json.loads(table.get("req-1")["record"]["S"])

    assert stored["content"] is None
    assert stored["contentOmitted"] is True


def test_an_item_just_below_the_limit_is_kept_whole(table: Table) -> None:
    empty = as_json(record(capture_content=True, prompt=PromptContent("")), ITEM_LIMIT)
    prompt = "x" * (ITEM_LIMIT - len(empty.encode()))
    store_stage(table.target, Written().logger)(record(capture_content=True, prompt=PromptContent(prompt)))

    assert json.loads(table.get("req-1")["record"]["S"])["content"]["prompt"] == prompt


def test_a_rejected_request_is_not_stored(table: Table) -> None:
    written = Written()
    store_stage(table.target, written.logger)(record(Outcome.REJECTED))

    assert written.lines == []
    assert table.count() == 0


def test_content_is_stored_only_where_it_is_captured(table: Table) -> None:
    store = store_stage(table.target, Written().logger)
    store(record())
    store(record(capture_content=True, id="req-2"))

    assert CANARY not in json.dumps(table.get("req-1"))
    assert CANARY in json.dumps(table.get("req-2"))


@pytest.mark.usefixtures("aws")
def test_a_table_that_is_not_there_is_a_failed_stage() -> None:
    with pytest.raises(CallRefused, match="ResourceNotFoundException"):
        store_stage(Destination("dynamodb", "nowhere"), Written().logger)(record())


def test_a_call_that_would_outlive_the_sandbox_is_not_made(table: Table) -> None:
    with pytest.raises(NoTimeLeft):
        store_stage(table.target, Written().logger)(record(time_limit=0.1, elapsed=lambda: 0))

    assert table.count() == 0
