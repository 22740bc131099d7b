"""The user's code does not come back, and the request has its ending in time: stages, log line and all."""

import os
import signal
from collections.abc import Iterator

import pytest

from local.bedrock.script import Hang, Stop, fragments
from local.client import End
from tests.formats import LINES, RAW, WHOLE
from tests.wire.chain import Script, Seen
from tests.wire.stubborn import HABITS
from tests.wire.test_sandboxes import Room, exits

TIMEOUT = 2.5
"""Seconds of the function; 2 of them are the answer's."""
BREAKABLE = [habit for habit in HABITS if habit not in {"swallow_signal", "end_child"}]


def answer(summary: str) -> Script:
    return [*fragments(f'{{"summary": "{summary}", "keywords": ["k"]}}', 4), Stop("end_turn")]


@pytest.fixture(scope="module")
def lasting_room() -> Iterator[Room]:
    room = Room(timeout=TIMEOUT, schema="tests.wire.faulty:Answer", request="tests.wire.faulty:Request")
    yield room
    room.close()


@pytest.fixture
def room(lasting_room: Room) -> Room:
    lasting_room.chain.ask(answer("well"), WHOLE)
    lasting_room.records.clear()
    return lasting_room


def check_deadline(room: Room, seen: Seen) -> None:
    """The log line, the metric, the record and the message are there, and the sandbox answers the next request."""
    assert (seen.log["outcome"], seen.log["error.type"]) == ("deadline", "deadline_reached")
    assert seen.metric["NotCompleted"] == [1]
    assert [item["Item"]["outcome"]["S"] for item in room.records.stored] == ["deadline"]
    started = room.chain.twin.function.sandboxes_started
    after = room.chain.ask(answer("well"), WHOLE)
    assert after.document == {"summary": "well", "keywords": ["k"]}
    assert room.chain.twin.function.sandboxes_started == started


@pytest.mark.parametrize("habit", BREAKABLE)
def test_a_validator_that_does_not_come_back_meets_the_deadline(room: Room, habit: str) -> None:
    seen = room.chain.ask(answer(habit), LINES)
    assert (seen.status, seen.events[0]["type"], seen.events[-1]["type"]) == (200, "start", "error")
    assert seen.events[-1]["problem"]["code"] == "deadline_reached"
    check_deadline(room, seen)


@pytest.mark.parametrize("accept", [RAW, WHOLE])
def test_the_deadline_in_a_validator_is_a_cut_or_a_status(room: Room, accept: str) -> None:
    seen = room.chain.ask(answer("sleep"), accept)
    if accept == RAW:
        assert (seen.status, seen.end) == (200, End.CUT)
    else:
        assert (seen.status, seen.problem["code"]) == (504, "deadline_reached")
    check_deadline(room, seen)


def test_a_serializer_meets_the_deadline_too(room: Room) -> None:
    seen = room.chain.ask(answer("late swallow"), LINES)
    assert seen.events[-1]["problem"]["code"] == "deadline_reached"
    check_deadline(room, seen)


@pytest.mark.parametrize(("habit", "accept"), [("sleep", RAW), ("insist", LINES)])
def test_a_request_class_that_does_not_come_back_is_answered_in_time(room: Room, habit: str, accept: str) -> None:
    seen = room.chain.ask([Hang()], accept, {"prompt": habit})
    assert (seen.status, seen.problem["code"], seen.calls) == (504, "deadline_reached", [])
    check_deadline(room, seen)


@pytest.mark.parametrize("place", ["request", "answer"])
def test_a_signal_that_the_code_swallows_ends_the_sandbox_all_the_same(room: Room, place: str) -> None:
    """The code ends long before the timer would break into it: what it swallowed was the signal."""
    [process] = room.chain.twin.function.processes
    room.chain.on_output = lambda line: os.kill(process, signal.SIGTERM) if line == "asleep" else None
    prompt, summary = ("swallow_signal", "well") if place == "request" else ("Why?", "swallow_signal")
    seen = room.chain.ask(answer(summary), LINES, {"prompt": prompt})
    room.chain.on_output = lambda _: None
    assert exits(seen) == ["0"]
    assert not any(event["type"] == "complete" for event in seen.events)
    if place == "answer":
        assert (seen.log["outcome"], len(room.records.stored)) == ("cancelled", 1)


def test_a_signal_to_a_process_that_the_code_has_forked_is_not_the_functions(room: Room) -> None:
    """The other process has the client's connection too: ending it must not disconnect the client."""
    seen = room.chain.ask(answer("end_child"), LINES)
    assert (seen.status, seen.end, seen.events[-1]["type"]) == (200, End.CLEAN, "complete")
    assert (seen.log["outcome"], len(room.records.stored)) == ("completed", 1)
