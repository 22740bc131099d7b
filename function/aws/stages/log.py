"""The log stage: one structured line and one line of metrics per request.

Names are those of OpenTelemetry's GenAI conventions where one exists; metrics are in CloudWatch's embedded format
(docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html).
Neither holds anything of the prompt or the answer, nor an error's message that could quote them.
"""

import json
import logging
import traceback
from typing import Any, Final

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit
from botocore.exceptions import ClientError, EventStreamError

from ...contract import METRICS_NAMESPACE, Outcome
from ...stream.errors import AnswerInvalid, DeadlineReached, ModelError, ModelMisconfigured, PromptInvalid, causes
from ...stream.events import Usage
from ...stream.record import Content, ModelFailure, Record
from ...stream.stages import Stage
from ..bedrock.refusals import error_code
from ..output import stdout

PLAIN_CODES: Final = frozenset(
    {
        "AccessDeniedException",
        "ExpiredTokenException",
        "ModelNotReadyException",
        "ResourceNotFoundException",
        "ServiceQuotaExceededException",
        "ServiceUnavailableException",
        "ThrottlingException",
        "UnrecognizedClientException",
    }
)
"""Refusals of callers, models and quotas: they are decided before the prompt is read, and cannot quote it."""


def log_stage(logger: Logger, function_name: str, *, by_route: bool = False, by_model: bool = False) -> Stage:
    """Return the stage that writes the line and the metrics of a record; ``function_name`` is their dimension.

    ``by_route`` says whether the metrics have the route as a dimension too, beside those without it; ``by_model``
    whether those of tokens have the model.
    """

    def log(record: Record) -> None:
        write = {logging.INFO: logger.info, logging.WARNING: logger.warning, logging.ERROR: logger.error}
        write[_level(record)]("request %s", record.outcome.value, extra=_fields(record))
        for failure in _misconfigured(record):
            if failure.error is not record._error:  # whose line was written above
                logger.error("a model cannot be called for this account", extra=_line_of_failure(failure, record))
        line = _metrics(record, function_name, record.route if by_route else None)
        if by_model:
            _add_tokens_of_model(line, record)
        stdout().write(json.dumps(line, separators=(",", ":")) + "\n")

    return log


def _level(record: Record) -> int:
    """A rejected request, a cancelled one and one that reached the deadline are warnings; other failures are errors."""
    if record.outcome is Outcome.COMPLETED:
        return logging.INFO
    if record.outcome in {Outcome.REJECTED, Outcome.CANCELLED}:
        return logging.WARNING
    timed_out = any(isinstance(error, DeadlineReached) for error in causes(record._error))
    return logging.WARNING if timed_out else logging.ERROR


def _fields(record: Record) -> dict[str, object]:
    start, times = record._start, record.timings
    fields: dict[str, object] = {
        "stage": "log",
        "request_id": record.request_id,
        "function_request_id": record.request_id,
        "gateway_request_id": record.gateway_request_id,
        "extended_request_id": record.extended_request_id,
        "route": record.route,
        "outcome": record.outcome.value,
        "media_type": record.media_type,
        "http.response.status_code": record.status,
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "aws.bedrock",
        "gen_ai.output.type": "json",
        "gen_ai.request.model": start.model_id,
        "gen_ai.request.max_tokens": start.most_tokens,
        "gen_ai.response.model": start.calls.model_id,
        "gen_ai.response.finish_reasons": [record.stop_reason] if record.stop_reason else [],
        **_usage_fields(record.usage),
        "output_tokens_estimated": record.output_tokens_estimated,
        "attempts": record.attempts,
        "calls": record.calls,
        "chunks": record.chunks,
        "bytes": record.bytes,
        "first_event_ms": times.first_event,
        "first_chunk_ms": times.first_chunk,
        "last_chunk_ms": times.last_chunk,
        "total_ms": times.total,
    }
    if record.phase is not None:
        fields["phase"] = record.phase.value
    if times.prepare is not None:
        fields["prepare_ms"] = times.prepare
    if record.metadata:
        fields["metadata"] = dict(record.metadata)
    fields |= start.caller_fields
    if record.usage is not None and record.usage.missed_cache:
        fields["cache"] = "miss_below_minimum"
    if record._ignored_events:
        fields["ignored_events"] = record._ignored_events
    if record._failures:
        fields["model_failures"] = [_described_failure(failure, start.content) for failure in record._failures]
    if record._error is not None:
        fields |= _error_fields(record)
    return fields


def _usage_fields(usage: Usage | None) -> dict[str, int]:
    """Return OpenTelemetry's names and counts: its input tokens include those of the cache."""
    if usage is None:
        return {}
    counts = {
        "input_tokens": usage.prompt_tokens,
        "output_tokens": usage.output_tokens,
        "cache_read.input_tokens": usage.cache_read_tokens,
        "cache_creation.input_tokens": usage.cache_write_tokens,
        "reasoning.output_tokens": usage.thinking_tokens,
    }
    return {f"gen_ai.usage.{name}": count for name, count in counts.items() if count is not None}


def _misconfigured(record: Record) -> list[ModelFailure]:
    """Return the failures of models in whose place others can answer although the operator must act."""
    return [failure for failure in record._failures if isinstance(failure.error, ModelMisconfigured)]


def _line_of_failure(failure: ModelFailure, record: Record) -> dict[str, object]:
    start = record._start
    described = _described_failure(failure, start.content)
    return {"request_id": record.request_id, "route": record.route, **start.caller_fields, **described}


def _described_failure(failure: ModelFailure, content: Content) -> dict[str, object]:
    described: dict[str, object] = {"model": failure.model_id, "error.type": failure.error.code}
    if failure.error.reason is not None:
        described["error_reason"] = failure.error.reason
    return {**described, "causes": [_described(cause, content) for cause in causes(failure.error)]}


def _error_fields(record: Record) -> dict[str, object]:
    error = record._error
    fields: dict[str, object] = {
        "error.type": record.error_code,
        "causes": [_described(cause, record._start.content) for cause in causes(error)],
    }
    if isinstance(error, ModelError) and error.reason is not None:
        fields["error_reason"] = error.reason
    if isinstance(error, PromptInvalid):
        fields |= {"prompt_error": error.rule, "prompt_error_path": error.path}
    if isinstance(error, AnswerInvalid):
        fields |= {"error_path": record._visible_path, "error_rule": error.rule}
        fields |= {"closed_values": record.closed_values, "tokens_not_awaited_at_most": record._tokens_not_awaited}
    if record.outcome is Outcome.FAILED and error is not None and error.__cause__ is not None:
        frames = traceback.extract_tb(error.__cause__.__traceback__)
        fields["stack"] = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
    return fields


def _described(error: BaseException, content: Content) -> dict[str, object]:
    """Return the type of an error; for an error of the service also its message, if that cannot quote content."""
    described: dict[str, object] = {"type": type(error).__qualname__}
    if isinstance(error, ClientError):
        code = error_code(error)
        described |= {"code": code, "request_id": error.response.get("ResponseMetadata", {}).get("RequestId")}
        message = error.response.get("Error", {}).get("Message")
        is_plain = code in PLAIN_CODES and not isinstance(error, EventStreamError)
        shown = message if is_plain else content.capture(message)
        if shown is not None:
            described["message"] = shown
    return described


def _add_measurements(metrics: EphemeralMetrics, record: Record) -> None:
    """Add what only a request that reached the model has: rejected ones would make the model look fast."""
    invalid = 1 if isinstance(record._error, AnswerInvalid) else 0
    metrics.add_metric("ValidationErrors", MetricUnit.Count, invalid)
    metrics.add_metric("Duration", MetricUnit.Milliseconds, record.timings.total)
    if record.timings.first_chunk is not None:
        metrics.add_metric("TimeToFirstChunk", MetricUnit.Milliseconds, record.timings.first_chunk)
    if record.usage is not None:
        for name, count in _token_metrics(record.usage).items():
            metrics.add_metric(name, MetricUnit.Count, count)


def _token_metrics(usage: Usage) -> dict[str, int]:
    return {name[0].upper() + name[1:]: count for name, count in usage.as_members().items()}


def _add_tokens_of_model(line: dict[str, Any], record: Record) -> None:
    """Name the model as one more dimension of the metrics of tokens, which alone have a price of their own by model."""
    if record.usage is None or record.outcome is Outcome.REJECTED:
        return
    metrics = [{"Name": name, "Unit": MetricUnit.Count.value} for name in _token_metrics(record.usage)]
    directive = {"Namespace": METRICS_NAMESPACE, "Dimensions": [["function", "model"]], "Metrics": metrics}
    line["_aws"]["CloudWatchMetrics"].append(directive)
    line["model"] = record.model


def _metrics(record: Record, function_name: str, route: str | None) -> dict[str, Any]:
    metrics = EphemeralMetrics(namespace=METRICS_NAMESPACE, service="")
    metrics.add_dimension("function", function_name)
    metrics.add_dimensions(function=function_name, outcome=record.outcome.value)
    if route is not None:
        metrics.add_dimensions(function=function_name, route=route)
        metrics.add_dimensions(function=function_name, route=route, outcome=record.outcome.value)
    misconfigured = len(_misconfigured(record))
    if misconfigured:
        metrics.add_metric("ModelsMisconfigured", MetricUnit.Count, misconfigured)
    is_good = record.outcome in {Outcome.COMPLETED, Outcome.REJECTED}
    metrics.add_metric("Requests", MetricUnit.Count, 1)
    metrics.add_metric("NotCompleted", MetricUnit.Count, 0 if is_good else 1)
    if record.outcome is not Outcome.REJECTED:
        _add_measurements(metrics, record)
    metrics.add_metadata("request_id", record.request_id)
    line: dict[str, Any] = dict(metrics.serialize_metric_set())
    return line
