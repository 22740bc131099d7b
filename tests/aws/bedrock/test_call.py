"""One call, spoken by unmodified boto3 to a stand-in that answers in the service's own frames."""

import threading
from typing import Any, Final

import botocore
import pytest
from botocore.session import get_session

from function.aws.bedrock.call import Call, model_session
from function.aws.bedrock.errors import BY_CODE
from function.contract import read_settings
from function.stream.errors import (
    ModelError,
    ModelFailed,
    ModelTimeout,
)
from function.stream.events import Delta, Ignored, ModelEvent, Stop, Thinking, Usage, Verdict
from local.bedrock.script import (
    Cut,
    End,
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
    Text,
    complete_answer,
    fragments,
)
from local.bedrock.script import Stop as StopStep
from local.bedrock.script import Usage as UsageStep
from local.bedrock.server import Bedrock
from tests.aws.bedrock.models import DOCUMENT, ask, failure, impatient_model, model, text

ASKED: Final = (
    *("choose-service-name", "creating-client-class", "getattr", "provide-client-params", "before-parameter-build"),
    *("before-endpoint-resolution", "before-call", "request-created", "choose-signer", "before-sign", "before-send"),
    *("needs-retry", "before-parse", "after-call", "after-call-error"),
)
"""What botocore asks its handlers about in one call of a service."""
CALLED: Final = (
    *("bedrock-runtime.ConverseStream", "sts.AssumeRoleWithWebIdentity", "sso-oidc.CreateToken"),
    *("sso.GetRoleCredentials", "signin.CreateOAuth2Token", "signin.create_o_auth2_token"),
)
"""The model, and what botocore calls for the credentials of a developer."""


@pytest.mark.parametrize("called", CALLED)
def test_the_session_has_every_handler_of_botocore_for_what_is_called(
    called: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Handlers lie in a tree of the events' names, which nothing shows from outside.

    Powertools, if another test has imported it, has every new session register a handler of its own.
    """
    monkeypatch.setattr(botocore, "_INITIALIZERS", [])
    of_model, of_botocore = (
        session.get_component("event_emitter")._emitter._handlers  # noqa: SLF001
        for session in (model_session(), get_session())
    )

    for event in ASKED:
        name = f"{event}.{called}"
        assert of_model.prefix_search(name) == of_botocore.prefix_search(name)


def test_text_deltas_stop_and_usage_are_events(bedrock: Bedrock) -> None:
    """Opening frames are left out; the usage after the stop is read, and so is the end of the stream."""
    bedrock.play([Open(), Reasoning("hm"), *complete_answer(DOCUMENT)])
    events = list(ask(model()))

    assert text(events) == DOCUMENT
    assert events[0] == Thinking()
    assert events[-2:] == [Stop("end_turn", Verdict.GOOD), Usage(12, len(fragments(DOCUMENT)))]


FENCED = f"```json\n{DOCUMENT}\n```"


@pytest.mark.parametrize(("strategy", "expected"), [("prompt", f"{DOCUMENT}"), ("native", FENCED), ("tool", FENCED)])
def test_a_markdown_fence_is_stripped_only_if_the_schema_is_in_the_instructions(
    bedrock: Bedrock, strategy: str, expected: str
) -> None:
    """Nothing else lets a model write one."""
    bedrock.play([*fragments(FENCED, 5), StopStep()])

    assert text(list(ask(model(structured_output=strategy)))) == expected


@pytest.mark.parametrize("strategy", ["native", "tool", "prompt"])
def test_a_character_that_two_deltas_share_is_passed_on_complete(bedrock: Bedrock, strategy: str) -> None:
    """The service's JSON may escape the halves of a pair in two events; half of one cannot be written in UTF-8."""
    halves = [
        Fragment('{"summary": "\ud83d'),
        Fragment("\ude42"),
        Fragment("\ud83d"),
        Fragment('\ude42", "keywords": []}'),
    ]
    bedrock.play([*halves, StopStep()])
    events = list(ask(model(structured_output=strategy)))

    assert text(events) == '{"summary": "🙂🙂", "keywords": []}'
    assert all(event.text.encode() for event in events if isinstance(event, Delta))


@pytest.mark.parametrize("step", [End(), End(half_frame=True)], ids=repr)
def test_a_clean_end_without_a_stop_is_left_to_the_verdict(bedrock: Bedrock, step: Step) -> None:
    """Botocore ends in silence here, even in the middle of a frame."""
    bedrock.play([Fragment("{"), step])

    assert list(ask(model())) == [Delta("{")]


def test_silence_is_a_timeout_and_the_call_is_not_repeated(bedrock: Bedrock) -> None:
    """The first call may still be answered, and billed."""
    bedrock.play([Hang()])
    with pytest.raises(ModelTimeout):
        list(ask(impatient_model()))

    assert len(bedrock.calls) == 1


def test_silence_in_the_stream_is_a_timeout(bedrock: Bedrock) -> None:
    bedrock.play([Fragment("{"), Hang()])
    with pytest.raises(ModelTimeout):
        list(ask(impatient_model()))


@pytest.mark.parametrize("shape", ["ThrottlingException", "ServiceUnavailableException", "InternalServerException"])
def test_a_call_is_made_three_times_in_all(bedrock: Bedrock, shape: str) -> None:
    error = failure(bedrock, Refuse(shape))

    assert type(error) is BY_CODE[shape]
    assert len(bedrock.calls) == 3


def test_a_throttled_call_is_made_again(bedrock: Bedrock) -> None:
    busy = [Refuse("ThrottlingException")]
    bedrock.play(busy, busy, complete_answer(DOCUMENT))

    assert text(list(ask(model()))) == DOCUMENT
    assert len(bedrock.calls) == 3


@pytest.mark.parametrize("step", [Refuse("ThrottlingException"), Refuse("InternalServerException"), Cut()], ids=repr)
def test_a_call_in_whose_place_another_model_is_called_is_not_made_again(bedrock: Bedrock, step: Step) -> None:
    bedrock.play([step])
    with pytest.raises(ModelError):
        list(ask(model(fallback_models="another")))

    assert len(bedrock.calls) == 1


def test_another_form_is_tried_where_another_model_could_be_called(bedrock: Bedrock) -> None:
    """It is the same model that takes the request then."""
    bedrock.refuses_output_config = [read_settings({}).model_id]
    bedrock.play(complete_answer(DOCUMENT))

    assert text(list(ask(model(fallback_models="another")))) == DOCUMENT
    assert len(bedrock.refusals) == 1


def test_a_call_waits_until_the_first_frame(bedrock: Bedrock) -> None:
    """Also one that is no event of an answer."""
    bedrock.play([Hold("first frame"), Open(), Hold("more"), *complete_answer(DOCUMENT)])
    call = ask(model())
    reader = Reader(call)
    bedrock.reached("first frame")
    assert call.is_waiting
    bedrock.release("first frame")
    bedrock.reached("more")
    bedrock.release("more")
    reader.join(10)
    assert not call.is_waiting


def test_a_failure_in_the_stream_is_not_made_again(bedrock: Bedrock) -> None:
    failure(bedrock, Fragment("{"), Fail("throttlingException"))

    assert len(bedrock.calls) == 1


class Reader(threading.Thread):
    """Reads a call to its end, in a thread of its own, as pacing does."""

    def __init__(self, call: Call) -> None:
        super().__init__()
        self._call = call
        self.events: list[ModelEvent] = []
        self.first = threading.Event()
        self.start()

    def run(self) -> None:
        for event in self._call:
            self.events.append(event)
            self.first.set()


def test_a_blocked_read_is_cancelled_at_once(bedrock: Bedrock) -> None:
    """The service sees that the connection is closed, while the reader waits for bytes that never come."""
    bedrock.play([Fragment("{"), Hang()])
    call = ask(model())
    reader = Reader(call)
    assert reader.first.wait(10)

    assert call.cancel()
    reader.join(10)

    assert not reader.is_alive()
    assert bedrock.called().ended.wait(10)
    assert bedrock.called().closed_at is not None


def test_a_call_whose_connection_is_reset_is_cancelled_like_any_other(bedrock: Bedrock) -> None:
    """The connection has ended already, unread: there is nothing to shut down, and no error either."""
    bedrock.play([Fragment("{"), Reset()])
    call = ask(model())
    events = iter(call)
    assert next(events) == Delta("{")
    assert bedrock.called().ended.wait(10)

    assert call.cancel()
    assert list(events) == []


def test_a_call_that_is_cancelled_before_its_headers_ends_at_once(bedrock: Bedrock) -> None:
    """The service sees that the connection is closed, and can stop."""
    bedrock.play([Hold("headers"), Hang()])
    call = ask(model())
    reader = Reader(call)
    bedrock.reached("headers")

    call.cancel()
    reader.join(10)

    assert not reader.is_alive()
    assert reader.events == []
    bedrock.release("headers")
    assert bedrock.called().ended.wait(10)
    assert bedrock.called().closed_at is not None


def test_a_call_that_is_cancelled_is_not_made_again(bedrock: Bedrock) -> None:
    bedrock.play([Hold("refusal"), Refuse("ThrottlingException")], complete_answer(DOCUMENT))
    call = ask(model())
    reader = Reader(call)
    bedrock.reached("refusal")
    call.cancel()
    bedrock.release("refusal")
    reader.join(10)

    assert len(bedrock.calls) == 1


def test_a_call_that_is_cancelled_before_it_is_sent_is_never_made(bedrock: Bedrock) -> None:
    """Its answer would be billed."""
    bedrock.play(complete_answer(DOCUMENT))
    call = ask(model())
    call.cancel()

    assert list(call) == []
    assert bedrock.calls == []


def test_a_drained_connection_is_used_again(bedrock: Bedrock) -> None:
    """The usage frame and the end are read: a request saves a handshake."""
    bedrock.play([Pause(0), *complete_answer(DOCUMENT)])
    asked = model()
    list(ask(asked))
    list(ask(asked))

    assert len({call.client_port for call in bedrock.calls}) == 1


def test_usage_may_be_missing(bedrock: Bedrock) -> None:
    bedrock.play([*fragments(DOCUMENT), StopStep()])

    assert list(ask(model()))[-1] == Stop("end_turn", Verdict.GOOD)


def test_usage_is_what_the_service_counted(bedrock: Bedrock) -> None:
    bedrock.play([Fragment("{}"), StopStep(), UsageStep(7, 8)])

    assert Usage(7, 8) in list(ask(model()))


@pytest.mark.parametrize(
    ("reported", "usage"),
    [
        ({"cacheReadInputTokens": 4100}, Usage(7, 8, 4100)),
        ({"cacheReadInputTokens": 0, "cacheWriteInputTokens": 4100}, Usage(7, 8, 0, 4100)),
        ({"cacheReadInputTokens": 0, "cacheWriteInputTokens": 0}, Usage(7, 8)),
        ({}, Usage(7, 8)),
    ],
)
def test_usage_has_the_tokens_of_the_cache_where_the_service_reports_them(
    bedrock: Bedrock, reported: dict[str, int], usage: Usage
) -> None:
    """Two zeros say nothing of a request that asked for no cache."""
    usages = {"usage": {"inputTokens": 7, "outputTokens": 8, **reported}}
    bedrock.play([Fragment("{}"), StopStep(), Event("metadata", usages)])

    assert usage in list(ask(model()))


EVENTS = ["messageStart", "contentBlockStart", "contentBlockDelta", "contentBlockStop", "messageStop", "metadata"]
NESTED = b"[" * 200_000
WRONG_PAYLOADS = [b"null", b"[]", b"[1]", b'"words"', b"5", b"true", b"", b"{", b'{"delta"', b"\xff", NESTED]


@pytest.mark.parametrize("name", EVENTS)
@pytest.mark.parametrize("payload", WRONG_PAYLOADS, ids=lambda payload: repr(payload[:9]))
def test_a_payload_that_is_no_object_is_a_failure_of_the_model(bedrock: Bedrock, name: str, payload: bytes) -> None:
    error = failure(bedrock, Event("messageStart", {"role": "assistant"}), RawEvent(name, payload), StopStep())

    assert isinstance(error, ModelFailed)
    assert error.__cause__ is not None


VALUES: Final[list[object]] = [None, [], ["a"], {}, {"a": "b"}, 5, 1.5, True]
DELTAS: Final[list[object]] = [None, [], ["a"], {}, 5, "words"]
REASONS: Final[list[object]] = [*VALUES, "", "a\nb", "x" * 101]
USAGES: Final[list[object]] = [[], ["a"], "words", 5, {}, {"inputTokens": 1}]
TOKENS: Final[list[object]] = [None, [], {}, "3", 1.5, -1, True, 10**400, 2**53 + 1]


def _usage(output_tokens: object) -> dict[str, object]:
    return {"usage": {"inputTokens": 1, "outputTokens": output_tokens}}


def _cached(tokens: object) -> dict[str, object]:
    return {"usage": {"inputTokens": 1, "outputTokens": 1, "cacheReadInputTokens": tokens}}


WRONG_MEMBERS: Final[list[tuple[str, dict[str, object]]]] = [
    *(("contentBlockDelta", {"delta": value, "contentBlockIndex": 0}) for value in DELTAS),
    *(("contentBlockDelta", {"delta": {"text": value}, "contentBlockIndex": 0}) for value in VALUES),
    *(("messageStop", {"stopReason": value}) for value in REASONS),
    ("messageStop", {"additionalModelResponseFields": {}}),
    *(("metadata", {"usage": value}) for value in USAGES),
    *(("metadata", _usage(value)) for value in TOKENS),
    *(("metadata", _cached(value)) for value in TOKENS if value is not None),
]


@pytest.mark.parametrize(("name", "payload"), WRONG_MEMBERS, ids=lambda value: str(value)[:60])
def test_a_member_of_a_wrong_type_is_a_failure_of_the_model(
    bedrock: Bedrock, name: str, payload: dict[str, object]
) -> None:
    assert isinstance(failure(bedrock, Open(), Event(name, payload), StopStep()), ModelFailed)


@pytest.mark.parametrize(("name", "payload"), WRONG_MEMBERS, ids=lambda value: str(value)[:60])
def test_after_a_stop_no_event_can_do_harm(bedrock: Bedrock, name: str, payload: dict[str, object]) -> None:
    """The usage after it is read, and what was left out is counted."""
    late: list[Step] = [Event(name, payload), Fragment("late"), StopStep("max_tokens"), UsageStep(3, 4)]
    bedrock.play([Fragment("{}"), StopStep(), UsageStep(1, 2), *late])
    events = list(ask(model()))

    assert text(events) == "{}"
    stops = [event for event in events if isinstance(event, Stop)]
    assert [stop.verdict for stop in stops] == [Verdict.GOOD]
    assert Usage(1, 2) in events
    assert events[-1] == Usage(3, 4)
    assert events.count(Ignored()) >= 2


@pytest.mark.parametrize("payload", WRONG_PAYLOADS, ids=lambda payload: repr(payload[:9]))
def test_after_a_stop_no_payload_can_do_harm(bedrock: Bedrock, payload: bytes) -> None:
    bedrock.play([Fragment("{}"), StopStep(), *[RawEvent(name, payload) for name in EVENTS], UsageStep(3, 4)])
    events = list(ask(model()))

    assert events == [Delta("{}"), Stop("end_turn", Verdict.GOOD), *len(EVENTS) * [Ignored()], Usage(3, 4)]


@pytest.mark.parametrize(
    "body", ["null", "[]", '"words"', "5", '{"message": null}', '{"message": [1]}', b"\xff", "", "{"]
)
@pytest.mark.parametrize("status", [400, 429, 500])
def test_an_error_whose_body_is_of_a_wrong_type_is_a_failure_of_the_service(
    bedrock: Bedrock, body: bytes | str, status: int
) -> None:
    """Whoever must act, it is not the developers of the endpoint."""
    error = failure(bedrock, Refuse("ThrottlingException", status=status, body=body))

    assert error.code in {"model_busy", "model_failed"}


def test_an_exception_whose_payload_is_of_a_wrong_type_is_a_failure_of_the_model(bedrock: Bedrock) -> None:
    messages: list[Any] = [None, 5, [], {"a": 1}]
    for message in messages:
        error = failure(bedrock, Fragment("{"), Fail("throttlingException", message))
        assert error.code == "model_busy"


@pytest.mark.parametrize("strategy", ["native", "tool"])
def test_a_delta_of_another_kind_is_counted(bedrock: Bedrock, strategy: str) -> None:
    """Reasoning and citations are no words of an answer; a picture, or what is not known yet, might be."""
    deltas: list[dict[str, object]] = [
        {"song": "la"},
        {"image": {"source": {"bytes": ""}}},
        {"citation": {"title": "t"}},
    ]
    steps: list[Step] = [Event("contentBlockDelta", {"delta": delta, "contentBlockIndex": 7}) for delta in deltas]
    bedrock.play([Open(), Reasoning("hm"), *steps, Fragment("{}"), StopStep()])
    events = list(ask(model(structured_output=strategy)))

    assert text(events) == "{}"
    assert events.count(Ignored()) == 2


def test_of_two_tool_calls_the_first_is_the_answer(bedrock: Bedrock) -> None:
    """Words beside the calls are left out as well, and all that is left out is counted."""
    second = {"start": {"toolUse": {"toolUseId": "tooluse_2", "name": "answer"}}, "contentBlockIndex": 5}
    more = {"delta": {"toolUse": {"input": DOCUMENT}}, "contentBlockIndex": 5}
    steps: list[Step] = [
        Text("Here: "),
        *fragments(DOCUMENT),
        Event("contentBlockStart", second),
        Event("contentBlockDelta", more),
    ]
    bedrock.play([*steps, StopStep()])
    events = list(ask(model(structured_output="tool")))

    assert text(events) == DOCUMENT
    assert events.count(Ignored()) == 3


def test_a_tool_call_without_input_is_an_empty_object(bedrock: Bedrock) -> None:
    start = {"start": {"toolUse": {"toolUseId": "tooluse_1", "name": "answer"}}, "contentBlockIndex": 0}
    empty = {"delta": {"toolUse": {"input": ""}}, "contentBlockIndex": 0}
    without: list[list[Step]] = [[], [Event("contentBlockDelta", empty)]]
    for steps in without:
        bedrock.play([Open(), Event("contentBlockStart", start), *steps, StopStep()])
        assert list(ask(model(structured_output="tool"))) == [Delta("{}"), Stop("tool_use", Verdict.GOOD)]
    bedrock.play([Open(), Event("contentBlockStart", start), StopStep("max_tokens")])
    assert text(list(ask(model(structured_output="tool")))) == ""
    bedrock.play([Open(), StopStep()])
    assert text(list(ask(model(structured_output="tool")))) == ""
