"""Every way in which a request can end, as rows, and as cases: what happens, where in the stream, in which format."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from botocore.session import get_session

from function.aws.stages.log import PLAIN_CODES
from function.contract import PUBLISHABLE_OUTCOMES, Outcome
from function.stream import errors
from function.stream.errors import StreamError
from local.bedrock.script import (
    BadChecksum,
    Cut,
    End,
    Error,
    Event,
    Fail,
    Fragment,
    Hang,
    Hold,
    Open,
    Pause,
    RawEvent,
    Reasoning,
    Refuse,
    Reset,
    Step,
    Stop,
    Usage,
    fragments,
)
from tests import formats
from tests.formats import RAW
from tests.wire.chain import Script

CANARY: Final = "canary-of-the-answer"
PROMPT: Final = "canary-of-the-prompt"
VALUE: Final = {"summary": f"{CANARY} says Grüße", "keywords": [CANARY, "b"]}
DOCUMENT: Final = f'{{"summary": "{CANARY} says Grüße", "keywords": ["{CANARY}", "b"]}}'
USAGE: Final = Usage(12, 34)
DELTAS: Final[Script] = fragments(DOCUMENT, 16)
GOOD: Final[Script] = [*DELTAS, Stop(), USAGE]

FORMATS: Final = {"raw": RAW, "raw, ended cleanly": RAW, **formats.NAMES}
"""Raw text comes twice where it is cut: before a gateway that cuts too, and before one that ends the body cleanly."""
TYPED: Final = frozenset(name for name, accept in formats.NAMES.items() if accept in formats.TYPED)
"""The names of those that consist of events."""

PLACES: Final[Mapping[str, Script]] = {
    "before the headers": [],
    "at the headers": [Open()],
    "after reasoning": [Open(), Reasoning(CANARY)],
    "after the first delta": DELTAS[:1],
    "after a later delta": DELTAS[:3],
    "after the last byte": DELTAS,
    "after the stop": [*DELTAS, Stop()],
    "after the usage": GOOD,
}
DECIDED: Final = frozenset({"after the stop", "after the usage"})
"""Places where the answer is whole and good: whatever comes then only ends the events."""


def stream_errors(root: type[StreamError] = StreamError) -> Iterator[type[StreamError]]:
    """Yield every error that has a code, in the order in which they are written down."""
    for error in root.__subclasses__():
        if "code" in vars(error):
            yield error
        yield from stream_errors(error)


BY_CODE: Final = {error.code: error for error in stream_errors()}


@dataclass(frozen=True)
class Ending:
    """A row of docs/endings.md."""

    what: str
    code: str | None = None
    """Of the problem that the client is told of; None where it is told of none."""
    outcome: Outcome = Outcome.COMPLETED
    rule: str = ""
    """Of the problem, where this ending has one of its own: it then belongs to the formats with events alone."""
    refusal: StreamError | None = None
    """What own code refuses a request with: code, status and title are its own."""

    @property
    def error(self) -> type[StreamError] | StreamError | None:
        return self.refusal or (BY_CODE[self.code] if self.code else None)

    @property
    def client(self) -> tuple[str, str]:
        """What the client is given before the first byte, and after it."""
        if self.outcome is Outcome.COMPLETED:
            return "200 and the complete answer", "`complete`, a clean end; raw text: the last bracket, a clean end"
        if self.error is None:
            return "the gateway's 5xx", "cut"
        if self.refusal is not None:
            return "the status that it names, 403 by default", "`error` with its code, a clean end"
        if self.error is errors.PrepareTimeout:
            return str(self.error.status), f"`error` with `{self.code}`, a clean end"
        if self.code in REJECTED:
            return str(self.error.status), "\u2013"
        rule = f" and the rule `{self.rule}`" if self.rule else ""
        raw_text = "" if self.rule else "; raw text: cut"
        return str(self.error.status), f"`error` with `{self.code}`{rule}, a clean end{raw_text}"

    @property
    def level(self) -> str:
        if self.outcome is Outcome.COMPLETED:
            return "INFO"
        warnings = {Outcome.REJECTED, Outcome.CANCELLED, Outcome.DEADLINE}
        return "WARNING" if self.outcome in warnings else "ERROR"

    @property
    def records(self) -> tuple[str, str]:
        """Return whether a record is stored, and whether it is published."""
        if self.outcome is Outcome.REJECTED:
            return "no", "no"
        return "yes", "by default" if self.outcome is Outcome.COMPLETED else "only with `publishOutcomes`"

    def row(self) -> list[str]:
        """Return the cells of docs/endings.md."""
        logged = f"`{self.outcome.value}`, {self.level}"
        return [self.what, *self.client, logged, str(self.not_completed), *self.records]

    @property
    def not_completed(self) -> int:
        return int(self.outcome not in {Outcome.COMPLETED, Outcome.REJECTED})


def _fails(what: str, error: type[StreamError]) -> Ending:
    return Ending(what, error.code, error.outcome)


COMPLETED: Final = Ending("the answer is complete and valid, also if Bedrock fails after a good stop")
CANCELLED: Final = Ending(
    "the platform accepts no more of the response: it reset the invocation, or blocked a write until the time was over",
    outcome=Outcome.CANCELLED,
)
REJECTED: Final = {
    error.code: _fails(what, error)
    for what, error in {
        "the client accepts none of the formats": errors.NotAcceptable,
        "the body is declared as something other than JSON": errors.MediaTypeUnsupported,
        "the body is larger than the limit": errors.BodyTooLarge,
        "the body is not JSON": errors.BodyNotJson,
        "the body is not a valid request": errors.BodyInvalid,
        "a page calls whose origin is not listed": errors.OriginNotAllowed,
        "a reader of Server-Sent Events reconnects": errors.CannotResume,
        "the function is invoked without the gateway, for another path": errors.NotFound,
        "the function is invoked without the gateway, with another method": errors.MethodNotAllowed,
    }.items()
}
FAILURES: Final[Mapping[str, type[StreamError]]] = {
    "the model is busy: its requests or tokens of this minute are used up": errors.ModelBusy,
    "a quota of the model is used up that does not come back within minutes": errors.QuotaExhausted,
    "the prompt is too long for the model, as Bedrock says": errors.PromptTooLong,
    "the model is unavailable or not ready yet, or there is no connection to it": errors.ModelUnavailable,
    "the model reports an error, or its stream is cut, damaged, malformed or without a stop": errors.ModelFailed,
    "Bedrock refuses the call: no access, expired credentials, an unknown model, a wrong parameter": (
        errors.ModelMisconfigured
    ),
    "the model is silent for longer than the client's connection or Bedrock itself waits": errors.ModelTimeout,
    "`prepare` takes longer than it may, or than the client's connection waits": errors.PrepareTimeout,
    "the deadline is reached, also while your own code runs": errors.DeadlineReached,
    "the answer is not one JSON document, or ends in the middle of it": errors.AnswerNotJson,
    "a value breaks the schema; the model call is closed at once": errors.AnswerInvalid,
    "the token limit is reached before the end": errors.AnswerTruncated,
    "the model or a guardrail refuses": errors.AnswerRefused,
    "a bug in the function or in the user's classes": errors.Internal,
}
FAILED: Final = {error.code: _fails(what, error) for what, error in FAILURES.items()}
PATH_TOO_LONG: Final = replace(
    FAILED["answer_invalid"],
    what="in an event format, a path is longer than 512 bytes; raw text and complete JSON accept it",
    rule="path_too_long",
)
REFUSAL: Final = errors.RequestRefused("tenant_locked", 423, "The tenant is locked.", "Ask the owner.", None)
REFUSED: Final = Ending(
    "your own code refuses the request with `Refused`", REFUSAL.code, REFUSAL.outcome, refusal=REFUSAL
)
ENDINGS: Final = [COMPLETED, *REJECTED.values(), REFUSED, *FAILED.values(), PATH_TOO_LONG, CANCELLED]

PLAIN: Final[Mapping[str, str]] = {}
SHORT: Final = {"timeout": "10", "heartbeat": "60"}
"""The function's time limit in seconds; of them 8 are the answer's, and what is written then has half a second."""
TOOL: Final = {"structured_output": "tool"}
FAULTY: Final = {"schema": "tests.wire.faulty:Answer", "request": "tests.wire.faulty:Request"}
SLEEPY: Final = {**SHORT, **FAULTY}
IMPATIENT: Final = {"first_event_timeout": "1", "heartbeat": "0.2"}
PREPARED: Final = {"prepare": "tests.wire.prepared:prepare", "request": "tests.wire.prepared:Request"}
PREPARED_ON_LOOP: Final = {**PREPARED, "prepare": "tests.wire.asynchronous:prepare"}
PREPARED_SOON: Final = {**PREPARED, "prepare_timeout": "0.5"}
PREPARED_LATE: Final = {**PREPARED, "prepare_timeout": "5", "first_event_timeout": "0.5", "heartbeat": "0.2"}
TWICE: Final = {"max_attempts": "2"}
FALLBACK: Final = {"fallback_models": "anthropic.claude-sonnet-4-5-20250929-v1:0"}
EVERY_OUTCOME: Final = ",".join(PUBLISHABLE_OUTCOMES)
PUBLISHING: Final = {
    "publish_outcomes": EVERY_OUTCOME,
    "max_tokens": "100",
}
HANGING: Final = {**PUBLISHING, "timeout": "5", "heartbeat": "60"}
"""The stages have a time that is short enough to wait for."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """One request, and what is to become of it."""

    ending: Ending
    what: str
    place: str
    format: str
    script: Script
    second: Script | None = None
    """What the model answers when it is asked again."""
    text: str = ""
    """What a client of raw text gets."""
    committed: bool = False
    """The failure comes after the head."""
    calls: int = 1
    stop_reason: str | None = None
    usage: bool = False
    attempts: int = 1
    environment: Mapping[str, str] = field(default_factory=dict)
    meanwhile: str = ""
    """What else happens while the model, or own code, waits for it: a key of the test's ``MEANWHILE``."""
    reset_in: str = ""
    """The stage during which the platform resets the invocation."""
    sinks: str = "good"
    """How store and sink behave: ``good``, ``refusing``, ``hanging``."""
    restarts: int = 0
    heartbeats: bool = False
    body: bytes | None = None
    padding: int = 0
    """Characters by which the prompt is longer."""
    headers: Mapping[str, str] = field(default_factory=dict)
    ends_sandbox: bool = False
    """Own code still runs after it."""
    event: Mapping[str, str] = field(default_factory=dict)
    """What is another than in an event of the gateway, where the function is invoked past it."""

    @property
    def is_hurried(self) -> bool:
        """A short time is over before anything is sent: on a busy machine even before the model is asked."""
        is_short = bool(self.environment.keys() & {"timeout", "first_event_timeout"})
        return is_short and self.ending.code in {"model_timeout", "deadline_reached"} and not self.committed

    @property
    def is_cut(self) -> bool:
        """The function cuts its answer, as raw text needs it: what the client sees of that is up to the gateway."""
        return self.accept == RAW and self.committed and self.ending.code is not None

    @property
    def last_script(self) -> Script:
        """What the model says when it is asked for the last time."""
        return self.second if self.second and self.attempts > 1 else self.script

    @property
    def accept(self) -> str:
        return FORMATS[self.format]

    @property
    def signs(self) -> int:
        """How many signs of thinking the client gets, in a format that has them: the model gives one at most."""
        return sum(isinstance(step, Reasoning) for step in self.last_script)

    @property
    def gate(self) -> str:
        return str(self)

    def __str__(self) -> str:
        return f"{self.what}, {self.place}, {self.format}"


def in_formats(case: Case) -> Iterator[Case]:
    """Yield the case in every format.

    A whole document is never begun before its outcome; a sign of thinking begins the formats that consist of events.
    """
    for name in FORMATS:
        begun = name in TYPED if case.place == "after reasoning" else name != "whole" and case.committed
        yield replace(case, format=name, committed=begun)


def text_of(steps: Script) -> str:
    """Return what raw text shows of these steps: all but the document's last bracket."""
    text = "".join(step.text for step in steps if isinstance(step, Fragment))
    return text[:-1] if text == DOCUMENT else text


def case(ending: Ending, what: str, place: str, script: Script, **members: object) -> Case:
    """Return a case without a format; what is sent of it follows from the steps of its place."""
    before = PLACES[place]
    begun = any(isinstance(step, Fragment) for step in before)
    given: dict[str, object] = {"text": text_of(before), "committed": begun, "script": [*before, *script], **members}
    return Case(ending=ending, what=what, place=place, format="", **given)  # type: ignore[arg-type]


def decided(what: str, place: str, script: Script, **members: object) -> Case:
    """Return the case of something that comes after a good stop: too late to change anything."""
    usage = place == "after the usage"
    return case(COMPLETED, what, place, script, text=DOCUMENT, stop_reason="end_turn", usage=usage, **members)


def _service_model() -> tuple[list[str], list[str], list[str]]:
    """Return what botocore's model of ConverseStream names: errors, exceptions in the stream, stop reasons."""
    operation: Any = get_session().get_service_model("bedrock-runtime").operation_model("ConverseStream")
    members = operation.output_shape.members["stream"].members
    return (
        [shape.name for shape in operation.error_shapes],
        [name for name, shape in members.items() if shape.metadata.get("exception")],
        list(members["messageStop"].members["stopReason"].enum),
    )


ERRORS, EXCEPTIONS, STOP_REASONS = _service_model()

ERROR_CODES: Final = {
    "AccessDeniedException": ("model_misconfigured", 1),
    "ExpiredTokenException": ("model_misconfigured", 1),
    "InternalServerException": ("model_failed", 3),
    "ModelErrorException": ("model_failed", 1),
    "ModelNotReadyException": ("model_unavailable", 3),
    "ModelTimeoutException": ("model_timeout", 1),
    "ResourceNotFoundException": ("model_misconfigured", 1),
    "ServiceUnavailableException": ("model_unavailable", 3),
    "ThrottlingException": ("model_busy", 3),
    "UnrecognizedClientException": ("model_misconfigured", 1),
    "ValidationException": ("model_misconfigured", 2),
}
"""Errors in place of a stream, with the calls that botocore makes of them; the test walks the service's model."""
EXCEPTION_CODES: Final = {
    "internalServerException": "model_failed",
    "modelStreamErrorException": "model_failed",
    "serviceUnavailableException": "model_unavailable",
    "throttlingException": "model_busy",
    "validationException": "model_misconfigured",
}
STOP_CODES: Final[Mapping[str, str | None]] = {
    "end_turn": None,
    "stop_sequence": None,
    "tool_use": None,
    "max_tokens": "answer_truncated",
    "model_context_window_exceeded": "answer_truncated",
    "guardrail_intervened": "answer_refused",
    "content_filtered": "answer_refused",
    "refusal": "answer_refused",
    "malformed_model_output": "model_failed",
    "malformed_tool_use": "model_failed",
    "a_reason_of_tomorrow": "model_failed",
}

BREAKS: Final[Mapping[str, Script]] = {
    "cut": [Cut()],
    "cut in mid-frame": [Cut(half_frame=True)],
    "reset": [Reset()],
    "end without a stop": [End()],
    "end in mid-frame": [End(half_frame=True)],
    "damaged frame": [BadChecksum(CANARY)],
    "payload of null": [RawEvent("contentBlockDelta", "null")],
    "payload that is not UTF-8": [RawEvent("contentBlockDelta", b'{"delta":{"text":"\xff"}}')],
    "text of a wrong type": [Event("contentBlockDelta", {"delta": {"text": [CANARY]}, "contentBlockIndex": 0})],
    "usage of a wrong type": [Event("metadata", {"usage": {"inputTokens": CANARY, "outputTokens": 1.5}})],
    "error frame": [Error("internalFailure", CANARY)],
    "error frame of a time limit": [Error("modelTimeoutException", CANARY)],
}
IN_STREAM_CODES: Final = {**EXCEPTION_CODES, "error frame of a time limit": "model_timeout"}
"""What is no failure of the model's."""


def _words(code: str) -> str:
    """Return what the service says of a failure: its words may quote the prompt, unless they are never about it."""
    return "failed" if code[:1].upper() + code[1:] in PLAIN_CODES else f"failed: {CANARY}"


def refused_cases() -> Iterator[Case]:
    for name, (code, calls) in ERROR_CODES.items():
        script = [Refuse(name, _words(name))]
        yield case(FAILED[code], name, "before the headers", script, calls=calls)


def told_apart_cases() -> Iterator[Case]:
    """What the service's sentence says beyond its code."""
    day = "Too many tokens per day, please wait before trying again."
    too_long = "Input is too long for requested model."
    quota, caller = FAILED["quota_exhausted"], FAILED["prompt_too_long"]
    late = "after the first delta"
    yield case(quota, "tokens per day", "before the headers", [Refuse("ThrottlingException", day)])
    yield case(quota, "tokens per day", late, [Fail("throttlingException", day)])
    yield case(caller, "prompt too long", "before the headers", [Refuse("ValidationException", too_long)], padding=5000)
    yield case(caller, "prompt too long", late, [Fail("validationException", too_long)], padding=5000)
    operator = FAILED["model_misconfigured"]
    yield case(operator, "instructions too long", "before the headers", [Refuse("ValidationException", too_long)])


def broken_cases() -> Iterator[Case]:
    faults = {**BREAKS, **{name: [Fail(name, _words(name))] for name in EXCEPTION_CODES}}
    for place in PLACES:
        for what, script in faults.items():
            if place in DECIDED:
                yield decided(what, place, script)
            elif place == "before the headers" and what in {"cut", "reset"}:
                yield case(FAILED["model_unavailable"], what, place, script, calls=3)
            else:
                yield case(FAILED[IN_STREAM_CODES.get(what, "model_failed")], what, place, script)


def stopped_cases() -> Iterator[Case]:
    for reason, code in STOP_CODES.items():
        for place in ("after reasoning", "after the first delta", "after a later delta", "after the last byte"):
            script: Script = [Stop(reason), USAGE]
            known = {"stop_reason": reason, "usage": True}
            if code is None and place == "after the last byte":
                yield case(COMPLETED, reason, place, script, **{**known, "text": DOCUMENT})
            else:
                yield case(FAILED[code or "answer_not_json"], reason, place, script, **known)


LATE: Final[Mapping[str, Script]] = {
    "late text": [Fragment(CANARY)],
    "second stop": [Stop("max_tokens")],
    "second usage that is none": [RawEvent("metadata", '{"usage":{"inputTokens":1e400,"outputTokens":-1}}')],
}


def late_cases() -> Iterator[Case]:
    """The service goes on after its good stop: the first stop counts."""
    for what, script in LATE.items():
        for place in sorted(DECIDED):
            yield decided(what, place, script)


def wrong_cases() -> Iterator[Case]:
    """Answers that break their schema or are no JSON; the model would go on, or says why it ended."""
    invalid, prose = FAILED["answer_invalid"], FAILED["answer_not_json"]
    begun = [Fragment(f'{{"summary": "{CANARY}"')]
    shown = {"text": text_of(begun), "committed": True}
    stop = {"stop_reason": "end_turn", "usage": True}
    end: list[Step] = [Stop(), USAGE]
    yield case(invalid, "wrong value", "at the headers", [Fragment('{"summary": 5,'), Hang()])
    yield case(invalid, "wrong value", "after reasoning", [Fragment('{"summary": {"a'), Hang()])
    yield case(
        invalid, "wrong item", "at the headers", [*begun, Fragment(f', "keywords": ["{CANARY}", 7,'), Hang()], **shown
    )
    yield case(invalid, "missing field", "at the headers", [*begun, Fragment("}"), Hang()], **shown)
    yield case(prose, "prose", "at the headers", [Fragment(f"I say {CANARY}"), *end], **stop)
    yield case(prose, "prose", "after reasoning", [Fragment(f"I say {CANARY}"), *end], **stop)
    yield case(prose, "prose", "after the first delta", [Fragment('" x'), Fragment(CANARY), *end], **stop)
    yield case(prose, "more text", "after the last byte", [Fragment(f" {CANARY}"), *end], **stop)
    refused = {"stop_reason": "guardrail_intervened", "usage": True}
    sorry: Script = [Fragment(f"Sorry: {CANARY}"), Stop("guardrail_intervened"), USAGE]
    yield case(FAILED["answer_refused"], "refusal in prose", "at the headers", sorry, **refused)


def long_path_cases() -> Iterator[Case]:
    """A key that makes a path too long for events, first or late in the document; other formats write no path."""
    member = f'"{600 * "k"}": "x"'
    what = "path above 512 bytes"
    begun = {"at the headers": f"{{{member}", "after the first delta": f"{DOCUMENT[16:-1]}, {member}"}
    for place, text in begun.items():
        rest = f", {DOCUMENT[1:]}" if place == "at the headers" else "}"
        sent = "".join(step.text for step in PLACES[place] if isinstance(step, Fragment)) + text + rest
        good: dict[str, object] = {"text": sent, "stop_reason": "end_turn", "usage": True}
        accepted = case(COMPLETED, what, place, [Fragment(text), Fragment(rest), Stop(), USAGE], **good)
        refused = case(PATH_TOO_LONG, what, place, [Fragment(text), Hang()])
        for in_events, other in zip(in_formats(refused), in_formats(accepted), strict=True):
            yield in_events if in_events.format in TYPED else other


def rejected_cases() -> Iterator[Case]:
    bodies: dict[str, tuple[str, bytes, dict[str, str]]] = {
        "no JSON": ("body_not_json", f"{{{PROMPT}".encode(), {}),
        "a key twice": ("body_not_json", f'{{"prompt": "{PROMPT}", "prompt": "{PROMPT}"}}'.encode(), {}),
        "a prompt of a wrong type": ("body_invalid", f'{{"prompt": ["{PROMPT}"]}}'.encode(), {}),
        "a blank prompt": ("body_invalid", b'{"prompt": " \\u3000"}', {}),
        "a long body": ("body_too_large", f'{{"prompt": "{PROMPT * 4000}"}}'.encode(), {}),
        "a picture": ("media_type_unsupported", PROMPT.encode(), {"Content-Type": "image/png"}),
        "another format": ("not_acceptable", b"{}", {"Accept": "text/html"}),
    }
    for what, (code, body, headers) in bodies.items():
        yield case(REJECTED[code], what, "before the headers", GOOD, body=body, headers=headers, calls=0, attempts=0)
    listed = {"allowed_origins": "https://a.example,https://b.example"}
    of_page: dict[str, object] = {"headers": {"Origin": "https://c.example"}, "environment": listed}
    refused = REJECTED["origin_not_allowed"]
    yield case(refused, "another origin", "before the headers", GOOD, calls=0, attempts=0, **of_page)


def reconnecting_cases() -> Iterator[Case]:
    """A reader reconnects: in Server-Sent Events it is refused, in any other format the field has no meaning."""
    good: dict[str, object] = {"text": DOCUMENT, "stop_reason": "end_turn", "usage": True}
    refused: dict[str, object] = {"calls": 0, "attempts": 0, "headers": {"Last-Event-ID": "7"}}
    ignored = case(COMPLETED, "Last-Event-ID", "before the headers", GOOD, headers={"Last-Event-ID": "7"}, **good)
    for each in in_formats(ignored):
        if each.format == "sse":
            rejected = case(REJECTED["cannot_resume"], "Last-Event-ID", "before the headers", GOOD, **refused)
            yield replace(rejected, format="sse")
        else:
            yield each


def fallback_cases() -> Iterator[Case]:
    """Another model can follow. ``test_fallback.py`` has each failure; these are seen in every log line and record."""
    good: dict[str, object] = {"text": DOCUMENT, "stop_reason": "end_turn", "usage": True, "second": GOOD}
    of_each = [
        case(COMPLETED, "followed, refused", "before the headers", [Refuse("ModelErrorException", CANARY)], **good),
        case(COMPLETED, "followed, no access", "before the headers", [Refuse("AccessDeniedException")], **good),
        case(COMPLETED, "followed, failed", "at the headers", [Fail("modelStreamErrorException", CANARY)], **good),
        case(FAILED["model_failed"], "followed, cut", "at the headers", [Cut()], second=[Cut()]),
    ]
    yield from (replace(each, calls=2, environment=FALLBACK) for each in of_each)
    begun = case(FAILED["model_failed"], "not followed, cut", "after a later delta", [Cut()], second=GOOD)
    yield replace(begun, environment=FALLBACK)


def tool_cases() -> Iterator[Case]:
    """The answer is the input of a forced tool: frames of another kind, the same endings."""
    good: dict[str, object] = {"text": DOCUMENT, "stop_reason": "tool_use", "usage": True}
    late = "after a later delta"
    begun: Script = [Open(), Event("contentBlockStart", TOOL_USE)]
    cut_short: dict[str, object] = {"stop_reason": "max_tokens", "usage": True}
    of_each = [
        case(COMPLETED, "a tool's input", "after the last byte", [Stop(), USAGE], **good),
        case(FAILED["model_failed"], "a tool's input, cut", "before the headers", [*begun, Cut()]),
        case(FAILED["model_failed"], "a tool's input, cut", late, [Cut()]),
        case(FAILED["answer_truncated"], "a tool's input, max_tokens", late, [Stop("max_tokens"), USAGE], **cut_short),
        case(FAILED["answer_invalid"], "a tool's input, wrong", "at the headers", [Fragment('{"summary": 5,'), Hang()]),
    ]
    yield from (replace(each, environment=TOOL) for each in of_each)


TOOL_USE: Final = {"start": {"toolUse": {"toolUseId": "tooluse_1", "name": "answer"}}, "contentBlockIndex": 0}


GUARDED: Final = {"guardrail": "g1:3"}


def guarded_cases() -> Iterator[Case]:
    """A guardrail stops in one way for what it has masked and for what it has blocked: its trace tells which."""
    refused = FAILED["answer_refused"]
    known: dict[str, object] = {"stop_reason": "guardrail_intervened", "environment": GUARDED}
    stop: Script = [Stop("guardrail_intervened")]
    masked, blocked = Usage(12, 34, ["ANONYMIZED"]), Usage(12, 34, ["ANONYMIZED", "BLOCKED"])
    last = "after the last byte"
    good: dict[str, object] = {**known, "usage": True, "text": DOCUMENT}
    yield case(COMPLETED, "masked", last, [*stop, masked], **good)
    yield case(COMPLETED, "masked, then cut", last, [*stop, masked, Cut()], **good)
    yield case(refused, "masked and blocked", last, [*stop, blocked], usage=True, **known)
    yield case(refused, "no trace", last, [*stop, USAGE], usage=True, **known)
    yield case(refused, "no trace in time", last, [*stop, Hang()], **known)
    yield case(refused, "cut before the trace", last, [*stop, Cut()], **known)
    half = case(FAILED["answer_not_json"], "masked, half an answer", "after a later delta", [*stop, masked], **known)
    yield replace(half, usage=True)


def past_the_gateway_cases() -> Iterator[Case]:
    """What the gateway would not have passed on."""
    prompt = f'{{"prompt": "{PROMPT}"}}'.encode()
    nobody: dict[str, object] = {"body": prompt, "calls": 0, "attempts": 0}
    for code, event in {"not_found": {"resource": "/other"}, "method_not_allowed": {"httpMethod": "GET"}}.items():
        yield case(REJECTED[code], code, "before the headers", GOOD, event=event, **nobody)


def _in_request(ending: Ending, what: str, words: str, environment: Mapping[str, str] = FAULTY) -> Case:
    """A validator of the request does what ``words`` say: the model is not called."""
    body = f'{{"prompt": "{PROMPT}: {words}"}}'.encode()
    nobody: dict[str, object] = {"body": body, "calls": 0, "attempts": 0, "environment": environment}
    return case(ending, f"validator of the request {what}", "before the headers", GOOD, **nobody)


def _in_answer(ending: Ending, what: str, words: str, environment: Mapping[str, str] = FAULTY) -> Case:
    """A validator of the answer does what ``words`` say, late in a value."""
    script: Script = [Fragment(f'{CANARY}: {words}",'), Hang()]
    return case(ending, f"validator {what}", "after the first delta", script, environment=environment)


def internal_cases() -> Iterator[Case]:
    """A validator or a serialiser of the user's fails with words that quote the value."""
    internal = FAILED["internal"]
    yield _in_request(internal, "fails", "mistake")
    wrong: Script = [Fragment(f'{{"summary": "{CANARY}: mistake",'), Hang()]
    yield case(internal, "validator fails", "at the headers", wrong, environment=FAULTY)
    yield _in_answer(internal, "fails", "mistake")
    yield _in_answer(internal, "of the answer refuses", "refuse")
    for what in ("exit", "cancelled", "interrupt", "generator", "own"):
        yield _in_request(internal, f"raises {what}", what)
        yield _in_answer(internal, f"raises {what}", what)
    for what in ("late mistake", "late exit"):
        late = f'{{"summary": "{CANARY}: {what}", "keywords": []}}'
        shown: dict[str, object] = {"text": late[:-1], "committed": True, "stop_reason": "end_turn", "usage": True}
        script: Script = [Fragment(late), Stop(), USAGE]
        yield case(internal, f"serialiser fails, {what}", "at the headers", script, environment=FAULTY, **shown)


def slow_code_cases() -> Iterator[Case]:
    """A validator of the user's does not come back."""
    yield _in_request(FAILED["deadline_reached"], "sleeps", "sleep", SLEEPY)
    yield _in_answer(FAILED["deadline_reached"], "sleeps", "sleep", SLEEPY)


def prepared_cases() -> Iterator[Case]:
    """Every outcome with a prompt that own code makes, in a thread or on the event loop; and its own failure."""
    for kind, environment in {"prepared": PREPARED, "prepared on the loop": PREPARED_ON_LOOP}.items():
        for each in _of_each_outcome():
            yield from in_formats(replace(each, what=f"{kind}, {each.what}", environment=environment))
        busy: Script = [Refuse("ThrottlingException")]
        throttled = case(FAILED["model_busy"], f"{kind}, throttled", "before the headers", busy, calls=3)
        yield from in_formats(replace(throttled, environment=environment))
        nobody: dict[str, object] = {"calls": 0, "attempts": 0, "environment": environment}
        body = f'{{"prompt": "{PROMPT}: fail"}}'.encode()
        fails = case(FAILED["internal"], f"{kind}, prepare fails", "before the headers", GOOD, body=body, **nobody)
        yield from in_formats(fails)
        good: dict[str, object] = {"text": DOCUMENT, "stop_reason": "end_turn", "usage": True}
        twice = {**environment, **TWICE}
        wrong: Script = [Fragment('{"summary": 5,'), Hang()]
        again = case(COMPLETED, f"{kind}, wrong, then good", "at the headers", wrong, second=GOOD, **good)
        yield from in_formats(replace(again, environment=twice, attempts=2, calls=2))


def refused_by_own_code_cases() -> Iterator[Case]:
    """A validator, a property ``prompt`` or ``prepare`` refuses; the last of these also after an early head."""
    nobody: dict[str, object] = {"calls": 0, "attempts": 0}
    for what, environment in {"validator": FAULTY, "prepare": PREPARED}.items():
        body = f'{{"prompt": "{PROMPT}: refuse"}}'.encode()
        refused = case(REFUSED, f"{what} refuses", "before the headers", GOOD, environment=environment, **nobody)
        yield from in_formats(replace(refused, body=body))
    body = f'{{"prompt": "{PROMPT}: refuse_late"}}'.encode()
    late = case(REFUSED, "prepare refuses late", "before the headers", GOOD, environment=PREPARED_LATE, **nobody)
    for each in in_formats(replace(late, body=body, committed=True, heartbeats=True, meanwhile="let prepare go")):
        if each.committed and each.accept != RAW:
            yield each


def late_prepare_cases() -> Iterator[Case]:
    """``prepare`` takes too long: by its own limit, or for a connection that waits for the status."""
    late = FAILED["prepare_timeout"]
    body = f'{{"prompt": "{PROMPT}: sleep"}}'.encode()
    nobody: dict[str, object] = {"body": body, "calls": 0, "attempts": 0, "ends_sandbox": True}
    for what, environment in {"limited": PREPARED_SOON, "silent": PREPARED_LATE}.items():
        late_case = case(late, f"prepare sleeps, {what}", "before the headers", GOOD, environment=environment, **nobody)
        for each in in_formats(late_case):
            waits_on = what == "silent" and each.format in TYPED
            yield replace(each, committed=waits_on, heartbeats=waits_on)
    waiting = {"body": f'{{"prompt": "{PROMPT}: wait"}}'.encode(), "ends_sandbox": False}
    on_loop = {**PREPARED_SOON, "prepare": PREPARED_ON_LOOP["prepare"]}
    cancelled = case(late, "prepare waits on the loop", "before the headers", GOOD, **{**nobody, **waiting})
    yield from in_formats(replace(cancelled, environment=on_loop))


def deadline_cases() -> Iterator[Case]:
    for place in PLACES:
        if place == "after the stop":
            yield from in_formats(decided("hang", place, [Hang()], environment=SHORT))
        elif place not in DECIDED:
            hanging = case(FAILED["deadline_reached"], "hang", place, [Hang()], environment=SHORT)
            yield from in_formats(hanging)


SILENCES: Final = {
    "before the headers": "a schema that compiles for minutes",
    "at the headers": "long silence",
    "after reasoning": "a model that thinks for long",
}


def impatient_cases() -> Iterator[Case]:
    """The model is silent for longer than a connection waits: at the gate until the client has heard of it."""
    late = FAILED["model_timeout"]
    for place, what in SILENCES.items():
        for each in in_formats(case(late, what, place, [], environment=IMPATIENT)):
            typed = each.format in TYPED
            ending = COMPLETED if typed else late
            script = [*PLACES[place], Hold(each.gate), *GOOD]
            good = {"text": DOCUMENT, "stop_reason": "end_turn", "usage": True, "heartbeats": True} if typed else {}
            yield replace(each, ending=ending, script=script, meanwhile="release", **good)  # type: ignore[arg-type]
    for place in ("after the first delta", "after a later delta", "after the last byte"):
        before = PLACES[place]
        for each in in_formats(case(COMPLETED, "long silence", place, [], environment=IMPATIENT)):
            rest = [*DELTAS[len(before) :], Stop(), USAGE]
            script = [*before, Hold(each.gate), *rest]
            if each.format == "whole":
                yield replace(each, ending=late, script=script, meanwhile="release")
            elif each.format in TYPED:
                good = {"text": DOCUMENT, "stop_reason": "end_turn", "usage": True, "heartbeats": True}
                yield replace(each, script=script, meanwhile="release", **good)  # type: ignore[arg-type]


SLOWLY: Final[Script] = [step for _ in range(200) for step in (Fragment(16 * "x"), Pause(0.05))]
"""Writes that go on until one of them fails: those before the reset has arrived succeed."""


INTO_A_STRING: Final = {"after a later delta": DOCUMENT[48:61]}
"""From where the document was left, so that more text is more of a value."""


def cancelled_cases() -> Iterator[Case]:
    """The platform resets the invocation while the model is held; the function notices when it next writes."""
    for place, before in PLACES.items():
        if place in {"after the usage", "after the stop"}:
            continue
        for each in in_formats(case(CANCELLED, "reset by the platform", place, [], meanwhile="reset")):
            has_begun = place in _DELTA_PLACES
            rest: list[Step] = list(DELTAS[len(before) if has_begun else 0 :])
            if place == "after the last byte":
                rest = []
            elif each.format != "whole":
                rest = [
                    *fragments(INTO_A_STRING.get(place, "") if has_begun else '{"summary": "', 13),
                    *SLOWLY,
                    Hang(),
                ]
            script = [*before, Hold(each.gate), *rest, Stop(), USAGE]
            yield replace(each, script=script)


def left_cases() -> Iterator[Case]:
    """The client leaves while the model is held: the function is not told, and its stages tell the true outcome."""
    place = "after the first delta"
    good: dict[str, object] = {"stop_reason": "end_turn", "usage": True}
    cut_short: dict[str, object] = {"stop_reason": "max_tokens", "usage": True}
    refused: dict[str, object] = {"stop_reason": "refusal", "usage": True}
    thinking = case(COMPLETED, "good, the client has left", "after reasoning", [], meanwhile="leave", **good)
    for each in in_formats(thinking):
        yield replace(each, script=[*PLACES[each.place], Hold(each.gate), *GOOD])
    rest: dict[str, tuple[Ending, Script, dict[str, object]]] = {
        "good": (COMPLETED, [*DELTAS[1:], Stop(), USAGE], good),
        "wrong value": (FAILED["answer_invalid"], [Fragment('", "keywords": 5,'), Hang()], {}),
        "max_tokens": (FAILED["answer_truncated"], [Stop("max_tokens"), USAGE], cut_short),
        "refusal": (FAILED["answer_refused"], [Stop("refusal"), USAGE], refused),
        "cut": (FAILED["model_failed"], [Cut()], {}),
    }
    for what, (ending, script, members) in rest.items():
        for each in in_formats(case(ending, f"{what}, the client has left", place, [], meanwhile="leave", **members)):
            if each.committed:
                yield replace(each, script=[*PLACES[place], Hold(each.gate), *script])


def again_after_silence_cases() -> Iterator[Case]:
    """The service is asked again, and does not answer: the deadline stands."""
    busy: Script = [Refuse("ThrottlingException")]
    late = FAILED["deadline_reached"]
    throttled = case(late, "throttled, then silent", "before the headers", busy, second=[Hang()], calls=2)
    yield from (replace(each, environment=SHORT) for each in in_formats(throttled) if each.format in {"raw", "sse"})


FLOOD: Final[Script] = 229 * [Fragment(65_536 * "x")]
"""More than the buffers on the way to a platform that stalls can take, less than an answer may have."""


def stalled_cases() -> Iterator[Case]:
    """The platform stops reading until the answer's time is over, and resets the invocation while the stages run."""
    place = "after the first delta"
    for each in in_formats(case(CANCELLED, "stalled by the platform", place, [], meanwhile="stall", environment=SHORT)):
        if each.committed:
            yield replace(each, script=[*PLACES[place], Hold(each.gate), *FLOOD, Hang()], reset_in="store")


_DELTA_PLACES = frozenset({"after the first delta", "after a later delta", "after the last byte"})


def again_cases() -> Iterator[Case]:
    """With ``maxAttempts`` 2: the model is told what was wrong, and asked once more."""
    wrong: Script = [Fragment(f'{{"summary": "{CANARY}"'), Fragment("}"), Hang()]
    at_once: Script = [Fragment('{"summary": 5,'), Hang()]
    common: dict[str, object] = {"environment": TWICE, "attempts": 2, "calls": 2}
    good = {"text": DOCUMENT, "stop_reason": "end_turn", "usage": True}
    yield from in_formats(case(COMPLETED, "wrong, then good", "at the headers", at_once, second=GOOD, **common, **good))
    for each in in_formats(case(COMPLETED, "wrong late, then good", "at the headers", wrong, second=GOOD, **common)):
        if each.accept == RAW:
            told = {"ending": FAILED["answer_invalid"], "attempts": 1, "calls": 1, "committed": True}
            yield replace(each, text=text_of(wrong[:1]), **told)  # type: ignore[arg-type]
        else:
            restarts = int(each.format != "whole")
            yield replace(each, text=DOCUMENT, stop_reason="end_turn", usage=True, restarts=restarts)
    for each in in_formats(
        case(FAILED["answer_invalid"], "wrong twice", "at the headers", at_once, second=at_once, **common)
    ):
        yield each
    for each in in_formats(
        case(FAILED["answer_invalid"], "wrong late, twice", "at the headers", wrong, second=wrong, **common)
    ):
        if each.accept != RAW:
            typed = each.format != "whole"
            yield replace(each, committed=typed, restarts=int(typed))
    too_long: Script = [Refuse("ValidationException", "Input is too long for requested model.")]
    twice = case(
        FAILED["prompt_too_long"], "too long the second time", "at the headers", wrong, second=too_long, **common
    )
    for each in in_formats(replace(twice, padding=5000)):
        if each.accept != RAW:
            typed = each.format != "whole"
            yield replace(each, committed=typed, restarts=int(typed))
    final = {"second": GOOD, "environment": TWICE, "usage": True}
    for reason in ("max_tokens", "refusal"):
        ending = FAILED[str(STOP_CODES[reason])]
        stop: Script = [Stop(reason), USAGE]
        again = f"{reason}, two attempts allowed"
        yield from in_formats(case(ending, again, "after a later delta", stop, stop_reason=reason, **final))
    yield from in_formats(
        case(
            FAILED["model_failed"],
            "cut, two attempts allowed",
            "after a later delta",
            [Cut()],
            second=GOOD,
            environment=TWICE,
        )
    )


def _of_each_outcome() -> Iterator[Case]:
    good = {"text": DOCUMENT, "stop_reason": "end_turn", "usage": True}
    cut_short: dict[str, object] = {"stop_reason": "max_tokens", "usage": True}
    refused: dict[str, object] = {"stop_reason": "refusal", "usage": True}
    late = "after a later delta"
    yield case(COMPLETED, "good", "after the last byte", [Stop(), USAGE], **good)
    yield case(FAILED["answer_invalid"], "wrong value", "at the headers", [Fragment('{"summary": 5,'), Hang()])
    yield case(FAILED["answer_truncated"], "max_tokens", late, [Stop("max_tokens"), USAGE], **cut_short)
    yield case(FAILED["answer_refused"], "refusal", "after reasoning", [Stop("refusal"), USAGE], **refused)
    yield case(FAILED["model_failed"], "cut", late, [Cut()])


def staged_cases() -> Iterator[Case]:
    """Every outcome, published, with a store and a sink that work or refuse, and a reset during each stage."""
    denied: Script = [Refuse("AccessDeniedException")]
    misconfigured = case(FAILED["model_misconfigured"], "AccessDeniedException", "before the headers", denied)
    for each in [*_of_each_outcome(), misconfigured]:
        for sinks in ("good", "refusing"):
            what = f"{each.what}, sinks {sinks}"
            yield from in_formats(replace(each, what=what, environment=PUBLISHING, sinks=sinks))
    for each in _of_each_outcome():
        for stage in ("log", "store", "publish"):
            what = f"{each.what}, reset during {stage}"
            yield from in_formats(replace(each, what=what, environment=PUBLISHING, reset_in=stage))


def hanging_cases() -> Iterator[Case]:
    """Every outcome with a store and a sink that hang: no sandbox is killed for it."""
    late = "after a later delta"
    in_time = [*_of_each_outcome(), case(FAILED["deadline_reached"], "hang", late, [Hang()])]
    for each in in_time:
        what = f"{each.what}, sinks hanging"
        hanging = replace(each, what=what, environment=HANGING, sinks="hanging")
        yield from (case for case in in_formats(hanging) if case.format != "raw, ended cleanly")
    for each in cancelled_cases():
        if each.place == late and each.format != "raw, ended cleanly":
            what = f"{each.what}, sinks hanging"
            held = replace(each, what=what, environment=HANGING, sinks="hanging")
            script = [Hold(held.gate) if isinstance(step, Hold) else step for step in each.script]
            yield replace(held, script=script)


def all_cases() -> list[Case]:
    """Return the whole matrix."""
    cases = [
        *refused_cases(),
        *told_apart_cases(),
        *broken_cases(),
        *stopped_cases(),
        *late_cases(),
        *wrong_cases(),
        *rejected_cases(),
        *fallback_cases(),
        *tool_cases(),
        *guarded_cases(),
        *past_the_gateway_cases(),
        *internal_cases(),
        *slow_code_cases(),
    ]
    in_every_format = [each for case in cases for each in in_formats(case)]
    of_all = [
        *in_every_format,
        *long_path_cases(),
        *reconnecting_cases(),
        *prepared_cases(),
        *refused_by_own_code_cases(),
        *late_prepare_cases(),
        *deadline_cases(),
        *impatient_cases(),
        *cancelled_cases(),
        *stalled_cases(),
        *left_cases(),
        *again_after_silence_cases(),
        *again_cases(),
        *staged_cases(),
        *hanging_cases(),
    ]
    return [case for case in of_all if case.is_cut or case.format != "raw, ended cleanly"]
