"""Several routes of one stack in the whole chain: each with its own classes, model and limits."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local.bedrock.script import complete_answer
from local.bedrock.server import Bedrock
from local.lambda_.deployment import Deployment
from local.twin import Twin, task_root
from tests.verify.shared import DOCUMENT as LONG_DOCUMENT
from tests.verify.shared import check_all, play

MODULE = """
import logging
from pydantic import BaseModel

log = logging.getLogger(__name__)

class Invoice(BaseModel):
    total: float

class Ticket(BaseModel):
    message: str

    @property
    def prompt(self) -> str:
        return f"Sort this: {self.message}"

class Triage(BaseModel):
    team: str

SORT = "Choose a team."

def prepare(request, call):
    log.warning("prepared")
    return f"Route {call.route}: {request.prompt}"

def note(record):
    log.warning("noted %s, %s", record.route, record.message()["route"])
"""
SONNET = "eu.anthropic.claude-sonnet-4-6"
OLD_MODEL = "anthropic.claude-3-5-sonnet-20241022-v2:0"
ROUTES: dict[str, dict[str, str]] = {
    "invoice": {
        "schema": "desk:Invoice",
        "model_id": SONNET,
        "max_tokens": "500",
        "effort": "low",
        "thinking": "on",
        "body_limit": "40",
        "prepare": "desk:prepare",
    },
    "triage": {"schema": "desk:Triage", "request": "desk:Ticket", "instructions": "desk:SORT", "temperature": "0"},
    "stream": {},
}
OTHER_MODEL = "LLM_ROUTE_MODEL_ID"


@pytest.fixture
def twin(bedrock: Bedrock, tmp_path: Path) -> Iterator[Twin]:
    """A local stack with three routes."""
    code = tmp_path / "code"
    code.mkdir()
    (code / "desk.py").write_text(MODULE)
    file = tmp_path / "routes.json"
    file.write_text(json.dumps(ROUTES))
    variables: dict[str, str | None] = {
        "LLM_ROUTES": str(file),
        OTHER_MODEL: f"triage={OLD_MODEL}",
        "LLM_ALLOWED_ORIGINS": "https://app.example",
        "LLM_STAGES": "desk:note",
    }
    with task_root(code) as root, Twin(bedrock, Deployment(root, variables)) as made:
        yield made


def ask(twin: Twin, route: str, body: object, answer: str = "{}") -> tuple[int, Any]:
    assert twin.bedrock
    twin.bedrock.play(complete_answer(answer))
    with twin.post(body, "application/json", route=route) as reply:
        answered = reply.wait().status, reply.json()
    twin.function.wait_until_idle()
    return answered


def test_each_route_answers_by_its_own_class_with_its_own_model(twin: Twin, bedrock: Bedrock) -> None:
    assert ask(twin, "invoice", {"prompt": "Two coffees."}, '{"total": 7.5}') == (200, {"total": 7.5})
    assert ask(twin, "triage", {"message": "It burns."}, '{"team": "fire"}') == (200, {"team": "fire"})
    assert ask(twin, "stream", "Why?", '{"summary": "s", "keywords": []}')[0] == 200

    invoice, triage, stream = bedrock.calls
    assert [call.model_id for call in (invoice, triage)] == [SONNET, OLD_MODEL]
    assert "haiku" in stream.model_id
    assert [call.body["inferenceConfig"]["maxTokens"] for call in (invoice, triage, stream)] == [500, 2000, 2000]
    steered = {"thinking": {"type": "adaptive"}, "output_config": {"effort": "low"}}
    assert [call.body.get("additionalModelRequestFields") for call in (invoice, triage)] == [steered, None]
    assert triage.prompt == "Sort this: It burns."
    assert triage.body["inferenceConfig"]["temperature"] == 0
    assert triage.body["system"][0]["text"].startswith("Choose a team.")
    assert len(twin.function.processes) == 1  # one sandbox serves all of them
    assert len({call.client_port for call in bedrock.calls}) == 1  # through one connection


def test_a_limit_of_one_route_is_not_that_of_another(twin: Twin) -> None:
    long = {"prompt": "x" * 100}
    assert ask(twin, "invoice", long)[0] == 413
    assert ask(twin, "stream", long, '{"summary": "s", "keywords": []}')[0] == 200


def test_a_route_that_is_gone_is_not_found_whoever_calls_it(twin: Twin, bedrock: Bedrock) -> None:
    """The gateway's snapshot can still have it."""
    event = {"resource": "/gone", "httpMethod": "POST", "requestContext": {"requestId": "r"}, "body": "{}"}
    invocation = twin.function.invoke(json.dumps(event).encode())
    invocation.read()

    assert json.loads(invocation.chunks[0].rstrip(b"\0"))["statusCode"] == 404
    assert json.loads(b"".join(invocation.chunks[1:]))["code"] == "not_found"
    assert bedrock.calls == []
    twin.function.wait_until_idle()
    assert not [line for line in written(twin) if line.get("route")]


def written(twin: Twin) -> list[dict[str, Any]]:
    return [json.loads(line) for line in twin.function.output if line.startswith("{")]


def test_lines_records_and_metrics_name_the_route(twin: Twin, bedrock: Bedrock) -> None:
    """Those of own code too, and its functions are told."""
    ask(twin, "invoice", {"prompt": "Two coffees."}, '{"total": 7.5}')
    ask(twin, "triage", {})

    assert bedrock.called().prompt == "Route invoice: Two coffees."
    lines = written(twin)
    assert [line["route"] for line in lines if line.get("stage") == "log"] == ["invoice", "triage"]
    own = [(line["message"], line["route"]) for line in lines if line.get("logger") == "desk"]
    assert own == [
        ("prepared", "invoice"), ("noted invoice, invoice", "invoice"), ("noted triage, triage", "triage"),
    ]  # fmt: skip
    metrics = [line for line in lines if "_aws" in line]
    assert [(metric["route"], metric["outcome"]) for metric in metrics] == [
        ("invoice", "completed"), ("triage", "rejected"),
    ]  # fmt: skip
    [published] = [line["record"] for line in lines if "record" in line]
    assert published["route"] == "invoice"


@pytest.mark.slow
def test_the_verification_checks_any_route(twin: Twin) -> None:
    play(twin, complete_answer(LONG_DOCUMENT, 30))
    code, text = check_all(twin, twin.urls["stream"])

    assert code == 0, text
