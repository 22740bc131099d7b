"""What function and component agree on: the settings read from text, and the text that reads back."""

import pytest

from function.contract import SETTINGS, Outcome, SettingsError, as_text, margin, parsed, read_settings, variable


def test_every_setting_has_a_default_that_it_accepts() -> None:
    settings = read_settings({})
    assert settings.max_tokens == 2000
    assert settings.publish_outcomes == {Outcome.COMPLETED}
    assert settings.store is None


def test_a_setting_is_read_from_the_variable_of_its_name() -> None:
    assert variable("max_tokens") == "LLM_MAX_TOKENS"
    assert read_settings({"LLM_MAX_TOKENS": "800"}).max_tokens == 800


def test_an_empty_variable_counts_as_missing() -> None:
    assert read_settings({"LLM_BODY_LIMIT": ""}) == read_settings({})


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


def test_the_margin_is_ten_seconds_or_a_fifth_of_a_shorter_time() -> None:
    assert margin(120) == 10
    assert margin(20) == 4
