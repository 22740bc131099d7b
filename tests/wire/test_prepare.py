"""``prepare`` in the whole chain: what it is given, what becomes of what it makes, and that it keeps nobody waiting.

Its functions are those of ``tests/wire/prepared.py``. The matrix of endings has its failures in every format.
"""

import json
from collections.abc import Iterator
from typing import Any, Final

import pytest

from local.bedrock.script import Cut, Fragment, Hang, Stop
from tests.formats import LINES, RAW, SSE, WHOLE
from tests.wire.chain import Script, Seen
from tests.wire.endings_table import GOOD, VALUE
from tests.wire.prepared import SECRET
from tests.wire.test_sandboxes import Room, exits

PREPARED: Final = {"prepare": "tests.wire.prepared:prepare", "request": "tests.wire.prepared:Request"}
WATCHED: Final = {**PREPARED, "stages": "tests.wire.prepared:watch", "max_attempts": "2"}
LONGEST_MS: Final = 60_000


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


def line(seen: Seen, member: str) -> dict[str, Any]:
    """Return the line that own code has written with this member."""
    [found] = [line for line in seen.output if member in line]
    return found


def question(room: Room, habit: str, accept: str = WHOLE) -> Seen:
    return room.chain.ask(GOOD, accept, {"prompt": f"Why?: {habit}"})


def check_goes_on(room: Room) -> None:
    """The same sandbox answers the next request, and nothing of what was before is anywhere."""
    after = question(room, "text")
    assert (after.status, after.document, after.log["outcome"]) == (200, VALUE, "completed")
    assert room.chain.twin.function.sandboxes_started == 1
    written = [moment.about for moment in room.chain.twin.journal.moments() if moment.what == "output"]
    assert SECRET not in "\n".join(written)


@pytest.mark.parametrize("room", [WATCHED], indirect=True)
def test_prepare_makes_the_prompt_once_and_it_is_gone_before_the_stages(room: Room) -> None:
    """Two attempts share it; a request that fails in the middle lets go of it too."""
    wrong: Script = [Fragment('{"summary": 5,'), Hang()]
    room.chain.bedrock.play(wrong, GOOD)
    seen = room.chain.ask(None, LINES, {"prompt": "Why?: tell"})
    assert seen.events[-1]["value"] == VALUE
    assert [call.prompt.split("\n")[0] for call in seen.calls] == 2 * ["Why?: tell"]
    told = line(seen, "left")
    assert (told["caller"], told["id"], told["route"]) == ("none", seen.headers["x-request-id"], "stream")
    assert 0 < told["left"] <= 120
    watched = line(seen, "kept")
    assert (watched["kept"], watched["made"], watched["phase"]) == (0, 1, None)
    assert 0 <= seen.log["prepare_ms"] == watched["prepare"] <= LONGEST_MS
    assert seen.log["metadata"] == {"tenant": "t1"}
    assert "phase" not in seen.log
    record = json.loads(room.records.stored[-1]["Item"]["record"]["S"])
    assert record["timings"]["prepare"] == seen.log["prepare_ms"]

    failed = room.chain.ask([*GOOD[:2], Cut()], LINES, {"prompt": "Why?"})
    watched = line(failed, "kept")
    assert (watched["kept"], watched["made"], watched["phase"]) == (0, 2, "answer")
    assert failed.log["phase"] == "answer"


MISTAKES: Final = {
    "fail": ["Internal", "Own"],
    "leave": ["Internal", "SystemExit"],
    "interrupt": ["Internal", "KeyboardInterrupt"],
    "cancel": ["Internal", "CancelledError"],
    "nothing": ["PromptInvalid"],
    "number": ["PromptInvalid"],
    "generator": ["PromptInvalid"],
    "blank": ["PromptInvalid"],
}


@pytest.mark.parametrize("room", [PREPARED], indirect=True)
def test_what_prepare_does_wrong_is_an_error_of_the_operator(room: Room) -> None:
    """It has a status of its own, an alarm, and a word in the log; the model is not called."""
    for habit, causes in MISTAKES.items():
        seen = question(room, habit, RAW)
        assert (seen.status, seen.problem["code"], len(seen.calls)) == (500, "internal", 0)
        assert "retry-after" not in seen.headers
        log = seen.log
        assert (log["level"], log["outcome"], log["phase"], log["attempts"]) == ("ERROR", "failed", "prepare", 0)
        assert [cause["type"] for cause in log["causes"]] == causes
        assert log.get("prompt_error") == {"blank": "blank_text"}.get(
            habit, "wrong_type" if causes == ["PromptInvalid"] else None
        )
        assert seen.metric["NotCompleted"] == [1]
    check_goes_on(room)


@pytest.mark.parametrize("room", [PREPARED], indirect=True)
def test_a_refusal_is_the_clients_business_and_its_words_are_for_the_client_alone(room: Room) -> None:
    seen = question(room, "refuse_for_now", RAW)
    assert (seen.status, seen.headers["retry-after"], seen.calls) == (429, "60", [])
    assert {name: seen.problem[name] for name in ("type", "title", "status", "code", "detail")} == {
        "type": "urn:streaming-llm:problem:too_many_questions",
        "title": f"Later, say the {SECRET}.",
        "status": 429,
        "code": "too_many_questions",
        "detail": SECRET,
    }
    log = seen.log
    assert (log["level"], log["outcome"], log["error.type"]) == ("WARNING", "rejected", "too_many_questions")
    assert (log["phase"], log["attempts"], seen.metric["NotCompleted"]) == ("prepare", 0, [0])
    assert (room.records.stored, room.records.published) == ([], [])
    check_goes_on(room)


@pytest.mark.parametrize("room", [PREPARED], indirect=True)
def test_phase_says_how_far_a_request_came(room: Room) -> None:
    rejected = room.chain.ask(GOOD, WHOLE, {"question": 5})
    invalid = room.chain.ask([Stop("refusal")], WHOLE, {"prompt": "Why?"})
    unread = room.chain.ask([Cut()], WHOLE, {"prompt": "Why?"})
    assert [seen.log["phase"] for seen in (rejected, invalid, unread)] == ["request", "answer", "model"]
    assert "prepare_ms" not in rejected.log


SHORT: Final = {**PREPARED, "timeout": 2.5}


@pytest.mark.parametrize("room", [SHORT], indirect=True)
@pytest.mark.parametrize("accept", [WHOLE, SSE])
def test_a_prepare_that_does_not_come_back_meets_the_deadline_and_ends_the_sandbox(room: Room, accept: str) -> None:
    """The client is answered in time, the stages run, and the next request has another sandbox."""
    seen = question(room, "sleep", accept)
    assert (seen.status, seen.problem["code"], seen.calls) == (504, "deadline_reached", [])
    assert (seen.log["outcome"], seen.log["phase"], seen.log["attempts"]) == ("deadline", "prepare", 0)
    assert [item["Item"]["outcome"]["S"] for item in room.records.stored] == ["deadline"]
    assert exits(seen) == ["1"]
    lines = [moment.about for moment in seen.moments if moment.what == "output" and "[CRITICAL]" in moment.about]
    ended = "prepare tests.wire.prepared:prepare of request {} still runs; the process ends"
    assert [each.rpartition("\t")[2] for each in lines] == [ended.format(seen.headers["x-request-id"])]
    after = question(room, "text")
    assert (after.status, after.document) == (200, VALUE)
