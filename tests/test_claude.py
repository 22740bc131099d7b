import pytest

from function.claude import claude_version, takes_native_schema, takes_temperature


@pytest.mark.parametrize(
    ("model_id", "version", "native", "temperature"),
    [
        ("global.anthropic.claude-haiku-4-5-20251001-v1:0", (4, 5), True, True),
        ("anthropic.claude-opus-4-6-v1", (4, 6), True, True),
        ("us.anthropic.claude-opus-4-7", (4, 7), True, False),
        ("us.anthropic.claude-opus-5", (5, 0), True, False),
        ("eu.anthropic.claude-sonnet-5-5", (5, 5), True, False),
        ("anthropic.claude-sonnet-4-20250514-v1:0", (4, 0), False, True),
        ("anthropic.claude-opus-4-1-20250805-v1:0", (4, 1), False, True),
        ("anthropic.claude-3-5-sonnet-20241022-v2:0", (3, 5), False, True),
        (
            "arn:aws:bedrock:eu-west-1:123456789012:inference-profile/eu.anthropic.claude-opus-4-6-v1",
            (4, 6),
            True,
            True,
        ),
        ("arn:aws:bedrock:eu-west-1:123456789012:application-inference-profile/a1b2c3", None, True, True),
        ("amazon.nova-pro-v1:0", None, False, True),
    ],
)
def test_what_an_id_tells(model_id: str, version: tuple[int, int] | None, *, native: bool, temperature: bool) -> None:
    """The family and version decide what is worth trying, and what would be refused."""
    assert claude_version(model_id) == version
    assert takes_native_schema(model_id) is native
    assert takes_temperature(model_id) is temperature
