"""Async own code in the whole chain: one loop for all requests, and nothing that one of them leaves reaches another.

Its functions are those of ``tests/wire/asynchronous.py``.
"""

import re
from collections.abc import Iterator
from contextlib import closing
from typing import Any, Final

import pytest

from local.http11.server import Exchange, Server
from tests.formats import LINES, WHOLE
from tests.wire.chain import Seen
from tests.wire.endings_table import GOOD, VALUE
from tests.wire.prepared import SECRET
from tests.wire.test_sandboxes import Room, check_leaves_nothing, exits

ASYNC: Final[dict[str, Any]] = {"prepare": "tests.wire.asynchronous:prepare", "request": "tests.wire.prepared:Request"}
SHORT: Final = {**ASYNC, "timeout": 2.5}
REQUESTS: Final = 100
FAILED: Final = re.compile(r"stage (\S+) of request (\S+) failed: (\S+) after (\d+) ms")


def references(*names: str) -> str:
    return ",".join(f"tests.wire.asynchronous:{name}" for name in names)


@pytest.fixture(scope="module")
def room(request: pytest.FixtureRequest) -> Iterator[Room]:
    """A chain with the settings of the test, which tests in a row share."""
    room = Room(**request.param)
    yield room
    room.close()


def question(room: Room, habit: str, accept: str = WHOLE) -> Seen:
    return room.chain.ask(GOOD, accept, {"prompt": f"Why?: {habit}"})


def output(seen: Seen) -> list[str]:
    return [moment.about for moment in seen.moments if moment.what == "output"]


def critical(seen: Seen) -> list[str]:
    return [line.rpartition("\t")[2] for line in output(seen) if "[CRITICAL]" in line]


def check_goes_on(room: Room, *, fresh: bool = False) -> None:
    """Check that the same sandbox or a fresh one answers the next request, and that the log has no word of own code."""
    started = room.chain.twin.function.sandboxes_started
    after = question(room, "tell")
    assert (after.status, after.document, after.log["outcome"]) == (200, VALUE, "completed")
    assert [line["id"] for line in after.output if "id" in line] == [after.headers["x-request-id"]]
    assert room.chain.twin.function.sandboxes_started == started + fresh
    written = [moment.about for moment in room.chain.twin.journal.moments() if moment.what == "output"]
    assert SECRET not in "\n".join(written)


def test_a_client_that_is_made_once_keeps_its_connection_for_a_hundred_requests() -> None:
    """All of them run on one loop: on another one the connection could not be read."""
    clients: list[object] = []

    def respond(exchange: Exchange) -> None:
        clients.append(exchange.client_address)
        exchange.send(204, [], b"")

    with Server(respond) as peer, closing(Room(**ASYNC, PEER_PORT=str(peer.port))) as room:
        statuses = {question(room, "fetch").status for _ in range(REQUESTS)}
        assert statuses == {200}
        assert room.chain.twin.function.sandboxes_started == 1
    assert (len(clients), len(set(clients))) == (REQUESTS, 1)


MISTAKES: Final = {
    "fail": (500, ["Internal", "Own"]),
    "leave": (500, ["Internal", "SystemExit"]),
    "interrupt": (500, ["Internal", "KeyboardInterrupt"]),
    "cancel": (500, ["Internal", "CancelledError"]),
    "number": (500, ["PromptInvalid"]),
    "refuse": (423, ["RequestRefused"]),
}


@pytest.mark.parametrize("room", [ASYNC], indirect=True)
def test_what_an_async_prepare_raises_and_leaves_behind_stays_with_its_request(room: Room) -> None:
    for habit, (status, causes) in MISTAKES.items():
        seen = question(room, habit)
        assert (seen.status, len(seen.calls), seen.log["phase"]) == (status, 0, "prepare")
        assert [cause["type"] for cause in seen.log["causes"]] == causes
    left = question(room, "leave_tasks")
    assert left.status == 200
    assert [line for line in left.output if "lingered" in line]
    check_goes_on(room)


@pytest.mark.parametrize("room", [SHORT], indirect=True)
def test_an_async_prepare_is_cancelled_at_the_deadline_and_can_clean_up(room: Room) -> None:
    """The sandbox lives on."""
    seen = question(room, "wait", LINES)
    assert (seen.status, seen.problem["code"], seen.calls) == (504, "deadline_reached", [])
    assert [line for line in seen.output if "cleaned" in line]
    check_goes_on(room)


@pytest.mark.parametrize("room", [SHORT], indirect=True)
@pytest.mark.parametrize("habit", ["insist", "block"])
def test_an_async_prepare_that_does_not_end_ends_the_sandbox(room: Room, habit: str) -> None:
    """The client is answered in time all the same."""
    seen = question(room, habit)
    assert (seen.status, seen.problem["code"], seen.log["phase"]) == (504, "deadline_reached", "prepare")
    assert exits(seen) == ["1"]
    name = "prepare tests.wire.asynchronous:prepare"
    assert critical(seen) == [f"{name} of request {seen.headers['x-request-id']} still runs; the process ends"]
    check_goes_on(room, fresh=True)


LATE: Final = {
    "stages": f"{references('fail_late', 'leave_late', 'cancel_late', 'sleep_late', 'span')},tests.wire.staged:last",
    "stage_timeout": "2",
}


@pytest.mark.parametrize("room", [LATE], indirect=True)
def test_an_async_stage_that_fails_or_is_late_is_one_line_and_the_next_one_runs(room: Room) -> None:
    seen = room.chain.ask(GOOD, LINES)
    assert seen.events[-1]["type"] == "complete"
    found = [match for line in output(seen) if (match := FAILED.search(line))]
    assert [(match[1].rpartition(":")[2], match[3]) for match in found] == [
        ("fail_late", "Own"),
        ("leave_late", "SystemExit"),
        ("cancel_late", "CancelledError"),
        ("sleep_late", "late"),
    ]
    [spanned] = [line for line in seen.output if "spanned" in line]
    assert spanned["spanned"] == seen.headers["x-request-id"]
    assert [line for line in seen.output if "last" in line]
    after: dict[str, Any] = room.chain.ask(GOOD, LINES).log
    assert after["outcome"] == "completed"
    assert room.chain.twin.function.sandboxes_started == 1
    assert SECRET not in "\n".join(output(seen))


HANGING: Final = {"stages": references("hang_late"), "stage_timeout": "0.2"}


@pytest.mark.parametrize("room", [HANGING], indirect=True)
def test_an_async_stage_that_keeps_the_loop_ends_the_sandbox(room: Room) -> None:
    seen = room.chain.ask(GOOD, LINES)
    assert seen.events[-1]["type"] == "complete"
    assert exits(seen) == ["1"]
    name = "stage tests.wire.asynchronous:hang_late"
    assert critical(seen) == [f"{name} of request {seen.headers['x-request-id']} still runs; the process ends"]


WEIGHED: Final = {
    "prepare": "tests.wire.asynchronous:pass_on",
    "stages": references("fail_late", "leave_late", "sleep_late", "span"),
    "stage_timeout": "0.05",
    "request": "tests.wire.weighed.weighing:Request",
    "store": "none",
    "sink": "log",
}


@pytest.mark.parametrize("room", [WEIGHED], indirect=True)
def test_async_own_code_leaves_nothing_in_the_sandbox(room: Room) -> None:
    check_leaves_nothing(room)
