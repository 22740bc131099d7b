"""Own stages in the whole chain: what they receive, and that none of them keeps the others or the sandbox busy.

They are the functions of ``tests/wire/staged.py``.
"""

import base64
import hashlib
import json
import os
import re
import signal
from collections.abc import Iterator
from typing import Any

import pytest

from local.bedrock.script import Cut, Fragment, Hang, Stop
from tests.formats import LINES, RAW, SSE, WHOLE
from tests.wire.chain import Seen
from tests.wire.endings_table import CANARY, EVERY_OUTCOME, GOOD, PROMPT
from tests.wire.staged import SECRET
from tests.wire.test_sandboxes import Room, check_leaves_nothing, exits

FAILED = re.compile(r"stage (\S+) of request (\S+) failed: (\S+) after (\d+) ms")


def references(*names: str) -> str:
    return ",".join(f"tests.wire.staged:{name}" for name in names)


@pytest.fixture(scope="module")
def room(request: pytest.FixtureRequest) -> Iterator[Room]:
    """A chain with the settings of the test, which tests in a row share."""
    room = Room(**request.param)
    yield room
    room.close()


@pytest.fixture(autouse=True)
def no_records(room: Room) -> None:
    """Forget what the test before has led to."""
    room.records.clear()


def told(seen: Seen) -> dict[str, Any]:
    [line] = [line for line in seen.output if "told" in line]
    return line


def failures(seen: Seen) -> list[tuple[str, str]]:
    """Return name and type of the stages that failed, in order; each has one line."""
    lines = [moment.about for moment in seen.moments if moment.what == "output"]
    found = [match for line in lines if (match := FAILED.search(line))]
    assert {match[2] for match in found} <= {seen.headers["x-request-id"]}
    assert SECRET not in "\n".join(lines)
    return [(match[1].rpartition(":")[2], match[3]) for match in found]


def check_goes_on(room: Room, seen: Seen) -> None:
    """The last stage has run, and the same sandbox answers the next request."""
    assert any("last" in line for line in seen.output)
    after = room.chain.ask(GOOD, WHOLE)
    assert after.status == 200
    assert room.chain.twin.function.sandboxes_started == 1


TELLING = {"stages": references("tell"), "publish_outcomes": EVERY_OUTCOME}


@pytest.mark.parametrize("room", [TELLING], indirect=True)
def test_a_stage_receives_what_store_and_publish_send(room: Room) -> None:
    """For every outcome; a rejected request is neither stored nor published, and the stage receives it."""
    completed = room.chain.ask(GOOD, LINES)
    invalid = room.chain.ask([Fragment('{"summary": 5,'), Hang()], WHOLE)
    truncated = room.chain.ask([*GOOD[:2], Stop("max_tokens")], RAW)
    rejected = room.chain.ask([Hang()], WHOLE, {"prompt": 5})
    lines = [told(seen) for seen in (completed, invalid, truncated, rejected)]

    assert [line["outcome"] for line in lines] == ["completed", "invalid", "truncated", "rejected"]
    assert [line["status"] for line in lines] == [200, 502, 200, 422]
    assert [line["error"] for line in lines] == [
        [None, None, None],
        ["answer_invalid", "/summary", "string_type"],
        ["answer_truncated", None, None],
        ["body_invalid", None, None],
    ]
    messages = [line["told"] for line in lines[:3]]
    assert messages == [json.loads(item["Item"]["record"]["S"]) for item in room.records.stored]
    assert messages == [json.loads(message["Message"]) for message in room.records.published]
    assert [line["id"] for line in lines] == [line["told"]["id"] for line in lines]
    assert all(line["ends_in_order"] for line in lines)


@pytest.mark.parametrize("room", [TELLING], indirect=True)
def test_a_stage_knows_the_caller_and_the_traces(room: Room) -> None:
    traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    seen = room.chain.ask(GOOD, LINES, headers={"traceparent": traceparent})
    assert told(seen)["caller"] == ["none", "127.0.0.1"]
    assert told(seen)["traces"] == [traceparent, seen.log["xray_trace_id"]]
    assert told(seen)["traces"][1] in seen.headers["x-amzn-trace-id"]
    assert told(room.chain.ask(GOOD, LINES, headers={"traceparent": "01"}))["traces"][0] is None


@pytest.mark.parametrize("room", [TELLING], indirect=True)
def test_own_stages_come_last_and_after_the_response(room: Room) -> None:
    seen = room.chain.ask(GOOD, LINES)
    outputs = [moment.about for moment in seen.moments if moment.what == "output"]
    at = [next(place for place, line in enumerate(outputs) if word in line) for word in ('"stage":"publish"', '"told"')]
    assert at == sorted(at)


@pytest.mark.parametrize("room", [{**TELLING, "timeout": 4.0, "stage_timeout": "1"}], indirect=True)
def test_a_stage_receives_the_other_outcomes_too(room: Room) -> None:
    """The deadline and a signal to end leave own stages their time."""
    refused = room.chain.ask([Stop("refusal")], WHOLE)
    failed = room.chain.ask([*GOOD[:2], Cut()], LINES)
    deadline = room.chain.ask([*GOOD[:2], Hang()], SSE)
    stored = [json.loads(item["Item"]["record"]["S"]) for item in room.records.stored]
    cancelled = room.interrupted(LINES, lambda: os.kill(room.process, signal.SIGTERM))
    stored += [json.loads(item["Item"]["record"]["S"]) for item in room.records.stored]
    lines = [told(seen) for seen in (refused, failed, deadline, cancelled)]

    assert [line["outcome"] for line in lines] == ["refused", "failed", "deadline", "cancelled"]
    assert [line["error"][0] for line in lines] == ["answer_refused", "model_failed", "deadline_reached", None]
    assert [line["told"] for line in lines] == stored
    assert exits(cancelled) == ["0"]


FILE = b"a,b\n1,2\n" + 1_000 * b"c"
CONVERSATION = [
    {"role": "user", "content": "One?"},
    {"role": "assistant", "content": {"summary": "1"}},
    {
        "role": "user",
        "content": [
            {"type": "document", "mediaType": "text/csv", "data": base64.b64encode(FILE).decode()},
            {"type": "text", "text": "And two?"},
        ],
    },
]


@pytest.mark.parametrize("room", [{**TELLING, "capture_content": "true"}], indirect=True)
def test_a_conversation_is_recorded_without_the_data_of_its_files(room: Room) -> None:
    """In the log, in the store, in the sink and for own stages."""
    seen = room.chain.ask(GOOD, LINES, {"messages": CONVERSATION})
    message = told(seen)["told"]
    digest = hashlib.sha256(FILE).hexdigest()
    document = {"type": "document", "mediaType": "text/csv", "bytes": len(FILE), "sha256": digest}
    assert message["content"] == {
        "prompt": "And two?",
        "messages": [
            {"role": "user", "content": "One?"},
            {"role": "assistant", "content": '{"summary":"1"}'},
            {"role": "user", "content": [document, {"type": "text", "text": "And two?"}]},
        ],
        "answer": seen.events[-1]["value"],
    }
    assert json.loads(room.records.stored[0]["Item"]["record"]["S"]) == message
    assert json.loads(room.records.published[0]["Message"]) == message
    written = "".join(moment.about for moment in seen.moments if moment.what == "output").encode()
    for data in (FILE, base64.b64encode(FILE)):
        assert data[:40] not in written
        assert data[:40] not in room.records.raw


MISBEHAVING = ["fail", "leave", "interrupt", "cancel", "change", "change_inside", "print_much"]


@pytest.mark.parametrize("room", [{"stages": references(*MISBEHAVING, "last"), "stage_timeout": "10"}], indirect=True)
def test_a_stage_that_raises_anything_is_one_line_and_the_next_one_runs(room: Room) -> None:
    seen = room.chain.ask(GOOD, LINES)
    assert seen.events[-1]["type"] == "complete"
    assert failures(seen) == [
        ("fail", "Own"),
        ("leave", "SystemExit"),
        ("interrupt", "KeyboardInterrupt"),
        ("cancel", "CancelledError"),
        ("change", "FrozenInstanceError"),
        ("change_inside", "TypeError"),
    ]
    check_goes_on(room, seen)


LATE = ["sleep", "work", "swallow", "swallow_and_sleep", "return_much", "wait_briefly", "last"]


@pytest.mark.parametrize("room", [{"stages": references(*LATE), "stage_timeout": "2"}], indirect=True)
def test_a_stage_that_does_not_come_back_is_late_and_the_next_one_runs(room: Room) -> None:
    """What it returns is ignored, whatever that is."""
    seen = room.chain.ask(GOOD, LINES)
    assert failures(seen) == [(name, "late") for name in LATE[:4]]
    check_goes_on(room, seen)


@pytest.mark.parametrize("room", [{"stages": references("wait_in_c"), "stage_timeout": "0.2"}], indirect=True)
def test_a_stage_that_nothing_can_break_off_ends_the_sandbox(room: Room) -> None:
    """The client and the store have everything by then, and the next request finds another sandbox."""
    seen = room.chain.ask(GOOD, LINES)
    assert seen.events[-1]["type"] == "complete"
    assert len(room.records.stored) == 1
    assert exits(seen) == ["1"]
    lines = [moment.about for moment in seen.moments if moment.what == "output"]
    ended = "stage tests.wire.staged:wait_in_c of request {} still runs; the process ends"
    assert [line.rpartition("\t")[2] for line in lines if "[CRITICAL]" in line] == [
        ended.format(seen.headers["x-request-id"])
    ]
    assert not [line for line in lines if "Thread 0x" in line]


SHOWING = {"stages": references("tell"), "stage_content": "true", "publish_outcomes": EVERY_OUTCOME}


@pytest.mark.parametrize("room", [SHOWING], indirect=True)
def test_own_stages_see_content_that_log_store_and_sink_do_not(room: Room) -> None:
    completed = room.chain.ask(GOOD, LINES, {"prompt": PROMPT})
    cut = room.chain.ask([*GOOD[:2], Stop("max_tokens")], RAW, {"prompt": PROMPT})
    assert [told(seen)["answer"] for seen in (completed, cut)] == ["mappingproxy", "str"]
    assert {told(seen)["prompt"] for seen in (completed, cut)} == {hashlib.sha256(PROMPT.encode()).hexdigest()}
    assert all("content" not in told(seen)["told"] for seen in (completed, cut))
    written = "\n".join(moment.about for moment in room.chain.twin.journal.moments() if moment.what == "output")
    for words in (CANARY, PROMPT):
        assert words not in written
        assert words.encode() not in room.records.raw


WEIGHED = {
    "stages": references("fail", "leave", "sleep", "tell"),
    "stage_timeout": "0.05",
    "stage_content": "true",
    "request": "tests.wire.weighed.weighing:Request",
    "store": "none",
    "sink": "log",
}


@pytest.mark.parametrize("room", [WEIGHED], indirect=True)
def test_own_stages_leave_nothing_in_the_sandbox(room: Room) -> None:
    check_leaves_nothing(room)
