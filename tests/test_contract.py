"""What function and component agree on: the settings read from text, and the text that reads back."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from function.contract import (
    SETTINGS,
    Authorization,
    Destination,
    Guardrail,
    GuardrailStreaming,
    SettingsError,
    StructuredOutput,
    as_text,
    margin,
    parsed,
    read_settings,
    variable,
)


def test_an_empty_environment_serves() -> None:
    """A bundle that is started with nothing but Lambda's own variables works."""
    settings = read_settings({})

    assert settings.model_id == "global.anthropic.claude-haiku-4-5-20251001-v1:0"
    assert settings.structured_output is StructuredOutput.AUTO
    assert settings.guardrail is None
    assert settings.temperature == "auto"
    assert settings.max_tokens is None
    assert settings.body_limit is None
    assert settings.allowed_origins == ()
    assert settings.capture_content is False
    assert settings.publish_outcomes == {"completed"}
    assert settings.sink == Destination("log", "")
    assert settings.store is None
    assert (settings.first_event_timeout, settings.head_within, settings.heartbeat) == (290, 10, 3)
    assert settings.max_attempts == 1
    assert (settings.authorization, settings.caller_fields) == (Authorization.NONE, ())
    assert (settings.prepare, settings.prepare_timeout) == (None, None)
    assert settings.services == ()
    assert (settings.fallback_models, settings.fallback_after) == ((), None)


def test_a_setting_is_read_from_the_variable_of_its_name() -> None:
    assert variable("max_tokens") == "LLM_MAX_TOKENS"
    assert read_settings({"LLM_MAX_TOKENS": "800"}).max_tokens == 800


def test_an_empty_variable_counts_as_missing() -> None:
    assert read_settings({"LLM_BODY_LIMIT": ""}) == read_settings({})


def test_every_variable_is_read() -> None:
    settings = read_settings(
        {
            "LLM_MODEL_ID": "m",
            "LLM_FALLBACK_MODELS": "us.b-v1:0, arn:aws:bedrock:us-east-1:1:application-inference-profile/c",
            "LLM_FALLBACK_AFTER": "1",
            "LLM_STRUCTURED_OUTPUT": "tool",
            "LLM_AUTHORIZATION": "apiKey",
            "LLM_CALLER_FIELDS": "id, claims.custom:tenant",
            "LLM_GUARDRAIL": "arn:aws:bedrock:eu-west-1:1:guardrail/g:DRAFT",
            "LLM_GUARDRAIL_STREAMING": "async",
            "LLM_SCHEMA": "schemas.billing:Invoice",
            "LLM_REQUEST": "schemas:Ask",
            "LLM_INSTRUCTIONS": "schemas:TEXT",
            "LLM_TEMPERATURE": "0.2",
            "LLM_MAX_TOKENS": "10",
            "LLM_BODY_LIMIT": "11",
            "LLM_ALLOWED_ORIGINS": "https://a.example, http://localhost:3000",
            "LLM_START_PADDING": "12",
            "LLM_CAPTURE_CONTENT": "true",
            "LLM_PUBLISH_OUTCOMES": "completed,invalid",
            "LLM_SINK": "sns:arn:aws:sns:eu-west-1:1:topic",
            "LLM_STORE": "dynamodb:records",
            "LLM_MAX_ATTEMPTS": "3",
            "LLM_FIRST_EVENT_TIMEOUT": "25",
            "LLM_HEAD_WITHIN": "7.5",
            "LLM_HEARTBEAT": "0.5",
            "LLM_STAGES": "tracing:span,evaluation:score",
            "LLM_STAGE_TIMEOUT": "1.5",
            "LLM_STAGE_CONTENT": "true",
            "LLM_PREPARE": "tenants:prepare",
            "LLM_PREPARE_TIMEOUT": "2.5",
            "LLM_SERVICES": "s3,bedrock-agent-runtime",
            "LLM_ROUTES": "routes.json",
        }
    )

    assert settings.model_id == "m"
    profile = "arn:aws:bedrock:us-east-1:1:application-inference-profile/c"
    assert (settings.fallback_models, settings.fallback_after) == (("us.b-v1:0", profile), 1)
    assert settings.structured_output is StructuredOutput.TOOL
    assert settings.authorization is Authorization.API_KEY
    assert settings.caller_fields == ("id", "claims.custom:tenant")
    assert settings.guardrail == Guardrail("arn:aws:bedrock:eu-west-1:1:guardrail/g", "DRAFT")
    assert settings.guardrail_streaming is GuardrailStreaming.ASYNC
    assert (settings.schema, settings.request) == ("schemas.billing:Invoice", "schemas:Ask")
    assert settings.instructions == "schemas:TEXT"
    assert settings.temperature == 0.2
    assert (settings.max_tokens, settings.body_limit, settings.start_padding) == (10, 11, 12)
    assert settings.allowed_origins == ("https://a.example", "http://localhost:3000")
    assert settings.capture_content is True
    assert settings.publish_outcomes == {"completed", "invalid"}
    assert settings.sink == Destination("sns", "arn:aws:sns:eu-west-1:1:topic")
    assert settings.store == Destination("dynamodb", "records")
    assert (settings.max_attempts, settings.first_event_timeout) == (3, 25)
    assert (settings.head_within, settings.heartbeat) == (7.5, 0.5)
    assert settings.stages == ("tracing:span", "evaluation:score")
    assert (settings.stage_timeout, settings.stage_content) == (1.5, True)
    assert (settings.prepare, settings.prepare_timeout) == ("tenants:prepare", 2.5)
    assert settings.services == ("s3", "bedrock-agent-runtime")
    assert settings.routes == "routes.json"


def test_time_is_kept_for_own_stages_only_where_there_are_some() -> None:
    assert read_settings({"LLM_STAGE_TIMEOUT": "3"}).seconds_of_own_stages == 0
    assert read_settings({"LLM_STAGES": "a:b"}).seconds_of_own_stages == 2
    assert margin(120, 2) == 12


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("FALLBACK_MODELS", "a,a"),
        ("FALLBACK_MODELS", "a,b,c,d"),
        ("FALLBACK_MODELS", "a, "),
        ("FALLBACK_AFTER", "0.5"),
        ("STRUCTURED_OUTPUT", "sometimes"),
        ("AUTHORIZATION", "basic"),
        ("AUTHORIZATION", "apikey"),
        ("CALLER_FIELDS", "name"),
        ("CALLER_FIELDS", "id,id"),
        ("CALLER_FIELDS", "claims."),
        ("CALLER_FIELDS", "claims.a:b,claims.a-b"),
        ("CALLER_FIELDS", "id,claims.a,claims.b,claims.c,claims.d"),
        ("CALLER_FIELDS", f"claims.{'a' * 101}"),
        ("GUARDRAIL", "g"),
        ("GUARDRAIL", "g:latest"),
        ("GUARDRAIL_STREAMING", "later"),
        ("SCHEMA", "Invoice"),
        ("REQUEST", "a:b:c"),
        ("STAGES", "tracing"),
        ("STAGES", "a:b,a:b"),
        ("STAGES", ",".join(f"stage:n{number}" for number in range(9))),
        ("STAGE_TIMEOUT", "0"),
        ("PREPARE", "prepare"),
        ("PREPARE_TIMEOUT", "0"),
        ("STAGE_CONTENT", "yes"),
        ("SERVICES", "s3,s3"),
        ("SERVICES", "Amazon S3"),
        ("TEMPERATURE", "1.1"),
        ("TEMPERATURE", "nan"),
        ("MAX_TOKENS", "0"),
        ("MAX_TOKENS", "many"),
        ("BODY_LIMIT", "-1"),
        ("ALLOWED_ORIGINS", "example.com"),
        ("ALLOWED_ORIGINS", "https://a.example/path"),
        ("START_PADDING", "-1"),
        ("CAPTURE_CONTENT", "yes"),
        ("PUBLISH_OUTCOMES", "completed,rejected"),
        ("SINK", "mail:box"),
        ("SINK", "sns"),
        ("STORE", "dynamodb:"),
        ("MAX_ATTEMPTS", "0"),
        ("FIRST_EVENT_TIMEOUT", "inf"),
        ("HEAD_WITHIN", "0"),
        ("HEAD_WITHIN", "soon"),
        ("HEARTBEAT", "0"),
    ],
)
def test_a_wrong_value_is_named_with_its_variable(name: str, value: str) -> None:
    """The message has the variable, what was expected and the value."""
    with pytest.raises(SettingsError, match=rf"^LLM_{name} must be .+; got {re.escape(repr(value))}\.$"):
        read_settings({f"LLM_{name}": value})


@given(st.dictionaries(st.sampled_from([variable(name) for name in SETTINGS]), st.text(max_size=12)))
def test_any_environment_is_settings_or_an_error_that_names_a_variable(environment: dict[str, str]) -> None:
    try:
        read_settings(environment)
    except SettingsError as error:
        assert str(error).split(" ", 1)[0] in environment  # noqa: PT017 - either way is right


@pytest.mark.parametrize("name", [name for name in SETTINGS if name != "model_id"])
def test_a_value_that_cannot_be_used_is_answered_with_what_was_expected(name: str) -> None:
    with pytest.raises(SettingsError) as error:
        read_settings({variable(name): "?!"})
    assert str(error.value) == f"{variable(name)} must be {SETTINGS[name].expected}; got '?!'."


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("capture_content", True, "true"),
        ("temperature", 0.5, "0.5"),
        ("max_tokens", 800, "800"),
        ("allowed_origins", ("https://a.example", "https://b.example"), "https://a.example,https://b.example"),
        ("allowed_origins", (), "none"),
        ("structured_output", "tool", "tool"),
    ],
)
def test_the_text_of_a_value_reads_back_as_the_value(name: str, value: object, text: str) -> None:
    assert as_text(value) == text
    assert parsed(name, text) == value


@pytest.mark.parametrize(("seconds", "kept"), [(900, 10), (120, 10), (50, 10), (30, 6), (20, 4), (5, 1), (0, 0)])
def test_the_margin_is_ten_seconds_or_a_fifth_of_a_shorter_time(seconds: float, kept: float) -> None:
    assert margin(seconds) == kept
