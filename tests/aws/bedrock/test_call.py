"""Converse, spoken by unmodified boto3 to a stand-in that answers in the service's own frames."""

import json
import threading
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from function.aws.bedrock.call import BedrockModel, Call
from function.aws.bedrock.converse import Converse
from function.aws.bedrock.errors import BY_CODE, as_model_error
from function.contract import SettingsError, read_settings
from function.schema import Answer as AnswerModel
from function.stream.errors import (
    AnswerInvalid,
    AnswerNotJson,
    ModelBusy,
    ModelError,
    ModelFailed,
    ModelMisconfigured,
    ModelTimeout,
    ModelUnavailable,
)
from function.stream.events import Delta, ModelEvent, Stop, Usage, Verdict
from local.bedrock.script import (
    Answer,
    BadChecksum,
    Cut,
    End,
    Error,
    Event,
    Fail,
    Hang,
    Hold,
    Open,
    Pause,
    Reasoning,
    Refuse,
    Reset,
    Step,
    pieces,
    whole,
)
from local.bedrock.script import Stop as StopStep
from local.bedrock.script import Usage as UsageStep
from local.bedrock.server import Bedrock

DOCUMENT = '{"summary": "Grüße", "keywords": ["a"]}'
OLD_MODEL = "anthropic.claude-3-5-sonnet-20241022-v2:0"


@pytest.fixture(autouse=True)
def environment(bedrock: Bedrock, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What Lambda sets, and the way to the stand-in."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", bedrock.url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.delenv("AWS_BEARER_TOKEN_BEDROCK", raising=False)
    yield
    while MADE:
        client = MADE.pop().client
        if client:
            client.close()


MADE: list[BedrockModel] = []
"""Their connections live as long as the process, if nobody closes them."""


def converse(**variables: str) -> BedrockModel:
    settings = read_settings({f"LLM_{name.upper()}": value for name, value in variables.items()})
    made = BedrockModel(Converse(settings, AnswerModel.model_json_schema(), "Explain."))
    MADE.append(made)
    return made


def ask(model: BedrockModel, previous: AnswerInvalid | AnswerNotJson | None = None, patience: float = 30) -> Call:
    return model.ask("Why?", previous, patience)


def text(events: list[ModelEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, Delta))


def failure(bedrock: Bedrock, *steps: Step) -> ModelError:
    bedrock.play(list(steps))
    with pytest.raises(ModelError) as caught:
        list(ask(converse()))
    return caught.value


def test_text_deltas_stop_and_usage_are_events(bedrock: Bedrock) -> None:
    """Opening frames and reasoning are none; the usage after the stop is read, and so is the stream's end."""
    bedrock.play([Open(), Reasoning("hm"), *whole(DOCUMENT)])
    events = list(ask(converse()))

    assert text(events) == DOCUMENT
    assert events[-2:] == [Stop("end_turn", Verdict.GOOD), Usage(12, len(pieces(DOCUMENT)))]


def test_the_schema_goes_to_the_model_natively(bedrock: Bedrock) -> None:
    bedrock.play(whole(DOCUMENT))
    list(ask(converse()))

    body = bedrock.called().body
    assert body["messages"] == [{"role": "user", "content": [{"text": "Why?"}]}]
    assert body["system"] == [{"text": "Explain."}]
    assert body["inferenceConfig"] == {"maxTokens": 2000, "temperature": 0.7}
    assert body["outputConfig"]["textFormat"]["type"] == "json_schema"
    schema = json.loads(body["outputConfig"]["textFormat"]["structure"]["jsonSchema"]["schema"])
    assert schema["required"] == ["summary", "keywords"]
    assert schema["additionalProperties"] is False


def test_a_model_without_native_output_is_asked_in_plain_words(bedrock: Bedrock) -> None:
    bedrock.play(whole(DOCUMENT))
    events = list(ask(converse(model_id=OLD_MODEL)))

    call = bedrock.called()
    assert call.model_id == OLD_MODEL
    assert "outputConfig" not in call.body
    assert '"keywords"' in call.body["system"][0]["text"]
    assert text(events) == DOCUMENT


def test_a_refused_output_configuration_falls_back_and_is_remembered(
    bedrock: Bedrock, caplog: pytest.LogCaptureFixture
) -> None:
    """Accounts and models differ: the first request of a sandbox finds out and says so, the others know."""
    bedrock.refuses_output_config = [read_settings({}).model_id]
    bedrock.play(whole(DOCUMENT))
    model = converse()

    assert text(list(ask(model))) == DOCUMENT
    assert text(list(ask(model))) == DOCUMENT
    assert len(bedrock.refusals) == 1
    assert len(bedrock.calls) == 2
    assert [record.levelname for record in caplog.records if "output configuration" in record.message] == ["WARNING"]


def test_native_output_that_was_demanded_is_not_replaced(bedrock: Bedrock) -> None:
    bedrock.refuses_output_config = [read_settings({}).model_id]

    with pytest.raises(ModelMisconfigured):
        list(ask(converse(structured_output="native")))


def test_a_refusal_of_something_else_is_no_reason_to_fall_back(bedrock: Bedrock) -> None:
    assert isinstance(failure(bedrock, Refuse("ValidationException", "max_tokens is too large")), ModelMisconfigured)
    assert len(bedrock.calls) == 1


def test_a_forced_tool_streams_its_input(bedrock: Bedrock) -> None:
    bedrock.play(whole(DOCUMENT))
    events = list(ask(converse(structured_output="tool")))

    body = bedrock.called().body
    assert body["toolConfig"]["toolChoice"] == {"tool": {"name": "answer"}}
    assert body["additionalModelRequestFields"] == {"anthropic_beta": ["fine-grained-tool-streaming-2025-05-14"]}
    assert text(events) == DOCUMENT
    assert Stop("tool_use", Verdict.GOOD) in events


def test_a_guardrail_goes_with_the_call(bedrock: Bedrock) -> None:
    bedrock.play(whole(DOCUMENT))
    list(ask(converse(guardrail="g1:3", guardrail_streaming="async")))

    assert bedrock.called().body["guardrailConfig"] == {
        "guardrailIdentifier": "g1",
        "guardrailVersion": "3",
        "streamProcessingMode": "async",
    }


@pytest.mark.parametrize(
    ("previous", "words"),
    [(AnswerInvalid("/keywords/1", "string_type"), "/keywords/1"), (AnswerNotJson(), "not one JSON document")],
)
def test_a_second_attempt_is_told_what_was_wrong(
    bedrock: Bedrock, previous: AnswerInvalid | AnswerNotJson, words: str
) -> None:
    bedrock.play(whole(DOCUMENT))
    list(ask(converse(), previous))

    assert words in bedrock.called().prompt


@pytest.mark.parametrize(
    ("model_id", "temperature", "sent"),
    [
        ("anthropic.claude-haiku-4-5-20251001-v1:0", "0", {"temperature": 0.0}),
        ("anthropic.claude-haiku-4-5-20251001-v1:0", "", {"temperature": 0.7}),
        ("us.anthropic.claude-opus-5", "", {}),
    ],
)
def test_a_temperature_is_sent_where_the_model_takes_one(
    bedrock: Bedrock, model_id: str, temperature: str, sent: dict[str, float]
) -> None:
    bedrock.play(whole(DOCUMENT))
    list(ask(converse(model_id=model_id, temperature=temperature)))

    assert bedrock.called().body["inferenceConfig"] == {"maxTokens": 2000, **sent}


def test_a_temperature_for_a_model_that_takes_none_fails_at_start() -> None:
    with pytest.raises(SettingsError, match="LLM_TEMPERATURE"):
        converse(model_id="us.anthropic.claude-opus-5", temperature="0.2")


def test_native_output_for_a_schema_that_has_none_fails_at_start() -> None:
    settings = read_settings({"LLM_STRUCTURED_OUTPUT": "native"})

    with pytest.raises(SettingsError, match="LLM_STRUCTURED_OUTPUT"):
        Converse(settings, {"type": "object", "additionalProperties": {"type": "string"}}, "")


@pytest.mark.parametrize("size", [1, 2, 5, 1000])
@pytest.mark.parametrize(
    ("written", "document"),
    [
        (f"```json\n{DOCUMENT}\n```", DOCUMENT + "\n"),
        (f"\n```\n{DOCUMENT}\n```\n", DOCUMENT),
        (DOCUMENT, DOCUMENT),
        ('"`a` ``` b"', '"`a` ``` b"'),
        (f"```json\n{DOCUMENT}\n```\nHope this helps!", f"{DOCUMENT}\n```\nHope this helps!"),
        (f"Here it is:\n```json\n{DOCUMENT}\n```", f"Here it is:\n```json\n{DOCUMENT}\n```"),
        ("``", "``"),
    ],
)
def test_a_markdown_fence_is_stripped_and_nothing_else(
    bedrock: Bedrock, written: str, document: str, size: int
) -> None:
    """However the fence is cut; other words around the document stay, and are found to be no JSON."""
    bedrock.play([*pieces(written, size), StopStep()])
    events = list(ask(converse(structured_output="prompt")))

    assert text(events).strip() == document.strip()


@pytest.mark.parametrize("strategy", ["native", "tool", "prompt"])
def test_a_character_that_two_deltas_share_is_passed_on_whole(bedrock: Bedrock, strategy: str) -> None:
    """The service's JSON may escape the halves of a pair in two events; half of one is no text in UTF-8."""
    halves = [Answer('{"summary": "\ud83d'), Answer("\ude42"), Answer("\ud83d"), Answer('\ude42", "keywords": []}')]
    bedrock.play([*halves, StopStep()])
    events = list(ask(converse(structured_output=strategy)))

    assert text(events) == '{"summary": "🙂🙂", "keywords": []}'
    assert all(event.text.encode() for event in events if isinstance(event, Delta))


def test_half_a_character_at_the_end_is_no_silence(bedrock: Bedrock) -> None:
    """It must not be dropped: a document with something after it is none."""
    bedrock.play([Answer("{}\ud83d"), StopStep()])

    assert list(ask(converse())) == [Delta("{}"), Delta("\ufffd"), Stop("end_turn", Verdict.GOOD)]


@pytest.mark.parametrize("shape", sorted(BY_CODE))
def test_every_code_before_the_stream_is_told_apart(bedrock: Bedrock, shape: str) -> None:
    error = failure(bedrock, Refuse(shape))

    assert type(error) is BY_CODE[shape]
    assert isinstance(error.__cause__, ClientError)


def test_every_exception_of_the_service_is_mapped() -> None:
    """The list is botocore's own model of ConverseStream, errors before the stream and in it."""
    client = boto3.client("bedrock-runtime", region_name="eu-west-1")
    operation: Any = client.meta.service_model.operation_model("ConverseStream")
    events = operation.get_event_stream_output().members
    named = {shape.name for shape in operation.error_shapes}
    named |= {shape.name for shape in events.values() if shape.metadata.get("exception")}

    assert named
    assert named <= BY_CODE.keys()


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("internalServerException", ModelFailed),
        ("modelStreamErrorException", ModelFailed),
        ("validationException", ModelMisconfigured),
        ("throttlingException", ModelBusy),
        ("serviceUnavailableException", ModelUnavailable),
        ("anExceptionOfNextYear", ModelFailed),
    ],
)
def test_an_exception_in_the_stream_is_told_apart_too(bedrock: Bedrock, code: str, expected: type[ModelError]) -> None:
    assert type(failure(bedrock, Answer("{"), Fail(code))) is expected


@pytest.mark.parametrize(
    "step", [BadChecksum(), Cut(), Cut(half_frame=True), Reset(), Error("InternalError")], ids=repr
)
def test_a_stream_that_breaks_is_a_failure_of_the_model(bedrock: Bedrock, step: Step) -> None:
    error = failure(bedrock, Answer("{"), step)

    assert type(error) is ModelFailed
    assert error.__cause__ is not None


@pytest.mark.parametrize(
    "step",
    [Event("contentBlockDelta"), Event("contentBlockDelta", {"delta": {}}), Event("messageStop")],
    ids=repr,
)
def test_an_event_without_what_its_kind_requires_is_a_failure_of_the_model(bedrock: Bedrock, step: Step) -> None:
    """A damaged stream, not a mistake of ours: the same request may do better."""
    assert type(failure(bedrock, Answer("{"), step)) is ModelFailed


@pytest.mark.parametrize("step", [End(), End(half_frame=True)], ids=repr)
def test_a_clean_end_without_a_stop_is_left_to_the_verdict(bedrock: Bedrock, step: Step) -> None:
    """Botocore ends in silence here, even in the middle of a frame."""
    bedrock.play([Answer("{"), step])

    assert list(ask(converse())) == [Delta("{")]


def test_nobody_at_the_other_end_is_unavailable(bedrock: Bedrock) -> None:
    bedrock.close()

    with pytest.raises(ModelUnavailable):
        list(ask(converse()))


def test_a_connection_that_is_cut_before_the_headers_is_unavailable(bedrock: Bedrock) -> None:
    assert type(failure(bedrock, Reset())) is ModelUnavailable


def test_silence_is_a_timeout_and_is_not_asked_again(bedrock: Bedrock) -> None:
    """The first question may still be answered, and billed."""
    bedrock.play([Hang()])
    with pytest.raises(ModelTimeout):
        list(ask(converse(), patience=0.2))

    assert len(bedrock.calls) == 1


def test_silence_in_the_stream_is_a_timeout(bedrock: Bedrock) -> None:
    bedrock.play([Answer("{"), Hang()])
    with pytest.raises(ModelTimeout):
        list(ask(converse(), patience=0.2))


def test_a_first_request_with_little_time_does_not_make_later_ones_impatient() -> None:
    """A sandbox that starts late has less of its first invocation left; the client is made anew, and then kept."""
    model = converse()
    clients = []
    for patience in (20.4, 110.99, 110.98, 111):
        ask(model, patience=patience)
        assert model.client is not None
        clients.append(model.client)

    timeouts = [client.meta.config.read_timeout for client in clients]  # type: ignore[attr-defined]  # set at run time
    assert timeouts == [21, 111, 111, 111]
    assert clients[1] is clients[2] is clients[3]
    clients[0].close()


def test_a_throttled_call_is_asked_again_a_little(bedrock: Bedrock) -> None:
    busy = [Refuse("ThrottlingException")]
    bedrock.play(busy, busy, whole(DOCUMENT))

    assert text(list(ask(converse()))) == DOCUMENT
    assert len(bedrock.calls) == 3


def test_a_failure_in_the_stream_is_not_asked_again(bedrock: Bedrock) -> None:
    failure(bedrock, Answer("{"), Fail("throttlingException"))

    assert len(bedrock.calls) == 1


def test_missing_credentials_are_the_operators(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")

    with pytest.raises(ModelMisconfigured):
        list(ask(converse()))


def test_an_error_of_no_known_kind_is_a_failure() -> None:
    assert type(as_model_error(ValueError())) is ModelFailed


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
    bedrock.play([Answer("{"), Hang()])
    call = ask(converse())
    reader = Reader(call)
    assert reader.first.wait(10)

    assert call.cancel()
    reader.join(10)

    assert not reader.is_alive()
    assert bedrock.called().ended.wait(10)
    assert bedrock.called().closed_at is not None


def test_a_call_whose_connection_is_reset_is_cancelled_like_any_other(bedrock: Bedrock) -> None:
    """It ends at this moment, unread yet: there is nothing to shut down, and that is no mistake."""
    bedrock.play([Answer("{"), Reset()])
    call = ask(converse())
    events = iter(call)
    assert next(events) == Delta("{")
    assert bedrock.called().ended.wait(10)

    assert call.cancel()
    assert list(events) == []


def test_a_call_that_is_cancelled_before_its_headers_ends_when_they_come(bedrock: Bedrock) -> None:
    bedrock.play([Hold("headers"), *whole(DOCUMENT)])
    call = ask(converse())
    reader = Reader(call)
    bedrock.reached("headers")

    assert not call.cancel()
    bedrock.release("headers")
    reader.join(10)

    assert not reader.is_alive()
    assert reader.events == []


def test_a_call_that_is_cancelled_is_not_asked_again(bedrock: Bedrock) -> None:
    bedrock.play([Hold("refusal"), Refuse("ThrottlingException")], whole(DOCUMENT))
    call = ask(converse())
    reader = Reader(call)
    bedrock.reached("refusal")
    call.cancel()
    bedrock.release("refusal")
    reader.join(10)

    assert len(bedrock.calls) == 1


def test_a_call_that_is_cancelled_before_it_is_sent_is_never_made(bedrock: Bedrock) -> None:
    """An answer that nobody waits for would be billed."""
    bedrock.play(whole(DOCUMENT))
    call = ask(converse())
    call.cancel()

    assert list(call) == []
    assert bedrock.calls == []


def test_a_drained_connection_is_used_again(bedrock: Bedrock) -> None:
    """The usage frame and the end are read: a request saves a handshake."""
    bedrock.play([Pause(0), *whole(DOCUMENT)])
    model = converse()
    list(ask(model))
    list(ask(model))

    assert len({call.client_port for call in bedrock.calls}) == 1


def test_usage_may_be_missing(bedrock: Bedrock) -> None:
    bedrock.play([*pieces(DOCUMENT), StopStep()])

    assert list(ask(converse()))[-1] == Stop("end_turn", Verdict.GOOD)


def test_usage_is_what_the_service_counted(bedrock: Bedrock) -> None:
    bedrock.play([Answer("{}"), StopStep(), UsageStep(7, 8)])

    assert Usage(7, 8) in list(ask(converse()))
