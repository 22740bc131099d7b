"""The tables of the documents are those of the code."""

import json
import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from function.aws.stages.log import log_stage
from function.aws.stages.publish import FIREHOSE_LIMIT
from function.aws.stages.store import ITEM_LIMIT
from function.contract import MESSAGE_LIMIT, Outcome
from function.stream.errors import AnswerInvalid, StreamError, as_stream_error
from function.stream.record import Record
from tests.aws.stages.records import Written, record
from tests.wire.endings_table import ENDINGS, Ending

DOCS = Path(__file__).resolve().parent.parent / "docs"


def rows(document: str) -> list[list[str]]:
    """Return the cells of every row of the document's tables, headings aside."""
    lines = [line for line in (DOCS / document).read_text().splitlines() if line.startswith("|")]
    rulers = {number for number, line in enumerate(lines) if not set(line) - set("|-: ")}
    kept = [line for number, line in enumerate(lines) if not {number, number + 1} & rulers]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in kept]


def test_every_ending_is_documented() -> None:
    """A row of the matrix is a row of the table, in its order."""
    assert [row[0] for row in rows("endings.md") if len(row) == 7] == [ending.what for ending in ENDINGS]


@pytest.mark.parametrize("ending", ENDINGS, ids=lambda ending: ending.what)
def test_an_ending_is_documented_as_the_matrix_has_it(ending: Ending) -> None:
    [row] = [row for row in rows("endings.md") if row[0] == ending.what]
    _, before, after, told, not_completed, stored, published = row

    assert told == f"`{ending.outcome}`, {ending.level}"
    assert not_completed == str(ending.not_completed)
    assert stored == ("no" if ending.outcome is Outcome.REJECTED else "yes")
    assert published.startswith("by default") is (ending.outcome is Outcome.COMPLETED)
    if ending.refusal is not None:
        assert (before, "its code" in after) == ("the status that it names, 403 by default", True)
    elif ending.error is not None:
        assert before == str(ending.error.status)
        assert ending.code is None or not after.strip("\u2013") or f"`{ending.code}`" in after


RECORDS = (DOCS / "records.md").read_text()


@pytest.mark.parametrize("error", [None, AnswerInvalid("/summary", "string_type"), as_stream_error(ValueError())])
def test_every_member_of_the_log_line_and_every_metric_is_described(
    error: StreamError | None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("_X_AMZN_TRACE_ID", "Root=1-2-3")
    written = Written()
    log_stage(written.logger, "f")(record(error=error))
    [line] = written.lines
    metrics = json.loads(capsys.readouterr().out)["_aws"]["CloudWatchMetrics"][0]["Metrics"]
    described = set(re.findall(r"`([^`\n]+)`", RECORDS))

    assert {name for name in line if not name.startswith("gen_ai.")} - {"stage"} <= described
    assert {metric["Name"] for metric in metrics} <= described


def names(value: Any) -> Iterator[str]:
    """Yield the names of all members, those inside others too."""
    for name, inner in value.items() if isinstance(value, dict) else ():
        yield name
        yield from names(inner)


def test_the_message_is_the_documented_one() -> None:
    made = record(capture_content=True, answer={"summary": "", "keywords": []})
    [example] = re.findall(r"^```json\n(.*?)^```", RECORDS, re.MULTILINE | re.DOTALL)

    assert list(names(made.message())) == list(names(json.loads(example)))


def test_every_member_of_a_record_is_described_once() -> None:
    described = [name for row in rows("stages.md") for name in re.findall(r"`(\w+)(?:\(\))?`", row[0])]
    members = [field.name for field in fields(Record) if not field.name.startswith("_")]
    assert sorted(described) == sorted([*members, "message"])


def test_the_limits_of_a_message_are_the_documented_ones() -> None:
    limits = {row[0]: row[1] for row in rows("records.md") if len(row) == 3}

    assert limits["DynamoDB"] == f"{ITEM_LIMIT:,} bytes"
    assert {limits[sink] for sink in ("SNS", "EventBridge", "log")} == {f"{MESSAGE_LIMIT // 1024} KB"}
    assert limits["Firehose"] == f"{(FIREHOSE_LIMIT + 1) // 1024:,} KB less one byte"
