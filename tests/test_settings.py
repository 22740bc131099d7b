"""The environment: defaults that work, and a sentence that names the variable where a value does not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from function.settings import Guardrail, SettingsError, StructuredOutput, Target, load, read_settings

VARIABLES = [
    "MODEL_ID", "STRUCTURED_OUTPUT", "GUARDRAIL", "GUARDRAIL_STREAMING", "SCHEMA", "REQUEST", "INSTRUCTIONS",
    "TEMPERATURE", "MAX_TOKENS", "BODY_LIMIT", "ALLOWED_ORIGINS", "START_PADDING", "CAPTURE_CONTENT",
    "PUBLISH_OUTCOMES", "SINK", "STORE", "MAX_ATTEMPTS", "FIRST_EVENT_TIMEOUT", "HEARTBEAT",
]  # fmt: skip


def test_an_empty_environment_serves() -> None:
    """A bundle that is started with nothing but Lambda's own variables works."""
    settings = read_settings({})

    assert settings.model_id == "global.anthropic.claude-haiku-4-5-20251001-v1:0"
    assert settings.structured_output is StructuredOutput.AUTO
    assert settings.guardrail is None
    assert settings.temperature is None
    assert settings.max_tokens == 2000
    assert settings.body_limit == 65_536
    assert settings.allowed_origins == ()
    assert settings.capture_content is False
    assert settings.publish_outcomes == {"completed"}
    assert settings.sink == Target("log", "")
    assert settings.store is None
    assert settings.first_event_timeout == 290
    assert settings.max_attempts == 1


def test_every_variable_is_read() -> None:
    settings = read_settings(
        {
            "LLM_MODEL_ID": "m",
            "LLM_STRUCTURED_OUTPUT": "tool",
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
            "LLM_HEARTBEAT": "0.5",
        }
    )

    assert settings.model_id == "m"
    assert settings.structured_output is StructuredOutput.TOOL
    assert settings.guardrail == Guardrail("arn:aws:bedrock:eu-west-1:1:guardrail/g", "DRAFT", "async")
    assert (settings.schema, settings.request) == ("schemas.billing:Invoice", "schemas:Ask")
    assert settings.instructions == "schemas:TEXT"
    assert settings.temperature == 0.2
    assert (settings.max_tokens, settings.body_limit, settings.start_padding) == (10, 11, 12)
    assert settings.allowed_origins == ("https://a.example", "http://localhost:3000")
    assert settings.capture_content is True
    assert settings.publish_outcomes == {"completed", "invalid"}
    assert settings.sink == Target("sns", "arn:aws:sns:eu-west-1:1:topic")
    assert settings.store == Target("dynamodb", "records")
    assert (settings.max_attempts, settings.first_event_timeout, settings.heartbeat) == (3, 25, 0.5)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("STRUCTURED_OUTPUT", "sometimes"),
        ("GUARDRAIL", "g"),
        ("GUARDRAIL", "g:latest"),
        ("GUARDRAIL_STREAMING", "later"),
        ("SCHEMA", "Invoice"),
        ("REQUEST", "a:b:c"),
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
        ("SINK", "sqs:queue"),
        ("SINK", "sns"),
        ("STORE", "dynamodb:"),
        ("MAX_ATTEMPTS", "0"),
        ("FIRST_EVENT_TIMEOUT", "inf"),
        ("HEARTBEAT", "0"),
    ],
)
def test_a_wrong_value_is_named(name: str, value: str) -> None:
    """The sentence has the variable, the value and what it may be."""
    with pytest.raises(SettingsError, match=rf"^LLM_{name} is '.*'; it may be .+"):
        read_settings({f"LLM_{name}": value})


@given(st.dictionaries(st.sampled_from([f"LLM_{name}" for name in VARIABLES]), st.text(max_size=12)))
def test_any_environment_is_settings_or_a_sentence(environment: dict[str, str]) -> None:
    try:
        read_settings(environment)
    except SettingsError as error:
        assert str(error).split(" ", 1)[0] in environment  # noqa: PT017 - either way is right


@pytest.mark.parametrize("reference", ["no_such_module:Name", "json:NoSuchName"])
def test_a_name_that_is_not_there_is_told_with_its_variable(reference: str) -> None:
    with pytest.raises(SettingsError, match=f"^LLM_SCHEMA is '{reference}', which should be a model: "):
        load("LLM_SCHEMA", reference, "a model")
