"""What is sent to the model, read from the call that unmodified boto3 makes."""

import json
from typing import Annotated, Any, Literal

import boto3
import pytest
from pydantic import BaseModel, Field, TypeAdapter, create_model

from function.aws.bedrock.call import BedrockModel, make_client
from function.aws.bedrock.converse import Converse, choose_strategy
from function.contract import SettingsError, StructuredOutput, read_settings
from function.conversation import conversation
from function.endpoint import Document, Message, Part, Prompt
from function.schema import Answer
from function.stream.errors import (
    AnswerInvalid,
    AnswerNotJson,
    ModelBusy,
    ModelMisconfigured,
)
from function.stream.events import Stop, Usage, Verdict
from function.stream.record import Calls
from local.bedrock import script
from local.bedrock.script import (
    Fragment,
    Refuse,
    complete_answer,
)
from local.bedrock.server import Bedrock
from local.bedrock.wordings import BETA, CACHING, EFFORT, MAX_TOKENS, NATIVE_OUTPUT, TEMPERATURE, THINKING, UNKNOWN
from tests.aws.bedrock.models import DOCUMENT, OLD_MODEL, ask, converse, failure, model, shared_session, text
from tests.media_files import DOCX, PDF

PROFILE = "arn:aws:bedrock:eu-west-1:123456789012:application-inference-profile/a1b2c3"
OPUS = "anthropic.claude-opus-5"
POINT: dict[str, Any] = {"cachePoint": {"type": "default"}}
HOUR_POINT: dict[str, Any] = {"cachePoint": {"type": "default", "ttl": "1h"}}
CACHED = Prompt([Message("user", "Why?", cache=True)])


def test_the_schema_goes_to_the_model_natively(bedrock: Bedrock) -> None:
    bedrock.play(complete_answer(DOCUMENT))
    list(ask(model()))

    body = bedrock.called().body
    assert body["messages"] == [{"role": "user", "content": [{"text": "Why?"}]}]
    assert body["system"] == [{"text": "Explain."}]
    assert body["inferenceConfig"] == {"maxTokens": 2000, "temperature": 0.7}
    assert body["outputConfig"]["textFormat"]["type"] == "json_schema"
    schema = json.loads(body["outputConfig"]["textFormat"]["structure"]["jsonSchema"]["schema"])
    assert schema["required"] == ["summary", "keywords"]
    assert schema["additionalProperties"] is False


def test_a_model_without_native_output_gets_the_schema_in_the_instructions(bedrock: Bedrock) -> None:
    bedrock.play(complete_answer(DOCUMENT))
    events = list(ask(model(model_id=OLD_MODEL)))

    call = bedrock.called()
    assert call.model_id == OLD_MODEL
    assert "outputConfig" not in call.body
    assert '"keywords"' in call.body["system"][0]["text"]
    assert text(events) == DOCUMENT


def test_a_schema_with_too_many_unions_goes_into_the_instructions_at_once(bedrock: Bedrock) -> None:
    """No call is spent on a refusal that is certain."""
    lists: dict[str, Any] = {f"f{number}": (list[int | str], ...) for number in range(17)}
    sent = Converse(read_settings({}), create_model("Lists", **lists).model_json_schema(), "Explain.")
    bedrock.play(complete_answer(DOCUMENT))
    client = make_client(shared_session())

    assert text(list(ask(BedrockModel(sent, client)))) == DOCUMENT
    assert (bedrock.refusals, len(bedrock.calls)) == ([], 1)
    assert '"f16"' in bedrock.called().body["system"][0]["text"]
    client.close()


def test_after_a_rejected_output_configuration_the_schema_stays_in_the_instructions(
    bedrock: Bedrock, caplog: pytest.LogCaptureFixture
) -> None:
    """Accounts and models differ: the first request of a sandbox finds out and logs it, the others know."""
    bedrock.refuses_output_config = [read_settings({}).model_id]
    bedrock.play(complete_answer(DOCUMENT))
    asked = model()

    assert text(list(ask(asked))) == DOCUMENT
    assert text(list(ask(asked))) == DOCUMENT
    assert len(bedrock.refusals) == 1
    assert len(bedrock.calls) == 2
    assert [record.levelname for record in caplog.records if "outputConfig" in record.message] == ["WARNING"]


@pytest.mark.parametrize("instructions", ["", " ", "\n\t"])
@pytest.mark.parametrize("strategy", ["native", "tool", "prompt"])
def test_instructions_that_are_blank_are_left_out(bedrock: Bedrock, instructions: str, strategy: str) -> None:
    """The service refuses a text that is blank."""
    bedrock.play(complete_answer(DOCUMENT))
    settings = read_settings({"LLM_STRUCTURED_OUTPUT": strategy})
    made = Converse(settings, Answer.model_json_schema(), instructions)
    sent = made.request(made.form, "Why?", None)
    client = boto3.client("bedrock-runtime")
    list(client.converse_stream(**sent)["stream"])
    client.close()

    if strategy == "prompt":
        assert bedrock.called().body["system"][0]["text"].startswith("Answer with one JSON document")
    else:
        assert "system" not in bedrock.called().body


def test_native_output_that_is_set_is_never_replaced(bedrock: Bedrock) -> None:
    bedrock.refuses_output_config = [read_settings({}).model_id]

    with pytest.raises(ModelMisconfigured):
        list(ask(model(structured_output="native")))


def test_a_rejection_of_something_else_changes_nothing(bedrock: Bedrock) -> None:
    refusal = Refuse("ValidationException", MAX_TOKENS[0].text)

    assert isinstance(failure(bedrock, refusal), ModelMisconfigured)
    assert len(bedrock.calls) == 1


def test_an_unknown_rejection_is_followed_by_one_call_without_native_output(
    bedrock: Bedrock, caplog: pytest.LogCaptureFixture
) -> None:
    """The service has words that nobody has seen. The sandbox remembers it, because the second call was accepted."""
    bedrock.play([Refuse("ValidationException", UNKNOWN[0].text)], complete_answer(DOCUMENT))
    asked = model()

    assert text(list(ask(asked))) == DOCUMENT
    assert text(list(ask(asked))) == DOCUMENT
    assert ["outputConfig" in call.body for call in bedrock.calls] == [True, False, False]
    assert len([record for record in caplog.records if "outputConfig" in record.message]) == 1


def test_the_first_of_two_rejections_is_the_answer_and_nothing_is_remembered(
    bedrock: Bedrock, caplog: pytest.LogCaptureFixture
) -> None:
    bedrock.answer = lambda call: [
        Refuse("ValidationException", (NATIVE_OUTPUT if "outputConfig" in call.body else UNKNOWN)[0].text)
    ]
    asked = model()
    for _ in range(2):
        with pytest.raises(ModelMisconfigured) as caught:
            list(ask(asked))
        assert caught.value.reason == "native_output"

    assert ["outputConfig" in call.body for call in bedrock.calls] == [True, False, True, False]
    assert not caplog.records


def test_a_failure_of_another_kind_after_a_rejection_is_the_answer(bedrock: Bedrock) -> None:
    """The client can try again: the service only had no time for the second call."""
    bedrock.play([Refuse("ValidationException", NATIVE_OUTPUT[0].text)], [Refuse("ThrottlingException")])
    calls = Calls()
    with pytest.raises(ModelBusy):
        list(model().ask("Why?", calls, None))

    assert calls.count == len(bedrock.calls) == 3


@pytest.mark.parametrize("strategy", ["native", "tool", "prompt"])
def test_an_unknown_rejection_changes_nothing_that_is_set(bedrock: Bedrock, strategy: str) -> None:
    bedrock.play([Refuse("ValidationException", UNKNOWN[0].text)])
    with pytest.raises(ModelMisconfigured):
        list(ask(model(structured_output=strategy)))

    assert len(bedrock.calls) == 1


@pytest.mark.parametrize("message", [text for wording in TEMPERATURE for text in wording.forms().values()])
@pytest.mark.parametrize(("temperature", "whose"), [("", "not set"), ("0.3", "set by hand")])
def test_a_temperature_that_is_rejected_is_left_out_from_then_on(
    bedrock: Bedrock, caplog: pytest.LogCaptureFixture, message: str, temperature: str, whose: str
) -> None:
    """The first request of a sandbox finds out; the one warning names the setting, and whose choice it was."""
    bedrock.play([Refuse("ValidationException", message)], complete_answer(DOCUMENT))
    asked = model(temperature=temperature)

    assert text(list(ask(asked))) == DOCUMENT
    assert text(list(ask(asked))) == DOCUMENT
    assert ["temperature" in call.body["inferenceConfig"] for call in bedrock.calls] == [True, False, False]
    assert all("outputConfig" in call.body for call in bedrock.calls)
    [warning] = [record.getMessage() for record in caplog.records]
    assert "LLM_TEMPERATURE" in warning
    assert whose in warning


def test_a_temperature_and_native_output_can_both_be_left_out(bedrock: Bedrock) -> None:
    """Three calls are what an answer can cost."""
    bedrock.play(
        [Refuse("ValidationException", TEMPERATURE[0].text)],
        [Refuse("ValidationException", NATIVE_OUTPUT[0].text)],
        complete_answer(DOCUMENT),
    )
    calls = Calls()

    assert text(list(model().ask("Why?", calls, None))) == DOCUMENT
    assert calls.count == 3
    assert "outputConfig" not in bedrock.calls[2].body
    assert "temperature" not in bedrock.calls[2].body["inferenceConfig"]


def test_a_rejection_after_a_temperature_was_left_out_is_the_answer(bedrock: Bedrock) -> None:
    """The first one has been dealt with. It is not remembered: no call was accepted."""
    bedrock.answer = lambda call: [
        Refuse(
            "ValidationException",
            (TEMPERATURE if "temperature" in call.body["inferenceConfig"] else MAX_TOKENS)[0].text,
        )
    ]
    asked = model()
    for _ in range(2):
        with pytest.raises(ModelMisconfigured) as caught:
            list(ask(asked))
        assert caught.value.reason == "max_tokens"

    assert ["temperature" in call.body["inferenceConfig"] for call in bedrock.calls] == [True, False, True, False]


@pytest.mark.parametrize("message", BETA[0].forms().values())
def test_a_beta_that_is_rejected_is_left_out_from_then_on(bedrock: Bedrock, message: str) -> None:
    bedrock.play([Refuse("ValidationException", message)], complete_answer(DOCUMENT))
    asked = model(structured_output="tool")

    assert text(list(ask(asked))) == DOCUMENT
    assert text(list(ask(asked))) == DOCUMENT
    assert ["additionalModelRequestFields" in call.body for call in bedrock.calls] == [True, False, False]


def test_the_beta_goes_to_claude_alone(bedrock: Bedrock) -> None:
    """Every other model refuses the field. Behind a profile it is sent if the setting says that a Claude is there."""
    bedrock.profiles = {PROFILE: OPUS}
    bedrock.play(complete_answer(DOCUMENT))
    for variables in (
        {"model_id": "amazon.nova-pro-v1:0"},
        {"model_id": PROFILE},
        {"model_id": PROFILE, "profile_model": "anthropic.claude-opus-4-6-v1"},
    ):
        assert text(list(ask(model(None, structured_output="tool", **variables)))) == DOCUMENT

    assert ["additionalModelRequestFields" in call.body for call in bedrock.calls] == [False, False, True]


@pytest.mark.parametrize(
    ("variables", "sent"),
    [
        ({"model_id": PROFILE}, None),
        ({"model_id": PROFILE, "profile_model": OPUS}, None),
        ({"model_id": PROFILE, "profile_model": "anthropic.claude-haiku-4-5-20251001-v1:0"}, 0.7),
        ({"model_id": "amazon.nova-pro-v1:0"}, None),
        ({"model_id": "anthropic.claude-opus-6"}, None),
        ({"model_id": "amazon.nova-pro-v1:0", "temperature": "0.2"}, 0.2),
        ({"model_id": "anthropic.claude-haiku-4-5-20251001-v1:0", "temperature": "none"}, None),
        ({"model_id": OLD_MODEL}, 0.7),
    ],
)
def test_only_a_model_that_is_known_to_take_a_temperature_gets_one_that_nobody_set(
    bedrock: Bedrock, variables: dict[str, str], sent: float | None
) -> None:
    """``none`` sends none to any. A profile in front of Claude 4.7 or later would refuse every request."""
    bedrock.profiles = {PROFILE: variables.get("profile_model", OPUS)}
    bedrock.play(complete_answer(DOCUMENT))

    assert text(list(ask(model(None, **variables)))) == DOCUMENT
    assert bedrock.called().body["inferenceConfig"].get("temperature") == sent
    assert bedrock.refusals == []


def test_a_temperature_that_is_set_for_an_unknown_profile_is_sent_until_it_is_rejected(bedrock: Bedrock) -> None:
    bedrock.profiles = {PROFILE: OPUS}
    bedrock.play(complete_answer(DOCUMENT))
    asked = model(model_id=PROFILE, temperature="0.2")
    list(ask(asked))
    list(ask(asked))

    assert len(bedrock.refusals) == 1
    assert len(bedrock.calls) == 2


def test_a_model_that_cannot_be_forced_to_call_a_tool_fails_at_start() -> None:
    with pytest.raises(SettingsError, match="cannot be forced to call a tool"):
        converse(model_id="us.anthropic.claude-opus-5-5", structured_output="tool")


def test_a_forced_tool_streams_its_input(bedrock: Bedrock) -> None:
    bedrock.play(complete_answer(DOCUMENT))
    events = list(ask(model(structured_output="tool")))

    body = bedrock.called().body
    assert body["toolConfig"]["toolChoice"] == {"tool": {"name": "answer"}}
    assert body["additionalModelRequestFields"] == {"anthropic_beta": ["fine-grained-tool-streaming-2025-05-14"]}
    assert text(events) == DOCUMENT
    assert Stop("tool_use", Verdict.GOOD) in events


@pytest.mark.parametrize(
    ("variables", "sent"),
    [
        ({"model_id": "us.anthropic.claude-opus-5"}, 8_000),
        ({"model_id": "us.anthropic.claude-opus-5", "max_tokens": "50"}, 50),
        ({"model_id": PROFILE, "profile_model": OPUS}, 8_000),
        ({"model_id": PROFILE}, 2_000),
    ],
)
def test_the_model_decides_on_the_limit_of_tokens_that_nobody_set(
    bedrock: Bedrock, variables: dict[str, str], sent: int
) -> None:
    bedrock.profiles = {PROFILE: OPUS}
    bedrock.play(complete_answer(DOCUMENT))
    list(ask(model(None, **variables)))

    assert bedrock.called().body["inferenceConfig"]["maxTokens"] == sent


@pytest.mark.parametrize("strategy", ["native", "prompt"])
def test_effort_and_thinking_go_with_every_mechanism(bedrock: Bedrock, strategy: str) -> None:
    bedrock.play(complete_answer(DOCUMENT))
    asked = model(model_id="us.anthropic.claude-opus-4-8", thinking="on", effort="xhigh", structured_output=strategy)

    assert text(list(ask(asked))) == DOCUMENT
    fields = {"thinking": {"type": "adaptive"}, "output_config": {"effort": "xhigh"}}
    assert bedrock.called().body["additionalModelRequestFields"] == fields


def test_effort_goes_with_the_betas_of_a_forced_tool_and_of_an_older_model(bedrock: Bedrock) -> None:
    bedrock.play(complete_answer(DOCUMENT))
    asked = model(model_id="anthropic.claude-opus-4-5-20251101-v1:0", effort="low", structured_output="tool")

    assert text(list(ask(asked))) == DOCUMENT
    assert bedrock.called().body["additionalModelRequestFields"] == {
        "output_config": {"effort": "low"},
        "anthropic_beta": ["effort-2025-11-24", "fine-grained-tool-streaming-2025-05-14"],
    }


def test_no_temperature_that_nobody_set_goes_to_a_model_that_is_to_think(bedrock: Bedrock) -> None:
    """While it thinks, it accepts none but 1."""
    bedrock.play(complete_answer(DOCUMENT))
    list(ask(model(model_id="anthropic.claude-opus-4-6-v1", thinking="on")))

    assert bedrock.called().body["inferenceConfig"] == {"maxTokens": 8000}


@pytest.mark.parametrize(
    ("message", "reason"),
    [(text, "effort") for wording in EFFORT for text in wording.forms().values()]
    + [(text, "thinking") for wording in THINKING for text in wording.forms().values()],
)
def test_a_refusal_of_effort_or_thinking_does_not_cost_the_native_output(
    bedrock: Bedrock, message: str, reason: str
) -> None:
    """The sentences name the output configuration too; a second call would be refused like the first."""
    bedrock.play([Refuse("ValidationException", message)])
    with pytest.raises(ModelMisconfigured) as caught:
        list(ask(model()))

    assert caught.value.reason == reason
    assert len(bedrock.calls) == 1


@pytest.mark.parametrize(("cache", "point"), [("5m", POINT), ("1h", HOUR_POINT)])
@pytest.mark.parametrize("strategy", ["native", "tool", "prompt"])
def test_the_instructions_end_with_a_cache_point(
    bedrock: Bedrock, cache: str, point: dict[str, Any], strategy: str
) -> None:
    bedrock.play(complete_answer(DOCUMENT))
    list(ask(model(cache=cache, structured_output=strategy)))
    [instructions, last] = bedrock.called().body["system"]

    assert instructions["text"].startswith("Explain.")
    assert ("JSON Schema" in instructions["text"]) is (strategy == "prompt")
    assert last == point


@pytest.mark.parametrize(("strategy", "kinds"), [("native", []), ("tool", []), ("prompt", ["text", "cachePoint"])])
def test_without_instructions_only_a_schema_in_their_place_is_cached(strategy: str, kinds: list[str]) -> None:
    settings = read_settings({"LLM_CACHE": "5m", "LLM_STRUCTURED_OUTPUT": strategy})
    made = Converse(settings, Answer.model_json_schema(), " ")
    sent = made.request(made.form, "Why?", None)

    assert [kind for block in sent.get("system", []) for kind in block] == kinds


@pytest.mark.parametrize("strategy", ["native", "tool", "prompt"])
def test_what_is_to_be_cached_is_as_long_as_the_instructions_and_the_schema(strategy: str) -> None:
    schema = Answer.model_json_schema()
    settings = read_settings({"LLM_CACHE": "5m", "LLM_STRUCTURED_OUTPUT": strategy})
    cached = Converse(settings, schema, 1000 * "a").characters_to_cache()

    assert 1000 + len(json.dumps(schema)) - 100 < cached < 1000 + 2 * len(json.dumps(schema)) + 400
    assert converse(structured_output=strategy).characters_to_cache() == 0


def test_instructions_of_a_prompt_are_cached_too(bedrock: Bedrock) -> None:
    bedrock.play(complete_answer(DOCUMENT))
    list(ask(model(cache="5m"), prompt=conversation(Prompt("Why?", instructions="Be brief."))))

    assert bedrock.called().body["system"] == [{"text": "Be brief."}, POINT]


def test_turns_are_cached_for_five_minutes_behind_instructions_of_an_hour(bedrock: Bedrock) -> None:
    """The service refuses a longer time behind a shorter one, and more than four points."""
    bedrock.play(complete_answer(DOCUMENT))
    asked = conversation(
        Prompt([Message(role, "Yes.", cache=True) for role in ("user", "assistant", "user", "assistant", "user")])
    )
    list(ask(model(cache="1h"), prompt=asked))
    body = bedrock.called().body

    assert body["system"][-1] == HOUR_POINT
    cached = [{"text": "Yes."}, POINT]
    assert [message["content"] for message in body["messages"]] == [*2 * [[{"text": "Yes."}]], *3 * [cached]]
    assert bedrock.refusals == []


@pytest.mark.parametrize(
    ("parts", "kinds"),
    [
        (["Read it.", Document(PDF)], ["text", "document", "cachePoint"]),
        (["Read it.", Document(DOCX)], ["text", "cachePoint", "document"]),
        ([Document(DOCX), "Read it."], ["document", "text", "cachePoint"]),
        ([Document(PDF), "Read both.", Document(DOCX)], ["document", "text", "cachePoint", "document"]),
    ],
)
def test_a_cache_point_is_not_behind_a_document_that_the_service_rewrites(
    bedrock: Bedrock, parts: list[Part], kinds: list[str]
) -> None:
    bedrock.play(complete_answer(DOCUMENT))
    list(ask(model(), prompt=conversation(Prompt([Message("user", parts, cache=True)]))))

    assert [kind for block in bedrock.called().body["messages"][0]["content"] for kind in block] == kinds
    assert bedrock.refusals == []


def test_what_a_second_attempt_adds_is_behind_every_cache_point(bedrock: Bedrock) -> None:
    bedrock.play(complete_answer(DOCUMENT))
    list(ask(model(cache="5m"), AnswerNotJson(), prompt=conversation(CACHED)))
    body = bedrock.called().body

    assert body["system"] == [{"text": "Explain."}, POINT]
    assert [*body["messages"][0]["content"][0]] == ["text"]
    assert body["messages"][0]["content"][1] == POINT
    assert "not one JSON document" in body["messages"][0]["content"][2]["text"]


def test_cache_points_that_are_rejected_are_left_out_from_then_on(
    bedrock: Bedrock, caplog: pytest.LogCaptureFixture
) -> None:
    """That nothing is cached then is no news of the service: the usage says nothing of it."""
    bedrock.play([Refuse(CACHING[0].code, CACHING[0].text)], complete_answer(DOCUMENT))
    asked = model(cache="5m")
    events = [list(ask(asked, prompt=conversation(CACHED))) for _ in range(2)]

    assert ["cachePoint" in json.dumps(call.body) for call in bedrock.calls] == [True, False, False]
    assert [event for each in events for event in each if isinstance(event, Usage)] == 2 * [Usage(12, 7)]
    assert [entry.message for entry in caplog.records] == ["the model rejected cache points; nothing is cached now"]


def test_usage_says_of_the_cache_what_the_service_counts(bedrock: Bedrock) -> None:
    """Nothing if nothing was to be cached, zeros if it was too short, then what is written and what is read."""
    bedrock.play([Fragment(DOCUMENT), script.Stop(), script.Usage(1, 2)])
    long = conversation(Prompt([Message("user", 6000 * "cats ", cache=True)]))
    asked = model()
    counted = [list(ask(asked, prompt=prompt))[-1] for prompt in ("Why?", conversation(CACHED), long, long)]
    written = counted[2].cache_write_tokens if isinstance(counted[2], Usage) else None

    assert written is not None
    assert written > 4096
    assert counted == [Usage(1, 2), Usage(1, 2, 0, 0), Usage(1, 2, 0, written), Usage(1, 2, written, 0)]


def test_an_hour_on_a_model_that_knows_five_minutes_fails_at_start() -> None:
    with pytest.raises(SettingsError, match=r"LLM_CACHE must be 5m or none: .*claude-3-5-sonnet"):
        converse(model_id=OLD_MODEL, cache="1h")
    converse(model_id=OLD_MODEL, cache="5m")


def test_a_guardrail_goes_with_the_call(bedrock: Bedrock) -> None:
    bedrock.play(complete_answer(DOCUMENT))
    list(ask(model(guardrail="g1:3", guardrail_streaming="async")))

    assert bedrock.called().body["guardrailConfig"] == {
        "guardrailIdentifier": "g1",
        "guardrailVersion": "3",
        "trace": "enabled",
        "streamProcessingMode": "async",
    }


@pytest.mark.parametrize(
    ("previous", "words"),
    [(AnswerInvalid("/keywords/1", "string_type"), "/keywords/1"), (AnswerNotJson(), "not one JSON document")],
)
def test_a_second_attempt_names_what_was_wrong(
    bedrock: Bedrock, previous: AnswerInvalid | AnswerNotJson, words: str
) -> None:
    bedrock.play(complete_answer(DOCUMENT))
    list(ask(model(), previous))

    assert words in bedrock.called().prompt


@pytest.mark.parametrize(
    ("model_id", "temperature", "sent"),
    [
        ("anthropic.claude-haiku-4-5-20251001-v1:0", "0", {"temperature": 0.0}),
        ("anthropic.claude-haiku-4-5-20251001-v1:0", "", {"temperature": 0.7}),
        ("us.anthropic.claude-opus-5", "", {}),
    ],
)
def test_a_temperature_is_sent_if_the_model_accepts_one(
    bedrock: Bedrock, model_id: str, temperature: str, sent: dict[str, float]
) -> None:
    bedrock.play(complete_answer(DOCUMENT))
    list(ask(model(model_id=model_id, temperature=temperature)))

    inference = bedrock.called().body["inferenceConfig"]
    assert {name: value for name, value in inference.items() if name != "maxTokens"} == sent


def test_a_temperature_for_a_model_that_accepts_none_fails_at_start() -> None:
    with pytest.raises(SettingsError, match="LLM_TEMPERATURE"):
        converse(model_id="us.anthropic.claude-opus-5", temperature="0.2")


def test_native_output_for_a_schema_that_it_cannot_express_fails_at_start() -> None:
    settings = read_settings({"LLM_STRUCTURED_OUTPUT": "native"})

    with pytest.raises(SettingsError, match="LLM_STRUCTURED_OUTPUT"):
        Converse(settings, {"type": "object", "additionalProperties": {"type": "string"}}, "")


OPEN = {"type": "object", "additionalProperties": {"type": "string"}}
CLOSED = {"type": "object", "properties": {"a": {"type": "string"}}}
NEW = "anthropic.claude-haiku-4-5-20251001-v1:0"
AUTO, NATIVE, TOOL, PROMPT = (StructuredOutput(name) for name in ("auto", "native", "tool", "prompt"))


@pytest.mark.parametrize(
    ("wanted", "model_id", "schema", "chosen"),
    [
        (AUTO, NEW, CLOSED, NATIVE),
        (AUTO, NEW, OPEN, PROMPT),
        (AUTO, OLD_MODEL, CLOSED, PROMPT),
        (AUTO, OLD_MODEL, OPEN, PROMPT),
        (AUTO, "anthropic.claude-sonnet-4-6", CLOSED, PROMPT),
        (NATIVE, "anthropic.claude-sonnet-4-6", CLOSED, NATIVE),
        (NATIVE, NEW, CLOSED, NATIVE),
        (NATIVE, OLD_MODEL, CLOSED, NATIVE),
        (TOOL, NEW, CLOSED, TOOL),
        (TOOL, OLD_MODEL, OPEN, TOOL),
        (PROMPT, NEW, CLOSED, PROMPT),
        (PROMPT, OLD_MODEL, OPEN, PROMPT),
    ],
)
def test_the_strategy_follows_from_the_setting_the_model_and_the_schema(
    wanted: StructuredOutput, model_id: str, schema: dict[str, Any], chosen: StructuredOutput
) -> None:
    """The schema is rewritten for native output alone; in the instructions it is text."""
    strategy, shaped = choose_strategy(wanted, model_id, schema)

    assert strategy is chosen
    assert shaped == {NATIVE: {**CLOSED, "additionalProperties": False}, TOOL: schema, PROMPT: None}[chosen]


@pytest.mark.parametrize("model_id", [NEW, OLD_MODEL])
def test_native_output_that_the_schema_rules_out_is_an_error(model_id: str) -> None:
    with pytest.raises(SettingsError, match="LLM_STRUCTURED_OUTPUT"):
        choose_strategy(NATIVE, model_id, OPEN)


class Node(BaseModel):
    name: str
    children: list["Node"] = []


ROOTS_THAT_ARE_NO_OBJECT: list[Any] = [list[Answer], Answer | Node, Annotated[str, Field(min_length=1)], Literal["a"]]


def test_a_class_that_contains_itself_is_sent_as_a_tool_with_an_object_at_its_root(bedrock: Bedrock) -> None:
    """The service does not follow a reference at the root."""
    bedrock.play(complete_answer('{"name": "a", "children": []}'))
    settings = read_settings({"LLM_STRUCTURED_OUTPUT": "tool"})
    converse = Converse(settings, TypeAdapter(Node).json_schema(), "Explain.")
    client = make_client(shared_session())
    list(BedrockModel(converse, client).ask("Why?", Calls(), None))
    client.close()

    schema = bedrock.called().body["toolConfig"]["tools"][0]["toolSpec"]["inputSchema"]["json"]
    assert schema["type"] == "object"
    assert schema["properties"]["children"]["items"] == {"$ref": "#/$defs/Node"}
    assert schema["$defs"]["Node"]["type"] == "object"
    assert bedrock.refusals == []


@pytest.mark.parametrize("schema", [TypeAdapter(root).json_schema() for root in ROOTS_THAT_ARE_NO_OBJECT])
def test_a_root_that_is_no_object_cannot_be_the_input_of_a_tool(schema: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match="LLM_STRUCTURED_OUTPUT must be prompt"):
        choose_strategy(TOOL, NEW, schema)
