"""What own code logs: JSON lines that say to which request they belong, wherever the code runs.

The code is ``tests/wire/talking.py``.
"""

from collections.abc import Iterator
from typing import Any, Final

import pytest

from tests.formats import LINES
from tests.wire.chain import Seen
from tests.wire.endings_table import GOOD
from tests.wire.test_sandboxes import Room

WHO = "arn:aws:iam::123456789012:user/ada"


CODE: Final[dict[str, Any]] = {
    "request": "tests.wire.talking:Request",
    "schema": "tests.wire.talking:Answer",
    "stages": "tests.wire.talking:stage",
    "authorization": "iam",
    "caller_fields": "id",
}
ASYNC: Final = {
    **CODE,
    "prepare": "tests.wire.talking:prepare_async",
    "stages": "tests.wire.talking:stage_async",
}


@pytest.fixture
def room(request: pytest.FixtureRequest) -> Iterator[Room]:
    """A chain with the settings of the test."""
    room = Room(**request.param)
    yield room
    room.close()


def lines(seen: Seen) -> list[dict[str, Any]]:
    return [line for line in seen.output if line.get("logger") == "tests.wire.talking"]


def ask(room: Room, words: str) -> Seen:
    room.chain.bedrock.play(GOOD)
    context = {"requestContext": {"identity": {"userArn": WHO}}}
    return room.chain.invoke(LINES, f'{{"words": "{words}"}}'.encode(), context)


@pytest.mark.parametrize(
    ("room", "makes"),
    [(CODE, "prompt"), ({**CODE, "prepare": "tests.wire.talking:prepare"}, "prepare"), (ASYNC, "prepare")],
    indirect=["room"],
)
def test_lines_of_own_code_name_the_request_and_its_caller(room: Room, makes: str) -> None:
    """Threads that the code starts included; a line of an import belongs to no request."""
    seen = ask(room, "Why?")
    said = {line["message"]: line for line in lines(seen)}
    assert said.keys() == {"import", "request", makes, "answer", "stage"}
    for message, line in said.items():
        about = {"request_id": seen.headers["x-request-id"], "route": "stream", "caller_id": WHO}
        assert {name: line[name] for name in about if name in line} == ({} if message == "import" else about)
        assert line["level"] == ("ERROR" if message == "stage" else "WARNING")
    assert said["stage"]["errorType"] == "KeyError"
    assert "words of an exception" not in str(seen.moments)


@pytest.mark.parametrize("room", [CODE], indirect=True)
def test_a_rejected_request_has_them_too_and_the_next_one_its_own(room: Room) -> None:
    rejected, next_one = ask(room, ""), ask(room, "Why?")
    assert rejected.status == 422
    assert [line["message"] for line in lines(rejected) if line["message"] != "import"] == ["request", "stage"]
    for seen in (rejected, next_one):
        ids = {line.get("request_id") for line in lines(seen) if line["message"] != "import"}
        assert ids == {seen.headers["x-request-id"]}
