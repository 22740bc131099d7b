"""An own stage: one OpenTelemetry span for each request, with the attributes of the conventions for generative AI."""

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.trace import SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from opentelemetry.util.types import AttributeValue
from streaming_llm_api.endpoint import Record

_provider = TracerProvider()
# This processor exports a span where it ends, in this thread: nothing waits to be sent when Lambda freezes the sandbox.
# The second is a part of stageTimeout.
_provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(timeout=1)))
_tracer = _provider.get_tracer("streaming-llm-api")


def span(record: Record) -> None:
    """Export the span of one request, as a child of the span whose traceparent the client sent."""
    parent = TraceContextTextMapPropagator().extract({"traceparent": record.traceparent or ""})
    began = record.began_at
    exported = _tracer.start_span(
        f"chat {record.model}", parent, SpanKind.SERVER, _attributes(record), start_time=_nanoseconds(began)
    )
    if record.timings.first_chunk is not None:
        exported.add_event("first chunk", timestamp=_nanoseconds(began + record.timings.first_chunk / 1000))
    if record.outcome != "completed":
        exported.set_status(StatusCode.ERROR, record.outcome)
    exported.end(_nanoseconds(record.ended_at))


def _attributes(record: Record) -> dict[str, AttributeValue]:
    attributes: dict[str, AttributeValue | None] = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "aws.bedrock",
        "gen_ai.request.model": record.model,
        "gen_ai.response.finish_reasons": [record.stop_reason] if record.stop_reason else None,
        "gen_ai.usage.input_tokens": record.usage.prompt_tokens if record.usage else None,
        "gen_ai.usage.output_tokens": record.usage.output_tokens if record.usage else None,
        "http.response.status_code": record.status,
        "faas.invocation_id": record.request_id,
        "error.type": None if record.outcome == "completed" else record.error_code or record.outcome.value,
    }
    return {name: value for name, value in attributes.items() if value is not None}


def _nanoseconds(seconds: float) -> int:
    return int(seconds * 1_000_000_000)
