"""Own code that misbehaves, in every place: client, log and record have an ending, and the next request is answered.

The rows are those of the documentation (``docs/own-code.md``).
"""

import json
import re
from collections.abc import Iterator
from typing import Any, Final

import pytest

from function.contract import Outcome
from local.bedrock.script import Stop, fragments
from local.client import End
from tests.formats import LINES
from tests.wire.chain import Script, Seen
from tests.wire.misbehaving import MUCH, SECRET
from tests.wire.misbehaviour_table import ROWS, Place, Result, Row
from tests.wire.test_sandboxes import Room, exits

MODULE: Final = "tests.wire.misbehaving"
CODE: Final = {
    "request": f"{MODULE}:Request",
    "schema": f"{MODULE}:Answer",
    "stages": f"{MODULE}:stage,{MODULE}:last",
    "stage_content": "true",
    "publish_outcomes": "completed,invalid,failed,deadline",
}
SECONDS: Final = (3.0, 0.5)
"""The function's timeout, and the part of it for own stages; of the rest the answer has four fifths."""
MANY_SECONDS: Final = (60.0, 20.0)
"""So that much text has passed, on a busy machine too."""
FAILED: Final = re.compile(r"stage (\S+) of request \S+ failed: (\S+) after \d+ ms")
CASES: Final = [(row, habit, place) for row in ROWS for habit in row.habits for place in Place]


_FUNCTIONS: Final[dict[Place, dict[str, str]]] = {
    Place.PREPARE: {"prepare": f"{MODULE}:prepare"},
    Place.PREPARE_ASYNC: {"prepare": f"{MODULE}:prepare_async"},
    Place.STAGE_ASYNC: {"stages": f"{MODULE}:stage_async,{MODULE}:last"},
}
"""Settings of the places that not every function has."""


class Rooms:
    """A chain for each of the few combinations of settings, made and warmed when the first row needs it."""

    def __init__(self) -> None:
        self._made: dict[tuple[Place | None, bool], Room] = {}

    def of(self, place: Place, habit: str) -> Room:
        key = (place if place in _FUNCTIONS else None, habit == "return_much")
        if key not in self._made:
            seconds, of_stages = MANY_SECONDS if key[1] else SECONDS
            settings: dict[str, Any] = {**CODE, "stage_timeout": str(of_stages), **_FUNCTIONS.get(place, {})}
            self._made[key] = Room(timeout=seconds, **settings)
            ask(self._made[key], Place.REQUEST, "tell")
        self._made[key].records.clear()
        return self._made[key]

    def close(self) -> None:
        for room in self._made.values():
            room.close()


@pytest.fixture(scope="module")
def rooms() -> Iterator[Rooms]:
    rooms = Rooms()
    yield rooms
    rooms.close()


def answer(keyword: str) -> Script:
    return [*fragments(json.dumps({"keywords": [keyword]}), 4), Stop("end_turn")]


def ask(room: Room, place: Place, habit: str) -> Seen:
    text = f"{place.name.lower()}: {habit}"
    words, keyword = ("Why?", text) if place is Place.ANSWER else (text, "well")
    return room.chain.ask(answer(keyword), LINES, {"words": words})


@pytest.mark.parametrize(("row", "habit", "place"), CASES, ids=[f"{habit}-{place.name}" for _, habit, place in CASES])
def test_own_code_that_misbehaves(rooms: Rooms, row: Row, habit: str, place: Place) -> None:
    room = rooms.of(place, habit)
    before = room.chain.twin.function.sandboxes_started

    seen = ask(room, place, habit)
    result = row.results[place]
    _check_client(seen, result)
    _check_log(seen, result)
    _check_stages(room, seen, result)

    after = ask(room, Place.REQUEST, "tell")
    assert (after.status, after.events[-1]["type"], after.log["outcome"]) == (200, "complete", "completed")
    assert [line["left"] for line in after.output if "left" in line] == [row.left]
    assert room.chain.twin.function.sandboxes_started - before == int(result.ends_sandbox)
    assert exits(seen) == (["1"] if result.ends_sandbox else [])


def _check_client(seen: Seen, result: Result) -> None:
    assert seen.end == End.CLEAN
    if result.code is None:
        assert (seen.status, seen.events[-1]["type"]) == (200, "complete")
    else:
        assert seen.problem["code"] == result.code
        assert seen.status == (200 if seen.events[0].get("type") == "start" else seen.problem["status"])


def _check_log(seen: Seen, result: Result) -> None:
    assert seen.log["outcome"] == result.outcome
    assert [cause["type"] for cause in seen.log.get("causes", [])] == list(result.causes)
    assert seen.metric["NotCompleted"] == [int(result.outcome not in {Outcome.COMPLETED, Outcome.REJECTED})]
    assert SECRET not in "".join(moment.about for moment in seen.moments if moment.what == "output")


def _check_stages(room: Room, seen: Seen, result: Result) -> None:
    """All of them have run, each in its turn; what the misbehaving one did is one line."""
    lines = [moment.about for moment in seen.moments if moment.what == "output"]
    assert [match[2] for line in lines if (match := FAILED.search(line))] == ([result.failed] if result.failed else [])
    assert lines.count("last") == 1
    is_recorded = result.outcome is not Outcome.REJECTED
    assert [item["Item"]["outcome"]["S"] for item in room.records.stored] == is_recorded * [result.outcome.value]
    assert len(room.records.published) == is_recorded


@pytest.mark.parametrize(
    ("habit", "value"),
    [
        ("return_none", None),
        ("return_number", 7),
        ("return_generator", [SECRET]),
        ("change_given", ["answer: change_given", "added"]),
        ("return_much", MUCH * "x"),
    ],
)
def test_what_a_validator_of_the_answer_returns_is_the_value(rooms: Rooms, habit: str, value: Any) -> None:
    """Pydantic does not check it again."""
    seen = ask(rooms.of(Place.ANSWER, habit), Place.ANSWER, habit)
    assert seen.events[-1]["value"]["keywords"] == value
