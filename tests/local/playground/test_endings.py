"""The endings that the page can ask for, as a client of the endpoint sees them."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from local.bedrock.call import Call
from local.bedrock.script import Fragment, Pause, complete_answer
from local.bedrock.server import Bedrock
from local.client import End, Reply
from local.playground.endings import ENDINGS, Endings
from local.twin import Twin

DOCUMENT = '{"summary": "The model itself.", "keywords": []}'
LINES = "application/jsonl"


@pytest.fixture(scope="module")
def twin() -> Iterator[Twin]:
    """A local stack whose sandbox serves all tests of this file."""
    with Bedrock() as bedrock, Twin(bedrock) as whole:
        bedrock.play(complete_answer(DOCUMENT))
        yield whole
        assert not bedrock.mistakes


@pytest.fixture
def endings(twin: Twin) -> Endings:
    """The endings in front of the model that writes ``DOCUMENT``; pauses take no time."""
    made = Endings(lambda _: complete_answer(DOCUMENT), lambda: tuple(twin.function.invocations))
    assert twin.bedrock is not None
    twin.bedrock.answer = lambda call: (step for step in made(call) if not isinstance(step, Pause))
    return made


def ask(twin: Twin, accept: str = LINES) -> Reply:
    with twin.post({"prompt": "Why?"}, accept) as reply:
        reply.body()
    twin.function.wait_until_idle()
    return reply


def events(reply: Reply) -> list[Mapping[str, Any]]:
    return [json.loads(line) for line in b"".join(reply.taken).splitlines() if line]


@pytest.mark.parametrize("name", ["slow", "silent", "thinking"])
def test_an_ending_can_be_a_complete_answer(twin: Twin, endings: Endings, name: str) -> None:
    endings.choose(name)

    last = events(ask(twin))[-1]

    assert last["type"] == "complete"
    assert last["value"] != json.loads(DOCUMENT)


@pytest.mark.parametrize(
    ("name", "status", "code"), [("throttled", 429, "model_busy"), ("refused", 502, "answer_refused")]
)
def test_an_ending_can_be_a_refusal(twin: Twin, endings: Endings, name: str, status: int, code: str) -> None:
    """The SDK repeats a throttled call: each repetition ends as the first did."""
    endings.choose(name)

    reply = ask(twin)

    assert (reply.status, events(reply)[0]["code"]) == (status, code)


def test_an_ending_can_break_the_schema(twin: Twin, endings: Endings) -> None:
    endings.choose("invalid")

    problem = events(ask(twin))[-1]["problem"]

    assert (problem["code"], problem["path"]) == ("answer_invalid", "/keywords")


@pytest.mark.parametrize("accept", [LINES, "text/event-stream", "text/plain"])
@pytest.mark.parametrize(("name", "end"), [("cut", End.CUT), ("cut_cleanly", End.CLEAN)])
def test_an_ending_can_cut_the_response(twin: Twin, endings: Endings, name: str, end: End, accept: str) -> None:
    """In the middle of the answer, in every format; with a clean end nothing but the missing rest shows it."""
    endings.choose(name)

    reply = ask(twin, accept)

    body = b"".join(reply.taken)
    assert (reply.status, reply.end) == (200, end)
    assert body.startswith((b'{"summa', b'{"type":"start"', b"id: 1\n"))
    assert b'"complete"' not in body
    assert b'"error"' not in body
    assert b"keywords" not in body


def test_an_ending_is_for_one_call(twin: Twin, endings: Endings) -> None:
    """The one that was asked for last; None asks for the model."""
    endings.choose("refused")
    endings.choose("invalid")

    assert [events(ask(twin))[-1]["type"] for _ in range(2)] == ["error", "complete"]

    endings.choose("refused")
    endings.choose(None)

    assert events(ask(twin))[-1]["type"] == "complete"


SCHEMAS: Mapping[str, Mapping[str, object]] = {
    "object": {"type": "object", "properties": {"when": {"type": "string", "format": "date"}}},
    "list": {"type": "array", "items": {"type": "integer"}},
    "number": {"type": "number"},
}


@pytest.mark.parametrize("schema", SCHEMAS.values(), ids=SCHEMAS)
def test_an_invalid_answer_is_of_another_type(schema: Mapping[str, Any]) -> None:
    """Whatever the schema: it is JSON, and its last value is neither what was asked for nor what becomes it."""
    config = {"toolSpec": {"name": "answer", "inputSchema": {"json": schema}}}
    body = {"messages": [], "toolConfig": {"tools": [config], "toolChoice": {"tool": {"name": "answer"}}}}
    steps = ENDINGS["invalid"].play(Call("model", body), None)

    document = json.loads("".join(step.text for step in steps if isinstance(step, Fragment)))

    expected = {"object": {"when": {"is": "not valid"}}, "array": "not valid", "number": {"is": "not valid"}}
    assert document == expected[str(schema["type"])]
