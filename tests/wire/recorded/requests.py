"""The recorded requests: what is asked, what the model answers, and with which settings the function runs."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from local.bedrock.script import (
    Cut,
    Event,
    Fail,
    Fragment,
    Hang,
    Hold,
    Open,
    Reasoning,
    Refuse,
    Step,
    Stop,
    Usage,
    fragments,
)

RAW: Final = "text/plain"
SSE: Final = "text/event-stream"
LINES: Final = "application/jsonl"
NDJSON: Final = "application/x-ndjson"
JSON: Final = "application/json"
SSE_SNAPSHOTS: Final = f"{SSE}; view=snapshot"
LINES_SNAPSHOTS: Final = f"{LINES}; view=snapshot"

GATE: Final = "recorded"
"""Where the model waits until the client has seen enough."""
MODEL: Final = "global.anthropic.claude-haiku-4-5-20251001-v1:0"
"""The model of all settings that name no other."""
PROMPT: Final = "What is a prompt?"
DOCUMENT: Final = '{"summary": "Grüße 🙂 to all", "keywords": ["a", "b"]}'
END: Final[list[Step]] = [Stop(), Usage(12, 34)]
BEGUN: Final[list[Step]] = [Fragment('{"summary": "Grüße"')]
GOOD: Final[list[Step]] = [*fragments(DOCUMENT, 8), *END]
HALF: Final[list[Step]] = fragments(DOCUMENT[:24], 8)
THE_OTHER_HALF: Final[list[Step]] = [*fragments(DOCUMENT[24:], 8), *END]
WRONG_AT_ONCE: Final[list[Step]] = [Fragment('{"summary": 5,'), Hang()]
WRONG_LATE: Final[list[Step]] = [*BEGUN, Fragment(', "keywords": ["a", 7,'), Hang()]
DECLINED: Final[list[Step]] = [Fragment("Sorry."), Stop("guardrail_intervened"), Usage(12, 2)]
FENCED: Final[list[Step]] = [
    Fragment("``"),
    Fragment("`json\n"),
    *fragments(DOCUMENT, 8),
    Fragment("\n``"),
    Fragment("`"),
    *END,
]
TOOL_USE: Final = {"start": {"toolUse": {"toolUseId": "tooluse_1", "name": "answer"}}, "contentBlockIndex": 0}
FLOOD: Final[list[Step]] = [*fragments(2000 * "x", 5), Hang()]
"""More writes than can succeed after a reset."""

EVERY_OUTCOME: Final = "completed,invalid,truncated,refused,failed,cancelled,deadline"
SETTINGS: Final[Mapping[str, Mapping[str, str]]] = {
    "default": {},
    "stored": {
        "LLM_STORE": "dynamodb:records",
        "LLM_SINK": "sns:arn:aws:sns:eu-west-1:123456789012:topic",
        "LLM_PUBLISH_OUTCOMES": EVERY_OUTCOME,
        "LLM_CAPTURE_CONTENT": "true",
        "LLM_STRUCTURED_OUTPUT": "tool",
        "LLM_MAX_TOKENS": "100",
        "LLM_MAX_ATTEMPTS": "2",
        "LLM_ALLOWED_ORIGINS": "https://one.example,https://two.example",
    },
    "padded": {
        "LLM_STORE": "dynamodb:records",
        "LLM_SINK": "eventbridge:bus",
        "LLM_PUBLISH_OUTCOMES": EVERY_OUTCOME,
        "LLM_STRUCTURED_OUTPUT": "prompt",
        "LLM_TEMPERATURE": "0.2",
        "LLM_GUARDRAIL": "guardrail1:3",
        "LLM_GUARDRAIL_STREAMING": "async",
        "LLM_START_PADDING": "64",
        "LLM_ALLOWED_ORIGINS": "https://one.example",
    },
    "impatient": {
        "LLM_SINK": "firehose:stream",
        "LLM_PUBLISH_OUTCOMES": EVERY_OUTCOME,
        "LLM_MODEL_ID": "global.anthropic.claude-opus-4-7",
        "LLM_STRUCTURED_OUTPUT": "native",
        "LLM_HEARTBEAT": "0.2",
        "LLM_FIRST_EVENT_TIMEOUT": "1",
    },
    "short": {"LLM_PUBLISH_OUTCOMES": EVERY_OUTCOME, "LLM_HEARTBEAT": "60"},
    "faulty": {
        "LLM_SCHEMA": "tests.wire.faulty:Answer",
        "LLM_REQUEST": "tests.wire.faulty:Request",
        "AWS_LAMBDA_LOG_FORMAT": "JSON",
    },
}
"""Variables of the function by the name of a group of requests: each group has a sandbox of its own."""
TIMEOUTS: Final = {"short": 4.0}
"""Seconds that the function of a group may run, where that is not 120: of 4 seconds the answer has 3.2."""


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """One request, and what the model and others do meanwhile."""

    name: str
    settings: str = "default"
    accept: str | None = RAW
    model: list[Step] = field(default_factory=lambda: GOOD)
    again: list[Step] | None = None
    """What the model answers to the calls after the first."""
    body: bytes = json.dumps({"prompt": PROMPT}).encode()
    headers: Mapping[str, str] = field(default_factory=dict)
    event: Mapping[str, str] = field(default_factory=dict)
    """Members of the event that differ from the gateway's; the function is then invoked without the gateway."""
    meanwhile: str = ""
    """What happens while the model waits at the gate: ``reset``, ``leave``, or the client waits for a sign of life."""
    refuses_output_config: bool = False


def in_settings(settings: str, *requests: Recorded) -> Iterator[Recorded]:
    """Yield the requests with other settings; the name of the settings is put before theirs."""
    for request in requests:
        yield replace(request, settings=settings, name=f"{settings}-{request.name}")


REQUESTS: Final = [
    # the formats
    Recorded(name="completed-text"),
    Recorded(name="completed-sse", accept=SSE),
    Recorded(name="completed-jsonl", accept=LINES, model=[Open(), Reasoning("Let me see."), *GOOD]),
    Recorded(name="completed-sse-snapshots", accept=SSE_SNAPSHOTS),
    Recorded(name="completed-jsonl-snapshots", accept=LINES_SNAPSHOTS),
    Recorded(name="completed-ndjson", accept=NDJSON),
    Recorded(name="completed-json", accept=JSON),
    Recorded(name="completed-without-accept-and-body", accept=None, body=b""),
    Recorded(
        name="completed-preferred-format", accept="text/html, text/*;q=0.1, application/jsonl;q=0.5", body=b'"Hi"'
    ),
    Recorded(name="completed-without-usage", accept=SSE, model=GOOD[:-1]),
    Recorded(name="completed-cut-after-stop", accept=LINES, model=[*GOOD[:-1], Cut()]),
    # invalid
    Recorded(name="invalid-text", model=WRONG_LATE),
    Recorded(name="invalid-jsonl", accept=LINES, model=WRONG_LATE),
    Recorded(name="invalid-before-head", accept=JSON, model=WRONG_AT_ONCE),
    Recorded(name="invalid-missing-field", accept=SSE, model=[*BEGUN, Fragment("}"), Hang()]),
    Recorded(name="not-json-sse", accept=SSE, model=[*HALF, Fragment('" x'), *END]),
    Recorded(name="not-json-more-text", model=[*fragments(DOCUMENT, 8), Fragment(" and more"), *END]),
    # truncated, refused
    Recorded(name="truncated-text", model=[*HALF, Stop("max_tokens"), Usage(12, 34)]),
    Recorded(name="truncated-sse", accept=SSE, model=[*HALF, Stop("max_tokens"), Usage(12, 34)]),
    Recorded(name="refused-before-head", model=DECLINED),
    Recorded(name="refused-jsonl", accept=LINES, model=[*HALF, Stop("refusal"), Usage(12, 34)]),
    # failed
    Recorded(name="failed-access-denied", accept=JSON, model=[Refuse("AccessDeniedException", "You may not.")]),
    Recorded(name="failed-validation", model=[Refuse("ValidationException", "The prompt is too long.")]),
    Recorded(name="failed-busy", model=[Refuse("ThrottlingException")]),
    Recorded(name="failed-busy-then-good", accept=LINES, model=[Refuse("ThrottlingException")], again=GOOD),
    Recorded(name="failed-model-timeout", accept=SSE, model=[Refuse("ModelTimeoutException")]),
    Recorded(name="failed-cut-text", model=[*HALF, Cut(half_frame=True)]),
    Recorded(name="failed-stream-exception", accept=SSE, model=[*HALF, Fail("serviceUnavailableException")]),
    # rejected
    Recorded(name="rejected-body-not-json", body=b"{"),
    Recorded(name="rejected-body-invalid", accept=SSE, body=b'{"prompt": ["x"], "other": 1}'),
    Recorded(name="rejected-body-too-large", body=b'"' + 65_536 * b"x" + b'"'),
    Recorded(name="rejected-media-type", headers={"Content-Type": "image/png"}),
    Recorded(name="rejected-not-acceptable", accept="application/jsonl; view=odd, text/html"),
    Recorded(name="rejected-cannot-resume", accept=SSE, headers={"Last-Event-ID": "5"}),
    Recorded(name="rejected-not-found", event={"resource": "/other"}),
    Recorded(name="rejected-method", event={"httpMethod": "GET"}),
    # cancelled, and a client that the function does not see leave
    Recorded(name="cancelled-sse", accept=SSE, model=[*HALF, Hold(GATE), *FLOOD], meanwhile="reset"),
    Recorded(name="client-left", accept=LINES, model=[*HALF, Hold(GATE), *THE_OTHER_HALF], meanwhile="leave"),
    *in_settings(
        "stored",
        Recorded(name="completed-text", headers={"Origin": "https://two.example"}),
        Recorded(
            name="restart-sse",
            accept=SSE,
            model=[Open(), Event("contentBlockStart", TOOL_USE), *WRONG_LATE],
            again=GOOD,
        ),
        Recorded(name="rejected-origin", headers={"Origin": "https://other.example"}),
        Recorded(name="restart-before-head", model=WRONG_AT_ONCE, again=GOOD),
        Recorded(name="invalid-twice", accept=LINES, model=WRONG_LATE, again=WRONG_AT_ONCE),
        Recorded(name="failed-validation", accept=LINES, model=[Refuse("ValidationException", "The words.")]),
    ),
    *in_settings(
        "padded",
        Recorded(name="completed-text-fenced", model=FENCED, headers={"Origin": "https://one.example"}),
        Recorded(name="completed-json", accept=JSON),
        Recorded(name="invalid-sse", accept=SSE, model=WRONG_LATE),
    ),
    *in_settings(
        "impatient",
        Recorded(name="completed-sse", accept=SSE, model=[*HALF, Hold(GATE), *THE_OTHER_HALF], meanwhile="heartbeat"),
        Recorded(name="failed-no-first-event", model=[Open(), Hold(GATE), *GOOD], meanwhile="head"),
    ),
    *in_settings("short", Recorded(name="deadline-sse", accept=SSE, model=[*HALF, Hang()])),
    *in_settings(
        "faulty",
        Recorded(name="internal-jsonl", accept=LINES, model=[*BEGUN, Fragment(', "keywords": ["a: mistake",'), Hang()]),
        Recorded(name="completed-native-schema-refused", accept=LINES, refuses_output_config=True),
    ),
]
