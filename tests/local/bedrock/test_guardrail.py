from collections.abc import Mapping
from typing import Any

import pytest

from local.bedrock.guardrail import FOUND
from local.bedrock.script import Fragment, Stop, Usage
from local.bedrock.server import Bedrock
from tests.local.bedrock.asking import Ask

CONFIG = {"guardrailIdentifier": "g1", "guardrailVersion": "3"}
TRACED = {**CONFIG, "trace": "enabled"}


def told(ask: Ask, config: Mapping[str, str]) -> Any:
    metadata = list(ask(guardrailConfig=config)["stream"])[-1]["metadata"]
    assert metadata["usage"]["outputTokens"] == 2
    return metadata.get("trace")


def test_a_trace_quotes_what_was_found_and_says_what_was_done(bedrock: Bedrock, ask: Ask) -> None:
    bedrock.play([Fragment("{}"), Stop("guardrail_intervened"), Usage(1, 2, ["ANONYMIZED", "BLOCKED"])])
    [assessment] = told(ask, TRACED)["guardrail"]["outputAssessments"]["g1"]

    assert assessment["sensitiveInformationPolicy"]["piiEntities"] == [
        {"match": FOUND, "type": "EMAIL", "action": "ANONYMIZED"}
    ]
    assert [topic["action"] for topic in assessment["topicPolicy"]["topics"]] == ["BLOCKED"]


@pytest.mark.parametrize("config", [CONFIG, {**CONFIG, "trace": "disabled"}])
def test_no_trace_is_sent_unasked(bedrock: Bedrock, ask: Ask, config: Mapping[str, str]) -> None:
    bedrock.play([Fragment("{}"), Stop(), Usage(1, 2, ["ANONYMIZED"])])

    assert told(ask, config) is None


def test_a_guardrail_that_did_nothing_has_no_trace(bedrock: Bedrock, ask: Ask) -> None:
    bedrock.play([Fragment("{}"), Stop(), Usage(1, 2)])

    assert told(ask, TRACED) is None
