"""examples/retrieval: the answer names passages that the model was given, and no other."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from local.bedrock.script import complete_answer
from local.bedrock.server import Bedrock
from local.configuration import read_configuration
from local.lambda_.deployment import Deployment
from local.twin import CHECKOUT, Twin, task_root
from tests.examples.commands import commands, demo
from tests.local.models.openai import OpenAi

CONFIGURATION = read_configuration(CHECKOUT / "examples" / "retrieval" / "Pulumi.dev.yaml")


def passages(request: Any) -> dict[str, str]:
    """Return the passages in the prompt, by their ids."""
    return dict(re.findall(r"^\[([\w-]+)\] (.*)$", request["messages"][-1]["content"], re.MULTILINE))


def reader(request: Any) -> str:
    """Answer with the first words of the first passage, and name all."""
    found = passages(request)
    return json.dumps({"text": next(iter(found.values()))[:40], "sources": list(found)})


def answers(openai: OpenAi) -> list[dict[str, Any]]:
    """Run the commands of the page; return the answers that they show."""
    done = [demo(command, f"--model-url={openai.url}") for command in commands("retrieval")]
    assert [each.returncode for each in done] == [0, 0]
    return [json.loads(line) for each in done for line in each.stdout.splitlines() if line.startswith('{"text"')]


def test_another_question_gets_other_sources(openai: OpenAi) -> None:
    """The commands of the page, with the passages that a reader would look for."""
    openai.reader = reader

    first, second = answers(openai)

    assert any(source.startswith("architecture-") for source in first["sources"])
    assert any(source.startswith("own-code-") for source in second["sources"])
    assert len(first["sources"]) == len(second["sources"]) == 3
    assert not set(first["sources"]) & set(second["sources"])


@pytest.fixture(scope="module")
def endpoint() -> Iterator[Twin]:
    assert CONFIGURATION.code is not None
    with task_root(CONFIGURATION.code) as root, Bedrock() as bedrock:
        with Twin(bedrock, Deployment(root, dict(CONFIGURATION.variables))) as twin:
            yield twin
        assert not bedrock.mistakes


def ask(endpoint: Twin, question: str) -> Any:
    with endpoint.post({"question": question}, "application/json") as reply:
        return reply.json()


def test_a_source_that_the_model_was_not_given_is_no_answer(endpoint: Twin) -> None:
    assert endpoint.bedrock is not None
    endpoint.bedrock.play(complete_answer(json.dumps({"text": "Trust me.", "sources": ["invented-1"]})))

    problem = ask(endpoint, "Why is the last bracket withheld?")

    assert (problem["code"], problem["path"], problem["rule"]) == ("answer_invalid", "/sources/0", "value_error")


def test_a_question_without_a_word_of_any_passage_does_not_reach_the_model(endpoint: Twin) -> None:
    assert endpoint.bedrock is not None
    before = len(endpoint.bedrock.calls)

    problem = ask(endpoint, "Xyzzy plugh?")

    assert (problem["status"], problem["code"]) == (404, "nothing_found")
    assert len(endpoint.bedrock.calls) == before


def test_there_are_more_than_300_passages() -> None:
    assert CONFIGURATION.code is not None
    program = "import retrieval; print(len(retrieval.PASSAGES))"
    with task_root(CONFIGURATION.code) as root:
        command = [sys.executable, "-P", "-c", program]
        done = subprocess.run(command, env={**os.environ, "PYTHONPATH": str(root)}, capture_output=True, check=True)

    assert int(done.stdout) >= 300
