"""The log stage: one structured line and one line of metrics per request.

Names are those of OpenTelemetry's GenAI conventions where one exists; metrics are in CloudWatch's embedded format
(docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html).
Neither holds anything of the prompt or the answer, nor an error's message that could quote them.
"""

import json
import logging
import traceback
from typing import Final

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit
from botocore.exceptions import ClientError, EventStreamError

from ...contract import METRICS_NAMESPACE, Outcome
from ...stream.errors import AnswerInvalid, DeadlineReached, ModelError, PromptInvalid, causes
from ...stream.record import Content, Record
from ...stream.stages import Stage
from ..bedrock.refusals import error_code
from ..output import stdout
from .message import visible_path

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


def log_stage(logger: Logger, function_name: str) -> Stage:
    """Return the stage that writes the line and the metrics of a record; ``function_name`` is their dimension."""

    def log(record: Record) -> None:
        write = {logging.INFO: logger.info, logging.WARNING: logger.warning, logging.ERROR: logger.error}
        write[_level(record)]("request %s", record.outcome.value, extra=_fields(record))
        _write_metrics(record, function_name)

    return log


def _level(record: Record) -> int:
    """A rejected request, a cancelled one and one that reached the deadline are warnings; other failures are errors."""
    if record.outcome is Outcome.COMPLETED:
        return logging.INFO
    if record.outcome in {Outcome.REJECTED, Outcome.CANCELLED}:
        return logging.WARNING
    timed_out = any(isinstance(error, DeadlineReached) for error in causes(record.error))
    return logging.WARNING if timed_out else logging.ERROR


def _fields(record: Record) -> dict[str, object]:
    start = record.start
    fields: dict[str, object] = {
        "stage": "log",
        "request_id": start.id,
        "function_request_id": start.id,
        "gateway_request_id": start.gateway_request_id,
        "extended_request_id": start.extended_request_id,
        "outcome": record.outcome.value,
        "media_type": start.media_type,
        "http.response.status_code": record.status,
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "aws.bedrock",
        "gen_ai.output.type": "json",
        "gen_ai.request.model": start.model_id,
        "gen_ai.request.max_tokens": start.max_tokens,
        "gen_ai.response.finish_reasons": [record.stop_reason] if record.stop_reason else [],
        "gen_ai.usage.input_tokens": record.usage.input_tokens if record.usage else None,
        "gen_ai.usage.output_tokens": record.usage.output_tokens if record.usage else None,
        "output_tokens_estimated": record.output_tokens_estimated,
        "attempts": record.attempts,
        "calls": record.calls,
        "chunks": record.chunk_count,
        "bytes": record.byte_count,
        "first_event_ms": record.first_event_ms,
        "first_chunk_ms": record.first_chunk_ms,
        "last_chunk_ms": record.last_chunk_ms,
        "total_ms": record.total_ms,
    }
    if record.phase is not None:
        fields["phase"] = record.phase.value
    if record.prepare_ms is not None:
        fields["prepare_ms"] = record.prepare_ms
    if start.metadata:
        fields["metadata"] = dict(start.metadata)
    fields |= start.caller_fields
    if record.ignored_events:
        fields["ignored_events"] = record.ignored_events
    if record.error is not None:
        fields |= _error_fields(record)
    return fields


def _error_fields(record: Record) -> dict[str, object]:
    error = record.error
    fields: dict[str, object] = {
        "error.type": getattr(error, "code", None),
        "causes": [_described(cause, record.start.content) for cause in causes(error)],
    }
    if isinstance(error, ModelError) and error.reason is not None:
        fields["error_reason"] = error.reason
    if isinstance(error, PromptInvalid):
        fields |= {"prompt_error": error.rule, "prompt_error_path": error.path}
    if isinstance(error, AnswerInvalid):
        fields |= {"error_path": visible_path(error.path, record), "error_rule": error.rule}
        fields |= {"closed_values": record.closed_values, "tokens_not_awaited_at_most": record.tokens_not_awaited}
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
        shown = message if is_plain else content.keep(message)
        if shown is not None:
            described["message"] = shown
    return described


def _add_measurements(metrics: EphemeralMetrics, record: Record) -> None:
    """Add what only a request that reached the model has: rejected ones would make the model look fast."""
    invalid = 1 if isinstance(record.error, AnswerInvalid) else 0
    metrics.add_metric("ValidationErrors", MetricUnit.Count, invalid)
    metrics.add_metric("Duration", MetricUnit.Milliseconds, record.total_ms)
    if record.first_chunk_ms is not None:
        metrics.add_metric("TimeToFirstChunk", MetricUnit.Milliseconds, record.first_chunk_ms)
    if record.usage is not None:
        metrics.add_metric("InputTokens", MetricUnit.Count, record.usage.input_tokens)
        metrics.add_metric("OutputTokens", MetricUnit.Count, record.usage.output_tokens)


def _write_metrics(record: Record, function_name: str) -> None:
    metrics = EphemeralMetrics(namespace=METRICS_NAMESPACE, service="")
    metrics.add_dimension("function", function_name)
    metrics.add_dimensions(function=function_name, outcome=record.outcome.value)
    is_good = record.outcome in {Outcome.COMPLETED, Outcome.REJECTED}
    metrics.add_metric("Requests", MetricUnit.Count, 1)
    metrics.add_metric("NotCompleted", MetricUnit.Count, 0 if is_good else 1)
    if record.outcome is not Outcome.REJECTED:
        _add_measurements(metrics, record)
    metrics.add_metadata("request_id", record.start.id)
    stdout().write(json.dumps(metrics.serialize_metric_set(), separators=(",", ":")) + "\n")
