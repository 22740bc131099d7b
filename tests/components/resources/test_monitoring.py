"""Alarms and dashboard look at exact metrics, and each of the function's is one that it really writes."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, cast

import pytest
from aws_lambda_powertools import Logger

from components import StreamingLlmApi, StreamingLlmApiArgs
from function.aws.stages.log import log_stage
from function.contract import METRICS_NAMESPACE as NAMESPACE
from function.contract import Outcome
from function.stream.errors import AnswerInvalid, ModelMisconfigured
from function.stream.events import Usage
from function.stream.record import Calls, ModelFailure
from local.bedrock import script
from local.bedrock.script import Event, Fragment, Refuse, Stop
from tests.aws.stages.records import record
from tests.components.recording import Declared, declare
from tests.wire.chain import Chain, Script
from tests.wire.endings_table import DELTAS, GOOD, USAGE

TOPIC = "arn:aws:sns:eu-central-1:123456789012:alarms"
Metric = tuple[str, str, frozenset[tuple[str, str]]]
"""Namespace, name and dimensions."""


def _declared(**args: Any) -> Declared:
    given = cast("StreamingLlmApiArgs", {"alarm_topic": TOPIC, "dashboard": {}, **args})
    return declare(lambda: StreamingLlmApi("llm", given))


def _alarmed(declared: Declared) -> list[Metric]:
    alarms = [entry.inputs for entry in declared.of("MetricAlarm")]
    return [(entry["namespace"], entry["metricName"], frozenset(entry["dimensions"].items())) for entry in alarms]


def _body(declared: Declared) -> dict[str, Any]:
    body = json.loads(declared.one("Dashboard").inputs["dashboardBody"])
    assert isinstance(body, dict)
    return body


def _shown(declared: Declared) -> Iterator[Metric]:
    for widget in _body(declared)["widgets"]:
        for metric in widget["properties"]["metrics"]:
            words = [word for word in metric if isinstance(word, str)]
            if words:
                namespace, name, *pairs = words
                yield namespace, name, frozenset(zip(pairs[::2], pairs[1::2], strict=True))


def _of_lines(lines: Iterable[Mapping[str, Any]], function: str) -> set[Metric]:
    """The metrics in lines that a function wrote, as those of the function that the stack declares."""
    found: set[Metric] = set()
    for line in lines:
        for directive in line.get("_aws", {}).get("CloudWatchMetrics", []):
            for dimensions in directive["Dimensions"]:
                pairs = {name: line[name] for name in dimensions}
                assert pairs["function"] == function
                pairs["function"] = "llm-function"
                names = [metric["Name"] for metric in directive["Metrics"]]
                found |= {(directive["Namespace"], name, frozenset(pairs.items())) for name in names}
    return found


def _watched() -> set[Metric]:
    declared = _declared()
    watched = {metric for metric in [*_alarmed(declared), *_shown(declared)] if metric[0] == NAMESPACE}
    assert len(watched) > 10
    return watched


THOUGHT = {"usage": {"output_tokens_details": {"thinking_tokens": 20}}}
QUICK: dict[Outcome, tuple[Script, bytes | None]] = {
    Outcome.COMPLETED: (
        [
            *DELTAS,
            Event("messageStop", {"stopReason": "end_turn", "additionalModelResponseFields": THOUGHT}),
            script.Usage(12, 34, cache_read_tokens=5, cache_write_tokens=6),
        ],
        None,
    ),
    Outcome.INVALID: ([Fragment('{"summary": 1}'), Stop(), USAGE], None),
    Outcome.TRUNCATED: ([Fragment('{"summary": "'), Stop("max_tokens"), USAGE], None),
    Outcome.REFUSED: ([Stop("guardrail_intervened"), USAGE], None),
    Outcome.FAILED: ([Refuse("ThrottlingException")], None),
    Outcome.REJECTED: (GOOD, b"{"),
}
"""Outcomes that take no time to reach; a deadline and a cancelled answer would."""


def test_what_alarms_and_dashboard_look_at_is_in_lines_that_a_deployed_function_wrote() -> None:
    chain = Chain()
    try:
        seen = {outcome: chain.ask(script, body=body) for outcome, (script, body) in QUICK.items()}
        name = chain.twin.function.deployment.name
    finally:
        chain.close()
    assert {outcome: entry.log["outcome"] for outcome, entry in seen.items()} == {entry: entry.value for entry in QUICK}
    written = _of_lines((entry.metric for entry in seen.values()), name)
    slow = {Outcome.DEADLINE.value, Outcome.CANCELLED.value}
    assert {metric for metric in _watched() if not slow & set(dict(metric[2]).values())} <= written


def test_each_outcome_is_written_as_the_dashboard_counts_it(capsys: pytest.CaptureFixture[str]) -> None:
    stage = log_stage(Logger(service="llm-function"), "llm-function")
    for outcome in Outcome:
        error = AnswerInvalid("/a", "int_type") if outcome is Outcome.INVALID else None
        stage(replace(record(outcome, usage=Usage(12, 34, 5, 6, 7)), _error=error))
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert _watched() <= _of_lines(lines, "llm-function")


def test_the_alarms_are_these_and_go_to_the_topic() -> None:
    declared = _declared()
    names = {(namespace, name) for namespace, name, _ in _alarmed(declared)}
    assert names == {
        ("AWS/ApiGateway", "5XXError"),
        ("AWS/Lambda", "Throttles"),
        ("AWS/Lambda", "Duration"),
        (NAMESPACE, "NotCompleted"),
    }
    for alarm in declared.of("MetricAlarm"):
        assert alarm.inputs["alarmActions"] == alarm.inputs["okActions"] == [TOPIC]
        assert alarm.inputs["treatMissingData"] == "notBreaching"


def test_a_model_that_others_replace_has_an_alarm_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    """No request fails because of it, and what the alarm looks at is in the line that the function writes."""
    args: StreamingLlmApiArgs = {"alarm_topic": TOPIC, "fallback_models": ["anthropic.claude-opus-4-5-20251101-v1:0"]}
    several = declare(lambda: StreamingLlmApi("llm", args))
    [(namespace, name, dimensions)] = set(_alarmed(several)) - set(_alarmed(_declared()))
    assert (namespace, name) == (NAMESPACE, "ModelsMisconfigured")
    calls = Calls()
    calls.failures.append(ModelFailure("first", ModelMisconfigured(another_may_answer=True)))
    log_stage(Logger(service="llm-function"), "llm-function")(record(calls=calls))
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert (namespace, name, dimensions) in _of_lines(lines, "llm-function")


def test_without_a_topic_there_are_no_alarms_and_without_a_wish_no_dashboard() -> None:
    declared = declare(lambda: StreamingLlmApi("llm", {}))
    assert not declared.of("MetricAlarm")
    assert not declared.of("Dashboard")


def test_two_stacks_never_share_a_metric() -> None:
    """Each metric has the name of its own function or API in a dimension."""

    def program() -> None:
        StreamingLlmApi("one", {"alarm_topic": TOPIC})
        StreamingLlmApi("two", {"alarm_topic": TOPIC})

    metrics = _alarmed(declare(program))
    assert len(set(metrics)) == len(metrics) == 8


@pytest.mark.parametrize(("timeout", "threshold"), [(120, 99_000), (30, 21_600), (890, 792_000)])
def test_the_duration_alarm_rings_before_the_functions_own_ending(timeout: int, threshold: int) -> None:
    """The function ends an answer 10 s (a fifth of a shorter timeout) before its time."""
    alarm = _declared(timeout=timeout).one("MetricAlarm", "-duration").inputs
    assert alarm["threshold"] == threshold
    assert alarm["comparisonOperator"] == "GreaterThanThreshold"
    assert threshold < (timeout - min(10, timeout / 5)) * 1000


def test_the_dashboard_shows_requests_outcomes_times_tokens_and_costs() -> None:
    declared = _declared()
    assert [entry["properties"]["title"] for entry in _body(declared)["widgets"]] == [
        "Requests",
        "Outcomes",
        "Time to first chunk (ms)",
        "Duration (ms)",
        "Tokens",
        "Estimated cost of the model (USD)",
    ]
    outcomes = {dict(dimensions).get("outcome") for _, _, dimensions in _shown(declared)} - {None}
    assert outcomes == {outcome.value for outcome in Outcome}


def test_the_cost_is_tokens_times_the_stated_prices() -> None:
    body = _body(_declared(dashboard={"input_price": 3, "output_price": 15.5}))
    [first, *tokens] = body["widgets"][-1]["properties"]["metrics"]
    assert first[0]["expression"] == "(tokensIn * 3 + tokensOut * 15.5) / 1000000"
    assert tokens[0][0]["expression"] == "(tokensRead * 0.3 + tokensWritten * 3.75) / 1000000"
    assert {metric[-1]["id"] for metric in tokens[1:]} == {"tokensIn", "tokensOut", "tokensRead", "tokensWritten"}


SEVERAL: Any = {
    "model_id": "eu.anthropic.claude-sonnet-4-6",
    "model_regions": ["eu-west-1"],
    "routes": {
        "invoice": {"model_id": "anthropic.claude-opus-5"},
        "triage": {},
        "chat": {},
    },
}


def test_of_several_models_each_is_counted_by_itself_at_its_own_price() -> None:
    prices = {"anthropic.claude-opus-5": {"input": 5, "output": 25, "cache_read": 0.25, "cache_write": 10}}
    body = _body(_declared(**SEVERAL, dashboard={"input_price": 3, "output_price": 15, "prices": prices}))
    shown = body["widgets"][-1]["properties"]["metrics"]

    assert [(line[0]["label"], line[0]["expression"]) for line in shown if len(line) == 1] == [
        ("USD, eu.anthropic.claude-sonnet-4-6", "(tokensIn0 * 3 + tokensOut0 * 15) / 1000000"),
        (
            "USD, eu.anthropic.claude-sonnet-4-6, cache",
            "(tokensRead0 * 0.3 + tokensWritten0 * 3.75) / 1000000",
        ),
        ("USD, anthropic.claude-opus-5", "(tokensIn1 * 5 + tokensOut1 * 25) / 1000000"),
        ("USD, anthropic.claude-opus-5, cache", "(tokensRead1 * 0.25 + tokensWritten1 * 10) / 1000000"),
    ]
    named = [line for line in shown if len(line) > 1]
    assert {line[-1]["id"]: line[line.index("model") + 1] for line in named} == {
        f"{name}{number}": model
        for number, model in enumerate(["eu.anthropic.claude-sonnet-4-6", "anthropic.claude-opus-5"])
        for name in ("tokensIn", "tokensOut", "tokensRead", "tokensWritten")
    }


def test_the_tokens_of_each_model_are_written_as_the_dashboard_counts_them(capsys: pytest.CaptureFixture[str]) -> None:
    watched = {metric for metric in _shown(_declared(**SEVERAL)) if "model" in dict(metric[2])}
    models = {dict(dimensions)["model"] for _, _, dimensions in watched}
    stage = log_stage(Logger(service="llm-function"), "llm-function", by_model=True)
    for model in models:
        stage(replace(record(usage=Usage(12, 34, 5, 6)), model=model))
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    assert len(watched) == 8
    assert watched <= _of_lines(lines, "llm-function")


def test_widgets_do_not_overlap() -> None:
    taken: set[tuple[int, int]] = set()
    for widget in _body(_declared())["widgets"]:
        cells = {
            (x, y)
            for x in range(widget["x"], widget["x"] + widget["width"])
            for y in range(widget["y"], widget["y"] + widget["height"])
        }
        assert not cells & taken
        assert max(x for x, _ in cells) < 24
        taken |= cells
