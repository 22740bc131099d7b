"""The example of an evaluation: scores reach their topic, and no word of prompt or answer is anywhere."""

import json
from collections.abc import Iterator

import boto3
import pytest

from local.bedrock.script import Stop, Usage, fragments
from local.lambda_.deployment import Deployment
from local.twin import CHECKOUT, task_root
from tests.aws.stages.emulated import Sinks, Table, emulated_aws, point_at
from tests.examples.commands import commands, demo
from tests.formats import LINES, WHOLE
from tests.local.models.openai import OpenAi, delta
from tests.wire.chain import Chain

CODE = CHECKOUT / "examples" / "evaluation" / "code"
PROMPT = "What does zanzibar-canary mean for serverless billing?"
ANSWER = {
    "summary": "Serverless billing counts quixotic-canary milliseconds.",
    "keywords": ["billing", "quixotic-canary"],
}
CANARIES = ("zanzibar", "quixotic")
GOOD = [*fragments(json.dumps(ANSWER), 16), Stop(), Usage(12, 34)]


@pytest.fixture(scope="module")
def emulator() -> Iterator[str]:
    with emulated_aws() as url:
        yield url


def test_scores_are_published_and_no_word_is_kept(emulator: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Log, store and sink see nothing of prompt and answer, and the scores have numbers alone."""
    point_at(emulator, monkeypatch)
    table, sinks, scores = Table(), Sinks(), Sinks()
    with task_root(CODE) as root:
        chain = Chain(Deployment(root))
        chain.deploy(
            stages="evaluation:score",
            stage_content="true",
            store=f"dynamodb:{table.name}",
            sink=f"sns:{sinks.topic}",
            publish_outcomes="completed,truncated",
            AWS_ENDPOINT_URL=emulator,
            SCORES_TOPIC=scores.topic,
        )
        completed = chain.ask(GOOD, LINES, {"prompt": PROMPT})
        chain.ask([*GOOD[:2], Stop("max_tokens")], WHOLE, {"prompt": PROMPT})
        chain.ask(None, WHOLE, {"prompt": 5})
        written = "\n".join(moment.about for moment in chain.twin.journal.moments() if moment.what == "output")
        chain.close()
    published = scores.received()
    kept = json.dumps([sinks.received(), boto3.client("dynamodb").scan(TableName=table.name)["Items"], published])

    assert completed.events[-1]["value"] == ANSWER
    assert published == [
        {"requestId": completed.headers["x-request-id"], "promptInSummary": 0.43, "keywordsInSummary": 1.0}
    ]
    assert kept.count(completed.headers["x-request-id"]) == 4  # sink, key and record of the store, scores
    assert "failed" not in written
    assert not [canary for canary in CANARIES if canary in written + kept]
    for each in (table.client, sinks, scores):
        each.close()


def test_the_command_of_the_page_shows_the_scores(openai: OpenAi) -> None:
    openai.say(delta('{"summary": "Serverless functions.", "keywords": ["functions", "events"]}'), delta(None, "stop"))
    [command] = commands("evaluation")
    shown = demo(command, f"--model-url={openai.url}").stdout
    [line] = [line for line in shown.splitlines() if "scores: " in line]
    message = json.loads(line.removeprefix("function  "))["message"]
    assert message == 'scores: {"promptInSummary": 0.33, "keywordsInSummary": 0.5}'


def test_the_example_is_read_at_once() -> None:
    """Fewer than 60 lines, and a page of one screen."""
    assert len((CODE / "evaluation.py").read_text().splitlines()) < 60
    assert len((CODE.parent / "README.md").read_text().splitlines()) <= 40
