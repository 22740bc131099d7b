"""examples/chat: an earlier answer reaches the model, which is here a program that reads it."""

import json
import subprocess
from itertools import islice
from typing import Any

import pytest

from local.client import Reply
from local.twin import CHECKOUT
from tests.examples.commands import commands, demo, program
from tests.local.commands import Command, environment
from tests.local.models.openai import OpenAi

FIRST = {"name": "Ada", "city": "Rome", "guests": 2}
SECOND = {"name": "Ada", "city": "Rome", "guests": 3}


def booker(request: Any) -> str:
    """Return the booking: the first is made up, every later one is the earlier one with three guests."""
    earlier = [message["content"] for message in request["messages"] if message["role"] == "assistant"]
    return json.dumps({**json.loads(earlier[-1]), "guests": 3} if earlier else FIRST)


@pytest.fixture
def openai(openai: OpenAi) -> OpenAi:
    openai.reader = booker
    return openai


def test_the_demo_sends_a_conversation_and_its_answer_depends_on_the_earlier_one(openai: OpenAi) -> None:
    command, *_ = commands("chat")

    done = demo(command, f"--model-url={openai.url}")

    assert (done.returncode, done.stderr) == (0, "")
    assert json.dumps(SECOND) in done.stdout
    roles = [message["role"] for message in openai.requests[-1][1]["messages"]]
    assert roles == ["system", "user", "assistant", "user"]


def test_the_client_puts_each_answer_back_into_the_conversation(openai: OpenAi) -> None:
    """As written on the page, against an endpoint that make serve serves; another first answer gives another second."""
    _, client = commands("chat")
    arguments = program("make serve CONFIG=examples/chat/Pulumi.dev.yaml")
    with Command(*arguments, f"--model-url={openai.url}", variables=environment()) as serve:
        [url] = [line.split()[2] for line in islice(serve.lines, 3) if "curl" in line]
        done = subprocess.run(f"{client} {url}", shell=True, cwd=CHECKOUT, capture_output=True, text=True, check=True)  # noqa: S602 - as on the page
        with Reply(url, json.dumps(conversation("Bonn")).encode(), {"Accept": "application/json"}) as reply:
            other = reply.json()

    assert [json.loads(line) for line in done.stdout.splitlines()] == [FIRST, SECOND]
    assert other == {"name": "Eve", "city": "Bonn", "guests": 3}


def conversation(city: str) -> dict[str, object]:
    booking = {"name": "Eve", "city": city, "guests": 2}
    return {
        "messages": [
            {"role": "user", "content": "Book."},
            {"role": "assistant", "content": booking},
            {"role": "user", "content": "Three."},
        ]
    }
