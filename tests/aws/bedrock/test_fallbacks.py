"""What each of several models is sent."""

from function.aws.bedrock.fallbacks import differences, settings_by_model
from function.contract import Settings, StructuredOutput, read_settings
from function.schema import Answer

HAIKU = "anthropic.claude-haiku-4-5-20251001-v1:0"
OPUS = "anthropic.claude-opus-5-5"
OTHER = "meta.llama3-70b"


def settings(**given: str) -> Settings:
    return read_settings({f"LLM_{name.upper()}": value for name, value in given.items()})


def test_a_model_that_follows_has_the_settings_without_what_it_does_not_take() -> None:
    first, opus, other = settings_by_model(
        settings(model_id=HAIKU, fallback_models=f"{OPUS},{OTHER}", temperature="0.2", structured_output="tool")
    )
    assert (first.model_id, first.temperature, first.structured_output) == (HAIKU, 0.2, StructuredOutput.TOOL)
    assert (opus.model_id, opus.temperature, opus.structured_output) == (OPUS, None, StructuredOutput.AUTO)
    assert (other.model_id, other.temperature, other.structured_output) == (OTHER, 0.2, StructuredOutput.TOOL)


def test_the_model_behind_the_first_ones_profile_is_not_that_of_another() -> None:
    profile = "arn:aws:bedrock:us-east-1:1:application-inference-profile/c"
    first, other = settings_by_model(settings(model_id=profile, profile_model=OPUS, fallback_models=HAIKU))
    assert (first.profile_model, other.profile_model) == (OPUS, None)


def test_the_differences_are_those_of_what_is_sent_also_where_nothing_is_set() -> None:
    given = settings(model_id=HAIKU, fallback_models=f"{OPUS},global.{HAIKU}", effort="none")
    assert dict(differences(given, Answer.model_json_schema())) == {
        OPUS: ["LLM_TEMPERATURE is none in place of 0.7", "LLM_MAX_TOKENS is 8000 in place of 2000"]
    }


def test_every_setting_has_a_text_that_can_be_compared() -> None:
    given = settings(model_id=OPUS, fallback_models=HAIKU, effort="max")
    [(_, texts)] = differences(given, Answer.model_json_schema())
    assert "LLM_EFFORT is none in place of max" in texts
    assert all(text.split(" ")[0] in {f"LLM_{name.upper()}" for name in Settings._fields} for text in texts)
