"""One line and one line of metrics per request, however it ended, and nothing of its content."""

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from jsonschema import ValidationError

from function.aws.stages.log import log_stage
from function.contract import Outcome
from function.stream.errors import (
    AnswerInvalid,
    AnswerRefused,
    BodyNotJson,
    DeadlineReached,
    Internal,
    ModelBusy,
    ModelError,
    ModelFailed,
    ModelMisconfigured,
    NotFound,
    StreamError,
)
from function.stream.events import Usage
from function.stream.record import Calls, ModelFailure, Record
from tests.aws.stages.emf import check_emf
from tests.aws.stages.records import CANARY, Written, record


def logged(made: Record, capsys: pytest.CaptureFixture[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the line and the metric of a record."""
    written = Written()
    log_stage(written.logger, "my-function")(made)
    [line] = written.lines
    [metric] = capsys.readouterr().out.splitlines()
    return line, json.loads(metric)


def failed(error: StreamError, cause: BaseException | None = None, **fields: Any) -> Record:
    error.__cause__ = cause
    return record(error=error, **fields)


def test_the_line_describes_the_whole_request(capsys: pytest.CaptureFixture[str]) -> None:
    line, _ = logged(record(), capsys)
    varying = {"timestamp", "location", "service", "xray_trace_id"}

    assert {name: value for name, value in line.items() if name not in varying} == {
        "level": "INFO",
        "message": "request completed",
        "stage": "log",
        "request_id": "req-1",
        "function_request_id": "req-1",
        "gateway_request_id": "gateway-1",
        "extended_request_id": "JJbxmplHYosFVYQ=",
        "route": "invoice",
        "outcome": "completed",
        "media_type": "text/plain; charset=utf-8",
        "http.response.status_code": 200,
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "aws.bedrock",
        "gen_ai.output.type": "json",
        "gen_ai.request.model": "model-1",
        "gen_ai.request.max_tokens": 100,
        "gen_ai.response.model": "model-1",
        "gen_ai.response.finish_reasons": ["end_turn"],
        "gen_ai.usage.input_tokens": 12,
        "gen_ai.usage.output_tokens": 34,
        "output_tokens_estimated": 7,
        "attempts": 1,
        "calls": 1,
        "chunks": 1,
        "bytes": 9,
        "first_event_ms": 38,
        "first_chunk_ms": 39,
        "last_chunk_ms": 40,
        "total_ms": 41,
    }


def test_tokens_are_counted_in_the_line_as_opentelemetry_counts_them(capsys: pytest.CaptureFixture[str]) -> None:
    """Its input tokens include those of the cache; the metric of that name, as the price, does not."""
    line, metric = logged(record(usage=Usage(12, 34, 4100, 7, 20)), capsys)

    assert {name: count for name, count in line.items() if name.startswith("gen_ai.usage.")} == {
        "gen_ai.usage.input_tokens": 4119,
        "gen_ai.usage.cache_read.input_tokens": 4100,
        "gen_ai.usage.cache_creation.input_tokens": 7,
        "gen_ai.usage.output_tokens": 34,
        "gen_ai.usage.reasoning.output_tokens": 20,
    }
    check_emf(metric)
    assert {name: value for name, value in metric.items() if name.endswith("Tokens")} == {
        "InputTokens": [12],
        "OutputTokens": [34],
        "CacheReadTokens": [4100],
        "CacheWriteTokens": [7],
        "ThinkingTokens": [20],
    }


def with_failures(*failures: ModelError) -> Calls:
    calls = Calls()
    for number, failure in enumerate(failures):
        calls.failures.append(ModelFailure(f"model-{number}", failure))
    calls.add("model-9")
    return calls


def test_models_that_failed_before_another_answered_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    line, metric = logged(record(calls=with_failures(ModelBusy())), capsys)

    assert line["model_failures"] == [
        {"model": "model-0", "error.type": "model_busy", "causes": [{"type": "ModelBusy"}]}
    ]
    assert "ModelsMisconfigured" not in metric


def test_a_model_that_the_account_cannot_call_is_an_error_although_another_answers(
    capsys: pytest.CaptureFixture[str],
) -> None:
    legacy = ModelMisconfigured("legacy_model", another_may_answer=True)
    written = Written()
    log_stage(written.logger, "my-function")(record(calls=with_failures(legacy, ModelBusy())))
    request, error = written.lines
    [metric] = capsys.readouterr().out.splitlines()

    assert (request["level"], request["outcome"]) == ("INFO", "completed")
    assert (error["level"], error["request_id"], error["model"]) == ("ERROR", "req-1", "model-0")
    assert (error["error.type"], error["error_reason"]) == ("model_misconfigured", "legacy_model")
    assert json.loads(metric)["ModelsMisconfigured"] == [1.0]
    check_emf(json.loads(metric))


def test_a_request_that_fails_for_a_model_that_cannot_be_called_has_one_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    refused = ModelMisconfigured(another_may_answer=True)
    line, metric = logged(failed(refused, calls=with_failures(refused, ModelBusy())), capsys)

    assert (line["level"], line["error.type"]) == ("ERROR", "model_misconfigured")
    assert metric["ModelsMisconfigured"] == [1.0]


def test_what_was_left_out_of_the_answer_is_counted(capsys: pytest.CaptureFixture[str]) -> None:
    line, _ = logged(record(ignored_events=3), capsys)

    assert line["ignored_events"] == 3


@pytest.mark.parametrize(
    ("made", "level"),
    [
        (record(), "INFO"),
        (record(Outcome.CANCELLED), "WARNING"),
        (failed(BodyNotJson()), "WARNING"),
        (failed(DeadlineReached()), "WARNING"),
        (failed(ModelFailed(), DeadlineReached()), "WARNING"),
        (failed(ModelFailed(), ConnectionResetError()), "ERROR"),
        (failed(ModelBusy()), "ERROR"),
        (failed(AnswerInvalid("/summary", "string_type")), "ERROR"),
        (failed(AnswerRefused()), "ERROR"),
        (failed(Internal(), KeyError("x")), "ERROR"),
    ],
)
def test_an_abort_is_a_warning_and_anything_else_an_error(
    made: Record, level: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The whole chain of causes decides: the deadline may be anywhere in it."""
    line, _ = logged(made, capsys)

    assert line["level"] == level


def test_the_chain_of_causes_is_logged(capsys: pytest.CaptureFixture[str]) -> None:
    throttled = ClientError(
        {
            "Error": {"Code": "ThrottlingException", "Message": "Too many tokens per minute."},
            "ResponseMetadata": {
                "RequestId": "aws-1",
                "HTTPStatusCode": 429,
                "HTTPHeaders": {},
                "RetryAttempts": 2,
                "HostId": "",
            },
        },
        "ConverseStream",
    )
    line, _ = logged(failed(ModelBusy(), throttled), capsys)

    assert line["error.type"] == "model_busy"
    assert line["causes"] == [
        {"type": "ModelBusy"},
        {
            "type": "ClientError",
            "code": "ThrottlingException",
            "request_id": "aws-1",
            "message": "Too many tokens per minute.",
        },
    ]


def test_an_internal_error_is_logged_with_its_place_but_not_its_message(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(KeyError) as caught:
        dict[str, str]()[CANARY]
    line, _ = logged(failed(Internal(), caught.value), capsys)

    assert "test_log.py" in line["stack"][0]
    assert CANARY not in json.dumps(line)


def test_an_answer_that_was_ended_early_says_how_far_it_had_come(capsys: pytest.CaptureFixture[str]) -> None:
    line, metric = logged(failed(AnswerInvalid("/keywords/3", "string_type"), closed_values=4), capsys)

    assert line["error_path"] == "/keywords/3"
    assert line["error_rule"] == "string_type"
    assert line["closed_values"] == 4
    assert line["tokens_not_awaited_at_most"] == 93
    assert metric["ValidationErrors"] == [1]


def _quoting(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": f"Malformed input: {CANARY}"}}, "ConverseStream")


@pytest.mark.parametrize(
    "made",
    [
        record(),
        failed(AnswerInvalid(f"/keywords/{CANARY}/0", "string_type")),
        failed(ModelMisconfigured(), _quoting("ValidationException")),
        failed(ModelMisconfigured(), _quoting("validationException")),
        failed(Internal(), ValueError(CANARY)),
    ],
)
def test_nothing_of_prompt_or_answer_is_in_the_line(made: Record, capsys: pytest.CaptureFixture[str]) -> None:
    """Neither a key that the model made up, nor the message of an error."""
    line, metric = logged(made, capsys)

    assert CANARY not in json.dumps([line, metric])


@pytest.mark.parametrize(
    "code",
    [
        "ValidationException",
        "ModelErrorException",
        "modelStreamErrorException",
        "InternalServerException",
        "NewException",
    ],
)
def test_the_message_of_a_service_that_has_read_the_prompt_is_not_logged(
    code: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Only known refusals of callers, models and quotas are quoted; an unknown code is not."""
    line, metric = logged(failed(ModelMisconfigured(), _quoting(code)), capsys)

    assert CANARY not in json.dumps([line, metric])
    assert line["causes"][1]["code"].endswith("Exception")


def test_path_and_message_are_logged_where_content_is_kept(capsys: pytest.CaptureFixture[str]) -> None:
    made = failed(AnswerInvalid(f"/keywords/{CANARY}", "string_type"), capture_content=True)
    line, _ = logged(made, capsys)
    refused, _ = logged(failed(ModelMisconfigured(), _quoting("ValidationException"), capture_content=True), capsys)

    assert line["error_path"] == f"/keywords/{CANARY}"
    assert CANARY in refused["causes"][1]["message"]


GOOD_METRIC: dict[str, Any] = {
    "_aws": {
        "Timestamp": 1_795_452_518_003,
        "CloudWatchMetrics": [
            {"Namespace": "n", "Dimensions": [["f"]], "Metrics": [{"Name": "Requests", "Unit": "Count"}]}
        ],
    },
    "f": "my-function",
    "Requests": [1],
}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("_aws", "Timestamp"), 1.5),
        (("_aws", "CloudWatchMetrics"), []),
        (("_aws", "CloudWatchMetrics", 0, "Namespace"), ""),
        (("_aws", "CloudWatchMetrics", 0, "Dimensions"), []),
        (("_aws", "CloudWatchMetrics", 0, "Dimensions"), ["f"]),
        (("_aws", "CloudWatchMetrics", 0, "Dimensions"), [["g"]]),
        (("_aws", "CloudWatchMetrics", 0, "Metrics", 0, "Unit"), "Requests"),
        (("_aws", "CloudWatchMetrics", 0, "Metrics", 0, "Name"), "Answers"),
        (("f",), ""),
        (("f",), 5),
        (("Requests",), "1"),
        (("Requests",), 101 * [1]),
    ],
)
def test_the_check_of_metrics_refuses_what_cloudwatch_drops(path: tuple[str | int, ...], value: object) -> None:
    document: Any = copy.deepcopy(GOOD_METRIC)
    check_emf(document)
    *way, last = path
    inner = document
    for step in way:
        inner = inner[step]
    inner[last] = value

    with pytest.raises((ValidationError, KeyError)):
        check_emf(document)


def _outcomes() -> Iterator[Record]:
    yield record()
    yield record(Outcome.CANCELLED, usage=None, first_chunk_ms=None)
    yield failed(ModelBusy())
    yield failed(AnswerInvalid("", "missing"))
    yield failed(BodyNotJson())


@pytest.mark.parametrize("made", list(_outcomes()))
def test_every_metric_line_is_embedded_metric_format(made: Record, capsys: pytest.CaptureFixture[str]) -> None:
    """Once per request, for the function as a whole and for each outcome."""
    _, metric = logged(made, capsys)

    check_emf(metric)
    [directive] = metric["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == "StreamingLlm"
    assert directive["Dimensions"] == [["function"], ["function", "outcome"]]
    assert metric["function"] == "my-function"
    assert metric["outcome"] == made.outcome
    assert metric["request_id"] == "req-1"
    assert metric["Requests"] == [1]


def test_metrics_have_the_route_beside_the_others_where_there_are_routes(capsys: pytest.CaptureFixture[str]) -> None:
    """A request to a path that is no route has none."""
    stage = log_stage(Written().logger, "my-function", by_route=True)
    stage(record())
    stage(failed(NotFound(), route=None))
    first, second = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    always = [["function"], ["function", "outcome"]]

    check_emf(first)
    assert first["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [
        *always, ["function", "route"], ["function", "route", "outcome"],
    ]  # fmt: skip
    assert (first["route"], first["outcome"]) == ("invoice", "completed")
    assert second["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == always
    assert "route" not in second


@pytest.mark.parametrize(
    ("made", "value"),
    [(record(), 0), (failed(BodyNotJson()), 0), (record(Outcome.CANCELLED), 1), (failed(ModelBusy()), 1)],
)
def test_not_completed_is_zero_or_one(made: Record, value: int, capsys: pytest.CaptureFixture[str]) -> None:
    """An alarm watches one exact metric; a rejected request is the client's mistake."""
    _, metric = logged(made, capsys)

    assert metric["NotCompleted"] == [value]


def test_a_bad_request_does_not_make_the_model_look_fast(capsys: pytest.CaptureFixture[str]) -> None:
    _, metric = logged(failed(BodyNotJson()), capsys)

    assert not metric.keys() & {"Duration", "TimeToFirstChunk", "InputTokens", "OutputTokens", "ValidationErrors"}


def test_tokens_have_the_model_too_where_there_are_several(capsys: pytest.CaptureFixture[str]) -> None:
    """No other metric has it, and a request without tokens has none of it."""
    stage = log_stage(Written().logger, "my-function", by_model=True)
    stage(record(usage=Usage(12, 34, 4100, 0)))
    stage(record(usage=None))
    stage(failed(BodyNotJson()))
    first, *others = map(json.loads, capsys.readouterr().out.splitlines())
    of_model = first["_aws"]["CloudWatchMetrics"][1]

    check_emf(first)
    assert first["model"] == "model-1"
    assert of_model["Dimensions"] == [["function", "model"]]
    names = ["InputTokens", "OutputTokens", "CacheReadTokens", "CacheWriteTokens"]
    assert [metric["Name"] for metric in of_model["Metrics"]] == names
    assert [(len(each["_aws"]["CloudWatchMetrics"]), "model" in each) for each in others] == [(1, False), (1, False)]


@pytest.mark.parametrize(
    ("usage", "word"),
    [
        (Usage(12, 34, 0, 0), "miss_below_minimum"),
        (Usage(12, 34, 0, 4100), None),
        (Usage(12, 34, 4100, 0), None),
        (Usage(12, 34), None),
    ],
)
def test_the_line_says_that_nothing_was_cached_although_it_was_asked_for(
    usage: Usage, word: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    line, _ = logged(record(usage=usage), capsys)

    assert line.get("cache") == word


def test_nothing_of_one_request_is_in_the_next(capsys: pytest.CaptureFixture[str]) -> None:
    """The second has no usage and no chunk, and its lines do not have the first one's."""
    written = Written()
    stage = log_stage(written.logger, "f")
    stage(failed(AnswerInvalid("/summary", "string_type")))
    stage(record(Outcome.CANCELLED, id="req-2", usage=None, first_chunk_ms=None))
    second = written.lines[1]
    metric = json.loads(capsys.readouterr().out.splitlines()[1])

    assert second["request_id"] == "req-2"
    assert "error.type" not in second
    assert second.get("gen_ai.usage.input_tokens") is None
    assert metric["request_id"] == "req-2"
    assert metric["Requests"] == [1]
    assert not metric.keys() & {"InputTokens", "OutputTokens", "TimeToFirstChunk"}
