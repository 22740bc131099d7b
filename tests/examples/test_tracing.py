"""The example of tracing: what a receiver of OTLP over HTTP gets for each way in which a request can end."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from local.bedrock.script import Fragment, Hang, Hold, fragments
from local.client import Reply
from local.lambda_.deployment import Deployment
from local.twin import CHECKOUT, task_root
from tests.examples.collector import Collector
from tests.examples.commands import commands, demo
from tests.formats import LINES, WHOLE
from tests.local.commands import Command
from tests.local.models.openai import OpenAi, delta
from tests.wire.chain import Chain, Script, Seen
from tests.wire.endings_table import GOOD, USAGE

EXAMPLE = CHECKOUT / "examples" / "tracing"
CODE = EXAMPLE / "code"
TRACE, CLIENTS_SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
MODEL = "global.anthropic.claude-haiku-4-5-20251001-v1:0"


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as made:
        yield made


@pytest.fixture
def chain(collector: Collector) -> Iterator[Chain]:
    """The local stack with the example's stage, which exports to the collector."""
    with task_root(CODE) as root:
        chain = Chain(Deployment(root))
        chain.deploy(
            stages="tracing:span", OTEL_EXPORTER_OTLP_ENDPOINT=collector.url, OTEL_SERVICE_NAME="traced-endpoint"
        )
        yield chain
        chain.close()


def parent(flags: str = "01") -> dict[str, str]:
    return {"traceparent": f"00-{TRACE}-{CLIENTS_SPAN}-{flags}"}


def values(span: Span) -> dict[str, Any]:
    return {attribute.key: _value(attribute.value) for attribute in span.attributes}


def _value(value: AnyValue) -> Any:
    kind = value.WhichOneof("value")
    assert kind is not None
    return [_value(item) for item in value.array_value.values] if kind == "array_value" else getattr(value, kind)


def cancelled(chain: Chain, headers: Mapping[str, str]) -> Seen:
    """Let the platform reset the invocation in the middle of the answer."""

    def reset(reply: Reply) -> None:
        chain.bedrock.reached("held")
        next(reply.chunks())
        chain.twin.function.invocations[-1].reset()
        chain.bedrock.release("held")

    script: Script = [*GOOD[:2], Hold("held"), *fragments(300 * "x", 3), Hang()]
    return chain.ask(script, LINES, headers=headers, meanwhile=reset)


def test_each_ending_is_a_span_below_the_clients(chain: Chain, collector: Collector) -> None:
    """Each is there before the sandbox asks for the next event, after which Lambda freezes it."""
    completed = chain.ask(GOOD, LINES, headers=parent())
    invalid = chain.ask([Fragment('{"summary": 5,'), Hang()], WHOLE, headers=parent())
    reset = cancelled(chain, parent())
    seen = [completed, invalid, reset]

    assert [each.log["outcome"] for each in seen] == ["completed", "invalid", "cancelled"]
    assert len(collector.spans) == 3
    assert collector.services == {"traced-endpoint"}
    for span, each in zip(collector.spans, seen, strict=True):
        assert (span.trace_id.hex(), span.parent_span_id.hex()) == (TRACE, CLIENTS_SPAN)
        assert (span.name, span.kind) == (f"chat {MODEL}", Span.SpanKind.SPAN_KIND_SERVER)
        assert values(span)["faas.invocation_id"] == each.headers["x-request-id"]
        assert (span.end_time_unix_nano - span.start_time_unix_nano) // 1_000_000 in {
            each.log["total_ms"] - 1,
            each.log["total_ms"],
        }
        times = [span.start_time_unix_nano, *(event.time_unix_nano for event in span.events), span.end_time_unix_nano]
        assert times == sorted(times)
    assert [len(span.events) for span in collector.spans] == [1, 1, 1]


def test_the_attributes_are_those_of_the_conventions_for_generative_ai(chain: Chain, collector: Collector) -> None:
    completed = chain.ask(GOOD, LINES)
    invalid = chain.ask([Fragment('{"summary": 5,'), Hang()], WHOLE)
    cancelled(chain, {})
    every = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "aws.bedrock",
        "gen_ai.request.model": MODEL,
    }
    first, second, third = collector.spans

    assert values(first) == {
        **every,
        "gen_ai.response.finish_reasons": ["end_turn"],
        "gen_ai.usage.input_tokens": USAGE.input_tokens,
        "gen_ai.usage.output_tokens": USAGE.output_tokens,
        "http.response.status_code": 200,
        "faas.invocation_id": completed.headers["x-request-id"],
    }
    assert values(second) == {
        **every,
        "http.response.status_code": 502,
        "faas.invocation_id": invalid.headers["x-request-id"],
        "error.type": "answer_invalid",
    }
    assert values(third)["error.type"] == "cancelled"
    assert [(span.status.code, span.status.message) for span in collector.spans] == [
        (Status.StatusCode.STATUS_CODE_UNSET, ""),
        (Status.StatusCode.STATUS_CODE_ERROR, "invalid"),
        (Status.StatusCode.STATUS_CODE_ERROR, "cancelled"),
    ]
    assert {span.parent_span_id for span in collector.spans} == {b""}
    assert len({span.trace_id for span in collector.spans}) == 3


def test_a_trace_that_the_client_does_not_sample_has_no_span(chain: Chain, collector: Collector) -> None:
    chain.ask(GOOD, LINES, headers=parent(flags="00"))
    chain.ask(GOOD, LINES, headers=parent())
    assert len(collector.spans) == 1


def test_a_collector_that_is_gone_costs_a_line_of_the_log(chain: Chain, collector: Collector) -> None:
    """The client has its answer, and the same sandbox serves the next request."""
    collector.close()
    for _ in range(2):
        seen = chain.ask(GOOD, LINES)
        assert seen.events[-1]["type"] == "complete"
        lines = [moment.about for moment in seen.moments if moment.what == "output"]
        assert len([line for line in lines if "Failed to export spans batch" in line]) == 1
    assert chain.twin.function.sandboxes_started == 1


def test_the_commands_of_the_page_print_the_span(openai: OpenAi) -> None:
    """The collector in one terminal, the demo in the other; the tests have installed what the first command does."""
    install, collect, show, *_ = commands("tracing")
    python, *collecting = collect.split()
    openai.say(delta('{"summary": "x", "keywords": []}'), delta(None, "stop"))

    assert (install, python) == (
        ".venv/bin/pip install -r examples/tracing/code-requirements.txt",
        ".venv/bin/python",
    )
    with Command(*collecting) as collector:
        assert collector.lines.readline() == "Waiting for spans at http://127.0.0.1:4318/v1/traces\n"
        shown = demo(show, f"--model-url={openai.url}")
        span = "".join(collector.lines.readline() for _ in range(5))
    assert (shown.returncode, shown.stderr) == (0, "")
    assert f'name: "chat {MODEL}"' in span


def test_the_example_is_read_at_once() -> None:
    """Fewer than 60 lines, and a page of one screen."""
    assert len((CODE / "tracing.py").read_text().splitlines()) < 60
    assert len((EXAMPLE / "README.md").read_text().splitlines()) <= 40
